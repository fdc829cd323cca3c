"""No secret survives in any form in which it leaves by accident, and innocent text stays as it is."""

import base64
import html
import json
import re
import shlex
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from jenkins_scan.redaction import MASK, Redactor

SECRETS = st.text(
    st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="*"), min_size=6, max_size=60
)
ODD_SECRETS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="*"), min_size=6, max_size=20)
AROUND = st.text("abcXYZ019 &=:\"'\n中", max_size=12)
BYTES = st.binary(max_size=7)


def lower_hex(text: str) -> str:
    return re.sub("%[0-9A-F]{2}", lambda match: match[0].lower(), text)


FORMS = {
    "literal": lambda secret: secret,
    "quote": lambda secret: quote(secret, safe=""),
    "quote keeping slashes": quote,
    "quote in lower case": lambda secret: lower_hex(quote(secret, safe="")),
    "quote_plus": quote_plus,
    "quote_plus in lower case": lambda secret: lower_hex(quote_plus(secret)),
    "json": lambda secret: json.dumps(secret)[1:-1],
    "json without escapes": lambda secret: json.dumps(secret, ensure_ascii=False)[1:-1],
    "html": html.escape,
    "html with numbers": lambda secret: html.escape(secret).replace("&quot;", "&#34;").replace("&#x27;", "&#39;"),
    "html keeping quotes": lambda secret: html.escape(secret, quote=False),
    "html in json": lambda secret: json.dumps(html.escape(secret))[1:-1],
    "repr of html": lambda secret: repr(html.escape(secret))[1:-1],
    "repr of html keeping quotes": lambda secret: repr(html.escape(secret, quote=False))[1:-1],
    "shell": shlex.quote,
    "repr": lambda secret: repr(secret)[1:-1],
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
@given(secret=SECRETS | ODD_SECRETS, before=AROUND, after=AROUND)
@example(secret="aB/cD+eF", before="", after="")
@example(secret='it\'s "q"', before="", after="")
@example(secret='canary3"token\\with/+odd&signs', before="<b>", after="</b>")
@example(secret="Zürich-中文-ü", before="", after="")
def test_no_written_form_of_a_secret_survives(form, secret, before, after):
    redacted = Redactor([secret])(f"{before}{form(secret)}{after}")
    assert form(secret) not in redacted
    assert secret not in redacted
    assert MASK in redacted


@pytest.mark.parametrize("url_safe", [False, True])
@given(secret=SECRETS, before=BYTES, after=BYTES)
@example(secret="abcdef", before=b"ab", after=b"")
@example(secret="abcdef", before=b"a", after=b"yz")
@example(secret="LTAI-key:secret", before=b"Basic user:", after=b"")
def test_no_base64_of_a_text_with_a_secret_survives(url_safe, secret, before, after):
    encode = base64.urlsafe_b64encode if url_safe else base64.b64encode
    encoded = encode(before + secret.encode() + after).decode()
    redacted = Redactor([secret])(encoded)
    assert MASK in redacted
    # Every character that the secret alone decides is gone; at most one more than in an encoding of its own is not.
    assert len(redacted) - len(MASK) <= len(encoded) - (len(secret) * 8 // 6 - 1)


@given(first=SECRETS, second=SECRETS, text=AROUND)
def test_a_secret_that_holds_another_leaves_nothing_behind(first, second, text):
    both = first + second
    assert Redactor([first, both])(f"{text}{both}") == Redactor([both, first])(f"{text}{both}")
    assert Redactor([first, both])(both) == MASK


@given(secret=SECRETS, text=st.text(max_size=80))
def test_text_without_a_secret_is_unchanged(secret, text):
    redact = Redactor([secret])
    assume(MASK not in redact(text))
    assert redact(text) == text


@pytest.mark.parametrize("secret", ["", "a", "12345"])
def test_a_short_secret_is_not_worth_hiding(secret):
    assert Redactor([secret])("a 12345 b") == "a 12345 b"


def test_a_short_encoding_of_a_long_secret_does_not_blank_out_innocent_text():
    assert Redactor(["abcdef"])("abc def YWJj") == "abc def YWJj"


def test_a_secret_learned_later_is_hidden_from_then_on():
    redact = Redactor()
    assert redact("my canary-01234") == "my canary-01234"
    redact.add("canary-01234")
    assert redact("my canary-01234") == "my ****"


def test_bytes_that_are_no_text_are_hidden_as_the_environment_shows_them():
    secret = b"canary-\xff\xfe01".decode("utf-8", "surrogateescape")
    redact = Redactor([secret])
    assert redact(f"a{secret}b {quote(secret, errors='surrogateescape')}") == "a****b ****"
    assert redact(repr(secret)) == "'****'"
