"""Paths in an image: tokens in them, and how they are shown. A name ships with the image as any content does."""

import re
from collections.abc import Iterator
from typing import Final

from jenkins_scan.local.tokens import Allowance, Token, tokens_in_file, tokens_in_line
from jenkins_scan.plain_text import one_line
from jenkins_scan.redaction import MASK

LONGEST: Final = 1000
"""Characters of a path that are shown."""
_LIKELY: Final = (
    re.compile(r"((?:password|passwd|passphrase|secret|token|api_?key|access_?key)=)[^/]+", re.IGNORECASE),
    re.compile(r"([^/\s:@]:)[^/\s:@]+(?=@)"),
)
"""Settings and logins that somebody made a name of."""
_PER_WINDOW: Final = 200
"""Characters, fewer than any window has: so a path's own allowance lasts to its end."""


def shown(path: bytes) -> str:
    """The path on one line, absolute, with every token in it masked."""
    text = path.decode("utf-8", "replace")
    # Made plain before tokens are looked for: what is taken out could stand in the middle of one.
    text = one_line(text, len(text))
    text = _masked(text, text.replace("/", " "))
    return "/" + one_line(_masked(text, text), LONGEST)


def tokens_in_path(path: bytes, allowance: Allowance) -> Iterator[tuple[bytes, Token]]:
    """Tokens in the names of a file and its folders, each with the path up to the name that it begins in."""
    # A slash is a letter of encoded text: in front of a token it would hide it. Some tokens have slashes of their own.
    for text in (path.replace(b"/", b" "), path):
        for token in tokens_in_file(text, allowance):
            start = text.find(token.value.encode("latin-1", "replace"))
            end = path.find(b"/", max(start, 0))
            yield (path if end < 0 else path[:end]), token


def _masked(text: str, searched: str) -> str:
    for pattern in _LIKELY:
        text = pattern.sub(rf"\g<1>{MASK}", text)
    for token in tokens_in_line(searched, Allowance(2 + len(text.encode("utf-8", "replace")) // _PER_WINDOW)):
        if token.value not in text:
            return MASK  # it cannot be told where it stands
        text = text.replace(token.value, MASK)
    return text
