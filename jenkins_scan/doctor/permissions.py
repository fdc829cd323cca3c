"""Which operations this AccessKey may call: each read that the options need is tried once, for an image of nobody."""

from collections.abc import Callable, Mapping
from typing import Final

from jenkins_scan.doctor.report import Outcome, failure, good, warning
from jenkins_scan.doctor.service import Service
from jenkins_scan.errors import (
    ConfigurationError,
    PermissionDenied,
    ScanError,
    ServiceFault,
    ServiceThrottled,
    ServiceUnreachable,
)
from jenkins_scan.gate.policy import Policy
from jenkins_scan.security_center.client import CREATE, SecurityCenterClient
from jenkins_scan.security_center.finding_lists import COUNTS, LISTS
from jenkins_scan.security_center.interface import ImageKey
from jenkins_scan.security_center.task_operations import IMAGE_INSTANCES, LATEST, LEAF_RECORDS, UNFINISHED
from jenkins_scan.side_by_side import SideBySide

QUOTA: Final = "DescribeImageScanAuthCount"
NOBODY: Final = ImageKey(uuid="00000000-0000-0000-0000-000000000000", digest="0" * 64)
"""The key of no image: what is asked for it is allowed or not, and finds nothing."""
AT_ONCE: Final = 4
_SERVER_ERROR: Final = 500
MAY_BE_SLOW: Final = (ServiceUnreachable, ServiceThrottled)
"""Errors that say nothing of one read when others were answered: they come in a hurry here."""


def check(service: Service, policy: Policy, *, sandbox_allowed: bool) -> Outcome:
    """What is allowed, and what is not: all of it, with the RAM actions to add.

    Raises `ScanError` when the service cannot be asked at all, or is not bought.
    """
    client = service.client()
    failed: dict[str, ScanError] = {}
    reads = _reads(service, client, policy, service.deadline)

    def ask(name: str) -> None:
        try:
            reads[name]()
        except ScanError as error:
            failed[name] = error

    SideBySide(ask, reads, jobs=AT_ONCE).finish()
    if service.is_sandbox and not sandbox_allowed:
        raise ConfigurationError(
            "the endpoint answers as a sandbox, and in a Jenkins build it was not named by the flag itself.",
            remedy="Write --endpoint on the command line if you mean the sandbox; it judges nothing real.",
        )
    return _judged(list(reads), failed)


def _judged(asked: list[str], failed: Mapping[str, ScanError]) -> Outcome:
    denied = [name for name in asked if isinstance(failed.get(name), PermissionDenied)]
    unknown = [name for name in asked if name in failed and name not in denied and not _let_in(failed[name])]
    allowed = [name for name in asked if name not in denied and name not in unknown]
    for name in unknown:
        if not isinstance(failed[name], MAY_BE_SLOW) or len(unknown) == len(asked):
            raise failed[name]
    seen = f"{_count(allowed)} allowed ({', '.join(allowed)}); " if allowed else "none allowed; "
    seen += f"not known of {', '.join(unknown)}; " if unknown else ""
    seen += f"{CREATE} cannot be tried without using quota."
    if denied:
        actions = ", ".join(f"yundun-sas:{name}" for name in denied)
        refused = f"{len(denied)} of {_count(asked)} refused with HTTP 403: {', '.join(denied)}. {seen}"
        remedy = f"Add to the RAM policy of this AccessKey's user or role, with Resource *: {actions}."
        return failure(PermissionDenied(refused, remedy=remedy))
    return warning(seen, f"Again a little later: {failed[unknown[0]].message}") if unknown else good(seen)


def _let_in(error: ScanError) -> bool:
    """Whether the operation was allowed, and only did not like the image of nobody."""
    return isinstance(error, ServiceFault) and error.http_status is not None and error.http_status < _SERVER_ERROR


def _count(names: list[str]) -> str:
    return f"{len(names)} read{'' if len(names) == 1 else 's'}"


def _reads(
    service: Service, client: SecurityCenterClient, policy: Policy, deadline: float
) -> dict[str, Callable[[], object]]:
    """The reads by their operation, in the order in which a scan makes them."""
    digest = NOBODY.digest or ""
    reads: dict[str, Callable[[], object]] = {
        QUOTA: service.quota,
        LATEST: lambda: client.tasks.latest(digest, deadline=deadline),
        UNFINISHED: lambda: client.tasks.unfinished(digest, deadline=deadline),
    }
    if not policy.has_gate:
        return reads
    reads[LEAF_RECORDS] = lambda: client.tasks.by_id("0" * 32, deadline=deadline)
    reads[IMAGE_INSTANCES] = lambda: client.tasks.of_image(digest=digest, deadline=deadline)
    reads[COUNTS] = lambda: client.results.counts(NOBODY, deadline=deadline)
    for source, operation in LISTS.items():
        if source.kind in policy.gated_kinds:
            reads[operation.name] = lambda source=source: client.results.findings(source, NOBODY, deadline=deadline)  # type: ignore[misc]  # the default binds the loop's value
    return reads
