"""Waiting for a scan, on a clock that nobody waits for: the tool beside a script that asks at fixed intervals.

The tool's part is its own code: client, status operations, rota and pauses, against the sandbox's service. Each round
is a scan of another length, shorter than the row says by up to a tenth or the longest interval, so that no interval
happens to fit.
"""

import random
from collections.abc import Iterator, Mapping
from contextlib import closing
from math import ceil
from typing import Final

import httpx
from pydantic import SecretStr

from jenkins_scan import sandbox
from jenkins_scan.sandbox.conditions import Clock as SandboxTime
from jenkins_scan.sandbox.messages import Dropped, Reply
from jenkins_scan.sandbox.scenarios import load_scenario
from jenkins_scan.sandbox.service import SandboxService
from jenkins_scan.sandbox.state import State
from jenkins_scan.sandbox.transport import SandboxTransport
from jenkins_scan.security_center.client import SecurityCenterClient
from jenkins_scan.security_center.credentials import Credentials
from jenkins_scan.security_center.endpoints import Endpoint
from jenkins_scan.security_center.interface import ScanRequest
from jenkins_scan.security_center.signing import AcsV3Auth
from jenkins_scan.step.submitted import Submitted
from jenkins_scan.step.waiting import Wait
from tests.bench.figures import Bench, Figure, Spread, Target
from tests.bench.processes import Failed
from tests.support.center import FakeClock

SCANS: Final[Mapping[str, float]] = {"20 s": 20.0, "2 min": 120.0, "10 min": 600.0, "1 h": 3600.0}
INTERVALS: Final = (5.0, 10.0)
LATENCY: Final = 0.05
"""Seconds that each call takes, in the tool and in the script."""
ROUNDS: Final = 21
FEW: Final = 1
"""Scans of each length, and in the short run; no time is measured, so the rounds of other rows do not matter."""
BUDGET: Final[Mapping[str, tuple[Target, Target]]] = {
    "10 min": (Target(70, "highest"), Target(15, "highest")),
    "1 h": (Target(125, "highest"), Target(180, "highest")),
}
"""What security_center/polling.py promises: calls, and seconds of delay; in an hour a twentieth of it."""
KEYS: Final = Credentials(sandbox.ACCESS_KEY_ID, SecretStr(sandbox.ACCESS_KEY_SECRET))


def waiting(bench: Bench) -> Iterator[Figure]:
    """Calls made and delay after the end of scans of 20 s to 1 h (virtual clock), beside intervals of 5 and 10 s."""
    for name, length in SCANS.items():
        chance = random.Random(length)  # noqa: S311  the same scans in each run
        spread = max(length / 10, *INTERVALS)
        lengths = [length - spread * chance.random() for _ in range(FEW if bench.short else ROUNDS)]
        tool = [_tool(seconds, chance) for seconds in lengths]
        for interval in INTERVALS:
            script = [_script(seconds, interval) for seconds in lengths]
            targets = BUDGET.get(name, (None, None))
            for part, (measure, unit) in enumerate((("calls", ""), ("delay", "s"))):
                values = (Spread(tuple(each[part] for each in runs)) for runs in (tool, script))
                names = "waiting", f"a scan of {name}", f"every {interval:g} s", measure, unit
                yield Figure(*names, *values, targets[part], in_pairs=False)


class _Counted(SandboxService):
    """The sandbox, whose answers take their time on the virtual clock, and are counted."""

    clock: FakeClock
    calls = 0

    def handle(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply | Dropped:
        self.calls += 1
        self.clock.advance(LATENCY / 2)
        answer = super().handle(method, target, headers, body)
        self.clock.advance(LATENCY / 2)
        return answer


def _tool(seconds: float, chance: random.Random) -> tuple[float, float]:
    """Status calls until the end was seen, and seconds from the end of the scan to that moment."""
    clock = FakeClock()
    scenario = load_scenario("clean").model_copy(update={"clock": SandboxTime(finish_after=seconds)})
    with State(":memory:") as state:
        service = _Counted(scenario, state, now=clock.now)
        service.clock = clock
        auth = AcsV3Auth(KEYS, now=clock.now)
        with closing(httpx.Client(auth=auth, transport=SandboxTransport(service))) as http:
            token = SecretStr(sandbox.TOKEN)
            center = SecurityCenterClient(http, Endpoint("http://sandbox"), token, clock)
            request = ScanRequest(repo_name="app", tag="1", digest="d" * 64, image_id="c" * 64)
            answer = center.create_jenkins_image_scan_task(request, deadline=clock.monotonic() + 30)
            begun, opened_on, service.calls = clock.now() - LATENCY / 2, clock.monotonic(), 0
            if answer.server_time is None:
                raise Failed("the sandbox told no time.")
            submitted = Submitted(answer.value.task_id, answer.server_time, request, opened_on=opened_on)
            deadline = clock.monotonic() + 2 * seconds
            Wait(submitted, center.tasks, clock, deadline, spread=chance.random).until_the_end()
    return service.calls, clock.now() - (begun + seconds)


def _script(seconds: float, interval: float) -> tuple[float, float]:
    """The same of a script that sleeps, asks, and sleeps again."""
    calls = ceil(seconds / (interval + LATENCY))
    return calls, calls * (interval + LATENCY) + LATENCY / 2 - seconds
