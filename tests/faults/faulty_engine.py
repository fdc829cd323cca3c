"""A Unix socket between the tool and a real engine, on which chosen answers are spoilt or an event happens first."""

import contextlib
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

Connection = socket.socket
Fault = Callable[[Connection, Callable[[], bytes]], None]
"""Is given the connection of the tool, and what fetches the real engine's whole answer."""
KINDS = (("version", r"/version"), ("inspect", r"/images/.+/json"), ("export", r"/images/.+/get"), ("info", r"/info"))


@dataclass
class FaultyEngine:
    """A running one."""

    path: Path
    real: Path
    faults: Mapping[tuple[str, int], Fault]
    """By the kind of request and how many of that kind came before; -1 is each of them."""
    asked: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"unix://{self.path}"

    def answer(self, connection: Connection) -> None:
        """Answers the one request of this connection."""
        request = _head(connection)
        if not request:  # the tool tries the socket once before it asks
            return
        target = request.split(b" ", 2)[1].decode()
        kind = next((name for name, form in KINDS if re.search(form + r"(\?|$)", target)), "other")
        before = self.asked.count(kind)
        self.asked.append(kind)
        fault = self.faults.get((kind, before)) or self.faults.get((kind, -1)) or hand_on
        fault(connection, lambda: self._fetched(request))

    def _fetched(self, request: bytes) -> bytes:
        request = re.sub(rb"(?im)^connection:[^\r\n]*\r\n", b"", request)
        with socket.socket(socket.AF_UNIX) as engine:
            engine.settimeout(30)
            engine.connect(str(self.real))
            engine.sendall(request.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
            return b"".join(iter(lambda: engine.recv(65536), b""))


@contextmanager
def faulty_engine(path: Path, real: Path, faults: Mapping[tuple[str, int], Fault]) -> Iterator[FaultyEngine]:
    """The engine on a socket at `path`; `real` is that of the true one."""
    engine = FaultyEngine(path, real, faults)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen(16)
        threading.Thread(target=_serve, args=(listening, engine), daemon=True).start()
        try:
            yield engine
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            path.unlink(missing_ok=True)


def _serve(listening: socket.socket, engine: FaultyEngine) -> None:
    while True:
        try:
            connection, _ = listening.accept()
        except OSError:  # shut down
            return
        threading.Thread(target=_answer, args=(connection, engine), daemon=True).start()


def _answer(connection: Connection, engine: FaultyEngine) -> None:
    with connection, contextlib.suppress(OSError):  # the tool may hang up whenever it likes
        engine.answer(connection)


def _head(connection: Connection) -> bytes:
    received = b""
    while b"\r\n\r\n" not in received:
        part = connection.recv(65536)
        if not part:
            return b""
        received += part
    return received


def hand_on(connection: Connection, fetch: Callable[[], bytes]) -> None:
    """No fault."""
    connection.sendall(fetch())


def close(_: Connection, __: Callable[[], bytes]) -> None:
    """The connection ends without a byte."""


def cut(connection: Connection, fetch: Callable[[], bytes]) -> None:
    """The connection ends within the body."""
    answer = fetch()
    head = answer.index(b"\r\n\r\n") + 4
    connection.sendall(answer[: head + (len(answer) - head) // 2])


def black_hole(connection: Connection, _: Callable[[], bytes]) -> None:
    """Nothing is ever said."""
    connection.settimeout(100)
    connection.recv(1)


def a_byte_a_second(connection: Connection, fetch: Callable[[], bytes]) -> None:
    """The real answer, slowly."""
    for byte in fetch():
        connection.sendall(bytes([byte]))
        time.sleep(1)


def endless(connection: Connection, _: Callable[[], bytes]) -> None:
    """A JSON text that never ends."""
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{"a":"')
    while True:
        connection.sendall(b"a" * 65536)


def endless_head(connection: Connection, _: Callable[[], bytes]) -> None:
    """Headers that never end."""
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"X-Header: " + b"a" * 1000 + b"\r\n")


def saying(body: bytes, status: str = "200 OK", *headers: str) -> Fault:
    """This answer in place of the real one."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]

    def say(connection: Connection, _: Callable[[], bytes]) -> None:
        connection.sendall("\r\n".join(lines).encode() + body)

    return say


def raw(content: bytes) -> Fault:
    """These bytes in place of an answer."""
    return lambda connection, _: connection.sendall(content)


def changed(change: Callable[[bytes], bytes]) -> Fault:
    """The real answer with another body."""

    def say(connection: Connection, fetch: Callable[[], bytes]) -> None:
        saying(change(body_of(fetch())))(connection, fetch)

    return say


def body_of(answer: bytes) -> bytes:
    """The body of a whole answer, put together if it came in chunks."""
    head, _, rest = answer.partition(b"\r\n\r\n")
    if b"chunked" not in head.lower():
        return rest
    body = b""
    while True:
        size, _, rest = rest.partition(b"\r\n")
        if int(size, 16) == 0:
            return body
        body, rest = body + rest[: int(size, 16)], rest[int(size, 16) + 2 :]


def after(event: Callable[[], object], then: Fault = hand_on) -> Fault:
    """The fault, once something else has happened."""

    def say(connection: Connection, fetch: Callable[[], bytes]) -> None:
        event()
        then(connection, fetch)

    return say
