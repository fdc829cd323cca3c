"""Make a tiny image for `make demo` and print the reference to scan, within ten seconds.

With a Docker engine the image is built there; without one the same image is written as an archive, in the format of
`docker save`. Which of the two it was, and why, is said on stderr.
"""

import hashlib
import io
import json
import os
import signal
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from types import FrameType
from typing import Final

import docker
from docker.errors import BuildError, DockerException
from docker.tls import TLSConfig
from requests import RequestException

from jenkins_scan.errors import ScanError
from jenkins_scan.images.engine.endpoint import EngineEndpoint, choose_endpoint

NAME: Final = "jenkins-scan-demo/app:1"
ROOT: Final = Path(__file__).resolve().parents[1]
ARCHIVE: Final = Path("build/demo/app.tar")
FILES: Final = {"hello.txt": b"Hello from the jenkins-scan demo.\n"}
DOCKERFILE: Final = b"FROM scratch\nCOPY hello.txt /hello.txt\n"
REQUEST_LIMIT: Final = 3
"""Seconds that one answer of the engine may take."""
ENGINE_LIMIT: Final = 7
"""Seconds for all that is tried with the engine."""


def tar_of(files: Mapping[str, bytes]) -> bytes:
    """A tar of these files, the same bytes on every run."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def archive() -> bytes:
    """The image in the format of `docker save`."""
    layer = tar_of(FILES)
    diff_id = hashlib.sha256(layer).hexdigest()
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {},
            "created": "1970-01-01T00:00:00Z",
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{diff_id}"]},
            "history": [{"created": "1970-01-01T00:00:00Z", "created_by": "COPY hello.txt /hello.txt"}],
        }
    ).encode()
    config_name, layer_name = f"{hashlib.sha256(config).hexdigest()}.json", f"{diff_id}/layer.tar"
    manifest = json.dumps([{"Config": config_name, "RepoTags": [NAME], "Layers": [layer_name]}]).encode()
    return tar_of({config_name: config, layer_name: layer, "manifest.json": manifest})


def connect(endpoint: EngineEndpoint, version: str) -> docker.APIClient:
    """A client of this engine that speaks this API version. Nothing is sent yet."""
    tls = endpoint.tls and TLSConfig(
        client_cert=(str(endpoint.tls.cert), str(endpoint.tls.key)) if endpoint.tls.cert else None,
        ca_cert=str(endpoint.tls.ca) if endpoint.tls.ca else None,
        verify=True,
    )
    client = docker.APIClient(base_url=endpoint.url, version=version, timeout=REQUEST_LIMIT, tls=tls or False)
    client.trust_env = False  # neither a proxy nor another CA bundle stands between this machine and its engine
    return client


def build(endpoint: EngineEndpoint) -> None:
    """Build the image on the engine. Raises what the SDK and its HTTP library raise."""
    with closing(connect(endpoint, "1.41")) as client:
        version = client.version(api_version=False)["ApiVersion"]
    with closing(connect(endpoint, version)) as client:
        context = io.BytesIO(tar_of({"Dockerfile": DOCKERFILE, **FILES}))
        for line in client.build(fileobj=context, custom_context=True, tag=NAME, rm=True, decode=True):
            if "error" in line:
                raise BuildError(line["error"], iter(()))


def give_up(_signum: int, _frame: FrameType | None) -> None:
    """The handler of the alarm."""
    raise TimeoutError(f"no image within {ENGINE_LIMIT} s")


def main() -> None:
    """Print the reference of the image that is there now."""
    signal.signal(signal.SIGALRM, give_up)
    try:
        endpoint = choose_endpoint(None, os.environ)
        with tempfile.TemporaryDirectory() as empty:
            os.environ["DOCKER_CONFIG"] = empty  # the SDK would send every registry login it finds along with the build
            signal.alarm(ENGINE_LIMIT)
            try:
                build(endpoint)
            finally:
                signal.alarm(0)
    except (ScanError, DockerException, RequestException, OSError) as exc:
        (ROOT / ARCHIVE).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / ARCHIVE).write_bytes(archive())
        why = exc if isinstance(exc, ScanError | TimeoutError | BuildError) else f"none answered ({type(exc).__name__})"
        print(f"demo: no Docker engine to build on: {why}. Wrote {ARCHIVE} instead.", file=sys.stderr)
        print(f"docker-archive://{ARCHIVE}")
    else:
        print(f"demo: built {NAME} on the Docker engine at {endpoint}", file=sys.stderr)
        print(NAME)


if __name__ == "__main__":
    main()
