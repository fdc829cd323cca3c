"""How long a build waits before it asks again for a free task slot, or for anything while the account is throttled.

Nobody tells it how many others wait, and the account's rate limit holds for all of them together. What it does see is
each try of its own that failed: then too many ask, and it asks more seldom, until the answers come at once again. The
numbers behind the constants are in docs/adr/0001-waiting-for-a-slot.md; `make bench-fleet` measures them anew.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from jenkins_scan.clock import Clock
from jenkins_scan.errors import ServiceThrottled
from jenkins_scan.step.voice import Voice

T = TypeVar("T")
SUBMIT_BUDGET: Final = 30.0
"""Seconds for all tries up to and including the submit of an image, as long as nobody is throttled."""

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

GIVEN_UP: Final = 4
"""So many tries have failed when the client gives up what is throttled, within the budget."""
LEAST_LEFT: Final = 10.0
"""Seconds that have to be left to ask a throttled question again."""

OnTheWay = Callable[[float | None], None]
"""Is told when a create is sent, and that it opened nothing."""


class Patience:
    """The pauses of one build."""

    def __init__(self, spread: Callable[[], float] = random.random) -> None:
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


@dataclass
class Asking:
    """What one build asks up to its submit: how long it tries, and how long it asks again while it is throttled.

    A throttled call has changed nothing, be it a create: asking again neither repeats anything nor loses it.
    """

    patience: Patience
    clock: Clock
    voice: Voice
    budget: float
    """Monotonic time until which the tries of all questions together may go on; a pause begins a new budget."""
    deadline: float
    """Monotonic time until which a throttled question is asked again."""
    paused: float = 0.0
    """Seconds of all pauses so far."""

    def until_heard(self, question: Callable[[float], T]) -> T:
        """The answer to the question, which is given the budget.

        Raises `ServiceThrottled` (15) when too little time is left to ask again, and what else the question raises.
        """
        while True:
            now = self.clock.monotonic()
            if self.budget - now < LEAST_LEFT <= self.deadline - now:  # used up by what was throttled before
                self.budget = now + SUBMIT_BUDGET
            try:
                return question(self.budget)
            except ServiceThrottled as refused:
                left = self.deadline - self.clock.monotonic()
                if left < LEAST_LEFT:
                    raise
                # What comes after the answer needs time, too.
                seconds = min(left / 2, self.patience.pause(failed=GIVEN_UP))
                self.voice.note(f"{refused.message} It is asked again in {seconds:.0f} s; {left:.0f} s left")
            self.pause(seconds)

    def pause(self, seconds: float) -> None:
        """Waits, and begins a new budget."""
        self.clock.sleep(seconds)
        self.paused += seconds
        self.budget = self.clock.monotonic() + SUBMIT_BUDGET


class Tries:
    """How often a create was sent: the client tries again by itself when it is throttled."""

    def __init__(self) -> None:
        self.count = 0
        """Of the last create."""

    def counted(self, create: Callable[[float, OnTheWay], T], until: float, on_the_way: OnTheWay) -> T:
        """The answer to the create, which is given its deadline (monotonic time); raises what it raises."""
        self.count = 0

        def note(time: float | None) -> None:
            self.count += time is not None
            on_the_way(time)

        return create(until, note)
