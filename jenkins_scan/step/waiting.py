"""From an open task to its end: several status operations, one deadline, and no doubt taken for a success.

Only a row with our TaskId, or the image's own row with a scan that ended after our submit, says how our task is. Every
other row may be of an older scan. Where TaskId and moment come from a file, the second counts only beside the first.
"""

import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from jenkins_scan.clock import Clock
from jenkins_scan.errors import (
    AccessError,
    NotProved,
    PermissionDenied,
    RegionNotSupported,
    ScanError,
    ScanFailed,
    ServiceError,
    StillRunning,
)
from jenkins_scan.security_center.interface import Answer, Phase, Tasks, TaskStatus
from jenkins_scan.security_center.polling import Rota, pause
from jenkins_scan.security_center.status_words import ALREADY_RUNNING, REGION_NOT_SUPPORTED
from jenkins_scan.step.submitted import ImageRows, Submitted

LATEST = "DescribeImageLatestScanTask"
IMAGE_INSTANCES = "DescribeImageInstances"
LEAF_RECORDS = "DescribeOnceTaskLeafRecordPage"
FORBIDDEN = 403
HEARTBEAT = 30.0
"""Seconds between two signs of life."""
LAST_LOOK = 10.0
"""Seconds after the deadline in which a call that is under way, or the last one, may still be answered."""
LONGEST_ASKING = 15.0
"""Seconds for one status call with its tries."""
LOOKS_FOR_THE_ROW = 3
"""How often the image's own row is looked for when another operation has said that the task ended: it may lag."""
LOOKS_FOR_THE_TASK = 3
"""How often the id of an earlier run's task is looked for when only the time of a scan says that it ended."""
JUMPED = "the service's clock jumped, so that the times of its scans are not held against the submit."
log = logging.getLogger(__name__)


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
    show: Callable[[str], None] = lambda _: None
    """Told at each look how far the task is."""
    warnings: list[str] = field(default_factory=list)
    _last_beat: float | None = None
    _last: TaskStatus | None = None
    _refused: list[ScanError] = field(default_factory=list)
    _trouble: ServiceError | None = None
    """What went wrong since the service was heard last."""
    _heard: bool = False
    _steps: set[tuple[str, int | None]] = field(default_factory=set)
    _image: ImageRows = field(default_factory=ImageRows)
    """The image's rows as they were seen last."""
    _listed: bool = False
    """Whether an operation that knows task ids has shown ours."""
    _unlisted_ends: int = 0
    """How often the time of a scan said that our task ended, while nothing had shown its id."""
    _began: float | None = None
    """When our task began, by what is said of its id."""
    _rota: Rota = field(init=False)

    def until_the_end(self) -> Ended:
        """The end of the task.

        Raises `errors.StillRunning` (16) at the deadline, `errors.ScanFailed` (17), `errors.NotProved` (17) when the
        task is known from a file alone, `errors.AccessError` (14) when nobody may ask, and `errors.ServiceError` (15)
        when the service gave no usable answer until the deadline.
        """
        began, self._rota = self.clock.monotonic(), Rota(self._operations(), self._steady())
        while self.clock.monotonic() < self.deadline + LAST_LOOK:
            for operation in self._rota.next():
                ended = self._poll(operation)
                if ended is not None:
                    self._note()
                    return ended
            if self._rota.is_empty:
                raise self._nobody_may_ask()
            left = self.deadline - self.clock.monotonic()
            if left <= 0:
                break
            self._sleep(min(left, pause(self.clock.monotonic() - began, self.spread)))
        self._note()
        raise self._still_running() if self._heard or self._trouble is None else self._trouble

    def _look(self, operation: str) -> tuple[TaskStatus, ...]:
        """Our rows; none where nobody could be asked."""
        self._beat_if_due()
        try:
            answer = self._ask(operation)
        except PermissionDenied as denied:
            self._rota.refused(operation)
            self._refused.append(denied)
            return ()
        except ServiceError as problem:
            self._trouble = problem
            log.info("%s: %s", operation, problem.message)
            return ()
        self._heard, self._trouble = True, None
        ours = self._ours(operation, answer)
        self._listed = self._listed or (bool(ours) and operation != IMAGE_INSTANCES)
        return ours

    def _poll(self, operation: str) -> Ended | None:
        """The end of the task, if this operation knows of it."""
        ours = self._look(operation)
        for status in ours:
            self._last = status
            self._began = status.started_at or self._began
            self._steps.add((status.word, status.progress))
            self.said(status)
        self.show(self._progress())
        self._judge(ours)
        # One that only says "another task runs" has not shown ours.
        if operation != IMAGE_INSTANCES and any(status.result != ALREADY_RUNNING for status in ours):
            self._rota.proved(operation)
        good = ours and all(status.phase is Phase.GOOD for status in ours)
        return self._ended(operation, ours) if good else None

    def _sleep(self, seconds: float) -> None:
        """Sleeps, and lets the heart beat meanwhile: Jenkins takes a step that says nothing for a dead one."""
        until = self.clock.monotonic() + seconds
        while (left := until - self.clock.monotonic()) > 0:
            self.clock.sleep(min(left, self._beat_if_due()))

    def _beat_if_due(self) -> float:
        """Seconds until the next beat."""
        now = self.clock.monotonic()
        if self._last_beat is None:
            self._last_beat = now
        if now >= self._last_beat + HEARTBEAT:
            self._last_beat = now
            self.beat(self._progress())
        return self._last_beat + HEARTBEAT - now

    def _progress(self) -> str:
        """`waiting: PRE_ANALYZER, 40 %, 512 s left; task fc98d58e…`."""
        word = "not seen yet" if self._last is None else self._last.word
        done = None if self._last is None else self._last.progress
        rest = max(0.0, self.deadline - self.clock.monotonic())
        percent = "" if done is None else f", {done} %"
        return f"waiting: {word}{percent}, {rest:.0f} s left; task {self.submitted.task_id}"

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
        until = min(self.deadline + LAST_LOOK, self.clock.monotonic() + LONGEST_ASKING)
        request = self.submitted.request
        if operation == LATEST and request.digest is not None:
            return self.tasks.latest(request.digest, deadline=until)
        if operation == IMAGE_INSTANCES:
            return self.tasks.of_image(digest=request.digest, image_id=request.image_id, deadline=until)
        return self.tasks.by_id(self.submitted.task_id, deadline=until)

    def _ours(self, operation: str, answer: Answer[tuple[TaskStatus, ...]]) -> tuple[TaskStatus, ...]:
        if operation != IMAGE_INSTANCES:
            return self.submitted.of_task(answer.value)
        self._image = self.submitted.of_image(
            answer.value, server_time=answer.server_time, now=self.clock.monotonic(), began=self._began
        )
        if self._image.jumped and JUMPED not in self.warnings:
            self.warnings.append(JUMPED)
        return self._image.ours

    def _judge(self, ours: Sequence[TaskStatus]) -> None:
        for status in ours:
            if status.result == REGION_NOT_SUPPORTED:
                raise RegionNotSupported(
                    f"task {self.submitted.task_id} ended with {status.result}, says {status.source}."
                )
            if status.phase is Phase.BAD:
                result = f" ({status.result})" if status.result else ""
                raise ScanFailed(
                    f"the scan of task {self.submitted.task_id} ended with {status.word or 'no word'}{result}, "
                    f"says {status.source}."
                )

    def _ended(self, operation: str, ours: tuple[TaskStatus, ...]) -> Ended | None:
        """The end, unless what else is known of task or image does not agree that it has come: then it waits on."""
        if operation == IMAGE_INSTANCES:
            rows, agreeing = ours, self._by_task_id()
        else:
            rows = agreeing = self._rows()
        self._judge(agreeing)
        if self._image.lags or self._image.runs:
            self._rota.proved(IMAGE_INSTANCES)  # only that row is missing: it is asked for alone from now on
            return None
        if any(row.phase is not Phase.GOOD for row in agreeing) or self._is_a_claim():
            return None
        return Ended((*agreeing, *ours)[0] if operation == IMAGE_INSTANCES else ours[0], rows, self._image.others)

    def _is_a_claim(self) -> bool:
        """Whether only a file says that this task is, as yet. Raises `errors.NotProved` (17) when that will not change.

        The file's id and time may be anybody's: with an early time each older scan of the image would be an end.
        """
        if self._listed or not self.submitted.resumed:
            return False
        self._unlisted_ends += 1
        if self._unlisted_ends >= LOOKS_FOR_THE_TASK and self._trouble is None:
            self._note()
            raise NotProved(
                f"a scan of the image has ended, and no status operation ever showed task {self.submitted.task_id}: "
                "that it was opened, and when, only the file of the earlier run says.",
                remedy="Scan the image again with `jenkins-scan scan`, and let that run wait.",
                tried=tuple(dict.fromkeys(denied.message for denied in self._refused)),
            )
        return True

    def _by_task_id(self) -> tuple[TaskStatus, ...]:
        """What the operations that know task ids say of ours; the one that does is asked alone from then on."""
        found: list[TaskStatus] = []
        for operation in self._operations():
            if operation != IMAGE_INSTANCES and self._rota.may_ask(operation):
                ours = self._look(operation)
                if any(status.phase is not Phase.GOOD for status in ours):
                    self._rota.proved(operation)
                found += ours
        return tuple(found)

    def _rows(self) -> tuple[TaskStatus, ...]:
        """The image's own rows of this scan."""
        if IMAGE_INSTANCES not in self._operations():
            return ()
        for look in range(LOOKS_FOR_THE_ROW):
            if look > 0:
                self.clock.sleep(1.0)
            try:
                rows = self._ours(IMAGE_INSTANCES, self._ask(IMAGE_INSTANCES))
            except AccessError as refused:
                self.warnings.append(f"the image's own row cannot be read: {refused.message}")
                return ()
            except ServiceError:  # it may contradict: without having seen it there is no end
                if look + 1 == LOOKS_FOR_THE_ROW:
                    raise
                continue
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
        told = f"no status operation ever showed it{self._older()}"
        if last is not None:
            result = f" ({last.result})" if last.result else ""
            told = f"last seen as {last.word!a}{result} by {last.source}"
        if self._trouble is not None:  # what the service says of the task at the end, nobody knows
            silent = self._trouble.message.rstrip(".")
            return StillRunning(f"task {task_id} was not seen to end by the deadline: {told}, and then: {silent}.")
        if self.submitted.pushed or len(self._steps) > 1:
            return StillRunning(f"task {task_id} has not ended at the deadline: {told}.")
        return StillRunning(
            f"task {task_id} has not moved until the deadline: {told}. No registry is known to hold this image, and "
            "the service has to be able to read an image in order to scan it: such a task may never end.",
            remedy="Push the image to a registry that Security Center knows, and have it scanned there with "
            "`jenkins-scan scan-registry`. `jenkins-scan wait RESULT_JSON` looks at this task again.",
        )

    def _older(self) -> str:
        """That the image was scanned before, which is not what is waited for."""
        times = [row.scanned_at for row in self._image.others if row.scanned_at is not None]
        opened_at = self.submitted.opened_at
        if not times or opened_at is None or not 0 <= max(times) < opened_at:
            return ""
        return f"; the last scan of this image that is known ended {opened_at - max(times):.0f} s before the submit"
