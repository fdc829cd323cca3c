"""The table: its lines, on the terminal and in docs/performance.md."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from tests.bench.figures import Figure, Spread
from tests.bench.services import ROOT

PAGE: Final = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- bench -->", "<!-- end of bench -->"
HEADS: Final = ("what", "beside", "measure", "seen", "beside it", "ratio", "target", "")
MET: Final[Mapping[bool | None, str]] = {None: "", True: "met", False: "missed"}


def cells(figure: Figure) -> tuple[str, ...]:
    """A line of the table."""
    return (
        figure.what,
        figure.against,
        figure.measure,
        _amount(figure.value, figure.unit),
        _amount(figure.beside, figure.unit),
        _ratio(figure),
        _target(figure),
        "; ".join(part for part in (MET[figure.is_met], figure.note) if part),
    )


def as_text(figures: Sequence[Figure]) -> str:
    """A row of the table for a terminal."""
    parts = []
    for title, group in groupby(figures, key=lambda figure: figure.row):
        shown = [HEADS, *map(cells, group)]
        widths = [max(len(line[column]) for line in shown) for column in range(len(HEADS))]
        lines = ("  ".join(f"{cell:{width}}" for cell, width in zip(line, widths, strict=True)) for line in shown)
        parts.append(f"\n{title}\n" + "".join(f"{line.rstrip()}\n" for line in lines))
    return "".join(parts)


def write_page(rows: Iterable[Mapping[str, Any]]) -> None:
    """Renews the table between the markers of docs/performance.md."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n{_markdown(list(rows))}\n{END}{after}", encoding="utf-8")


def _markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    judged = [figure["met"] for row in rows for figure in row["figures"] if figure["met"] is not None]
    parts = [f"{sum(judged)} of {len(judged)} targets are met.\n"]
    for row in rows:
        for title, group in groupby(row["figures"], key=lambda figure: figure["row"]):
            parts.append(f"\n### {title[0].upper()}{title[1:]}\n\n{_line(HEADS)}|{'---|' * len(HEADS)}\n")
            parts += [_line(figure["line"]) for figure in group]
        parts += [f"\n{text}\n" for text in _circumstances(row)]
    return "".join(parts)


def _circumstances(row: Mapping[str, Any]) -> Iterator[str]:
    here, busy = row["machine"], row["load_before"]
    yield (
        f"{row['measured_at'][:10]}, commit {here['commit']}, {row['rounds']} rounds, load {busy:.1f} before; "
        f"{here['processors']} processors, {here['architecture']}, Linux {here['kernel']}, Python {here['python']}."
    )
    yield from (f"Not measured: {text}." for text in row["left_out"])


def _line(line: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |\n"


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
