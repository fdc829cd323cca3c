"""The fault bed: the tool in a process of its own, what it leaves behind, and what no fault may ever lead to.

A test breaks something, runs the tool, and notes what came of it. `note` holds the promises against it; the notes of
all tests together are the table of docs/reliability.md (scripts/reliability.py).
"""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

from jenkins_scan.sandbox.authentication import AccessKey
from tests.support.canaries import CANARIES, KEY_ID, KEY_SECRET, SECURITY_TOKEN, leaks

ROOT = Path(__file__).parents[2]
NOTES = ROOT / "build" / "faults"
KEYS: Mapping[str, AccessKey] = {KEY_ID: AccessKey(KEY_SECRET, SECURITY_TOKEN)}
"""What a sandbox has to accept for the tool to get in, beside `TOKEN`."""
PATIENCE = 120
"""Seconds after which a run hangs."""


@dataclass(frozen=True)
class Done:
    """A run that has ended."""

    code: int
    out: str
    err: str
    report: Path
    """The folder of its reports."""

    @property
    def said(self) -> str:
        return self.out + self.err

    @property
    def result(self) -> dict[str, Any] | None:
        """The result file; None where none was written."""
        path = self.report / "result.json"
        return json.loads(path.read_text(encoding="ascii")) if path.is_file() else None

    @property
    def reason(self) -> str:
        """The slug, as the last line has it; empty for a run that passed."""
        words = self.err.splitlines()[-1].split() if self.err.strip() else []
        return next((word[:-1] for word in words[:4] if word.endswith(":")), "")


def environ(endpoint: str | None = None, **more: str) -> dict[str, str]:
    """The environment of an agent: a path, canary secrets, an endpoint."""
    own = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "PYTHONPATH": str(ROOT), **CANARIES}
    covered = {name: os.environ[name] for name in ("COVERAGE_PROCESS_START",) if name in os.environ}
    return own | covered | ({"JENKINS_SCAN_ENDPOINT": endpoint} if endpoint else {}) | more


def command(*arguments: str) -> list[str]:
    """The command line of the tool."""
    return [sys.executable, "-m", "jenkins_scan", *arguments]


def run(
    *arguments: str,
    env: Mapping[str, str],
    folder: Path,
    report: Path | None = None,
    before: Sequence[str] = (),
    **options: Any,
) -> Done:
    """Runs the tool to its end. `before` begins its command line; `options` are those of `subprocess.run`."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL} | options
    done = subprocess.run(
        [*before, *command(*arguments)],
        env=dict(env),
        cwd=folder,
        check=False,
        timeout=PATIENCE,
        errors="surrogateescape",
        **options,
    )
    return Done(done.returncode, done.stdout or "", done.stderr or "", report or folder / "scan-report")


def broken_promises(done: Done, opened: Sequence[str] = ()) -> list[str]:
    """What no fault may lead to; `opened` are the ids of the tasks that the service accepted in this run."""
    written = _written(done.report)
    try:
        result = done.result
    except ValueError:
        return ["result.json is no JSON"]
    broken = [f"{leak} is shown" for leak in leaks(done.said + written)]
    broken += ["a traceback is shown"] * ("Traceback (most recent call last)" in done.said + written and done.code != 1)
    if done.code == 1:
        broken.append("it ends with 1, a bug")
    if result is not None:
        broken += [problem.message for problem in _validator().iter_errors(result)]
        was_replaced = "result.json could not be written" not in done.said  # else it holds what was known before
        if result["exit_code"] != (done.code if was_replaced else 17):
            broken.append(f"it ends with {done.code}, and result.json says {result['exit_code']}")
        if was_replaced and (done.code == 0) != (result["verdict"] in ("PASS", "SUBMITTED", "CHECKED")):
            broken.append(f"it ends with {done.code}, and the verdict is {result['verdict']}")
    if len(opened) > 1:
        broken.append(f"{len(opened)} tasks were opened for one image")
    named = done.said + written
    broken += [
        f"task {task} is named nowhere" for task in opened if task not in named and "a task may exist" not in named
    ]
    return broken


def kept(done: Done, opened: Sequence[str] = ()) -> str:
    """What is left of the run for whoever takes it up, in a few words."""
    result = done.result
    if result is None and not opened:
        return "no report"
    if result is None:
        return "the task's id, on the console" if all(task in done.said for task in opened) else "NOTHING OF A TASK"
    tasks = [task["id"] for task in result["tasks"]]
    if tasks:
        return "the task's id" if len(tasks) == 1 else f"the ids of {len(tasks)} tasks"
    if any((image["task"] or {"id": "-"})["id"] is None for image in result["images"]):
        return "that a task may exist"
    return "nothing was opened" if not opened else "NOTHING OF A TASK"


Note = Callable[..., None]


def write_note(group: str, fault: str, done: Done, opened: Sequence[str], kept_instead: str | None = None) -> None:
    """One row of the table."""
    row = {
        "group": group,
        "fault": fault,
        "code": done.code,
        "reason": done.reason,
        "kept": kept_instead or kept(done, opened),
    }
    NOTES.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256(f"{group}\0{fault}".encode()).hexdigest()[:24]
    (NOTES / f"{name}.json").write_text(json.dumps(row), encoding="utf-8")


@cache
def _validator() -> Any:
    schema = json.loads((ROOT / "docs/result.schema.json").read_text(encoding="utf-8"))
    return jsonschema.validators.validator_for(schema)(schema)


def _written(folder: Path) -> str:
    if not folder.is_dir():
        return ""
    return "".join(path.read_text(errors="replace") for path in sorted(folder.rglob("*")) if path.is_file())
