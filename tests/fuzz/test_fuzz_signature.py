"""Any request is signed as the official SDK signs it, and as the documented steps say when they are written anew."""

import hashlib
import hmac
import time
from urllib.parse import unquote_to_bytes

import httpx
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from jenkins_scan.sandbox.authentication import AccessKey
from jenkins_scan.sandbox.messages import Reply
from jenkins_scan.sandbox.scenarios import SCENARIOS
from jenkins_scan.sandbox.service import SandboxService
from jenkins_scan.sandbox.state import State
from jenkins_scan.security_center.credentials import Credentials
from jenkins_scan.security_center.signing import AcsV3Auth, canonical_query
from tests.contract.security_center.test_official_signer import KEYS, official_authorization
from tests.support.center import NOON

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
VISIBLE = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=40)
VALUES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=20)
HEADERS = st.dictionaries(st.sampled_from(["x-acs-one", "x-acs-two", "X-Acs-Two-More", "accept", "date"]), VALUES)
UNRESERVED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~"
QUERIES = st.dictionaries(TEXTS, TEXTS, max_size=5)


def encoded(text: str) -> str:
    return "".join(chr(byte) if byte in UNRESERVED else f"%{byte:02X}" for byte in text.encode())


def anew(request: httpx.Request, query: dict[str, str], secret: str) -> str:
    """The signature by the steps of the documentation, from the query as it was meant."""
    pairs = sorted((key.encode(), key, value) for key, value in query.items())
    canonical = [request.method, "/", "&".join(f"{encoded(key)}={encoded(value)}" for _, key, value in pairs)]
    signed = sorted(
        (name.lower(), value)
        for name, value in request.headers.items()
        if name.lower() in ("host", "content-type") or name.lower().startswith("x-acs-")
    )
    canonical += [f"{name}:{value.strip()}" for name, value in signed]
    canonical += ["", ";".join(name for name, _ in signed), hashlib.sha256(request.content).hexdigest()]
    to_sign = "ACS3-HMAC-SHA256\n" + hashlib.sha256("\n".join(canonical).encode()).hexdigest()
    return hmac.new(secret.encode(), to_sign.encode(), "sha256").hexdigest()


def signed(query, body, extra, key_id, secret, token=None, host="tds.example.com"):
    credentials = Credentials(key_id, SecretStr(secret), None if token is None else SecretStr(token))
    sent = canonical_query(query)
    headers = {"x-acs-action": "DescribeImageScanAuthCount", "x-acs-version": "2018-12-03", **extra}
    request = httpx.Request("POST", f"https://{host}/" + (f"?{sent}" if sent else ""), headers=headers, content=body)
    (request,) = AcsV3Auth(credentials, now=lambda: NOON).auth_flow(request)
    return request


@given(query=QUERIES, body=st.binary(max_size=80), extra=HEADERS, secret=VISIBLE, token=st.none() | VISIBLE)
def test_the_signature_is_that_of_the_documented_steps_and_the_query_arrives_as_it_was_meant(
    query, body, extra, secret, token
):
    request = signed(query, body, extra, "id", secret, token)
    assert request.headers["authorization"].endswith(f",Signature={anew(request, query, secret)}")
    parts = request.url.query.split(b"&") if query else []
    found = [tuple(unquote_to_bytes(each).decode() for each in part.split(b"=")) for part in parts]
    assert dict(found) == query
    assert len(found) == len(query)


@given(
    query=st.dictionaries(KEYS, TEXTS, max_size=5),
    body=st.binary(max_size=80),
    extra=HEADERS.map(lambda headers: {name: value.strip() or "x" for name, value in headers.items()}),
    key_id=VISIBLE.filter(lambda text: "," not in text),
    secret=VISIBLE,
    token=st.none() | VISIBLE,
)
def test_the_signature_is_that_of_the_official_signer(query, body, extra, key_id, secret, token):
    request = signed(query, body, extra, key_id, secret, token)
    assert request.headers["authorization"] == official_authorization(request, query, key_id, secret)


@given(query=QUERIES, body=st.binary(max_size=80), secret=VISIBLE, changed=st.booleans())
def test_the_sandbox_lets_it_in_unless_it_was_signed_with_another_secret(query, body, secret, changed):
    request = signed(query, body, {}, "id", secret + ("x" if changed else ""))
    assert time.strftime("%Y", time.gmtime(NOON)) in request.headers["x-acs-date"]
    with State() as state:
        service = SandboxService(SCENARIOS["clean"], state, now=lambda: NOON, keys={"id": AccessKey(secret)})
        answer = service.handle("POST", request.url.raw_path.decode(), dict(request.headers), body)
    assert isinstance(answer, Reply)
    assert (b"SignatureDoesNotMatch" in answer.body) == changed, answer.body
