"""Our signature equals the official SDK's, for whatever is signed."""

import calendar
import re
import time

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from jenkins_scan.security_center.credentials import Credentials
from jenkins_scan.security_center.interface import ScanRequest
from jenkins_scan.security_center.signing import ALGORITHM, AcsV3Auth, canonical_query
from tests.support.center import ENDPOINT, NOON, FakeClock, Replies, created

# The SDK encodes values but not keys; all keys of these operations are letters, digits and dots.
KEYS = st.text("ABCdef019.", min_size=1, max_size=8)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
HEADER_VALUES = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=20)
SECRETS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=40)


def official_authorization(request: httpx.Request, query: dict[str, str], key_id: str, secret: str) -> str:
    """What the SDK's signer makes of the headers that we sign."""
    from alibabacloud_tea_openapi.utils import Utils
    from darabonba.request import DaraRequest

    names = re.findall("SignedHeaders=([^,]+)", request.headers["authorization"])[0].split(";")
    theirs = DaraRequest()
    theirs.method, theirs.pathname, theirs.query = "POST", "/", query
    theirs.headers = {name: request.headers[name] for name in names}
    return Utils.get_authorization(theirs, ALGORITHM, request.headers["x-acs-content-sha256"], key_id, secret)


@pytest.mark.slow
@given(
    query=st.dictionaries(KEYS, TEXTS, max_size=4),
    body=st.binary(max_size=60),
    extra=st.dictionaries(st.sampled_from(["x-acs-one", "x-acs-two", "accept"]), HEADER_VALUES),
    key_id=SECRETS.filter(lambda text: "," not in text),
    secret=SECRETS,
    token=st.none() | SECRETS,
    port=st.none() | st.integers(1, 65535),
)
def test_any_request_is_signed_as_the_sdk_signs_it(query, body, extra, key_id, secret, token, port):
    credentials = Credentials(key_id, SecretStr(secret), None if token is None else SecretStr(token))
    sent = canonical_query(query)
    host = "tds.example.com" + ("" if port is None else f":{port}")
    request = httpx.Request(
        "POST",
        f"https://{host}/" + (f"?{sent}" if sent else ""),
        headers={"x-acs-action": "Any", "x-acs-version": "2018-12-03", "content-type": "text/plain", **extra},
        content=body,
    )
    (signed,) = AcsV3Auth(credentials).auth_flow(request)
    assert signed.headers["authorization"] == official_authorization(signed, query, key_id, secret)
    assert signed.url.query.decode() == sent


@given(labels=st.dictionaries(st.sampled_from(["namespace", "repo_name", "tag", "uuid"]), TEXTS))
def test_the_form_of_a_create_is_the_one_that_the_sdk_sends(labels):
    from alibabacloud_tea_openapi.utils import Utils

    replies = Replies(created())
    clock = FakeClock()
    replies.client(clock).create_jenkins_image_scan_task(
        ScanRequest(jenkins_env="release", **labels), deadline=clock.monotonic() + 30
    )
    (request,) = replies.requests
    form = Utils.to_form(replies.form)
    assert sorted(request.content.decode().split("&")) == sorted(form.split("&"))
    assert request.headers["authorization"] == official_authorization(
        request, {"JenkinsEnv": "release"}, "YourAccessKeyId", "YourAccessKeySecret"
    )
    assert request.url.host == ENDPOINT.url.removeprefix("https://")


def test_the_date_is_utc():
    (signed,) = AcsV3Auth(Credentials("k", SecretStr("s")), now=lambda: NOON).auth_flow(
        httpx.Request("POST", "https://tds.example.com/")
    )
    assert calendar.timegm(time.strptime(signed.headers["x-acs-date"], "%Y-%m-%dT%H:%M:%SZ")) == NOON
