"""A fleet that shares ten task slots loses no task and opens none twice, within a budget of calls for each image."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
AGENTS = 60
MOST_CALLS = 26
"""For one image, from the precheck to the end of its scan: all polls, and all creates that found no slot."""


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    """What `make bench-fleet` measures of a fleet that is six times too large for the slots, in its own process."""
    said = tmp_path_factory.mktemp("fleet") / "fleet.json"
    command = [sys.executable, "tests/bench/fleet.py", "--agents", str(AGENTS), "--jobs", "1", "--json", str(said)]
    subprocess.run([*command, "--policy", "scan-registry"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    (measured,) = json.loads(said.read_text(encoding="utf-8"))
    return measured


def test_no_task_is_lost_or_doubled_although_agents_die(fleet):
    assert fleet["died"] > 0
    assert (fleet["lost"], fleet["doubled"]) == (0, 0)
    assert fleet["finished"] + fleet["died"] + fleet["failed"] == AGENTS


def test_an_image_costs_no_more_calls_than_its_budget(fleet):
    assert fleet["calls_per_image"] <= MOST_CALLS


def test_the_slots_are_as_good_as_never_idle_while_somebody_waits(fleet):
    assert fleet["wait_mean"] <= 1.5 * fleet["ideal_mean"]
