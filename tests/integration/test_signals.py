"""SIGTERM, SIGINT and SIGHUP sent to a real process, at moments that a service of the test chooses."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.support.images import write_docker_archive

TASK_ID = "fc98d58eb56f699d49bf7ebbd6d70a1b"
QUOTA = {"RequestId": "R", "ImageScan": {"ImageScanCapacity": 100, "ScanCount": 1}}
CREATED = {"RequestId": "R", "Data": {"TaskId": TASK_ID, "ImageScanCapacity": 100}}


@pytest.fixture
def archive(tmp_path):
    """The reference of an image in an archive."""
    path = tmp_path / "app.tar"
    write_docker_archive(path, "registry.example.com:5000/team/app:1")
    return f"docker-archive://{path}"


class Service(ThreadingHTTPServer):
    """Answers, but holds the answer to one operation until it is told to go on."""

    daemon_threads = True

    def __init__(self, held: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.held = held
        self.asked: list[str] = []
        self.holding = threading.Event()
        self.go_on = threading.Event()


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"] or 0))
        operation = self.headers["x-acs-action"]
        self.server.asked.append(operation)
        if operation == self.server.held:
            self.server.holding.set()
            self.server.go_on.wait(20)
        body = json.dumps(CREATED if operation.startswith("Create") else QUOTA).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@contextmanager
def serving(held: str) -> Iterator[Service]:
    service = Service(held)
    thread = threading.Thread(target=service.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield service
    finally:
        service.go_on.set()
        service.shutdown()
        thread.join()
        service.server_close()


def start(archive, service):
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
        "ALIBABA_CLOUD_ACCESS_KEY_ID": "canary-key-id",
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "canary-key-secret",
        "JENKINS_SCAN_TOKEN": "canary-token",
        "COVERAGE_PROCESS_START": os.environ.get("COVERAGE_PROCESS_START", ""),
    }
    endpoint = f"http://127.0.0.1:{service.server_address[1]}"
    return subprocess.Popen(
        [sys.executable, "-m", "jenkins_scan", "scan", archive, "--endpoint", endpoint],
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)],
    ids=str,
)
def test_a_signal_before_the_submit_opens_nothing(archive, tmp_path, number, code):
    with serving("DescribeImageScanAuthCount") as service, start(archive, service) as process:
        assert service.holding.wait(20)
        process.send_signal(number)
        _, err = process.communicate(timeout=20)
    result = json.loads((tmp_path / "scan-report" / "result.json").read_text())
    assert (process.returncode, result["exit_code"], result["verdict"]) == (code, code, "INCOMPLETE")
    assert service.asked == ["DescribeImageScanAuthCount"]
    assert result["tasks"] == []
    assert result["images"][0]["task"] is None
    assert result["images"][0]["reasons"][0]["slug"] == "interrupted"
    assert "Traceback" not in err


def test_an_answer_that_comes_within_the_grace_is_kept(archive, tmp_path):
    with serving("CreateJenkinsImageScanTask") as service, start(archive, service) as process:
        assert service.holding.wait(20)
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGTERM)  # a second one does not cut the report short
        service.go_on.set()
        _, err = process.communicate(timeout=20)
    result = json.loads((tmp_path / "scan-report" / "result.json").read_text())
    assert process.returncode == 143
    assert [task["id"] for task in result["tasks"]] == [TASK_ID]
    assert TASK_ID in err.splitlines()[-1]


def test_without_an_answer_a_task_may_exist(archive, tmp_path):
    with serving("CreateJenkinsImageScanTask") as service, start(archive, service) as process:
        assert service.holding.wait(20)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=20)
    result = json.loads((tmp_path / "scan-report" / "result.json").read_text())
    assert process.returncode == 143
    assert result["images"][0]["task"]["id"] is None
    assert result["tasks"] == []
    assert "a task may exist" in err.splitlines()[-1]
    assert service.asked.count("CreateJenkinsImageScanTask") == 1


def test_signals_that_were_ignored_at_the_start_stay_ignored(archive, tmp_path):
    """Under nohup, a hang-up does not end the run."""
    with serving("CreateJenkinsImageScanTask") as service:
        previous = signal.signal(signal.SIGHUP, signal.SIG_IGN)
        try:
            process = start(archive, service)
        finally:
            signal.signal(signal.SIGHUP, previous)
        with process:
            assert service.holding.wait(20)
            process.send_signal(signal.SIGHUP)
            service.go_on.set()
            process.communicate(timeout=20)
    assert process.returncode == 0
    assert json.loads((tmp_path / "scan-report" / "result.json").read_text())["verdict"] == "SUBMITTED"


def test_a_closed_stdout_does_not_change_the_verdict(archive):
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "jenkins_scan", "scan", archive, "--endpoint", "sandbox", "-o", "json"]
    environ = {"PATH": os.environ["PATH"], "LANG": "C"}
    done = subprocess.run(command, env=environ, stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)
    assert done.returncode == 0
    assert "BrokenPipe" not in done.stderr


def test_an_abort_leaves_the_two_reports_that_matter_and_no_old_one(archive, tmp_path):
    (tmp_path / "scan-report").mkdir()
    (tmp_path / "scan-report" / "junit.xml").write_text("old")
    with serving("DescribeImageScanAuthCount") as service, start(archive, service) as process:
        assert service.holding.wait(20)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 143
    assert sorted(path.name for path in (tmp_path / "scan-report").rglob("*.*")) == ["result.json", "summary.txt"]
