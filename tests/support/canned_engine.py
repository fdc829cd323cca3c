"""An engine made of canned answers, on a Unix socket or on loopback with or without TLS."""

import json
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

Answers = Mapping[str, "tuple[int, Any] | Any"]
"""By path, as requested, with its query; a value is a JSON body, or a status with a body."""


@dataclass
class CannedEngine:
    """A running one: where it is, and what it was asked."""

    url: str
    requests: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    answers: Answers = field(default_factory=dict)


@contextmanager
def engine_on_socket(path: Path, answers: Answers) -> Iterator[CannedEngine]:
    """An engine on a Unix socket."""
    yield from _serving(_UnixServer(str(path), _Handler), CannedEngine(f"unix://{path}"), answers)


@contextmanager
def engine_on_port(answers: Answers, tls: ssl.SSLContext | None = None, port: int = 0) -> Iterator[CannedEngine]:
    """An engine on a loopback port; 0 takes a free one."""
    server = _TCPServer(("127.0.0.1", port), _Handler)
    server.tls = tls
    yield from _serving(server, CannedEngine(f"tcp://127.0.0.1:{server.server_address[1]}"), answers)


class _TCPServer(ThreadingHTTPServer):
    tls: ssl.SSLContext | None = None
    engine: CannedEngine
    answers: Answers
    daemon_threads = False

    def finish_request(self, request, client_address):
        if self.tls is None:
            super().finish_request(request, client_address)
            return
        try:
            with self.tls.wrap_socket(request, server_side=True) as wrapped:
                super().finish_request(wrapped, client_address)
        except OSError:
            request.close()  # the client did not like us, which is what some tests are about

    def handle_error(self, request, client_address):
        """A client that hung up is no news."""


class _UnixServer(_TCPServer):
    address_family = socket.AF_UNIX

    def server_bind(self):
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = "localhost", 0

    def server_close(self):
        super().server_close()
        Path(self.server_address).unlink()

    def get_request(self):
        connection, _ = super().get_request()
        return connection, ("unix", 0)


class _Handler(BaseHTTPRequestHandler):
    server: _TCPServer
    protocol_version = "HTTP/1.1"  # as engines speak it: several answers on one connection
    wbufsize = -1  # an answer in one piece: in two, each would wait for an acknowledgement

    def do_GET(self):
        engine = self.server.engine
        engine.requests.append(self.path)
        engine.headers.append(dict(self.headers.items()))
        answer = self.server.answers.get(self.path, (404, {"message": f"no such image: {self.path}"}))
        status, body = answer if isinstance(answer, tuple) else (200, answer)
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        if status in (301, 302, 307):
            self.send_header("Location", content.decode())
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args):
        """Silent: the requests are recorded."""


def _serving(server: _TCPServer, engine: CannedEngine, answers: Answers) -> Iterator[CannedEngine]:
    server.engine, server.answers, engine.answers = engine, answers, answers
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield engine
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
