"""A create that was sent and got no answer: its task is looked for and taken up, never created again."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime

from jenkins_scan.clock import Clock
from jenkins_scan.errors import FateUnknown, ScanError
from jenkins_scan.security_center.interface import Answer, CreatedTask, ScanRequest, SecurityCenter, TaskStatus
from jenkins_scan.step.record import ImageRun, Run

LOOK_UP_BUDGET = 20.0
LOOK_UP_WAITS = (0.0, 1.0, 2.0, 4.0)
"""Seconds before each look for a task whose create got no answer: a listing may lag."""
CUT = 1.0
"""Seconds that a `Date` header cuts off at most."""
log = logging.getLogger(__name__)


def take_up(
    run: Run, image: ImageRun, unknown: FateUnknown, center: SecurityCenter, clock: Clock
) -> tuple[CreatedTask, float]:
    """The task of a create whose answer was lost, and when it began: in seconds since the epoch by the service's clock.

    Raises `FateUnknown` with what to look for when it is not found.
    """
    digest = _digest(image)
    # Another image of this run with the same digest has a task of its own: nobody could tell the two apart.
    alone = all(_request(other) in (None, _request(image)) or _digest(other) != digest for other in run.images)
    found = _tasks_since(unknown.sent_on, digest, center, clock) if digest is not None and alone else {}
    if len(found) != 1:  # of several nobody can tell which is ours
        listed = f" Since then started: {', '.join(found)}." if found else ""
        raise FateUnknown(
            unknown.message + listed,
            remedy=_what_to_look_for(image),
            service_code=unknown.service_code,
            request_id=unknown.request_id,
        ) from unknown
    ((task_id, task),) = found.items()
    image.warnings.append(
        f"the answer to the create was lost; task {task_id}, started after it for this digest, was taken up "
        f"(its status: {task.word or 'not told'})."
    )
    return CreatedTask(task_id), task.started_at or 0.0


def _tasks_since(sent_on: float, digest: str, center: SecurityCenter, clock: Clock) -> dict[str, TaskStatus]:
    """The tasks for this digest that started after our submit, by id; empty when none shows up.

    Each status operation that takes a digest is asked: which of them lists a task of this kind is not documented.
    """
    deadline = clock.monotonic() + LOOK_UP_BUDGET
    for wait in LOOK_UP_WAITS:
        clock.sleep(wait)
        ours: dict[str, TaskStatus] = {}
        for listing in (center.tasks.latest, center.tasks.unfinished):
            asked_on = clock.monotonic()
            try:
                answer = listing(digest, deadline=deadline)
            except ScanError as refused:
                log.info("looking for the task failed: %s", refused.message)
                continue
            ours |= {task.task_id: task for task in _since(sent_on, asked_on, answer, digest) if task.task_id}
        if ours:
            return ours
    return {}


def _since(
    sent_on: float, asked_on: float, answer: Answer[tuple[TaskStatus, ...]], digest: str
) -> Iterator[TaskStatus]:
    if answer.server_time is None:
        return  # without the service's clock an older task cannot be told from ours
    # The submit by the service's clock. `Date` is cut to whole seconds, so this is early by less than one second: a
    # task for the same digest that began in that moment cannot be told from ours, every older one can. Time that the
    # look itself took makes it late, never early.
    submitted_at, until = answer.server_time - (asked_on - sent_on), answer.server_time + CUT
    for task in answer.value:
        began = task.started_at
        if began is not None and submitted_at <= began <= until and task.digest in (None, digest):
            yield task


def _request(image: ImageRun) -> ScanRequest | None:
    return None if image.submission is None else image.submission.request


def _digest(image: ImageRun) -> str | None:
    request = _request(image)
    return None if request is None else request.digest


def _what_to_look_for(image: ImageRun) -> str:
    sent_at = 0.0 if image.task is None else image.task.opened_at
    request = ScanRequest() if image.submission is None else image.submission.request
    when = datetime.fromtimestamp(sent_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    known = [
        f"digest {request.digest}" if request.digest else "",
        f"image id {request.image_id}" if request.image_id else "",
    ]
    return (
        f"Look in the Security Center console for a scan task of {image.reference} "
        f"({', '.join(part for part in known if part) or 'no digest known'}) opened at about {when}. "
        "It was not created again: that could spend quota twice."
    )
