"""The way to the endpoint, step by step: names, connections, a proxy's tunnel. Each failure names its step."""

import contextlib
import http.client
import re
import socket
import ssl
from base64 import b64encode
from collections.abc import Iterator
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from jenkins_scan.doctor.proxy import DEFAULT_PORTS, Proxy
from jenkins_scan.errors import ServiceUnreachable
from jenkins_scan.plain_text import one_line
from jenkins_scan.security_center.endpoints import Endpoint

STEP: Final = 3.0
"""Seconds for a connect, and for each answer."""
_STATUS: Final = re.compile(r"Tunnel connection failed: (\d{3})")
_DNS: Final = "Check the name server of this agent and, in a container, its network."


def host_and_port(parts: SplitResult) -> tuple[str, int]:
    """The host and the port of a URL, the default one where it names none."""
    return parts.hostname or "", parts.port or DEFAULT_PORTS[parts.scheme]


def addresses(host: str, port: int, of_what: str) -> list[str]:
    """The addresses of a host, at least one. Raises `ServiceUnreachable` (15) when the name has none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as exc:
        why = one_line(getattr(exc, "strerror", None) or type(exc).__name__, 100)
        remedy = f"{_DNS} Where only a proxy may look names up, set HTTPS_PROXY." if of_what == "endpoint" else _DNS
        raise ServiceUnreachable(f"DNS: the {of_what} {host} does not resolve: {why}.", remedy=remedy) from exc
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


@contextlib.contextmanager
def opened(endpoint: Endpoint, proxy: Proxy | None) -> Iterator[socket.socket]:
    """A connection to the endpoint, by the tunnel of a proxy where there is one. Raises `ServiceUnreachable` (15)."""
    host, port = host_and_port(urlsplit(endpoint.url))
    with contextlib.closing(_connected(host, port) if proxy is None else _tunnel(host, port, proxy)) as raw:
        yield raw


def _connected(host: str, port: int) -> socket.socket:
    try:
        return socket.create_connection((host, port), timeout=STEP)
    except OSError as exc:
        raise ServiceUnreachable(
            f"TCP: no connection to {host} port {port}: {why(exc)}.",
            remedy="Let firewalls on the way pass it, or set HTTPS_PROXY; within Alibaba Cloud --vpc may be the way. "
            "What is to listen on this machine has to be started.",
        ) from exc


def _tunnel(host: str, port: int, proxy: Proxy) -> socket.socket:
    place, door = host_and_port(proxy.parts)
    connection = http.client.HTTPConnection(place, door, timeout=STEP)
    connection.set_tunnel(host, port, headers=_authorization(proxy))
    try:
        connection.connect()
    except (OSError, http.client.HTTPException) as exc:
        connection.close()
        raise _no_tunnel(exc, proxy) from exc
    return connection.sock


def _no_tunnel(exc: Exception, proxy: Proxy) -> ServiceUnreachable:
    refused = _STATUS.match(str(exc))  # what stands behind the status is the proxy's own text
    if refused is None:
        return ServiceUnreachable(
            f"the proxy {proxy} cannot be reached or gives no tunnel: {why(exc)}.",
            remedy=f"Correct {proxy.variable}, start the proxy, or name the endpoint in NO_PROXY if none is needed.",
        )
    login = "Give it its user and password in the URL. " if refused[1] == "407" else ""
    return ServiceUnreachable(
        f"the proxy {proxy} refuses the way to the endpoint with HTTP {refused[1]}.",
        remedy=f"{login}Have the proxy let CONNECT to the endpoint pass, or correct {proxy.variable}.",
    )


def _authorization(proxy: Proxy) -> dict[str, str]:
    user, password = proxy.parts.username, proxy.parts.password
    if user is None:
        return {}
    login = f"{unquote(user)}:{unquote(password or '')}"
    return {"Proxy-Authorization": f"Basic {b64encode(login.encode()).decode()}"}


def why(exc: Exception) -> str:
    """The system's own word for it."""
    if isinstance(exc, TimeoutError):
        return f"no answer within {STEP:g} s"
    if isinstance(exc, ssl.SSLError):
        return one_line((getattr(exc, "reason", None) or type(exc).__name__).lower().replace("_", " "), 100)
    return one_line(getattr(exc, "strerror", None) or type(exc).__name__, 100)
