"""An `httpx.Client` for one endpoint: TLS always verified, redirects never followed, proxies only where they belong."""

import ssl
import time
from collections.abc import Callable, Mapping

import httpx

from jenkins_scan.certificate_file import trusting
from jenkins_scan.errors import ConfigurationError
from jenkins_scan.security_center.client import CONNECT_TIMEOUT, READ_TIMEOUT
from jenkins_scan.security_center.credentials import Credentials
from jenkins_scan.security_center.endpoints import Endpoint
from jenkins_scan.security_center.signing import AcsV3Auth
from jenkins_scan.security_center.variables import PROXY_VARIABLES


def connect(  # noqa: PLR0913  each part of the way can be replaced
    endpoint: Endpoint,
    credentials: Credentials | None,
    *,
    ca_bundle: str | None,
    environ: Mapping[str, str],
    transport: httpx.BaseTransport | None = None,
    now: Callable[[], float] = time.time,
) -> httpx.Client:
    """A client that signs with `credentials`, or without them not at all.

    Raises `ConfigurationError` (2) for a bad CA bundle or proxy variable.

    `transport` replaces the network: the in-process sandbox. A loopback endpoint is never asked through a proxy,
    which would get the token in clear text.
    """
    try:
        return httpx.Client(
            auth=None if credentials is None else AcsV3Auth(credentials, now=now),
            timeout=httpx.Timeout(READ_TIMEOUT, connect=CONNECT_TIMEOUT),
            verify=trusted(endpoint, ca_bundle, environ),
            trust_env=transport is None and not endpoint.is_loopback,
            transport=transport,
            follow_redirects=False,
            # A connection for each exchange: what a confused peer sends too much must not answer the next request.
            limits=httpx.Limits(max_keepalive_connections=0),
        )
    except (httpx.InvalidURL, ImportError, ValueError) as exc:
        named = [name for name in PROXY_VARIABLES if environ.get(name) or environ.get(name.lower())]
        raise ConfigurationError(
            f"a proxy variable cannot be followed ({', '.join(named) or 'none is set'}): {type(exc).__name__}.",
            remedy="Use http:// or https:// proxies, no SOCKS; write IPv6 addresses in NO_PROXY without brackets.",
        ) from exc


def trusted(endpoint: Endpoint, ca_bundle: str | None, environ: Mapping[str, str]) -> ssl.SSLContext:
    """The CAs that vouch for the endpoint: --ca-bundle, else SSL_CERT_FILE, else certifi's.

    Raises `ConfigurationError` (2) for a file that holds no certificates.
    """
    if endpoint.url.startswith("http://") and ca_bundle is None:
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # never used; it trusts nobody, and loading CAs takes time
    named = (
        ("--ca-bundle", ca_bundle) if ca_bundle is not None else ("SSL_CERT_FILE", environ.get("SSL_CERT_FILE") or None)
    )
    origin, path = named
    try:
        return httpx.create_ssl_context(trust_env=False) if path is None else trusting(path)
    except (OSError, ValueError) as exc:  # ssl.SSLError is an OSError
        raise ConfigurationError(
            f"{origin}: {path} cannot be read as CA certificates: {getattr(exc, 'strerror', None) or 'not PEM'}.",
            remedy="Name a PEM file with the CA certificates that signed the endpoint's certificate.",
        ) from exc
