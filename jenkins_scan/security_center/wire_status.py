"""The replies of the status operations, row by row. A field that cannot be read is absent, never a success."""

from typing import Annotated, Any, ClassVar, NamedTuple

from pydantic import BeforeValidator, Field, WrapValidator

from jenkins_scan.plain_text import one_line
from jenkins_scan.security_center.interface import ListedName, TaskStatus
from jenkins_scan.security_center.status_words import UNREADABLE, phase_of
from jenkins_scan.security_center.wire import (
    LenientCount,
    LenientInt,
    LenientText,
    PagedReply,
    Rows,
    TaskId,
    WireModel,
    or_none,
    read_as,
)


def _result(value: Any) -> str | None:
    if value is None:
        return None
    # What is no text may have been an error: it must not look like none.
    return one_line(value, 200) or None if isinstance(value, str) else UNREADABLE


def _bare(value: Any) -> str | None:
    return value.strip().lower().removeprefix("sha256:") or None if isinstance(value, str) else None


Result = Annotated[str | None, BeforeValidator(_result)]
Digest = Annotated[LenientText, BeforeValidator(_bare)]
LenientTaskId = Annotated[TaskId | None, WrapValidator(or_none)]


class LatestTaskRow(WireModel):
    """One of `Task` of DescribeImageLatestScanTask."""

    task_id: LenientTaskId = None
    status: LenientText = None
    target: Digest = None
    start_time: LenientInt = None
    finish_time: LenientInt = None

    def status_from(self, operation: str) -> TaskStatus:
        """What the row says."""
        word = self.status or ""
        return TaskStatus(
            source=operation,
            phase=phase_of(word, None),
            word=word,
            task_id=self.task_id,
            started_at=_seconds(self.start_time),
            finished_at=_seconds(self.finish_time),
            digest=self.target,
        )


class ImageInstanceRow(WireModel):
    """One of `ImageInstanceList` of DescribeImageInstances."""

    sca_status: LenientText = None
    sca_result: Result = None
    sca_progress: LenientCount = None
    last_scan_time: LenientInt = None
    image_id: Digest = None
    digest: Digest = None
    uuid: LenientText = None
    repo_namespace: LenientText = None
    repo_name: LenientText = None
    tag: LenientText = None

    def status_from(self, operation: str) -> TaskStatus:
        """What the row says of the image's newest scan, whosoever it is."""
        word = self.sca_status or ""
        return TaskStatus(
            source=operation,
            phase=phase_of(word, self.sca_result, scanned=self.last_scan_time is not None, progress=self.sca_progress),
            word=word,
            result=self.sca_result,
            progress=self.sca_progress,
            scanned_at=_seconds(self.last_scan_time),
            image_id=self.image_id,
            digest=self.digest,
            uuid=self.uuid,
            name=ListedName(self.repo_namespace or None, self.repo_name, self.tag)
            if self.repo_name and self.tag
            else None,
        )


class TaskImageInfo(WireModel):
    """`TaskImageInfo` of the one-time tasks."""

    digest: Digest = None


class OnceTaskRow(WireModel):
    """One of `OnceTasks` of the one-time task operations."""

    task_id: LenientTaskId = None
    status_text: LenientText = None
    result_info: Result = None
    finish: LenientInt = None
    progress: LenientCount = None
    start_time: LenientInt = None
    end_time: LenientInt = None
    target: Digest = None
    task_image_info: Annotated[TaskImageInfo | None, WrapValidator(or_none)] = None

    def status_from(self, operation: str) -> TaskStatus:
        """What the row says."""
        word = self.status_text or ""
        return TaskStatus(
            source=operation,
            phase=phase_of(
                word,
                self.result_info,
                finished=None if self.finish is None else self.finish == 1,
                progress=self.progress,
            ),
            word=word,
            result=self.result_info,
            task_id=self.task_id,
            progress=self.progress,
            started_at=_seconds(self.start_time),
            finished_at=_seconds(self.end_time),
            digest=(self.task_image_info and self.task_image_info.digest) or self.target,
        )


class StatusPage(NamedTuple):
    """The rows of one page."""

    statuses: tuple[TaskStatus, ...]
    total: int | None
    """How many there are on all pages; None where that is not told."""


class StatusReply(PagedReply):
    """A reply whose rows each say how far a task is."""

    operation: ClassVar[str]
    row: ClassVar[type[LatestTaskRow | ImageInstanceRow | OnceTaskRow]]

    def value(self) -> StatusPage:
        """The rows; one that cannot be read is a status that nobody knows."""
        rows = (read_as(self.row, row) or self.row() for row in self.rows)
        return StatusPage(tuple(row.status_from(self.operation) for row in rows), self.total)


class LatestTasksReply(StatusReply):
    """Reply of DescribeImageLatestScanTask."""

    operation = "DescribeImageLatestScanTask"
    row = LatestTaskRow
    rows: Rows = Field(alias="Task")


class ImageInstancesReply(StatusReply):
    """Reply of DescribeImageInstances."""

    operation = "DescribeImageInstances"
    row = ImageInstanceRow
    rows: Rows = Field(alias="ImageInstanceList")


class LeafRecordsReply(StatusReply):
    """Reply of DescribeOnceTaskLeafRecordPage."""

    operation = "DescribeOnceTaskLeafRecordPage"
    row = OnceTaskRow
    rows: Rows = Field(alias="OnceTasks")


class UnfinishedTasksReply(StatusReply):
    """Reply of ListUnfinishedOnceTask, which has no pages."""

    operation = "ListUnfinishedOnceTask"
    row = OnceTaskRow
    rows: Rows = Field(alias="OnceTasks")


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000
