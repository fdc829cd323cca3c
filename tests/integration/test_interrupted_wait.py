"""An abort at every request of a step that waits, and of `wait`: exit code in time, nothing lost, taken up again.

What is aborted is a process of its own. The sandbox counts its requests, holds the chosen one, and says when the signal
is due; the `wait` that takes it up runs in this process.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal

import jsonschema
import pytest

from jenkins_scan import sandbox
from jenkins_scan.cli.main import main
from jenkins_scan.sandbox.messages import Dropped
from jenkins_scan.sandbox.scenarios import load_scenario
from jenkins_scan.sandbox.service import SandboxService
from jenkins_scan.sandbox.state import State
from tests.support.docker_archives import archive as docker_archive
from tests.support.docker_archives import packed_image

ROOT = Path(__file__).parents[2]
SCHEMA = jsonschema.Draft202012Validator(json.loads((ROOT / "docs/result.schema.json").read_text()))
IN_TIME = 2.0
"""Seconds from the signal to the end of the process."""
CREATE = "CreateJenkinsImageScanTask"
POLLS = ("DescribeImageLatestScanTask", "DescribeImageInstances", "DescribeOnceTaskLeafRecordPage")
LISTS = (
    *("DescribeImageVulList", "DescribeImageGroupedVulList", "DescribeImageBaselineCheckResult"),
    *("DescribeImageSensitiveFileList", "DescribeGroupedMaliciousFiles", "DescribeAffectedMaliciousFileImages"),
    *("DescribeImageBuildRiskByKey", "DescribeImageSecurityScanCount"),
)
MOMENTS = (
    *((operation, 1) for operation in (CREATE, *POLLS)),
    *((operation, 2) for operation in POLLS[1:]),  # the end of the task, and the row that proves whose it was
    *((operation, 1) for operation in LISTS),
)
"""The requests of a run from its create on: a task that ends between its first and its second poll."""
FAILED = 10
"""What the uninterrupted run ends with: the findings of the scenario are at the gate."""
Manner = Literal["unanswered", "while answering", "answered"]
"""How far the request is when the signal comes; one that is answered later than that is the next one, unanswered."""
SWEEP = (
    *((*moment, "unanswered") for moment in MOMENTS),
    *((*moment, "while answering") for moment in (MOMENTS[0], MOMENTS[1], MOMENTS[5], MOMENTS[6])),
    *((*moment, "answered") for moment in (MOMENTS[0], MOMENTS[3], MOMENTS[-1])),  # the second one: in the pause
)


@dataclass(frozen=True)
class Moment:
    """When the signal is due: at the n-th request for an operation, and how far that request is then."""

    operation: str
    occurrence: int
    manner: Manner


class Service(ThreadingHTTPServer):
    """The sandbox behind HTTP. After the first poll of every image its clock leaps to the end of the tasks."""

    daemon_threads = True

    def __init__(self, path: Path, moment: Moment | None, images: int) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        (path / "scenario.toml").write_text(SCENARIO)
        self.state = State()
        self.asked: list[str] = []
        self.reached = threading.Event()
        self.go_on = threading.Event()
        self.over = threading.Event()
        self._ahead = 0.0
        self._images = images
        self._moment = moment
        self._counting = threading.Lock()
        self._sandbox = SandboxService(
            load_scenario(str(path / "scenario.toml")), self.state, now=lambda: time.time() + self._ahead
        )

    def finish(self) -> None:
        """Every task has ended."""
        self._ahead = 10.0

    def serve(self, handler: "Handler") -> None:
        operation = handler.headers["x-acs-action"]
        body = handler.rfile.read(int(handler.headers["content-length"] or 0))
        with self._counting:
            self.asked.append(operation)
            due = None
            if self._moment is not None and operation == self._moment.operation:
                due = self._moment.manner if self.asked.count(operation) == self._moment.occurrence else None
            answer = self._sandbox.handle(handler.command, handler.path, dict(handler.headers), body)
            if self.asked.count(POLLS[-1]) == self._images:
                self.finish()
        assert not isinstance(answer, Dropped)
        if due in ("unanswered", "while answering"):
            self.reached.set()
            (self.over if due == "unanswered" else self.go_on).wait(20)
        handler.answer(answer.status, answer.headers, answer.body)
        if due == "answered":
            self.reached.set()

    def handle_error(self, request, client_address):
        """A client that is gone is what these tests are about."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        self.server.serve(self)

    def answer(self, status, headers, body):
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


SCENARIO = """
clock.finish_after = 5.0
[[finding]]
kind = "cve"
id = "CVE-2024-0001"
severity = "asap"
package = "libexample"
[[finding]]
kind = "malicious-file"
id = "miner"
severity = "serious"
path = "/opt/miner"
"""


@contextmanager
def serving(path: Path, moment: Moment | None = None, images: int = 1) -> Iterator[Service]:
    service = Service(path, moment, images)
    thread = threading.Thread(target=service.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield service
    finally:
        service.over.set()
        service.go_on.set()
        service.shutdown()
        thread.join()
        service.server_close()
        service.state.close()


@dataclass(frozen=True)
class Done:
    code: int
    err: str
    result: dict[str, Any]

    @property
    def tasks(self) -> list[str]:
        return [task["id"] for task in self.result["tasks"]]


class Step:
    """`jenkins-scan` in the folder of the test."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        self._monkeypatch = monkeypatch

    def run(self, service: Service, *arguments: str) -> Done:
        """In this process, to its end."""
        with self._monkeypatch.context() as surroundings:
            for name, value in self._environ(service).items():
                surroundings.setenv(name, value)
            return self._done(main(arguments))

    def start(self, service: Service, *arguments: str, launcher: tuple[str, ...] = ("-m", "jenkins_scan")):
        """In a process of its own."""
        own = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "PYTHONPATH": str(ROOT)}
        covered = {"COVERAGE_PROCESS_START": os.environ.get("COVERAGE_PROCESS_START", "")}
        return subprocess.Popen(
            [sys.executable, *launcher, *arguments],
            env={**own, **covered, **self._environ(service)},
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def aborted(self, service: Service, process: subprocess.Popen[str], *numbers: int) -> Done:
        """The end of the process after these signals at the moment of the service."""
        with process:
            try:
                assert service.reached.wait(20)
                for number in numbers or (signal.SIGTERM,):
                    process.send_signal(number)
                service.go_on.set()
                _, err = process.communicate(timeout=IN_TIME)
            finally:
                process.kill()
                service.over.set()
                service.finish()
        assert "Traceback" not in err
        return self._done(process.returncode, err)

    def _done(self, code: int, err: str = "") -> Done:
        result = json.loads((self._folder / "scan-report" / "result.json").read_text())
        SCHEMA.validate(result)
        assert result["exit_code"] == code
        return Done(code, err, result)

    @staticmethod
    def _environ(service: Service) -> dict[str, str]:
        return {
            "ALIBABA_CLOUD_ACCESS_KEY_ID": sandbox.ACCESS_KEY_ID,
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": sandbox.ACCESS_KEY_SECRET,
            "JENKINS_SCAN_TOKEN": sandbox.TOKEN,
            "JENKINS_SCAN_ENDPOINT": f"http://127.0.0.1:{service.server_address[1]}",
        }


@pytest.fixture
def step(tmp_path, monkeypatch) -> Step:
    return Step(tmp_path, monkeypatch)


@pytest.fixture
def image(tmp_path) -> Callable[[str, bytes], str]:
    """Writes an archive with one image, each call a new file."""

    def write(name: str = "registry.example.com/team/app:1", layer: bytes = b"app") -> str:
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.tar"
        path.write_bytes(docker_archive(packed_image([name], layers=[layer])))
        return f"docker-archive://{path}"

    return write


GATE = ("--fail-on", "high", "--timeout", "60s")
SCAN = ("scan", *GATE, "--digest", "d" * 64)
WAIT = ("wait", "scan-report/result.json", *GATE)


def opened(service: Service) -> set[str]:
    return {task.task_id for task in service.state.tasks()}


def test_the_moments_are_all_there_are(step, image, tmp_path):
    with serving(tmp_path) as service:
        assert step.run(service, *SCAN, image()).code == FAILED
    quota, *asked = service.asked
    assert quota == "DescribeImageScanAuthCount"
    assert sorted(asked) == sorted(operation for operation, _ in MOMENTS)


@pytest.mark.parametrize(("operation", "occurrence", "manner"), SWEEP)
def test_an_abort_at_any_request_of_a_scan_is_taken_up(step, image, tmp_path, operation, occurrence, manner):
    moment = Moment(operation, occurrence, manner)
    with serving(tmp_path, moment) as service:
        aborted = step.aborted(service, step.start(service, *SCAN, image()))
        (task,) = opened(service)
        if operation == CREATE and manner == "unanswered":
            assert (aborted.code, aborted.tasks) == (143, [])
            assert aborted.result["images"][0]["task"]["id"] is None
            assert "a task may exist" in aborted.err.splitlines()[-1]
            assert step.run(service, *WAIT).code == 17
            return
        assert aborted.tasks == [aborted.result["images"][0]["task"]["id"]] == [task]
        assert task in aborted.err.splitlines()[-1]
        if operation == LISTS[-1] and aborted.code == FAILED:
            return  # the step had ended before the signal came
        assert (aborted.code, aborted.result["verdict"], aborted.result["reason"]) == (
            143,
            "INCOMPLETE",
            "interrupted",
        )
        again = step.run(service, *WAIT)
    assert (again.code, again.tasks) == (FAILED, [task])
    assert service.asked.count(CREATE) == 1


@pytest.mark.parametrize(
    ("operation", "occurrence", "manner"),
    [
        (POLLS[0], 1, "unanswered"),
        (POLLS[2], 1, "answered"),
        (POLLS[1], 2, "while answering"),
        (LISTS[0], 1, "unanswered"),
        (LISTS[-1], 1, "unanswered"),
    ],
)
def test_an_aborted_wait_is_taken_up(step, image, tmp_path, operation, occurrence, manner):
    with serving(tmp_path, Moment(operation, occurrence, manner)) as service:
        first = step.run(service, "scan", "--digest", "d" * 64, image())
        aborted = step.aborted(service, step.start(service, *WAIT))
        assert (first.result["verdict"], aborted.code, aborted.tasks) == ("SUBMITTED", 143, first.tasks)
        assert first.tasks[0] in aborted.err.splitlines()[-1]
        for part in ("reference", "identity", "request_id"):
            assert aborted.result["images"][0][part] == first.result["images"][0][part]
        again = step.run(service, *WAIT)
    assert (again.code, again.tasks) == (FAILED, first.tasks)


AT_IMPORT = """
import os, signal, sys
class Signals:
    due = sys.argv.pop(1)
    def find_spec(self, name, path=None, target=None):
        if name == self.due:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGTERM)
sys.meta_path.insert(0, Signals())
from jenkins_scan.__main__ import run
run()
"""
"""Runs the command line, with a signal at the moment at which a module is imported."""


@pytest.mark.parametrize(
    "module",
    [
        *("jenkins_scan.cli.wait", "jenkins_scan.report.earlier", "jenkins_scan.step.record"),
        *("jenkins_scan.step.resume", "jenkins_scan.security_center.client"),
    ],
)
def test_a_wait_that_is_aborted_before_it_began_loses_no_task(step, image, tmp_path, module):
    with serving(tmp_path) as service:
        first = step.run(service, "scan", "--digest", "d" * 64, image())
        with step.start(service, module, *WAIT, launcher=("-c", AT_IMPORT)) as process:
            _, err = process.communicate(timeout=20)
        assert (process.returncode, "Traceback" in err) == (143, False)
        kept = json.loads((tmp_path / "scan-report" / "result.json").read_text())
        SCHEMA.validate(kept)
        assert [task["id"] for task in kept["tasks"]] == first.tasks
        assert step.run(service, *WAIT).code == FAILED


@pytest.mark.parametrize(
    ("numbers", "code"),
    [
        ((signal.SIGINT,), 130),
        ((signal.SIGHUP,), 129),
        ((signal.SIGTERM, signal.SIGTERM), 143),
        ((signal.SIGTERM, signal.SIGINT, signal.SIGHUP), None),
    ],
    ids=str,
)
def test_every_signal_has_its_code_and_a_second_one_changes_nothing(step, image, tmp_path, numbers, code):
    """Of signals that come at once nobody can tell the first one: then it is the code of any."""
    with serving(tmp_path, Moment(POLLS[1], 1, "unanswered")) as service:
        aborted = step.aborted(service, step.start(service, *SCAN, image()), *numbers)
        assert aborted.code in ({code} if code else {128 + number for number in numbers})
        assert aborted.tasks == list(opened(service))
        assert step.run(service, *WAIT).code == FAILED


def test_two_images_with_one_create_unanswered_keep_both(step, image, tmp_path):
    names = [image("registry.example.com/team/app:1", b"one"), image("registry.example.com/team/app:2", b"two")]
    with serving(tmp_path, Moment(CREATE, 2, "unanswered"), images=2) as service:
        aborted = step.aborted(service, step.start(service, "scan", *GATE, *names))
        tasks = [each["task"]["id"] for each in aborted.result["images"]]
        assert (aborted.code, tasks.count(None)) == (143, 1)
        assert set(aborted.tasks) == {task for task in tasks if task} < opened(service)
        assert "1 more may exist" in aborted.err.splitlines()[-1]
        again = step.run(service, *WAIT)
    assert (again.code, {each["verdict"] for each in again.result["images"]}) == (FAILED, {"FAIL", "INCOMPLETE"})


@pytest.mark.parametrize("layers", [(b"one", b"two"), (b"one", b"one")], ids=["two images", "two tags of one image"])
@pytest.mark.parametrize(
    ("operation", "occurrence"), [(CREATE, 2), (POLLS[1], 1), (POLLS[1], 3), (LISTS[0], 1), (LISTS[-1], 2)]
)
def test_several_images_are_all_taken_up(step, image, tmp_path, layers, operation, occurrence):
    references = [image(f"registry.example.com/team/app:{tag}", layer) for tag, layer in enumerate(layers)]
    moment = Moment(operation, occurrence, "while answering" if operation == CREATE else "unanswered")
    with serving(tmp_path, moment, images=2) as service:
        aborted = step.aborted(service, step.start(service, "scan", *GATE, *references))
        assert (aborted.code, len(opened(service))) == (143, 2)
        assert set(aborted.tasks) == opened(service)
        for task in aborted.tasks:
            assert task in aborted.err
        again = step.run(service, *WAIT)
        assert (again.code, set(again.tasks)) == (FAILED, opened(service))


@pytest.mark.parametrize(
    ("operation", "manner"), [(CREATE, "while answering"), (CREATE, "answered"), (POLLS[1], "unanswered")]
)
def test_an_image_named_twice_keeps_its_one_task_in_both_places(step, image, tmp_path, operation, manner):
    with serving(tmp_path, Moment(operation, 1, manner)) as service:
        aborted = step.aborted(service, step.start(service, "scan", *GATE, image(), image()))
        (task,) = opened(service)
        assert [each["task"] and each["task"]["id"] for each in aborted.result["images"]] == [task, task]
        again = step.run(service, *WAIT)
    assert (again.code, [each["verdict"] for each in again.result["images"]]) == (FAILED, ["FAIL", "FAIL"])
