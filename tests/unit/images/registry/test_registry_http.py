import logging
import socket
import ssl
import subprocess
import sys
import threading

import httpx
import pytest
import trustme

from jenkins_scan.errors import ConfigurationError, RegistryRefused
from jenkins_scan.images.reference import parse_reference
from jenkins_scan.images.registry.access import Access
from jenkins_scan.images.registry.source import RegistrySource
from jenkins_scan.loopback import is_loopback
from tests.support import canned_registry, center
from tests.support.canned_registry import CannedRegistry, failure, serving


def resolve(registry, name=f"{canned_registry.NAME}:1", **changes):
    """The image, with the registry's own transport unless `changes` to the access say otherwise."""
    parts = {"environ": {}, "ca_bundle": None, "clock": center.FakeClock(), "redact": lambda secret: None}
    access = Access(**{**parts, "transport": registry.transport, **changes})
    return RegistrySource(parse_reference(name), access, typed=name).resolve()


OVER_THE_NETWORK = {"transport": None}


@pytest.fixture
def registry():
    registry = CannedRegistry()
    registry.push()
    return registry


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def with_tls(authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


def in_turn(*answers):
    """Gives these answers before the registry's own."""
    left = list(answers)

    def guard(request):
        answer = left.pop(0) if left else None
        if isinstance(answer, Exception):
            raise answer
        return answer

    return guard


def over(cause, kind=httpx.ConnectError):
    """An error of httpx over the system's own."""
    error = kind("canary text")
    error.__cause__ = cause
    return error


def ssl_error(reason, kind=ssl.SSLError):
    error = kind(1, "canary text")
    error.reason = reason
    return error


@pytest.mark.parametrize(
    "passing",
    [
        failure(429),
        failure(500),
        failure(503),
        center.CONNECT_ERROR,
        center.CONNECT_TIMEOUT,
        center.RESET,
        center.CLOSED,
        over(socket.gaierror(socket.EAI_AGAIN, "x")),
        over(ConnectionRefusedError(111, "x")),
    ],
)
def test_what_may_pass_is_tried_three_times(registry, passing):
    clock = center.FakeClock()
    registry.guard = in_turn(passing, passing)
    assert resolve(registry, clock=clock).identity.registry_digest
    assert clock.sleeps == [1.0, 3.0]
    clock = center.FakeClock()
    registry.guard = in_turn(passing, passing, passing)
    with pytest.raises(RegistryRefused):
        resolve(registry, clock=clock)
    assert clock.sleeps == [1.0, 3.0]


@pytest.mark.parametrize(("after", "sleeps"), [("7", [7.0]), ("0", [0.0]), ("soon", [1.0]), ("1" * 10, [1.0])])
def test_a_registry_may_say_how_long_to_wait(registry, after, sleeps):
    clock = center.FakeClock()
    registry.guard = in_turn(failure(429, retry_after=after))
    resolve(registry, clock=clock)
    assert clock.sleeps == sleeps


def test_a_registry_that_wants_a_long_wait_is_not_asked_again(registry):
    clock = center.FakeClock()
    refusal = failure(429, "TOOMANYREQUESTS", "pull limit", retry_after="3600")
    registry.guard = lambda request: refusal if request.method == "GET" else None
    with pytest.raises(RegistryRefused, match=r"HTTP 429 .*wait 3600 s\) \(TOOMANYREQUESTS: pull limit\)") as caught:
        resolve(registry, clock=clock)
    assert "mirror" in caught.value.remedy
    assert (clock.sleeps, len(registry.requests)) == ([], 2)


def test_a_registry_with_a_fault_of_its_own_says_so(registry):
    registry.guard = lambda request: httpx.Response(502, content=b"<html>Bad gateway</html>")
    with pytest.raises(RegistryRefused, match=r"HTTP 502 to every try \(it has a fault of its own\)") as caught:
        resolve(registry)
    assert "log" in caught.value.remedy


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (over(socket.gaierror(socket.EAI_NONAME, "x")), "registry.example.com does not resolve"),
        (over(ssl_error("CERTIFICATE_VERIFY_FAILED", ssl.SSLCertVerificationError)), "No TLS with .*verified against"),
        (over(ssl_error("WRONG_VERSION_NUMBER")), "does not speak TLS; plain http"),
        (over(ssl_error("RECORD_LAYER_FAILURE")), "does not speak TLS; plain http"),
        (over(ssl_error(None)), "No TLS with .*: SSLError"),
        (center.READ_TIMEOUT, "no whole answer in time"),
        (httpx.ProxyError("407 canary text"), r"The proxy did not connect to registry.example.com \(HTTP 407\)"),
        (httpx.ProxyError("canary text"), "The proxy did not connect to registry.example.com[.]"),
        (httpx.UnsupportedProtocol("canary text"), "broke off: UnsupportedProtocol"),
        (httpx.LocalProtocolError("canary text"), "broke off: LocalProtocolError"),
        (UnicodeError("canary text"), "broke off: UnicodeError"),
    ],
)
def test_what_cannot_pass_is_tried_once_and_has_its_own_words(registry, problem, words):
    registry.guard = in_turn(problem)
    with pytest.raises(RegistryRefused, match=words) as caught:
        resolve(registry)
    assert len(registry.requests) == 1
    assert "canary" not in caught.value.message
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (over(ConnectionRefusedError(111, "x")), "Nobody listens at registry.example.com: connection refused"),
        (over(OSError(113, "No route to host")), "cannot be reached: No route to host"),
        (over(ssl_error("UNEXPECTED_EOF_WHILE_READING", ssl.SSLEOFError)), "No TLS with .*UNEXPECTED_EOF"),
        (center.CLOSED, "broke off: RemoteProtocolError"),
    ],
)
def test_what_does_not_pass_after_all_has_its_own_words(registry, problem, words):
    registry.guard = in_turn(problem, problem, problem)
    with pytest.raises(RegistryRefused, match=words):
        resolve(registry)


@pytest.mark.parametrize(
    "problem", [ssl_error("WRONG_VERSION_NUMBER"), ssl_error(None, ssl.SSLEOFError), ConnectionResetError(104, "x")]
)
def test_a_registry_on_loopback_may_lack_tls(registry, problem, caplog):
    caplog.set_level(logging.INFO, "jenkins_scan")
    registry.guard = in_turn(over(problem))
    clock = center.FakeClock()
    assert resolve(registry, "localhost:443/team/app:1", clock=clock).identity.registry_digest
    assert [each.url.scheme for each in registry.requests] == ["https", "http", "http", "http"]
    assert str(registry.requests[1].url).startswith("http://localhost:443/v2/")
    assert clock.sleeps == []
    assert "plain http" in caplog.text


@pytest.mark.parametrize("kind", [httpx.ReadError, httpx.ConnectError])
def test_a_bad_certificate_or_a_broken_answer_is_no_lack_of_tls(registry, kind):
    cause = ConnectionResetError() if kind is httpx.ReadError else ssl_error("x", ssl.SSLCertVerificationError)
    registry.guard = in_turn(*[over(cause, kind)] * 3)
    with pytest.raises(RegistryRefused):
        resolve(registry, "localhost:5000/team/app:1")
    assert {each.url.scheme for each in registry.requests} == {"https"}


def test_a_real_registry_on_loopback_is_asked_without_tls_and_without_a_proxy(registry, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    with serving(registry) as host:
        assert resolve(registry, f"{host}/team/app:1", **OVER_THE_NETWORK).identity.registry_digest
    assert {each.url.scheme for each in registry.requests} == {"http"}


def test_a_proxy_that_cannot_be_followed_is_named(registry, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "socks5://127.0.0.1:1")
    with pytest.raises(ConfigurationError, match="a proxy variable cannot be followed"):
        resolve(registry, **OVER_THE_NETWORK)


@pytest.mark.parametrize("way", ["ca_bundle", "SSL_CERT_FILE", "certs.d"])
def test_an_authority_can_be_named_in_three_ways(registry, authority, with_tls, tmp_path, way):
    with serving(registry, with_tls) as host:
        folder = tmp_path / "certs.d" / host
        folder.mkdir(parents=True)
        (folder / "notes.txt").write_text("no certificate")
        bundle = folder / "ca.crt" if way == "certs.d" else tmp_path / "ca.pem"
        network = {**OVER_THE_NETWORK, "certs_folders": (tmp_path / "none", tmp_path / "certs.d")}
        with pytest.raises(RegistryRefused, match="verified against certifi's public authorities: unable to get") as no:
            resolve(registry, f"{host}/team/app:1", **network)
        assert f"/etc/docker/certs.d/{host}/ca.crt" in no.value.remedy
        authority.cert_pem.write_to_path(str(bundle))
        environ = {"SSL_CERT_FILE": str(bundle)} if way == "SSL_CERT_FILE" else {}
        named = str(bundle) if way == "ca_bundle" else None
        found = resolve(registry, f"{host}/team/app:1", environ=environ, ca_bundle=named, **network)
    assert found.identity.registry_digest
    assert len(registry.requests) == 3


@pytest.mark.parametrize(("content", "words"), [("no PEM", "not PEM"), (None, "No such file or directory")])
def test_a_bundle_that_holds_no_certificates_is_a_wrong_setting(registry, tmp_path, content, words):
    bundle = tmp_path / "ca.pem"
    if content is not None:
        bundle.write_text(content)
    with pytest.raises(ConfigurationError, match=f"--ca-bundle: .*{words}"):
        resolve(registry, "127.0.0.1:1/app:1", ca_bundle=str(bundle), **OVER_THE_NETWORK)


def test_a_broken_file_in_certs_d_is_a_wrong_setting(registry, tmp_path):
    place = tmp_path / "registry.example.com"
    place.mkdir()
    (place / "ca.crt").write_text("no PEM")
    with pytest.raises(ConfigurationError, match=r"registry.example.com/ca.crt cannot be read .* not PEM"):
        resolve(registry, **OVER_THE_NETWORK, certs_folders=(tmp_path,))


def test_a_folder_of_certs_d_that_cannot_be_read_is_a_wrong_setting(registry, tmp_path):
    (tmp_path / "registry.example.com").symlink_to("registry.example.com")  # a loop, which even root cannot follow
    with pytest.raises(ConfigurationError, match="cannot be read: Too many levels"):
        resolve(registry, **OVER_THE_NETWORK, certs_folders=(tmp_path,))


def test_an_answer_that_does_not_end_in_time_is_given_up(registry):
    released = threading.Event()

    def silent(request):
        released.wait(60)
        return failure(404)

    registry.spoil("HEAD", "manifests/1", silent)
    try:
        with pytest.raises(RegistryRefused, match="no whole answer in time"):
            resolve(registry, longest=0.02)
    finally:
        released.set()


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("127.1", False),
        ("10.0.0.1", False),
        ("localhost.example.com", False),
        ("", False),
    ],
)
def test_loopback_is_this_machine_alone(host, expected):
    assert is_loopback(host) is expected


def test_asking_a_registry_does_not_import_httpx_s_own_command_line():
    program = (
        "import jenkins_scan.images.registry.source, sys; sys.exit('rich' in sys.modules or 'docker' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
