"""`report.sarif`: SARIF 2.1.0 (OASIS), for every reader of static analysis results beside Jenkins' own format.

Some of it is for certain readers. violations-lib, which Jenkins uses, drops a location without a line, takes results of
equal file, line, rule and message for one, and makes an issue of each notification about the configuration: so what
left an image unjudged stands there. GitHub reads `security-severity`, and only of rules with the tag `security`.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

from jenkins_scan.plain_text import one_line
from jenkins_scan.report.json_stream import document
from jenkins_scan.report.notices import Notice, notices_of, reference_of
from jenkins_scan.report.result import ImageResult, Result
from jenkins_scan.report.rows import LEVELS, Row, rows_of

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
LEVEL_WORDS: Final[Mapping[str, str]] = {
    "critical": "error",
    "high": "error",
    "unknown": "error",
    "medium": "warning",
    "low": "note",
}
SCORES: Final[Mapping[str, str]] = {"critical": "9.5", "high": "8.0", "unknown": "8.0", "medium": "5.5", "low": "2.0"}
"""A number within the range that GitHub gives the word; the service tells no score."""
_CVE: Final = re.compile(r"CVE-[0-9]{4}-[0-9]{4,}")


def render(result: Result) -> Iterator[str]:
    """One run with every finding."""
    by_id: dict[str, list[Row]] = {}
    for _, rows in rows_of(result):
        for row in rows:
            by_id.setdefault(row.id, []).append(row)
    numbers = {id_: number for number, id_ in enumerate(by_id)}
    told = [(image, notice) for image in result.images for notice in notices_of(result, image)]
    run = {
        "tool": {"driver": _driver(result, map(_rule, by_id.values()), (notice for _, notice in told))},
        "invocations": [_invocation(result, told)],
        "results": (
            _result(image, row, numbers[row.id], stamp=result.sandbox)
            for image, rows in rows_of(result)
            for row in rows
        ),
        "properties": _labels(result),
    }
    return document({"$schema": SCHEMA, "version": "2.1.0", "runs": iter([run])})


def _driver(result: Result, rules: Iterator[dict[str, Any]], notices: Iterable[Notice]) -> dict[str, Any]:
    """The tool, with one rule for each id: readers look rules up in a set."""
    slugs = dict.fromkeys(notice.slug for notice in notices)
    return {
        "name": result.tool.name,
        "version": result.tool.version,
        "rules": rules,
        "notifications": [{"id": slug} for slug in slugs],
    }


def _rule(rows: list[Row]) -> dict[str, Any]:
    """The rule that these rows share, as bad as the worst of them."""
    worst = min(rows, key=lambda row: LEVELS.index(row.severity))
    fixes = dict.fromkeys(row.fix for row in rows if row.fix)
    aliases = dict.fromkeys(alias for row in rows for alias in row.aliases)
    lines = [worst.title or worst.id, *(f"Fix: {fix}" for fix in fixes)]
    lines += [f"Also known as: {', '.join(aliases)}"] if aliases else []
    link = {"helpUri": f"https://nvd.nist.gov/vuln/detail/{worst.id}"} if _CVE.fullmatch(worst.id) else {}
    return {
        "id": worst.id,
        "shortDescription": {"text": _plain(worst.title or worst.id)},
        "help": {"text": _plain("\n".join(lines))},
        **link,
        "defaultConfiguration": {"level": LEVEL_WORDS[worst.severity]},
        "properties": {
            "tags": ["security", *dict.fromkeys(row.kind for row in rows)],
            "security-severity": SCORES[worst.severity],
        },
    }


def _result(image: ImageResult, row: Row, rule_index: int, *, stamp: bool) -> dict[str, Any]:
    place = {"artifactLocation": {"uri": _uri(row, image)}, "region": {"startLine": 1}}
    content: dict[str, Any] = {
        "ruleId": row.id,
        "ruleIndex": rule_index,
        "level": LEVEL_WORDS[row.severity],
        "message": {"text": _message(image, row, stamp=stamp)},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {"jenkinsScan/v1": row.fingerprint},
        "properties": {"kind": row.kind, "severity": row.severity, **({"gate": row.gate} if row.gate else {})},
    }
    if row.known is not None:
        content["baselineState"] = "unchanged" if row.known else "new"
    if row.accepted is not None:
        owner = f" ({row.accepted.owner})" if row.accepted.owner else ""
        why = f"until {row.accepted.expires}: {row.accepted.reason}{owner}"
        content["suppressions"] = [{"kind": "external", "status": "accepted", "justification": why}]
    return content


def _message(image: ImageResult, row: Row, *, stamp: bool) -> str:
    """Everything that tells one result from another: equal messages at one place are taken for one."""
    parts = [f"{row.id}:", row.title, f"in {row.component}" if row.component else "", f"of image {reference_of(image)}"]
    parts += [f"({row.severity})", "[SANDBOX]" if stamp else ""]
    return _plain(" ".join(part for part in parts if part))


def _plain(text: str) -> str:
    """The text without what SARIF takes for a link to click on, `[text](target)`."""
    return text.replace("](", "] (")


def _uri(row: Row, image: ImageResult) -> str:
    """A relative reference that leads nowhere outside: the path or the package within the image."""
    text = row.file or row.package or reference_of(image)
    segments = [segment for segment in text.split("/") if segment not in ("", ".", "..")]
    return quote("/".join(segments), safe="/") or "image"


def _invocation(result: Result, told: list[tuple[ImageResult, Notice]]) -> dict[str, Any]:
    """How the run went; not successful when an image was left unjudged against the user's will."""
    return {
        "executionSuccessful": all(notice.level != "error" for _, notice in told),
        "exitCode": result.exit_code,
        "exitCodeDescription": one_line(result.reason or str(result.verdict)),
        "startTimeUtc": _time(result.started_at),
        "endTimeUtc": _time(result.finished_at),
        "toolConfigurationNotifications": [
            {
                "level": notice.level,
                "message": {"text": _plain(f"{reference_of(image)}: {notice.slug}: {notice.text}")},
                "descriptor": {"id": notice.slug},
            }
            for image, notice in told
        ],
    }


def _labels(result: Result) -> dict[str, Any]:
    """What the run says of itself; what is not known is left out."""
    labels = {"build": result.build.tag, "buildUrl": result.build.links.build, "commit": result.build.git.commit}
    known = {name: one_line(text) for name, text in labels.items() if text}
    return {"verdict": str(result.verdict), "sandbox": result.sandbox, **known}


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z"
