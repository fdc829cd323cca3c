"""The tool measured against other ways to do the same: one table of ratios, each seen within one run.

Pairs of whole processes run in turn, so that both meet the same machine; shown are medians, the lowest and highest
values, and a null row: the same command against itself, whose ratio is noise. Absolute times say little.
"""

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench.analysis import analysis
from tests.bench.figures import Bench, Figure, Row
from tests.bench.install import install
from tests.bench.many_images import many_images
from tests.bench.one_image import help_text, one_image
from tests.bench.processes import Failed
from tests.bench.reports import reports
from tests.bench.services import ROOT
from tests.bench.table import as_json, as_text, write_page
from tests.bench.waiting import waiting

RESULT = ROOT / "build" / "bench.json"
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
    left_out: list[str] = []

    def tell(text: str) -> None:
        left_out.append(text)
        print(f"Not measured: {text}.", file=sys.stderr, flush=True)

    figures: list[Figure] = []
    for name in chosen.rows:
        print(f"{name} …", file=sys.stderr, flush=True)
        try:
            with tempfile.TemporaryDirectory(prefix="jsb") as folder:
                short = chosen.pairs < FEWEST and not chosen.long
                bench = Bench(chosen.pairs, short=short, long=chosen.long, folder=Path(folder), tell=tell)
                figures += ROWS[name](bench)
        except Failed as failed:
            print(f"bench: the row {name} could not be measured: {failed}", file=sys.stderr)
            return 1
    print(as_text(figures), end="")
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(as_json(figures, chosen.pairs, left_out), encoding="utf-8")
    if chosen.write:
        write_page(figures, chosen.pairs, left_out)
    return 0


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
        help="only these rows",
    )
    parser.add_argument("--long", action="store_true", help="also what takes many minutes and some GB of disk")
    parser.add_argument("--write", action="store_true", help="renew the table in docs/performance.md")
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
