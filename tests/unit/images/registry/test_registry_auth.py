import base64
import json
from urllib.parse import parse_qs

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jenkins_scan.errors import RegistryRefused, UnreadableImage
from jenkins_scan.images.reference import parse_reference
from jenkins_scan.images.registry.access import Access
from jenkins_scan.images.registry.auth import Challenge, parse_challenges
from jenkins_scan.images.registry.source import RegistrySource
from tests.support import canned_registry
from tests.support.canned_registry import (
    HOST,
    ISSUED,
    NAME,
    PASSWORD,
    REALM,
    TOKEN,
    USER,
    CannedRegistry,
    challenge,
    failure,
    login_file,
    wants_basic,
    wants_token,
)
from tests.support.center import FakeClock

BASIC = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
ISSUING = httpx.Response(200, content=json.dumps({"token": ISSUED}).encode())


@pytest.fixture
def registry():
    registry = CannedRegistry()
    registry.push()
    registry.elsewhere["auth.example.com"] = ISSUING
    return registry


class Asking:
    """A source with a login file, and all secrets that it told."""

    def __init__(self, registry, folder, name=f"{NAME}:1"):
        self.secrets = []
        self.folder = folder
        self._registry = registry
        self.source = RegistrySource(
            parse_reference(name),
            Access(
                environ={"DOCKER_CONFIG": str(folder)},
                ca_bundle=None,
                clock=FakeClock(),
                redact=self._learn,
                transport=registry.transport,
            ),
            typed=name,
        )

    def _learn(self, secret):
        """Every secret is told before it is sent."""
        sent = (str(each.headers.raw) + each.content.decode() for each in self._registry.requests)
        assert secret in self.secrets or not any(secret in text for text in sent)
        self.secrets.append(secret)

    def resolve(self):
        return self.source.resolve()


@pytest.fixture
def asking(registry, tmp_path):
    """Writes a config.json, if any, and asks."""

    def ask(login=None, name=f"{NAME}:1"):
        if login is not None:
            (tmp_path / "config.json").write_text(login)
        return Asking(registry, tmp_path, name)

    return ask


def test_a_login_is_shown_only_after_a_challenge_and_then_kept(registry, asking):
    registry.guard = wants_basic()
    asked = asking(login_file())
    identity = asked.resolve().identity
    assert [each.headers.get("authorization") for each in registry.requests] == [None, *[f"Basic {BASIC}"] * 3]
    assert set(asked.secrets) == {PASSWORD, BASIC}
    asked.source.look_again(identity)
    assert len(registry.requests) == 5


def test_a_token_is_asked_for_with_the_login_for_this_repository_alone(registry, asking):
    text = f'Bearer realm="{REALM}?client=1&scope=registry:catalog:*",service="our registry",scope="repository:x:push"'
    registry.guard = wants_token(text)
    asked = asking(login_file())
    assert asked.resolve().identity.registry_digest
    token_request = registry.requests[1]
    assert (token_request.method, token_request.url.host) == ("GET", "auth.example.com")
    assert token_request.headers["authorization"] == f"Basic {BASIC}"
    assert parse_qs(token_request.url.query.decode()) == {
        "client": ["1"],
        "service": ["our registry"],
        "scope": ["repository:team/app:pull"],
        "account": [USER],
    }
    assert [each.headers.get("authorization") for each in registry.requests[2:]] == [f"Bearer {ISSUED}"] * 3
    assert {PASSWORD, BASIC, ISSUED} <= set(asked.secrets)


def test_without_a_login_an_anonymous_token_is_asked_for(registry, asking):
    registry.guard = wants_token(f'Bearer realm="{REALM}"')
    assert asking().resolve().identity.registry_digest
    assert "authorization" not in registry.requests[1].headers
    assert parse_qs(registry.requests[1].url.query.decode()) == {"scope": ["repository:team/app:pull"]}


def test_an_identity_token_is_exchanged_and_never_shown_to_the_registry(registry, asking):
    registry.guard = wants_token()
    issuing = httpx.Response(200, content=json.dumps({"access_token": ISSUED, "refresh_token": "x"}).encode())
    registry.elsewhere["auth.example.com"] = issuing
    asked = asking(login_file({"identitytoken": TOKEN}))
    assert asked.resolve().identity.registry_digest
    token_request = registry.requests[1]
    assert (token_request.method, token_request.url.query) == ("POST", b"")
    assert parse_qs(token_request.content.decode()) == {
        "grant_type": ["refresh_token"],
        "client_id": ["jenkins-scan"],
        "refresh_token": [TOKEN],
        "service": ["registry"],
        "scope": ["repository:team/app:pull"],
    }
    assert {TOKEN, ISSUED} <= set(asked.secrets)


def test_a_registry_token_is_used_as_it_is(registry, asking):
    registry.guard = wants_token()
    asked = asking(login_file({"registrytoken": ISSUED}))
    assert asked.resolve().identity.registry_digest
    assert {each.url.host for each in registry.requests} == {HOST}
    assert ISSUED in asked.secrets


def test_a_token_that_expired_is_asked_for_anew(registry, asking):
    registry.guard = wants_token()
    asked = asking(login_file())
    identity = asked.resolve().identity
    later = "canary-bearer-later"
    registry.elsewhere["auth.example.com"] = httpx.Response(200, content=json.dumps({"token": later}).encode())
    registry.guard = lambda each: (
        None if each.headers.get("authorization") == f"Bearer {later}" else challenge(f'Bearer realm="{REALM}"')
    )
    asked.source.look_again(identity)
    assert later in asked.secrets


def test_bearer_is_preferred_where_both_are_offered(registry, asking):
    registry.guard = wants_token(f'Basic realm="x", Bearer realm="{REALM}",service="registry"')
    assert asking(login_file()).resolve().identity.registry_digest


@pytest.mark.parametrize(
    ("login", "tried"),
    [
        (None, "asked without credentials, as there are none for it in any login file"),
        (login_file(key="other.example.com"), r"asked without credentials, as there are none for it in .*/config.json"),
        (login_file(), r"asked with the credentials of the user 'ci-user' from .*/config.json"),
    ],
)
def test_a_refusal_says_what_was_tried_and_how_to_log_in(registry, asking, login, tried):
    registry.guard = lambda request: challenge('Basic realm="x"')
    asked = asking(login)
    with pytest.raises(RegistryRefused, match=f"does not let us read team/app: HTTP 401.*; {tried}") as caught:
        asked.resolve()
    assert f"docker login {HOST}" in caught.value.remedy
    assert not any(secret in caught.value.message for secret in asked.secrets)


def test_a_refusal_without_a_challenge_is_a_refusal(registry, asking):
    registry.guard = lambda request: failure(401, "UNAUTHORIZED", "who are you")
    with pytest.raises(RegistryRefused, match="HTTP 401; asked without credentials, as there are none"):
        asking().resolve()


def test_a_way_to_log_in_that_is_not_known_is_named(registry, asking):
    registry.guard = lambda request: challenge("Negotiate abc==, Digest realm=x")
    with pytest.raises(RegistryRefused, match="it asks for 'digest, negotiate', which is not spoken"):
        asking(login_file()).resolve()


def test_an_issued_token_that_does_not_suffice_is_a_refusal(registry, asking):
    registry.guard = lambda request: challenge(f'Bearer realm="{REALM}",error="insufficient_scope"')
    with pytest.raises(RegistryRefused, match="HTTP 401; asked with the credentials of"):
        asking(login_file()).resolve()
    assert len(registry.requests) == 3


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (failure(401), "its token service at auth.example.com answered HTTP 401; asked with the credentials"),
        (failure(403), "its token service at auth.example.com answered HTTP 403"),
        (failure(404), "gave no token: it answered HTTP 404"),
        (httpx.Response(307, headers={"location": "https://other.example/"}), "gave no token: it answered HTTP 307"),
        (httpx.Response(200, content=b"<html>"), "gave no token: The answer is not readable as JSON"),
        (httpx.Response(200, content=b"[]"), "gave no token: The answer is a list"),
        (httpx.Response(200, content=b"{}"), "gave no token: its answer holds no token"),
        (httpx.Response(200, content=b'{"token": 1}'), "gave no token: token is a number"),
        (httpx.Response(200, content=b'{"token": "a\\r\\nb: c"}'), "gave no token: its answer holds no token"),
        (httpx.Response(200, content=b'{"token": "' + b"x" * 70000 + b'"}'), "its answer holds no token"),
    ],
)
def test_a_token_service_that_gives_no_token_is_named(registry, asking, answer, words):
    registry.guard = wants_token()
    registry.elsewhere["auth.example.com"] = answer
    with pytest.raises(RegistryRefused, match=words) as caught:
        asking(login_file()).resolve()
    assert not any(each.url.host == "other.example" for each in registry.requests)
    assert PASSWORD not in caught.value.message


def test_an_oversized_token_answer_is_cut_off(registry, asking):
    registry.guard = wants_token()
    registry.elsewhere["auth.example.com"] = httpx.Response(200, content=b" " * (1 << 21))
    with pytest.raises(UnreadableImage, match=r"auth.example.com gave more than the 1048576 bytes"):
        asking().resolve()


@pytest.mark.parametrize(
    "realm",
    [
        "http://auth.example.com/token",
        "http://127.0.0.1/token",
        "https://user:x@auth.example.com/token",
        "ftp://auth.example.com/token",
        "//auth.example.com/token",
        "/token",
        "token",
        "https://",
        "https://[",
        "",
    ],
)
def test_a_token_service_at_an_unsafe_place_gets_no_login(registry, asking, realm):
    registry.guard = wants_token(f'Bearer realm="{realm}",service="registry"')
    with pytest.raises(RegistryRefused, match="its token service"):
        asking(login_file()).resolve()
    assert len(registry.requests) == 1


def test_a_token_service_on_loopback_may_lack_tls_beside_a_registry_there(registry, asking):
    registry.guard = wants_token('Bearer realm="http://127.0.0.1:5001/token"')
    registry.elsewhere["127.0.0.1"] = ISSUING
    asked = asking(login_file(key="localhost:5000"), "localhost:5000/team/app:1")
    assert asked.resolve().identity.registry_digest


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", []),
        ("Basic", [("basic", {})]),
        ('basic realm="a, b=c"', [("basic", {"realm": "a, b=c"})]),
        (r'Basic realm="say \"x\""', [("basic", {"realm": 'say "x"'})]),
        ('Bearer realm="r", service=s , Scope = "x"', [("bearer", {"realm": "r", "service": "s", "scope": "x"})]),
        ("Basic realm=a, Bearer realm=b", [("basic", {"realm": "a"}), ("bearer", {"realm": "b"})]),
        ('Bearer realm="first",realm="second"', [("bearer", {"realm": "first"})]),
        ("realm=x", []),
    ],
)
def test_challenges_are_read_as_rfc_7235_writes_them(header, expected):
    assert parse_challenges(header) == [Challenge(scheme, parameters) for scheme, parameters in expected]


@given(st.text(alphabet='Basicer =",\\\t;x', max_size=60))
def test_any_header_is_read_without_an_error(header):
    for each in parse_challenges(header):
        assert each.scheme == each.scheme.lower()


def test_the_guard_of_the_canned_registry_lets_nobody_else_in():
    assert canned_registry.wants_basic()(httpx.Request("GET", f"https://{HOST}/")).status_code == 401
