"""Jenkinsfiles run by Debian's Groovy with the steps of `tests/groovy`, many of them in one JVM.

What stands in for the world around a build is put together here: an agent's PATH with `jenkins-scan`, a Docker client
that notes what it is asked, a Security Center of its own for each build, credentials, and addresses of a real network.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jenkins_scan import sandbox
from jenkins_scan.sandbox.scenarios import load_scenario
from jenkins_scan.sandbox.server import SandboxServer
from jenkins_scan.sandbox.service import SandboxService
from jenkins_scan.sandbox.state import State

ROOT = Path(__file__).resolve().parents[2]
HARNESS = ROOT / "tests" / "groovy"
SIDE_BY_SIDE = 6
"""Builds at once: most of the time of one is waiting for its task."""
JVM = "-Xmx512m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""A short life: compiling well costs more than it gains."""
CREDENTIALS = {
    "aliyun-image-scan": {"username": sandbox.ACCESS_KEY_ID, "password": sandbox.ACCESS_KEY_SECRET},
    "aliyun-image-scan-token": {"secret": sandbox.TOKEN},
}
SECRETS = (sandbox.ACCESS_KEY_ID, sandbox.ACCESS_KEY_SECRET, sandbox.TOKEN)
SOURCES = {
    "Dockerfile": 'FROM scratch\nCOPY ["hello", "/hello"]\n',
    "hello": "hello from a build\n",
    "waivers.toml": "# none\n",
}
TOOL = """\
printf 'jenkins-scan %s\\n' "$*" >> "$COMMAND_LINES"
[ -z "$FAKE_TOOL" ] || {{ eval "$FAKE_TOOL"; exit; }}
verb=$1
shift
exec {python} -m jenkins_scan $TOOL_FLAGS "$verb" ${{SECURITY_CENTER:+--endpoint "$SECURITY_CENTER"}} "$@"
"""
"""In a Jenkins build only the flag itself may name a sandbox; Jenkinsfiles do not, so it is added here. With
`FAKE_TOOL` it is a tool that was killed, is not installed, or lies: what a shell runs in place of it."""
DOCKER = """\
printf 'docker %s\\n' "$*" >> "$COMMAND_LINES"
[ -z "$NO_ENGINE" ] || exit 0
exec {docker} "$@"
"""
"""With `NO_ENGINE` every build and push succeeds at once: for what ends before an image is looked at."""
KANIKO = """\
import sys
from pathlib import Path
from tests.support.docker_archives import archive, packed_image
options = dict(zip(sys.argv[1:], sys.argv[2:]))
assert "--no-push" in sys.argv and Path(options["--context"].removeprefix("dir://"), "Dockerfile").is_file()
Path(options["--tar-path"]).write_bytes(archive(packed_image([options["--destination"]], layers=[b"by kaniko"])))
"""


@dataclass(frozen=True, kw_only=True)
class Job:
    """What to run, and in which world."""

    script: str
    scenario: str | None = "clean"
    """A ready-made one, or the text of one. None: nobody may be asked, and nothing is served."""
    variables: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    """What already lies in the workspace, from an earlier build."""
    harness: Mapping[str, Any] = field(default_factory=dict)
    """`without`: steps whose plugin is not installed. `broken`: steps that throw. `aborted`: the step in which a person
    stops the build; the tool gets SIGTERM when it prints `abortedAt`. `lost`: what Jenkins returns in place of the
    tool's exit code."""


@dataclass(frozen=True)
class Build:
    """What became of it."""

    told: Mapping[str, Any]
    workspace: Path
    command_lines: tuple[str, ...]
    """What `docker` and `jenkins-scan` were called with."""
    tasks: int

    @property
    def result(self) -> str:
        return str(self.told["result"])

    @property
    def console(self) -> str:
        return str(self.told["console"])

    def stage(self, name: str) -> str | None:
        """The result of a stage; None when it did not run."""
        return next((stage["result"] for stage in self.told["stages"] if stage["name"] == name and stage["ran"]), None)

    def calls(self, step: str) -> list[dict[str, Any]]:
        """The arguments of each call of a step."""
        return [call["arguments"] for call in self.told["calls"] if call["step"] == step]

    def docker_calls(self) -> list[str]:
        """What Docker was asked to do, such as `build` and `push`."""
        return [line.split(" ")[1] for line in self.command_lines if line.startswith("docker ")]

    def scans(self) -> list[dict[str, Any]]:
        """The commands that ran the tool: stage, exit code, and whether there were secrets in its environment."""
        return [command for command in self.told["commands"] if "jenkins-scan" in command["script"]]

    def went_on(self) -> bool:
        """Whether a command or an `echo` of a stage came after the last scan: a push, a deployment."""
        scanned = {command["stage"] for command in self.scans()}
        last = max(n for n, stage in enumerate(self.told["stages"]) if stage["name"] in scanned)
        later = any(stage["ran"] for stage in self.told["stages"][last + 1 :] if stage["within"] is None)
        commands = [command["script"] for command in self.told["commands"]]
        scan = max(n for n, script in enumerate(commands) if "jenkins-scan" in script)
        return later or any("IMAGE_SCAN_RESULT" not in script for script in commands[scan + 1 :])

    def everything_told(self) -> str:
        """The console, scripts, arguments of steps, command lines, and every archived file."""
        archived = [Path(name).read_text(errors="replace") for name in self.told["archived"]]
        return "\n".join([json.dumps(dict(self.told)), *self.command_lines, *archived])


@dataclass(frozen=True)
class Agent:
    """A machine on which builds run."""

    folder: Path
    variables: Mapping[str, str]
    registry: str
    addresses: Mapping[str, str]
    """What Jenkinsfiles name, and what it is here."""

    def here(self, text: str, number: int) -> str:
        """The Jenkinsfile with addresses of this machine; each build has its own part of the registry."""
        for address, local in {"registry.example.com": f"{self.registry}/{number}", **self.addresses}.items():
            text = text.replace(address, local)
        return text


def prepare_agent(folder: Path, docker_host: str, registry: str, addresses: Mapping[str, str]) -> Agent:
    """An agent with the tools of a build first on its PATH."""
    bin_ = folder / "bin"
    bin_.mkdir(parents=True)
    _script(bin_ / "jenkins-scan", TOOL.format(python=sys.executable))
    _script(bin_ / "docker", DOCKER.format(docker=shutil.which("docker")))
    (folder / "kaniko.py").write_text(KANIKO)
    _script(bin_ / "executor", f'exec {sys.executable} {folder}/kaniko.py "$@"')
    (folder / ".config/containers").mkdir(parents=True)
    (folder / ".config/containers/registries.conf").write_text(
        f'[[registry]]\nlocation = "{registry}"\ninsecure = true\n'
    )
    (folder / "storage.conf").write_text(
        f'[storage]\ndriver = "vfs"\ngraphroot = "{folder}/graph"\nrunroot = "{folder}/run"\n'
    )
    variables = {
        "PATH": f"{bin_}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "LANG": "C",
        "DOCKER_HOST": docker_host,
        "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
        "BUILDAH_ISOLATION": "chroot",
        "ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true",
        "JENKINS_URL": "https://jenkins.example.com/",
        "BUILD_URL": "https://jenkins.example.com/job/app/7/",
        "JOB_NAME": "app",
        "BUILD_NUMBER": "7",
        "BUILD_TAG": "jenkins-app-7",
    }
    return Agent(folder, variables, registry, {**addresses, "/kaniko/executor": str(bin_ / "executor")})


def run(agent: Agent, jobs: Mapping[str, Job]) -> dict[str, Build]:
    """Every job's build, by the job's name."""
    with ExitStack() as stack:
        cases, states = [], {}
        for number, (name, job) in enumerate(jobs.items()):
            workspace = agent.folder / "workspaces" / f"{number}"
            workspace.mkdir(parents=True)
            for path, text in {**SOURCES, **job.files}.items():
                (workspace / path).parent.mkdir(parents=True, exist_ok=True)
                (workspace / path).write_text(text)
            variables = {**agent.variables, "COMMAND_LINES": str(workspace.with_suffix(".commands")), **job.variables}
            if job.scenario is not None:
                url, states[name] = stack.enter_context(_center(job.scenario, agent.folder))
                variables["SECURITY_CENTER"] = url
            cases.append(
                {
                    "name": name,
                    "script": agent.here(job.script, number),
                    "workspace": str(workspace),
                    "variables": variables,
                    "parameters": job.parameters,
                    "sources": SOURCES,
                    "credentials": CREDENTIALS,
                    "secrets": SECRETS,
                    "libraries": {"jenkins-scan": str(ROOT)},
                    **job.harness,
                }
            )
        told = _groovy(agent.folder, cases)
        return {each["name"]: _build(each, cases[n]["workspace"], states) for n, each in enumerate(told)}


def _build(told: Mapping[str, Any], workspace: str, states: Mapping[str, State]) -> Build:
    lines = Path(f"{workspace}.commands")
    state = states.get(told["name"])
    return Build(
        told,
        Path(workspace),
        tuple(lines.read_text().splitlines()) if lines.exists() else (),
        0 if state is None else len(state.tasks()),
    )


@contextmanager
def _center(name: str, folder: Path) -> Iterator[tuple[str, State]]:
    """A Security Center of this build's own, whose tasks end before the first question."""
    if "\n" in name:
        (folder / "scenario.toml").write_text(name)
        name = str(folder / "scenario.toml")
    scenario = load_scenario(name)
    scenario = scenario.model_copy(update={"clock": scenario.clock.model_copy(update={"finish_after": 0.5})})
    with State() as state, SandboxServer(SandboxService(scenario, state)) as server:
        yield server.url, state


def _groovy(folder: Path, cases: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    java = shutil.which("java")
    if java is None or shutil.which("groovy") is None:
        raise LookupError("Groovy and Java are not installed (Debian: groovy, default-jre-headless)")
    asked, answered = folder / "cases.json", folder / "answers.json"
    asked.write_text(json.dumps(cases))
    command = ["groovy", "-cp", HARNESS, HARNESS / "harness.groovy", asked, answered, str(SIDE_BY_SIDE)]
    home = Path(java).resolve().parents[1]
    environ = {"PATH": os.environ["PATH"], "JAVA_HOME": str(home), "HOME": str(folder), "JAVA_OPTS": JVM}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=500, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"groovy ended with {done.returncode}: {done.stderr[-3000:]}")
    answers: list[dict[str, Any]] = json.loads(answered.read_text())
    return answers


def _script(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
