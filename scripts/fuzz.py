"""Hostile input with fresh seeds, one target after another, until the time is over.

Prints for each target how many examples ran. The first failure ends it with 1, with the seed and the blob by which it
happens again.
"""

import argparse
import os
import re
import secrets
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
TARGETS: Mapping[str, tuple[str, ...]] = {
    "signature": ("tests/fuzz/test_fuzz_signature.py",),
    "reference": ("tests/fuzz/test_fuzz_reference.py",),
    "files": ("tests/fuzz/test_fuzz_files.py",),
    "wire": ("tests/fuzz/test_fuzz_wire.py",),
    "inspect": ("tests/fuzz/test_fuzz_inspect.py", "tests/unit/images/engine/test_inspect_fuzz.py"),
    "archives": ("tests/fuzz/test_fuzz_archives.py", "tests/unit/images/archive/test_archive_fuzz.py"),
}
"""What is fuzzed, and the tests that do it."""
FEW, MANY = 10, 200
"""Examples for each test: in the first round, so that every target has its turn, and at the most."""
HANGS = 600
"""Seconds after which a target hangs."""
COUNTED = re.compile(r"(\d+) passing(?: examples| test cases)?,")


def main(arguments: Sequence[str]) -> int:
    """Runs the targets. 0: nothing was found; 1: something was, or a target ran no example."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0, help="how long, at least one round of all targets")
    parser.add_argument("--seed", type=int, help="run one round with this seed, as a failure named it")
    parser.add_argument("--examples", type=int, help="of each test, with --seed")
    parser.add_argument("--target", choices=TARGETS, action="append", help="this one alone; may be repeated")
    options = parser.parse_args(arguments)
    targets = options.target or list(TARGETS)
    until, ran, examples = time.monotonic() + options.seconds, Counter[str](), options.examples or FEW
    while True:
        for target in targets:
            if all(ran[each] for each in targets) and time.monotonic() >= until:
                break
            seed = secrets.randbelow(2**32) if options.seed is None else options.seed
            count = _run(target, seed, examples)
            if count is None:
                return 1
            ran[target] += count
            print(f"{target}: {count} examples with the seed {seed}", flush=True)
        if options.seed is not None or time.monotonic() >= until:
            break
        examples = min(MANY, examples * 4)
    for target in targets:
        print(f"{target}: {ran[target]} examples, nothing found")
    return 0


def _run(target: str, seed: int, examples: int) -> int | None:
    """How many examples of the target ran; None when something was found."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--hypothesis-profile=fuzz"]
    command += [f"--hypothesis-seed={seed}", "--hypothesis-show-statistics", *TARGETS[target]]
    again = f"python scripts/fuzz.py --target {target} --seed {seed} --examples {examples}"
    try:
        done = subprocess.run(  # noqa: S603  our own tests
            command,
            cwd=ROOT,
            env={**os.environ, "FUZZ_EXAMPLES": str(examples)},
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=HANGS,
        )
    except subprocess.TimeoutExpired:
        print(f"{target} hangs with the seed {seed}; again: {again}", file=sys.stderr)
        return None
    count = sum(int(number) for number in COUNTED.findall(done.stdout))
    if done.returncode != 0 or count == 0:
        said, _, rest = done.stdout.partition("Hypothesis Statistics")
        summary = "\n".join(line for line in rest.splitlines() if line.startswith(("FAILED", "ERROR")))
        print(said[-20_000:] + done.stderr[-5000:] + summary, file=sys.stderr)
        print(f"{target} found something with the seed {seed}; again: {again}", file=sys.stderr)
        return None
    return count


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
