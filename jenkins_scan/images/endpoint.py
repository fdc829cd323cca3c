"""Which container engine is asked, and why this one.

The order is the docker command line's own: `--docker-host`, `DOCKER_HOST`, `DOCKER_CONTEXT`, `currentContext` of
`config.json`, the default socket. TLS to a `tcp://` engine is always verified; there is no other mode.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from jenkins_scan.errors import EngineSettingsError, EngineTLSError
from jenkins_scan.images.docker_config import DockerContext, config_folder, current_context, read_context
from jenkins_scan.images.reference import shown

DEFAULT_URL: Final = "unix:///var/run/docker.sock"
DEFAULT_REASON: Final = "default"

_TCP_HOST: Final = re.compile(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]")
_OTHER_SCHEMES: Final = {
    "ssh": "ssh:// engines are not supported yet; forward the socket instead and name it as unix://PATH",
    "http": "write it as tcp://HOST:PORT",
    "https": "write it as tcp://HOST:PORT and set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH",
}


@dataclass(frozen=True, slots=True)
class EngineTLS:
    """The files of a verified TLS connection; each was readable when the endpoint was chosen."""

    ca: Path | None
    """The authority that the engine's certificate has to come from; None: the public ones."""
    cert: Path | None
    key: Path | None
    """Client certificate and key: both or none."""

    @property
    def paths(self) -> tuple[Path | None, Path | None, Path | None]:
        """Authority, certificate and key."""
        return self.ca, self.cert, self.key


@dataclass(frozen=True, slots=True)
class EngineEndpoint:
    """An engine's address with the reason for it. The address never holds user information."""

    url: str
    """`unix:///PATH` or `tcp://HOST:PORT`."""
    reason: str
    """`--docker-host`, `DOCKER_HOST`, `DOCKER_CONTEXT`, `currentContext of FILE` or `default`."""
    context: str | None = None
    """The Docker context that named it."""
    tls: EngineTLS | None = None
    warnings: tuple[str, ...] = ()

    def __str__(self) -> str:
        context = "" if self.context is None else f", context {self.context[:200]!a}"
        why = "the default" if self.reason == DEFAULT_REASON else f"from {self.reason}"
        return f"{self.url} ({why}{context})"

    @property
    def socket(self) -> Path | None:
        """The path of the Unix socket; None for `tcp://`."""
        return Path(self.url.removeprefix("unix://")) if self.url.startswith("unix://") else None


def choose_endpoint(docker_host: str | None, environ: Mapping[str, str]) -> EngineEndpoint:
    """The engine to ask. `docker_host` is the value of `--docker-host`.

    Raises `errors.EngineSettingsError` (2) for settings that cannot be followed, `errors.EngineTLSError` (13) for
    missing TLS files.
    """
    folder = config_folder(environ)
    if docker_host is not None:
        return _named(docker_host, "--docker-host", environ, folder)
    if host := environ.get("DOCKER_HOST"):
        return _named(host, "DOCKER_HOST", environ, folder)
    if name := environ.get("DOCKER_CONTEXT"):
        return _of_context(name, "DOCKER_CONTEXT", folder)
    current = None if folder is None else current_context(folder)
    if current is not None:
        name, path = current
        return _of_context(name, f"currentContext of {path}", folder)
    return EngineEndpoint(DEFAULT_URL, DEFAULT_REASON)


def _named(host: str, reason: str, environ: Mapping[str, str], folder: Path | None) -> EngineEndpoint:
    url = _engine_url(host, reason)
    if url.startswith("unix://"):
        return EngineEndpoint(url, reason)
    cert_path, verify = environ.get("DOCKER_CERT_PATH", ""), environ.get("DOCKER_TLS_VERIFY", "")
    if (
        not cert_path and not verify
    ):  # any other text, "0" and "false" too, means yes: so reads it the docker command line
        return EngineEndpoint(url, reason)
    place = Path(cert_path) if cert_path else folder
    if place is None or not place.is_absolute():
        raise EngineSettingsError(
            f"The TLS files of the engine cannot be found: DOCKER_CERT_PATH is {cert_path[:200]!a}.",
            remedy="Set DOCKER_CERT_PATH to the absolute path of the folder with ca.pem, cert.pem and key.pem.",
        )
    tls = EngineTLS(*(_readable(place / name, reason) for name in ("ca.pem", "cert.pem", "key.pem")))
    unasked = "DOCKER_CERT_PATH is set without DOCKER_TLS_VERIFY: the engine's certificate is verified all the same."
    return EngineEndpoint(url, reason, tls=tls, warnings=() if verify else (unasked,))


def _of_context(name: str, origin: str, folder: Path | None) -> EngineEndpoint:
    if name == "default":
        return EngineEndpoint(DEFAULT_URL, origin, context=name)
    context = read_context(name, origin, folder)
    url = _engine_url(context.host, f"{origin}, context {name[:200]!a}")
    if url.startswith("unix://"):
        return EngineEndpoint(url, origin, context=name)
    ignored = f"SkipTLSVerify of context {name[:200]!a} is ignored: the engine's certificate is always verified."
    warnings = (ignored,) if context.skip_tls_verify else ()
    return EngineEndpoint(url, origin, context=name, tls=_tls_of_context(context, origin), warnings=warnings)


def _tls_of_context(context: DockerContext, origin: str) -> EngineTLS | None:
    ca, cert, key = (context.tls_folder / name for name in ("ca.pem", "cert.pem", "key.pem"))
    pair = cert.exists() or key.exists()
    if not pair and not ca.exists() and not context.skip_tls_verify:
        return None
    return EngineTLS(
        ca=_readable(ca, origin) if ca.exists() else None,
        cert=_readable(cert, origin) if pair else None,
        key=_readable(key, origin) if pair else None,
    )


def _readable(path: Path, reason: str) -> Path:
    try:
        with path.open("rb") as file:
            file.read(1)
    except OSError as exc:
        raise EngineTLSError(
            f"The TLS file {path} of the engine from {reason} cannot be read: {exc.strerror or type(exc).__name__}.",
            remedy="Point DOCKER_CERT_PATH at a folder with ca.pem, cert.pem and key.pem that this user may read.",
        ) from exc
    return path


def _engine_url(text: str, reason: str) -> str:
    """`text` as `unix:///PATH` or `tcp://HOST:PORT`, the two forms that are spoken."""
    scheme, separator, rest = text.partition("://")
    if not separator and not text.startswith(("/", ".")):
        scheme, rest = "tcp", text  # as the docker command line reads a lone HOST:PORT
    if not text.isprintable():
        raise _refusal(text, reason, "it holds control characters")
    if scheme.lower() == "unix":
        return _unix_url(text, rest, reason)
    if scheme.lower() == "tcp":
        return _tcp_url(text, rest, reason)
    hint = "write it as unix:///PATH" if text.startswith("/") else "only unix:// and tcp:// are supported"
    raise _refusal(text, reason, _OTHER_SCHEMES.get(scheme.lower(), hint))


def _unix_url(text: str, path: str, reason: str) -> str:
    if not path.strip("/") or any(mark in path for mark in "?#"):
        raise _refusal(text, reason, "it names no socket file")
    return f"unix:///{path.lstrip('/')}".rstrip("/")


def _tcp_url(text: str, rest: str, reason: str) -> str:
    try:
        parts = urlsplit(f"tcp://{rest}")
        host, port = parts.netloc.rpartition(":")[0], parts.port
    except ValueError as exc:
        raise _refusal(text, reason, "it is not a URL with a valid port") from exc
    if "@" in rest:
        raise _refusal(text, reason, "user information has no place in it")
    if not port:
        raise _refusal(text, reason, "a port is required, as in tcp://HOST:2376")
    if not _TCP_HOST.fullmatch(host) or parts.path.strip("/") or parts.query or parts.fragment:
        raise _refusal(text, reason, "it has to be tcp://HOST:PORT and nothing more")
    return f"tcp://{host}:{port}"


def _refusal(text: str, reason: str, why: str) -> EngineSettingsError:
    return EngineSettingsError(
        f"The engine {shown(text)} from {reason} cannot be used: {why}.",
        remedy="Write unix:///PATH/docker.sock or tcp://HOST:PORT.",
    )
