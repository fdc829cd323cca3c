"""A fleet of Jenkins agents that share one account of ten task slots, on a virtual clock: `make bench-fleet`.

Each policy of waiting for a slot meets the same agents: they come at the same times, and the same of them die. The k-th
task that is opened takes as long in each run. `tests/bench/fleet_agents.py` says what an agent does.
"""

import argparse
import gc
import json
import multiprocessing
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from jenkins_scan.step import patience  # noqa: E402  as below
from tests.bench.fleet_account import RATE, SCAN_SECONDS, SLOTS, Account, digest_of  # noqa: E402  the path comes first
from tests.bench.fleet_agents import Agent, Fate, NaiveAgent, OurAgent, Permits, ScanAgent  # noqa: E402  as above
from tests.bench.fleet_clock import VirtualTime  # noqa: E402  as above
from tests.bench.fleet_numbers import Turn, ideal, jain, mean, overtaken, percentile  # noqa: E402  as above

RESULT = ROOT / "build" / "bench-fleet.json"
SHORT, FULL = (10, 100), (10, 100, 1000, 5000)
DECISION = ROOT / "docs" / "adr" / "0001-waiting-for-a-slot.md"
BEGINS, ENDS = "<!-- measured by make bench-fleet -->", "<!-- end -->"
START = 1_735_819_200.0
LOAD = 3.0
"""The agents come this much faster than the slots can serve them."""
DYING = 0.1
"""The share of agents that die: half of them in a call, half of them at some time."""
POLICIES: Mapping[str, Callable[[VirtualTime, Account, Permits, Fate], Any]] = {
    "scan-registry": lambda world, account, _, fate: OurAgent(world, account, fate),
    "pauses up to 20 s": lambda world, account, _, fate: OurAgent(world, account, fate),
    "ten permits outside": lambda world, account, permits, fate: OurAgent(world, account, fate, permits),
    "scan (no slots)": lambda world, account, _, fate: ScanAgent(world, account, fate),
    "every 5 s": lambda world, account, _, fate: NaiveAgent(world, account, fate, 5.0),
    "every 30 s": lambda world, account, _, fate: NaiveAgent(world, account, fate, 30.0),
}
NAIVE = ("every 5 s", "every 30 s")
SIZES = {"pauses up to 20 s": (1000,), "every 5 s": (10, 100, 1000)}
"""Fleets with which a policy is run unless it is named: others would take long, and say nothing new."""
COLUMNS = {
    "agents": "{agents}",
    "policy": "{policy}",
    "lost": "{lost}",
    "doubled": "{doubled}",
    "failed": "{failed}",
    "calls/image": "{calls_per_image:.1f}",
    "throttled": "{throttled_share:.1%}",
    "mean wait": "{wait_mean:.0f} s",
    "ideal": "{ideal_mean:.0f} s",
    "p99 wait": "{wait_p99:.0f} s",
    "ideal p99": "{ideal_p99:.0f} s",
    "Jain": "{jain:.2f}",
    "ideal Jain": "{ideal_jain:.2f}",
    "overtaken": "{overtaken:.0%}",
    "slots busy": "{slots_busy}",
}


def fates(agents: int, seed: int) -> list[Fate]:
    """When each agent comes, and which die."""
    luck = random.Random(f"{agents} {seed}")  # noqa: S311  a simulation
    window = agents * SCAN_SECONDS / SLOTS / LOAD
    drawn = []
    for number, arrives in enumerate(sorted(START + luck.uniform(0, window) for _ in range(agents)), start=1):
        fate = Fate(number, arrives)
        how = luck.random()
        if how < DYING / 2:
            fate.dies_in_call = luck.randint(1, 16)
        elif how < DYING:
            fate.dies_at = arrives + luck.uniform(0, window * LOAD)
        drawn.append(fate)
    return drawn


def simulate(agents: int, policy: str, seed: int = 1, rate: int = RATE) -> dict[str, Any]:
    """One fleet under one policy."""
    random.seed(seed)
    # Thousands of agents at rest are no garbage, and would be looked through again and again.
    gc.set_threshold(100_000, 50, 50)
    # The tool without its ear for a crowd: this process runs no other policy.
    patience.CROWD = 1.0 if policy == "pauses up to 20 s" else patience.CROWD
    began = time.perf_counter()
    world = VirtualTime(START)
    account = Account.opened(lambda: world.time, rate)
    permits = Permits(world, SLOTS)
    fleet = [POLICIES[policy](world, account, permits, fate) for fate in fates(agents, seed)]
    for agent in fleet:
        world.at(agent.fate.arrives, agent.begin)
    world.run()
    measured = {"agents": agents, "policy": policy, "seed": seed, **figures(fleet, account)}
    return {**measured, "real_seconds": round(time.perf_counter() - began, 1)}


cores: Any = None
"""Those that no run of this pool has."""


def share_cores(free: Any) -> None:
    """Begins a process of the pool."""
    global cores  # noqa: PLW0603  that is how a pool hands something to its processes
    cores = free


def on_one_core(run: tuple[int, str], **how: int) -> dict[str, Any]:
    """`simulate` on a core of its own: one of its threads runs at a time, and there the next one is awake sooner."""
    core = cores.get()
    try:
        if hasattr(os, "sched_setaffinity"):  # not everywhere
            os.sched_setaffinity(0, {core})
        return simulate(*run, **how)
    finally:
        cores.put(core)


def figures(fleet: Sequence[Agent], account: Account) -> dict[str, Any]:
    """What came of it, by the ledger of the account and by what the agents know."""
    scans = account.state.scans()
    opened: dict[str, list[Any]] = {}
    for scan in scans:
        opened.setdefault(scan.image.digest, []).append(scan.task)
    ends = Counter(agent.ended for agent in fleet)
    lost = doubled = 0
    turns = []
    for agent in fleet:
        tasks = opened.get(digest_of(agent.fate.number), [])
        doubled += len(tasks) > 1
        if tasks:
            turns.append(Turn(agent.fate.arrives, tasks[0].opened_at, account.length(tasks[0])))
        # Of a dead agent the note has to say that a task may exist; whoever lives knows its id.
        known = agent.is_noted if agent.ended == "died" else agent.task_id in [task.task_id for task in tasks]
        lost += bool(tasks) and not known
    limited = not isinstance(fleet[0], ScanAgent)
    best = ideal(turns, SLOTS if limited else len(turns))
    waits, least = [turn.wait for turn in turns], [turn.wait for turn in best]
    span = max((turn.opened + turn.length for turn in turns), default=START) - START
    finished = ends.pop("finished", 0)
    return {
        "finished": finished,
        "died": ends.pop("died", 0),
        "failed": ends.total(),
        "failures": dict(ends),
        "lost": lost,
        "doubled": doubled,
        "calls": account.calls,
        "calls_per_image": account.calls / max(1, finished),
        "throttled_share": account.throttled / max(1, account.calls),
        "wait_mean": mean(waits),
        "wait_p99": percentile(waits, 0.99),
        "ideal_mean": mean(least),
        "ideal_p99": percentile(least, 0.99),
        "jain": jain(waits),
        "ideal_jain": jain(least),
        "overtaken": overtaken(turns),
        "slots_busy": f"{sum(turn.length for turn in turns) / (SLOTS * span or 1.0):.0%}" if limited else "-",
        "span": span,
    }


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows as a Markdown table."""
    cells = [[*COLUMNS], *([form.format(**row) for form in COLUMNS.values()] for row in rows)]
    widths = [max(len(line[place]) for line in cells) for place in range(len(COLUMNS))]
    lines = ["| " + " | ".join(map(str.ljust, line, widths)) + " |" for line in cells]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])


def endings(failures: Mapping[str, int]) -> str:
    """The errors with their numbers."""
    return ", ".join(f"`{name}` {count}" for name, count in sorted(failures.items()))


def write(said: str) -> None:
    """Puts this into the decision record, between its marks."""
    before, rest = DECISION.read_text(encoding="utf-8").split(BEGINS)
    _, after = rest.split(ENDS)
    DECISION.write_text(f"{before}{BEGINS}\n{said}\n{ENDS}{after}", encoding="utf-8")


def main() -> int:
    """Runs every policy at every size. 1: a task was lost or doubled by the tool."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="1,000 and 5,000 agents, too")
    parser.add_argument("--agents", type=int, nargs="+", help="other sizes of the fleet")
    parser.add_argument("--policy", choices=POLICIES, action="append", help="only these policies")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=int, default=RATE, help="calls that the account may make in a second")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--write", action="store_true", help=f"put the table into {DECISION.name}, too")
    parser.add_argument("--json", type=Path, default=RESULT)
    given = parser.parse_args()
    sizes = given.agents or (FULL if given.full else SHORT)
    runs = [
        (agents, policy)
        for agents in sizes
        for policy in given.policy or POLICIES
        if given.policy or given.agents or agents in SIZES.get(policy, sizes)
    ]
    began = time.perf_counter()
    spawn = multiprocessing.get_context("spawn")
    free = spawn.Queue()
    allowed = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]
    for job in range(given.jobs):
        free.put(allowed[job % len(allowed)])
    with ProcessPoolExecutor(given.jobs, spawn, share_cores, (free,), max_tasks_per_child=1) as pool:
        work = partial(on_one_core, seed=given.seed, rate=given.rate)
        # The longest first, so that the last one does not run alone.
        begun = {run: pool.submit(work, run) for run in sorted(runs, key=lambda run: (-run[0], run[1] in NAIVE))}
        rows = [begun[run].result() for run in runs]
    about = (
        f"{SLOTS} slots, {given.rate} calls a second, scans of {SCAN_SECONDS:.0f} s on average; seed {given.seed}. "
        f"{datetime.now(UTC):%Y-%m-%d}, {time.perf_counter() - began:.0f} s for all runs."
    )
    said = [
        about,
        "",
        table(rows),
        "",
        "Failures:",
        "",
        *(f"- {row['agents']}, {row['policy']}: {endings(row['failures'])}" for row in rows if row["failures"]),
    ]
    print("\n".join(said))
    if given.write:
        write("\n".join(said))
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    ours = [row for row in rows if row["policy"] not in NAIVE]
    broken = any(row["lost"] or row["doubled"] for row in ours) or any("never" in row["failures"] for row in rows)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
