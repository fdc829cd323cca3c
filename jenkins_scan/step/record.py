"""The record of a run: filled as the step goes, read by the reports.

An error or a signal at any moment leaves everything known until then; above all the id of every task that was opened,
and the fact that one may exist.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from jenkins_scan.errors import InternalError, Interrupted, Reason, ScanError, UsageError

if TYPE_CHECKING:
    from typing import Literal

    from jenkins_scan.gate.image import ImageJudgement
    from jenkins_scan.images.interface import ImageIdentity
    from jenkins_scan.security_center.interface import CreatedTask, Proof, Quota, TaskStatus
    from jenkins_scan.security_center.registry_scans import ImageFilter, PreCheck, RegistryTask
    from jenkins_scan.step.submission import Submission

JENKINS_CREATE = "CreateJenkinsImageScanTask"


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """A task that was opened, or (`task` None) one that may exist."""

    task: "CreatedTask | None"
    opened_at: float
    """Seconds since the epoch: by the service's clock where it told one."""
    request_id: str | None = None
    opened_on: float | None = None
    """The same moment in monotonic time; None where another process opened it."""
    by_service: bool = False
    """Whether `opened_at` is by the service's clock: only then the time of a scan can be held against it."""
    operation: str = JENKINS_CREATE
    """The operation that opened it."""
    told: "RegistryTask | None" = None
    """What the answer to a create of `scan-registry` said of it."""

    @property
    def is_shared(self) -> bool:
        """Whether it scans more than one image."""
        return self.told is not None and self.told.total != 1


@dataclass(frozen=True, slots=True)
class RegistryRun:
    """What `scan-registry` asked for, and what the service counted before anything was created."""

    wanted: "ImageFilter"
    counted: "PreCheck"
    most: int
    """How many images it was allowed to be."""


@dataclass(slots=True)
class ImageRun:
    """What happened to one image. One thread at a time writes to it."""

    reference: str
    identity: "ImageIdentity | None" = None
    submission: "Submission | None" = None
    task: TaskRecord | None = None
    ended: "TaskStatus | None" = None
    """The last status of the task; None while nobody asked."""
    proof: "Proof | Literal['bytes'] | None" = None
    """What shows that it was this image; `bytes` where they were read here."""
    judgement: "ImageJudgement | None" = None
    error: ScanError | None = None
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What is good to know, and no warning."""

    def attempt(self, do: Callable[[], None]) -> None:
        """Does it; what goes wrong is noted here, so that one image's trouble takes no other along."""
        try:
            do()
        except ScanError as error:
            self.error = error
        except Exception as problem:  # noqa: BLE001  a bug is noted like everything else
            self.error = InternalError.of(problem)


@dataclass(slots=True)
class Run:
    """What happened in the whole run."""

    started_at: float
    images: list[ImageRun]
    """In the order in which they were named; never empty, so that a refused run has a place for its reason."""
    quota: "Quota | None" = None
    registry: RegistryRun | None = None
    endpoint: str | None = None
    """Where the tasks were opened, when another run did so; the settings say it otherwise."""
    sandbox: bool = False
    local: bool = False
    """Whether only this machine looks at the images: no task is opened, and what comes of it is never a PASS."""
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    interrupted: Interrupted | None = None
    opened: Callable[[str | None], None] = lambda _: None
    """Told of the id of every task that was opened, and of None where one may be, or was not after all."""

    def is_judged(self, image: ImageRun | None = None) -> bool:
        """Whether this image, or every image, was judged by its findings."""
        return all(each.judgement is not None for each in (self.images if image is None else [image]))

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """The reasons against a pass."""
        return tuple(reason for image in self.images for reason in self.reasons_of(image))

    def reasons_of(self, image: ImageRun) -> tuple[Reason, ...]:
        """The reasons against a pass of this image."""
        failed = () if image.error is None else (image.error.reason,)
        return failed if self.interrupted is None else (*failed, self.interrupted.reason)

    def fail(self, error: ScanError) -> None:
        """Note what ended the run for every image that has no reason of its own yet."""
        for image in self.images:
            if image.error is None:
                image.error = error

    def ends_as_a_whole(self) -> bool:
        """Whether an image that cannot be meant ends the run: then the others say so too. Nothing was sent yet."""
        for image in self.images:
            if isinstance(image.error, UsageError):
                self.fail(
                    UsageError(
                        f"nothing was sent: {image.reference!a} of the same run cannot be meant as it is written.",
                        remedy="Mend or leave out that image; its own reason says why.",
                    )
                )
                return True
        return False

    def require_ends(self) -> None:
        """Notes a bug for an image that has neither a task nor a reason: nothing may look submitted that was not.

        An image that is looked at here alone has its judgement in place of a task.
        """
        for image in self.images:
            ended = image.judgement if self.local else image.task and image.task.task
            if image.error is None and ended is None:
                what = "judgement" if self.local else "task"
                image.error = InternalError(f"the run ended, and of this image neither a {what} nor a reason is known.")

    def freeze(self) -> None:
        """From here on the images no longer change, whatever a thread that was left behind still writes."""
        self.images = [replace(image, warnings=[*image.warnings], notes=[*image.notes]) for image in self.images]
