"""When a call is tried again, and how long it waits before.

At most four tries, waiting 1 s, 3 s and 9 s, after those that were throttled about 4 s, 7 s and 12 s, or as long as the
service asks for; never past the deadline. The failed try itself says whether another one makes sense. The numbers
behind the longer waits are in docs/adr/0001-waiting-for-a-slot.md.
"""

import random
from collections.abc import Callable
from typing import TypeVar

import tenacity

from jenkins_scan.clock import Clock
from jenkins_scan.errors import ScanError, ServiceThrottled

T = TypeVar("T")
TRIES = 4
FIRST_WAIT, GROWTH = 1.0, 3.0
"""Seconds after the first try, and by how much longer each further wait is."""
SPREAD = (1.0, 1.1)
"""A wait is by such a share as long."""
FIRST_WAIT_IN_A_CROWD, CROWD_GROWTH = 4.0, 1.75
"""The same after tries that were throttled."""
CROWD_SPREAD = (0.5, 1.5)
"""Those that were throttled together must not come back together."""
LAST_TRY = 1.0
"""Seconds before the deadline by which a wait ends, if that does not make it too short."""
SHORTEST_WAIT = 0.5
"""Seconds."""


class TryFailed(Exception):
    """One try that failed, with the error to show and what it means for the next try."""

    def __init__(
        self,
        error: ScanError,
        *,
        again: bool,
        may_have_run: bool = False,
        after: float | None = None,
        once: bool = False,
    ) -> None:
        super().__init__(str(error))
        self.error = error
        self.again = again
        """Whether a later try can succeed."""
        self.may_have_run = may_have_run
        """Whether the service may have carried the request out."""
        self.after = after
        """Seconds the service asked to wait."""
        self.once = once
        """Whether a second failure of this kind is final."""


def with_retries(attempt: Callable[[], T], *, repeat_if_may_have_run: bool, deadline: float, clock: Clock) -> T:
    """The result of the first try that succeeds.

    `repeat_if_may_have_run` is False for creates: what may have run is never sent again. Raises the last `TryFailed`.
    """
    only_once = 0

    def another(state: tenacity.RetryCallState) -> bool:
        nonlocal only_once
        failed = _failure(state)
        if failed is None or not failed.again:
            return False
        only_once += failed.once
        return only_once <= 1 and (repeat_if_may_have_run or not failed.may_have_run)

    def wait(state: tenacity.RetryCallState) -> float:
        failed = _failure(state)
        # Whoever is told to come back at once waits nevertheless: four tries in an instant help nobody.
        asked = (None if failed is None else failed.after) or 0.0
        if failed is not None and isinstance(failed.error, ServiceThrottled):
            own, least, most = FIRST_WAIT_IN_A_CROWD * CROWD_GROWTH ** (state.attempt_number - 1), *CROWD_SPREAD
        else:
            own, least, most = FIRST_WAIT * GROWTH ** (state.attempt_number - 1), *SPREAD
        about = (asked or own) * random.uniform(1.0 if asked else least, most)  # noqa: S311  spreading, not secrecy
        return max(asked or SHORTEST_WAIT, min(about, deadline - LAST_TRY - clock.monotonic()))

    def stop(state: tenacity.RetryCallState) -> bool:
        return state.attempt_number >= TRIES or clock.monotonic() + state.upcoming_sleep >= deadline

    return tenacity.Retrying(retry=another, wait=wait, stop=stop, sleep=clock.sleep, reraise=True)(attempt)


def _failure(state: tenacity.RetryCallState) -> TryFailed | None:
    problem = None if state.outcome is None else state.outcome.exception()
    return problem if isinstance(problem, TryFailed) else None
