"""How long a build waits before it asks again for a free task slot.

Nobody tells it how many others wait, and the account's rate limit holds for all of them together. What it does see is
each try of its own that failed: then too many ask, and it asks more seldom, until the answers come at once again. The
numbers behind the constants are in docs/adr/0001-waiting-for-a-slot.md; `make bench-fleet` measures them anew.
"""

from collections.abc import Callable
from typing import Final

from jenkins_scan.errors import ServiceThrottled
from jenkins_scan.security_center.interface import Answer
from jenkins_scan.security_center.registry_scans import RegistryTask

FIRST_PAUSE: Final = 5.0
"""Seconds until a slot is asked for again; each pause is half as long again as the one before."""
GROWTH: Final = 1.5
LONGEST_PAUSE: Final = 20.0
"""Seconds, as long as nobody is throttled."""
CROWD: Final = 3.0
"""So many times longer the pauses get with each try that failed, as those that were throttled do."""
RELIEF: Final = 0.9
"""By this factor they come down again with each answer at the first try."""
LONGEST_IN_A_CROWD: Final = 400.0
"""Seconds: a slot is idle for a share of that when the last few builds of a rush are left."""
JITTER: Final = 0.25
"""At most this share is added or taken away: many builds that wait for a slot must not ask in step."""

OnTheWay = Callable[[float | None], None]
Create = Callable[[float, OnTheWay], Answer[RegistryTask]]
"""A create by its deadline (monotonic time) and its `on_the_way`."""


class Patience:
    """The pauses of one build."""

    def __init__(self, spread: Callable[[], float]) -> None:
        """`spread` gives a number from 0 to 1."""
        self._spread = spread
        self._plain = FIRST_PAUSE
        self._crowd = 1.0

    def pause(self, failed: int) -> float:
        """Seconds until the next create, after one of which so many tries failed."""
        crowd = self._crowd * CROWD**failed if failed else self._crowd * RELIEF
        self._crowd = min(max(1.0, crowd), LONGEST_IN_A_CROWD / LONGEST_PAUSE)
        pause = self._plain * self._crowd
        self._plain = min(LONGEST_PAUSE, self._plain * GROWTH)
        return pause * (1 + JITTER * (2 * self._spread() - 1))


class Tries:
    """How often one create was sent: the client tries again by itself when it is throttled."""

    def __init__(self, may_go_on: Callable[[], bool] = lambda: True) -> None:
        """`may_go_on` tells whether a second try may still be sent."""
        self.count = 0
        self._may_go_on = may_go_on

    def counted(self, create: Create, until: float, on_the_way: OnTheWay) -> Answer[RegistryTask]:
        """The answer to the create; raises what it raises, and `ServiceThrottled` before a try that may not go on."""

        def note(time: float | None) -> None:
            if time is not None and self.count and not self._may_go_on():
                raise ServiceThrottled("the service took no create until the deadline: each try was refused or lost.")
            self.count += time is not None
            on_the_way(time)

        return create(until, note)
