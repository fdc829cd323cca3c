"""A signal while a step waits, or is about to: nothing that was opened is lost, and `wait` takes it up."""

import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SCHEMA = jsonschema.Draft202012Validator(json.loads((ROOT / "docs/result.schema.json").read_text()))
GATE = ("--fail-on", "high", "--scenario", "s.toml")
SANDBOX = ("--endpoint", "sandbox", "--state", "s.db")
WAIT = ("wait", "scan-report/result.json", *SANDBOX, *GATE)
FINDING = '[[finding]]\nkind = "cve"\nid = "CVE-2024-1"\nseverity = "asap"\npackage = "p"\n'
PACKAGE = f"{os.sep}jenkins_scan{os.sep}"
FORMATS = f"{PACKAGE}report{os.sep}"
"""They are most of the calls, and are made when the verdict stands."""
FAILED = 10
"""What the uninterrupted run ends with."""
MOMENTS = 6
"""Into how many parts a run is cut."""


def to_the_process() -> None:
    """As Jenkins does it; mostly the main thread takes it."""
    os.kill(os.getpid(), signal.SIGTERM)


def to_this_thread() -> None:
    """The kernel may hand a process's signal to any thread: here it is the one that works."""
    signal.raise_signal(signal.SIGTERM)


class Calls:
    """Counts the calls of the package's functions, and has a signal arrive at one of them; that one waits meanwhile."""

    def __init__(self, due: int | None = None, send: Callable[[], None] = to_the_process) -> None:
        self.count = 0
        self._due = due
        self._send = send
        self.heeded = True
        self._handled = threading.Event()

    def __enter__(self):
        threading.setprofile(self._seen)
        sys.setprofile(self._seen)
        return self

    def __exit__(self, *problem):
        sys.setprofile(None)
        threading.setprofile(None)

    def _seen(self, frame, event, _):
        if event != "call" or PACKAGE not in frame.f_code.co_filename or FORMATS in frame.f_code.co_filename:
            return
        if not callable(signal.getsignal(signal.SIGTERM)):  # before and after the run, it would end the tests
            return
        self.count += 1
        in_main = threading.current_thread() is threading.main_thread()
        if self.count == self._due:
            self._send()
            if not in_main:
                self.heeded = self._handled.wait(2)  # an abort has two seconds
        elif in_main and self.count > (self._due or sys.maxsize):
            self._handled.set()


@pytest.fixture
def scenario(tmp_path):
    (tmp_path / "s.toml").write_text(FINDING)


def moments(cli, *arguments):
    """The calls at which a signal arrives in turn: evenly spread, the first and the last one among them."""
    with Calls() as whole:
        assert cli(*arguments).code == FAILED
    return [1 + part * (whole.count - 1) // MOMENTS for part in range(MOMENTS + 1)]


@pytest.mark.usefixtures("scenario")
def test_a_scan_that_is_aborted_anywhere_is_taken_up(cli, archive, tmp_path):
    scan = ("scan", archive, *SANDBOX, *GATE)
    codes, taken_up = set(), 0
    for due in moments(cli, *scan):
        (tmp_path / "scan-report" / "result.json").unlink(missing_ok=True)
        with Calls(due):
            run = cli(*scan)
        codes.add(run.code)
        if run.has_result:
            SCHEMA.validate(run.result)
            assert run.result["exit_code"] == run.code
        if run.code == 143 and run.has_result and run.result["tasks"]:
            assert run.result["tasks"][0]["id"] in run.last_line
            assert cli(*WAIT).code == FAILED
            taken_up += 1
    assert 143 in codes <= {143, FAILED}
    assert taken_up > 0


@pytest.mark.usefixtures("scenario")
def test_a_signal_that_another_thread_takes_ends_the_run_too(cli, archive):
    cli("scan", archive, *SANDBOX)
    middle = moments(cli, *WAIT)[MOMENTS // 2]
    with Calls(middle, to_this_thread) as calls:
        assert cli(*WAIT).code == 143
    assert calls.heeded


@pytest.mark.usefixtures("scenario")
def test_a_wait_that_is_aborted_anywhere_keeps_its_task(cli, archive):
    opened = cli("scan", archive, *SANDBOX).result["tasks"][0]["id"]
    codes = set()
    for due in moments(cli, *WAIT):
        with Calls(due):
            run = cli(*WAIT)
        codes.add(run.code)
        SCHEMA.validate(run.result)
        assert [task["id"] for task in run.result["tasks"]] == [opened], f"lost by a signal at call {due}"
    assert 143 in codes <= {143, FAILED}
    assert cli(*WAIT).code == FAILED
