"""Real engines and registries of one's own for integration tests, recordings and the benchmark.

Each runs on its own socket or loopback port in its own folder, and is stopped by its process id. Debian's `docker.io`,
`podman` and `docker-registry` provide the binaries; root is needed.
"""

import hashlib
import http.client
import io
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import docker

from tests.support.docker_archives import tar_of

STARTS_WITHIN = 60.0
STOPS_WITHIN = 30.0
MANIFEST_TYPES = (
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
)


class EngineDidNotStart(Exception):
    """A binary is missing, or the process did not answer in time; holds the end of its log."""


@dataclass(frozen=True)
class DockerEngine:
    """A running engine with Docker's API: dockerd, or podman's service."""

    socket: Path
    process_id: int

    @property
    def host_url(self) -> str:
        return f"unix://{self.socket}"

    def client(self) -> docker.APIClient:
        client = docker.APIClient(base_url=self.host_url, version="1.41", timeout=60)
        client.trust_env = False
        return client


@dataclass(frozen=True)
class Registry:
    """A running registry on loopback, which dockerd takes as an insecure one by default."""

    address: str
    process_id: int

    def manifest(self, repository: str, tag: str) -> bytes:
        """The manifest as the registry holds it; without these types a registry 2.x answers with a schema 1 one."""
        connection = http.client.HTTPConnection(self.address, timeout=10)
        try:
            connection.request(
                "GET", f"/v2/{repository}/manifests/{tag}", headers={"Accept": ", ".join(MANIFEST_TYPES)}
            )
            response = connection.getresponse()
            body = response.read()
        finally:
            connection.close()
        if response.status != http.client.OK or response.headers.get_content_type() not in MANIFEST_TYPES:
            raise LookupError(f"{response.status} {response.headers.get_content_type()}: {body[:200]!r}")
        return body

    def manifest_digest(self, repository: str, tag: str) -> str:
        return f"sha256:{hashlib.sha256(self.manifest(repository, tag)).hexdigest()}"


@contextmanager
def running_dockerd(folder: Path, arguments: Sequence[str] = ()) -> Iterator[DockerEngine]:
    """A dockerd with all its files in `folder`, which has to be short: a socket's path has at most 107 characters."""
    folder.mkdir(parents=True, exist_ok=True)
    socket_path = folder / "docker.sock"
    command = [
        "dockerd",
        *("--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec", "--pidfile", f"{folder}/docker.pid"),
        *("-H", f"unix://{socket_path}", "--bridge=none", "--iptables=false", *arguments),
    ]
    try:
        with _running(command, folder, lambda: _answers(socket_path)) as process_id:
            yield DockerEngine(socket_path, process_id)
    finally:
        # dockerd leaves this behind once a container used the network of the machine; the folder could not be removed
        subprocess.run(["umount", f"{folder}/exec/netns/default"], stderr=subprocess.DEVNULL, check=False)


@contextmanager
def running_podman(folder: Path) -> Iterator[DockerEngine]:
    """Podman's Docker-compatible service with all its files in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    socket_path = folder / "podman.sock"
    command = [*podman(folder), "system", "service", "--time=0", f"unix://{socket_path}"]
    with _running(command, folder, lambda: _answers(socket_path)) as process_id:
        yield DockerEngine(socket_path, process_id)


def podman(folder: Path) -> list[str]:
    """The beginning of a podman command line that uses the storage in `folder`."""
    return [
        *("podman", "--root", f"{folder}/root", "--runroot", f"{folder}/run", "--tmpdir", f"{folder}/libpod"),
        *("--storage-driver=vfs", "--cgroup-manager=cgroupfs", "--events-backend=none"),
    ]


@contextmanager
def running_registry(
    folder: Path, port: int = 0, *, tls: tuple[Path, Path] | None = None, htpasswd: str | None = None
) -> Iterator[Registry]:
    """A registry with its blobs in `folder`; port 0 takes a free one.

    `tls` is its certificate with its key; `htpasswd` the lines of a file of users, whose hashes have to be bcrypt's.
    """
    folder.mkdir(parents=True, exist_ok=True)
    address = f"127.0.0.1:{port or free_port()}"
    settings = folder / "registry.yml"
    with_tls = "" if tls is None else f", tls: {{certificate: '{tls[0]}', key: '{tls[1]}'}}"
    auth = "" if htpasswd is None else f"auth: {{htpasswd: {{realm: Registry, path: {folder}/htpasswd}}}}\n"
    if htpasswd is not None:
        (folder / "htpasswd").write_text(htpasswd)
    settings.write_text(
        f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {folder}/blobs}}, delete: {{enabled: true}}}}\n"
        f"http: {{addr: '{address}'{with_tls}}}\n{auth}"
    )
    # Before it is asked for anything with TLS or a login, that it listens is enough.
    ready = _serves if tls is None and htpasswd is None else _listens
    with _running(["docker-registry", "serve", str(settings)], folder, lambda: ready(address)) as process_id:
        yield Registry(address, process_id)


def build_scratch_image(client: docker.APIClient, tag: str, files: Mapping[str, bytes]) -> str:
    """The id of an image built FROM scratch with these files in its root; nothing is fetched for it."""
    copies = "".join(f'COPY ["{name}", "/{name}"]\n' for name in files)
    context = {"Dockerfile": f"FROM scratch\n{copies}".encode(), **files}
    answers = list(
        client.build(fileobj=io.BytesIO(tar_of(context)), custom_context=True, tag=tag, rm=True, decode=True)
    )
    failed = [answer["error"] for answer in answers if "error" in answer]
    if failed:
        raise RuntimeError(f"build of {tag}: {failed[0]}")
    return str(client.inspect_image(tag)["Id"])


def clean_environment(folder: Path) -> dict[str, str]:
    """The environment of a process started here: no proxies, no Docker settings, a home of its own."""
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(folder), "TMPDIR": str(folder)}


@contextmanager
def _running(command: Sequence[str], folder: Path, ready: Callable[[], bool]) -> Iterator[int]:
    if shutil.which(command[0]) is None:
        raise EngineDidNotStart(f"{command[0]} is not installed (Debian: docker.io, podman, docker-registry)")
    log = folder / f"{command[0]}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=clean_environment(folder)
        )
    try:
        _wait_until(ready, process, log)
        yield process.pid
    finally:
        _stop(process)


def _wait_until(ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + STARTS_WITHIN
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            tail = log.read_text(errors="replace")[-2000:]
            raise EngineDidNotStart(f"{process.args!r} (exit {process.returncode}) does not answer:\n{tail}")
        time.sleep(0.1)


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOPS_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _answers(socket_path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        try:
            connection.connect(str(socket_path))
            connection.sendall(b"GET /_ping HTTP/1.0\r\nHost: localhost\r\n\r\n")
            return connection.recv(64).startswith((b"HTTP/1.0 200", b"HTTP/1.1 200"))
        except OSError:
            return False


def _serves(address: str) -> bool:
    connection = http.client.HTTPConnection(address, timeout=5)
    try:
        connection.request("GET", "/v2/")
        return connection.getresponse().status == http.client.OK
    except OSError:
        return False
    finally:
        connection.close()


def _listens(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=5):
            return True
    except OSError:
        return False


def free_port() -> int:
    """A loopback port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
