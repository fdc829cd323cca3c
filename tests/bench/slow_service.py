"""The sandbox's service over HTTP, which takes `sys.argv[1]` seconds for each answer, as a network and a service do."""

import json
import socketserver
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from jenkins_scan import sandbox
from jenkins_scan.sandbox.messages import Dropped, Reply
from jenkins_scan.sandbox.scenarios import load_scenario
from jenkins_scan.sandbox.server import SandboxServer
from jenkins_scan.sandbox.service import SandboxService
from jenkins_scan.sandbox.state import State

SCENARIO = "description = 'Nothing goes wrong, and the quota is enough for every round.'\nquota.capacity = 1_000_000\n"


class SlowService(SandboxService):
    """Waits before it answers; requests side by side wait side by side."""

    def handle(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply | Dropped:
        time.sleep(float(sys.argv[1]))
        return super().handle(method, target, headers, body)


def main() -> None:
    # By itself it lets five wait to be accepted: of more at once some are tried again after a second, or reset.
    socketserver.TCPServer.request_queue_size = 128
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
        file.write(SCENARIO)
        file.flush()
        scenario = load_scenario(file.name)
    with State(":memory:") as memory:
        server = SandboxServer(SlowService(scenario, memory))
        ready = {
            "url": server.url,
            "access_key_id": sandbox.ACCESS_KEY_ID,
            "access_key_secret": sandbox.ACCESS_KEY_SECRET,
            "token": sandbox.TOKEN,
        }
        print(json.dumps(ready), flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
