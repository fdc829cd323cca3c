"""One account in the sandbox that many runs share, and a wire between them on which anything can go wrong.

The steps run in this process, by a clock that nobody waits for. What an image's requests meet is planned before a run;
whatever comes of it, the ledger of the sandbox tells which tasks there really are.
"""

import io
import json
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr

from jenkins_scan import sandbox
from jenkins_scan.cli.app import App
from jenkins_scan.cli.reported import reported
from jenkins_scan.cli.signals import Interruptions
from jenkins_scan.cli.terminal import Terminal
from jenkins_scan.config.file import FileSettings
from jenkins_scan.config.registry_settings import RegistrySettings
from jenkins_scan.config.settings import Overrides, RunSettings, ScanSettings, ServiceSettings
from jenkins_scan.gate.image import Judging
from jenkins_scan.gate.policy import policy_from
from jenkins_scan.images.interface import ResolvedImage
from jenkins_scan.report.earlier import read_earlier
from jenkins_scan.sandbox.conditions import ListedFinding, Quota
from jenkins_scan.sandbox.images import Image
from jenkins_scan.sandbox.scenarios import Scenario
from jenkins_scan.sandbox.service import SandboxService
from jenkins_scan.sandbox.state import Scan, State
from jenkins_scan.sandbox.transport import SandboxTransport
from jenkins_scan.security_center.client import SecurityCenterClient
from jenkins_scan.security_center.credentials import Credentials
from jenkins_scan.security_center.endpoints import Endpoint
from jenkins_scan.security_center.registry_scans import ImageFilter
from jenkins_scan.security_center.signing import AcsV3Auth
from jenkins_scan.step.record import ImageRun, Run
from jenkins_scan.step.registry import scan_registry
from jenkins_scan.step.resume import resume
from jenkins_scan.step.scan import scan
from tests.support.center import FakeClock
from tests.support.changed_answers import STATUS
from tests.support.images import identity, resolved
from tests.support.registry_center import HoldingRegistry

KEYS = Credentials(sandbox.ACCESS_KEY_ID, SecretStr(sandbox.ACCESS_KEY_SECRET))
TIMEOUT = 20.0
"""Seconds by the clock that nobody waits for: a task takes one."""
ANOTHER_TASK = "0" * 32
GATE = Judging(policy=policy_from({}, fail_on="high"), timeout=TIMEOUT)
SERVICE = ServiceSettings(endpoint=None)
LEFT_BEHIND = frozenset({"image", "jenkins-scan exchange"})
"""Threads of a run that was aborted: what they still do belongs to it."""
HANDLED = 0.03
"""Seconds of real time in which the main thread takes notice of a signal."""


class Fault(Enum):
    """What a request meets, and whether it has taken effect then."""

    REFUSED = "no connection"
    RESET_BEFORE = "reset before its effect"
    RESET_AFTER = "reset after its effect"
    TIMEOUT_BEFORE = "no answer and no effect"
    TIMEOUT_AFTER = "no answer after its effect"
    FAILED_BEFORE = "HTTP 500 before its effect"
    FAILED_AFTER = "HTTP 500 after its effect"
    GATEWAY_BEFORE = "HTML 502 before its effect"
    GATEWAY_AFTER = "HTML 504 after its effect"
    UNAVAILABLE = "HTTP 503 ServiceUnavailable"
    THROTTLED = "HTTP 400 Throttling.User"
    TOO_MANY = "HTTP 429"
    UNREADABLE_BEFORE = "an HTTP 200 of a proxy before its effect"
    UNREADABLE_AFTER = "half an HTTP 200 after its effect"
    REPLAYED = "SignatureNonceUsed after its effect"
    EMPTY = "a status answer that lists nothing"
    OTHER_TASK = "a status answer with the success of another task"
    OLD = "a status answer that was given before"
    ABORT_BEFORE = "a signal, and it never arrives"
    ABORT_DURING = "a signal, and the answer comes in time"
    ABORT_AFTER = "a signal, and the answer is lost"
    ABORT_LATE = "a signal, and it takes effect after the end of the run"

    def __repr__(self) -> str:
        return f"Fault.{self.name}"


ABORTS = frozenset({Fault.ABORT_BEFORE, Fault.ABORT_DURING, Fault.ABORT_AFTER, Fault.ABORT_LATE})
WRONG = frozenset({Fault.EMPTY, Fault.OTHER_TASK, Fault.OLD})
"""Of status operations alone: no run could tell that a create names another's task, or that a list is another's."""
REFUSALS = {
    Fault.FAILED_BEFORE: (500, "ServerError"),
    Fault.FAILED_AFTER: (500, "InternalError"),
    Fault.UNAVAILABLE: (503, "ServiceUnavailable"),
    Fault.THROTTLED: (400, "Throttling.User"),
    Fault.TOO_MANY: (429, "Throttling"),
    Fault.REPLAYED: (400, "SignatureNonceUsed"),
}
EFFECTIVE = frozenset(
    {
        Fault.RESET_AFTER,
        Fault.TIMEOUT_AFTER,
        Fault.FAILED_AFTER,
        Fault.GATEWAY_AFTER,
        Fault.UNREADABLE_AFTER,
        Fault.REPLAYED,
        Fault.ABORT_DURING,
        Fault.ABORT_AFTER,
        Fault.ABORT_LATE,
        *WRONG,
    }
)
RESET = httpx.ReadError("[Errno 104] Connection reset by peer")
TIMED_OUT = httpx.ReadTimeout("The read operation timed out")
BROKEN: Mapping[Fault, httpx.HTTPError] = {
    Fault.REFUSED: httpx.ConnectError("[Errno 111] Connection refused"),
    Fault.TIMEOUT_BEFORE: TIMED_OUT,
    Fault.TIMEOUT_AFTER: TIMED_OUT,
    **dict.fromkeys((Fault.RESET_BEFORE, Fault.RESET_AFTER), RESET),
    **dict.fromkeys((Fault.ABORT_BEFORE, Fault.ABORT_AFTER, Fault.ABORT_LATE), RESET),
}
SLOW = {Fault.TIMEOUT_BEFORE: 10.0, Fault.TIMEOUT_AFTER: 10.0}
"""Seconds that pass meanwhile."""
PAGES = {Fault.GATEWAY_BEFORE: 502, Fault.GATEWAY_AFTER: 504, Fault.UNREADABLE_BEFORE: 200}
CERTAIN = frozenset({None, Fault.REFUSED, Fault.UNAVAILABLE, Fault.THROTTLED, Fault.TOO_MANY})
"""After these whoever sent a create knows that it has not run."""
Plan = Mapping[tuple[str, int], Fault]
"""What the nth request (from 0) that concerns an image meets, by its label; empty: those of no image."""


def _image(label: str, digit: str, *, pushed: bool = True) -> ResolvedImage:
    name = f"registry.example.com:5000/team/{label}:1.0"
    digests = {"registry_digest": f"sha256:{digit * 64}", "registry_digest_from": "registry"} if pushed else {}
    config = f"sha256:{digit * 63}e"
    return resolved(identity(reference=name, canonical=name, image_id=config, config_digest=config, **digests), name)


IMAGES: Mapping[str, ResolvedImage] = {
    "one": _image("one", "1"),
    "two": _image("two", "2"),
    "three": _image("three", "3"),
    "bad": _image("bad", "4"),
    "four": _image("four", "6"),
    "five": _image("five", "7"),
    "six": _image("six", "8"),
    "unpushed": _image("unpushed", "5", pushed=False),
}
BAD = "bad"
"""The label of the image in which something is found."""
IN_REGISTRY = tuple(label for label in IMAGES if label != "unpushed")


def digest_of(label: str) -> str:
    """The digest that is sent, 64 hex digits; empty for an image that nobody pushed."""
    return (IMAGES[label].identity.registry_digest or "").removeprefix("sha256:")


def image_id_of(label: str) -> str:
    """The config digest, 64 hex digits."""
    return (IMAGES[label].identity.config_digest or "").removeprefix("sha256:")


class Over(BaseException):
    """The run has ended: a thread that was left behind ends with it."""


class SharedClock(FakeClock):
    """One for several threads; a run that is over cannot move it any more."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self.running = False

    def advance(self, seconds: float) -> None:
        with self._lock:
            super().advance(seconds)

    def sleep(self, seconds: float) -> None:
        if not self.running:
            raise Over
        self.advance(seconds)


class FaultyWire(httpx.BaseTransport):
    """Hands requests of one run on to the sandbox, or not, as planned."""

    def __init__(self, world: "World", plan: Plan) -> None:
        self._world = world
        self._plan = plan
        self._sandbox = SandboxTransport(world.service)
        self._asked: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._is_open = True
        self._ended = threading.Event()
        self.aborted = False
        self.in_doubt: Counter[str] = Counter()
        """How many creates were sent for an image since one of them may have run, by its label."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        label, operation = self._world.label_of(request), request.headers["x-acs-action"]
        fault = self._plan.get((label, self._asked[label]))
        self._asked[label] += 1
        if not self._is_open:
            raise httpx.ConnectError("the run is over", request=request)
        if "Create" in operation and (self.in_doubt[label] or fault not in CERTAIN):
            self.in_doubt[label] += 1
        if fault is None or (fault in WRONG and operation not in STATUS):
            return self._given(operation, self._sandbox.handle_request(request))
        if fault in ABORTS:
            self._abort(late=fault is Fault.ABORT_LATE)
        answer = self._sandbox.handle_request(request) if fault in EFFECTIVE else None
        return self._spoilt(fault, operation, answer)

    def end(self) -> None:
        """The run is over: what still hangs takes effect now, nothing more is sent."""
        with self._lock:
            self._is_open = False
        self._ended.set()
        for thread in threading.enumerate():
            if thread.name in LEFT_BEHIND:
                thread.join(10)
                assert not thread.is_alive()

    def _abort(self, *, late: bool) -> None:
        with self._lock:
            if not self._is_open:
                return
            self.aborted = True
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
        time.sleep(HANDLED)
        if late:
            self._ended.wait(10)

    def _given(self, operation: str, answer: httpx.Response) -> httpx.Response:
        body = answer.read()
        self._world.given.setdefault(operation, []).append(body)
        return _response(answer.status_code, body, dict(answer.headers))

    def _spoilt(self, fault: Fault, operation: str, answer: httpx.Response | None) -> httpx.Response:
        """What comes back, if anything does; `answer` is the sandbox's own, where there was one."""
        if fault in BROKEN:
            self._world.clock.advance(SLOW.get(fault, 0.0))
            raise BROKEN[fault]
        if fault in PAGES:
            return _response(PAGES[fault], b"<html><h1>A proxy</h1></html>", {"content-type": "text/html"})
        if fault in REFUSALS:
            status, code = REFUSALS[fault]
            refusal = json.dumps({"RequestId": "R", "Code": code, "Message": "by plan"}).encode()
            return _response(status, refusal, {"content-type": "application/json"})
        assert answer is not None
        body = answer.read()
        spoilt = {
            Fault.UNREADABLE_AFTER: lambda: body[: len(body) // 2],
            Fault.EMPTY: lambda: json.dumps(_emptied(json.loads(body))).encode(),
            Fault.OTHER_TASK: lambda: json.dumps(_of_another(json.loads(body))).encode(),
            Fault.OLD: lambda: self._world.given.get(operation, [body])[0],
            Fault.ABORT_DURING: lambda: body,
        }[fault]()
        return _response(answer.status_code, spoilt, dict(answer.headers))


def _response(status: int, body: bytes, headers: Mapping[str, str]) -> httpx.Response:
    kept = {name: value for name, value in headers.items() if name.lower() != "content-length"}
    return httpx.Response(status, headers=kept, stream=httpx.ByteStream(body))


def _emptied(body: Any) -> Any:
    return {key: [] if isinstance(value, list) else value for key, value in body.items()}


def _of_another(body: Any) -> Any:
    """The rows of the answer as those of a task that is not ours, and that has ended well."""
    if isinstance(body, list):
        return [_of_another(each) for each in body]
    if not isinstance(body, dict):
        return body
    done = {"TaskId": ANOTHER_TASK, "Status": "SUCCESS", "Progress": 100}
    return {key: done.get(key, _of_another(value)) for key, value in body.items()}


@dataclass(frozen=True)
class Ran:
    """What a run left behind."""

    labels: tuple[str, ...]
    """Of its images, in their order."""
    code: int
    said: str
    file: Path
    written: str
    opened: tuple[tuple[str, str], ...]
    """The tasks of the ledger that are there since then: each id with the label of an image of it."""
    in_doubt: Mapping[str, int]
    aborted: bool

    @property
    def result(self) -> dict[str, Any]:
        return json.loads(self.written)


class World:
    """The account, its clock, and the runs."""

    client: Callable[..., SecurityCenterClient] = SecurityCenterClient

    def __init__(self, folder: Path, *, quota_left: int = 50) -> None:
        bad = ListedFinding(kind="cve", id="CVE-2024-0001", severity="asap", package="a", image=digest_of(BAD))
        scenario = Scenario(name="model", finding=(bad,), quota=Quota(capacity=100, used=100 - quota_left))
        self.folder, self.clock, self.state = folder, SharedClock(), State()
        self.service = SandboxService(scenario, self.state, now=self.clock.now)
        self.given: dict[str, list[bytes]] = {}
        self._runs = 0

    def ledger(self) -> tuple[tuple[str, str], ...]:
        """Every task with the label of each of its images."""
        return tuple((each.task.task_id, self.label_by(each.image)) for each in self.scans())

    def scans(self) -> tuple[Scan, ...]:
        """Every image of every task."""
        return self.state.scans()

    @staticmethod
    def label_by(image: Image) -> str:
        """Which of ours it is: a registry tells its digest, an engine at the least its id."""
        return next(
            label
            for label in IMAGES
            if (digest_of(label) or None) == image.digest or image_id_of(label) == image.image_id
        )

    def label_of(self, request: httpx.Request) -> str:
        """The image that a request is for; empty where it is for none, or for several."""
        text = request.url.query.decode() + request.read().decode()
        known = {label: {digest_of(label), image_id_of(label)} - {""} for label in IMAGES}
        for each in self.scans():
            known[self.label_by(each.image)] |= {each.task.task_id, each.image.asset_uuid}
        found = [label for label, words in known.items() if any(word in text for word in words)]
        return found[0] if len(found) == 1 else ""

    def scan(self, labels: Sequence[str], plan: Plan, *, gate: bool) -> Ran:
        """`scan` of these images."""
        judging = GATE if gate else None
        settings = ScanSettings(
            images=tuple(labels),
            service=SERVICE,
            overrides=Overrides(),
            min_quota=1,
            judging=judging,
        )

        def perform(run: Run, note: Any, center: SecurityCenterClient, app: App) -> None:
            run.images = [ImageRun(label) for label in labels]
            note(settings)
            sources = [HoldingRegistry(IMAGES[label]) for label in labels]
            scan(run, settings, sources=sources, center=center, clock=self.clock, voice=app.terminal)

        return self._run(labels, plan, perform, self._new_folder())

    def scan_registry(self, labels: Sequence[str], plan: Plan, *, gate: bool) -> Ran:
        """`scan-registry` of these images, named by their digests."""
        settings = RegistrySettings(
            images=(),
            service=SERVICE,
            wanted=ImageFilter(digests=tuple(map(digest_of, labels))),
            max_images=None,
            everything=False,
            sync=False,
            timeout=TIMEOUT,
            min_quota=1,
            judging=GATE if gate else None,
        )

        def perform(run: Run, note: Any, center: SecurityCenterClient, app: App) -> None:
            note(settings)
            scan_registry(run, settings, sources=(), center=center, clock=self.clock, voice=app.terminal)

        return self._run(labels, plan, perform, self._new_folder())

    def wait(self, file: Path, labels: Sequence[str], plan: Plan, *, elsewhere: bool) -> Ran:
        """`wait` on the result of an earlier run, which it overwrites unless its report is written elsewhere."""
        settings = RunSettings(service=SERVICE, min_quota=0, judging=GATE)
        earlier = read_earlier(file)

        def perform(run: Run, note: Any, center: SecurityCenterClient, app: App) -> None:
            earlier.require(settings.service)
            note(settings)
            earlier.mark(run.images)
            resume(run, settings, center=center, clock=self.clock, voice=app.terminal)

        opened = Run(started_at=self.clock.now(), images=earlier.images(), endpoint=earlier.result.service.endpoint)
        folder = self._new_folder() if elsewhere else file.parent
        return self._run(labels, plan, perform, folder, keep=[file], earlier=opened)

    def _new_folder(self) -> Path:
        self._runs += 1
        return self.folder / str(self._runs)

    def _run(
        self, labels: Sequence[str], plan: Plan, perform: Callable[..., None], folder: Path, **options: Any
    ) -> Ran:
        before, out = self.ledger(), io.StringIO()
        terminal = Terminal(out, out)
        terminal.configure(color="never", verbosity=0, quiet=False, environ={})
        wire = FaultyWire(self, plan)
        values = {"report_dir": str(folder), "output": (), "endpoint": "sandbox", "describe_build": False}
        self.clock.running = True
        with Interruptions() as interruptions:
            app = App(terminal, {}, interruptions, FileSettings(), self.clock)
            with httpx.Client(auth=AcsV3Auth(KEYS, now=self.clock.now), transport=wire) as http:
                center = self.client(http, Endpoint("http://sandbox"), SecretStr(sandbox.TOKEN), self.clock)
                code = reported(app, values, lambda run, note: perform(run, note, center, app), **options)
            self.clock.running = False
            wire.end()
        file = folder / "result.json"
        opened = self.ledger()[len(before) :]
        return Ran(
            tuple(labels),
            code,
            out.getvalue(),
            file,
            file.read_text(encoding="ascii"),
            opened,
            wire.in_doubt,
            wire.aborted,
        )
