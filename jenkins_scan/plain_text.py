"""Foreign text made fit for one line of a log or a report.

Job names, branch titles, service messages and image labels are written by strangers: escape sequences could rewrite a
console, bidirectional controls could reorder it, and line breaks could forge lines.
"""

import re

_ESCAPES = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"  # OSC: window titles, links
    r"|[\x1b\x9b][\[()#;?]*(?:[0-9]{1,4}(?:;[0-9]{0,4})*)?[0-9A-ORZcf-nqry=><~]"  # CSI and two-letter sequences
)
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff]+",
)


def one_line(text: str, limit: int = 500) -> str:
    """The text on one line of at most `limit` characters, without escapes, control and bidirectional characters."""
    if len(text) <= limit and _is_plain(text) and "  " not in text and not (text[:1] == " " or text[-1:] == " "):
        return text
    head = text[: limit * 4]
    clean = " ".join(printable(head).split())
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


def printable(text: str) -> str:
    """The text without escapes, and with a space for each run of control and bidirectional characters."""
    return text if _is_plain(text) else _UNSEEN.sub(" ", _ESCAPES.sub("", text))


def _is_plain(text: str) -> bool:
    """Whether there is nothing to take out. Most texts are so, of 100,000 findings with ten each."""
    return text.isascii() and text.isprintable()


def excerpt(text: str, limit: int) -> str:
    """As `one_line`, but a word that the cut tears is left out: half a secret could not be recognised and taken out."""
    return re.sub(r"\S*…\Z", "…", one_line(text, limit))
