"""The account that a fleet shares, in the sandbox: ten task slots, one rate limit, and tasks of random length."""

from collections.abc import Callable
from dataclasses import dataclass

from jenkins_scan.sandbox.images import Image
from jenkins_scan.sandbox.scenarios import Scenario
from jenkins_scan.sandbox.service import SandboxService
from jenkins_scan.sandbox.state import State, Task, Terms

SLOTS = 10
RATE = 20
"""Calls that the account may make in a second."""
SCAN_SECONDS = 20.0
SPREAD = 0.8
CREATE = "PublicCreateImageScanTask"


def scenario(rate: int = RATE) -> Scenario:
    """The account as a scenario of the sandbox."""
    return Scenario.model_validate(
        {
            "name": "fleet",
            "quota": {"capacity": 1_000_000, "used": 0},
            "limit": {"tasks": SLOTS},
            "rate": {"calls": rate},
            "clock": {"finish_after": SCAN_SECONDS, "finish_spread": SPREAD},
        }
    )


def digest_of(number: int) -> str:
    """The digest of the image of this agent."""
    return f"{number:064x}"


@dataclass
class Account:
    """The sandbox's account with its service, and the calls that were made."""

    service: SandboxService
    calls: int = 0
    throttled: int = 0
    _window: tuple[int, int] = (0, 0)
    """The window of the rate in which a script asked last, and how often."""

    @classmethod
    def opened(cls, now: Callable[[], float], rate: int = RATE) -> "Account":
        """An account without tasks."""
        return cls(SandboxService(scenario(rate), State(), now=now))

    @property
    def state(self) -> State:
        """The ledger of the account."""
        return self.service.state

    def length(self, task: Task) -> float:
        """How long the task takes, in seconds."""
        return task.over_at(self.service.scenario.clock.seconds_of(task)) - task.opened_at

    # What a script does that is no client of ours: by the same limits, without signatures and HTTP.

    def admits(self, now: float) -> bool:
        """Whether a call is answered at all."""
        rate = self.service.scenario.rate
        self.calls += 1
        window = int(now // rate.seconds)
        self._window = (window, (self._window[1] if self._window[0] == window else 0) + 1)
        admitted = not rate.calls or self._window[1] <= rate.calls
        self.throttled += not admitted
        return admitted

    def create(self, number: int, now: float) -> Task | None:
        """The task of this agent's image, if there is a slot for it."""
        conditions = self.service.scenario
        terms = Terms(
            action=CREATE,
            allowance=conditions.quota.capacity,
            finish_after=conditions.clock.finish_after,
            finish_spread=conditions.clock.finish_spread,
            slots=conditions.limit.tasks,
            in_slots=frozenset({CREATE}),
        )
        return self.state.open_task([Image(digest_of(number), registry_type="acr")], now=now, terms=terms).task
