"""The task that is waited for, and which rows of the service are of it: others look the same, and prove nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from jenkins_scan.security_center.interface import ListedName, Phase, ScanRequest, TaskStatus

CUT: Final = 1.0
"""Seconds that a `Date` header cuts off: a scan that ended within them after the submit may be an older one."""
DRIFT: Final = 60.0
"""Seconds by which the two clocks may differ in how long it took; beyond, the service's times prove nothing."""


LONGEST_ANSWER: Final = 30.0
"""Seconds that the answer to a create may take at the most: a task that is said to have begun earlier is not ours."""


@dataclass(frozen=True, slots=True)
class ImageRows:
    """The rows of DescribeImageInstances, parted by what they say of our task."""

    ours: tuple[TaskStatus, ...] = ()
    """Of our image, with a scan that ended after our submit."""
    others: tuple[TaskStatus, ...] = ()
    """Older scans, and rows of other repositories with the same digest."""
    runs: bool = False
    """Whether a row of our image says that a scan of it runs, ours or another one."""
    lags: bool = False
    """Whether a row of our image is there that knows an older scan only: its findings may be as old."""
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
    resumed: bool = False
    """Whether id and moment come from a file: then the service itself has to know the id before a scan time counts."""

    def of_task(self, rows: Sequence[TaskStatus]) -> tuple[TaskStatus, ...]:
        """The rows with our task id; of a task for several images those of this one."""
        of_task = [row for row in rows if row.task_id == self.task_id]
        of_image = [row for row in of_task if row.digest is not None and row.digest == self.request.digest]
        return tuple(of_image if self.shared else of_image or of_task)

    def of_image(
        self, rows: Sequence[TaskStatus], *, server_time: float | None, now: float, began: float | None = None
    ) -> ImageRows:
        """The rows of DescribeImageInstances; `server_time` is the answer's `Date`, `now` is monotonic time.

        `began` is when the service says that our task began, once it has: its answer to the create came later.
        """
        own = [row for row in rows if self._may_be_own(row)]
        jumped, since = self._jumped(server_time, now), self._since(began)
        ours = tuple(row for row in own if not jumped and _is_within(row.scanned_at, since, server_time))
        return ImageRows(
            ours=ours,
            others=tuple(row for row in rows if row not in ours),
            runs=any(row.phase is Phase.RUNNING for row in own),
            lags=bool(own) and not ours and since is not None and not jumped,
            jumped=jumped,
        )

    def _may_be_own(self, row: TaskStatus) -> bool:
        """Whether nothing shows the row to be of another repository, which may hold the same bytes."""
        if self.uuid is not None and row.uuid is not None:
            return same_uuid(row.uuid, self.uuid)
        return row.name is None or _may_be_named(self.request, row.name)

    def _since(self, began: float | None) -> float | None:
        """From when on a scan that ends is no older one, by the service's clock; None where nobody can tell."""
        if self.opened_at is None:
            return None
        after = self.opened_at + CUT
        return after if began is None or began < self.opened_at - LONGEST_ANSWER else min(after, began)

    def _jumped(self, server_time: float | None, now: float) -> bool:
        """Whether the service's clock and ours differ in how long ago the submit was."""
        if server_time is None or self.opened_at is None or self.opened_on is None:
            return False
        return abs((server_time - self.opened_at) - (now - self.opened_on)) > DRIFT


def _is_within(moment: float | None, since: float | None, until: float | None) -> bool:
    return moment is not None and since is not None and until is not None and since <= moment <= until + CUT


def same_uuid(one: str | None, other: str | None) -> bool:
    """Whether both are known and the same; the API pages write one with dashes here, without them there."""
    return one is not None and other is not None and _plain(one) == _plain(other)


def _plain(uuid: str) -> str:
    return uuid.replace("-", "").lower()


def _may_be_named(request: ScanRequest, name: ListedName) -> bool:
    """Whether nothing of the name that was sent differs from this one; what was not sent may be anything."""
    parts = (
        (request.repo_name, name.repo_name),
        (request.tag, name.tag),
        (request.namespace, name.namespace),
    )
    return all(sent is None or listed is None or sent == listed for sent, listed in parts)
