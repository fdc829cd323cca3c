"""Malicious files from two lists: one tells which there are in the image, the other where they are.

A file is known in both by its MD5. The first list is the measure: what it holds is a finding whether or not the second
one tells a place, and where the two disagree on the level the worse one counts.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from jenkins_scan.findings import Finding, Severity
from jenkins_scan.security_center.pages import Collected, Row

WORST_FIRST: Final = (Severity.CRITICAL, Severity.HIGH, Severity.UNKNOWN, Severity.MEDIUM, Severity.LOW)


def located(groups: Collected, places: Collected) -> Collected:
    """`groups` with a finding for each open place in `places`; what is wrong with either list is wrong with it."""
    known = [(row, row.findings[0]) for row in groups.rows if row.is_readable]
    found = tuple(_named(row, [finding for _, finding in known]) for row in places.rows)
    met = {row.findings[0].id for row in places.rows if row.is_open and row.is_readable}
    placed = [row for row, finding in known if met & _ids(finding)]
    return replace(
        groups,
        rows=(*(row for row in groups.rows if row not in placed), *found),
        complete=groups.complete and places.complete,
        complaints=(*groups.complaints, *places.complaints),
    )


def _named(place: Row, groups: Sequence[Finding]) -> Row:
    """The place with what its file's groups tell: name, ids, and the level if it is worse."""
    (finding,) = place.findings
    same = [group for group in groups if finding.id in _ids(group)]
    if not same:
        return place
    ids = dict.fromkeys(each for group in same for each in (group.id, *group.aliases))
    first, *others = ids
    named = replace(
        finding,
        id=first,
        aliases=tuple(others),
        title=same[0].title,
        severity=min((finding.severity, *(group.severity for group in same)), key=WORST_FIRST.index),
    )
    return replace(place, findings=(named,))


def _ids(finding: Finding) -> set[str]:
    return {finding.id, *finding.aliases}
