"""What is sent to the controller, and what comes back: TLS verified, no redirect followed, size and time bounded."""

import logging
import re
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self, TypeVar
from urllib.parse import unquote

import httpx

from jenkins_scan import __version__
from jenkins_scan.causes import causes
from jenkins_scan.certificate_file import trusting
from jenkins_scan.jenkins.access import Access, ControllerFailed
from jenkins_scan.jenkins.variables import API_TOKEN, USER_ID
from jenkins_scan.loopback import is_loopback
from jenkins_scan.plain_text import excerpt
from jenkins_scan.time_limit import TimeIsUp, within

T = TypeVar("T")
LIMIT: Final = 10.0
"""Seconds for all that one purpose asks of the controller."""
PATIENCE: Final = 5.0
"""Seconds of one pause within that."""
LARGEST_PAGE: Final = 8 * 1024**2
"""Bytes of an answer of Jenkins' own interface."""
_MIB: Final = 1024**2
_TAG: Final = re.compile(r"<(style|script)\b.*?</\1\s*>|<!--.*?(?:-->|\Z)|<[^>]*>", re.DOTALL | re.IGNORECASE)
_SIGN_IN: Final = re.compile(
    r"(?<![a-z])(?:login|signin|securityrealm|oauth2?|saml2?|oidc|sso|adfs|auth)(?![a-z])", re.IGNORECASE
)
"""What the address of a sign-in page holds, of Jenkins itself or of a single sign-on before it."""
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reply:
    """What the controller answered."""

    status: int
    headers: Mapping[str, str]
    """Names in any case."""
    body: bytes

    def target(self, url: str) -> httpx.URL | None:
        """Where a redirect of `url` leads; None when it is none, or leads nowhere."""
        if self.status not in _REDIRECTS or "location" not in self.headers:
            return None
        return httpx.URL(url).join(self.headers["location"])  # httpx has refused one that it cannot read

    def leads_to(self, page: str, url: str) -> bool:
        """Whether it redirects `url` to that page; servers write percent signs and the last slash as they like."""
        target, wanted = self.target(url), httpx.URL(page)
        if target is None or (target.scheme, target.host, target.port) != (wanted.scheme, wanted.host, wanted.port):
            return False
        return unquote(target.path).rstrip("/") == unquote(wanted.path).rstrip("/")


_REDIRECTS: Final = (301, 302, 303, 307, 308)


class Exchange:
    """A session with the controller: cookies are kept, as a crumb is good for its session alone."""

    def __init__(self, access: Access, patience: float = PATIENCE) -> None:
        """`patience` is in seconds: to connect, and to wait for the next bytes.

        Raises `ControllerFailed` for a CA bundle or a proxy variable that cannot be followed.
        """
        self._access = access
        try:
            self._client = httpx.Client(
                auth=httpx.BasicAuth(access.user, access.token),
                headers={"accept-encoding": "identity", "user-agent": f"jenkins-scan/{__version__}"},
                timeout=patience,
                verify=_trusted(access),
                # As for the service: a proxy is for other machines, and one would get the token meant for this one.
                trust_env=not is_loopback(access.host),
                follow_redirects=False,
            )
        except (httpx.InvalidURL, ImportError, ValueError) as exc:
            raise ControllerFailed(
                f"a proxy variable cannot be followed: {type(exc).__name__}.",
                remedy="Use http:// or https:// in HTTPS_PROXY and ALL_PROXY, or name the controller in NO_PROXY.",
            ) from exc

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def ask(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        largest: int = LARGEST_PAGE,
    ) -> Reply:
        """The answer with any status, its body of at most `largest` bytes. Raises `ControllerFailed`."""
        if not self._access.holds(url.partition("?")[0]):  # whoever built it: the credentials go no further
            raise ControllerFailed(
                "an address outside of JENKINS_URL was to be asked.", remedy="Check JOB_NAME and BUILD_URL."
            )
        log.debug("asking the controller: %s %s", method, url)
        try:
            with self._client.stream(method, url, headers=headers, data=form) as response:
                return Reply(response.status_code, response.headers, _body(response, largest))
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as exc:
            raise self._explained(exc) from exc

    def _explained(self, exc: Exception) -> ControllerFailed:
        host, check = self._access.host, "Check JENKINS_URL from this agent, and HTTPS_PROXY and NO_PROXY."
        if isinstance(exc, httpx.TimeoutException):
            return too_slow(host)
        if isinstance(exc, httpx.ProxyError):  # its text is the proxy's, and may repeat the credentials it got
            return ControllerFailed(f"the proxy did not connect to {host}.", remedy=check)
        for link in causes(exc):
            if isinstance(link, ssl.SSLError):
                why = getattr(link, "verify_message", "") or getattr(link, "reason", None) or type(link).__name__
                return ControllerFailed(
                    f"TLS to the controller {host} failed: {excerpt(why, 120)}.",
                    remedy="Name the CA that signed its certificate with --ca-bundle; it is never left unverified.",
                )
            if isinstance(link, OSError):
                return ControllerFailed(
                    f"the controller {host} cannot be reached: {link.strerror or type(link).__name__}.", remedy=check
                )
        return ControllerFailed(f"the exchange with the controller broke off: {type(exc).__name__}.", remedy=check)


def in_time(limit: float, access: Access, work: Callable[[Exchange], T]) -> T:
    """What `work` makes of a session with the controller. Raises `ControllerFailed`, also after `limit` seconds."""

    def asked() -> T:
        with Exchange(access) as exchange:
            return work(exchange)

    began = time.monotonic()
    try:
        return within(limit, asked)
    except TimeIsUp as late:
        raise too_slow(access.host) from late
    finally:
        log.debug("the controller was asked for %.1f s", time.monotonic() - began)


def too_slow(host: str) -> ControllerFailed:
    """The failure of an answer that did not come, or did not end, in time."""
    return ControllerFailed(
        f"the controller {host} gave no whole answer in time.", remedy="Look at its load; nothing else depends on it."
    )


def refusal(reply: Reply, url: str, what: str, permission: str) -> ControllerFailed:
    """Why this answer is not what was asked for; `what` was asked for, which takes `permission`."""
    said = excerpt(_TAG.sub(" ", reply.body[:20_000].decode("utf-8", "replace")), 120)
    said = f" It says: {said}" if said else ""
    match reply.status:
        case 401:
            return ControllerFailed(
                f"{what}: the controller does not know these credentials (HTTP 401).",
                remedy=f"Check {USER_ID} and {API_TOKEN}: the id of the user, and a token made on that user's page.",
            )
        case 403 if "crumb" in said.lower():
            return ControllerFailed(
                f"{what}: the controller wants another crumb (HTTP 403).{said}",
                remedy=f"Use an API token, not a password, in {API_TOKEN}; look at its proxy if it drops headers.",
            )
        case 403:
            return ControllerFailed(
                f"{what}: the account may not do that (HTTP 403).{said}", remedy=f"Give it the permission {permission}."
            )
        case 404:
            return ControllerFailed(
                f"{what}: not found (HTTP 404), which is also said of what an account may not see.",
                remedy=f"Check the address, and give the account the permission {permission}.",
            )
        case status if status in _REDIRECTS:
            return _redirected(reply, url, what)
        case status:
            return ControllerFailed(
                f"{what}: the controller answered with HTTP {status}.{said}", remedy="Look into the controller's log."
            )


def _redirected(reply: Reply, url: str, what: str) -> ControllerFailed:
    """No more of the target than its origin is shown: Jenkins' links to its resource domain are signed for a user."""
    target = reply.target(url)
    if target is not None and _SIGN_IN.search(target.netloc.decode() + target.path):
        return ControllerFailed(
            f"{what}: the answer is a redirect to a sign-in page at {_origin(target)}.",
            remedy=f"Check {USER_ID} and {API_TOKEN}, and that a proxy before the controller lets API tokens through.",
        )
    place = "nowhere" if target is None else _origin(target)
    return ControllerFailed(
        f"{what}: the answer is a redirect to {place}, which is not followed: the credentials are for JENKINS_URL.",
        remedy="JENKINS_URL has to be the address at which the controller itself answers; with a resource root URL it "
        "redirects every artifact.",
    )


def _origin(url: httpx.URL) -> str:
    return excerpt(f"{url.scheme}://{url.netloc.decode().rpartition('@')[2]}", 200)


def _body(response: httpx.Response, largest: int) -> bytes:
    if response.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise ControllerFailed(
            "the answer is compressed, although that was not asked for.", remedy="Look at the controller's proxy."
        )
    told, body = response.headers.get("content-length", ""), bytearray()
    if told.isdecimal() and int(told[:18]) > largest:
        raise _too_large(largest)
    for chunk in response.iter_raw():
        body += chunk
        if len(body) > largest:
            raise _too_large(largest)
    return bytes(body)


def _too_large(largest: int) -> ControllerFailed:
    return ControllerFailed(f"the answer is larger than {largest / _MIB:g} MiB.", remedy="It was not read.")


def _trusted(access: Access) -> ssl.SSLContext:
    if access.url.startswith("http:"):
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # never used; it trusts nobody
    try:
        if access.ca_bundle is None:
            return httpx.create_ssl_context(trust_env=False)
        return trusting(access.ca_bundle)
    except (OSError, ValueError) as exc:  # ssl.SSLError is an OSError
        raise ControllerFailed(
            f"{excerpt(str(access.ca_bundle), 200)} cannot be read as CA certificates.",
            remedy="Name a PEM file with --ca-bundle or SSL_CERT_FILE.",
        ) from exc
