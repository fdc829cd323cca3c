"""When a task is asked for again, and by which operations.

The budget is 70 status calls in a scan of ten minutes whose end is seen within 15 seconds; in longer scans the end is
seen within a twentieth of the time that has passed. Which operation knows a CI/CD task is not documented, so all are
asked at first. One that shows the task under its id has proved to know it, and is the only one asked from then on.
Until then one is asked each time: the one that can prove itself at the end alone. The others are asked at the 1st, 2nd,
4th, 8th … time, which keeps the calls within the budget.
"""

from collections.abc import Callable, Sequence
from typing import Final

FIRST_PAUSE: Final = 1.0
"""Seconds from the submit to the first poll, and the shortest pause."""
GROWTH: Final = 0.25
"""An early pause is a quarter of the time that has passed."""
LONGEST_PAUSE: Final = 13.0
"""Seconds; what is left to 15 is for the jitter and the call itself."""
LONG_SCAN: Final = 620.0
"""Seconds from which a scan is a long one: the poll that sees the end of ten minutes is still a short one."""
LATE_SHARE: Final = 0.04
"""A pause in a long scan, as a share of the time that has passed."""
JITTER: Final = 0.06
"""At most this share is added or taken away, so that many builds do not ask in step."""


def pause(elapsed: float, random: Callable[[], float]) -> float:
    """Seconds until the next poll, `elapsed` seconds after the submit. `random` gives a number from 0 to 1."""
    early = min(LONGEST_PAUSE, max(FIRST_PAUSE, elapsed * GROWTH))
    plain = elapsed * LATE_SHARE if elapsed >= LONG_SCAN else early
    return plain * (1 + JITTER * (2 * random() - 1))


class Rota:
    """Which operations are asked at each poll."""

    def __init__(self, operations: Sequence[str], steady: str) -> None:
        """`operations` in the order of asking; `steady` is the one that can prove only at the end to know the task."""
        self._left = list(operations)
        self._steady = steady
        self._proved: str | None = None
        self._polls = 0

    def next(self) -> tuple[str, ...]:
        """The operations of the next poll; empty when none is left."""
        self._polls += 1
        if self._proved is not None:
            return (self._proved,)
        all_are_due = self._polls & (self._polls - 1) == 0
        return tuple(self._left) if all_are_due else self._alone()

    def proved(self, operation: str) -> None:
        """`operation` knows the task: only it is asked from now on."""
        self._proved = operation

    def refused(self, operation: str) -> None:
        """`operation` is not allowed: it is not asked again. If it was the one that had proved, all others are."""
        self._left = [each for each in self._left if each != operation]
        if self._proved == operation:
            self._proved = None
            self._polls = 0

    def may_ask(self, operation: str) -> bool:
        """Whether it was not refused."""
        return operation in self._left

    @property
    def is_empty(self) -> bool:
        """Whether every operation was refused."""
        return not self._left

    def _alone(self) -> tuple[str, ...]:
        return (self._steady,) if self._steady in self._left else tuple(self._left[:1])
