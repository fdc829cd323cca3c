"""Security Center as the step sees it: what is asked, what comes back. No wire words beyond this seam."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Generic, Literal, Protocol, TypeVar

from jenkins_scan.findings import Finding, Kind

if TYPE_CHECKING:
    from jenkins_scan.security_center.registry_scans import ImageFilter, PreCheck, RegistryImage, RegistryTask

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class ListedName:
    """The name under which the service lists an image. Several images may have had it."""

    namespace: str | None
    repo_name: str
    tag: str


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

    @property
    def listed_name(self) -> ListedName | None:
        """The name under which the image will be listed; None where too little of it is sent."""
        if self.repo_name is None or self.tag is None:
            return None
        return ListedName(self.namespace, self.repo_name, self.tag)


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


class Phase(Enum):
    """How far a task is, by its status word and its result."""

    RUNNING = "running"
    GOOD = "good"
    """Finished well, if it is our task: an older success looks the same."""
    BAD = "bad"
    UNKNOWN = "unknown"
    """A word, a result or a row that is not understood: reported, and asked again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskStatus:
    """What one row of a status operation says. Times are seconds since the epoch, by the service's clock."""

    source: str
    """The operation that said so."""
    phase: Phase
    word: str
    """The status word as it came; empty where none was readable."""
    result: str | None = None
    """`ScaResult` or `ResultInfo`: None where there is none, `unreadable` where it is no text."""
    task_id: str | None = None
    """None in DescribeImageInstances: a row of it is ours only by `scanned_at`, and a final phase counts only then."""
    progress: int | None = None
    """Percent."""
    started_at: float | None = None
    finished_at: float | None = None
    scanned_at: float | None = None
    """`LastScanTime` of the image: when its newest finished scan ended."""
    image_id: str | None = None
    """The config digest of the scanned image, in lower case and without `sha256:`."""
    digest: str | None = None
    """The digest of the scanned image, in the same form."""
    uuid: str | None = None
    """The key of the image in the lists of findings."""
    name: ListedName | None = None
    """The name of the row's image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedImage:
    """An image as DescribeImageInstances lists it: its newest scan, whosoever that is, and where it lies."""

    status: TaskStatus
    registry_type: str | None = None
    region_id: str | None = None
    instance_id: str | None = None
    repo_id: str | None = None


@dataclass(frozen=True, slots=True)
class ImageList:
    """The images that a filter means, as far as they could be read."""

    images: tuple[ListedImage, ...]
    complete: bool
    """Whether every row that the service counts was received. What is not listed was not looked at."""
    complaints: tuple[str, ...] = ()
    """What is wrong with the list, one sentence each; never empty when it is not complete."""


Proof = Literal["image_id", "digest"]
"""What the service's record has in common with the image: our config digest, or the confirmed digest that was sent."""


class Source(StrEnum):
    """A list of findings."""

    CVE = "cve"
    SCA = "sca"
    BASELINE = "baseline"
    MALICIOUS_FILE = "malicious-file"
    SENSITIVE_FILE = "sensitive-file"
    BUILD_RISK = "build-risk"

    @property
    def kind(self) -> Kind:
        """What kind of finding the list holds."""
        return Kind.VULNERABILITY if self in {Source.CVE, Source.SCA} else Kind(self.value)


@dataclass(frozen=True, slots=True)
class ImageKey:
    """What names one image in the lists of findings. A list is never asked without the key that it takes."""

    uuid: str | None
    digest: str | None
    """64 hex digits, without `sha256:`."""
    name: ListedName | None = None
    """For the lists that take no Uuid, where no digest is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingList:
    """One list of findings of one image, as far as it could be read."""

    source: Source
    findings: tuple[Finding, ...]
    """The open ones, in a stable order. What is fixed, whitelisted or ignored on the server is left out."""
    complete: bool
    """Whether every row that the service counts was received. What is not complete proves nothing."""
    total: int | None
    """The largest `TotalCount` that came; None where none did."""
    received: int
    """Distinct rows, with those that are handled. A row is not always one finding."""
    handled: int = 0
    """Rows that the server says are fixed, whitelisted or ignored."""
    unreadable: int = 0
    """Rows without an id that could be read; each is a finding `unreadable-row-N` whose severity is not known."""
    complaints: tuple[str, ...] = ()
    """What is wrong with the list, one sentence each; never empty when it is not complete."""


@dataclass(frozen=True, slots=True)
class Answer(Generic[T_co]):
    """A reply that was understood, with what its envelope says."""

    value: T_co
    request_id: str | None
    server_time: float | None
    """The `Date` header in seconds since the epoch: the service's clock, cut to whole seconds."""


class Tasks(Protocol):
    """The status operations. Each row is a status; no row is an answer as well. All raise `ScanError`."""

    def latest(self, digest: str, *, deadline: float) -> Answer[tuple[TaskStatus, ...]]:
        """The tasks of the image with this digest: DescribeImageLatestScanTask."""
        ...

    def of_image(
        self, *, digest: str | None = None, image_id: str | None = None, deadline: float
    ) -> Answer[tuple[TaskStatus, ...]]:
        """The images with this digest or, without one, this config digest: DescribeImageInstances."""
        ...

    def by_id(self, task_id: str, *, deadline: float) -> Answer[tuple[TaskStatus, ...]]:
        """The task of each image under this id: DescribeOnceTaskLeafRecordPage."""
        ...

    def unfinished(self, digest: str, *, deadline: float) -> Answer[tuple[TaskStatus, ...]]:
        """The running tasks of the image with this digest: ListUnfinishedOnceTask."""
        ...


class Results(Protocol):
    """The operations that list findings. All raise `ScanError`."""

    def counts(self, image: ImageKey, *, deadline: float) -> Answer[Mapping[Source, int]]:
        """How many open findings there are, by the lists that DescribeImageSecurityScanCount counts and tells."""
        ...

    def findings(self, source: Source, image: ImageKey, *, deadline: float) -> FindingList:
        """One list, all pages. Raises only when its first page cannot be read; later failures are complaints."""
        ...


class Registries(Protocol):
    """The operations on images in registries. All raise `ScanError`.

    A filter that is empty means every image of the account: a `ValueError`, unless `everything` says so.
    """

    def precheck(self, wanted: "ImageFilter", *, deadline: float, everything: bool = False) -> "Answer[PreCheck]":
        """How many images would be scanned, and how much quota that takes: PublicPreCheckImageScanTask."""
        ...

    def create(
        self,
        wanted: "ImageFilter",
        *,
        deadline: float,
        on_the_way: Callable[[float | None], None],
        everything: bool = False,
    ) -> "Answer[RegistryTask]":
        """A new task for these images, or word that no slot was free: PublicCreateImageScanTask.

        As for `create_jenkins_image_scan_task`: raises `errors.FateUnknown` when a task may exist although no usable
        answer came; `on_the_way` is told of each try, and None also when no slot was free.
        """
        ...

    def sync_and_create(
        self,
        images: "tuple[RegistryImage, ...]",
        *,
        source_ip: str | None,
        deadline: float,
        on_the_way: Callable[[float | None], None],
    ) -> "Answer[RegistryTask]":
        """As `create`, for images that the service may not know yet: PublicSyncAndCreateImageScanTask."""
        ...

    def images(self, wanted: "ImageFilter", *, deadline: float, everything: bool = False) -> Answer[ImageList]:
        """The images that the filter means: DescribeImageInstances, all pages.

        Raises only when a first page cannot be read; later failures are complaints.
        """
        ...

    def regions(self, *, deadline: float) -> Answer[Mapping[str, str]]:
        """The regions in which images can be scanned, names by id: ListImageRegistryRegion."""
        ...


class SecurityCenter(Protocol):
    """The operations of the service that the step uses. `deadline` is monotonic time; all raise `ScanError`."""

    @property
    def is_sandbox(self) -> bool:
        """Whether an answer so far came from the stand-in, not from Alibaba Cloud."""
        ...

    @property
    def tasks(self) -> Tasks:
        """The status operations."""
        ...

    @property
    def results(self) -> Results:
        """The operations that list findings."""
        ...

    @property
    def registries(self) -> Registries:
        """The operations on images in registries."""
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
