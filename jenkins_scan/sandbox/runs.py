"""Scans as the status operations see them: words that change by the clock, and the scan of the day before."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from jenkins_scan.sandbox.call import Call
from jenkins_scan.sandbox.conditions import TaskCourse
from jenkins_scan.sandbox.images import NAMESPACE, Image
from jenkins_scan.sandbox.regions import SCANNED
from jenkins_scan.sandbox.state import Scan, Task

DAY = 24 * 60 * 60
EARLIER_SCAN_SECONDS = 120
OUT_OF_QUOTA: Final = "BeyondQuata"
"""What the stopped part of a task says of itself: the one word of the service for it, there the code of an error."""
NOT_SUPPORTED: Final = "TASK_NOT_SUPPORT_REGION"
RUNNING: Final = frozenset(
    {
        *("INIT", "START", "PROCESSING", "MESSAGE_SEND", "START_RUN", "DOWNLOAD", "PRE_ANALYZER"),
        *("PRE_ANALYZER_SUCCESS", "CVE_ANALYZER", "WEB_SHELL_ANALYZER", "BIN_ANALYZER", "OTHER_ANALYZER"),
    }
)
LATEST_TASK_WORDS: Final = frozenset({"INIT", "START", "PROCESSING", "MESSAGE_SEND", "PRE_ANALYZER"})
"""The running words of DescribeImageLatestScanTask; the other ones are DescribeImageInstances' alone."""


@dataclass(frozen=True, slots=True)
class Run:
    """The scan of one image between its start and its end. Times in true Unix seconds."""

    scan: Scan
    ends_at: float
    course: TaskCourse
    now: float

    @property
    def image(self) -> Image:
        """What was to be scanned, as it was submitted."""
        return self.scan.image

    @property
    def opened_at(self) -> float:
        """When its task was opened."""
        return self.scan.task.opened_at

    @property
    def finished(self) -> bool:
        """Whether it is over."""
        return self.now >= self.ends_at

    @property
    def changed_at(self) -> float:
        """When it ended, else now."""
        return min(self.now, self.ends_at)

    @property
    def share(self) -> float:
        """How much of its time is over, from 0 to 1."""
        return 1.0 if self.finished else (self.now - self.opened_at) / (self.ends_at - self.opened_at)

    @property
    def progress(self) -> int:
        """`share` in percent."""
        return int(self.share * 100)

    @property
    def result(self) -> str:
        """`ScaResult` or `ResultInfo`: empty while it runs, and mostly after."""
        return self.course.result if self.finished else ""

    @property
    def word(self) -> str:
        """The scenario's status word at this time."""
        if self.finished:
            return self.course.end
        # A clock that was set back must not lead out of the list.
        return self.course.words[max(0, int(self.share * len(self.course.words)))]

    @property
    def latest_task_word(self) -> str:
        """The word in the vocabulary of DescribeImageLatestScanTask, `TIMOUT` with its misspelling."""
        if self.word in RUNNING - LATEST_TASK_WORDS:
            return "PROCESSING"
        return "TIMOUT" if self.word == "TIMEOUT" else self.word

    @property
    def asset_word(self) -> str:
        """The word in the vocabulary of `ScaStatus`."""
        return "TIMEOUT" if self.word == "TIMOUT" else self.word

    @property
    def once_task_word(self) -> str:
        """The word in the vocabulary of the one-time tasks, which know INIT and START for all that runs."""
        return "START" if self.word in RUNNING - {"INIT"} else self.asset_word


def runs_of(call: Call, scans: Sequence[Scan]) -> tuple[Run, ...]:
    """What is known of one image's scans, newest first; last comes a SUCCESS of the day before the first one.

    That one makes a client show itself which takes any success for its own. A hidden scan is left out until it ends.
    """
    runs = [run_of(call, scan) for scan in reversed(scans)]
    known = [run for run in runs if run.finished or not run.course.hidden]
    return *known, *(earlier(scan, call.now) for scan in scans[:1])


def run_of(call: Call, scan: Scan) -> Run:
    """What the scenario makes of a scan."""
    ends_at = scan.task.ends_at(scan.place, call.conditions.clock.seconds_of(scan.task))
    return Run(scan, ends_at, course_of(call, scan), call.now)


def done_images(call: Call, task: Task) -> int:
    """How many of the task's images are done, those left out that there was no quota for."""
    seconds = call.conditions.clock.seconds_of(task)
    return sum(task.ends_at(place, seconds) <= call.now for place in range(task.granted))


def course_of(call: Call, scan: Scan) -> TaskCourse:
    """How the scan goes: as the scenario says, unless there is no quota for it or its region is not supported."""
    course = call.conditions.task
    if not scan.granted:
        return course.model_copy(update={"end": "FAIL", "result": OUT_OF_QUOTA})
    if scan.image.region_id not in SCANNED:
        return course.model_copy(update={"result": NOT_SUPPORTED})
    return course


def earlier(first: Scan, now: float) -> Run:
    """The scan that the image had a day before its first task: not in the ledger, and never ours."""
    opened_at = first.task.opened_at - DAY
    task_id = uuid.uuid5(NAMESPACE, f"earlier:{first.image.key}").hex
    task = Task(0, task_id, first.task.action, opened_at, total=1, granted=1)
    return Run(Scan(0, task, 0, first.image), opened_at + EARLIER_SCAN_SECONDS, TaskCourse(), now)
