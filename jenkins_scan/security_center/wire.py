"""The replies of Security Center (Sas 2018-12-03) as they are on the wire. Nobody outside this package sees them.

Here are the parts that every reply is made of, and the replies of the submit; those of the status operations are in
`wire_status`, those of the lists in `wire_findings`.

Unknown fields are ignored. What an operation promises is required; the rest is lenient: a field of a wrong type
counts as absent, so that an oddity beside a task id never costs the task id.
"""

from typing import Annotated, Any, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic.alias_generators import to_pascal

from jenkins_scan.plain_text import excerpt, one_line
from jenkins_scan.security_center.interface import CreatedTask, Quota


def or_none(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    """A value that is not as it should be counts as absent."""
    try:
        return handler(value)
    except ValueError:
        return None


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
TaskId = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[!-~]{1,200}$")]
"""32 hex digits by the examples; what cannot be printed on one line is no id that anyone could look for."""
LenientText = Annotated[Text | None, WrapValidator(or_none)]


def _no_boolean(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("a truth value is no number")  # noqa: TRY004  pydantic asks for ValueError
    return value


LARGEST = 2**63 - 1
"""A `long` of the API pages."""
Number = Annotated[int, BeforeValidator(_no_boolean), Field(ge=-LARGEST, le=LARGEST)]
LenientInt = Annotated[Number | None, WrapValidator(or_none)]
Count = Annotated[Number, Field(ge=0)]
LenientCount = Annotated[Count | None, WrapValidator(or_none)]


def _short(value: Any) -> str | None:
    return one_line(value, LONGEST_NAME) or None if isinstance(value, str) else None


def _long(value: Any) -> str | None:
    return excerpt(value, LONGEST_TEXT) or None if isinstance(value, str) else None


LONGEST_NAME = 1000
"""Characters of a name, a path or a list of ids that are kept."""
LONGEST_TEXT = 500
"""Characters of a sentence that are kept."""
Name = Annotated[str | None, BeforeValidator(_short)]
"""Text of any length on one line, without control characters; anything else is absent."""
Sentence = Annotated[str | None, BeforeValidator(_long)]
"""As `Name`; a word that the cut would tear is left out."""


class WireModel(BaseModel):
    """The service's spelling (`TaskId`) on the outside, ours on the inside."""

    # Built when it is first read: no run meets every reply.
    model_config = ConfigDict(alias_generator=to_pascal, extra="ignore", frozen=True, defer_build=True)


M = TypeVar("M", bound=WireModel)


def read_as(model: type[M], row: Any) -> M | None:
    """The row of a list; None when it is no object. The models of rows are lenient in every field."""
    try:
        return model.model_validate(row)
    except ValidationError:
        return None


class PageInfo(WireModel):
    """`PageInfo` of most lists."""

    total_count: LenientCount = None


def _no_rows(value: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
    nothing = value is None and _total(info.data["page_info"], info.data["total_count"]) == 0
    return [] if nothing else handler(value)


def _total(page_info: PageInfo | None, total_count: int | None) -> int | None:
    told = (total_count, None if page_info is None else page_info.total_count)
    return max((total for total in told if total is not None), default=None)


Rows = Annotated[list[Any], WrapValidator(_no_rows), Field(default=None, validate_default=True)]
"""The rows of a page, to be read one by one: an odd one costs no other. Absent is empty only where the total is 0."""


class PagedReply(WireModel):
    """A page of a list. The total is in `PageInfo`, or at top level; each operation calls its rows by another name."""

    total_count: LenientCount = None
    page_info: Annotated[PageInfo | None, WrapValidator(or_none)] = None
    rows: Rows

    @property
    def total(self) -> int | None:
        """How many rows there are on all pages; None where that is not told."""
        return _total(self.page_info, self.total_count)


class CreateJenkinsImageScanTaskData(WireModel):
    """`Data` of CreateJenkinsImageScanTask."""

    task_id: TaskId
    uuid: LenientText = None
    image_scan_capacity: Annotated[Count | None, WrapValidator(or_none)] = None
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
