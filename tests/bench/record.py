"""What was measured last, in build/bench.json: a row that is measured anew takes the place of its old one."""

import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

from tests.bench.figures import Figure
from tests.bench.services import ROOT
from tests.bench.table import cells

FILE = ROOT / "build" / "bench.json"
VERSION = 1


def kept(
    name: str, figures: Sequence[Figure], *, rounds: int, short: bool, busy: float, left_out: Sequence[str]
) -> dict[str, Any]:
    """All rows that are known, this one among them; written before it is returned. Fewer rounds replace no more.

    `busy` is how many other processes wanted to run when it began, by the load average of a minute.
    """
    before = known()
    row = {
        name: {
            "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": machine(),
            "rounds": rounds,
            "short": short,
            "load_before": busy,
            "left_out": list(left_out),
            "figures": [{**figure.to_dict(), "line": cells(figure)} for figure in figures],
        },
    }
    replaced = name not in before or before[name]["rounds"] <= rounds
    rows = before | row if replaced else before
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(json.dumps({"version": VERSION, "rows": rows}, indent=2) + "\n", encoding="utf-8")
    return rows


def known() -> dict[str, Any]:
    """The rows of the file; none where there is no such file."""
    try:
        told = json.loads(FILE.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    rows: dict[str, Any] = told.get("rows", {}) if told.get("version") == VERSION else {}
    return rows


@cache
def machine() -> Mapping[str, Any]:
    """What it was measured on, and which commit."""
    words = ["git", "describe", "--always", "--dirty"]
    commit = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
    return {
        "processors": os.cpu_count(),
        "architecture": platform.machine(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "commit": commit or None,
    }
