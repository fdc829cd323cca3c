"""HTTP to one registry: verified TLS, bounded in time and size, tried again where that can help.

httpx bounds each read, not the whole: `time_limit` does.
"""

import logging
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final
from urllib.request import getproxies, proxy_bypass

import httpx

from jenkins_scan import __version__
from jenkins_scan.errors import ConfigurationError, InvalidReference, RegistryRefused, UnreadableImage
from jenkins_scan.images.registry import faults
from jenkins_scan.images.registry.access import Access
from jenkins_scan.images.registry.address import RegistryAddress
from jenkins_scan.images.registry.trust import Trust, trust_for
from jenkins_scan.loopback import is_loopback
from jenkins_scan.time_limit import TimeIsUp, within

CONNECT_TIMEOUT: Final = 5.0
READ_TIMEOUT: Final = 10.0
WAITS: Final = (1.0, 3.0)
"""Seconds before the second and the third try."""
LONGEST_WAIT: Final = 10.0
"""Seconds that a registry may make us wait before the next try; one that wants more is not asked again."""
LARGEST_REFUSAL: Final = 64 * 1024
"""Bytes that are read of an answer that is no success."""
_PASSING: Final = (faults.TOO_MANY_REQUESTS, 500, 502, 503, 504)
_BAD_REQUEST: Final = 400
_HOST: Final = re.compile(r"[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\.?|[0-9A-Fa-f:.]+")
_LONGEST_HOST: Final = 253
_LAST_PORT: Final = 65535
_AGAIN: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.ReadError, httpx.RemoteProtocolError)
"""Failures after which the same request may succeed; whoever was silent for the whole time is not asked again."""
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, read whole."""

    url: httpx.URL
    """What was asked in the end."""
    status: int
    headers: Mapping[str, str]
    """Names in any case."""
    body: bytes

    @property
    def media_type(self) -> str:
        """`Content-Type` without parameters, in lower case; empty when there is none."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class RegistryHttp:
    """Requests to a registry, and to the places that it sends its clients to."""

    def __init__(self, address: RegistryAddress, access: Access) -> None:
        self._address = address
        self._access = access
        self._scheme = "https"

    def url(self, path: str) -> httpx.URL:
        """The registry's own URL for `path`. Raises `errors.InvalidReference` (2) for a host that no URL can hold."""
        url = _usable(f"{self._scheme}://{self._address.host}{path}")
        if url is None:
            raise InvalidReference(f"{self._address.host!a} cannot be asked: it is no host with an optional port.")
        return url

    def is_own(self, url: httpx.URL) -> bool:
        """Whether this is a place of the registry itself: what may get its credentials."""
        own = self.url("/")
        return (url.scheme, url.host, url.port) == (own.scheme, own.host, own.port)

    def followed(self, text: str, what: str, base: httpx.URL | None = None) -> httpx.URL:
        """The URL that the registry names as `what`, if it may be followed: https, or from loopback to loopback.

        Raises `errors.RegistryRefused` (13) for any other.
        """
        url = _usable(text, base)
        if url is None:
            raise faults.no_registry(self._address.host, f"{what} is no URL that can be asked")
        stays = url.scheme == "http" and self._address.is_loopback and is_loopback(url.host)
        if url.userinfo or (url.scheme != "https" and not stays):
            place = f"{url.scheme[:20]!a} at {url.host[:100]!a}"
            raise RegistryRefused(
                f"The registry {self._address.name} names as {what} a place that is not followed: {place}.",
                remedy="Only https:// without user information is followed. Repair the registry's settings.",
            )
        return url

    def ask(
        self, method: str, url: httpx.URL, *, headers: Mapping[str, str], limit: int, content: bytes | None = None
    ) -> Answer:
        """The answer, of at most `limit` bytes, with any status but 429 and the passing ones of 5xx.

        Raises `errors.RegistryRefused` or `errors.UnreadableImage` (13).
        """
        waits = iter(WAITS)
        while True:
            wait, after = next(waits, None), None
            try:
                answer = self._exchange(method, url, headers, content, limit)
            except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError, TimeIsUp) as exc:
                if self._turns_plain(exc, url):
                    url, waits = self.url(url.raw_path.decode()), iter(WAITS)
                    continue
                if wait is None or not isinstance(exc, _AGAIN) or not faults.may_pass(exc):
                    raise self._explained(exc, url) from exc
                log.info("%s: %s; trying again", url.host, type(exc).__name__)
            else:
                if answer.status not in _PASSING:
                    return answer
                after = _retry_after(answer)
                if wait is None or (after or 0.0) > LONGEST_WAIT:
                    raise faults.busy(answer.status, _place(url), after, answer.body)
                log.info("%s: HTTP %d; trying again", url.host, answer.status)
            self._access.clock.sleep(wait if after is None else after)

    def _turns_plain(self, exc: Exception, url: httpx.URL) -> bool:
        """Whether this was the first word to a registry on loopback that speaks plain http, as Docker allows there."""
        own = self._scheme == "https" and self.is_own(url) and self._address.is_loopback
        if not own or not isinstance(exc, httpx.ConnectError):
            return False
        if not faults.lacks_tls(exc) and not faults.hung_up(exc):
            return False
        log.info("%s speaks no TLS: asking it by plain http, as it is on this machine", self._address.host)
        self._scheme = "http"
        return True

    def _exchange(
        self, method: str, url: httpx.URL, headers: Mapping[str, str], content: bytes | None, limit: int
    ) -> Answer:
        client = self._client(url)
        sent = {"accept-encoding": "identity", "user-agent": f"jenkins-scan/{__version__}", **headers}
        request = client.build_request(method, url, headers=sent, content=content)
        log.debug("asking %s: %s %s", url.host, method, url.path if self.is_own(url) else "…")  # others are signed

        def work() -> Answer:
            with client:
                return _read(client, request, limit)

        return within(self._access.longest, work)

    def _client(self, url: httpx.URL) -> httpx.Client:
        transport = self._access.transport
        try:
            return httpx.Client(
                timeout=httpx.Timeout(READ_TIMEOUT, connect=CONNECT_TIMEOUT),
                verify=_NOBODY if url.scheme == "http" or transport is not None else self._trust.context,
                # The environment's proxies are for other machines: one would get the passwords for this one.
                trust_env=transport is None and not is_loopback(url.host),
                transport=transport,
                follow_redirects=False,
            )
        except (httpx.InvalidURL, ImportError, ValueError) as exc:
            raise ConfigurationError(
                f"a proxy variable cannot be followed: {type(exc).__name__}.",
                remedy="Use http:// or https:// in HTTPS_PROXY and ALL_PROXY, no SOCKS; write IPv6 addresses in "
                "NO_PROXY without brackets.",
            ) from exc

    @cached_property
    def _trust(self) -> Trust:
        return trust_for(
            self._address.name,
            ca_bundle=self._access.ca_bundle,
            environ=self._access.environ,
            certs_folders=self._access.certs_folders,
        )

    def _explained(self, exc: Exception, url: httpx.URL) -> RegistryRefused:
        if isinstance(exc, httpx.ProxyError):
            return faults.proxy_refused(str(exc)[:3], _place(url))
        trusted = "nobody" if self._access.transport is not None else self._trust.described
        if isinstance(exc, TimeIsUp | httpx.TimeoutException):
            return faults.silent(_place(url))
        proxied = self._access.transport is None and _is_proxied(url)
        return faults.unreachable(exc, _place(url), trusted, proxied=proxied)


_NOBODY: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For plain http, where it is never used: it trusts nobody, and loading authorities takes time."""


def _is_proxied(url: httpx.URL) -> bool:
    """Whether the environment names a proxy for this host, by the rules that httpx follows."""
    proxies = getproxies()
    named = url.scheme in proxies or "all" in proxies
    return named and not is_loopback(url.host) and not proxy_bypass(url.host)


def _usable(text: str, base: httpx.URL | None = None) -> httpx.URL | None:
    """The URL in `text`; None when it names no host and port that could be asked, which httpx would notice too late."""
    try:
        url = httpx.URL(text) if base is None else base.join(text)
        host, port = url.host, url.port
    except (httpx.InvalidURL, ValueError):
        return None
    is_host = len(host) <= _LONGEST_HOST and _HOST.fullmatch(url.raw_host.decode("ascii")) is not None
    return url if is_host and (port is None or 0 < port <= _LAST_PORT) else None


def _place(url: httpx.URL) -> str:
    """Host and port: all of a URL that may be shown."""
    return url.netloc.decode("ascii", "replace")


def _read(client: httpx.Client, request: httpx.Request, limit: int) -> Answer:
    response = client.send(request, stream=True)
    try:
        body = bytearray()
        refusal = response.status_code >= _BAD_REQUEST
        # Raw, because httpx would unfold any number of compressions without a bound, and a digest is of raw bytes.
        for chunk in response.iter_raw():
            body += chunk
            if len(body) > LARGEST_REFUSAL and refusal:
                break
            if len(body) > limit:
                raise UnreadableImage(
                    f"{_place(request.url)} gave more than the {limit} bytes that are read.",
                    remedy="No registry answers so: check the image's name, and what answers there.",
                )
    finally:
        response.close()
    if response.headers.get("content-encoding", "identity").strip().lower() != "identity" and body and not refusal:
        raise UnreadableImage(
            f"{_place(request.url)} answered in a content encoding that was not asked for.",
            remedy="A proxy on the way may compress: let it leave the registry's answers as they are.",
        )
    return Answer(request.url, response.status_code, response.headers, bytes(body[:limit]))


def _retry_after(answer: Answer) -> float | None:
    text = answer.headers.get("retry-after", "").strip()
    return float(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None  # noqa: PLR2004  no waiting time
