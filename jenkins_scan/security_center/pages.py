"""A list read page by page until every row that the service counts was received, or it is plain that it was not.

`CurrentPage` counts from 1 and there is no cursor, so rows may move from page to page while the list is read. A row is
told from the others by a key of its own. A reading is whole when it met as many rows as `TotalCount` says, and
`TotalCount` stayed the same. Else the list is read again: what moved away in one reading is met in the next.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from jenkins_scan.errors import ScanError
from jenkins_scan.findings import Finding, Severity

MOST_PAGES = 500
"""Of one reading: 50,000 rows as we ask for them, 5,000 where a server sends ten a page all the same."""
READINGS = 3
_RANK = {severity: rank for rank, severity in enumerate(Severity)} | {Severity.UNKNOWN: 1}
"""The worst first; an unknown severity counts as high."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a list."""

    key: str
    """The same wherever and whenever the row is met, and no other row's."""
    findings: tuple[Finding, ...]
    is_open: bool = True
    """False where the server says that it is fixed, whitelisted or ignored."""
    is_readable: bool = True
    """False where no id could be read."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list."""

    rows: tuple[Row, ...]
    total: int | None
    """`TotalCount`; None where that could not be read."""


@dataclass(frozen=True, slots=True)
class Collected:
    """The rows that were met, and whether these are all."""

    rows: tuple[Row, ...]
    total: int | None
    """The largest `TotalCount` that came; None where none did."""
    complete: bool
    complaints: tuple[str, ...] = ()
    received: int = 0
    """Distinct rows."""
    handled: int = 0
    """Those of them that are no longer open."""


@dataclass(slots=True)
class _Reading:
    """What was met from page 1 on to the last page."""

    keys: set[str] = field(default_factory=set)
    totals: set[int | None] = field(default_factory=set)
    ended: bool = False
    """Whether it came to an empty page: there is nothing beyond."""
    broken_off: str = ""
    """Why it came to no end."""

    @property
    def total(self) -> int | None:
        """The `TotalCount` of every page; None where one had none, or where they differ."""
        return next(iter(self.totals)) if len(self.totals) == 1 else None

    @property
    def is_whole(self) -> bool:
        """Whether every row was met. More rows than were announced are all only where an empty page follows."""
        if self.total is None or self.broken_off:
            return False
        return len(self.keys) == self.total or (len(self.keys) > self.total and self.ended)


def collect(read: Callable[[int], Page]) -> Collected:
    """All rows of the list whose pages `read` gets by number. Raises what the first page of all raises."""
    rows: dict[str, Row] = {}
    totals: set[int | None] = set()
    reading = _Reading()
    for _ in range(READINGS):
        reading = _read_through(read, rows, totals)
        # Rows of several readings make a whole when no reading saw the number change.
        if reading.is_whole or totals == {len(rows)}:
            different = len(rows) != _largest(totals)
            return _collected(rows, totals, complete=True, complaint=_numbers(rows, totals) if different else "")
        if reading.broken_off or None in totals:
            break
    return _collected(rows, totals, complete=False, complaint=_why(reading, rows, totals))


def _collected(rows: dict[str, Row], totals: set[int | None], *, complete: bool, complaint: str) -> Collected:
    return Collected(
        rows=tuple(rows.values()),
        total=_largest(totals),
        complete=complete,
        complaints=(complaint,) if complaint else (),
        received=len(rows),
        handled=sum(not row.is_open for row in rows.values()),
    )


def _read_through(read: Callable[[int], Page], rows: dict[str, Row], totals: set[int | None]) -> _Reading:
    reading = _Reading()
    for number in range(1, MOST_PAGES + 1):
        try:
            page = read(number)
        except ScanError as failed:
            if not totals:
                raise
            reading.broken_off = f"page {number} could not be read: {failed.message.rstrip('.')}"
            return reading
        totals.add(page.total)
        reading.totals.add(page.total)
        before = len(reading.keys)
        for row in page.rows:
            reading.keys.add(row.key)
            rows[row.key] = row if row.key not in rows else _worse(rows[row.key], row)
        reading.ended = not page.rows
        all_met = len(reading.keys) == _largest(reading.totals) or totals == {len(rows)}
        if all_met or len(reading.keys) == before:  # the end, or a page that repeats
            return reading
    reading.broken_off = f"it has more than {MOST_PAGES} pages"
    return reading


def _worse(one: Row, other: Row) -> Row:
    """Of two rows with one key the one that counts more: the open one, then the one with the worse finding."""
    if one.is_open != other.is_open:
        return one if one.is_open else other
    worst = [min((_RANK[finding.severity] for finding in row.findings), default=len(_RANK)) for row in (one, other)]
    return other if worst[1] < worst[0] else one


def _largest(totals: set[int | None]) -> int | None:
    return max((total for total in totals if total is not None), default=None)


def _why(reading: _Reading, rows: dict[str, Row], totals: set[int | None]) -> str:
    return f"{reading.broken_off}; {_numbers(rows, totals)}" if reading.broken_off else _numbers(rows, totals)


def _numbers(rows: dict[str, Row], totals: set[int | None]) -> str:
    said = " and ".join("nothing" if total is None else str(total) for total in sorted(totals, key=str))
    return f"TotalCount says {said}, rows received: {len(rows)}"
