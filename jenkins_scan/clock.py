"""Time as a part that can be handed in, so that no test ever waits."""

import time
from typing import Protocol


class Clock(Protocol):
    """What the step needs of time."""

    def now(self) -> float:
        """Seconds since the epoch, by the agent's clock: for labels, never for proofs."""
        ...

    def monotonic(self) -> float:
        """Seconds since some start, never going back: for durations and deadlines."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class SystemClock:
    """The machine's own time."""

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds since some start."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)
