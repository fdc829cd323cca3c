"""SIGHUP, SIGINT and SIGTERM at the stages that two modules of tests/integration leave out.

test_signals.py and test_interrupted_wait.py there hold the requests to the service, from the quota to the last list.
"""

import contextlib
import gzip
import hashlib
import io
import json
import os
import signal
import tarfile
import threading
import time
from pathlib import Path

import pytest

from tests.faults.bed import environ, run, write_note
from tests.faults.faulty_engine import after, black_hole, faulty_engine, saying
from tests.faults.surroundings import CREATE, NAME, STATUS, archive_in, center, folder_for_all, started, wait_until
from tests.support.engines import free_port

GROUP = "Signals"
slow = pytest.mark.slow
CODES = {signal.SIGHUP: 129, signal.SIGINT: 130, signal.SIGTERM: 143}
ALL_THREE = [signal.SIGTERM, pytest.param(signal.SIGINT, marks=slow), pytest.param(signal.SIGHUP, marks=slow)]
IN_TIME = 3.0
"""Seconds from the signal to the end of the process; Jenkins kills after some more."""
ID = "sha256:" + "1d" * 32
VERSION = saying(b'{"ApiVersion":"1.41","Version":"24.0.0","Components":[{"Name":"Engine"}]}')
INFO = saying(b'{"Driver":"overlay2","DriverStatus":[["Backing Filesystem","extfs"]],"ServerVersion":"24.0.0"}')
INSPECT = saying(
    json.dumps(
        {
            "Id": ID, "RepoTags": [NAME], "RepoDigests": [], "Os": "linux", "Architecture": "amd64", "Size": 1,
            "GraphDriver": {"Name": "overlay2", "Data": {}}, "RootFS": {"Type": "layers", "Layers": [ID]},
        }
    ).encode()
)  # fmt: skip


@pytest.fixture
def place():
    with folder_for_all() as folder:
        yield folder


@pytest.fixture
def aborted(tmp_path, note):
    """Starts a run, sends the signals once `stage` is true, and notes it; returns the run and what was opened."""

    def abort(fault, *arguments, stage, number, times=1, env=None, at=None, scenario="clean", code=None):
        with center(scenario, at) as service:
            variables = environ(service.url) | (env or {})
            env = {name: value for name, value in variables.items() if value is not None}
            with started(*arguments, env=env, folder=tmp_path) as running:
                wait_until(lambda: stage(running) or running.process.poll() is not None)
                assert running.process.poll() is None, running.done().said
                sent = time.monotonic()
                running.signalled(*[number] * times)
                done = running.done()
                took = time.monotonic() - sent
            opened = service.opened
        assert done.code == (CODES[number] if code is None else code), done.said[-2000:]
        assert took < IN_TIME or code is not None
        note(f"{number.name} {fault}", done, opened)
        return done, opened

    return abort


def nothing_was_opened(ran):
    done, opened = ran
    assert opened == []
    assert done.result["tasks"] == []
    assert done.result["verdict"] == "INCOMPLETE"


@pytest.fixture
def silent_engine(place):
    """An engine that does not answer a request any more; `reached` says that it was asked."""

    def engine(kind, before):
        reached = threading.Event()
        faults = {("version", -1): VERSION, ("inspect", -1): INSPECT, ("info", -1): INFO} | {
            (kind, before): after(reached.set, black_hole)
        }
        return faulty_engine(place / "silent.sock", place / "none", faults), reached

    return engine


@pytest.mark.parametrize("number", ALL_THREE)
@pytest.mark.parametrize("kind", [pytest.param("version", marks=slow), "inspect"])
def test_while_the_engine_is_asked(aborted, silent_engine, number, kind):
    serving, reached = silent_engine(kind, 0)
    with serving as engine:
        nothing_was_opened(
            aborted(
                f"while the engine is asked for its {kind}",
                *("scan", NAME, "--docker-host", engine.url),
                stage=lambda _: reached.is_set(),
                number=number,
            )
        )


@pytest.mark.parametrize("number", ALL_THREE)
def test_during_the_second_look(aborted, silent_engine, number):
    serving, reached = silent_engine("inspect", 1)
    with serving as engine:
        done, opened = aborted(
            "during the second look",
            *("scan", NAME, "--docker-host", engine.url, "--fail-on", "high"),
            stage=lambda _: reached.is_set(),
            number=number,
        )
    assert len(opened) == 1
    assert opened[0] in done.err.splitlines()[-1]
    assert done.result["verdict"] == "INCOMPLETE"


@pytest.mark.parametrize("number", ALL_THREE)
def test_during_the_export_of_a_check(aborted, silent_engine, number):
    serving, reached = silent_engine("export", 0)
    with serving as engine:
        nothing_was_opened(
            aborted(
                "during the export of a check",
                *("check", NAME, "--docker-host", engine.url, "--report-dir", "scan-report"),
                stage=lambda _: reached.is_set(),
                number=number,
            )
        )


@pytest.mark.parametrize("number", ALL_THREE)
def test_while_an_engine_is_waited_for(aborted, tmp_path, number):
    nothing_was_opened(
        aborted(
            "while an engine that starts is waited for",
            *("scan", NAME, "--docker-host", f"tcp://127.0.0.1:{free_port()}", "--engine-wait", "60"),
            stage=lambda _: prepared(tmp_path),
            number=number,
        )
    )


def prepared(folder):
    """Whether the report folder is there, some time ago: what comes next has begun."""
    place = folder / "scan-report" / "html"
    return place.exists() and time.time() - place.stat().st_mtime > 0.5


def large_archive(path, gibibytes):
    """An archive with one layer, most of it zeros, whose list of images comes last."""
    layer = "0" * 64 + "/layer.tar"
    config = json.dumps(
        {"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers", "diff_ids": [ID]}}
    ).encode()
    name = hashlib.sha256(config).hexdigest() + ".json"
    manifest = json.dumps([{"Config": name, "RepoTags": [NAME], "Layers": [layer]}]).encode()
    tail = io.BytesIO()
    with tarfile.open(fileobj=tail, mode="w") as tar:
        for each, content in ((name, config), ("manifest.json", manifest)):
            member = tarfile.TarInfo(each)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    member = tarfile.TarInfo(layer)
    member.size = gibibytes * 1024**3
    zeros = gzip.compress(os.urandom(2 * 1024**2) + bytes(62 * 1024**2), 1)  # zeros alone look like a bomb
    with path.open("wb") as file:
        file.write(gzip.compress(member.tobuf()))
        for _ in range(gibibytes * 16):
            file.write(zeros)
        file.write(gzip.compress(tail.getvalue()))


def has_open(running, path):
    """Whether the process has the file open at this moment."""
    for each in Path(f"/proc/{running.process.pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            if each.readlink() == path:
                return True
    return False


@pytest.mark.parametrize("number", ALL_THREE)
@pytest.mark.parametrize("verb", ["scan", pytest.param("check", marks=slow)])
def test_while_a_large_archive_is_read(aborted, tmp_path, number, verb):
    path = tmp_path / "large.tar.gz"
    large_archive(path, 2)
    nothing_was_opened(
        aborted(
            f"while a {verb} reads a large archive",
            *(verb, f"docker-archive://{path}", "--report-dir", "scan-report"),
            stage=lambda running: has_open(running, path),
            number=number,
        )
    )


@pytest.mark.parametrize("number", ALL_THREE)
def test_while_a_secret_is_awaited_from_a_pipe(aborted, tmp_path, number):
    os.mkfifo(tmp_path / "token")
    nothing_was_opened(
        aborted(
            "while the token is awaited from a pipe",
            *("scan", archive_in(tmp_path)),
            env={"JENKINS_SCAN_TOKEN": None, "JENKINS_SCAN_TOKEN_FILE": "token"},
            stage=lambda _: prepared(tmp_path),
            number=number,
        )
    )


@pytest.mark.parametrize("number", ALL_THREE)
def test_while_the_reports_are_written_the_verdict_stands(aborted, tmp_path, number):
    done, opened = aborted(
        "while the reports are written",
        *("scan", archive_in(tmp_path), "--fail-on", "high"),
        stage=lambda _: (tmp_path / "scan-report" / "summary.txt").exists(),
        number=number,
        scenario="vulnerable",
        code=10,
    )
    assert len(opened) == 1
    assert done.result["verdict"] == "FAIL"
    assert (tmp_path / "scan-report" / "html" / "index.html").is_file()


@slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_hundred_signals_are_as_one(aborted, tmp_path, number):
    reached = threading.Event()
    done, opened = aborted(
        "a hundred times, after the create",
        *("scan", archive_in(tmp_path), "--fail-on", "high"),
        at={"DescribeImageInstances": reached.set},
        scenario="slow",
        stage=lambda _: reached.is_set(),
        number=number,
        times=100,
    )
    assert len(opened) == 1
    assert opened[0] in done.err.splitlines()[-1]


@pytest.mark.parametrize("delay", [0.0, *(pytest.param(n / 20, marks=slow) for n in range(1, 14))])
def test_a_signal_at_any_moment_of_the_start(tmp_path, delay):
    """Before Python runs our code it ends as a process does; from then on there is a line, and never a traceback."""
    with center() as service:
        with started("scan", archive_in(tmp_path), env=environ(service.url), folder=tmp_path) as running:
            time.sleep(delay)
            running.signalled(signal.SIGTERM)
            done = running.done()
        opened = service.opened
    assert done.code in (0, 143, -signal.SIGTERM), done.said
    assert "Traceback" not in done.said
    assert all(task in done.said for task in opened)
    assert done.result is None or done.result["exit_code"] == done.code


@slow
def test_a_stopped_run_goes_on(tmp_path, note):
    """A frozen container: the time passes, and the task with it."""
    reached = threading.Event()
    with center(at={CREATE: reached.set}) as service:
        with started(
            "scan", archive_in(tmp_path), "--fail-on", "high", env=environ(service.url), folder=tmp_path
        ) as running:
            assert reached.wait(30)
            running.signalled(signal.SIGSTOP)
            time.sleep(12)
            running.signalled(signal.SIGCONT)
            done = running.done()
        opened = service.opened
    assert (done.code, len(opened)) == (0, 1), done.said
    note("SIGSTOP for longer than the read limit, then SIGCONT", done, opened)


@pytest.mark.parametrize("stage", ["before the answer to the create", "after the create"])
def test_what_a_killed_process_leaves_is_taken_up(tmp_path, stage):
    """SIGKILL, as for want of memory: no report can be made any more."""
    asked = threading.Event()
    at = {CREATE if stage.startswith("before") else STATUS: asked.set}
    with center("clean", at) as service:
        variables = environ(service.url)
        arguments = ("scan", archive_in(tmp_path), "--fail-on", "high")
        with started(*arguments, env=variables, folder=tmp_path) as running:
            wait_until(asked.is_set)
            running.signalled(signal.SIGKILL)
            done = running.done()
        opened = service.opened
        left = json.loads((tmp_path / "scan-report" / "result.json").read_text())
        assert (done.code, left["verdict"], left["exit_code"]) == (-signal.SIGKILL, "INCOMPLETE", 17)
        if stage.startswith("after"):
            assert [task["id"] for task in left["tasks"]] == opened
            assert f"task {opened[0]} is open" in done.err
            again = run("wait", "scan-report/result.json", "--fail-on", "high", env=variables, folder=tmp_path)
            assert (again.code, again.result["verdict"]) == (0, "PASS")
            assert service.opened == opened
        else:
            assert left["images"][0]["task"]["id"] is None
    write_note(GROUP, f"SIGKILL {stage}", done, opened, "the task's id" if left["tasks"] else "that a task may exist")
