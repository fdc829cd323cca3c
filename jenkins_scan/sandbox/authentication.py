"""Who asks: the checks that come before any operation, in a fixed order with the real error codes.

The codes are those of "V3 request structure and signature" and of the public error code pages; which check comes first,
and some HTTP statuses, are choices of the sandbox. The signature itself is the pure part of `security_center.signing`;
that this agrees with another signer is tested with the official SDK.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from jenkins_scan import sandbox
from jenkins_scan.sandbox.messages import Refused, Request
from jenkins_scan.sandbox.state import State
from jenkins_scan.security_center.signing import (
    ALGORITHM,
    canonical_query,
    canonical_request_hash,
    must_be_signed,
    signature,
)

VERSION = "2018-12-03"
WINDOW_SECONDS = 15 * 60
ALWAYS_SIGNED = frozenset(
    {"host", "x-acs-action", "x-acs-version", "x-acs-date", "x-acs-signature-nonce", "x-acs-content-sha256"}
)
AUTHORIZATION = re.compile(
    re.escape(ALGORITHM)
    + r" Credential=(?P<key>[^,\s]+),SignedHeaders=(?P<signed>[^,\s]+),Signature=(?P<hex>[0-9a-f]{64})"
)


@dataclass(frozen=True, slots=True)
class AccessKey:
    """A key that the sandbox knows; with a security token it is a temporary (STS) one."""

    secret: str
    security_token: str | None = None
    active: bool = True


KEYS: Mapping[str, AccessKey] = {
    sandbox.ACCESS_KEY_ID: AccessKey(sandbox.ACCESS_KEY_SECRET),
    sandbox.STS_ACCESS_KEY_ID: AccessKey(sandbox.STS_ACCESS_KEY_SECRET, sandbox.STS_SECURITY_TOKEN),
    sandbox.INACTIVE_ACCESS_KEY_ID: AccessKey(sandbox.ACCESS_KEY_SECRET, active=False),
}


@dataclass(frozen=True, slots=True)
class Authorization:
    """The parts of the `authorization` header."""

    access_key_id: str
    signed_headers: tuple[str, ...]
    signature: str


def check_address(request: Request) -> None:
    """Raises `Refused` unless this is a POST to `/` of the one version there is."""
    if request.method != "POST" or request.path != "/":
        raise Refused(404, "InvalidApi.NotFound", "Specified api is not found, please check your url and method.")
    if request.headers.get("x-acs-version") != VERSION:
        raise Refused(400, "InvalidVersion", f"Specified parameter Version is not valid: the sandbox knows {VERSION}.")


def authenticate(
    request: Request, state: State, *, now: float, server_time: float, keys: Mapping[str, AccessKey] = KEYS
) -> None:
    """Raises `Refused` unless the request is signed by one of the keys, by their ids, fresh, whole and not a replay.

    `now` is the true time, by which nonces are kept; `server_time` is what the scenario makes of it, in Unix seconds.
    """
    authorization = parse_authorization(request.headers)
    key = find_key(authorization.access_key_id, keys)
    check_date(request.headers["x-acs-date"], server_time)
    check_signature(request, authorization, key)
    # After the signature, so that a stranger cannot use up nonces.
    if not state.use_nonce(authorization.access_key_id, request.headers["x-acs-signature-nonce"], now):
        raise Refused(400, "SignatureNonceUsed", "Specified signature nonce was used already.")
    check_security_token(request.headers.get("x-acs-security-token"), key)


def parse_authorization(headers: Mapping[str, str]) -> Authorization:
    """The parsed header. Raises `Refused` if it is no V3 signature or leaves out a header that has to be signed."""
    match = AUTHORIZATION.fullmatch(headers.get("authorization", ""))
    if match is None:
        raise incomplete("the authorization header is missing or is not a V3 signature")
    signed = tuple(match["signed"].split(";"))
    if list(signed) != sorted(set(signed)):
        raise incomplete("SignedHeaders is not a sorted list of different names")
    if absent := [name for name in signed if name not in headers]:
        raise incomplete(f"these signed headers were not received: {', '.join(absent)}")
    to_sign = ALWAYS_SIGNED | {name for name in headers if must_be_signed(name)}
    if unsigned := sorted(to_sign.difference(signed)):
        raise incomplete(f"these headers have to be signed: {', '.join(unsigned)}")
    return Authorization(match["key"], signed, match["hex"])


def incomplete(reason: str) -> Refused:
    """The refusal of a request whose signature does not cover what it must."""
    message = f"The request signature does not conform to Aliyun standards: {reason}."
    return Refused(400, "IncompleteSignature", message)


def find_key(access_key_id: str, keys: Mapping[str, AccessKey]) -> AccessKey:
    """The key of this id. Raises `Refused` if it is unknown or disabled."""
    key = keys.get(access_key_id)
    if key is None:
        raise Refused(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found.")
    if not key.active:
        raise Refused(400, "InvalidAccessKeyId.Inactive", "Specified access key is disabled.")
    return key


def check_date(text: str, server_time: float) -> None:
    """Raises `Refused` unless `text` is `yyyy-MM-ddTHH:mm:ssZ` within 15 minutes of the server's clock."""
    try:
        date = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S%z")
    except ValueError:
        date = None
    # strptime takes a short month or an offset as well; the page does not.
    if date is None or date.strftime("%Y-%m-%dT%H:%M:%SZ") != text:
        message = "Specified time stamp or date value is not well formatted: yyyy-MM-ddTHH:mm:ssZ is."
        raise Refused(400, "InvalidTimeStamp.Format", message)
    if abs(date.astimezone(UTC).timestamp() - server_time) > WINDOW_SECONDS:
        message = "Specified time stamp or date value is expired: it is more than 15 minutes off the server's clock."
        raise Refused(400, "InvalidTimeStamp.Expired", message)


def check_signature(request: Request, authorization: Authorization, key: AccessKey) -> None:
    """Raises `Refused` unless body and signature are what the key's owner sent."""
    payload_hash = hashlib.sha256(request.body).hexdigest()
    if not same(payload_hash, request.headers["x-acs-content-sha256"]):
        raise Refused(400, "SignatureDoesNotMatch", "x-acs-content-sha256 is not the hash of the received body.")
    # Decoded and encoded again: how the client wrote a space must not matter.
    query = canonical_query(request.query)
    hashed = canonical_request_hash(query, request.headers, authorization.signed_headers, payload_hash)
    if not same(signature(key.secret, hashed), authorization.signature):
        message = f"Specified signature is not matched with our calculation. Hash of the canonical request: {hashed}."
        raise Refused(400, "SignatureDoesNotMatch", message)


def check_security_token(given: str | None, key: AccessKey) -> None:
    """Raises `Refused` unless a temporary key came with its token, and a lasting one without any.

    The sandbox's token never expires; that the code says `Expired` for any other one is a choice of the sandbox.
    """
    if not same(given or "", key.security_token or ""):
        message = "Specified SecurityToken is expired or is not the one of this AccessKey."
        raise Refused(400, "InvalidSecurityToken.Expired", message)


def same(one: str, other: str) -> bool:
    """Whether two texts are equal, compared in constant time."""
    return hmac.compare_digest(one.encode(), other.encode())
