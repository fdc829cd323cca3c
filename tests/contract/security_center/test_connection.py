"""The way to the service over real sockets: TLS, proxies, redirects, and peers that never finish."""

import ssl
import threading

import pytest
import trustme
from pydantic import SecretStr

from jenkins_scan import errors
from jenkins_scan.security_center.client import SecurityCenterClient
from jenkins_scan.security_center.connect import connect
from jenkins_scan.security_center.endpoints import Endpoint
from jenkins_scan.security_center.interface import Quota, ScanRequest
from tests.support.center import ENDPOINT, KEYS, TASK_ID, TOKEN, Canned, FakeClock, created, html, quota
from tests.support.loopback_servers import said


@pytest.fixture
def client():
    """A client of an endpoint, connected as the command connects; closed at the end."""
    opened = []

    def open_client(url, *, ca_bundle=None, environ=None):
        endpoint = Endpoint(url)
        http = connect(endpoint, KEYS, ca_bundle=ca_bundle, environ=environ or {})
        opened.append(http)
        return SecurityCenterClient(http, endpoint, SecretStr(TOKEN), FakeClock())

    yield open_client
    for http in opened:
        http.close()


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def tls(authority):
    """The server's side of TLS for 127.0.0.1."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture
def bundle(authority, tmp_path):
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


def ask_quota(client, seconds=30.0):
    return client.describe_image_scan_auth_count(deadline=1000.0 + seconds)


def test_the_authority_named_by_the_flag_vouches_for_the_endpoint(serve, client, tls, bundle):
    server = serve(quota(), tls)
    assert ask_quota(client(server.url, ca_bundle=bundle)).value == Quota(100, 10)
    assert server.requests[0].startswith(b"POST / HTTP/1.1\r\n")


def test_ssl_cert_file_is_honoured(serve, client, tls, bundle):
    server = serve(quota(), tls)
    assert ask_quota(client(server.url, environ={"SSL_CERT_FILE": bundle})).value == Quota(100, 10)


def test_the_flag_wins_over_ssl_cert_file(serve, client, tls, bundle):
    server = serve(quota(), tls)
    assert ask_quota(client(server.url, ca_bundle=bundle, environ={"SSL_CERT_FILE": "/nonexistent"})).value.capacity


@pytest.mark.parametrize("named", ["nobody", "another authority"])
def test_a_certificate_that_nobody_vouches_for_is_refused_before_anything_is_sent(serve, client, tls, tmp_path, named):
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    server = serve(quota(), tls)
    asked = client(server.url, ca_bundle=None if named == "nobody" else str(other))
    with pytest.raises(errors.ServiceUnreachable) as caught:
        asked.create_jenkins_image_scan_task(ScanRequest(), deadline=1002)
    assert caught.value.exit_code == 15
    assert "CERTIFICATE_VERIFY_FAILED" in caught.value.message
    assert "--ca-bundle" in caught.value.remedy
    assert "no way to skip verification" in caught.value.remedy
    assert server.requests == []


def test_a_certificate_for_another_host_is_refused(serve, client, authority, bundle):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("tds.example.com").configure_cert(context)
    server = serve(quota(), context)
    with pytest.raises(errors.ServiceUnreachable, match="CERTIFICATE_VERIFY_FAILED"):
        ask_quota(client(server.url, ca_bundle=bundle), 2)
    assert server.requests == []


@pytest.mark.parametrize("origin", ["--ca-bundle", "SSL_CERT_FILE"])
@pytest.mark.parametrize("content", [None, b"", b"not PEM", b"\xff\xfe"])
def test_a_ca_bundle_that_cannot_be_read_is_a_mistake_in_the_settings(client, tmp_path, origin, content):
    path = tmp_path / "bundle.pem"
    if content is not None:
        path.write_bytes(content)
    named = {"ca_bundle": str(path)} if origin == "--ca-bundle" else {"environ": {"SSL_CERT_FILE": str(path)}}
    with pytest.raises(errors.ConfigurationError, match=origin) as caught:
        client("https://127.0.0.1:1", **named)
    assert caught.value.exit_code == 2


def test_an_empty_ssl_cert_file_counts_as_unset(client):
    assert client(ENDPOINT.url, environ={"SSL_CERT_FILE": ""})


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"])
def test_loopback_is_never_asked_through_a_proxy(serve, client, monkeypatch, name):
    proxy, server = serve(html()), serve(quota())
    monkeypatch.setenv(name, proxy.url)
    assert ask_quota(client(server.url)).value == Quota(100, 10)
    assert (len(server.requests), proxy.requests) == (1, [])


def test_other_hosts_are_asked_through_the_proxy_and_its_refusal_sends_nothing(serve, client, monkeypatch):
    proxy = serve(Canned(407, b"who are you?"))
    monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("//", "//user:hunter2hunter2@"))
    with pytest.raises(errors.ServiceUnreachable) as caught:
        client(ENDPOINT.url).create_jenkins_image_scan_task(ScanRequest(), deadline=1030)
    assert len(proxy.requests) == 4
    assert all(request.startswith(b"CONNECT tds.cn-shanghai.aliyuncs.com:443 ") for request in proxy.requests)
    assert "HTTPS_PROXY" in caught.value.remedy
    assert "407" in caught.value.message
    assert "hunter2" not in caught.value.message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HTTPS_PROXY", "ftp://user:hunter2hunter2@127.0.0.1:1"),
        ("ALL_PROXY", "socks5://127.0.0.1:1"),
        ("https_proxy", "http://[::1"),
        ("HTTP_PROXY", "http://127.0.0.1:notaport"),
    ],
)
def test_a_proxy_variable_that_cannot_be_followed_is_named_without_its_value(client, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(errors.ConfigurationError) as caught:
        client(ENDPOINT.url, environ={name: value})
    assert name.upper() in caught.value.message
    assert "hunter2" not in caught.value.message
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("status", "error"),
    [
        *((status, errors.AnswerNotUnderstood) for status in (301, 302, 307, 308)),
        (303, errors.FateUnknown),  # "see other" is said of what was done: a task may exist
    ],
)
def test_a_redirect_is_not_followed(serve, client, status, error):
    second = serve(created())
    server = serve(Canned(status, b"moved", {"location": f"{second.url}/"}))
    with pytest.raises(error, match=f"HTTP {status}"):
        client(server.url).create_jenkins_image_scan_task(ScanRequest(), deadline=1030)
    assert (len(server.requests), second.requests) == (1, [])


@pytest.mark.parametrize(
    "beginning",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"H", id="one byte of the status line"),
        pytest.param(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{", id="one byte of the body"),
    ],
)
def test_a_peer_that_never_finishes_is_cut_at_the_deadline(serve, client, beginning):
    done = threading.Event()

    def drip(connection):
        connection.sendall(beginning)
        done.wait(10)

    server = serve(drip)
    try:
        with pytest.raises(errors.ServiceUnreachable, match=r"no whole answer within 0\.1 s"):
            client(server.url).describe_image_scan_auth_count(deadline=1000.1)
        assert len(server.requests) == 1
    finally:
        done.set()


def test_a_connection_that_breaks_off_is_an_unknown_fate(serve, client):
    server = serve(lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"))
    with pytest.raises(errors.FateUnknown):
        client(server.url).create_jenkins_image_scan_task(ScanRequest(), deadline=1030)
    assert len(server.requests) == 1


def test_a_port_where_nobody_listens_is_tried_four_times(serve, client):
    server = serve(quota())
    server.close()
    with pytest.raises(errors.ServiceUnreachable, match="Connection refused"):
        client(server.url).create_jenkins_image_scan_task(ScanRequest(), deadline=1030)


def test_a_create_reaches_the_server_as_it_was_signed(serve, client):
    server = serve(created())
    request = ScanRequest(repo_name="a b", jenkins_env="release")
    assert client(server.url).create_jenkins_image_scan_task(request, deadline=1030).value.task_id == TASK_ID
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /?JenkinsEnv=release HTTP/1.1\r\n")
    assert f"\r\nHost: 127.0.0.1:{server.port}\r\n".lower().encode() in head.lower()
    assert b"\r\ncontent-type: application/x-www-form-urlencoded\r\n" in head.lower()
    assert body == f"RepoName=a+b&Token={TOKEN}".encode()


def test_each_request_has_a_connection_of_its_own(serve, client):
    answer = said(quota(), connection="keep-alive")

    def ready_for_more(connection):
        answer(connection)
        while connection.recv(65536):
            answer(connection)

    server = serve(ready_for_more)
    asked = client(server.url)
    assert [ask_quota(asked).value, ask_quota(asked).value] == [Quota(100, 10)] * 2
    assert len(server.requests) == 2  # the first one of each connection
