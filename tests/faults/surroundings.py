"""What stands around the tool in the bed: a service with a ledger, folders for strangers, small disks, other users."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from jenkins_scan.sandbox.messages import Dropped, Reply
from jenkins_scan.sandbox.scenarios import SCENARIOS
from jenkins_scan.sandbox.server import SandboxServer
from jenkins_scan.sandbox.service import SandboxService
from jenkins_scan.sandbox.state import State
from tests.faults.bed import KEYS, PATIENCE, ROOT, Done, command
from tests.support.canaries import TOKEN
from tests.support.images import write_docker_archive

STRANGER = 54321
"""A user and a group that no passwd and no group file knows."""
NAME = "registry.example.com:5000/team/app:1"
QUOTA, CREATE = "DescribeImageScanAuthCount", "CreateJenkinsImageScanTask"
STATUS, FINDINGS = "DescribeImageInstances", "DescribeImageVulList"


class Center(SandboxService):
    """The sandbox with a ledger; `at` is what a test does before an operation is answered, the first time it is."""

    def __init__(self, scenario: str, at: Mapping[str, Callable[[], object]]) -> None:
        super().__init__(SCENARIOS[scenario], State(), keys=KEYS, token=TOKEN)
        self.url = ""
        self._at = dict(at)

    def handle(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply | Dropped:
        """The sandbox's answer."""
        operation = {name.lower(): value for name, value in headers.items()}.get("x-acs-action", "")
        if (act := self._at.pop(operation, None)) is not None:
            act()
        return super().handle(method, target, headers, body)

    @property
    def opened(self) -> list[str]:
        """The ids of the tasks that it has accepted."""
        with self.state.transaction() as connection:
            return [task_id for (task_id,) in connection.execute("SELECT task_id FROM task")]


@contextmanager
def center(scenario: str = "clean", at: Mapping[str, Callable[[], object]] | None = None) -> Iterator[Center]:
    """A service on a loopback port."""
    service = Center(scenario, at or {})
    with SandboxServer(service) as server:
        service.url = server.url
        yield service


@contextmanager
def folder_for_all() -> Iterator[Path]:
    """A folder with a short path that every user may enter; pytest's own are root's alone."""
    folder = Path(tempfile.mkdtemp(prefix="jf-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def small_disk(folder: Path, size: str, *options: str) -> Iterator[Path]:
    """A file system of its own in memory."""
    folder.mkdir(exist_ok=True)
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", ",".join((f"size={size}", *options)), "tmpfs", str(folder)], check=True
    )
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def archive_in(folder: Path, name: str = "app.tar") -> str:
    """The reference of a small image in an archive there."""
    write_docker_archive(folder / name, NAME)
    return f"docker-archive://{folder / name}"


@dataclass(frozen=True)
class Started:
    """A run that has begun; its streams are files, so that nobody has to read them meanwhile."""

    process: subprocess.Popen[bytes]
    folder: Path

    def signalled(self, *numbers: signal.Signals) -> None:
        for number in numbers:
            self.process.send_signal(number)

    def done(self) -> Done:
        """The run, once it has ended."""
        code = self.process.wait(PATIENCE)
        out, err = (
            (self.folder / name).read_text(encoding="utf-8", errors="surrogateescape") for name in ("out", "err")
        )
        return Done(code, out, err, self.folder / "scan-report")


@contextmanager
def started(
    *arguments: str, env: Mapping[str, str], folder: Path, before: Sequence[str] = (), **options: Any
) -> Iterator[Started]:
    """The tool, running; it does not outlive the context. `before` begins its command line."""
    with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
        process = subprocess.Popen(
            [*before, *command(*arguments)],
            env=dict(env),
            cwd=folder,
            stdout=out,
            stderr=err,
            **({"stdin": subprocess.DEVNULL} | options),
        )
    with process:
        try:
            yield Started(process, folder)
        finally:
            if process.poll() is None:
                process.kill()


def wait_until(true: Callable[[], bool], seconds: float = 30) -> None:
    """Returns as soon as it is so, looking often. Raises `TimeoutError`."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not so within {seconds} s")
        time.sleep(0.005)


def as_stranger() -> list[str]:
    """The beginning of a command line of a user that no file knows.

    What the tool is made of may lie in the home of root, which nobody else can pass: it is laid bare in a mount
    namespace of its own.
    """
    parts = [path for path in (sys.base_prefix, sys.prefix, str(ROOT)) if _closed_above(Path(path))]
    script = ["set -e"]
    if parts:
        script += ["mount -t tmpfs tmpfs /mnt"]
        script += [f'mkdir /mnt/{n}; mount --bind "{part}" /mnt/{n}' for n, part in enumerate(parts)]
        script += [
            f'mount -t tmpfs -o mode=755 tmpfs "{top}"' for top in sorted({_closed_above(Path(p)) for p in parts})
        ]
        script += [f'mkdir -p "{part}"; mount --move /mnt/{n} "{part}"' for n, part in enumerate(parts)]
    script += [f'exec setpriv --reuid {STRANGER} --regid {STRANGER} --clear-groups "$@"']
    return ["unshare", "-m", "--propagation", "private", "sh", "-c", "\n".join(script), "sh"]


def _closed_above(path: Path) -> str | None:
    """The outermost folder on the way to the path that only its owner can pass."""
    return next((str(each) for each in reversed((path, *path.parents)) if not each.stat().st_mode & 0o001), None)


def owned(path: Path, mode: int = 0o755) -> Path:
    """The path, as the stranger's own."""
    os.chown(path, STRANGER, STRANGER)
    path.chmod(mode)
    return path


def but_first(faults: Iterable[str], quick: Collection[str]) -> list[Any]:
    """The faults as parameters: those that are not among the quick ones are slow."""
    return [pytest.param(fault, marks=() if fault in quick else pytest.mark.slow) for fault in faults]
