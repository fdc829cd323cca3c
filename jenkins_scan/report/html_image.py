"""The section of one image in the page for people."""

from collections.abc import Iterator, Sequence
from typing import Final
from xml.etree.ElementTree import Element

from jenkins_scan.report.elements import NOTHING, Child, badge, cell, code, element, facts, named, short, table
from jenkins_scan.report.facts import (
    NOT_KNOWN,
    counts_of,
    identity_facts,
    in_words,
    is_judged,
    not_judged,
    shortened,
    task_facts,
)
from jenkins_scan.report.interface import FILES
from jenkins_scan.report.result import ImageResult
from jenkins_scan.report.rows import LEVELS, Row

MOST_ROWS: Final = 2000
"""Findings of one image in the page, fewer of many images: a browser lays out no more at once with pleasure."""
MOST_ROWS_IN_ALL: Final = 6000
FEWEST_ROWS: Final = 20
GATES: Final = {"fail": "fails", "warn": "warns"}


def image_section(image: ImageResult, rows: Sequence[Row], number: int, of: int) -> Element:
    """All that is known of one image of so many; `number` makes its anchor."""
    shown = rows[: min(MOST_ROWS, max(FEWEST_ROWS, MOST_ROWS_IN_ALL // of))]
    more = len(rows) - len(shown)
    judged = is_judged(image)
    return element(
        "section",
        element("h2", badge(image.verdict), named(image.reference)),
        None if judged else element("p", not_judged(image), class_="unjudged"),
        *(_findings(image, shown) if image.counts or rows else ()),
        element("p", f"and {more:,} more in {FILES['csv']}", class_="more") if more else None,
        element(
            "div",
            element("div", element("h3", "Identity"), facts(identity_facts(image))),
            element("div", element("h3", "Scan"), facts(task_facts(image))),
            class_="columns",
        ),
        id=f"image-{number}",
        class_=f"image {'judged' if judged else 'not-judged'}",
    )


def _findings(image: ImageResult, shown: Sequence[Row]) -> Iterator[Child]:
    still_open = [row for row in shown if row.accepted is None]
    accepted = [row for row in shown if row.accepted is not None]
    yield element("h3", "Findings")
    yield _counts(image)
    if image.new is not None:
        numbers = f"{image.new} new, {image.known} known, {image.fixed} fixed."
        yield element("p", "Compared with the baseline:", element("strong", numbers), class_="compared")
    if not still_open and is_judged(image) and not image.not_fetched:
        yield element("p", "No open findings.", class_="none")
    for level in LEVELS:
        of_level = [row for row in still_open if row.severity == level]
        if of_level:
            yield _level(level, of_level)
    if accepted:
        yield _accepted(accepted)


def _counts(image: ImageResult) -> Element:
    rows = (
        element(
            "tr",
            element("th", in_words(kind), scope="row"),
            *(
                [element("td", NOT_KNOWN, class_="not-known", colspan=str(len(LEVELS)))]
                if set(numbers) == {None}
                else [_count(level, number) for level, number in zip(LEVELS, numbers, strict=True)]
            ),
        )
        for kind, numbers in counts_of(image)
    )
    return table("Open findings by kind and severity", ("Kind", *LEVELS), rows, class_="counts")


def _count(level: str, number: int | None) -> Element:
    if number is None:
        return element("td", NOT_KNOWN, class_="not-known")
    return element("td", badge(str(number), level) if number else "0", class_=None if number else "zero")


def _level(level: str, rows: Sequence[Row]) -> Element:
    failing, warning = (sum(row.gate == gate for row in rows) for gate in GATES)
    told = [f"{number:,} at the {word} gate" for number, word in ((failing, "failing"), (warning, "warning")) if number]
    return element(
        "details",
        element("summary", badge(level), _number_of(rows, "finding"), f"· {', '.join(told)}" if told else None),
        table(
            f"Findings of severity {level}",
            ("Gate", "Finding", "Component", "What it is", "Fix"),
            map(_row, rows),
            class_="findings",
        ),
        class_="level",
        open="" if failing else None,
    )


def _row(row: Row) -> Element:
    marks: list[Child] = [badge(GATES[row.gate], row.gate)] if row.gate in GATES else []
    if row.known is not None:
        marks.append(badge("known" if row.known else "new", "compared"))
    return element(
        "tr",
        cell("gate", *(marks or [NOTHING])),
        _identified(row),
        _component(row),
        cell("title", short(row.title)),
        cell("fix", short(row.fix)),
    )


def _identified(row: Row) -> Element:
    aliases = element("span", "also", code(", ".join(row.aliases)), class_="quiet") if row.aliases else None
    kind = element("span", in_words(row.kind), class_="quiet")
    return cell("id", code(row.id), kind, aliases)


def _component(row: Row) -> Element:
    path = row.path if row.package is not None else None
    return cell(
        "component",
        code(row.component),
        element("span", code(path), class_="quiet") if path else None,
        element("span", "layer", code(shortened(row.layer)), class_="quiet") if row.layer else None,
    )


def _accepted(rows: Sequence[Row]) -> Element:
    waivers = [(row, row.accepted) for row in rows if row.accepted is not None]
    shown = (
        element(
            "tr",
            cell("gate", badge(row.severity)),
            _identified(row),
            _component(row),
            cell("reason", short(waiver.reason)),
            cell("owner", short(waiver.owner)),
            cell("until", element("time", waiver.expires, datetime=waiver.expires)),
        )
        for row, waiver in waivers
    )
    columns = ("Severity", "Finding", "Component", "Reason", "Owner", "Last day")
    return element(
        "details",
        element("summary", badge("waived"), _number_of(rows, "accepted finding")),
        table("Accepted findings", columns, shown, class_="waived"),
        class_="level",
    )


def _number_of(rows: Sequence[Row], noun: str) -> str:
    return f"{len(rows):,} {noun}{'' if len(rows) == 1 else 's'}"
