"""Addresses that Jenkins tells of a build: remotes and links, made safe to show.

A remote may hold a password or a token, a link may come from a pull request, and parsers disagree about broken ones.
So only what is certain is kept.
"""

import re
from typing import Final

from jenkins_scan.plain_text import one_line

URL_LIMIT: Final = 2000
"""Characters; a longer URL is not reported at all, as half a link is none."""
UNREADABLE: Final = "<unreadable>"
"""What stands for an address that cannot be parsed with certainty."""

_URL: Final = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#]*)(?P<path>[^?#]*)(?P<rest>.*)")
_HOST_AND_PORT: Final = re.compile(r"(?:[\w.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_SCP_ADDRESS: Final = re.compile(r"[\w.-]+:.+")
_PAGE_QUERY: Final = re.compile(r"\?page=[a-z]{1,20}")
"""The query of the display URL plugin's links, such as `?page=artifacts`: without it they lead elsewhere."""


def clean_remote(text: str) -> str | None:
    """The git remote (URL, `host:path` or local path) without user information, query and fragment.

    `UNREADABLE` when it cannot be parsed, None when it is empty.
    """
    stripped = text.strip()
    if not stripped:
        return None
    if len(stripped) > URL_LIMIT or one_line(stripped, URL_LIMIT) != stripped:
        return UNREADABLE
    if url := _URL.fullmatch(stripped):
        return _without_user(url)
    address = re.split(r"[?#]", stripped.rpartition("@")[2], maxsplit=1)[0]
    if "@" not in stripped:
        return address or UNREADABLE
    return address if stripped.count("@") == 1 and _SCP_ADDRESS.fullmatch(address) else UNREADABLE


def clean_link(text: str) -> str | None:
    """The http(s) link without user information, query and fragment; otherwise as `clean_remote`.

    Of the query a `page=WORD` alone stays, as the display URL plugin writes it.
    """
    address, url = clean_remote(text), _URL.fullmatch(text.strip())
    if address in (None, UNREADABLE):
        return address
    if url is None or url["scheme"].lower() not in ("http", "https"):
        return UNREADABLE
    page = _PAGE_QUERY.match(url["rest"])
    return f"{address}{page[0] if page else ''}"


def _without_user(url: re.Match[str]) -> str:
    """The URL's scheme, host and path.

    An `@` behind the authority makes it unreadable: it may end a password with an unescaped `/`, `?` or `#` in it.
    """
    host = url["authority"].rpartition("@")[2]
    certain = _HOST_AND_PORT.fullmatch(host) or (url["authority"] == "" and url["scheme"].lower() == "file")
    if not certain or "@" in url["path"] + url["rest"]:
        return UNREADABLE
    return f"{url['scheme']}://{host}{url['path']}"
