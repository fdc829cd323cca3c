"""The whole step over the sandbox in this process, recorded, and run again with one answer changed."""

import io
import json
import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr, TypeAdapter

from jenkins_scan import sandbox
from jenkins_scan.cli.app import App
from jenkins_scan.cli.reported import reported
from jenkins_scan.cli.signals import Interruptions
from jenkins_scan.cli.terminal import Terminal
from jenkins_scan.config.file import FileSettings
from jenkins_scan.config.settings import Overrides, ScanSettings, ServiceSettings
from jenkins_scan.gate.image import Judging
from jenkins_scan.gate.policy import policy_from
from jenkins_scan.images.interface import ImageIdentity, ResolvedImage
from jenkins_scan.report.result import Result
from jenkins_scan.sandbox.scenarios import Scenario
from jenkins_scan.sandbox.service import SandboxService
from jenkins_scan.sandbox.state import State
from jenkins_scan.sandbox.transport import SandboxTransport
from jenkins_scan.security_center.client import CREATE, SecurityCenterClient
from jenkins_scan.security_center.credentials import Credentials
from jenkins_scan.security_center.endpoints import Endpoint
from jenkins_scan.security_center.signing import AcsV3Auth
from jenkins_scan.step.record import ImageRun, Run
from jenkins_scan.step.scan import scan
from tests.support.center import FakeClock
from tests.support.changed_answers import SECRETS, Change, Recorded
from tests.support.images import pushed, resolved

KEYS = Credentials(sandbox.ACCESS_KEY_ID, SecretStr(sandbox.ACCESS_KEY_SECRET))
TIMEOUT = 20.0
RESULT = TypeAdapter(Result)
"""Seconds by the fake clock: the sandbox's tasks take one."""
NAME = "team/sub/app:1.0"


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What is scanned, what the sandbox finds, by what it is judged, and which answers are worth a change."""

    name: str
    scenario: Scenario
    image: ResolvedImage = field(default_factory=lambda: resolved(pushed()))
    judging: Judging = field(
        default_factory=lambda: Judging(policy=policy_from({}, fail_on="high"), timeout=TIMEOUT),
    )
    operations: frozenset[str]

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Ran:
    """What a run left behind."""

    code: int
    said: str
    """stdout and stderr."""
    written: str
    """result.json as text."""
    answers: tuple[Recorded, ...]
    """As they were before the change."""
    opened: tuple[str, ...]
    """The ids of the tasks in the sandbox's ledger."""

    @property
    def result(self) -> dict[str, Any]:
        return json.loads(self.written)

    @property
    def create_was_answered(self) -> bool:
        return any(answer.operation == CREATE for answer in self.answers)


class Wire(httpx.BaseTransport):
    """Hands requests on to the sandbox, keeps its answers, and changes what the change strikes."""

    def __init__(self, service: SandboxService, change: Change | None) -> None:
        self._sandbox = SandboxTransport(service)
        self._change = change
        self._asked: Counter[str] = Counter()
        self.answers: list[Recorded] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        operation = request.headers["x-acs-action"]
        answer = self._sandbox.handle_request(request)
        number, body = self._asked[operation], answer.read()
        self._asked[operation] += 1
        self.answers.append(Recorded(operation, number, body))
        if self._change is not None and self._change.strikes(operation, number):
            body = self._change.applied(body)
        return httpx.Response(
            answer.status_code, headers=_without_length(answer.headers), stream=httpx.ByteStream(body)
        )


def _without_length(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() != "content-length"}


@dataclass(frozen=True)
class _Source:
    image: ResolvedImage

    def resolve(self) -> ResolvedImage:
        return self.image

    def look_again(self, identity: ImageIdentity) -> None:
        assert identity == self.image.identity


CODES = frozenset({0, 10, 12, 14, 15, 16, 17})
"""What a run that opens a task and waits for it can end in; 11 needs a gate that warns."""


def run(scene: Scene, folder: Path, change: Change | None = None) -> Ran:
    """The step from the image to the exit code, with everything that it says and writes."""
    random.seed(0)  # the jitter of polls and retries
    clock, out, err = FakeClock(), io.StringIO(), io.StringIO()
    terminal = Terminal(out, err)
    terminal.configure(color="never", verbosity=2, quiet=False, environ={})
    settings = ScanSettings(
        images=(NAME,),
        service=ServiceSettings(endpoint=None),
        overrides=Overrides(),
        min_quota=1,
        soft=frozenset(),
        judging=scene.judging,
    )
    app = App(terminal, {}, Interruptions(), FileSettings(), clock)
    with State() as state:
        wire = Wire(SandboxService(scene.scenario, state, now=clock.now), change)
        with httpx.Client(auth=AcsV3Auth(KEYS, now=clock.now), transport=wire) as http:
            center = SecurityCenterClient(http, Endpoint("http://sandbox"), SecretStr(sandbox.TOKEN), clock)

            def perform(run: Run, note: Any) -> None:
                run.images = [ImageRun(NAME)]
                note(settings)
                source = _Source(scene.image)
                scan(run, settings, sources=[source], center=center, clock=clock, voice=terminal)

            values = {"report_dir": str(folder), "output": (), "endpoint": "sandbox", "describe_build": False}
            code = reported(app, values, perform)
        opened = tuple(task.task_id for task in state.tasks())
    written = (folder / "result.json").read_text(encoding="ascii")
    return Ran(code, out.getvalue() + err.getvalue(), written, tuple(wire.answers), opened)


def answers_to_change(scene: Scene, recorded: Ran) -> list[Recorded]:
    """The answers of the recorded run that are worth a change in this scene."""
    return [answer for answer in recorded.answers if answer.operation in scene.operations]


def broken_promises(ran: Ran, change: Change) -> list[str]:
    """What no answer of the service may ever lead to, whatever the run was to end in; empty when all is well."""
    broken, result = [], ran.result
    RESULT.validate_python(result)
    if ran.code not in CODES:
        broken.append(f"exit code {ran.code}: {ran.said[-2000:]}")
    if ran.code != result["exit_code"] or (ran.code == 0) != (result["verdict"] == "PASS"):
        broken.append(f"exit code {ran.code} is {result['exit_code']} and {result['verdict']} in result.json")
    broken += [f"{secret} is shown" for secret in SECRETS if secret in ran.said + ran.written]
    if ran.opened and not _is_noted(ran, change):
        broken.append("the task is not noted")
    return broken


def _is_noted(ran: Ran, change: Change) -> bool:
    """Whether the task's id is said and written; where the create's answer was spoilt, at least that it may exist."""
    (opened,) = ran.opened
    task = ran.result["images"][0]["task"] or {"id": None}
    if [entry["id"] for entry in ran.result["tasks"]] == [opened] == [task["id"]]:
        return f"task {opened}" in ran.said
    if task["id"] is not None and change.operation == CREATE:  # the answer named another task, which nobody can tell
        return [entry["id"] for entry in ran.result["tasks"]] == [task["id"]] and f"task {task['id']}" in ran.said
    is_known = ran.create_was_answered and change.operation != CREATE
    return not is_known and "status" in task and task["id"] is None and "a task may exist" in ran.said
