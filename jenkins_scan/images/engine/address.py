"""An engine's address, read once: `unix:///PATH`, `tcp://HOST:PORT` or `ssh://[USER@]HOST[:PORT]`, and nothing else."""

import re
from typing import Final
from urllib.parse import SplitResult, urlsplit

from jenkins_scan.errors import EngineSettingsError
from jenkins_scan.images.reference import shown

_HOST: Final = re.compile(r"[A-Za-z0-9._][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\]")
"""No dash first: a host is never to be taken for an option of some command."""
_USER: Final = re.compile(r"[A-Za-z0-9._][A-Za-z0-9._-]*")
_OTHER_SCHEMES: Final = {
    "http": "write it as tcp://HOST:PORT",
    "https": "write it as tcp://HOST:PORT and set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH",
}


def engine_url(text: str, reason: str) -> str:
    """`text` in the form that is spoken; `reason` says where it comes from.

    Raises `errors.EngineSettingsError` (2) for any other form, and for a password, which has no place in an address.
    """
    scheme, separator, rest = text.partition("://")
    if not separator and not text.startswith(("/", ".")):
        scheme, rest = "tcp", text  # as the docker command line reads a lone HOST:PORT
    if not text.isprintable():
        raise _refusal(text, reason, "it holds control characters")
    match scheme.lower():
        case "unix":
            return _unix_url(text, rest, reason)
        case "tcp":
            return _tcp_url(text, rest, reason)
        case "ssh":
            return _ssh_url(text, rest, reason)
        case _:
            raise _refusal(text, reason, _other_scheme(text, scheme.lower()))


def _other_scheme(text: str, scheme: str) -> str:
    hint = "write it as unix:///PATH" if text.startswith("/") else "only unix://, tcp:// and ssh:// are supported"
    return _OTHER_SCHEMES.get(scheme, hint)


def _unix_url(text: str, path: str, reason: str) -> str:
    if not path.strip("/") or any(mark in path for mark in "?#"):
        raise _refusal(text, reason, "it names no socket file")
    return f"unix:///{path.lstrip('/')}".rstrip("/")


def _tcp_url(text: str, rest: str, reason: str) -> str:
    parts, port = _split(text, f"tcp://{rest}", reason)
    host = parts.netloc.rpartition(":")[0]
    if "@" in rest:
        raise _refusal(text, reason, "user information has no place in it")
    if not port:
        raise _refusal(text, reason, "a port is required, as in tcp://HOST:2376")
    if not _HOST.fullmatch(host) or parts.path.strip("/") or parts.query or parts.fragment:
        raise _refusal(text, reason, "it has to be tcp://HOST:PORT and nothing more")
    return f"tcp://{host}:{port}"


def _ssh_url(text: str, rest: str, reason: str) -> str:
    parts, port = _split(text, f"ssh://{rest}", reason)
    user, at, place = parts.netloc.rpartition("@")
    if ":" in user:
        raise _refusal(text, reason, "a password has no place in it; ssh uses a key or an agent")
    if parts.path.strip("/"):
        raise _refusal(text, reason, "ssh:// takes no path; the remote user's own Docker settings name the socket")
    host = place if port is None else place.rpartition(":")[0]
    if not _HOST.fullmatch(host) or (at and not _USER.fullmatch(user)) or port == 0 or parts.query or parts.fragment:
        raise _refusal(text, reason, "it has to be ssh://[USER@]HOST[:PORT] and nothing more")
    return f"ssh://{user}{at}{host}" + ("" if port is None else f":{port}")


def _split(text: str, url: str, reason: str) -> tuple[SplitResult, int | None]:
    try:
        return (parts := urlsplit(url)), parts.port
    except ValueError as exc:
        raise _refusal(text, reason, "it is not a URL with a valid port") from exc


def _refusal(text: str, reason: str, why: str) -> EngineSettingsError:
    return EngineSettingsError(
        f"The engine {shown(text)} from {reason} cannot be used: {why}.",
        remedy="Write unix:///PATH/docker.sock, tcp://HOST:PORT or ssh://[USER@]HOST[:PORT].",
    )
