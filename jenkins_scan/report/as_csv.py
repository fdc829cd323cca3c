"""`findings.csv`: one row for each finding, accepted ones too, for spreadsheets and scripts.

An image without findings has a row of its own, so that a missing row never means a clean image. Every cell is quoted,
and a cell that a spreadsheet would take for a formula begins with an apostrophe (OWASP: CSV Injection).
"""

import csv
import re
from collections.abc import Iterator, Mapping
from typing import Final

from jenkins_scan.report.notices import FOUND, notices_of, reference_of
from jenkins_scan.report.result import ImageResult, Result
from jenkins_scan.report.rows import Row, rows_of

COLUMNS: Final = (
    *("image", "verdict", "reasons", "status", "gate", "known", "kind", "severity", "id", "aliases", "title"),
    *("package", "version", "path", "fix", "layer"),
    *("waiver_reason", "waiver_expires", "waiver_owner", "fingerprint"),
)
_FORMULA: Final = re.compile(r"""[\s"'`´‘’“”«»＂＇]*[=+\-@\t\r＝＋－−﹢﹣﹦﹫＠]""")  # noqa: RUF001  look-alikes count, too
"""Spreadsheets pass over spaces and quotes, and in East Asian settings read full-width signs."""
_WITHIN: Final = re.compile(r"""([;|][\s"'`]*)(?=[=+\-@＝＋－＠])""")  # noqa: RUF001  look-alikes count, too
"""In many languages a spreadsheet takes the semicolon for what separates cells, quotes or not."""


def render(result: Result) -> Iterator[str]:
    """The header and the rows, images in their order."""
    writer = csv.DictWriter(_Echo(), COLUMNS, restval="", quoting=csv.QUOTE_ALL, lineterminator="\n")
    yield writer.writeheader()
    for image, rows in rows_of(result):
        about = _image(result, image)
        for row in rows:
            yield writer.writerow(_harmless({**about, **_finding(row)}))
        if not rows:
            yield writer.writerow(_harmless(about))


class _Echo:
    """The file of a writer that is to give each line back: it returns what `write` returns."""

    def write(self, line: str) -> str:
        return line


def _image(result: Result, image: ImageResult) -> dict[str, str]:
    """The verdict of a stand-in is another word: a script that looks for PASS must not find it."""
    found = [reason.slug for reason in image.reasons if reason.slug in FOUND]
    told = [notice.slug for notice in notices_of(result, image)]
    return {
        "image": reference_of(image),
        "verdict": f"{image.verdict} (sandbox)" if result.sandbox else str(image.verdict),
        "reasons": " ".join(dict.fromkeys((*found, *told))),
    }


def _finding(row: Row) -> dict[str, str]:
    waiver = row.accepted
    return {
        "status": "open" if waiver is None else "waived",
        "gate": row.gate or "",
        "known": "" if row.known is None else str(row.known).lower(),
        "kind": row.kind,
        "severity": row.severity,
        "id": row.id,
        "aliases": " ".join(row.aliases),
        "title": row.title,
        "package": row.package or "",
        "version": row.version or "",
        "path": row.path or "",
        "fix": row.fix or "",
        "layer": row.layer or "",
        "waiver_reason": "" if waiver is None else waiver.reason,
        "waiver_expires": "" if waiver is None else waiver.expires,
        "waiver_owner": "" if waiver is None else waiver.owner or "",
        "fingerprint": row.fingerprint,
    }


def _harmless(cells: Mapping[str, str]) -> dict[str, str]:
    return {name: cell and ("'" if _FORMULA.match(cell) else "") + _inner(cell) for name, cell in cells.items()}


def _inner(cell: str) -> str:
    return _WITHIN.sub(r"\1'", cell) if ";" in cell or "|" in cell else cell
