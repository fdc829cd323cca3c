"""The table: on the terminal, as JSON, and in docs/performance.md."""

import json
import os
import platform
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from tests.bench.figures import Figure, Spread
from tests.bench.services import ROOT

PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- bench -->", "<!-- end of bench -->"
HEADS = ("what", "beside", "measure", "seen", "beside it", "ratio", "target", "")
Lines = Sequence[tuple[str, ...]]


def cells(figure: Figure) -> tuple[str, ...]:
    """A line of the table."""
    met = {None: "", True: "met", False: "missed"}[figure.is_met]
    return (
        figure.what,
        figure.against,
        figure.measure,
        _amount(figure.value, figure.unit),
        _amount(figure.beside, figure.unit),
        _ratio(figure),
        _target(figure),
        "; ".join(part for part in (met, figure.note) if part),
    )


def as_text(figures: Sequence[Figure]) -> str:
    """The table for a terminal, row by row."""
    parts = []
    for row, lines in _by_row(figures):
        shown = [HEADS, *lines]
        widths = [max(len(line[column]) for line in shown) for column in range(len(HEADS))]
        parts.append(f"\n{row}\n")
        parts += [
            "  ".join(f"{cell:{width}}" for cell, width in zip(line, widths, strict=True)).rstrip() + "\n"
            for line in shown
        ]
    return "".join(parts)


def as_markdown(figures: Sequence[Figure], rounds: int) -> str:
    """The table for the page."""
    missed = [figure for figure in figures if figure.is_met is False]
    known = [figure for figure in figures if figure.is_met is not None]
    parts = [
        f"Measured on {datetime.now(UTC).date().isoformat()}: {machine_line()}; medians of {rounds} rounds.\n",
        f"{len(known) - len(missed)} of {len(known)} targets were met.\n",
    ]
    for row, lines in _by_row(figures):
        parts.append(f"\n### {row[0].upper()}{row[1:]}\n\n| {' | '.join(HEADS)} |\n|{'---|' * len(HEADS)}\n")
        parts += ["| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |\n" for line in lines]
    return "".join(parts)


def as_json(figures: Sequence[Figure], rounds: int, left_out: Sequence[str]) -> str:
    """All of it, each single value too."""
    told: dict[str, Any] = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "rounds": rounds,
        "left_out": list(left_out),
        "figures": [figure.to_dict() for figure in figures],
    }
    return json.dumps(told, indent=2) + "\n"


def write_page(figures: Sequence[Figure], rounds: int, left_out: Sequence[str]) -> None:
    """Renews the table between the markers of docs/performance.md."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    said = "".join(f"\nNot measured: {text}.\n" for text in left_out)
    PAGE.write_text(f"{before}{BEGIN}\n{as_markdown(figures, rounds)}{said}\n{END}{after}", encoding="utf-8")


def machine() -> Mapping[str, Any]:
    """What it was measured on."""
    return {
        "processors": os.cpu_count(),
        "architecture": platform.machine(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "commit": subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
        ).stdout.strip()
        or None,
    }


def machine_line() -> str:
    """The same in a line."""
    here = machine()
    return (
        f"{here['processors']} processors, {here['architecture']}, Linux {here['kernel']}, Python {here['python']}, "
        f"commit {here['commit']}"
    )


def _by_row(figures: Sequence[Figure]) -> Iterator[tuple[str, Lines]]:
    for row, lines in groupby(figures, key=lambda figure: figure.row):
        yield row, [cells(figure) for figure in lines]


def _amount(values: Spread, unit: str) -> str:
    one = _number(values.median)
    if values.lowest == values.highest:
        return f"{one} {unit}".rstrip()
    return f"{one} ({_number(values.lowest)}..{_number(values.highest)}) {unit}".rstrip()


def _ratio(figure: Figure) -> str:
    ratios = figure.ratios
    if ratios is None or ratios.lowest == ratios.highest:
        return f"{figure.ratio:.2f}"
    return f"{figure.ratio:.2f} ({ratios.lowest:.2f}..{ratios.highest:.2f})"


def _target(figure: Figure) -> str:
    if figure.target is None:
        return ""
    if figure.target.of == "ratio":
        return f"≤ {figure.target.most:g}"
    highest = "highest " if figure.target.of == "highest" else ""
    return f"{highest}≤ {figure.target.most:g} {figure.unit}".rstrip()


def _number(value: float) -> str:
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.3f}"
