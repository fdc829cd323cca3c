"""The images that the sandbox knows from their tasks, and what was found in them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from jenkins_scan.sandbox.call import Call
from jenkins_scan.sandbox.conditions import ListedFinding
from jenkins_scan.sandbox.runs import Run, runs_of
from jenkins_scan.sandbox.state import Task

REGION = "cn-hangzhou"
REPO_INSTANCE_ID = "cri-sandbox"
REPO_ID = "crr-sandbox"


@dataclass(frozen=True, slots=True)
class Asset:
    """One image with its runs, newest first. It is the image that its newest task names."""

    newest: Task
    runs: tuple[Run, ...]

    @property
    def repository(self) -> str:
        """`namespace/repo`, or the name alone."""
        return "/".join(part for part in (self.newest.namespace, self.newest.repo_name) if part)

    @property
    def reference(self) -> str:
        """`namespace/repo:tag`, as far as it is known."""
        return f"{self.repository}:{self.newest.tag}" if self.newest.tag else self.repository

    @property
    def scanned_at(self) -> float:
        """When its last scan ended; there is always that of the day before."""
        return next(run.ends_at for run in self.runs if run.finished)

    def scanned(self, call: Call) -> tuple[str, str]:
        """Digest and image id of what its newest known run scanned: as they were submitted, but for the scenario."""
        task, course = self.newest, call.conditions.task
        if not self.runs[0].task.number:
            return task.digest, task.image_id
        return course.scanned_digest or task.digest, course.scanned_image_id or task.image_id

    def findings(self, call: Call) -> tuple[ListedFinding, ...]:
        """What its scans found: nothing before one of its own tasks ended well, for the older scan found nothing."""
        results = [run for run in self.runs if run.task.number and run.finished and run.course.has_results]
        if not results:
            return ()
        names = (self.reference, self.repository, self.newest.digest, self.newest.image_id)
        return tuple(finding for finding in call.conditions.findings if finding.concerns(names))


def assets(call: Call) -> tuple[Asset, ...]:
    """Every image of the account, in the order of their newest tasks, the latest first."""
    by_uuid: dict[str, list[Task]] = {}
    for task in call.state.tasks():
        by_uuid.setdefault(task.uuid, []).append(task)
    known = [Asset(tasks[-1], runs_of(call, tasks)) for tasks in by_uuid.values()]
    return tuple(sorted(known, key=lambda asset: asset.newest.number, reverse=True))


def bare(digest: str) -> str | None:
    """The digest as it can be found; None for one with a prefix such as `sha256:`, which finds nothing."""
    return None if ":" in digest else digest


SELECTORS: Final[Mapping[str, Callable[[Task], str | None]]] = {
    "ImageUuid": lambda task: task.uuid,
    "Uuids": lambda task: task.uuid,
    "ImageDigest": lambda task: bare(task.digest),
    "Digest": lambda task: bare(task.digest),
    "RepoName": lambda task: task.repo_name,
    "RepoNamespace": lambda task: task.namespace,
    "ImageTag": lambda task: task.tag,
    "Tag": lambda task: task.tag,
}
"""The parameters by which the operations on findings select images; an operation that has no such one gets none."""


def selected(call: Call) -> tuple[Asset, ...]:
    """The images that the call asks about: those that every selector admits, all of them when there is none."""
    return tuple(
        asset for asset in assets(call) if all(call.allows(name, of(asset.newest)) for name, of in SELECTORS.items())
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
