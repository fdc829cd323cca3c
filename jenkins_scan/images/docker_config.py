"""The Docker client's own files: `config.json` and the store of contexts, read only from absolute folders.

The Docker SDK falls back to the default socket when a context is missing or a file is broken, and looks for contexts
under the current folder when there is no `config.json`: in a workspace that is the author's content. Here each of these
ends with `errors.EngineSettingsError` (2), as the docker command line fails too.
"""

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from jenkins_scan import untrusted_json
from jenkins_scan.errors import EngineSettingsError, UsageError

_LARGEST_FILE: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class DockerContext:
    """What a context says about its engine."""

    host: str
    tls_folder: Path
    """Where its `ca.pem`, `cert.pem` and `key.pem` are, if it has any."""
    skip_tls_verify: bool


def config_folder(environ: Mapping[str, str]) -> Path | None:
    """`DOCKER_CONFIG`, else `.docker` in `HOME`; None when neither is known."""
    named = environ.get("DOCKER_CONFIG", "")
    if named and not Path(named).is_absolute():
        raise EngineSettingsError(
            f"DOCKER_CONFIG {named[:200]!a} is not an absolute path.",
            remedy="Write the whole path: a relative one would be looked up in the workspace, which is not trusted.",
        )
    if named:
        return Path(named)
    home = Path(environ.get("HOME", ""))
    # Agents in containers run as any user, often with the HOME of another: what may not be looked into is not ours.
    return home / ".docker" if home.is_absolute() and os.access(home, os.X_OK) else None


def current_context(folder: Path) -> tuple[str, Path] | None:
    """The `currentContext` of `config.json` with that file's path; None when none is named."""
    path = folder / "config.json"
    body = read_object(path, _broken)
    name = None if body is None else body.get("currentContext")
    if name is not None and not isinstance(name, str):
        raise _broken(path, "currentContext is not a text")
    return (name, path) if name else None


def read_context(name: str, origin: str, folder: Path | None) -> DockerContext:
    """The context `name`, which `origin` asked for."""
    key = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    path = None if folder is None else folder / "contexts" / "meta" / key / "meta.json"
    body = None if path is None else read_object(path, _broken)
    if folder is None or path is None or body is None:
        where = "neither DOCKER_CONFIG nor HOME names a folder" if path is None else f"looked for {path}"
        raise EngineSettingsError(
            f"Docker context {name[:200]!a} not found (name from {origin}): {where}.",
            remedy="`docker context ls` lists what there is. DOCKER_CONTEXT=default means the default socket.",
        )
    if body.get("Name") != name:
        raise _broken(path, "it is the metadata of another context")
    endpoints = body.get("Endpoints")
    endpoint = endpoints.get("docker") if isinstance(endpoints, dict) else None
    host = endpoint.get("Host") if isinstance(endpoint, dict) else None
    if not isinstance(endpoint, dict) or not isinstance(host, str) or not host:
        raise _broken(path, "it names no docker endpoint")
    return DockerContext(
        host=host,
        tls_folder=folder / "contexts" / "tls" / key / "docker",
        skip_tls_verify=endpoint.get("SkipTLSVerify") is True,
    )


def read_object(path: Path, broken: Callable[[Path, str], UsageError]) -> dict[str, Any] | None:
    """The JSON object in a file of the docker or podman client; None when the file is missing or empty, as for them.

    Raises what `broken` makes of the path and the reason.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_FILE + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as exc:
        raise broken(path, exc.strerror or type(exc).__name__) from exc
    if len(data) > _LARGEST_FILE:
        raise broken(path, f"it is larger than {_LARGEST_FILE} bytes")
    if not data.strip():
        return None
    try:
        body = untrusted_json.parse(data)
    except ValueError as exc:
        raise broken(path, "it is not JSON") from exc
    if not isinstance(body, dict):
        raise broken(path, "it is not a JSON object")
    return cast("dict[str, Any]", body)


def _broken(path: Path, why: str) -> EngineSettingsError:
    return EngineSettingsError(
        f"{path} cannot be read: {why}.",
        remedy="Repair the file, or name the engine with --docker-host or DOCKER_HOST: then it is not read.",
    )
