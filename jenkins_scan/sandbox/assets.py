"""The images that the sandbox knows from their scans, and what was found in them."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final

from jenkins_scan.sandbox.call import Call
from jenkins_scan.sandbox.conditions import ListedFinding
from jenkins_scan.sandbox.images import Image, bare
from jenkins_scan.sandbox.runs import Run, runs_of
from jenkins_scan.sandbox.state import Scan


@dataclass(frozen=True, slots=True)
class Asset:
    """One image, by the names of its newest scan, with its runs, newest first."""

    image: Image
    runs: tuple[Run, ...] = ()
    """None for an image in a registry that nobody scanned yet."""
    newest: Scan | None = None
    """Its newest scan, known to the status operations or not."""

    @property
    def number(self) -> int:
        """That of its newest scan."""
        return self.newest.number if self.newest else 0

    @property
    def scanned_at(self) -> float:
        """When its last scan ended; there is always that of the day before, unless the clock was set back."""
        return next((run.ends_at for run in self.runs if run.finished), self.runs[-1].ends_at)

    @property
    def names(self) -> tuple[Image, ...]:
        """The image by the name of each of its scans: one image may have several tags."""
        return (self.image, *(run.scan.image for run in self.runs))

    def scanned(self, call: Call) -> tuple[str, str]:
        """Digest and image id of what its newest known run scanned: as they were submitted, but for the scenario."""
        image, course = self.image, call.conditions.task
        if not self.runs or not self.runs[0].scan.number:
            return image.digest, image.image_id
        return course.scanned_digest or image.digest, course.scanned_image_id or image.image_id

    def findings(self, call: Call) -> tuple[ListedFinding, ...]:
        """What its scans found: nothing before one of its own tasks ended well, for the older scan found nothing."""
        results = [run for run in self.runs if run.scan.number and run.finished and run.course.has_results]
        if not results:
            return ()
        names = (self.image.reference, self.image.repository, self.image.digest, self.image.image_id)
        seen = () if call.findings_of is None else call.state.findings(self.image)
        noted = (ListedFinding.model_validate_json(each) for each in seen)
        return (*(finding for finding in call.conditions.findings if finding.concerns(names)), *noted)


def assets(call: Call, *, digests: Collection[str] = (), task_ids: Collection[str] = ()) -> tuple[Asset, ...]:
    """Every image of the account with a scan, in the order of their newest ones, the latest first.

    With `digests` or `task_ids` at least those that have or had one of them, without looking at all the others.
    """
    by_uuid: dict[str, list[Scan]] = {}
    narrow = digests or task_ids
    for scan in call.state.scans_beside(digests=digests, task_ids=task_ids) if narrow else call.state.scans():
        by_uuid.setdefault(scan.image.uuid, []).append(scan)
    known = [Asset(scans[-1].image, runs_of(call, scans), scans[-1]) for scans in by_uuid.values()]
    return tuple(sorted(known, key=lambda asset: asset.number, reverse=True))


SELECTORS: Final[Mapping[str, Callable[[Image], str | None]]] = {
    "ImageUuid": lambda image: image.uuid,
    "Uuids": lambda image: image.uuid,
    "ImageDigest": lambda image: bare(image.digest),
    "Digest": lambda image: bare(image.digest),
    "RepoName": lambda image: image.repo_name,
    "RepoNamespace": lambda image: image.namespace,
    "ImageTag": lambda image: image.tag,
    "Tag": lambda image: image.tag,
}
"""The parameters by which the operations on findings select images; an operation that has no such one gets none."""


def selected(call: Call) -> tuple[Asset, ...]:
    """The images that the call asks about: those that every selector admits, all of them when there is none."""
    return tuple(
        asset
        for asset in assets(call)
        if any(all(call.allows(name, of(image)) for name, of in SELECTORS.items()) for image in asset.names)
    )


@dataclass(frozen=True, slots=True)
class Group:
    """Findings of one image that share a row."""

    asset: Asset
    findings: tuple[ListedFinding, ...]

    @property
    def first(self) -> ListedFinding:
        """The one that names the row."""
        return self.findings[0]

    @property
    def open(self) -> int:
        """How many were not handled."""
        return sum(not finding.handled for finding in self.findings)

    def counted(self, severity: str) -> int:
        """How many are of this severity, in the service's word."""
        return sum(finding.severity == severity for finding in self.findings)


def by_severity(finding: ListedFinding) -> tuple[object, ...]:
    """What findings of one row share where it has one severity: id, severity, state and whether there is a fix."""
    return finding.id, finding.severity, finding.handled, finding.fixable


def by_id(finding: ListedFinding) -> tuple[object, ...]:
    """What findings of one row share where it counts each severity: id and state."""
    return finding.id, finding.handled


def groups(
    call: Call, kind: str, *, by: Callable[[ListedFinding], tuple[object, ...]] = by_severity
) -> tuple[Group, ...]:
    """The findings of one kind in the images that are asked for, in groups, in the order of the scenario."""
    found: list[Group] = []
    for asset in selected(call):
        same: dict[tuple[object, ...], list[ListedFinding]] = {}
        for finding in asset.findings(call):
            if finding.kind == kind:
                same.setdefault(by(finding), []).append(finding)
        found += [Group(asset, tuple(findings)) for findings in same.values()]
    return tuple(found)


def singles(call: Call, kind: str) -> tuple[Group, ...]:
    """As `groups`, each finding in a group of its own."""
    return tuple(
        Group(asset, (finding,)) for asset in selected(call) for finding in asset.findings(call) if finding.kind == kind
    )
