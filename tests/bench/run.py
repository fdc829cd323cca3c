"""Whole processes side by side: `jenkins-scan scan` and a script that does the same with the official SDK.

Both inspect one image on a real engine and submit it to `jenkins-scan sandbox serve` in another process. They run in
turn, pair by pair, so that both meet the same machine; what is printed are medians and their ratios, for absolute
times say little. jenkins-scan also asks the quota before it submits, verifies more and writes reports; nothing of
that is left out.
"""

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
RESULT = ROOT / "build" / "bench.json"
PEER = Path(__file__).with_name("official_sdk.py")
MEASURES = {"wall": "s", "cpu": "s", "memory": "MB"}
LAUNCHER = """
import json, os, sys, time
start = time.perf_counter()
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, used = os.wait4(child, 0)
wall = time.perf_counter() - start
print(json.dumps({"code": os.waitstatus_to_exitcode(status), "wall": wall,
                  "cpu": used.ru_utime + used.ru_stime, "memory": used.ru_maxrss / 1024}), file=sys.stderr)
"""
"""A small process that starts the measured one: peak memory starts from that of whoever starts it."""


def measure(command: list[str], environ: dict[str, str], folder: Path) -> dict[str, float]:
    """Wall and CPU seconds and peak memory in MB of one whole process."""
    launched = subprocess.run(
        [sys.executable, "-S", "-c", LAUNCHER, *command],
        env=environ,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=True,
    )
    *said, figures = launched.stderr.splitlines()
    measured: dict[str, float] = json.loads(figures)
    if measured.pop("code") != 0:
        raise SystemExit("\n".join([f"{command[0]} failed:", *said]))
    return measured


@contextlib.contextmanager
def sandbox() -> Iterator[dict[str, str]]:
    """A running sandbox; yields what it says when it is ready."""
    command = [sys.executable, "-m", "jenkins_scan", "-q", "sandbox", "serve"]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        yield json.loads(server.stdout.readline())
    finally:
        server.terminate()
        server.wait(10)


def compare(pairs: int, folder: Path) -> dict[str, dict[str, dict[str, float]]]:
    """Medians of both and their ratios, by measure."""
    from tests.support.engines import build_scratch_image, running_dockerd

    reference = "127.0.0.1:5000/bench/app:1"
    with running_dockerd(folder / "engine") as engine, sandbox() as ready:
        build_scratch_image(engine.client(), reference, {"hello": b"hello"})
        environ = {
            "PATH": os.environ["PATH"],
            "DOCKER_HOST": engine.host_url,
            "ALIBABA_CLOUD_ACCESS_KEY_ID": ready["access_key_id"],
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": ready["access_key_secret"],
            "ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true",
            "JENKINS_SCAN_TOKEN": ready["token"],
        }
        tool = str(Path(sys.executable).with_name("jenkins-scan"))
        commands = {
            "jenkins-scan": [sys.executable, tool, "-q", "scan", reference, "--endpoint", ready["url"]],
            "official SDK": [sys.executable, str(PEER), reference, ready["url"]],
        }
        runs: dict[str, list[dict[str, float]]] = {name: [] for name in commands}
        for turn in range(pairs + 1):
            order = list(commands) if turn % 2 else list(reversed(commands))
            for name in order:
                figures = measure(commands[name], environ, folder)
                if turn:  # the first pair warms the file cache
                    runs[name].append(figures)
    return {
        measure_name: {
            name: {
                "median": statistics.median(run[measure_name] for run in runs[name]),
                "lowest": min(run[measure_name] for run in runs[name]),
                "highest": max(run[measure_name] for run in runs[name]),
            }
            for name in commands
        }
        for measure_name in MEASURES
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pairs", type=int, default=7, help="measured pairs, after one that warms up")
    pairs = parser.parse_args().pairs
    with tempfile.TemporaryDirectory(prefix="jsb") as folder:
        figures = compare(pairs, Path(folder))
    print(f"one image, real engine, sandbox in another process; median (lowest..highest) of {pairs} pairs")
    print(f"{'':8}{'jenkins-scan':>24}{'official SDK':>24}{'ratio':>8}")
    for name, unit in MEASURES.items():
        cells = [
            f"{side['median']:.2f} ({side['lowest']:.2f}..{side['highest']:.2f}) {unit}"
            for side in figures[name].values()
        ]
        ratio = figures[name]["jenkins-scan"]["median"] / figures[name]["official SDK"]["median"]
        print(f"{name:8}{cells[0]:>24}{cells[1]:>24}{ratio:8.2f}")
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps({"pairs": pairs, "figures": figures}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
