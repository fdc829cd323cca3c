"""The agent image, really built from docker/Dockerfile, and used as Jenkins uses it beside Docker-in-Docker.

No registry is asked for a Python image: the base is a Debian root file system made here. The libraries come from a
package index on loopback, filled by this machine's pip, so that its own settings stay out of the build.
"""

import functools
import http.server
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from jenkins_scan import __version__
from tests.support import engines
from tests.support.engine_certificates import EngineCertificates

ROOT = Path(__file__).resolve().parents[2]
BASE = "debian-python:base"
IMAGE = "jenkins-scan:test"
REVISION = "0123456789abcdef0123456789abcdef01234567"
USER = "12345:0"
WITHOUT_A_WHEEL = "multi-key-dict"
"""Of python-jenkins; pip builds it, which takes setuptools from the index."""
ADDED_AT_MOST = 80_000_000
"""Bytes on top of the base; about 33 million in November 2026."""


@dataclass(frozen=True)
class DockerCommand:
    """The docker command on one engine, without settings of this machine."""

    engine: engines.DockerEngine
    folder: Path

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["docker", "--config", str(self.folder), "--host", self.engine.host_url, *arguments]
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)

    def output(self, *arguments: str) -> str:
        done = self(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout


@dataclass(frozen=True)
class Agent:
    """A container as Jenkins starts it, with a command that waits, and its workspace on this side."""

    docker: DockerCommand
    container: str
    workspace: Path

    def sh(self, script: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """A step: `docker exec` with the variables of the build."""
        variables = [part for name, value in environ.items() for part in ("--env", f"{name}={value}")]
        return self.docker("exec", *variables, self.container, "sh", "-c", script)


@pytest.fixture(scope="module")
def docker_command(docker_engine, engines_folder) -> DockerCommand:
    return DockerCommand(docker_engine, engines_folder / "docker-command")


@pytest.fixture(scope="module")
def python_version(docker_engine, engines_folder, docker_command) -> str:
    """The Python of the base image, which is made here: like `python:slim` it has Python with venv, and no ps."""
    if shutil.which("mmdebstrap") is None:
        pytest.fail("mmdebstrap is not installed (Debian: mmdebstrap)")
    archive = engines_folder / "base.tar"
    left_out = [f"--dpkgopt=path-exclude=/usr/share/{folder}/*" for folder in ("doc", "man", "locale")]
    codename = platform.freedesktop_os_release()["VERSION_CODENAME"]
    subprocess.run(
        [
            *("mmdebstrap", "--quiet", "--mode=root", "--variant=minbase", "--include=python3,python3-venv"),
            *("--dpkgopt=force-unsafe-io", *left_out, codename, str(archive), debian_mirror(codename)),
        ],
        check=True,
    )
    docker_command.output("import", str(archive), BASE)
    archive.unlink()
    return docker_command.output(
        "run", "--rm", BASE, "python3", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"
    )


def debian_mirror(codename: str) -> str:
    """The mirror that this machine's apt uses."""
    wanted = ("Identifier: Packages", "Component: main", "Label: Debian", f"Codename: {codename}")
    targets = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)", *wanted], check=True, capture_output=True, text=True
    )
    return next(iter(targets.stdout.split()), "http://deb.debian.org/debian")


@pytest.fixture(scope="module")
def package_index(python_version, engines_folder) -> Iterator[str]:
    """A package index on loopback with the libraries of requirements.lock, and what builds the one without a wheel."""
    wheels = engines_folder / "wheels"
    download = [*(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps")]
    download += ["--only-binary=:all:", "--python-version", python_version.strip(), "--dest", str(wheels)]
    locked = ["--require-hashes", "--requirement", str(ROOT / "requirements.lock")]
    subprocess.run([*download, f"--no-binary={WITHOUT_A_WHEEL}", *locked], check=True)
    subprocess.run([*download, "setuptools", "wheel"], check=True)
    pages = engines_folder / "index"
    for wheel in wheels.iterdir():
        project = re.sub(r"[-_.]+", "-", wheel.name.partition("-")[0]).lower()
        (pages / project).mkdir(parents=True, exist_ok=True)
        wheel.rename(pages / project / wheel.name)
    with served(pages) as address:
        yield f"http://{address}/"


class QuietFiles(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None: ...


@contextmanager
def served(folder: Path) -> Iterator[str]:
    handler = functools.partial(QuietFiles, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def image(docker_engine, package_index) -> str:
    """The agent image, built by the engine's own builder."""
    client = docker_engine.client()
    try:
        answers = list(
            client.build(
                path=str(ROOT),
                dockerfile="docker/Dockerfile",
                tag=IMAGE,
                buildargs={"PYTHON_IMAGE": BASE, "PIP_INDEX_URL": package_index, "REVISION": REVISION},
                network_mode="host",
                rm=True,
                timeout=600,
                decode=True,
            )
        )
    finally:
        client.close()
    failed = [answer["error"] for answer in answers if "error" in answer]
    assert failed == [], "".join(answer.get("stream", "") for answer in answers)[-4000:]
    return IMAGE


@pytest.fixture(scope="module")
def docker_in_docker(engines_folder) -> Iterator[Mapping[str, str]]:
    """An engine behind TLS, its certificate named as by docker:dind: the address, the files, and an image in it."""
    certificates = EngineCertificates(engines_folder / "dind-certs")
    server, certs = certificates.server("docker"), certificates.client().ca.parent
    (certs / "key.pem").chmod(0o644)
    port = engines.free_port()
    with engines.running_dockerd(engines_folder / "dind", server.dockerd(port)) as engine:
        client = engine.client()
        image_id = engines.build_scratch_image(client, "team/app:1", {"hello": b"built in Docker-in-Docker"})
        client.close()
        yield {"host": f"tcp://docker:{port}", "certs": str(certs), "image_id": image_id}


@pytest.fixture(scope="module")
def agent(image, docker_command, docker_in_docker, engines_folder) -> Iterator[Agent]:
    """`docker run … cat` as docker-workflow runs it, on a root file system that cannot be written."""
    workspace = engines_folder / "workspace"
    workspace.mkdir()
    os.chown(workspace, *map(int, USER.split(":")))
    container = docker_command.output(
        *("run", "-t", "-d", "-u", USER, "-w", str(workspace), "-v", f"{workspace}:{workspace}:rw", "--read-only"),
        *("--network", "host", "--add-host", "docker:127.0.0.1", "-v", f"{docker_in_docker['certs']}:/certs/client:ro"),
        *("-e", f"DOCKER_HOST={docker_in_docker['host']}", "-e", "DOCKER_TLS_VERIFY=1"),
        *("-e", "DOCKER_CERT_PATH=/certs/client", image, "cat"),
    ).strip()
    yield Agent(docker_command, container, workspace)
    docker_command("rm", "--force", "--volumes", container)


@pytest.fixture
def in_image(image, docker_command) -> Callable[..., str]:
    """Runs a script in the image, as its own user or as the arguments for `docker run` say."""
    base = ("run", "--rm", "--network", "none")
    return lambda script, *arguments: docker_command.output(*base, *arguments, image, "sh", "-c", script)


def test_a_step_scans_an_image_of_docker_in_docker_from_inside_the_agent_image(agent, docker_in_docker):
    done = agent.sh(
        "jenkins-scan scan team/app:1 --endpoint sandbox",
        JENKINS_URL="https://jenkins.example.test/",
        BUILD_NUMBER="7",
        JOB_NAME="team/app",
        WORKSPACE=str(agent.workspace),
    )
    assert done.returncode == 0, done.stderr
    report = agent.workspace / "scan-report" / "result.json"
    result = json.loads(report.read_text())
    assert (result["verdict"], result["exit_code"], result["sandbox"]) == ("SUBMITTED", 0, True)
    assert result["build"]["number"] == 7
    identity = result["images"][0]["identity"]
    assert identity["config_digest"] == docker_in_docker["image_id"]
    assert (identity["engine"]["endpoint"], identity["engine"]["endpoint_from"]) == (
        docker_in_docker["host"],
        "DOCKER_HOST",
    )
    assert report.stat().st_uid == int(USER.partition(":")[0])


def test_the_engine_s_certificate_is_verified_from_inside_too(agent, docker_in_docker):
    other = agent.workspace / "other-authority"
    shutil.copytree(docker_in_docker["certs"], other)
    trustme.CA().cert_pem.write_to_path(str(other / "ca.pem"))
    done = agent.sh("jenkins-scan scan team/app:1 --endpoint sandbox", DOCKER_CERT_PATH=str(other))
    assert done.returncode == 13
    assert f"verified against {other}/ca.pem" in done.stderr


def test_the_command_that_keeps_the_container_alive_runs_as_it_is(agent):
    processes = agent.docker.output("top", agent.container, "-eo", "pid,comm").split()
    assert processes[2:] == [processes[2], "cat"]


def test_an_abort_finds_the_processes_of_a_step_by_their_cookie(agent):
    """What docker-workflow runs in the container to end a step."""
    done = agent.sh(
        "jenkins-scan sandbox serve >ready & for try in $(seq 300); do [ -s ready ] && break; sleep 0.1; done; "
        "ps -A -o pid,command e; kill $!; wait $!",
        JENKINS_SERVER_COOKIE="durable-cookie-1",
    )
    served = [line for line in done.stdout.splitlines() if re.search(r"python\S* \S*/jenkins-scan sandbox serve", line)]
    assert ["JENKINS_SERVER_COOKIE=durable-cookie-1" in line for line in served] == [True], done.stdout
    assert done.returncode == 0, "the stand-in ends well when it is told to"


@pytest.mark.parametrize("user", [None, "12345:0", "65534:65534", "0:0"])
def test_any_user_can_run_the_tool_without_a_home_or_a_name(image, docker_command, user):
    chosen = [] if user is None else ["--user", user]
    done = docker_command.output(
        "run", "--rm", "--network", "none", "--read-only", *chosen, image, "jenkins-scan", "--version"
    )
    assert done.split() == ["jenkins-scan", __version__]


def test_without_a_command_the_image_explains_itself_and_its_working_folder_takes_reports(
    image, docker_command, in_image
):
    assert "Usage: jenkins-scan" in docker_command.output("run", "--rm", "--network", "none", image)
    assert in_image("pwd && touch report && ls").split() == ["/workspace", "report"]


def test_the_image_says_what_it_is(image, docker_command):
    (found,) = json.loads(docker_command.output("image", "inspect", image))
    config = found["Config"]
    assert not config["Entrypoint"]
    assert config["User"] == "10001:10001"
    assert config.get("Healthcheck") is None
    labels = {name.removeprefix("org.opencontainers.image."): value for name, value in config["Labels"].items()}
    assert labels["title"] == "jenkins-scan"
    assert (labels["version"], labels["revision"], labels["base.name"]) == (__version__, REVISION, BASE)


def test_the_image_adds_little_and_remembers_no_setting_of_the_build(image, docker_command, package_index):
    sizes = [json.loads(docker_command.output("image", "inspect", name))[0]["Size"] for name in (image, BASE)]
    assert 0 < sizes[0] - sizes[1] < ADDED_AT_MOST
    history = docker_command.output("history", "--no-trunc", image)
    assert "PIP_INDEX_URL" not in history
    assert package_index not in history + docker_command.output("image", "inspect", image)


def test_nothing_that_only_installs_is_left_in_the_image(in_image):
    assert in_image("for tool in gcc cc make pip flit uv git; do command -v $tool || true; done").split() == []
    folders = "/opt/jenkins-scan/lib/python3*/site-packages"
    assert in_image(f"ls -d {folders}/pip* {folders}/setuptools* {folders}/flit* 2>/dev/null || true").split() == []
    caches = "/root /tmp /src /var/lib/apt/lists /var/cache/apt"
    left = in_image(f"find {caches} -type f 2>/dev/null || true", "--user", "0:0").split()
    assert [path for path in left if not path.startswith(("/root/.bashrc", "/root/.profile"))] == []


def test_every_module_of_the_tool_is_compiled_and_none_can_be_changed(in_image):
    script = (
        "import pathlib, importlib.util as util; root = pathlib.Path('/opt/jenkins-scan/lib'); "
        "print([str(file) for file in root.rglob('*.py') if not pathlib.Path(util.cache_from_source(file)).exists()])"
    )
    assert in_image(f'python3 -c "{script}"').strip() == "[]"
    assert in_image("find /opt /usr/local -not -type l -writable").split() == []
