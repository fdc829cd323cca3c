"""Whole processes and what they cost: wall time, CPU time with that of their children, and peak memory."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

LAUNCHER = """
import json, os, sys, time
start = time.perf_counter()
child = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
_, status, used = os.wait4(child, 0)
wall = time.perf_counter() - start
with open(sys.argv[1], "w") as file:
    json.dump({"code": os.waitstatus_to_exitcode(status), "wall": wall,
               "cpu": used.ru_utime + used.ru_stime, "memory": used.ru_maxrss / 1024}, file)
"""
"""A small process that starts the measured one: peak memory starts from that of whoever starts it, some 10 MB here."""
GIVES_UP_AFTER = 1800.0


class Failed(Exception):
    """Something that was to be measured did not do its job; the text says what it was and what it said."""


@dataclass(frozen=True)
class Cost:
    """What one whole process took."""

    wall: float
    """Seconds."""
    cpu: float
    """Seconds of all its threads and children, in user and kernel."""
    memory: float
    """MB (2**20) at its peak."""
    said: str
    """Its stdout and stderr."""


@dataclass(frozen=True)
class Command:
    """A process to be measured."""

    words: list[str]
    environ: Mapping[str, str]
    folder: Path
    """Where it works, and where the launcher leaves its figures."""
    proof: Callable[[str], None] = lambda _: None
    """Looks at what it printed; raises `Failed` when the job was not done."""
    codes: frozenset[int] = field(default=frozenset({0}))
    """Exit codes with which the job is done."""


def environment(folder: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of every measured process: no proxies, no settings of whoever runs the bench."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "LANG": "C.UTF-8",
        "ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true",
        **(more or {}),
    }


def measured(command: Command) -> Cost:
    """Runs it once. Raises `Failed`."""
    figures = command.folder / "cost.json"
    shown = " ".join(command.words)[:300]
    try:
        launched = subprocess.run(
            [sys.executable, "-S", "-E", "-c", LAUNCHER, str(figures), *command.words],
            env=dict(command.environ),
            cwd=command.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=GIVES_UP_AFTER,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        raise Failed(f"{shown}\nhas not ended after {GIVES_UP_AFTER:.0f} s.") from late
    if launched.returncode != 0:
        raise Failed(f"{shown}\ncould not be started:\n{launched.stderr[-2000:]}")
    used = json.loads(figures.read_text(encoding="utf-8"))
    if used.pop("code") not in command.codes:
        raise Failed(f"{shown}\nfailed:\n{launched.stdout[-1000:]}{launched.stderr[-2000:]}")
    try:
        command.proof(launched.stdout + launched.stderr)
    except Failed as unproved:
        raise Failed(f"{shown}\n{unproved}\n{launched.stdout[-1000:]}{launched.stderr[-1000:]}") from unproved
    return Cost(**used, said=launched.stdout + launched.stderr)


def in_turns(commands: Mapping[str, Command], rounds: int, *, warm: bool = True) -> dict[str, list[Cost]]:
    """The costs of each, round by round, in turns and every second round backwards, so that all meet the same machine.

    With `warm` a round that does not count comes first: it fills the file cache and compiles the modules.
    """
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for turn in range(-1 if warm else 0, rounds):
        for name in list(commands) if turn % 2 else list(reversed(commands)):
            cost = measured(commands[name])
            if turn >= 0:
                costs[name].append(cost)
    return costs
