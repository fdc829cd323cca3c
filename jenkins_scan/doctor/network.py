"""DNS, TCP and TLS to the endpoint, and whose certificate it shows."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

from jenkins_scan.causes import speaks_no_tls
from jenkins_scan.doctor.proxy import Proxy, proxy_for
from jenkins_scan.doctor.report import Outcome, good, warning
from jenkins_scan.doctor.way import addresses, host_and_port, opened, why
from jenkins_scan.errors import ServiceUnreachable
from jenkins_scan.images.engine.certificate import Certificate, read_certificate
from jenkins_scan.security_center.connect import trusted
from jenkins_scan.security_center.endpoints import Endpoint

SOON: Final = 14
"""Days before the end of the certificate from which a warning is given."""
_NOT_YET_VALID, _EXPIRED, _OTHER_HOST, _OTHER_ADDRESS = 9, 10, 62, 64
"""OpenSSL's X509_V_ERR codes."""


def check(endpoint: Endpoint, ca_bundle: str | None, environ: Mapping[str, str], *, now: float) -> Outcome:
    """The way to the endpoint. `now` is in seconds since the epoch.

    Raises `ServiceUnreachable` (15) with the step that failed, `ConfigurationError` (2) for a CA bundle.
    """
    proxy = proxy_for(endpoint, environ)
    of_what = "endpoint" if proxy is None else "proxy"
    host, port = host_and_port(urlsplit(endpoint.url) if proxy is None else proxy.parts)
    found = addresses(host, port, of_what)
    seen = f"{host} is {found[0]}" + (f" and {len(found) - 1} more" if len(found) > 1 else "")
    if proxy is not None and proxy.parts.scheme != "http":
        return good(f"{seen}; through the proxy {proxy}, whose own TLS the next lines try.")
    way = f"{seen}; TCP to port {port}" + ("" if proxy is None else f", tunnel of the proxy {proxy}")
    if endpoint.url.startswith("http://"):
        with opened(endpoint, proxy):
            return good(f"{way}, no TLS.")
    return _secured(_Visit(endpoint, proxy), trusted(endpoint, ca_bundle, environ), f"{way}, ", now)


@dataclass(frozen=True, slots=True)
class _Visit:
    """A connection to the endpoint that can be made more than once."""

    endpoint: Endpoint
    proxy: Proxy | None

    @property
    def host(self) -> str:
        return host_and_port(urlsplit(self.endpoint.url))[0]

    def certificate(self, context: ssl.SSLContext) -> tuple[Certificate | None, str]:
        """What it shows, and the version of TLS. Raises `ssl.SSLError`, `OSError`, `ServiceUnreachable`."""
        with opened(self.endpoint, self.proxy) as raw, context.wrap_socket(raw, server_hostname=self.host) as secured:
            return read_certificate(secured.getpeercert(binary_form=True) or b""), secured.version() or "TLS"


def _secured(visit: _Visit, context: ssl.SSLContext, before: str, now: float) -> Outcome:
    try:
        shown, version = visit.certificate(context)
    except ssl.SSLCertVerificationError as exc:
        raise _not_accepted(exc, visit, now) from exc
    except OSError as exc:
        raise _no_handshake(exc, visit) from exc
    if shown is None:
        return good(f"{before}{version}.")
    left = (shown.not_after - datetime.fromtimestamp(now, UTC)).days
    seen = f"{before}{version}, certificate of {shown.issuer} good for {left} more days"
    if left < SOON:
        return warning(f"{seen}.", "Tell who runs the endpoint, or compare this agent's clock.")
    return good(f"{seen}.")


def _no_handshake(exc: OSError, visit: _Visit) -> ServiceUnreachable:
    plain = isinstance(exc, ssl.SSLError) and speaks_no_tls(exc)
    said = "what answers there does not speak TLS" if plain else f"the handshake failed: {why(exc)}"
    return ServiceUnreachable(
        f"TLS: {visit.host}: {said}.",
        remedy="Look for a proxy or a firewall that answers in the endpoint's place, and check --endpoint.",
    )


def _not_accepted(exc: ssl.SSLCertVerificationError, visit: _Visit, now: float) -> ServiceUnreachable:
    shown = _unverified(visit)
    code = getattr(exc, "verify_code", None)
    issuer = "" if shown is None else f" It was issued by {shown.issuer}."
    if code == _EXPIRED:
        day = f" on {shown.not_after:%Y-%m-%d}" if shown is not None and shown.not_after.timestamp() < now else ""
        return _error(
            visit,
            f"its certificate, or one that it depends on, expired{day}.{issuer}",
            "Have it renewed; check the clock.",
        )
    if code == _NOT_YET_VALID:
        return _error(visit, f"its certificate is not valid yet.{issuer}", "Set this agent's clock (NTP).")
    if code in (_OTHER_HOST, _OTHER_ADDRESS):
        names = "" if shown is None else f"; it is for {', '.join(shown.names) or 'no host at all'}"
        return _error(visit, f"its certificate is not for this host{names}.{issuer}", "Correct --endpoint.")
    return _error(
        visit,
        f"its certificate is not signed by an authority that is trusted here.{issuer}",
        "If that is your company's, name its CA with --ca-bundle FILE or SSL_CERT_FILE; REQUESTS_CA_BUNDLE is not "
        "read. There is no way to skip verification.",
    )


def _error(visit: _Visit, what: str, remedy: str) -> ServiceUnreachable:
    return ServiceUnreachable(f"TLS: {visit.host}: {what}", remedy=remedy)


def _unverified(visit: _Visit) -> Certificate | None:
    """The certificate in doubt, from a second connection over which nothing is sent; None when it cannot be had."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        return visit.certificate(context)[0]
    except (OSError, ServiceUnreachable):
        return None
