"""`jenkins-scan` as a process that lacks streams from its start on, as under a daemon or a careless wrapper."""

import subprocess
import sys


def scan_with_closed_streams(closed: str, archive: str, *arguments: str) -> int:
    """The exit code of a scan in the sandbox; `closed` is the shell's word, such as `>&-`."""
    command = f'exec "$0" -m jenkins_scan scan "$1" --endpoint sandbox -o json "${{@:2}}" {closed}'
    done = subprocess.run(
        ["/bin/bash", "-c", command, sys.executable, archive, *arguments],
        env={"HOME": "/"},
        capture_output=True,
        check=False,
    )
    return done.returncode
