"""The tool measured against other ways to do the same: one table of ratios, each seen within one run.

Pairs of whole processes run in turn, so that both meet the same machine; shown are medians, the lowest and highest
values, and a null row: the same command against itself, whose ratio is noise. Absolute times say little.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench.analysis import analysis
from tests.bench.figures import Bench, Row
from tests.bench.install import install
from tests.bench.many_images import many_images
from tests.bench.one_image import help_text, one_image
from tests.bench.processes import Failed
from tests.bench.record import kept
from tests.bench.reports import reports
from tests.bench.table import as_text, write_page
from tests.bench.waiting import waiting
from tests.support.engines import EngineDidNotStart

FEWEST = 7
"""Rounds whose median counts."""
ROWS: Mapping[str, Row] = {
    "one-image": one_image,
    "help": help_text,
    "many-images": many_images,
    "waiting": waiting,
    "reports": reports,
    "analysis": analysis,
    "install": install,
}


def main(arguments: Sequence[str]) -> int:
    """1: something that was to be measured did not do its job."""
    chosen = _parser().parse_args(arguments)
    rows: Mapping[str, Any] = {}
    for name in chosen.rows:
        print(f"{name} …", file=sys.stderr, flush=True)
        try:
            rows = _measured(name, chosen.pairs, long=chosen.long)
        except (Failed, EngineDidNotStart) as failed:
            print(f"bench: the row {name} could not be measured: {failed}", file=sys.stderr)
            return 1
    if not chosen.write:
        return 0
    missing = [name for name in ROWS if name not in rows or rows[name]["rounds"] < FEWEST]
    if missing:
        print(f"bench: the page stays as it is: {', '.join(missing)} not measured {FEWEST} times.", file=sys.stderr)
        return 1
    write_page(rows[name] for name in ROWS)
    return 0


def _measured(name: str, rounds: int, *, long: bool) -> Mapping[str, Any]:
    """Measures and prints a row; returns all that are known."""
    left_out: list[str] = []
    short, busy = rounds < FEWEST and not long, os.getloadavg()[0]
    if busy > (os.cpu_count() or 1) / 2:
        print(f"bench: the machine is busy (load {busy:.1f}): look at the null rows", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(prefix="jsb") as folder:
        figures = [*ROWS[name](Bench(rounds, short=short, long=long, folder=Path(folder), tell=left_out.append))]
    print(as_text(figures), end="")
    for text in left_out:
        print(f"Not measured: {text}.", flush=True)
    return kept(name, figures, rounds=rounds, short=short, busy=busy, left_out=left_out)


def _parser() -> argparse.ArgumentParser:
    rows = "".join(f"\n  {name:12} {_first_line(row)}" for name, row in ROWS.items())
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=f"rows:{rows}", formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--pairs",
        type=_positive,
        default=FEWEST,
        metavar="N",
        help=f"rounds that count, after one that warms up ({FEWEST}); with fewer only what takes seconds is measured",
    )
    parser.add_argument(
        "--rows",
        type=_rows,
        default=list(ROWS),
        metavar="NAME,...",
        help="only these rows; build/bench.json keeps what it knows of the others",
    )
    parser.add_argument("--long", action="store_true", help="also what takes many minutes and some GB of disk")
    parser.add_argument(
        "--write",
        action="store_true",
        help=f"renew the table in docs/performance.md, if build/bench.json has every row in {FEWEST} rounds or more",
    )
    return parser


def _first_line(row: Row) -> str:
    return (row.__doc__ or "").partition("\n")[0]


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("one round at least")
    return number


def _rows(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    unknown = [name for name in names if name not in ROWS]
    if unknown:
        raise argparse.ArgumentTypeError(f"no row {', '.join(unknown)}; there are {', '.join(ROWS)}")
    return [name for name in ROWS if name in names]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
