"""ACS3-HMAC-SHA256, the V3 request signature of Alibaba Cloud, as an `httpx.Auth`.

Source: "V3 request structure and signature" of the SDK documentation; six vectors of it are contract tests. Only
`host`, `content-type` and `x-acs-*` are signed: proxies rewrite other headers.
"""

import hashlib
import hmac
import time
import uuid
from collections.abc import Callable, Generator, Iterable, Mapping
from urllib.parse import quote

import httpx

from jenkins_scan.security_center.credentials import Credentials

ALGORITHM = "ACS3-HMAC-SHA256"


def percent_encode(text: str) -> str:
    """The text percent-encoded by RFC 3986: unreserved characters stay, a space is `%20`."""
    return quote(text, safe="~")


def canonical_query(parameters: Mapping[str, str]) -> str:
    """The query string as it is both signed and sent: encoded, sorted by key, empty values keep their `=`."""
    return "&".join(f"{percent_encode(key)}={percent_encode(parameters[key])}" for key in sorted(parameters))


def must_be_signed(header: str) -> bool:
    """Whether a header (lower case) has to be among the signed ones whenever it is present."""
    return header in ("host", "content-type") or header.startswith("x-acs-")


def canonical_request_hash(
    query: str, headers: Mapping[str, str], signed: Iterable[str], payload_hash: str, *, method: str = "POST"
) -> str:
    """Hex SHA-256 of the canonical request; `headers` has lower-case names, `signed` is sorted."""
    names = list(signed)
    lines = "".join(f"{name}:{headers[name].strip()}\n" for name in names)
    canonical = "\n".join([method, "/", query, lines, ";".join(names), payload_hash])
    return hashlib.sha256(canonical.encode()).hexdigest()


def signature(secret: str, request_hash: str) -> str:
    """Hex HMAC over the hash of the canonical request, keyed with the AccessKey secret as it is."""
    return hmac.new(secret.encode(), f"{ALGORITHM}\n{request_hash}".encode(), hashlib.sha256).hexdigest()


class AcsV3Auth(httpx.Auth):
    """Signs each try anew, with a fresh date and nonce, so that a retry is never a replay."""

    requires_request_body = True

    def __init__(
        self,
        credentials: Credentials,
        *,
        now: Callable[[], float] = time.time,
        nonce: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        self._credentials = credentials
        self._now = now
        self._nonce = nonce

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """The request with date, nonce, payload hash, security token and signature set."""
        credentials, headers = self._credentials, request.headers
        payload_hash = hashlib.sha256(request.content).hexdigest()
        headers["x-acs-date"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self._now()))
        headers["x-acs-signature-nonce"] = self._nonce()
        headers["x-acs-content-sha256"] = payload_hash
        if credentials.security_token is not None:
            headers["x-acs-accesskey-id"] = credentials.access_key_id
            headers["x-acs-security-token"] = credentials.security_token.get_secret_value()
        values = {name.lower(): value for name, value in headers.items()}
        signed = sorted(name for name in values if must_be_signed(name))
        request_hash = canonical_request_hash(request.url.query.decode("ascii"), values, signed, payload_hash)
        signed_with = signature(credentials.access_key_secret.get_secret_value(), request_hash)
        headers["authorization"] = (
            f"{ALGORITHM} Credential={credentials.access_key_id},"
            f"SignedHeaders={';'.join(signed)},Signature={signed_with}"
        )
        yield request
