"""From an open task to its end: several status operations, one deadline, and no doubt taken for a success.

Only a row with our TaskId, or the image's own row with a scan that ended after our submit, says how our task is. Every
other row may be of an older scan.
"""

import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from jenkins_scan.clock import Clock
from jenkins_scan.errors import AccessError, PermissionDenied, ScanError, ScanFailed, ServiceError, StillRunning
from jenkins_scan.security_center.interface import Answer, Phase, ScanRequest, Tasks, TaskStatus
from jenkins_scan.security_center.polling import Rota, pause
from jenkins_scan.security_center.status_words import ALREADY_RUNNING

LATEST = "DescribeImageLatestScanTask"
IMAGE_INSTANCES = "DescribeImageInstances"
LEAF_RECORDS = "DescribeOnceTaskLeafRecordPage"
FORBIDDEN = 403
CUT = 1.0
"""Seconds that the `Date` header of the submit cuts off: a scan that ended within them may be an older one."""
HEARTBEAT = 30.0
"""Seconds between two signs of life."""
LONGEST_SCAN = 366 * 86400.0
"""Seconds; a scan that ended later than this after our submit has a time that means something else."""
LAST_LOOK = 10.0
"""Seconds that the look at the deadline may take."""
LONGEST_ASKING = 30.0
"""Seconds for one status call with its tries."""
LOOKS_FOR_THE_ROW = 3
"""How often the image's own row is looked for when another operation has said that the task ended: it may lag."""
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Submitted:
    """The task that is waited for."""

    task_id: str
    opened_at: float | None
    """Seconds since the epoch by the service's clock; None where it told none: then no scan time proves anything."""
    request: ScanRequest
    uuid: str | None = None
    """The key of the image's row, where the create told it."""
    pushed: bool = True
    """Whether a registry is known to hold the image; the service cannot read one that is on the agent alone."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A task that ended well."""

    said_by: TaskStatus
    rows: tuple[TaskStatus, ...]
    """The image's own rows with a scan that ended after our submit; empty when none could be had."""
    others: tuple[TaskStatus, ...] = ()
    """What else came with them: older scans, and rows of other repositories with the same digest."""


@dataclass
class Wait:
    """One task, waited for until `deadline` (monotonic time)."""

    submitted: Submitted
    tasks: Tasks
    clock: Clock
    deadline: float
    spread: Callable[[], float] = random.random
    """Gives a number from 0 to 1, so that many builds do not ask in step."""
    said: Callable[[TaskStatus], None] = lambda _: None
    """Told each status of our task as it comes."""
    beat: Callable[[str], None] = lambda _: None
    """Told every 30 s that the wait goes on."""
    warnings: list[str] = field(default_factory=list)
    _last_beat: float | None = None
    _last: TaskStatus | None = None
    _refused: list[ScanError] = field(default_factory=list)
    _trouble: ServiceError | None = None
    _heard: bool = False
    _steps: set[tuple[str, int | None]] = field(default_factory=set)
    _others: tuple[TaskStatus, ...] = ()

    def until_the_end(self) -> Ended:
        """The end of the task.

        Raises `errors.StillRunning` (16) at the deadline, `errors.ScanFailed` (17), `errors.AccessError` (14) when
        nobody may ask, and `errors.ServiceError` (15) when the service gave no usable answer until the deadline.
        """
        began, rota = self.clock.monotonic(), Rota(self._operations(), self._steady())
        while True:
            for operation in rota.next():
                ended = self._poll(operation, rota)
                if ended is not None:
                    self._note()
                    return ended
            if rota.is_empty:
                raise self._nobody_may_ask()
            left = self.deadline - self.clock.monotonic()
            if left <= 0:
                self._note()
                raise self._still_running() if self._heard or self._trouble is None else self._trouble
            self._sleep(min(left, pause(self.clock.monotonic() - began, self.spread)))

    def _poll(self, operation: str, rota: Rota) -> Ended | None:
        """The end of the task, if this operation knows of it."""
        try:
            ours = self._ours(operation, self._ask(operation).value)
        except PermissionDenied as denied:
            rota.refused(operation)
            self._refused.append(denied)
            return None
        except ServiceError as problem:
            self._trouble = problem
            log.info("%s: %s", operation, problem.message)
            return None
        self._heard = True
        for status in ours:
            self._last = status
            self._steps.add((status.word, status.progress))
            self.said(status)
        self._judge(ours)
        # One that only says "another task runs" has not shown ours.
        if operation != IMAGE_INSTANCES and any(status.result != ALREADY_RUNNING for status in ours):
            rota.proved(operation)
        good = ours and all(status.phase is Phase.GOOD for status in ours)
        return self._ended(operation, ours) if good else None

    def _sleep(self, seconds: float) -> None:
        """Sleeps, and lets the heart beat meanwhile: Jenkins takes a step that says nothing for a dead one."""
        until = self.clock.monotonic() + seconds
        while (left := until - self.clock.monotonic()) > 0:
            if self._last_beat is None:
                self._last_beat = self.clock.monotonic()
            due = self._last_beat + HEARTBEAT - self.clock.monotonic()
            if due <= 0:
                self._last_beat = self.clock.monotonic()
                word = "not seen yet" if self._last is None else self._last.word
                rest = self.deadline - self.clock.monotonic()
                self.beat(f"waiting for task {self.submitted.task_id} ({word}), {max(0.0, rest):.0f} s left")
                continue
            self.clock.sleep(min(left, due))

    def _operations(self) -> list[str]:
        request = self.submitted.request
        return [
            *([LATEST] if request.digest else []),
            *([IMAGE_INSTANCES] if request.digest or request.image_id else []),
            LEAF_RECORDS,
        ]

    def _steady(self) -> str:
        return IMAGE_INSTANCES if IMAGE_INSTANCES in self._operations() else LEAF_RECORDS

    def _ask(self, operation: str) -> Answer[tuple[TaskStatus, ...]]:
        until = min(self.deadline, self.clock.monotonic() + LONGEST_ASKING)
        until = max(until, self.clock.monotonic() + LAST_LOOK)  # the one at the deadline is not cut short
        request = self.submitted.request
        if operation == LATEST and request.digest is not None:
            return self.tasks.latest(request.digest, deadline=until)
        if operation == IMAGE_INSTANCES:
            return self.tasks.of_image(digest=request.digest, image_id=request.image_id, deadline=until)
        return self.tasks.by_id(self.submitted.task_id, deadline=until)

    def _ours(self, operation: str, rows: Sequence[TaskStatus]) -> tuple[TaskStatus, ...]:
        if operation != IMAGE_INSTANCES:
            return tuple(row for row in rows if row.task_id == self.submitted.task_id)
        uuid, name = self.submitted.uuid, self.submitted.request.listed_name
        # Other repositories may hold the same bytes: their scans are not ours, where the rows can be told apart.
        named = [row for row in rows if uuid is not None and row.uuid == uuid]
        named = named or [row for row in rows if name is not None and row.name == name]
        ours = tuple(row for row in named or rows if self._is_fresh(row))
        self._others = tuple(row for row in rows if row not in ours)
        return ours

    def _is_fresh(self, row: TaskStatus) -> bool:
        opened_at = self.submitted.opened_at
        if row.scanned_at is None or opened_at is None:
            return False
        return opened_at + CUT <= row.scanned_at <= opened_at + LONGEST_SCAN

    def _judge(self, ours: Sequence[TaskStatus]) -> None:
        for status in ours:
            if status.phase is Phase.BAD:
                result = f" ({status.result})" if status.result else ""
                raise ScanFailed(
                    f"the scan of task {self.submitted.task_id} ended with {status.word or 'no word'}{result}, "
                    f"says {status.source}."
                )

    def _ended(self, operation: str, ours: tuple[TaskStatus, ...]) -> Ended | None:
        """The end, unless the image's own row does not agree that it has come: then it is waited for."""
        rows = ours if operation == IMAGE_INSTANCES else self._rows()
        self._judge(rows)
        return Ended(ours[0], rows, self._others) if all(row.phase is Phase.GOOD for row in rows) else None

    def _rows(self) -> tuple[TaskStatus, ...]:
        """The image's own rows of this scan."""
        if IMAGE_INSTANCES not in self._operations():
            return ()
        for look in range(LOOKS_FOR_THE_ROW):
            if look > 0:
                self.clock.sleep(1.0)
            try:
                rows = self._ours(IMAGE_INSTANCES, self._ask(IMAGE_INSTANCES).value)
            except (AccessError, ServiceError) as unknown:
                self.warnings.append(f"the image's own row cannot be read: {unknown.message}")
                return ()
            if rows or self.clock.monotonic() >= self.deadline:
                return rows
        return ()

    def _note(self) -> None:
        self.warnings += [f"one way to look for the task is closed: {denied.message}" for denied in self._refused]

    def _nobody_may_ask(self) -> PermissionDenied:
        actions = ", ".join(f"yundun-sas:{operation}" for operation in self._operations())
        return PermissionDenied(
            f"task {self.submitted.task_id} is open, and no status operation may be asked: {self._refused[-1].message}",
            remedy=f"Grant one of {actions}, then take the task up again.",
            http_status=FORBIDDEN,
            request_id=self._refused[-1].request_id,
            tried=tuple(denied.message for denied in self._refused),
        )

    def _still_running(self) -> StillRunning:
        last, task_id = self._last, self.submitted.task_id
        told = "no status operation ever showed it" if last is None else f"last seen as {last.word!a} by {last.source}"
        if self.submitted.pushed or len(self._steps) > 1:
            return StillRunning(f"task {task_id} has not ended at the deadline: {told}.")
        return StillRunning(
            f"task {task_id} has not moved until the deadline: {told}. No registry is known to hold this image, and "
            "the service has to be able to read an image in order to scan it: such a task may never end.",
            remedy="Push the image to a registry that Security Center knows and scan it again, or have it scanned "
            "there with `jenkins-scan scan-registry`.",
        )
