"""Scans of images in registries as the step sees them: which images are meant, and what the service says of them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_DIGEST = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFilter:
    """The parameters of PublicCreateImageScanTask: within one any of its values will do, and all of them have to hold.

    Raises `ValueError` for a value that a comma list cannot hold, or that would mean another one to the service.
    """

    registry_types: tuple[str, ...] = ()
    """`acr`, `harbor` or `quay`."""
    region_ids: tuple[str, ...] = ()
    instance_ids: tuple[str, ...] = ()
    repo_namespaces: tuple[str, ...] = ()
    repo_ids: tuple[str, ...] = ()
    repo_names: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    """64 hex digits in lower case each, without `sha256:`, with which the service finds nothing."""
    tags: tuple[str, ...] = ()
    source_ip: str | None = None
    """No filter: the address that the request is said to come from."""

    def __post_init__(self) -> None:
        for name, values in self.named.items():
            for value in values:
                _require_listable(name, value)
        _require_digests(self.digests)
        if self.source_ip is not None:
            _require_listable("sourceIp", self.source_ip)

    @property
    def is_empty(self) -> bool:
        """Whether this means every image of the account."""
        return not self.named

    @property
    def named(self) -> Mapping[str, tuple[str, ...]]:
        """What is named, the most telling first, by the names that DescribeImageInstances has for it: `repoId`."""
        every = {
            "digest": self.digests,
            "repoId": self.repo_ids,
            "tag": self.tags,
            "repoName": self.repo_names,
            "repoNamespace": self.repo_namespaces,
            "instanceId": self.instance_ids,
            "regionId": self.region_ids,
            "registryType": self.registry_types,
        }
        return {name: values for name, values in every.items() if values}

    def allows(self, image: Mapping[str, str | None]) -> bool:
        """Whether nothing that is known of an image, by the same names, speaks against it. Case does not count."""
        return all(
            (known := image.get(name)) is None or known.casefold() in {value.casefold() for value in values}
            for name, values in self.named.items()
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryImage:
    """One of `Images` of PublicSyncAndCreateImageScanTask: an image that the service may not know yet.

    Raises `ValueError` for what is no digest, and for a part that is empty or cannot be shown on a line.
    """

    registry_type: str
    region_id: str
    instance_id: str
    repo_namespace: str
    repo_id: str
    repo_name: str
    digest: str
    """64 hex digits in lower case, without `sha256:`."""
    tag: str
    create_time: int | None = None
    """Unix milliseconds; None is not sent."""
    update_time: int | None = None
    """Unix milliseconds; None is not sent."""

    def __post_init__(self) -> None:
        for name, value in self.parts.items():
            if isinstance(value, str):
                _require_text(name, value)
        _require_digests((self.digest,))

    @property
    def parts(self) -> Mapping[str, str | int]:
        """What is known of it, by the names of the official example."""
        every = {
            "registryType": self.registry_type,
            "repoId": self.repo_id,
            "instanceId": self.instance_id,
            "repoNamespace": self.repo_namespace,
            "regionId": self.region_id,
            "repoName": self.repo_name,
            "digest": self.digest,
            "tag": self.tag,
            "createTime": self.create_time,
            "updateTime": self.update_time,
        }
        return {name: value for name, value in every.items() if value is not None}


@dataclass(frozen=True, slots=True)
class PreCheck:
    """What a scan would need (PublicPreCheckImageScanTask). At least one of the two is known."""

    need_auth_count: int | None
    scan_image_count: int | None

    def __post_init__(self) -> None:
        if self.need_auth_count is None and self.scan_image_count is None:
            raise ValueError("neither NeedAuthCount nor ScanImageCount is known")

    @property
    def needed(self) -> int:
        """Images, and quota at the most: the API page seems to have the two names the wrong way round."""
        return max(self.need_auth_count or 0, self.scan_image_count or 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryTask:
    """What the service says of a task in the answer to its create. Opened is not scanned, whatever `status` says."""

    task_id: str | None
    """None: no task slot was free, and nothing was created."""
    total: int | None = None
    """`TotalCount`: images to scan."""
    finished: int | None = None
    """`FinishCount`: images that were scanned."""
    progress: int | None = None
    """Percent."""
    collected_at: float | None = None
    """Seconds since the epoch."""
    executed_at: float | None = None
    """Seconds since the epoch."""
    status: str | None = None
    """`INIT`, `PRE_ANALYZER`, `SUCCESS`, `FAIL`. It may describe an earlier run: it is for showing, never a verdict."""
    result: str | None = None
    """`SUCCESS`, `TASK_NOT_SUPPORT_REGION`."""
    can_create: bool | None = None
    """Whether another task could be created. With a task id, False says that this one took the last slot."""


def _require_listable(name: str, value: str) -> None:
    _require_text(name, value)
    if "," in value or any(character.isspace() for character in value):
        raise ValueError(f"{name} {value!a} has a comma or a space: it would be several values, or another one")


def _require_text(name: str, value: str) -> None:
    if not value.strip() or not value.isprintable():
        raise ValueError(f"{name} {value!a} is empty, or has a character that cannot be printed")


def _require_digests(digests: tuple[str, ...]) -> None:
    for digest in digests:
        if not _DIGEST.fullmatch(digest):
            raise ValueError(f"digest {digest!a} is not 64 hex digits in lower case, without sha256:")
