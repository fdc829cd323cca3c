"""A client that signs like any other, and can be told to do it wrong."""

import hashlib
import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import pytest

from jenkins_scan import sandbox
from jenkins_scan.sandbox.messages import Dropped, Reply
from jenkins_scan.sandbox.scenarios import SCENARIOS, Scenario
from jenkins_scan.sandbox.service import SandboxService
from jenkins_scan.sandbox.state import State
from jenkins_scan.security_center.signing import ALGORITHM, canonical_query, canonical_request_hash, signature

CREATE = "CreateJenkinsImageScanTask"
NOON = 1_735_819_200.0  # 2025-01-02T12:00:00Z


def acs_date(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


class FakeClock:
    """A clock that stands still until it is set."""

    def __init__(self, now: float = NOON) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@dataclass
class Plan:
    """One request before it is signed; what a test changes here is signed as it is, unless it says otherwise."""

    action: str = CREATE
    date: str = acs_date(NOON)
    method: str = "POST"
    path: str = "/"
    version: str = "2018-12-03"
    query: dict[str, str] = field(default_factory=dict)
    form: dict[str, str] = field(default_factory=dict)
    key_id: str = sandbox.ACCESS_KEY_ID
    secret: str = sandbox.ACCESS_KEY_SECRET
    security_token: str | None = None
    nonce: str = field(default_factory=lambda: uuid.uuid4().hex)
    host: str = "127.0.0.1:8080"
    extra_headers: dict[str, str] = field(default_factory=dict)
    unsigned: set[str] = field(default_factory=set)
    left_out: set[str] = field(default_factory=set)
    received_body: bytes | None = None
    received_headers: dict[str, str] = field(default_factory=dict)
    scenario: dict[str, Any] = field(default_factory=dict)

    def request(self) -> tuple[str, str, Mapping[str, str], bytes]:
        """Method, raw target, headers and body as the server receives them."""
        body = urlencode(self.form).encode()
        query = canonical_query(self.query)
        headers = {
            "host": self.host,
            "accept": "application/json",
            "x-acs-action": self.action,
            "x-acs-version": self.version,
            "x-acs-date": self.date,
            "x-acs-signature-nonce": self.nonce,
            "x-acs-content-sha256": hashlib.sha256(body).hexdigest(),
            **({"content-type": "application/x-www-form-urlencoded"} if body else {}),
            **({"x-acs-security-token": self.security_token} if self.security_token is not None else {}),
            **self.extra_headers,
        }
        headers = {name: value for name, value in headers.items() if name not in self.left_out}
        signed = sorted(set(headers) - self.unsigned - {"accept"})
        hashed = canonical_request_hash(query, headers, signed, hashlib.sha256(body).hexdigest(), method=self.method)
        headers["authorization"] = (
            f"{ALGORITHM} Credential={self.key_id},SignedHeaders={';'.join(signed)},"
            f"Signature={signature(self.secret, hashed)}"
        )
        received = body if self.received_body is None else self.received_body
        return self.method, f"{self.path}?{query}" if query else self.path, headers | self.received_headers, received


@dataclass(frozen=True)
class Answer:
    """A reply with its body read as JSON."""

    reply: Reply

    @property
    def status(self) -> int:
        return self.reply.status

    @property
    def body(self) -> Any:
        return json.loads(self.reply.body)

    @property
    def refusal(self) -> tuple[int, str]:
        return self.status, self.body["Code"]


class Bench:
    """A service under a scenario, with its state and clock at hand."""

    def __init__(self, state: State, clock: FakeClock, scenario: Mapping[str, Any]) -> None:
        self.state = state
        self.clock = clock
        self.service = SandboxService(Scenario.model_validate({"name": "test", **scenario}), state, now=clock)

    def send(self, plan: Plan) -> Answer:
        answer = self.service.handle(*plan.request())
        assert isinstance(answer, Reply)
        return Answer(answer)

    def drops(self, plan: Plan) -> bool:
        return self.service.handle(*plan.request()) == Dropped()

    def create(self, **form: str) -> Answer:
        return self.send(self.plan_create(**form))

    def plan_create(self, **form: str) -> Plan:
        named = form or {"Digest": "a" * 64}
        return Plan(date=acs_date(self.clock()), form={"Token": sandbox.TOKEN, **named})

    def quota(self) -> Any:
        return self.ask("DescribeImageScanAuthCount").body["ImageScan"]

    def ask(self, action: str, **query: str) -> Answer:
        return self.send(Plan(action=action, date=acs_date(self.clock()), query=query))

    def tasks(self, digest: str = "a" * 64) -> Any:
        return self.ask("DescribeImageLatestScanTask", Digest=digest).body["Task"]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def state() -> Iterator[State]:
    with State() as state:
        yield state


@pytest.fixture
def bench(state: State, clock: FakeClock) -> Callable[..., Bench]:
    return lambda **scenario: Bench(state, clock, scenario)


@pytest.fixture
def ready_made(bench: Callable[..., Bench]) -> Callable[..., Bench]:
    """A bench, a new one or the given one, under the ready-made scenario of this name."""

    def under(name: str, here: Bench | None = None) -> Bench:
        here = here or bench()
        here.service = SandboxService(SCENARIOS[name], here.state, now=here.clock)
        return here

    return under


@pytest.fixture
def plan() -> type[Plan]:
    return Plan
