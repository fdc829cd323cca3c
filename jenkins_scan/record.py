"""The record of a run: filled as the step goes, read by the reports.

An error or a signal at any moment leaves everything known until then; above all the id of every task that was opened,
and the fact that one may exist.
"""

from dataclasses import dataclass, field

from jenkins_scan.errors import Interrupted, Reason, ScanError
from jenkins_scan.images.interface import ImageIdentity
from jenkins_scan.security_center.interface import CreatedTask, Quota
from jenkins_scan.submission import Submission


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """A task that was opened, or (`task` None) one that may exist."""

    task: CreatedTask | None
    opened_at: float
    """Seconds since the epoch: by the service's clock where it told one."""
    request_id: str | None = None


@dataclass(slots=True)
class ImageRun:
    """What happened to one image."""

    reference: str
    identity: ImageIdentity | None = None
    submission: Submission | None = None
    task: TaskRecord | None = None
    error: ScanError | None = None


@dataclass(slots=True)
class Run:
    """What happened in the whole run."""

    started_at: float
    image: ImageRun
    quota: Quota | None = None
    sandbox: bool = False
    warnings: list[str] = field(default_factory=list)
    interrupted: Interrupted | None = None

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """The reasons against a pass."""
        failed = () if self.image.error is None else (self.image.error.reason,)
        return failed if self.interrupted is None else (*failed, self.interrupted.reason)
