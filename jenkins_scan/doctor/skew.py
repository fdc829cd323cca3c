"""This agent's clock against the service's: signatures are refused when they differ by more than 15 minutes."""

from typing import Final

from jenkins_scan.doctor.report import Outcome, good, warning
from jenkins_scan.doctor.service import Service
from jenkins_scan.errors import ClockSkew

NOTED: Final = 60
"""Seconds of difference from which a warning is given."""
REFUSED: Final = 15 * 60
"""Seconds beyond which the service refuses a signature."""


def check(service: Service) -> Outcome:
    """How far the clocks differ. Raises `ClockSkew` (14), `ServiceUnreachable` (15)."""
    before = service.clock.now()
    date = service.date()
    after = service.clock.now()
    if date is None:
        return warning(
            "the answer has no Date that can be read.", "Something in between may have answered: check the proxy."
        )
    # A Date is cut to whole seconds, and the answer was on its way for a while.
    ahead = (before + after) / 2 - (date + 0.5)
    seconds = abs(round(ahead))
    where = f"{seconds} s {'ahead of' if ahead > 0 else 'behind'} the service's"
    if seconds > REFUSED:
        raise ClockSkew(f"this agent's clock is {where}: every signature will be refused.")
    if seconds > NOTED:
        return warning(
            f"this agent's clock is {where}.", "Set it (NTP): beyond 900 s the service refuses every signature."
        )
    return good(f"this agent's clock is {where}." if seconds > 1 else "this agent's clock and the service's agree.")
