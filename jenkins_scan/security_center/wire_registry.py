"""The replies about images in registries. Only the task id is strict: nothing else may cost it, or stand in for it."""

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any, Final, NamedTuple, Self

from pydantic import (
    BeforeValidator,
    Field,
    StringConstraints,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)

from jenkins_scan.security_center.interface import ListedImage
from jenkins_scan.security_center.registry_scans import PreCheck, RegistryTask
from jenkins_scan.security_center.wire import (
    LenientCount,
    LenientInt,
    LenientText,
    Name,
    PagedReply,
    Rows,
    TaskId,
    WireModel,
    or_none,
    read_as,
)
from jenkins_scan.security_center.wire_status import ImageInstanceRow, ImageInstancesReply

TRUTHS: Final = {"true": True, "false": False}
RegionId = Annotated[
    Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[A-Za-z0-9-]{1,60}$")] | None,
    WrapValidator(or_none),
]


def _truth(value: Any) -> bool | None:
    # As JSON has it, or in text: a number or any other word is nobody's word for "nothing was created".
    if isinstance(value, str):
        return TRUTHS.get(value.strip().lower())
    return value if isinstance(value, bool) else None


def _none_without_a_slot(value: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
    missing = value is None or (isinstance(value, str) and not value.strip())
    if missing and info.data["can_create"] is not False:
        raise ValueError("there is no task id, and nothing says that no slot was free")
    return None if missing else handler(value)


class PreCheckData(WireModel):
    """`Data` of PublicPreCheckImageScanTask."""

    need_auth_count: LenientCount = None
    scan_image_count: LenientCount = None

    @model_validator(mode="after")
    def _has_a_count(self) -> "PreCheckData":
        if self.need_auth_count is None and self.scan_image_count is None:
            raise ValueError("neither count can be read")
        return self


class PreCheckReply(WireModel):
    """Reply of PublicPreCheckImageScanTask."""

    data: PreCheckData

    def value(self) -> PreCheck:
        """What a scan would need."""
        return PreCheck(self.data.need_auth_count, self.data.scan_image_count)


class RegistryTaskData(WireModel):
    """`Data` of PublicCreateImageScanTask and PublicSyncAndCreateImageScanTask."""

    can_create: Annotated[bool | None, BeforeValidator(_truth)] = None
    task_id: Annotated[TaskId | None, WrapValidator(_none_without_a_slot), Field(default=None, validate_default=True)]
    """None only where `CanCreate` is false; so that stands above."""
    total_count: LenientCount = None
    finish_count: LenientCount = None
    progress: LenientCount = None
    collect_time: LenientInt = None
    exec_time: LenientInt = None
    status: Name = None
    result: Name = None

    @model_validator(mode="before")
    @classmethod
    def _has_no_id_in_other_letters(cls, data: Any) -> Any:
        """A task id that we fail to read is not the absence of one."""
        ids = {key: value for key, value in data.items() if key.lower() == "taskid"} if isinstance(data, dict) else {}
        if not ids.get("TaskId") and any(ids.values()):
            raise ValueError("the task id has another name")
        return data

    @model_validator(mode="after")
    def _is_no_task_without_an_id(self) -> Self:
        """An answer that tells of a task is none that says that no slot was free, whatever it lacks."""
        signs = (self.total_count, self.finish_count, self.progress, self.collect_time, self.exec_time, self.status)
        if self.task_id is None and any(signs):
            raise ValueError("it tells of a task and names none")
        return self


class RegistryTaskReply(WireModel):
    """Reply of PublicCreateImageScanTask and PublicSyncAndCreateImageScanTask."""

    data: RegistryTaskData

    def value(self) -> RegistryTask:
        """The task, or that there was no slot for one."""
        data = self.data
        return RegistryTask(
            task_id=data.task_id,
            total=data.total_count,
            finished=data.finish_count,
            progress=data.progress,
            collected_at=_seconds(data.collect_time),
            executed_at=_seconds(data.exec_time),
            status=data.status,
            result=data.result,
            can_create=data.can_create,
        )


class RegistryImageRow(ImageInstanceRow):
    """One of `ImageInstanceList` of DescribeImageInstances, with the registry that holds it."""

    registry_type: LenientText = None
    region_id: LenientText = None
    instance_id: LenientText = None
    repo_id: LenientText = None

    @property
    def names(self) -> Mapping[str, str | None]:
        """What the image is called, by the names that criteria have for it."""
        return {
            "digest": self.digest,
            "repoId": self.repo_id,
            "tag": self.tag,
            "repoName": self.repo_name,
            "repoNamespace": self.repo_namespace,
            "instanceId": self.instance_id,
            "regionId": self.region_id,
            "registryType": self.registry_type,
        }

    def listed(self) -> ListedImage:
        """What the row says."""
        return ListedImage(
            status=self.status_from(ImageInstancesReply.operation),
            registry_type=self.registry_type,
            region_id=self.region_id,
            instance_id=self.instance_id,
            repo_id=self.repo_id,
        )


class ImageRow(NamedTuple):
    """A row as it is told from others."""

    key: str
    """The image's Uuid; without one, a digest of all that the row says."""
    names: Mapping[str, str | None]
    """As in `RegistryImageRow.names`."""
    image: ListedImage


class ImagePage(NamedTuple):
    """The rows of one page."""

    rows: tuple[ImageRow, ...]
    total: int | None
    """How many there are on all pages; None where that is not told."""


class RegistryImagesReply(PagedReply):
    """Reply of DescribeImageInstances, read for the images and their registries."""

    rows: Rows = Field(alias="ImageInstanceList")

    def value(self) -> ImagePage:
        """The rows; one that cannot be read is an image of which nobody knows anything."""
        return ImagePage(tuple(_image_row(content) for content in self.rows), self.total)


class RegionRow(WireModel):
    """One of `Regions` of ListImageRegistryRegion."""

    region_id: RegionId = None
    region_name: Name = None


class RegionsReply(WireModel):
    """Reply of ListImageRegistryRegion."""

    regions: list[Any]

    def value(self) -> Mapping[str, str]:
        """Names by id; the id where there is no name. What has no id that could be written on a line is left out."""
        rows = (read_as(RegionRow, content) for content in self.regions)
        return {row.region_id: row.region_name or row.region_id for row in rows if row and row.region_id}


def _image_row(content: Any) -> ImageRow:
    row = read_as(RegistryImageRow, content) or RegistryImageRow()
    written = json.dumps(content, sort_keys=True).encode()
    return ImageRow(row.uuid or hashlib.sha256(written).hexdigest(), row.names, row.listed())


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000
