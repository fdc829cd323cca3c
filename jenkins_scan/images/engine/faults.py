"""Why an engine did not answer: each failure of the connection as an error that names the endpoint and its reason.

A failure is known by its exception class or HTTP status, found along `__cause__` and `__context__`: the libraries wrap
the system's error three or four times, and their message texts change.
"""

import http.client
import socket
import ssl
from collections.abc import Callable
from typing import Final

import requests
import urllib3

from jenkins_scan import untrusted_json
from jenkins_scan.causes import causes
from jenkins_scan.errors import EngineAbsent, EngineTLSError, EngineUnreachable, ImageError
from jenkins_scan.images.engine import ssh_faults, tls
from jenkins_scan.images.engine.endpoint import EngineEndpoint

_LONGEST_REASON: Final = 300
_BAD_REQUEST: Final = 400
_REFUSED_STATUSES: Final = (401, 403, 407)


def explain(exc: BaseException, endpoint: EngineEndpoint, timeout: float) -> ImageError:
    """The error (13) for a request that failed with `exc`; `timeout` is the limit in seconds that applied."""
    for link in causes(exc):
        if endpoint.is_ssh and (refusal := ssh_faults.explain_ssh(link, endpoint)) is not None:
            return refusal
        for kind, describe in _TABLE:
            if isinstance(link, kind):
                return describe(link, endpoint, timeout)
    return EngineUnreachable(
        f"The engine at {endpoint} cannot be asked: {_clean(str(exc) or type(exc).__name__)}.",
        remedy="Check that `docker version` answers with the same settings.",
    )


def refused(status: int, body: bytes, endpoint: EngineEndpoint, path: str) -> ImageError:
    """The error (13) for an answer with an HTTP status that is no success."""
    if status == _BAD_REQUEST and path == "/version" and endpoint.socket is None and endpoint.tls is None:
        return EngineTLSError(
            f"The engine at {endpoint} refused plain HTTP: {_said(body)}.",
            remedy="It probably expects TLS: set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH to the folder with ca.pem, "
            "cert.pem and key.pem.",
        )
    remedy = "Look into the engine's own log."
    if status in _REFUSED_STATUSES:
        remedy = "An authorisation plugin or a socket proxy is in between: let it pass GET /version, /info and /images."
    return EngineUnreachable(
        f"The engine at {endpoint} answered {path} with HTTP {status}: {_said(body)}.", remedy=remedy
    )


def no_engine(endpoint: EngineEndpoint, what: str) -> EngineUnreachable:
    """The error (13) for an answer that no engine would give."""
    return EngineUnreachable(
        f"What answers at {endpoint} is no container engine: {what}.",
        remedy="Check the address; `docker version` has to answer with the same settings.",
    )


def may_be_starting(error: ImageError, endpoint: EngineEndpoint) -> bool:
    """Whether the error is one that an engine on `tcp://` gives in its first seconds: refused, or hung up at once.

    Before the engine has its port nobody listens there. A port that is published or forwarded is taken earlier, and
    each connection to it then ends without an answer. What says something about TLS is no start.
    """
    if not endpoint.is_tcp or isinstance(error, EngineTLSError):
        return False
    return any(
        isinstance(link, (ConnectionRefusedError, ConnectionResetError, ssl.SSLEOFError)) for link in causes(error)
    )


def too_slow(endpoint: EngineEndpoint, path: str, seconds: float) -> EngineUnreachable:
    """The error (13) for an answer that comes, but not to its end."""
    return EngineUnreachable(
        f"The engine at {endpoint} gave no whole answer to {path} within {seconds:g} s.",
        remedy="The engine hangs or the way to it is too slow: `docker info` shows the same. Restart it.",
    )


def _missing(_: BaseException, endpoint: EngineEndpoint, __: float) -> ImageError:
    return EngineAbsent(
        f"No engine at {endpoint}: the socket does not exist.",
        remedy="Start the engine on this agent, mount its socket into the container, or name another one with "
        "--docker-host or DOCKER_HOST.",
    )


def _forbidden(_: BaseException, endpoint: EngineEndpoint, __: float) -> ImageError:
    return EngineUnreachable(
        f"This user may not use the engine at {endpoint}: permission denied.",
        remedy="Add the user to the group that owns the socket (usually `docker`) and start the agent again, or name a "
        "rootless engine with DOCKER_HOST=unix://$XDG_RUNTIME_DIR/docker.sock.",
    )


def _not_listening(_: BaseException, endpoint: EngineEndpoint, __: float) -> ImageError:
    wait = "--engine-wait 60 waits for it" if endpoint.is_tcp else "wait until `docker info` succeeds"
    return EngineAbsent(
        f"Nobody listens at {endpoint}: connection refused.",
        remedy=f"Start the engine. If it may still be starting, as Docker-in-Docker does beside a build: {wait}.",
    )


def _no_such_host(_: BaseException, endpoint: EngineEndpoint, __: float) -> ImageError:
    return EngineUnreachable(
        f"The host of {endpoint} does not resolve.",
        remedy="Check the name. With Docker-in-Docker both containers need one network, and the engine the alias "
        "`docker` in it.",
    )


def _tls(exc: ssl.SSLError, endpoint: EngineEndpoint, _: float) -> ImageError:
    return tls.explain_tls(exc, endpoint)


def _silent(_: BaseException, endpoint: EngineEndpoint, timeout: float) -> ImageError:
    return EngineUnreachable(
        f"The engine at {endpoint} gave no answer within {timeout:g} s.",
        remedy="The engine hangs or something on the way drops packets: `docker info` shows the same. Restart it.",
    )


def _hung_up(_: BaseException, endpoint: EngineEndpoint, __: float) -> ImageError:
    if (alert := tls.alert_after_handshake(endpoint)) is not None:
        return alert
    remedy = "The engine may be stopping or still starting, or may expect TLS (DOCKER_TLS_VERIFY=1, DOCKER_CERT_PATH)."
    if endpoint.is_ssh:
        remedy = f"{ssh_faults.DIAL} It takes Docker's command line on that host."
    return EngineUnreachable(f"The connection to {endpoint} broke before an answer.", remedy=remedy)


def _not_http(_: BaseException, endpoint: EngineEndpoint, __: float) -> ImageError:
    return no_engine(endpoint, "it does not speak HTTP")


_TABLE: Final[tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], Callable[..., ImageError]], ...]] = (
    (FileNotFoundError, _missing),
    (PermissionError, _forbidden),
    (ConnectionRefusedError, _not_listening),
    (socket.gaierror, _no_such_host),
    (ssl.SSLEOFError, _hung_up),
    (ssl.SSLError, _tls),
    ((TimeoutError, urllib3.exceptions.TimeoutError, requests.Timeout), _silent),
    ((ConnectionResetError, BrokenPipeError, http.client.IncompleteRead), _hung_up),
    (http.client.HTTPException, _not_http),
    (urllib3.exceptions.ProtocolError, _hung_up),
)
"""What is looked for at each link of the chain."""


def _said(body: bytes) -> str:
    try:
        message = untrusted_json.parse(body)["message"]
    except (ValueError, KeyError, TypeError):
        message = body.decode("utf-8", "replace")
    return _clean(str(message)) or "no reason given"


def _clean(text: str) -> str:
    flat = " ".join(text[: 4 * _LONGEST_REASON].split())[:_LONGEST_REASON]
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in flat).rstrip(". ")
