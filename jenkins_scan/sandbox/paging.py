"""Lists in pages, as `CurrentPage` and `PageSize` ask for them, and what a scenario does to lists of findings."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from jenkins_scan.sandbox.assets import selected
from jenkins_scan.sandbox.call import Call
from jenkins_scan.security_center.signing import canonical_query

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list; `total` is what `TotalCount` says, not how many rows there are to come."""

    rows: tuple[T, ...]
    number: int
    size: int
    total: int

    @property
    def position(self) -> dict[str, int]:
        """The three numbers of a list that has them at top level."""
        return {"CurrentPage": self.number, "PageSize": self.size, "TotalCount": self.total}

    @property
    def info(self) -> dict[str, int]:
        """`PageInfo`."""
        return {**self.position, "Count": len(self.rows)}


def page_of(call: Call, rows: Sequence[T], *, default_size: int = 20) -> Page[T]:
    """The page of `rows` that is asked for, empty beyond the last one. Raises `Refused` for what is no number."""
    number, size = call.number("CurrentPage", 1), call.number("PageSize", default_size)
    return Page(tuple(rows[(number - 1) * size : number * size]), number, size, len(rows))


def finding_page(call: Call, rows: Sequence[T], *, default_size: int = 20) -> Page[T]:
    """As `page_of`, for a list of findings: under the conditions of the scenario."""
    lists = call.conditions.lists
    plain = page_of(call, () if lists.withheld else rows, default_size=default_size)
    if lists.moving and not (plain.number == 1 and call.state.first_time(_reading(call), call.now)):
        plain = page_of(call, moved(rows, plain.size), default_size=default_size)
    return Page(plain.rows, plain.number, plain.size, plain.total + (lists.missing if plain.total else 0))


def moved(rows: Sequence[T], size: int) -> list[T]:
    """`rows` after the first one went to the middle of page 2, and those up to there moved one place to the front."""
    place = size + size // 2
    return [*rows[1 : place + 1], *rows[:1], *rows[place + 1 :]]


def _reading(call: Call) -> str:
    """What tells one reading of a list from another: the list with its filters, and the newest scan of its images."""
    filters = {name: value for name, value in call.query.items() if name not in {"CurrentPage", "PageSize", "Lang"}}
    newest = max((asset.number for asset in selected(call)), default=0)
    return f"{call.action} {canonical_query(filters)} {newest}"
