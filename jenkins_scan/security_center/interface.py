"""Security Center as the step sees it: what is asked, what comes back. No wire words beyond this seam."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanRequest:
    """The twelve parameters of CreateJenkinsImageScanTask but the token, which the client holds. None is not sent."""

    namespace: str | None = None
    repo_name: str | None = None
    tag: str | None = None
    digest: str | None = None
    """64 hex digits, without `sha256:`."""
    image_id: str | None = None
    """The config digest: 64 hex digits, without `sha256:`."""
    image_size: int | None = None
    """Bytes."""
    image_create: int | None = None
    """Unix milliseconds."""
    image_update: int | None = None
    """Unix milliseconds."""
    uuid: str | None = None
    source_ip: str | None = None
    jenkins_env: str | None = None


@dataclass(frozen=True, slots=True)
class CreatedTask:
    """What the service says of a task it just opened. Opened is not scanned."""

    task_id: str
    uuid: str | None = None
    capacity: int | None = None
    """`ImageScanCapacity`: the purchased total, not what remains."""
    repo_region_id: str | None = None
    repo_instance_id: str | None = None
    repo_id: str | None = None


@dataclass(frozen=True, slots=True)
class Quota:
    """The account's image-scan quota (DescribeImageScanAuthCount)."""

    capacity: int
    used: int

    @property
    def remaining(self) -> int:
        """What is left; never below zero."""
        return max(0, self.capacity - self.used)


@dataclass(frozen=True, slots=True)
class ListedTask:
    """A task of one image as DescribeImageLatestScanTask lists it."""

    task_id: str
    status: str
    started_at: float | None
    """Seconds since the epoch, by the service's clock."""
    target: str | None = None
    """The digest of the image that is scanned, where the service tells it."""


@dataclass(frozen=True, slots=True)
class Answer(Generic[T_co]):
    """A reply that was understood, with what its envelope says."""

    value: T_co
    request_id: str | None
    server_time: float | None
    """The `Date` header in seconds since the epoch: the service's clock, cut to whole seconds."""


class SecurityCenter(Protocol):
    """The operations of the service that the step uses. `deadline` is monotonic time; all raise `ScanError`."""

    @property
    def is_sandbox(self) -> bool:
        """Whether an answer so far came from the stand-in, not from Alibaba Cloud."""
        ...

    def describe_image_scan_auth_count(self, *, deadline: float) -> Answer[Quota]:
        """The quota: capacity and used."""
        ...

    def create_jenkins_image_scan_task(
        self, request: ScanRequest, *, deadline: float, on_the_way: Callable[[float | None], None]
    ) -> Answer[CreatedTask]:
        """A new task. Raises `errors.FateUnknown` when one may exist although no usable answer came.

        `on_the_way` is called with the time (seconds since the epoch) right before each try is sent, and with None when
        that try surely opened nothing. What it raises ends the create: nothing is sent then.
        """
        ...

    def describe_image_latest_scan_task(self, digest: str, *, deadline: float) -> Answer[tuple[ListedTask, ...]]:
        """The tasks of the image with this digest (64 hex digits); empty when the service knows none."""
        ...
