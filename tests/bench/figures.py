"""Figures: what was seen of one thing beside another, with the noise, and the target where there is one."""

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from tests.bench.processes import Cost

UNITS: Mapping[str, str] = {"wall": "s", "cpu": "s", "memory": "MB"}


@dataclass(frozen=True)
class Spread:
    """Values of one measure, one for each round, in their order."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def lowest(self) -> float:
        return min(self.values)

    @property
    def highest(self) -> float:
        return max(self.values)

    def over(self, other: "Spread") -> "Spread":
        """The ratios, round by round: their spread is the machine's noise within a pair."""
        return Spread(tuple(mine / its for mine, its in zip(self.values, other.values, strict=True)))

    def to_dict(self) -> dict[str, Any]:
        return {"median": self.median, "lowest": self.lowest, "highest": self.highest, "values": list(self.values)}


@dataclass(frozen=True)
class Target:
    """What was asked for: at most so much, of the ratio, or of the median or the highest of the values themselves."""

    most: float
    of: Literal["ratio", "value", "highest"] = "ratio"


@dataclass(frozen=True)
class Figure:
    """One line of the table: one thing beside another by one measure. The ratio is that of the medians."""

    row: str
    what: str
    against: str
    measure: str
    unit: str
    value: Spread
    beside: Spread
    target: Target | None = None
    note: str = ""
    in_pairs: bool = True
    """Whether the values of a round belong together, so that their ratios show the noise of the machine."""

    @property
    def ratio(self) -> float:
        return self.value.median / self.beside.median if self.beside.median else float("nan")

    @property
    def ratios(self) -> Spread | None:
        """Round by round; None where that says nothing."""
        if not self.in_pairs or len(self.value.values) != len(self.beside.values) or not all(self.beside.values):
            return None
        return self.value.over(self.beside)

    @property
    def is_met(self) -> bool | None:
        """Whether the target is met; None without one."""
        if self.target is None:
            return None
        seen = {"ratio": self.ratio, "value": self.value.median, "highest": self.value.highest}
        return seen[self.target.of] <= self.target.most

    def to_dict(self) -> dict[str, Any]:
        ratios = self.ratios
        return {
            **{name: getattr(self, name) for name in ("row", "what", "against", "measure", "unit", "note")},
            "value": self.value.to_dict(),
            "beside": self.beside.to_dict(),
            "ratio": self.ratio,
            "ratio_by_round": None if ratios is None else ratios.to_dict(),
            "target": None if self.target is None else {"most": self.target.most, "of": self.target.of},
            "met": self.is_met,
        }


@dataclass(frozen=True)
class Bench:
    """What every row is measured with."""

    rounds: int
    short: bool
    """Whether only what takes seconds is measured: CI looks whether the bench works."""
    long: bool
    """Whether what takes many minutes is measured, too."""
    folder: Path
    """Its own, removed in the end."""
    tell: Callable[[str], None]
    """Told what is left out, and how to have it measured: nothing is missing in silence."""


class Row(Protocol):
    """One row of the table, as a function; its docstring is its description. Raises `processes.Failed`."""

    def __call__(self, bench: Bench) -> Iterator[Figure]: ...


def spread(costs: Sequence[Cost], measure: str) -> Spread:
    """One measure of these costs."""
    return Spread(tuple(getattr(cost, measure) for cost in costs))


def compared(
    row: str,
    what: str,
    against: str,
    mine: Sequence[Cost],
    its: Sequence[Cost],
    targets: Mapping[str, Target] | None = None,
    note: str = "",
    measures: Sequence[str] = tuple(UNITS),
) -> Iterator[Figure]:
    """A figure for each measure."""
    for measure in measures:
        target = (targets or {}).get(measure)
        values = spread(mine, measure), spread(its, measure)
        yield Figure(row, what, against, measure, UNITS[measure], *values, target, note)
