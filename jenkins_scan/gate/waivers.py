"""Waivers: findings that somebody accepted, with a reason and until a day.

A waived finding is left out of the gates alone; every report still shows it.
"""

import fnmatch
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from jenkins_scan.findings import Finding, Kind
from jenkins_scan.gate.names import names_of_finding

LOCAL: Final = "local/"
"""What the ids of the local analysis begin with."""
ENDING: Final = timedelta(days=14)
"""How long before its end a waiver warns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """One accepted problem. What is None is not asked for; globs are those of file names, and `*` also spans `/`."""

    id: str
    """The id of the finding or one of its aliases, in any case; never a glob. Of a finding with several CVEs each has
    to be waived, or the advisory itself."""
    reason: str
    expires: date
    """The last day on which it holds, in UTC."""
    kind: Kind | None = None
    package: str | None = None
    """A glob. A finding without a package meets none."""
    path: str | None = None
    """A glob. A finding without a path meets none."""
    image: str | None = None
    """A glob on the image's name: spelled out, as typed, or its repository."""
    owner: str | None = None
    line: int = 0
    """Where it stands in its file, from 1."""

    def is_expired(self, today: date) -> bool:
        """Whether its last day is over."""
        return today > self.expires

    def ends_soon(self, today: date) -> bool:
        """Whether it still holds, but ends within 14 days."""
        return timedelta() <= self.expires - today <= ENDING

    @property
    def is_local(self) -> bool:
        """Whether it is for a finding of the local analysis, which the service never has."""
        return self.id.lower().startswith(LOCAL)

    def is_about(self, image_names: Collection[str]) -> bool:
        """Whether it is meant for an image with one of these names."""
        return self.image is None or any(fnmatch.fnmatchcase(name, self.image) for name in image_names)

    def covers(self, finding: Finding) -> bool:
        """Whether this is the problem that was accepted, whatever the day and the image."""
        return (
            self.id.lower() in names_of_finding(finding)
            and self.kind in (None, finding.kind)
            and _meets(finding.package, self.package)
            and _meets(finding.path, self.path)
        )


@dataclass(frozen=True, slots=True)
class Waived:
    """The findings of one image after the waivers, and what is to be said of the waivers."""

    open: tuple[Finding, ...]
    waived: tuple[tuple[Finding, Waiver], ...]
    """Each with the waiver that holds longest."""
    expired: tuple[Waiver, ...] = ()
    """Waivers whose last day is over: what they covered counts again."""
    ending: tuple[Waiver, ...] = ()
    """Waivers that end within 14 days."""
    unused: tuple[Waiver, ...] = ()
    """Waivers that hold, and cover nothing in this image."""


def apply(
    findings: Collection[Finding], waivers: Sequence[Waiver], image_names: Collection[str], today: date
) -> Waived:
    """What is left of the findings of an image that has these names, on this day in UTC."""
    valid: defaultdict[str, list[Waiver]] = defaultdict(list)
    for waiver in waivers:
        if waiver.is_about(image_names) and not waiver.is_expired(today):
            valid[waiver.id.lower()].append(waiver)
    still_open, waived, used = [], [], set()
    for finding in findings:
        named = [waiver for name in names_of_finding(finding) for waiver in valid.get(name, ())]
        covering = [waiver for waiver in named if waiver.covers(finding)]
        used.update(covering)
        if _cover_all_of(finding, covering):
            waived.append((finding, max(covering, key=lambda waiver: waiver.expires)))
        else:
            still_open.append(finding)
    return Waived(
        open=tuple(still_open),
        waived=tuple(waived),
        expired=tuple(waiver for waiver in waivers if waiver.is_expired(today)),
        ending=tuple(waiver for waiver in waivers if waiver.ends_soon(today)),
        unused=tuple(waiver for waiver in waivers if not waiver.is_expired(today) and waiver not in used),
    )


def _cover_all_of(finding: Finding, covering: Collection[Waiver]) -> bool:
    """Whether nothing of the finding is left over: an advisory may stand for several CVEs, each to be waived."""
    waived = {waiver.id.lower() for waiver in covering}
    vulnerabilities = {name for name in names_of_finding(finding) if name.startswith("cve-")}
    return bool(waived - vulnerabilities) or (bool(waived) and vulnerabilities <= waived)


def notes(images: Sequence[Waived]) -> tuple[str, ...]:
    """What to say of the waivers after all images of a run: expired, ending soon, and those that none of them used."""
    if not images:
        return ()
    first = images[0]
    everywhere = set(first.unused).intersection(*(image.unused for image in images))
    return (
        *(f"{_shown(waiver)} expired on {waiver.expires}: what it covers counts again." for waiver in first.expired),
        *(f"{_shown(waiver)} ends on {waiver.expires}." for waiver in first.ending),
        *(f"{_shown(waiver)} covers nothing that was found." for waiver in first.unused if waiver in everywhere),
    )


def _meets(value: str | None, glob: str | None) -> bool:
    return glob is None or (value is not None and fnmatch.fnmatchcase(value, glob))


def _shown(waiver: Waiver) -> str:
    owner = f", owner {waiver.owner}" if waiver.owner else ""
    return f"the waiver of {waiver.id} (line {waiver.line}{owner})"
