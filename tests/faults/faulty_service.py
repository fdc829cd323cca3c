"""Security Center on a loopback port of the test: it answers as the sandbox does, and spoils what it is told to spoil.

Each exchange of the tool has a connection of its own, so that a connection can be spoilt by its number, before
anybody knows what would have been asked on it.
"""

import contextlib
import itertools
import json
import socket
import ssl
import struct
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from jenkins_scan.sandbox.messages import Reply
from jenkins_scan.sandbox.scenarios import SCENARIOS, Scenario
from jenkins_scan.sandbox.service import SandboxService
from jenkins_scan.sandbox.state import State
from jenkins_scan.security_center.client import CREATE
from tests.faults.bed import KEYS, Done, environ, run
from tests.support.canaries import TOKEN, leaks
from tests.support.images import write_docker_archive

QUOTA = "DescribeImageScanAuthCount"
INSTANCES = "DescribeImageInstances"
RECORDS = "DescribeOnceTaskLeafRecordPage"
POLLS = (INSTANCES, RECORDS, "DescribeImageLatestScanTask")
LIST = "DescribeImageVulList"
NAME = "registry.example.com:5000/team/app:1"
DIGEST = "d" * 64
EVERY = 10**6
"""More exchanges than there are."""
LONG = 60.0
"""Seconds: beyond every limit of the tool."""


@dataclass(frozen=True)
class Seen:
    """A request as it came."""

    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def operation(self) -> str:
        return self.headers.get("x-acs-action", "")


@dataclass
class Exchange:
    """One request of the tool, and the connection on which it waits for an answer."""

    connection: socket.socket
    request: Seen
    service: SandboxService
    over: threading.Event

    def answer(self) -> Reply:
        """What the sandbox says; the operation takes effect."""
        answer = self.service.handle("POST", self.request.target, self.request.headers, self.request.body)
        assert isinstance(answer, Reply)
        return answer

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def hold(self, seconds: float) -> None:
        """Says nothing for so long, or until the test is over."""
        self.over.wait(seconds)

    def reset(self) -> None:
        reset(self.connection)


Fault = Callable[[Exchange], None]


def written(answer: Reply, *, version: str = "1.1", length: int | None = None, connection: str = "close") -> bytes:
    """The answer as it goes over the wire; `length` is what it says that its length is."""
    lines = [f"HTTP/{version} {answer.status} -", *(f"{name}: {value}" for name, value in answer.headers.items())]
    lines += [f"content-length: {len(answer.body) if length is None else length}", f"connection: {connection}"]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + answer.body


def sound(exchange: Exchange) -> None:
    """Nothing is spoilt."""
    exchange.send(written(exchange.answer()))


def told(answer: Reply, **changes: Any) -> dict[str, Any]:
    """The body of an answer, with some of its fields changed."""
    return json.loads(answer.body) | changes


def with_body(answer: Reply, body: Mapping[str, Any] | bytes) -> Reply:
    return replace(answer, body=body if isinstance(body, bytes) else json.dumps(body).encode())


def reset(connection: socket.socket) -> None:
    """Ends it with a RST: what was not read yet is lost to the other side."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@dataclass(frozen=True)
class Spoil:
    """Which exchanges of an operation end as the fault has it: `times` of them, from the one at place `first` on."""

    operations: str | Sequence[str]
    fault: Fault
    times: int = 1
    first: int = 0

    def strikes(self, operation: str, place: int) -> bool:
        named = (self.operations,) if isinstance(self.operations, str) else self.operations
        return operation in named and self.first <= place < self.first + self.times


@dataclass
class FaultyService:
    """The service; as a context manager it serves. `opened` and `seen` are its ledger."""

    spoils: Sequence[Spoil] = ()
    scenario: Scenario = SCENARIOS["clean"]
    refused_after: str | None = None
    """The operation after whose first answer nobody listens any more."""
    reset_at: int | None = None
    """The number, from 0, of the connection that is reset before a byte was read from it."""
    tls: Callable[[int], ssl.SSLContext | None] = lambda _: None
    """What it shows on each connection, by its number."""
    host: str = "127.0.0.1"
    seen: list[Seen] = field(default_factory=list)
    _state: State = field(default_factory=State)
    _over: threading.Event = field(default_factory=threading.Event)
    _places: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Self:
        self._service = SandboxService(self.scenario, self._state, keys=KEYS, token=TOKEN)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.refuse()
        self._state.close()

    @property
    def url(self) -> str:
        return f"http{'' if self.tls(0) is None else 's'}://{self.host}:{self.port}"

    @property
    def opened(self) -> list[str]:
        """The ids of all tasks that it accepted."""
        return [task.task_id for task in self._state.tasks()]

    def asked(self, operation: str) -> int:
        """How often that was."""
        return sum(seen.operation == operation for seen in self.seen)

    def refuse(self) -> None:
        """From here on nobody listens: a connection is refused."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            for number in itertools.count():
                connection, _ = self._listener.accept()
                if number == self.reset_at:
                    reset(connection)
                else:
                    threading.Thread(target=self._attend, args=(connection, number), daemon=True).start()

    def _attend(self, connection: socket.socket, number: int) -> None:
        with contextlib.suppress(OSError), contextlib.closing(connection):
            connection.settimeout(LONG)
            context = self.tls(number)
            secured = connection if context is None else context.wrap_socket(connection, server_side=True)
            with contextlib.closing(secured):
                self._exchange(secured)

    def _exchange(self, connection: socket.socket) -> None:
        request = read_request(connection)
        with self._lock:
            self.seen.append(request)
            place = self._places[request.operation]
            self._places[request.operation] += 1
        struck = (spoil.fault for spoil in self.spoils if spoil.strikes(request.operation, place))
        if self.refused_after == request.operation:
            self.refuse()
        next(struck, sound)(Exchange(connection, request, self._service, self._over))
        drain(connection)


def drain(connection: socket.socket) -> None:
    """Lets the other side take what was sent, and waits for it to hang up: a plain close could become a RST."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(1)
        while connection.recv(65536):
            pass


def read_request(connection: socket.socket) -> Seen:
    """The whole request. Raises `OSError` when it ends before its end."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += _more(connection)
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length", "0")):
        body += _more(connection)
    return Seen(first.split(" ")[1], headers, body)


def _more(connection: socket.socket) -> bytes:
    data = connection.recv(65536)
    if not data:
        raise ConnectionError
    return data


def scanned(service: FaultyService, folder: Path, *arguments: str, **options: Any) -> Done:
    """A scan with a gate that asks this service. No secret was in what it asked, but the token where it belongs."""
    write_docker_archive(folder / "app.tar", NAME)
    report = folder / "scan-report"
    named = ("--endpoint", service.url, "--report-dir", str(report), "--fail-on", "high", *arguments)
    archive = f"docker-archive://{folder / 'app.tar'}"
    env = environ() | options.pop("env", {})
    done = run("-vv", "scan", archive, *named, env=env, folder=folder, report=report, **options)
    assert leaks("\n".join(seen.target for seen in service.seen)) == []
    for seen in service.seen:
        expected = ["JENKINS_SCAN_TOKEN"] if seen.operation == CREATE else []
        assert leaks(seen.body.decode("latin-1")) == expected
    return done
