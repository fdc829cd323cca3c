"""The replies of Security Center (Sas 2018-12-03) as they are on the wire. Nobody outside this package sees them.

Unknown fields are ignored. What an operation promises is required; the rest is lenient: a field of a wrong type
counts as absent, so that an oddity beside a task id never costs the task id.
"""

from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic.alias_generators import to_pascal

from jenkins_scan.security_center.interface import CreatedTask, ListedTask, Quota


def _or_none(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    try:
        return handler(value)
    except ValueError:
        return None


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
TaskId = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[!-~]{1,200}$")]
"""32 hex digits by the examples; what cannot be printed on one line is no id that anyone could look for."""
LenientText = Annotated[Text | None, WrapValidator(_or_none)]


def _no_boolean(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("a truth value is no number")  # noqa: TRY004  pydantic asks for ValueError
    return value


LARGEST = 2**63 - 1
"""A `long` of the API pages."""
Number = Annotated[int, BeforeValidator(_no_boolean), Field(ge=-LARGEST, le=LARGEST)]
LenientInt = Annotated[Number | None, WrapValidator(_or_none)]
Count = Annotated[Number, Field(ge=0)]


class WireModel(BaseModel):
    """The service's spelling (`TaskId`) on the outside, ours on the inside."""

    model_config = ConfigDict(alias_generator=to_pascal, extra="ignore", frozen=True)


class CreateJenkinsImageScanTaskData(WireModel):
    """`Data` of CreateJenkinsImageScanTask."""

    task_id: TaskId
    uuid: LenientText = None
    image_scan_capacity: Annotated[Count | None, WrapValidator(_or_none)] = None
    repo_region_id: LenientText = None
    repo_instance_id: LenientText = None
    repo_id: LenientText = None


class CreateJenkinsImageScanTaskReply(WireModel):
    """Reply of CreateJenkinsImageScanTask."""

    data: CreateJenkinsImageScanTaskData

    def value(self) -> CreatedTask:
        """The task."""
        data = self.data
        return CreatedTask(
            data.task_id, data.uuid, data.image_scan_capacity, data.repo_region_id, data.repo_instance_id, data.repo_id
        )


class ImageScan(WireModel):
    """`ImageScan` of DescribeImageScanAuthCount."""

    image_scan_capacity: Count
    scan_count: Count


class DescribeImageScanAuthCountReply(WireModel):
    """Reply of DescribeImageScanAuthCount."""

    image_scan: ImageScan

    def value(self) -> Quota:
        """The quota."""
        return Quota(capacity=self.image_scan.image_scan_capacity, used=self.image_scan.scan_count)


class LatestTask(WireModel):
    """One of `Task` of DescribeImageLatestScanTask."""

    task_id: Annotated[TaskId | None, WrapValidator(_or_none)] = None
    status: LenientText = None
    start_time: LenientInt = None
    """Unix milliseconds."""
    target: LenientText = None


class DescribeImageLatestScanTaskReply(WireModel):
    """Reply of DescribeImageLatestScanTask."""

    task: list[LatestTask]

    def value(self) -> tuple[ListedTask, ...]:
        """The tasks that have an id."""
        return tuple(
            ListedTask(
                task.task_id,
                task.status or "",
                None if task.start_time is None else task.start_time / 1000,
                task.target,
            )
            for task in self.task
            if task.task_id is not None
        )
