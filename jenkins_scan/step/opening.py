"""Opening a task: the quota before it, and the create, noted before it is sent so that an abort knows of the task."""

import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from jenkins_scan.clock import Clock
from jenkins_scan.errors import AccessError, FateUnknown, NotProved, ServiceError, ServiceUnreachable, UsageError
from jenkins_scan.security_center.interface import Answer, CreatedTask, Quota, ScanRequest, SecurityCenter
from jenkins_scan.step.record import ImageRun, Run, TaskRecord

T = TypeVar("T")
FORBIDDEN = 403
SUBMIT_BUDGET = 30.0
"""Seconds for all tries up to and including the submit of an image."""
GRACE = 1.2
"""Seconds that creates may still take to answer after an interruption."""
NOT_NAMED = (
    "the endpoint answers as a sandbox, and in a Jenkins build it was not named by the flag itself.",
    "Write --endpoint on the command line if you mean the sandbox; it judges nothing real.",
)
log = logging.getLogger(__name__)


def ask_quota(run: Run, center: SecurityCenter, *, deadline: float) -> Quota | None:
    """The quota, noted with the run; None where RAM refuses it, of which a warning tells.

    Raises `AccessError` (14) when the service was not bought, `ServiceError` (15).
    """
    try:
        run.quota = center.describe_image_scan_auth_count(deadline=deadline).value
    except (AccessError, ServiceError) as denied:
        if denied.http_status != FORBIDDEN:
            raise
        run.warnings.append(
            f"the remaining quota is not known; only a total that comes with a task can be judged: {denied.message}"
        )
        return None
    log.info("quota: %d of %d image scans remain", run.quota.remaining, run.quota.capacity)
    return run.quota


def refuse_common_tasks(images: Sequence[ImageRun]) -> None:
    """Notes an error (17) with images whose requests differ and were answered with one TaskId.

    The same image under several names is one request, and a task of `scan-registry` is for many images on purpose.
    """
    sharing: dict[str, list[tuple[ImageRun, ScanRequest]]] = defaultdict(list)
    for image in images:
        noted, submission = image.task, image.submission
        if noted is not None and noted.task is not None and noted.told is None and submission is not None:
            sharing[noted.task.task_id].append((image, submission.request))
    for task_id, shared in sharing.items():
        different = len({request for _, request in shared})
        for image, _ in shared if different > 1 else ():
            image.error = image.error or NotProved(
                f"task {task_id} is the answer to {different} different images of one run: nobody can tell which of "
                "them it scans.",
                remedy="Scan each of them again in a run of its own; if it happens again, report it to Alibaba Cloud.",
            )


class _Halted(Exception):
    """The run was interrupted before this create was sent."""


@dataclass
class Opening:
    """The creates of one run."""

    center: SecurityCenter
    clock: Clock
    operation: str
    sandbox_allowed: bool
    run: Run | None = None
    """It is told of every task, before anything else happens."""
    _halted: threading.Event = field(default_factory=threading.Event)
    _unreachable: ServiceUnreachable | None = None

    def halt(self) -> None:
        """From here on nothing more is sent."""
        self._halted.set()

    def open(
        self,
        images: Sequence[ImageRun],
        create: Callable[[Callable[[float | None], None]], Answer[T]],
        task_of: Callable[[T], CreatedTask | None],
        take_up: Callable[[FateUnknown], tuple[CreatedTask, float]],
    ) -> T | None:
        """What the service said to the create of the one task of these images; None when none was told.

        `create` is given the `on_the_way` of the client; `task_of` finds the task in its answer, None where nothing was
        created; `take_up` looks for the task of a lost answer, and for when it began by the service's clock. Until the
        service has answered, the images' note says that a task may exist. Raises what the client and `take_up` raise,
        and `UsageError` (2) for a sandbox that nobody named.
        """
        self.refuse_unnamed_sandbox()
        if self._unreachable is not None:  # after all tries of another image: these would end no better
            raise self._unreachable
        sent_at = self.clock.now()

        def note(time: float | None) -> None:
            nonlocal sent_at
            sent_at = sent_at if time is None else time
            self._note(images, None if time is None else TaskRecord(None, time, operation=self.operation))
            # Noted first: whoever halts the run then reads the note, and either sees it or nothing is sent.
            if time is not None and self._halted.is_set():
                self._note(images, None)
                raise _Halted

        try:
            answer = create(note)
        except _Halted:
            return None
        except FateUnknown as unknown:
            task, began = take_up(unknown)
            record = TaskRecord(
                task, began, unknown.request_id, opened_on=unknown.sent_on, by_service=True, operation=self.operation
            )
            self._note(images, record)
            log.info("task %s is taken up", task.task_id)
            self.refuse_unnamed_sandbox()
            return None
        except ServiceUnreachable as gone:
            self._unreachable = gone
            raise
        created, told_at = task_of(answer.value), answer.server_time
        opened_at = sent_at if told_at is None else told_at
        record = TaskRecord(
            created,
            opened_at,
            answer.request_id,
            opened_on=self.clock.monotonic(),
            by_service=told_at is not None,
            operation=self.operation,
        )
        self._note(images, None if created is None else record)
        log.info("%s: %s", images[0].reference, "no task" if created is None else f"task {created.task_id} is open")
        self.refuse_unnamed_sandbox()
        return answer.value

    def refuse_unnamed_sandbox(self) -> None:
        """Raises `UsageError` (2) when a stand-in answers where only the real service may."""
        if self.center.is_sandbox and not self.sandbox_allowed:
            message, remedy = NOT_NAMED
            raise UsageError(message, remedy=remedy)

    def _note(self, images: Sequence[ImageRun], record: TaskRecord | None) -> None:
        for image in images:
            image.task = record
        if self.run is not None:
            self.run.sandbox = self.run.sandbox or self.center.is_sandbox
            self.run.opened(None if record is None or record.task is None else record.task.task_id)
