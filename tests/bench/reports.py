"""Reports of very many findings: whether time and memory grow as the findings do, and what the most of them take."""

import shutil
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Final

from jenkins_scan.report.outputs import STANDARD_SET
from tests.bench.figures import Bench, Figure, Target, compared
from tests.bench.processes import Command, Failed, environment, in_turns

ROW: Final = "reports"
SCRIPT: Final = Path(__file__).with_name("judged_run.py")
SIZES: Final = (1_000, 10_000, 100_000)
FEW: Final = (100, 1_000)
"""Findings of the short run: it looks whether the row can be measured."""
FAILED_BY_POLICY, NOT_REPORTED = 10, 3
LINEAR: Final = {"wall": Target(12), "cpu": Target(12), "memory": Target(12)}
LARGEST_MEMORY: Final = {"memory": Target(400, "value")}


def reports(bench: Bench) -> Iterator[Figure]:
    """1,000, 10,000 and 100,000 judged findings into the whole standard set of reports."""
    sizes = FEW if bench.short else SIZES
    if bench.short:
        bench.tell(f"reports of more than {FEW[-1]:,} findings (--pairs 7)")
    most = sizes[-1]
    commands = {_name(size): _reported(bench, size) for size in sizes}
    held = f"{_name(most)}, judged and not reported"
    words = [sys.executable, str(SCRIPT), str(most), str(bench.folder), "without"]
    commands[held] = Command(words, environment(bench.folder), bench.folder, codes=frozenset({NOT_REPORTED}))
    costs = in_turns(commands, bench.rounds, warm=False)  # they take so long that a cold file hardly shows
    for less, more in pairwise(sizes):
        targets = LINEAR if more == SIZES[-1] else None
        yield from compared(ROW, _name(more), _name(less), costs[_name(more)], costs[_name(less)], targets)
    targets = LARGEST_MEMORY if most == SIZES[-1] else None
    yield from compared(ROW, _name(most), held, costs[_name(most)], costs[held], targets)


def _name(size: int) -> str:
    return f"{size:,} findings"


def _reported(bench: Bench, size: int) -> Command:
    folder = bench.folder / f"reports-{size}"

    def all_written(said: str) -> None:
        written = [path for path in folder.rglob("*") if path.is_file()]
        if len(written) < len(STANDARD_SET):
            raise Failed(f"wrote {len(written)} of {len(STANDARD_SET)} reports: {said[-500:]}")
        shutil.rmtree(folder)

    words = [sys.executable, str(SCRIPT), str(size), str(folder)]
    return Command(words, environment(bench.folder), bench.folder, all_written, frozenset({FAILED_BY_POLICY}))
