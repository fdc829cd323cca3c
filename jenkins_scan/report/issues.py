"""`issues.json`: the native format of Jenkins' warnings-ng plugin, for `recordIssues tool: issues(...)`.

Only this format reaches all four severities of the plugin. Its reader is strict: a null, a number where a text belongs
or an unknown severity spoils the file or the gates, and an issue without a fingerprint inherits the one before it. It
reads files in the encoding of the agent; so the file is ASCII. Waived findings are left out, because every issue
counts. Source: `JsonBaseParser` and `Issue` of jenkinsci/analysis-model.
"""

import html
from collections.abc import Iterator, Mapping
from typing import Final

from jenkins_scan.report.json_stream import document
from jenkins_scan.report.notices import Notice, notices_of, reference_of
from jenkins_scan.report.result import ImageResult, Result
from jenkins_scan.report.rows import Fingerprints, Row, repository_name, rows_of

Issue = dict[str, str]
"""One issue by the plugin's field names; a field without a text is not there."""
SEVERITIES: Final[Mapping[str, str]] = {
    "critical": "ERROR",
    "high": "HIGH",
    "unknown": "HIGH",
    "medium": "NORMAL",
    "low": "LOW",
    "error": "ERROR",
    "warning": "NORMAL",
    "note": "LOW",
}
"""The plugin's words for the severities of findings and the levels of notices."""
SCAN: Final = "scan"
"""The category of issues that are no findings."""


def render(result: Result) -> Iterator[str]:
    """The open findings, and whatever left an image unjudged, as JSON."""
    return document({"issues": _issues(result)})


def _issues(result: Result) -> Iterator[Issue]:
    fingerprints = Fingerprints()
    for image, rows in rows_of(result):
        yield from (_noticed(image, notice, fingerprints) for notice in notices_of(result, image))
        yield from (_finding(image, row) for row in rows if row.accepted is None)


def _finding(image: ImageResult, row: Row) -> Issue:
    known = {None: "", True: "known", False: "new"}[row.known]
    return _without_empty(
        {
            "fileName": row.file or row.package or reference_of(image),
            "category": row.kind,
            "type": row.id,
            "severity": SEVERITIES[row.severity],
            "message": " ".join(part for part in (row.id, row.component, row.title) if part),
            "description": _description(row),
            "packageName": row.package or "",
            "moduleName": reference_of(image),
            "fingerprint": row.fingerprint,
            "additionalProperties": " ".join(part for part in (row.gate and f"gate:{row.gate}", known) if part),
        }
    )


def _noticed(image: ImageResult, notice: Notice, fingerprints: Fingerprints) -> Issue:
    """What there is to know beside the findings: an empty list would stand for a clean image."""
    return _without_empty(
        {
            "fileName": reference_of(image),
            "category": SCAN,
            "type": notice.slug,
            "severity": SEVERITIES[notice.level],
            "message": notice.message,
            "description": f"<p>{html.escape(notice.remedy)}</p>" if notice.remedy else "",
            "moduleName": reference_of(image),
            "fingerprint": fingerprints.give(repository_name(image), SCAN, notice.slug),
        }
    )


def _description(row: Row) -> str:
    """The details as HTML."""
    details = {
        "Title": row.title,
        "Installed": row.version,
        "Path": row.path,
        "Fix": row.fix,
        "Layer": row.layer,
        "Also known as": ", ".join(row.aliases),
    }
    known = (f"<li>{name}: {html.escape(text)}</li>" for name, text in details.items() if text)
    return f"<ul>{''.join(known)}</ul>"


def _without_empty(issue: Issue) -> Issue:
    return {name: text for name, text in issue.items() if text}
