"""The image-scan quota against --min-quota."""

from jenkins_scan.doctor.report import Outcome, failure, good, skipped, warning
from jenkins_scan.doctor.service import Service
from jenkins_scan.errors import AccessError, QuotaSpent, QuotaTooLow


def check(service: Service, minimum: int) -> Outcome:
    """Whether a scan would be opened. Raises `ServiceError` (15)."""
    try:
        quota = service.quota()
    except AccessError:
        return skipped("not known, because it may not be read.", "Mend `permissions` first.")
    seen = f"{quota.remaining} of {quota.capacity} image scans remain, {quota.used} are used"
    if quota.remaining < minimum:
        remedy = None if quota.remaining > 0 else QuotaSpent.default_remedy
        return failure(QuotaTooLow(f"{seen}: fewer than --min-quota {minimum}.", remedy=remedy))
    if quota.remaining == 0:
        return warning(f"{seen}; --min-quota 0 lets a scan try all the same.", QuotaSpent.default_remedy)
    return good(f"{seen}; --min-quota is {minimum}.")
