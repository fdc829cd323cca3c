"""The task that is waited for, and which rows of the service are of it: others look the same, and prove nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from jenkins_scan.security_center.interface import ListedName, Phase, ScanRequest, TaskStatus

CUT: Final = 1.0
"""Seconds that a `Date` header cuts off: a scan that ended within them after the submit may be an older one."""
DRIFT: Final = 60.0
"""Seconds by which the two clocks may differ in how long it took; beyond, the service's times prove nothing."""


@dataclass(frozen=True, slots=True)
class ImageRows:
    """The rows of DescribeImageInstances, parted by what they say of our task."""

    ours: tuple[TaskStatus, ...] = ()
    """Of our image, with a scan that ended after our submit."""
    others: tuple[TaskStatus, ...] = ()
    """Older scans, and rows of other repositories with the same digest."""
    runs: bool = False
    """Whether a row of our image says that a scan of it runs, ours or another one."""
    jumped: bool = False
    """Whether the service's clock cannot be right: then none of its times counts."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """The task that is waited for."""

    task_id: str
    opened_at: float | None
    """Seconds since the epoch by the service's clock; None where it told none: then no scan time proves anything."""
    request: ScanRequest
    opened_on: float | None = None
    """When it was opened in monotonic time; None where another process did so."""
    uuid: str | None = None
    """The key of the image's row, where the create told it."""
    pushed: bool = True
    """Whether a registry is known to hold the image; the service cannot read one that is on the agent alone."""
    shared: bool = False
    """Whether the task scans other images, too: then a row of it has to tell whose it is."""

    def of_task(self, rows: Sequence[TaskStatus]) -> tuple[TaskStatus, ...]:
        """The rows with our task id; of a task for several images those of this one."""
        of_task = [row for row in rows if row.task_id == self.task_id]
        of_image = [row for row in of_task if row.digest is not None and row.digest == self.request.digest]
        return tuple(of_image if self.shared else of_image or of_task)

    def of_image(self, rows: Sequence[TaskStatus], *, server_time: float | None, now: float) -> ImageRows:
        """The rows of DescribeImageInstances; `server_time` is the answer's `Date`, `now` is monotonic time."""
        own = [row for row in rows if self._may_be_own(row)]
        jumped = self._jumped(server_time, now)
        ours = tuple(row for row in own if not jumped and self._is_fresh(row, server_time))
        return ImageRows(
            ours=ours,
            others=tuple(row for row in rows if row not in ours),
            runs=any(row.phase is Phase.RUNNING for row in own),
            jumped=jumped,
        )

    def _may_be_own(self, row: TaskStatus) -> bool:
        """Whether nothing shows the row to be of another repository, which may hold the same bytes."""
        name = self.request.listed_name
        if self.uuid is not None and row.uuid is not None:
            return same_uuid(row.uuid, self.uuid)
        return name is None or row.name is None or _may_be_same(name, row.name)

    def _is_fresh(self, row: TaskStatus, server_time: float | None) -> bool:
        """Whether the row's scan ended after our submit and before this answer, all by the service's clock."""
        if row.scanned_at is None or self.opened_at is None or server_time is None:
            return False
        return self.opened_at + CUT <= row.scanned_at <= server_time + CUT

    def _jumped(self, server_time: float | None, now: float) -> bool:
        """Whether the service's clock and ours differ in how long ago the submit was."""
        if server_time is None or self.opened_at is None or self.opened_on is None:
            return False
        return abs((server_time - self.opened_at) - (now - self.opened_on)) > DRIFT


def same_uuid(one: str | None, other: str | None) -> bool:
    """Whether both are known and the same; the API pages write one with dashes here, without them there."""
    return one is not None and other is not None and _plain(one) == _plain(other)


def _plain(uuid: str) -> str:
    return uuid.replace("-", "").lower()


def _may_be_same(one: ListedName, other: ListedName) -> bool:
    """Whether the names are equal as far as both are known."""
    namespaces = (one.namespace, other.namespace)
    return (one.repo_name, one.tag) == (other.repo_name, other.tag) and (
        None in namespaces or len(set(namespaces)) == 1
    )
