"""Where engines listen unless somebody said otherwise: root's socket and the rootless one, of Docker and of podman."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from jenkins_scan.images.engine.address import engine_url
from jenkins_scan.images.engine.endpoint import DEFAULT_REASON, DEFAULT_URL, EngineEndpoint

EngineName = Literal["docker", "podman"]


@dataclass(frozen=True, slots=True)
class DefaultPlaces:
    """The places that do not depend on the environment's variables."""

    docker: Path = Path(DEFAULT_URL.removeprefix("unix://"))
    podman: Path = Path("/run/podman/podman.sock")
    run_user: Path = Path("/run/user")
    """Holds the folder of each user who is logged in, for when XDG_RUNTIME_DIR is not set: a service has none."""
    user_id: int = field(default_factory=os.getuid)

    def of(self, engine: EngineName, environ: Mapping[str, str]) -> tuple[EngineEndpoint, ...]:
        """Where `engine` may listen, in the order to look.

        `CONTAINER_HOST`, podman's own variable, names the place of podman: then it is the only one. Raises
        `errors.EngineSettingsError` (2) when it cannot be followed.
        """
        if engine == "docker":
            return tuple(self._of_docker(environ))
        if named := environ.get("CONTAINER_HOST"):
            return (EngineEndpoint(engine_url(named, "CONTAINER_HOST"), "CONTAINER_HOST"),)
        return tuple(self._of_podman(environ))

    def _of_docker(self, environ: Mapping[str, str]) -> Iterator[EngineEndpoint]:
        yield _at(self.docker, DEFAULT_REASON)
        # Both are documented for rootless Docker, the second for Docker Desktop and a missing XDG_RUNTIME_DIR.
        yield _at(self._runtime_folder(environ) / "docker.sock", f"{DEFAULT_REASON} of rootless docker")
        home = Path(environ.get("HOME", ""))
        if home.is_absolute():
            yield _at(home / ".docker" / "run" / "docker.sock", f"{DEFAULT_REASON} in HOME")

    def _of_podman(self, environ: Mapping[str, str]) -> Iterator[EngineEndpoint]:
        own = _at(self._runtime_folder(environ) / "podman" / "podman.sock", f"{DEFAULT_REASON} of rootless podman")
        shared = _at(self.podman, f"{DEFAULT_REASON} of podman")
        yield from (shared, own) if self.user_id == 0 else (own, shared)

    def _runtime_folder(self, environ: Mapping[str, str]) -> Path:
        # A relative one would be looked up in the workspace, which is not trusted.
        named = Path(environ.get("XDG_RUNTIME_DIR", ""))
        return named if named.is_absolute() else self.run_user / str(self.user_id)


def _at(path: Path, reason: str) -> EngineEndpoint:
    return EngineEndpoint(f"unix://{path}", reason)
