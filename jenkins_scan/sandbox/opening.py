"""How a task is opened: quota, slots, and what is left of both."""

from jenkins_scan.sandbox.call import Call
from jenkins_scan.sandbox.images import Image
from jenkins_scan.sandbox.messages import Refused
from jenkins_scan.sandbox.state import NoQuota, Opened, Terms

JENKINS = "CreateJenkinsImageScanTask"
PUBLIC = frozenset({"PublicCreateImageScanTask", "PublicSyncAndCreateImageScanTask"})


def open_task(call: Call, images: tuple[Image, ...]) -> Opened:
    """A task of the call's operation for these images, if a slot is free. Raises `Refused`: `BeyondQuata`.

    The quota is checked first, which is a choice of the sandbox.
    """
    conditions = call.conditions
    in_slots = PUBLIC | {JENKINS} if conditions.limit.jenkins else PUBLIC
    terms = Terms(
        action=call.action,
        allowance=0 if is_spent(call) else conditions.quota.capacity - conditions.quota.used,
        lasts_for=conditions.quota.lasts_for,
        finish_after=conditions.clock.finish_after,
        finish_spread=conditions.clock.finish_spread,
        slots=conditions.limit.tasks - foreign_tasks(call) if call.action in in_slots else None,
        in_slots=in_slots,
    )
    try:
        return call.state.open_task(images, now=call.now, terms=terms)
    except NoQuota as exc:
        raise Refused(400, "BeyondQuata", "Please check the scan quota") from exc


def foreign_tasks(call: Call) -> int:
    """How many tasks of others run now: they began with the first create that they could be in the way of."""
    limit = call.conditions.limit
    if not limit.foreign:
        return 0
    began = call.state.since(f"{limit.foreign} tasks of others ran for {limit.foreign_seconds} s", call.now)
    return limit.foreign if call.now < began + limit.foreign_seconds else 0


def used_quota(call: Call) -> int:
    """How many scans of the quota are spent."""
    quota = call.conditions.quota
    return quota.capacity if is_spent(call) else quota.used + call.state.paid_images()


def is_spent(call: Call) -> bool:
    """Whether others have spent the rest of the quota, as the scenario has it when a task was stopped for that."""
    clock = call.conditions.clock
    return call.conditions.quota.lasts_for < 1 and any(
        task.granted < task.total and task.over_at(clock.seconds_of(task)) <= call.now for task in call.state.tasks()
    )
