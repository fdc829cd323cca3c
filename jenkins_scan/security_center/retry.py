"""When a call is tried again, and how long it waits before.

At most four tries, waiting 1 s, 3 s and 9 s with a tenth of jitter, or what the service asks for; never past the
deadline. The failed try itself says whether another one makes sense. Tries that were throttled do not count: the rate
limit is the account's, a crowd needs longer than 13 s to go, and the pauses grow to a minute until the deadline.
"""

import logging
import random
from collections.abc import Callable
from typing import TypeVar

import tenacity

from jenkins_scan.clock import Clock
from jenkins_scan.errors import ScanError, ServiceThrottled

T = TypeVar("T")
TRIES = 4
FIRST_WAIT = 1.0
"""Seconds."""
GROWTH = 3.0
LONGEST_WAIT = 60.0
"""Seconds."""
JITTER = 0.1
LONG_WAIT = 10.0
"""Seconds from which on the log tells of a wait."""
log = logging.getLogger(__name__)


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


def throttled(failed: BaseException | None) -> bool:
    """Whether this is a try that the rate limit of the account has ended."""
    return isinstance(failed, TryFailed) and isinstance(failed.error, ServiceThrottled)


def with_retries(attempt: Callable[[], T], *, repeat_if_may_have_run: bool, deadline: float, clock: Clock) -> T:
    """The result of the first try that succeeds.

    `repeat_if_may_have_run` is False for creates: what may have run is never sent again. Raises the last `TryFailed`.
    """
    only_once = counted = 0

    def another(state: tenacity.RetryCallState) -> bool:
        nonlocal only_once, counted
        failed = state.outcome.exception() if state.outcome is not None else None
        if not isinstance(failed, TryFailed) or not failed.again:
            return False
        only_once += failed.once
        counted += not throttled(failed)
        return only_once <= 1 and (repeat_if_may_have_run or not failed.may_have_run)

    def wait(state: tenacity.RetryCallState) -> float:
        failed = state.outcome.exception() if state.outcome is not None else None
        # What fails otherwise after long throttling is tried again as soon as at the beginning.
        tries = state.attempt_number if throttled(failed) else counted
        own = min(LONGEST_WAIT, FIRST_WAIT * GROWTH ** min(tries - 1, TRIES))
        asked = failed.after if isinstance(failed, TryFailed) else None
        if asked is not None:  # a service that always asks for an instant would be asked for ever without a pause
            own = asked if tries < TRIES else max(own, asked)
        return own * (1 + random.uniform(0, JITTER))  # noqa: S311  spreading, not secrecy

    def stop(state: tenacity.RetryCallState) -> bool:
        return counted >= TRIES or clock.monotonic() + state.upcoming_sleep >= deadline

    def tell(state: tenacity.RetryCallState) -> None:
        failed = state.outcome.exception() if state.outcome is not None else None
        if state.upcoming_sleep >= LONG_WAIT:
            log.warning("%s It is asked again in %.0f s.", failed, state.upcoming_sleep)

    tries = tenacity.Retrying(retry=another, wait=wait, stop=stop, before_sleep=tell, sleep=clock.sleep, reraise=True)
    return tries(attempt)
