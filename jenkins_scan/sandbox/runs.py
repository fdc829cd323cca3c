"""Tasks as the status operations see them: words that change by the clock, and the scan of the day before."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from jenkins_scan.sandbox.call import Call
from jenkins_scan.sandbox.conditions import TaskCourse
from jenkins_scan.sandbox.state import NAMESPACE, Task

DAY = 24 * 60 * 60
EARLIER_SCAN_SECONDS = 120
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
    """A task between its start and its end. Times in true Unix seconds."""

    task: Task
    ends_at: float
    course: TaskCourse
    now: float

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
        return 1.0 if self.finished else (self.now - self.task.opened_at) / (self.ends_at - self.task.opened_at)

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


def runs_of(call: Call, tasks: Sequence[Task]) -> tuple[Run, ...]:
    """What is known of one image's tasks, newest first; last comes a SUCCESS of the day before its first task.

    That one makes a client show itself which takes any success for its own. A hidden task is left out until it ends.
    """
    course, finish_after = call.conditions.task, call.conditions.clock.finish_after
    runs = [Run(task, task.opened_at + finish_after, course, call.now) for task in reversed(tasks)]
    known = [run for run in runs if run.finished or not course.hidden]
    return *known, *(earlier(task, call.now) for task in tasks[:1])


def earlier(first: Task, now: float) -> Run:
    """The scan that the image had a day before its first task: not in the ledger, and never ours."""
    opened_at = first.opened_at - DAY
    task_id = uuid.uuid5(NAMESPACE, f"earlier:{first.image_key}").hex
    task = replace(first, number=0, task_id=task_id, opened_at=opened_at)
    return Run(task, opened_at + EARLIER_SCAN_SECONDS, TaskCourse(), now)
