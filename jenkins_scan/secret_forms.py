"""The forms in which a secret leaves by accident: encoded, escaped or quoted by whatever it passes through."""

import base64
import html
import json
import re
import shlex
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

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
    """The secret and its URL-encoded, JSON- and HTML-escaped, quoted and Base64 forms."""
    # surrogateescape: os.environ shows bytes that are no UTF-8 in this way.
    encoded = {quote(secret, safe=safe, errors="surrogateescape") for safe in ("", "/")}
    encoded.add(quote_plus(secret, errors="surrogateescape"))
    named = html.escape(secret)
    numbered = named.replace("&quot;", "&#34;").replace("&#x27;", "&#39;")  # as Go and Jinja write them
    pages = (named, numbered, html.escape(secret, quote=False))  # shown quoted, as the secret itself is
    return {
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
