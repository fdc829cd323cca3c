"""The report in GitHub's Markdown, for a comment on a pull request or the console.

Whatever was not written by us stands in a code span, in which no link, image, HTML, mention or emphasis works. Sources:
GitHub Flavored Markdown Spec, 6.3 (code spans) and 4.10 (tables: a `|` within a code span is escaped, too).
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

from jenkins_scan.plain_text import one_line
from jenkins_scan.report.facts import (
    NO_IMAGE,
    NOT_KNOWN,
    Fact,
    Part,
    Quoted,
    build_facts,
    counts_of,
    identity_facts,
    in_words,
    is_judged,
    not_judged,
    policy_facts,
    run_facts,
    sentence,
    task_facts,
    time_in_words,
)
from jenkins_scan.report.interface import FILES
from jenkins_scan.report.result import ImageResult, ReasonEntry, Result
from jenkins_scan.report.rows import LEVELS, Row, rows_of
from jenkins_scan.report.summary import SANDBOX_STAMP, several, shared_reasons

MOST_ROWS: Final = 100
"""Findings of one image; of many images they are fewer."""
MOST_ROWS_IN_ALL: Final = 300
FEWEST_ROWS: Final = 10
LONGEST_CELL: Final = 120
"""Characters of a text in a table: a comment on GitHub holds 65,536 in all."""
LONGEST_LINE: Final = 1000
MOST_WARNINGS: Final = 20
GATES: Final = {"fail": "**fails**", "warn": "warns"}
NOTHING: Final = "-"


def render(result: Result) -> Iterator[str]:
    """The report, paragraphs separated by empty lines."""
    yield "\n\n".join(_blocks(result)) + "\n"


def _blocks(result: Result) -> Iterator[str]:
    if result.sandbox:
        yield f"> [!CAUTION]\n> **{SANDBOX_STAMP}**"
    stamp = " (sandbox)" if result.sandbox else ""
    reason = "" if result.reason is None else f" {result.reason}:"
    yield f"# {result.verdict}{stamp}:{reason} {sentence(result)}"
    yield f"Exit code {result.exit_code}. Written by {result.tool.name} {result.tool.version}."
    reasons = shared_reasons(result)
    if reasons:
        yield "## Why"
        for each, images in reasons.items():
            yield "\n".join(_reason(each, images if len(result.images) > 1 else ()))
    for title, texts in (("Warnings", result.warnings), ("Notes", result.notes)):
        if texts:
            yield f"## {title}"
            shown = [f"- {_code(text)}" for text in texts[:MOST_WARNINGS]]
            more = len(texts) - len(shown)
            yield "\n".join([*shown, f"- and {more} more in {FILES['json']}"] if more else shown)
    most = min(MOST_ROWS, max(FEWEST_ROWS, MOST_ROWS_IN_ALL // max(1, len(result.images))))
    for image, rows in rows_of(result):
        yield from _image(image, rows, most)
    yield "## This run"
    yield _facts((*build_facts(result), *run_facts(result), *policy_facts(result.policy)))


def _reason(reason: ReasonEntry, images: Sequence[str]) -> Iterator[str]:
    yield f"- **{reason.slug}** (exit code {reason.code}): {_code(reason.message)}"
    if reason.remedy:
        yield f"  - What to do: {_code(reason.remedy)}"
    yield from (f"  - Tried: {_code(attempt)}" for attempt in reason.tried or ())
    if images:
        yield f"  - Images: {_code(several(images))}"
    if reason.request_id:
        yield f"  - Request id: {_code(reason.request_id)}"
    if reason.service_code:
        yield f"  - Service code: {_code(reason.service_code)}"


def _image(image: ImageResult, rows: Sequence[Row], most: int) -> Iterator[str]:
    yield f"## {image.verdict}: {_code(image.reference) if image.reference else NO_IMAGE}"
    if not is_judged(image):
        yield f"**{not_judged(image)}**"
    if image.counts or rows:
        yield from _findings(image, rows, most)
    yield _facts((*identity_facts(image), *task_facts(image)))


def _findings(image: ImageResult, rows: Sequence[Row], most: int) -> Iterator[str]:
    yield _table(("Kind", *LEVELS), (_count(kind, numbers) for kind, numbers in counts_of(image)))
    if image.new is not None:
        yield f"Compared with the baseline: **{image.new} new, {image.known} known, {image.fixed} fixed.**"
    shown = rows[:most]
    still_open = [row for row in shown if row.accepted is None]
    accepted = [row for row in shown if row.accepted is not None]
    if still_open:
        yield "### Findings"
        yield _table(("Severity", "Gate", "Finding", "Kind", "Component", "What it is", "Fix"), map(_row, still_open))
    if accepted:
        yield "### Accepted findings"
        yield _table(("Severity", "Finding", "Component", "Reason", "Owner", "Last day"), map(_accepted, accepted))
    if len(rows) > len(shown):
        yield f"and {len(rows) - len(shown):,} more in {FILES['csv']}"


def _count(kind: str, numbers: Iterable[int | None]) -> tuple[str, ...]:
    return (in_words(kind), *(NOT_KNOWN if number is None else str(number) for number in numbers))


def _row(row: Row) -> tuple[str, ...]:
    compared = "" if row.known is None else " known" if row.known else " new"
    return (
        row.severity,
        f"{GATES.get(row.gate or '', NOTHING)}{compared}",
        _cell(row.id),
        in_words(row.kind),
        _cell(row.component),
        _cell(row.title),
        _cell(row.fix),
    )


def _accepted(row: Row) -> tuple[str, ...]:
    waiver = row.accepted
    told = (None, None, None) if waiver is None else (waiver.reason, waiver.owner, waiver.expires)
    return (row.severity, _cell(row.id), _cell(row.component), *map(_cell, told))


def _facts(facts: Iterable[Fact]) -> str:
    return "\n".join(f"- {label}: {' '.join(_part(part) for part in parts)}" for label, parts in facts)


def _part(part: Part) -> str:
    if isinstance(part, Quoted):
        return _code(part.text)
    return time_in_words(part) if isinstance(part, datetime) else part


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = (columns, ["---"] * len(columns), *rows)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _cell(text: str | None) -> str:
    return _code(one_line(text or "", LONGEST_CELL)).replace("|", "\\|")


def _code(text: str) -> str:
    """A code span whose fence no run of backticks within it can close; a dash for nothing."""
    clean = one_line(text, LONGEST_LINE)
    if not clean:
        return NOTHING
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", clean)), default=0))
    pad = " " if clean[0] == "`" or clean[-1] == "`" else ""
    return f"{fence}{pad}{clean}{pad}{fence}"
