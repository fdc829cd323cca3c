"""The table of docs/reliability.md: what each fault of the bed ended with, and what was kept.

`make faults` runs the bed and then this with `--write`: the page holds what was seen. Without it, what a part of the
bed has just seen is compared with the page.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "reliability.md"
NOTES = ROOT / "build" / "faults"
BEGIN, END = "<!-- faults -->", "<!-- end of faults -->"


def main(arguments: Sequence[str]) -> int:
    """Writes or compares. 1: the page says something else than the bed has seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="renew the page")
    rows = [json.loads(path.read_text(encoding="utf-8")) for path in NOTES.glob("*.json")]
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    table, _, after = rest.partition(END)
    if parser.parse_args(arguments).write:
        today = datetime.now(UTC).date().isoformat()
        last = f"The whole bed last ran on {today}: {len(rows)} faults, each as it stands here.\n"
        PAGE.write_text(f"{before}{BEGIN}\n{last}{''.join(_tables(rows))}\n{END}{after}", encoding="utf-8")
        return 0
    lines = set(table.splitlines())
    strange = [line for line in map(_line, rows) if line not in lines]
    for line in strange:
        print(f"docs/reliability.md does not say: {line}", file=sys.stderr)
    if strange:
        print("`make faults` renews the page.", file=sys.stderr)
    print(f"{len(rows)} faults were seen; {len(rows) - len(strange)} ended as docs/reliability.md says.")
    return 1 if strange or not rows else 0


def _tables(rows: Iterable[dict[str, Any]]) -> Iterable[str]:
    groups: dict[str, list[str]] = {}
    for row in rows:
        groups.setdefault(row["group"], []).append(_line(row))
    for group in sorted(groups):
        yield f"\n### {group}\n\n| fault | ends with | kept |\n|---|---|---|\n"
        yield "\n".join(sorted(groups[group])) + "\n"


def _line(row: dict[str, Any]) -> str:
    ends = f"{row['code']} `{row['reason']}`" if row["reason"] else str(row["code"])
    return f"| {row['fault']} | {ends} | {row['kept']} |"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
