"""The quota gate: no task is opened when less remains than was asked for."""

from jenkins_scan.errors import QuotaSpent, QuotaTooLow
from jenkins_scan.security_center.interface import Quota


def require_remaining(quota: Quota, minimum: int, *, before: int = 0) -> None:
    """Raises `QuotaTooLow` (12) when less than `minimum` scans remain; 0 turns the gate off.

    `before` is the number of images in the same run that come first.
    """
    if quota.remaining - before < minimum:
        taken = f", {before} of them for the images before this one" if before else ""
        raise QuotaTooLow(
            f"{quota.remaining} of {quota.capacity} image scans remain{taken}: fewer than --min-quota {minimum}; "
            "no task was opened.",
            remedy=None if quota.remaining > before else QuotaSpent.default_remedy,
        )


def require_capacity(capacity: int | None, minimum: int) -> None:
    """Raises `QuotaTooLow` (12) when the purchased total that came with a task is itself below `minimum`.

    What remains is never more than the total, so this needs no second call; None (not told) proves nothing either way.
    """
    if capacity is not None and capacity < minimum:
        raise QuotaTooLow(
            f"the purchased total of {capacity} image scans is below --min-quota {minimum}; the task was opened."
        )
