"""The findings of an image as console and table list them: what decided first, bounded, and what to do about it."""

from collections.abc import Iterator
from typing import Any, Final

from jenkins_scan.plain_text import one_line
from jenkins_scan.report.result import ImageResult, Result
from jenkins_scan.report.rows import GATES, LEVELS

IN_RESULT: Final = " in result.json"
"""Where the rest is when it was written there."""
ON_REQUEST: Final = ": --report-dir DIR or -o json has all"
"""What to ask for when nothing was written."""
MOST: Final = 10
"""Rows of one sort."""
MOST_OF_A_CHECK: Final = 100
"""Findings at or above the gate that a check lists of all its images together: it seldom writes a report."""
MOST_IDS: Final = 5
LONGEST_FIX: Final = 300
"""Characters."""


def listed(result: Result, image: ImageResult, rest: str) -> Iterator[tuple[str, str]]:
    """The image's findings as (label, text), those that decided first, and the waivers that cover others.

    Of several images only those that decided. `rest` ends the sentence about what is left out.
    """
    alone = len(result.images) == 1
    ranked = sorted(
        image.findings, key=lambda finding: (GATES.index(finding.get("gate")), LEVELS.index(finding["severity"]))
    )
    stopped = [finding for finding in ranked if finding.get("gate") is not None]
    most = max(MOST, MOST_OF_A_CHECK // len(result.images)) if result.local else MOST
    shown = stopped[:most]
    others = ranked[len(stopped) :] if alone else []
    shown += others[: max(0, MOST - len(shown))]
    yield from ((finding["severity"], _named(finding)) for finding in shown)
    yield from more(len(stopped) + len(others) - len(shown), rest)
    if alone:
        yield from _waived(image, rest)


def fixes(result: Result) -> Iterator[tuple[str, str]]:
    """What to do about the findings that decided, each advice once: many findings share one."""
    helped: dict[str, dict[str, None]] = {}
    for finding in (finding for image in result.images for finding in image.findings):
        if finding["fix"] and finding.get("gate") is not None:
            helped.setdefault(one_line(finding["fix"], LONGEST_FIX), {})[finding["id"]] = None
    for fix, ids in list(helped.items())[:MOST]:
        others = f" and {len(ids) - MOST_IDS} more" if len(ids) > MOST_IDS else ""
        yield "fix", f"{', '.join(list(ids)[:MOST_IDS])}{others}: {fix}"


def more(number: int, rest: str, label: str = "") -> Iterator[tuple[str, str]]:
    """How many rows were left out, and where they are; nothing where none was."""
    if number > 0:
        yield label, f"and {number} more{rest}"


def _named(finding: dict[str, Any]) -> str:
    version = f" {finding['version']}" if finding["version"] else ""
    place = (finding["package"] or finding["path"] or "") + version
    known = " (known)" if finding.get("known") else ""
    return f"{finding['id']} {finding['title']}{': ' if place else ''}{place}{known}".rstrip()


def _waived(image: ImageResult, rest: str) -> Iterator[tuple[str, str]]:
    waivers = dict.fromkeys(
        f"{finding['id']} until {waiver['expires']}: {waiver['reason']}"
        for finding, waiver in ((finding, finding["waiver"]) for finding in image.waived)
    )
    yield from (("waived", text) for text in list(waivers)[:MOST])
    yield from more(len(waivers) - MOST, rest)
