"""Records what real engines say about one small image, before and after a push.

Run as root, with Debian's `docker.io`, `podman` and `docker-registry` installed::

    python -m scripts.record_inspect_bodies

It starts its own engines and registry in a temporary folder, and writes `tests/contract/images/bodies/`. The other
bodies there are constructed from the Engine API's version history, and say so.
"""

import json
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import docker

from tests.support import engines

BODIES: Final = Path(__file__).parents[1] / "tests" / "contract" / "images" / "bodies"
NAME: Final = "team/app"
FILES: Final = {"hello.txt": b"A file to be recorded.\n" * 512}
PORT: Final = 5055
"""Fixed, as the registry's address is part of the recorded names."""
INFO_FIELDS: Final = ("Driver", "DriverStatus")
VERSION_FIELDS: Final = ("Version", "ApiVersion", "MinAPIVersion", "Os", "Arch")
COMPONENT_FIELDS: Final = ("Name", "Version")
"""The rest tells of the recording machine."""


def record(client: docker.APIClient, name: str, version: str, label: str, folder: Path) -> None:
    """Writes `label`.json with the answers to version, info and inspect."""
    stated, info = client.version(api_version=False), client.info()
    podman = version.startswith("podman")
    components = [{key: part[key] for key in COMPONENT_FIELDS} for part in stated["Components"]]
    body = {
        "engine": version,
        "version": {"Components": components, **{key: stated[key] for key in VERSION_FIELDS}},
        "info": {key: info.get(key) for key in INFO_FIELDS},
        "store": "podman" if podman else "graphdriver",
        "constructed": False,
        "reference": name,
        "inspect": client.inspect_image(name),  # type: ignore[no-untyped-call]  # types-docker leaves it out
    }
    text = json.dumps(body, indent=2, sort_keys=True).replace(str(folder), "/var/lib/recorded")
    (BODIES / f"{label}.json").write_text(text + "\n", encoding="utf-8")
    print(f"recorded {label}.json")


def record_docker(folder: Path, address: str) -> None:
    """Docker: `RepoDigests` is empty until the push."""
    name = f"{address}/{NAME}:1"
    with engines.running_dockerd(folder) as engine, closed(engine.client()) as client:
        engines.build_scratch_image(client, name, FILES)
        record(client, name, "docker 20.10", "docker20.10-unpushed", folder)
        for answer in client.push(name, stream=True, decode=True):
            check(answer)
        record(client, name, "docker 20.10", "docker20.10-pushed", folder)


def record_podman(folder: Path, address: str) -> None:
    """Podman: `RepoDigests` holds a local digest before the push, and after it."""
    name = f"{address}/{NAME}:1"
    with engines.running_podman(folder) as engine, closed(engine.client()) as client:
        engines.build_scratch_image(client, name, FILES)
        record(client, name, "podman 4.3", "podman4.3-unpushed", folder)
        push = [*engines.podman(folder), "push", "--tls-verify=false", name]
        environment = engines.clean_environment(folder)
        subprocess.run(push, check=True, env=environment, stdin=subprocess.DEVNULL)  # noqa: S603  no text from outside
        record(client, name, "podman 4.3", "podman4.3-pushed", folder)


def check(answer: dict[str, Any]) -> None:
    """Raises where an engine's progress line reports an error."""
    if "error" in answer:
        raise RuntimeError(answer["error"])


@contextmanager
def closed(client: docker.APIClient) -> Iterator[docker.APIClient]:
    """The client, closed at the end."""
    try:
        yield client
    finally:
        client.close()


def main() -> None:
    """Records all four bodies."""
    BODIES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="record-") as place:
        folder = Path(place)
        with engines.running_registry(folder / "registry", PORT) as registry:
            record_docker(folder / "docker", registry.address)
            record_podman(folder / "podman", registry.address)
            print(f"the registry holds {registry.manifest_digest(NAME, '1')} (pushed by podman)")


if __name__ == "__main__":
    main()
