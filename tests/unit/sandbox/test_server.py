"""The sandbox on a loopback port survives whatever is sent to it."""

import http.client
import io
import logging
import socket
import ssl
import threading
from urllib.parse import urlsplit

import httpx
import pytest
from pydantic import SecretStr

from jenkins_scan import sandbox
from jenkins_scan.errors import ConfigurationError
from jenkins_scan.sandbox.scenarios import SCENARIOS
from jenkins_scan.sandbox.server import LARGEST_BODY, FramingError, SandboxServer, body_length
from jenkins_scan.sandbox.service import SandboxService
from jenkins_scan.security_center.credentials import Credentials
from jenkins_scan.security_center.signing import AcsV3Auth

CREDENTIALS = Credentials(sandbox.ACCESS_KEY_ID, SecretStr(sandbox.ACCESS_KEY_SECRET), None)
HEADERS = {"x-acs-action": "CreateJenkinsImageScanTask", "x-acs-version": "2018-12-03"}
FORM = {"Token": sandbox.TOKEN, "Digest": "a" * 64}
STAMP = b"x-jenkins-scan-sandbox: 1"
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Never used: all is plain HTTP here, and loading the CAs of the world for each client takes time."""


@pytest.fixture
def serve(state):
    """Starts a server under a ready-made scenario, stops it at the end."""
    started = []

    def start(scenario="clean", host="127.0.0.1"):
        server = SandboxServer(SandboxService(SCENARIOS[scenario], state), host)
        started.append(server.__enter__())
        return server

    yield start
    for server in started:
        server.__exit__(None, None, None)


def raw(server, request):
    """All that the server says to these bytes until it closes the connection."""
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.0.0.2"])
def test_a_signed_create_opens_a_task_on_every_loopback_address(serve, state, host):
    server = serve(host=host)
    with httpx.Client(auth=AcsV3Auth(CREDENTIALS), trust_env=False, verify=NO_TLS) as client:
        replies = [client.post(server.url, headers=HEADERS, data=FORM) for _ in range(2)]
    assert [reply.status_code for reply in replies] == [200, 200]
    assert replies[0].headers["x-jenkins-scan-sandbox"] == "1"
    assert len(state.tasks()) == 2


def test_a_connection_is_kept_for_the_next_request(serve):
    address = urlsplit(serve().url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=10)
    ports = set()
    for method in ("POST", "GET", "HEAD", "PROPFIND", "POST"):
        connection.request(method, "/", body=b"x=1" if method == "POST" else None)
        ports.add(connection.sock.getsockname()[1])
        reply = connection.getresponse()
        body = reply.read()
        assert reply.status == (400 if method == "POST" else 404)
        assert reply.headers.get_all("x-jenkins-scan-sandbox") == ["1"]
        assert bool(body) == (method != "HEAD")
    connection.close()
    assert len(ports) == 1


def test_a_lost_answer_closes_the_connection_after_the_effect(serve, state):
    server = serve("lost-answer")
    with (
        httpx.Client(auth=AcsV3Auth(CREDENTIALS), trust_env=False, verify=NO_TLS) as client,
        pytest.raises(httpx.RemoteProtocolError),
    ):
        client.post(server.url, headers=HEADERS, data=FORM)
    assert len(state.tasks()) == 1


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"\x16\x03\x01\x02\x00\r\n\r\n", b"400"),
        (b"nonsense\r\n\r\n", b"400"),
        (b"POST / HTTP/9.9\r\n\r\n", b"505"),
        (b"GET /" + b"x" * 70000 + b" HTTP/1.1\r\n\r\n", b"414"),
        (b"POST / HTTP/1.1\r\nA: " + b"x" * 70000 + b"\r\n\r\n", b"431"),
        (b"POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (LARGEST_BODY + 1), b"413"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"411"),
        (b"POST / HTTP/1.0\r\n\r\n", b"400"),
        (b"PUT /x HTTP/1.1\r\nHost: \xff\r\nConnection: close\r\n\r\n", b"404"),
    ],
)
def test_a_malformed_request_gets_a_stamped_answer_and_the_server_lives(serve, capsys, request_bytes, status):
    server = serve()
    answer = raw(server, request_bytes)
    assert answer.split(b" ", 2)[1] == status
    assert STAMP in answer
    assert b"Python" not in answer
    assert httpx.get(server.url, trust_env=False, verify=NO_TLS).status_code == 404
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("request_bytes", [b"", b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nshort"])
def test_half_a_request_gets_no_answer(serve, request_bytes):
    server = serve()
    assert raw(server, request_bytes) == b""
    assert httpx.get(server.url, trust_env=False, verify=NO_TLS).status_code == 404


def test_the_largest_body_is_taken():
    headers = http.client.parse_headers(io.BytesIO(b"Content-Length: %d\r\n\r\n" % LARGEST_BODY))
    assert body_length(headers) == LARGEST_BODY


def test_two_lengths_are_none():
    headers = http.client.parse_headers(io.BytesIO(b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n"))
    with pytest.raises(FramingError, match="not one number"):
        body_length(headers)


@pytest.mark.parametrize(("error", "level"), [(ConnectionResetError(), "DEBUG"), (ValueError("bug"), "ERROR")])
def test_an_error_ends_one_connection_only_and_is_logged(state, caplog, capsys, error, level):
    def fail():
        raise error

    service = SandboxService(SCENARIOS["clean"], state, now=fail)
    with caplog.at_level(logging.DEBUG, logger="jenkins_scan"), SandboxServer(service) as server:
        assert raw(server, b"POST / HTTP/1.1\r\n\r\n") == b""
        assert raw(server, b"POST / HTTP/1.1\r\n\r\n") == b""
    assert [record.levelname for record in caplog.records if record.name.startswith("jenkins_scan")] == [level] * 2
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "example.com", "", "127.0.0.1.evil"])
def test_only_loopback_addresses_are_served(state, host):
    with pytest.raises(ConfigurationError, match="loopback"):
        SandboxServer(SandboxService(SCENARIOS["clean"], state), host)


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_that_cannot_be_is_a_configuration_error(state, port):
    with pytest.raises(ConfigurationError, match=f"port {port}"):
        SandboxServer(SandboxService(SCENARIOS["clean"], state), port=port)


def test_a_port_that_is_taken_is_a_configuration_error(serve, state):
    port = urlsplit(serve().url).port
    with pytest.raises(ConfigurationError, match="in use"):
        SandboxServer(SandboxService(SCENARIOS["clean"], state), port=port)


def test_a_server_that_never_served_can_be_shut_down(state):
    server = SandboxServer(SandboxService(SCENARIOS["clean"], state))
    server.shutdown()
    server.shutdown()


def test_serving_in_the_callers_own_thread_ends_with_shutdown(state):
    server = SandboxServer(SandboxService(SCENARIOS["clean"], state))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    assert httpx.get(server.url, trust_env=False, verify=NO_TLS).status_code == 404
    server.shutdown()
    thread.join(10)
    assert not thread.is_alive()
    with pytest.raises(httpx.ConnectError):
        httpx.get(server.url, trust_env=False, verify=NO_TLS)
