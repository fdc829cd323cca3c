"""The way to the endpoint over real sockets: certificates of one's own, a real CONNECT proxy, closed ports."""

import contextlib
import socket
import ssl
import threading
import time
from datetime import datetime, timedelta

import pytest
import trustme

from jenkins_scan.doctor import network
from jenkins_scan.doctor.way import why
from jenkins_scan.errors import ServiceUnreachable
from jenkins_scan.security_center.endpoints import Endpoint
from tests.support.center import Canned
from tests.support.engine_certificates import LONG_AGO, PAST
from tests.support.loopback_servers import loopback_servers

HOST = "tds.cn-shanghai.aliyuncs.com"
CLOUD = Endpoint(f"https://{HOST}")
AUTHORITY = trustme.CA(organization_name="Example Authority")
NOW = time.time()


@pytest.fixture
def start():
    with loopback_servers() as start:
        yield start


@pytest.fixture
def bundle(tmp_path):
    path = tmp_path / "ca.pem"
    AUTHORITY.cert_pem.write_to_path(str(path))
    return str(path)


def context(*names, issuer=AUTHORITY, **dates):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issuer.issue_cert(*(names or ("127.0.0.1",)), **dates).configure_cert(made)
    return made


def fails(*arguments, **named):
    with pytest.raises(ServiceUnreachable) as caught:
        network.check(*arguments, now=NOW, **named)
    assert caught.value.exit_code == 15
    assert caught.value.remedy
    return caught.value.message


def test_the_issuer_of_the_certificate_and_its_days_are_told(start, bundle):
    server = start(Canned(), context(not_after=datetime.now() + timedelta(days=50, hours=1)))  # noqa: DTZ005
    outcome = network.check(Endpoint(server.url), bundle, {}, now=NOW)
    assert outcome.status == "OK"
    assert outcome.seen.startswith(f"127.0.0.1 is 127.0.0.1; TCP to port {server.port}, TLSv1.")
    assert "O=Example Authority" in outcome.seen
    assert outcome.seen.endswith("good for 50 more days.")


def test_a_certificate_that_is_about_to_expire_is_a_warning(start, bundle):
    server = start(Canned(), context(not_after=datetime.now() + timedelta(days=3)))  # noqa: DTZ005
    assert network.check(Endpoint(server.url), bundle, {}, now=NOW).status == "WARN"


def test_plain_http_on_this_machine_has_no_tls(start):
    server = start(Canned())
    assert network.check(Endpoint(server.url), None, {}, now=NOW).seen.endswith("no TLS.")


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (
            lambda: context(not_before=LONG_AGO, not_after=PAST),
            "its certificate, or one that it depends on, expired on 2024-01-01. It was issued by O=Example Authority",
        ),
        (
            lambda: context(not_before=datetime(2190, 1, 1), not_after=datetime(2191, 1, 1)),  # noqa: DTZ001
            "is not valid yet",
        ),
        (lambda: context("other.example.com"), "not for this host; it is for other.example.com"),
        (
            lambda: context(issuer=trustme.CA(organization_name="Proxy Inc")),
            "not signed by an authority that is trusted here. It was issued by O=Proxy Inc",
        ),
    ],
)
def test_a_certificate_that_is_not_accepted_says_why(start, bundle, made, says):
    message = fails(Endpoint(start(Canned(), made()).url), bundle, {})
    assert message.startswith("TLS: 127.0.0.1: ")
    assert says in message


@contextlib.contextmanager
def one_visit(speak):
    """A port that takes one connection, and is closed from then on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            connection, _ = listener.accept()
            listener.close()
            with connection, contextlib.suppress(OSError):
                speak(connection)

        port = listener.getsockname()[1]
        thread = threading.Thread(target=serve)
        thread.start()
        yield port
        thread.join()


def test_a_certificate_that_is_shown_only_once_is_not_described(bundle):
    server = context("other.example.com")
    with one_visit(lambda connection: server.wrap_socket(connection, server_side=True).close()) as port:
        message = fails(Endpoint(f"https://127.0.0.1:{port}"), bundle, {})
    assert message == "TLS: 127.0.0.1: its certificate is not for this host."


@pytest.mark.parametrize(
    ("said", "told"), [(b"HTTP/1.1 400 no\r\n\r\n", "does not speak TLS"), (b"", "the handshake failed")]
)
def test_what_does_not_answer_in_tls_is_told(bundle, said, told):
    def speak(connection):
        connection.recv(65536)
        connection.sendall(said)

    with one_visit(speak) as port:
        assert told in fails(Endpoint(f"https://127.0.0.1:{port}"), bundle, {})


def test_a_closed_port_is_told():
    message = fails(Endpoint("http://127.0.0.1:1"), None, {})
    assert message == "TCP: no connection to 127.0.0.1 port 1: Connection refused."


def test_a_name_that_does_not_resolve_is_told():
    assert fails(CLOUD, None, {}).startswith(f"DNS: the endpoint {HOST} does not resolve: ")
    message = fails(CLOUD, None, {"HTTPS_PROXY": "http://proxy.invalid:1"})
    assert message.startswith("DNS: the proxy proxy.invalid does not resolve: ")


@pytest.mark.parametrize(
    ("exc", "word"),
    [
        (TimeoutError(), "no answer within 3 s"),
        (ssl.SSLError(1, "[X] y"), "sslerror"),
        (OSError(113, "No route to host"), "No route to host"),
        (ValueError("canary"), "ValueError"),
    ],
)
def test_the_systems_own_word_is_used(exc, word):
    assert why(exc) == word


class TestProxy:
    """A tunnel by CONNECT, as a company's proxy gives it."""

    @pytest.fixture
    def proxy(self, start):
        """Starts a proxy that answers CONNECT with this status and, with 200, leads to `server`."""

        def make(status, server=None):
            def speak(connection):
                connection.sendall(f"HTTP/1.1 {status} canary-text\r\n\r\n".encode())
                if server is not None:
                    with socket.create_connection(("127.0.0.1", server.port)) as other:
                        back = threading.Thread(target=pump, args=(other, connection))
                        back.start()
                        pump(connection, other)
                        back.join()

            return start(speak)

        return make

    def test_the_endpoint_is_reached_through_it_with_its_user(self, start, proxy, bundle):
        through = proxy(200, start(Canned(), context(HOST)))
        environ = {"HTTPS_PROXY": f"http://us%40er:canary-pw@127.0.0.1:{through.port}"}
        outcome = network.check(CLOUD, bundle, environ, now=NOW)
        assert outcome.status == "OK"
        assert f"tunnel of the proxy http://127.0.0.1:{through.port} from HTTPS_PROXY (user information" in outcome.seen
        assert "O=Example Authority" in outcome.seen
        assert "canary" not in outcome.seen
        head = through.requests[0].decode()
        assert head.startswith(f"CONNECT {HOST}:443 ")
        assert "Proxy-Authorization: Basic dXNAZXI6Y2FuYXJ5LXB3" in head

    def test_a_proxy_that_replaces_the_certificate_is_named_by_its_authority(self, start, proxy, bundle):
        forged = start(Canned(), context(HOST, issuer=trustme.CA(organization_name="Proxy Inc")))
        environ = {"HTTPS_PROXY": f"http://127.0.0.1:{proxy(200, forged).port}"}
        assert "O=Proxy Inc" in fails(CLOUD, bundle, environ)

    @pytest.mark.parametrize(("status", "login"), [(407, True), (403, False)])
    def test_a_proxy_that_refuses_is_told_without_its_own_words(self, proxy, status, login):
        environ = {"ALL_PROXY": f"http://127.0.0.1:{proxy(status).port}"}
        with pytest.raises(ServiceUnreachable) as caught:
            network.check(CLOUD, None, environ, now=NOW)
        assert f"refuses the way to the endpoint with HTTP {status}." in caught.value.message
        assert "canary" not in caught.value.message
        assert ("user and password" in caught.value.remedy) == login

    def test_a_proxy_that_is_not_there_is_told(self):
        message = fails(CLOUD, None, {"HTTPS_PROXY": "http://user:canary-pw@127.0.0.1:1"})
        assert message.startswith("the proxy http://127.0.0.1:1 from HTTPS_PROXY (user information hidden) cannot be")
        assert "Connection refused" in message
        assert "canary" not in message

    def test_a_proxy_that_answers_nonsense_is_told(self, start):
        server = start(lambda connection: connection.sendall(b"nonsense\r\n"))
        assert "gives no tunnel" in fails(CLOUD, None, {"HTTPS_PROXY": f"http://127.0.0.1:{server.port}"})

    def test_a_proxy_with_tls_of_its_own_is_left_to_the_next_lines(self):
        outcome = network.check(CLOUD, None, {"HTTPS_PROXY": "https://127.0.0.1:1"}, now=NOW)
        assert outcome.status == "OK"
        assert "whose own TLS the next lines try" in outcome.seen


def pump(source, target):
    with contextlib.suppress(OSError):
        while part := source.recv(65536):
            target.sendall(part)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
