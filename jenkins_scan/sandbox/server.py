"""The sandbox on a loopback port, for clients in other processes."""

import ipaddress
import logging
import re
import socket
import socketserver
import sys
import threading
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from jenkins_scan.errors import ConfigurationError
from jenkins_scan.sandbox import STAMP
from jenkins_scan.sandbox.messages import Dropped, Reply
from jenkins_scan.sandbox.service import SandboxService

LARGEST_BODY = 1024 * 1024
CONNECTION_SECONDS = 10
"""How long a connection may be silent, between requests and inside of one."""

log = logging.getLogger(__name__)


class SandboxServer:
    """`service` over HTTP/1.1 on a loopback address; port 0 takes a free one.

    It listens from its construction on, so `url` is good at once. As a context manager it also serves, in a thread of
    its own, and shuts down at the end. Raises `ConfigurationError` (2) for any other address, and for a port that
    cannot be had.
    """

    def __init__(self, service: SandboxService, host: str = "127.0.0.1", port: int = 0) -> None:
        address = loopback(host)
        try:
            self._http = _Listener(service, address, port)
        except (OSError, OverflowError) as exc:
            raise ConfigurationError(
                f"the sandbox cannot listen on {host} port {port}: {getattr(exc, 'strerror', None) or exc}.",
                remedy="Choose another port, or 0 for a free one.",
            ) from exc
        self._served = False

    @property
    def url(self) -> str:
        """The endpoint, such as `http://127.0.0.1:8080`."""
        host, port = self._http.server_address[:2]
        return f"http://[{host!s}]:{port}" if ":" in str(host) else f"http://{host!s}:{port}"

    def serve_forever(self) -> None:
        """Serves until `shutdown` is called from another thread, or an exception such as a signal's ends it."""
        self._served = True
        self._http.serve_forever(poll_interval=0.05)

    def shutdown(self) -> None:
        """Stops serving, if it does, and frees the port. Not from the thread that serves, unless serving has ended."""
        if self._served:
            self._http.shutdown()
        self._http.server_close()

    def __enter__(self) -> Self:
        self._served = True  # before the thread gets there: `shutdown` then waits for it
        threading.Thread(target=self.serve_forever, name="sandbox", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown()


def loopback(host: str) -> str:
    """The loopback address that `host` is. Raises `ConfigurationError` (2); names but localhost are not looked up."""
    try:
        if host == "localhost" or ipaddress.ip_address(host).is_loopback:
            return "127.0.0.1" if host == "localhost" else host
    except ValueError:
        pass
    raise ConfigurationError(
        f"the sandbox listens on loopback addresses only, and {host!r} is none.",
        remedy="Use 127.0.0.1, ::1 or localhost: its keys are public, so it must not be reachable from elsewhere.",
    )


class FramingError(Exception):
    """A request whose end is not known, or lies too far; `status` is the HTTP answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def body_length(headers: Message) -> int:
    """The length of the body in bytes. Raises `FramingError`."""
    if "transfer-encoding" in headers:
        raise FramingError(411, "The sandbox wants a Content-Length")
    lengths = headers.get_all("content-length", ["0"])
    if len(lengths) != 1 or not re.fullmatch("[0-9]{1,18}", lengths[0]):
        raise FramingError(400, "Content-Length is not one number")
    if int(lengths[0]) > LARGEST_BODY:
        raise FramingError(413, f"The sandbox takes bodies up to {LARGEST_BODY} bytes")
    return int(lengths[0])


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    """Connections that wait to be taken: more builds than five, the usual number, may come at once."""

    def __init__(self, service: SandboxService, host: str, port: int) -> None:
        self.service = service
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        """Binds without the name look-up that `HTTPServer` does for a variable nobody reads."""
        socketserver.TCPServer.server_bind(self)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002  the signature of socketserver
        """Says why a connection ended; the server goes on. A client that went away is no news."""
        gone = isinstance(sys.exc_info()[1], ConnectionError)
        log.log(logging.DEBUG if gone else logging.ERROR, "the sandbox dropped a connection", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    server: _Listener
    protocol_version = "HTTP/1.1"
    default_request_version = "HTTP/1.0"  # that of 0.9 would leave the headers out of an answer to nonsense
    timeout = CONNECTION_SECONDS
    disable_nagle_algorithm = True  # head and body are two writes

    def answer(self) -> None:
        """One request, answered by the service; the framing errors are answered here."""
        body = self._body()
        if body is None:
            return
        headers = {name: ", ".join(self.headers.get_all(name, ())) for name in self.headers}
        answer = self.server.service.handle(self.command, self.path, headers, body)
        if isinstance(answer, Dropped):
            self.close_connection = True
        else:
            self._send(answer)

    def __getattr__(self, name: str) -> Any:
        """`answer` for whatever HTTP method http.server looks up: each gets its reply in the service's words."""
        if name.startswith("do_"):
            return self.answer
        raise AttributeError(name)

    def _body(self) -> bytes | None:
        """The whole body, or None when there is none to go by and the connection ends."""
        try:
            length = body_length(self.headers)
        except FramingError as exc:
            # What follows on this connection cannot be trusted to be a request.
            self.send_error(exc.status, str(exc))
            self.close_connection = True
            return None
        body = self.rfile.read(length)
        if len(body) < length:
            self.close_connection = True
            return None
        return body

    def _send(self, reply: Reply) -> None:
        self.send_response_only(reply.status)
        for name, value in reply.headers.items():
            if name != STAMP:
                self.send_header(name, value)
        self.send_header("content-length", str(len(reply.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)

    def end_headers(self) -> None:
        """The stamp is on every reply, those of `send_error` too."""
        self.send_header(STAMP, "1")
        super().end_headers()

    def version_string(self) -> str:
        """The `Server` header: no word about the Python behind it."""
        return "jenkins-scan-sandbox"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name that http.server passes by
        """No access log: stderr belongs to the command line."""
