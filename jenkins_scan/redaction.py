"""Secrets taken out of text, in every form in which they leave by accident.

Jenkins masks the literal and a few quoted forms on the console alone; files and artifacts are never masked. So each
text that leaves the process (terminal, log, report) passes through one `Redactor`.
"""

import base64
import html
import json
import re
import shlex
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any
from urllib.parse import quote, quote_plus

MASK = "****"
SHORTEST = 6
"""Characters; a shorter value would blank out innocent text and protects nothing."""
_HEX = re.compile("%[0-9A-F]{2}")


def _base64_forms(secret: bytes) -> Iterator[str]:
    """The part of the secret's Base64 that is the same in any longer text, at each of its three alignments."""
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + secret).decode()
        middle = encoded[(0, 2, 3)[offset] : (offset + len(secret)) * 8 // 6]
        yield middle
        yield middle.replace("+", "-").replace("/", "_")


def _escaped_forms(secret: str) -> Iterator[str]:
    """The secret as JSON has it, and as JSON or a quoted text inside of JSON has it: messages hold messages."""
    for inner in (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]):
        yield inner
        yield json.dumps(inner)[1:-1]
        yield inner.replace("\\", "\\\\")


def forms_of(secret: str) -> set[str]:
    """The secret and its URL-encoded, JSON- and HTML-escaped, quoted and Base64 forms, if they are long enough."""
    # surrogateescape: os.environ shows bytes that are no UTF-8 in this way.
    encoded = {quote(secret, safe=safe, errors="surrogateescape") for safe in ("", "/")}
    encoded.add(quote_plus(secret, errors="surrogateescape"))
    named = html.escape(secret)
    numbered = named.replace("&quot;", "&#34;").replace("&#x27;", "&#39;")  # as Go and Jinja write them
    pages = (named, numbered, html.escape(secret, quote=False))  # shown quoted, as the secret itself is
    forms = {
        secret,
        " ".join(secret.split()),  # as `plain_text.one_line` leaves it
        *encoded,
        *(_HEX.sub(lambda match: match[0].lower(), form) for form in encoded),
        *pages,
        *(escaped for text in (secret, *pages) for escaped in _escaped_forms(text)),
        *(repr(text)[1:-1] for text in (secret, *pages)),
        shlex.quote(secret),
        *_base64_forms(secret.encode("utf-8", "surrogateescape")),
    }
    return {form for form in forms if len(form) >= SHORTEST}


class Redactor:
    """Replaces every known secret in a text by `****`."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms: list[str] = []
        self._learning = threading.Lock()
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str) -> None:
        """Learn one more secret; one shorter than six characters is not worth hiding and is left out."""
        if len(secret) < SHORTEST:
            return
        with self._learning:  # images are worked on side by side, and registries have secrets of their own
            # The longest first, so that a secret which is part of another leaves nothing of it behind.
            self._forms = sorted({*self._forms, *forms_of(secret)}, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """The text without secrets."""
        for form in self._forms:
            text = text.replace(form, MASK)
        return text


def redacted(value: Any, redact: Callable[[str], str], keep: frozenset[str] = frozenset()) -> Any:
    """Lists, mappings and dataclasses with every text redacted, before any format escapes it beyond recognition.

    Keys, enumerations and what stands under a key or field in `keep` stay: those are our own words, and a weak secret
    that equals one of them must not break a report.
    """
    match value:
        case None | Enum() | int():
            return value
        case str():
            return redact(value)
        case list() | tuple():
            return type(value)(redacted(item, redact, keep) for item in value)
        case dict():
            return {key: item if key in keep else redacted(item, redact, keep) for key, item in value.items()}
        case _:
            pass
    if not is_dataclass(value) or isinstance(value, type):
        return value
    return replace(value, **redacted({each.name: getattr(value, each.name) for each in fields(value)}, redact, keep))
