"""`jenkins-scan sandbox serve` in a process of its own."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def served(*arguments: str) -> Iterator[dict[str, str]]:
    """The environment that leads to it."""
    command = [sys.executable, "-m", "jenkins_scan", "sandbox", "serve", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        ready = json.loads(server.stdout.readline())
        yield {
            "ALIBABA_CLOUD_ACCESS_KEY_ID": ready["access_key_id"],
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": ready["access_key_secret"],
            "JENKINS_SCAN_TOKEN": ready["token"],
            "JENKINS_SCAN_ENDPOINT": ready["url"],
        }
        server.terminate()
        server.wait(10)
