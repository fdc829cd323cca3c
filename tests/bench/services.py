"""The service that the measured processes talk to: `jenkins-scan sandbox serve`, or a slow one, in another process."""

import contextlib
import json
import re
import subprocess
import sys
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.bench.processes import Failed

ROOT = Path(__file__).resolve().parents[2]
SLOW_SERVICE = Path(__file__).with_name("slow_service.py")
TASK_ID = re.compile(r"\b[0-9a-f]{32}\b")


@dataclass(frozen=True)
class Service:
    """A running service and the keys that it takes."""

    url: str
    access_key_id: str
    access_key_secret: str
    token: str

    @property
    def environ(self) -> dict[str, str]:
        """The variables in which its clients find the keys."""
        return {
            "ALIBABA_CLOUD_ACCESS_KEY_ID": self.access_key_id,
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": self.access_key_secret,
            "JENKINS_SCAN_TOKEN": self.token,
        }

    def require(self, task_ids: Collection[str]) -> None:
        """Asks it for each of these tasks, as any client would. Raises `Failed` for one that it does not know."""
        from pydantic import SecretStr

        from jenkins_scan.clock import SystemClock
        from jenkins_scan.security_center.client import SecurityCenterClient
        from jenkins_scan.security_center.connect import connect
        from jenkins_scan.security_center.credentials import Credentials
        from jenkins_scan.security_center.endpoints import Endpoint

        keys, endpoint = Credentials(self.access_key_id, SecretStr(self.access_key_secret)), Endpoint(self.url)
        with connect(endpoint, keys, ca_bundle=None, environ={}) as http:
            center = SecurityCenterClient(http, endpoint, None, SystemClock())
            for task_id in task_ids:
                rows = center.tasks.by_id(task_id, deadline=time.monotonic() + 30).value
                if not any(row.task_id == task_id for row in rows):
                    raise Failed(f"the service knows no task {task_id}.")


@contextlib.contextmanager
def sandbox() -> Iterator[Service]:
    """`jenkins-scan sandbox serve`."""
    with _served([sys.executable, "-m", "jenkins_scan", "-q", "sandbox", "serve"]) as service:
        yield service


@contextlib.contextmanager
def slow_sandbox(seconds: float) -> Iterator[Service]:
    """The same service, which takes so long for each answer."""
    with _served([sys.executable, str(SLOW_SERVICE), str(seconds)]) as service:
        yield service


@contextlib.contextmanager
def _served(command: list[str]) -> Iterator[Service]:
    server = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        line = server.stdout.readline()
        if not line:
            raise Failed(f"{' '.join(command)}\nended before it was ready.")
        yield Service(**json.loads(line))
    finally:
        server.terminate()
        server.wait(10)


def task_ids(said: str) -> list[str]:
    """The task ids in what a process printed, each once."""
    return list(dict.fromkeys(TASK_ID.findall(said)))
