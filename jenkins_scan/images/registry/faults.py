"""Why a registry did not give what was asked: each failure as an error that names the registry and what was tried.

Failures of the connection are known by the system's exception, found along `__cause__` and `__context__`. No message
holds a URL's query: the places that registries redirect to are signed there.
"""

import socket
import ssl
from collections.abc import Mapping
from typing import Any, Final, Protocol

from jenkins_scan import untrusted_json
from jenkins_scan.causes import causes, speaks_no_tls
from jenkins_scan.errors import ImageError, ImageNotFound, RegistryRefused
from jenkins_scan.images.registry.address import RegistryAddress
from jenkins_scan.plain_text import excerpt

UNAUTHORIZED: Final = 401
FORBIDDEN: Final = 403
NOT_FOUND: Final = 404
TOO_MANY_REQUESTS: Final = 429

_LONGEST_REASON: Final = 200
_API_HEADER: Final = "docker-distribution-api-version"
_CHECK: Final = "Check the name, DNS and routes from this agent, and HTTPS_PROXY, ALL_PROXY and NO_PROXY."


class HttpAnswer(Protocol):
    """What an error needs of an answer."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Names in any case."""
        ...

    @property
    def body(self) -> bytes:
        """As much of it as was read."""
        ...


def lacks_tls(exc: BaseException) -> bool:
    """Whether the peer answered the TLS handshake with something that is no TLS."""
    links = [link for link in causes(exc) if isinstance(link, ssl.SSLError)]
    return any(map(speaks_no_tls, links))


def hung_up(exc: BaseException) -> bool:
    """Whether the peer closed the connection."""
    return any(isinstance(link, ssl.SSLEOFError | ConnectionResetError | BrokenPipeError) for link in causes(exc))


def may_pass(exc: BaseException) -> bool:
    """Whether a failed connection may succeed a moment later: not one to a name that does not exist, or without TLS."""
    for link in causes(exc):
        if isinstance(link, socket.gaierror):
            return link.errno == socket.EAI_AGAIN
        if isinstance(link, ssl.SSLError):
            return isinstance(link, ssl.SSLEOFError)
    return True


def unreachable(exc: BaseException, host: str, trusted: str, *, proxied: bool) -> RegistryRefused:
    """The error (13) for a connection that failed with `exc`; `trusted` names the authorities that were asked.

    With `proxied` the connection was one to a proxy of the environment.
    """
    if proxied and not any(isinstance(link, ssl.SSLError) for link in causes(exc)):
        return RegistryRefused(
            f"{host} was asked through the proxy that HTTPS_PROXY or ALL_PROXY names, which cannot be reached.",
            remedy="Check the proxy, or add the registry's host to NO_PROXY.",
        )
    for link in causes(exc):
        if isinstance(link, ssl.SSLError):
            return _tls(link, host, trusted)
        if isinstance(link, socket.gaierror):
            return RegistryRefused(f"The registry host {host} does not resolve.", remedy=_CHECK)
        if isinstance(link, ConnectionRefusedError):
            return RegistryRefused(f"Nobody listens at {host}: connection refused.", remedy=_CHECK)
        if isinstance(link, OSError):
            return RegistryRefused(f"{host} cannot be reached: {link.strerror or type(link).__name__}.", remedy=_CHECK)
    return RegistryRefused(f"The connection to {host} broke off: {type(exc).__name__}.", remedy=_CHECK)


def silent(host: str) -> RegistryRefused:
    """The error (13) for an answer that did not come, or did not end, in time."""
    return RegistryRefused(f"{host} gave no whole answer in time.", remedy=_CHECK)


def proxy_refused(status: str, host: str) -> RegistryRefused:
    """The error (13) for a proxy that did not connect us to `host`; `status` is its HTTP status, if it gave one."""
    # What stands behind the status is the proxy's own text, and may repeat the credentials it got.
    said = f" (HTTP {status})" if status.isdigit() else ""
    return RegistryRefused(
        f"The proxy did not connect to {host}{said}.",
        remedy="Check HTTPS_PROXY and ALL_PROXY, or add the registry's host to NO_PROXY.",
    )


def busy(status: int, host: str, after: float | None, body: bytes) -> RegistryRefused:
    """The error (13) for 429 or 5xx after all tries; `after` is the wait in seconds that the registry asked for."""
    wait = "" if after is None else f"; it asks to wait {after:g} s"
    limited = "too many requests" if status == TOO_MANY_REQUESTS else "it has a fault of its own"
    remedy = "Try again later. A login or a mirror may have a higher limit." if status == TOO_MANY_REQUESTS else None
    return RegistryRefused(
        f"{host} answered with HTTP {status} to every try ({limited}{wait}){_said(body)}.",
        remedy=remedy or "Try again later, and look into the registry's log.",
    )


def no_registry(host: str, what: str) -> RegistryRefused:
    """The error (13) for an answer that no registry would give."""
    return RegistryRefused(
        f"What answers at {host} is no image registry: {what}.",
        remedy="Check the host and port in the image's name, and whether a proxy or a sign-in page answers instead.",
    )


def not_admitted(address: RegistryAddress, why: str, tried: str) -> RegistryRefused:
    """The error (13) for a registry that does not let us read; `tried` says with which credentials."""
    return RegistryRefused(
        f"The registry {address.name} does not let us read {address.path}: {why}; asked {tried}.",
        remedy=f"Check that the repository exists, and log in with `docker login {address.name}` as the user of this "
        "build.",
    )


def failed(answer: HttpAnswer, address: RegistryAddress, what: str, tried: str) -> ImageError:
    """The error (13) for an answer that is no success; `what` was asked for."""
    status, body = answer.status, answer.body
    if status in (UNAUTHORIZED, FORBIDDEN):
        return not_admitted(address, f"HTTP {status}{_said(body)}", tried)
    if status == NOT_FOUND and (_errors(body) is not None or _API_HEADER in answer.headers):
        return ImageNotFound(
            f"The registry {address.name} has no {what} in {address.path}{_said(body)}; asked {tried}.",
            remedy="Push it first, or check its name. Some registries say so too when a login lacks: "
            f"`docker login {address.name}`.",
        )
    if status == NOT_FOUND:
        return no_registry(address.host, "it answered HTTP 404 without a registry's error")
    return RegistryRefused(
        f"The registry {address.name} answered the request for {what} in {address.path} with HTTP {status}"
        f"{_said(body)}.",
        remedy="Look into the registry's log.",
    )


def _tls(exc: ssl.SSLError, host: str, trusted: str) -> RegistryRefused:
    if speaks_no_tls(exc):
        return RegistryRefused(
            f"{host} does not speak TLS; plain http is spoken on this machine's loopback alone.",
            remedy="Give the registry a certificate: what plain http brings could be anybody's image.",
        )
    reason = getattr(exc, "verify_message", None) or exc.reason or type(exc).__name__
    return RegistryRefused(
        f"No TLS with {host}, verified against {trusted}: {excerpt(str(reason), _LONGEST_REASON)}.",
        remedy="Name the CA that signed its certificate with --ca-bundle FILE or SSL_CERT_FILE, or put it into "
        f"/etc/docker/certs.d/{host}/ca.crt. There is no way to skip verification.",
    )


def _errors(body: bytes) -> list[Any] | None:
    """The list of errors that a registry answers with; None when the body holds none."""
    try:
        parsed = untrusted_json.parse(body)
    except ValueError:
        return None
    errors = parsed.get("errors") if isinstance(parsed, dict) else None
    return errors if isinstance(errors, list) else None


def _said(body: bytes) -> str:
    """The first of those errors, as an addition to a sentence; empty when there is none."""
    first = next(iter(_errors(body) or ()), None)
    if not isinstance(first, dict):
        return ""
    parts = [part for part in (first.get("code"), first.get("message")) if isinstance(part, str) and part]
    return f" ({excerpt(': '.join(parts), _LONGEST_REASON)})" if parts else ""
