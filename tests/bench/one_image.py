"""One image on a real engine, the sandbox in another process: the tool beside scripts that do the same job."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from tests.bench.figures import Bench, Figure, Target, compared
from tests.bench.processes import Command, Failed, environment, in_turns
from tests.bench.services import ROOT, Service, sandbox, task_ids
from tests.support.engines import DockerEngine, build_scratch_image, running_dockerd

ROW = "one image"
TOOL = "jenkins-scan scan"
AGAIN = "jenkins-scan scan, again"
SDK = "docker SDK + official SDK"
GENERIC = "docker SDK + generic client"
NODE = "Node + generic client"
LIBRARIES = "the mandated libraries alone"
SDK_ALONE, LIBRARIES_ALONE = f"{SDK}, no paramiko", f"{LIBRARIES}, no paramiko"
FLOOR = "standard library alone"
REFERENCE = "127.0.0.1:5000/bench/app:1"
PEERS = Path(__file__).with_name("peers")
NODE_FOLDER = ROOT / "build" / "bench" / "node"
TARGETS: Mapping[str, Mapping[str, Target]] = {
    SDK: {"wall": Target(0.50), "cpu": Target(0.45), "memory": Target(0.60)},
    GENERIC: {"wall": Target(0.90)},
}


def one_image(bench: Bench) -> Iterator[Figure]:
    """One image, real dockerd, sandbox in another process: whole processes that inspect, submit and print the task."""
    with running_dockerd(bench.folder / "engine") as engine, sandbox() as service:
        build_scratch_image(engine.client(), REFERENCE, {"hello": b"hello"})
        commands = _commands(bench, engine, service)
        costs = in_turns(commands, bench.rounds, warm=not bench.short)
        said = [cost.said for runs in costs.values() for cost in runs]
        service.require({task_id for text in said for task_id in task_ids(text)})
    for name in commands:
        if name != TOOL:
            note = "null: the same command" if name == AGAIN else ""
            yield from compared(ROW, TOOL, name, costs[TOOL], costs[name], TARGETS.get(name), note)


def help_text(bench: Bench) -> Iterator[Figure]:
    """`jenkins-scan --help` beside a Python that does nothing."""
    environ = environment(bench.folder)
    tool = Command([*tool_words(), "--help"], environ, bench.folder)
    nothing = Command([sys.executable, "-c", "pass"], environ, bench.folder)
    commands = {"tool": tool, "nothing": nothing, "again": tool}
    costs = in_turns(commands, bench.rounds, warm=not bench.short)
    wanted = {"cpu": Target(0.12, "value")}
    yield from compared("help", "jenkins-scan --help", "python -c pass", costs["tool"], costs["nothing"], wanted)
    null = "null: the same command"
    yield from compared("help", "jenkins-scan --help", "jenkins-scan --help", costs["tool"], costs["again"], note=null)


def tool_words() -> list[str]:
    """The beginning of a command line of the tool, as it is installed beside this interpreter."""
    return [sys.executable, str(Path(sys.executable).with_name("jenkins-scan"))]


def prints_a_task(said: str) -> None:
    """Raises `Failed` unless a process printed a task id."""
    if not task_ids(said):
        raise Failed("printed no task id.")


def _commands(bench: Bench, engine: DockerEngine, service: Service) -> dict[str, Command]:
    environ = environment(bench.folder, {"DOCKER_HOST": engine.host_url, **service.environ})
    python = {
        SDK: "official_sdk.py",
        GENERIC: "generic_client.py",
        LIBRARIES: "mandated_libraries.py",
        FLOOR: "standard_library.py",
    }
    scripts = {name: [sys.executable, str(PEERS / file)] for name, file in python.items()}
    without = [sys.executable, str(PEERS / "without_paramiko.py")]
    scripts |= {SDK_ALONE: [*without, python[SDK]], LIBRARIES_ALONE: [*without, python[LIBRARIES]]}
    if node := _node(bench):
        scripts[NODE] = node
    scan = [*tool_words(), "scan", REFERENCE, "--endpoint", service.url]
    tool = Command(scan, environ, bench.folder, proof=prints_a_task)
    peers = {name: replace(tool, words=[*words, service.url, REFERENCE]) for name, words in scripts.items()}
    return {TOOL: tool, AGAIN: tool, **peers}  # side by side, as the first peer is: what is near in time is alike


def _node(bench: Bench) -> list[str] | None:
    """The peer in Node with its packages in the build folder; None without Node, which is said."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        bench.tell(f"{NODE}: left out, there is no node with npm on this machine")
        return None
    lock = json.loads((PEERS / "node" / "package-lock.json").read_text(encoding="utf-8"))
    made = NODE_FOLDER / "node_modules" / ".made-from.json"
    if not made.exists() or json.loads(made.read_text(encoding="utf-8")) != lock:
        NODE_FOLDER.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json", "generic_client.js"):
            shutil.copyfile(PEERS / "node" / name, NODE_FOLDER / name)
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        installed = subprocess.run(command, cwd=NODE_FOLDER, capture_output=True, text=True, timeout=300, check=False)
        if installed.returncode != 0:
            raise Failed(f"{' '.join(command)}\nfailed:\n{installed.stderr[-2000:]}")
        made.write_text(json.dumps(lock), encoding="utf-8")
    shutil.copyfile(PEERS / "node" / "generic_client.js", NODE_FOLDER / "generic_client.js")
    return [node, str(NODE_FOLDER / "generic_client.js")]
