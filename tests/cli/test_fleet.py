"""A fleet that shares ten task slots loses no task and opens none twice, within a budget of calls for each image."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
AGENTS = 40
MOST_CALLS = 26
"""For one image, from the precheck to the end of its scan: all polls, and all creates that found no slot."""


def test_a_fleet_four_times_too_large_for_the_slots_keeps_its_promises_and_its_budget(tmp_path):
    """What `make bench-fleet` measures, in its own process; agents die on the way."""
    said = tmp_path / "fleet.json"
    command = [sys.executable, "tests/bench/fleet.py", "--agents", str(AGENTS), "--jobs", "1", "--json", str(said)]
    subprocess.run([*command, "--policy", "scan-registry"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    (fleet,) = json.loads(said.read_text(encoding="utf-8"))
    assert fleet["died"] > 0
    assert (fleet["lost"], fleet["doubled"]) == (0, 0)
    assert set(fleet["failures"]) <= {"FateUnknown"}, "none fails for the rate, or for a bug"
    assert fleet["calls_per_image"] <= MOST_CALLS
    assert fleet["wait_mean"] <= 1.5 * fleet["ideal_mean"], "the slots are hardly idle while somebody waits"
