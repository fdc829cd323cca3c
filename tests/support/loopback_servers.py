"""Real servers on loopback that answer as a test says, down to the byte."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator

from tests.support.center import Canned

Speak = Callable[[socket.socket], None]


def said(answer: Canned, connection: str = "close") -> Speak:
    """The whole answer at once, and what becomes of the connection."""
    lines = [f"HTTP/1.1 {answer.status} -", *(f"{name}: {value}" for name, value in answer.headers.items())]
    head = "\r\n".join([*lines, f"content-length: {len(answer.body)}", f"connection: {connection}", "", ""])
    return lambda peer: peer.sendall(head.encode() + answer.body)


class LoopbackServer:
    """Reads one request from each connection, keeps its bytes, and lets `speak` answer."""

    def __init__(self, speak: Speak, context: ssl.SSLContext | None = None) -> None:
        self.requests: list[bytes] = []
        self._speak, self._context = speak, context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http{'' if self._context is None else 's'}://127.0.0.1:{self.port}"

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                with contextlib.suppress(OSError), self._secured(connection) as secured:
                    self.requests.append(_read_request(secured))
                    self._speak(secured)

    def _secured(self, connection: socket.socket) -> socket.socket:
        connection.settimeout(10)
        if self._context is None:
            return connection
        try:
            return self._context.wrap_socket(connection, server_side=True)
        except OSError:
            connection.close()
            raise


def _read_request(connection: socket.socket) -> bytes:
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65536) or b"\r\n\r\n"
    head, _, body = received.partition(b"\r\n\r\n")
    lengths = [int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    while len(body) < sum(lengths):
        body += connection.recv(65536) or b"\0" * sum(lengths)
    return head + b"\r\n\r\n" + body


@contextlib.contextmanager
def loopback_servers() -> Iterator[Callable[..., LoopbackServer]]:
    """Starts loopback servers, each with a canned answer or a function that speaks over the connection."""
    servers: list[LoopbackServer] = []

    def start(answer: Canned | Speak, context: ssl.SSLContext | None = None) -> LoopbackServer:
        servers.append(LoopbackServer(said(answer) if isinstance(answer, Canned) else answer, context))
        return servers[-1]

    yield start
    for server in servers:
        server.close()
