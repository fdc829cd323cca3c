"""The step: gather, ask the quota, submit, judge. One readable line from the image to the task."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime

from jenkins_scan.clock import Clock
from jenkins_scan.config.settings import ScanSettings
from jenkins_scan.errors import AccessError, FateUnknown, Interrupted, ScanError, ServiceError, UsageError
from jenkins_scan.gate.quota import require_capacity, require_remaining
from jenkins_scan.images.interface import ResolvedImage
from jenkins_scan.record import ImageRun, Run, TaskRecord
from jenkins_scan.security_center.interface import Answer, CreatedTask, ListedTask, SecurityCenter
from jenkins_scan.submission import Submission, prepare

FORBIDDEN = 403
SUBMIT_BUDGET = 30.0
"""Seconds for all tries up to and including the submit."""
LOOK_UP_BUDGET = 20.0
LOOK_UP_WAITS = (0.0, 1.0, 2.0, 4.0)
"""Seconds before each look for a task whose create got no answer: a listing may lag."""
CUT = 1.0
"""Seconds that a `Date` header cuts off at most."""
GRACE = 1.5
"""Seconds that an interrupted create may still take to answer."""
log = logging.getLogger(__name__)


def scan(
    run: Run, settings: ScanSettings, *, resolve: Callable[[], ResolvedImage], center: SecurityCenter, clock: Clock
) -> None:
    """Opens a scan task for the image and notes everything in `run`. Raises `ScanError`, `Interrupted` on a signal."""
    try:
        resolved = resolve()
        run.image.identity = resolved.identity
        submission = prepare(resolved, settings.overrides)
        run.image.submission = submission
        run.warnings += [*resolved.warnings, *submission.warnings]
        deadline = clock.monotonic() + SUBMIT_BUDGET
        if settings.min_quota > 0:
            _ask_quota(run, center, settings.min_quota, deadline)
        _refuse_unnamed_sandbox(center, settings)
        task = _submit(run, submission, center, clock, deadline)
        _refuse_unnamed_sandbox(center, settings)
        _judge_capacity(run, task, settings.min_quota)
    finally:
        run.sandbox = run.sandbox or center.is_sandbox


def _ask_quota(run: Run, center: SecurityCenter, minimum: int, deadline: float) -> None:
    try:
        run.quota = center.describe_image_scan_auth_count(deadline=deadline).value
    except (AccessError, ServiceError) as denied:
        if denied.http_status != FORBIDDEN:
            raise
        run.warnings.append(
            f"the remaining quota is not known; only a total that comes with the task can be judged: {denied.message}"
        )
        return
    log.info("quota: %d of %d image scans remain", run.quota.remaining, run.quota.capacity)
    require_remaining(run.quota, minimum)


def _judge_capacity(run: Run, task: CreatedTask, minimum: int) -> None:
    if task.capacity is None and run.quota is None and minimum > 0:
        run.warnings.append("the quota was not judged: neither what remains nor the purchased total was told.")
    require_capacity(task.capacity, minimum)


def _refuse_unnamed_sandbox(center: SecurityCenter, settings: ScanSettings) -> None:
    if center.is_sandbox and not settings.service.sandbox_allowed:
        raise UsageError(
            "the endpoint answers as a sandbox, and in a Jenkins build it was not named by the flag itself.",
            remedy="Write --endpoint on the command line if you mean the sandbox; it judges nothing real.",
        )


def _submit(run: Run, submission: Submission, center: SecurityCenter, clock: Clock, deadline: float) -> CreatedTask:
    """Opens the task and notes it. Until the service has answered, the note says that a task may exist."""
    image, sent_at = run.image, clock.now()
    image.task = TaskRecord(None, sent_at)
    try:
        answer = center.create_jenkins_image_scan_task(submission.request, deadline=deadline)
        image.task = _opened(answer, sent_at)
    except Interrupted:
        image.task = _after_interruption(center, sent_at)
        raise
    except FateUnknown as unknown:
        task = _taken_up(run, unknown, submission, center, clock)
        image.task = TaskRecord(task, sent_at, unknown.request_id)
        return task
    except ScanError:
        image.task = None
        raise
    log.info("task %s is open", answer.value.task_id)
    return answer.value


def _opened(answer: Answer[CreatedTask], sent_at: float) -> TaskRecord:
    return TaskRecord(answer.value, answer.server_time or sent_at, answer.request_id)


def _after_interruption(center: SecurityCenter, sent_at: float) -> TaskRecord | None:
    """What is known of the create that a signal interrupted, after a moment of grace."""
    try:
        late = center.settle(GRACE)
    except FateUnknown:
        return TaskRecord(None, sent_at)
    return None if late is None else _opened(late, sent_at)


def _taken_up(
    run: Run, unknown: FateUnknown, submission: Submission, center: SecurityCenter, clock: Clock
) -> CreatedTask:
    """The task of a create whose answer was lost. Raises `FateUnknown` with what to look for when it is not found."""
    digest = submission.request.digest
    found = _tasks_since(unknown.sent_on, digest, center, clock) if digest is not None else ()
    if len(found) != 1:  # of several nobody can tell which is ours
        listed = f" Since then started: {', '.join(task.task_id for task in found)}." if found else ""
        raise FateUnknown(
            unknown.message + listed,
            remedy=_what_to_look_for(run.image, submission),
            service_code=unknown.service_code,
            request_id=unknown.request_id,
        ) from unknown
    (task,) = found
    run.warnings.append(
        f"the answer to the create was lost; task {task.task_id}, started after it for this digest, was taken up "
        f"(its status: {task.status or 'not told'})."
    )
    return CreatedTask(task.task_id)


def _tasks_since(sent_on: float, digest: str, center: SecurityCenter, clock: Clock) -> tuple[ListedTask, ...]:
    """The tasks for this digest that started after our submit, by the service's clock; empty when none shows up."""
    deadline = clock.monotonic() + LOOK_UP_BUDGET
    for wait in LOOK_UP_WAITS:
        clock.sleep(wait)
        asked_on = clock.monotonic()
        try:
            answer = center.describe_image_latest_scan_task(digest, deadline=deadline)
        except ScanError as refused:
            log.info("looking for the task failed: %s", refused.message)
            continue
        if answer.server_time is None:
            continue  # without the service's clock an older task cannot be told from ours
        # The submit by the service's clock. `Date` is cut to whole seconds, so this is early by less than one second:
        # a task for the same digest that began in that moment cannot be told from ours, every older one can. Time that
        # the look itself took makes it late, never early.
        submitted_at = answer.server_time - (asked_on - sent_on)
        until = answer.server_time + CUT
        ours = tuple(
            task
            for task in answer.value
            if task.started_at is not None
            and submitted_at <= task.started_at <= until
            and task.target in (None, digest)
        )
        if ours:
            return ours
    return ()


def _what_to_look_for(image: ImageRun, submission: Submission) -> str:
    sent_at = 0.0 if image.task is None else image.task.opened_at
    request, when = submission.request, datetime.fromtimestamp(sent_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    known = [
        f"digest {request.digest}" if request.digest else "",
        f"image id {request.image_id}" if request.image_id else "",
    ]
    return (
        f"Look in the Security Center console for a scan task of {image.reference} "
        f"({', '.join(part for part in known if part) or 'no digest known'}) opened at about {when}. "
        "It was not created again: that could spend quota twice."
    )
