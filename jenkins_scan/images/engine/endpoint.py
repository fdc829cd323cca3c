"""Which container engine is asked, and why this one.

The order is the docker command line's own: `--docker-host`, `DOCKER_HOST`, `DOCKER_CONTEXT`, `currentContext` of
`config.json`, the default socket. TLS to a `tcp://` engine is always verified; there is no other mode.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jenkins_scan.errors import EngineSettingsError, EngineTLSError, EngineTLSMissing
from jenkins_scan.images.docker_config import DockerContext, config_folder, current_context, read_context
from jenkins_scan.images.engine.address import engine_url

DEFAULT_URL: Final = "unix:///var/run/docker.sock"
DEFAULT_REASON: Final = "default"
_READABLE: Final = "Point DOCKER_CERT_PATH at a folder with ca.pem, cert.pem and key.pem that this user may read."


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
    """An engine's address with the reason for it. The address never holds a password."""

    url: str
    """`unix:///PATH`, `tcp://HOST:PORT` or `ssh://[USER@]HOST[:PORT]`."""
    reason: str
    """`--docker-host`, `DOCKER_HOST`, `DOCKER_CONTEXT`, `currentContext of FILE`, `CONTAINER_HOST`, or a text that
    begins with `default`."""
    context: str | None = None
    """The Docker context that named it."""
    tls: EngineTLS | None = None
    warnings: tuple[str, ...] = ()

    def __str__(self) -> str:
        context = "" if self.context is None else f", context {self.context[:200]!a}"
        why = f"from {self.reason}" if self.is_named else f"the {self.reason}"
        return f"{self.url} ({why}{context})"

    @property
    def is_named(self) -> bool:
        """Whether somebody asked for this engine, and it is not just where engines usually are."""
        return self.context is not None or not self.reason.startswith(DEFAULT_REASON)

    @property
    def is_tcp(self) -> bool:
        """Whether it is `tcp://`: the engine may be another container, which starts when it likes."""
        return self.url.startswith("tcp://")

    @property
    def is_ssh(self) -> bool:
        """Whether it is `ssh://`."""
        return self.url.startswith("ssh://")

    @property
    def host_and_port(self) -> tuple[str, int]:
        """Host, without the brackets of an IPv6 address, and port of a `tcp://` address."""
        host, _, port = self.url.removeprefix("tcp://").rpartition(":")
        return host.strip("[]"), int(port)

    @property
    def socket(self) -> Path | None:
        """The path of the Unix socket; None for the others."""
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
    url = engine_url(host, reason)
    if not url.startswith("tcp://"):
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
    url = engine_url(context.host, f"{origin}, context {name[:200]!a}")
    if not url.startswith("tcp://"):
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
        kind = EngineTLSMissing if isinstance(exc, FileNotFoundError) else EngineTLSError
        raise kind(
            f"The TLS file {path} of the engine from {reason} cannot be read: {exc.strerror or type(exc).__name__}.",
            remedy=None if kind is EngineTLSMissing else _READABLE,
        ) from exc
    return path
