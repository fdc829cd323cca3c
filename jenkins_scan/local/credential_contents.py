"""Whether a content holds a credential, by the formats in which tools write them.

All patterns take linear time: what is repeated in them ends where the next attempt begins, or has a bound.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from jenkins_scan.local.checks import Check
from jenkins_scan.local.secret_names import (
    is_default,
    is_placeholder,
    is_secret_name,
    passwords_in_connections,
    passwords_in_urls,
)

Holds = Callable[[bytes], bool]
"""Whether a content holds a credential."""

_MOST_LINES: Final = 20_000
_PAIR: Final = re.compile(r'"([\w.-]{1,100})"\s*:\s*"([^"]+)"')
_LINE: Final = re.compile(r"^[ \t]*([\w.\[\]-]{1,200})[ \t]*[=:][ \t]*([^\r\n]+)", re.MULTILINE)
_NO_LITERAL: Final = re.compile(r"[|>&*!]|\$\{|#\{|\{cipher\}|ENC\(|\w{1,20}:/", re.IGNORECASE)
"""How values begin that are read from elsewhere, encrypted (Jasypt, Spring Cloud), or on lines of their own (YAML)."""
_IN_SHELL: Final = re.compile(
    r"(?<![\w.$/-])([A-Za-z_][\w.-]{0,100})=(\"[^\"\n]{1,4096}\"|'[^'\n]{1,4096}'|[^\s;&|\"'()]{1,4096})"
)
_IN_PROGRAM: Final = re.compile(
    r"(?<![\w.-])([A-Za-z_]\w{0,100})[\"']?\]?[ ]{0,4}=[ ]{0,4}[\"']([^\"'\n]{1,4096})[\"']"
)
_OPTION: Final = re.compile(r"(?<!\S)--([a-z][a-z-]{0,60})[ =][\"']?([^\s;&|\"'()]{1,4096})")
_IN_SQL: Final = re.compile(
    r"\b(?:identified[ ]{1,4}by|password)[ ]{1,4}(?:=[ ]{0,4})?'([^'\n]{1,4096})'", re.IGNORECASE
)
_LOGIN: Final = re.compile(
    r"(?:\b(?:mysql|mysqldump|mariadb)\b[^\n;&|]{0,200}?[ ]-p"
    r"|\b(?:sshpass|docker login|podman login)\b[^\n;&|]{0,200}?[ ]-p[ ]?)[\"']?([^\s\"'-][^\s\"']{0,200})"
)
"""MySQL's own programs take a password without a blank alone: the next word is a database."""


@dataclass(frozen=True, slots=True)
class CredentialFile:
    """One kind of file that tools keep credentials in."""

    check: Check
    what: str
    """For the title of a finding."""
    holds: Holds
    folder: bytes = b""
    """The end of the path of the folder it has to lie in, in lower case, `*` for any name; empty for any folder."""

    def may_lie_in(self, folder: bytes) -> bool:
        """Whether it is of this kind in a folder of this path."""
        if not self.folder:
            return True
        wanted = self.folder.split(b"/")
        parts = folder.lower().split(b"/")[-len(wanted) :]
        return len(parts) == len(wanted) and all(
            pattern in (b"*", part) for pattern, part in zip(wanted, parts, strict=True)
        )


def anything(content: bytes) -> bool:
    """Whether there is any content but blanks."""
    return not content.isspace()


def value(pattern: bytes) -> Holds:
    """Whether the one group of the pattern is somewhere a value and no placeholder. The pattern takes linear time."""
    compiled = re.compile(pattern, re.IGNORECASE | re.MULTILINE)

    def holds(content: bytes) -> bool:
        return any(_is_value(match[1].decode("latin-1")) for match in compiled.finditer(content))

    return holds


def setting(*names: bytes) -> Holds:
    """A line `NAME = VALUE` or `NAME: VALUE`; the names are patterns."""
    return value(rb'^[ \t]*"?(?:' + b"|".join(names) + rb')"?[ \t]*[=:][ \t]*"?([^\s"]+)')


def json_text(*names: bytes) -> Holds:
    """A text under one of these keys."""
    return value(rb'"(?:' + b"|".join(names) + rb')"\s*:\s*"([^"]+)"')


def matching(pattern: bytes) -> Holds:
    """Whether the pattern is there, whatever stands for the value: hashes begin as placeholders do, with `$`."""
    compiled = re.compile(pattern, re.IGNORECASE | re.MULTILINE)
    return lambda content: compiled.search(content) is not None


def url_password(content: bytes) -> bool:
    """A URL with a password."""
    return b"://" in content and any(True for _ in passwords_in_urls(content.decode("latin-1")))


def variables(content: bytes) -> bool:
    """Lines `NAME=VALUE` of which one names a secret."""
    for line in content.decode("latin-1").splitlines()[:_MOST_LINES]:
        name, equals, written = line.strip().removeprefix("export ").partition("=")
        if equals and not name.startswith("#") and is_secret_name(name.strip()) and _is_value(written):
            return True
    return url_password(content)


def json_secret(content: bytes) -> bool:
    """A text in JSON under any key that names a secret."""
    return any(_is_secret(match[1], match[2]) for match in _PAIR.finditer(content.decode("latin-1")))


def json_settings(content: bytes) -> bool:
    """The same, or a connection string with a password."""
    text = content.decode("latin-1")
    return json_secret(content) or any(
        True for match in _PAIR.finditer(text) for _ in passwords_in_connections(match[2])
    )


def settings(content: bytes) -> bool:
    """Lines `NAME=VALUE` or `NAME: VALUE` of which one names a secret and has a literal value."""
    return any(True for _ in _literals(content))


def settings_with_digits(content: bytes) -> bool:
    """The same with a digit in the value: of files that may be translations, in which `password` is a word."""
    return any(any(letter.isdigit() for letter in literal) for literal in _literals(content))


def history(content: bytes) -> bool:
    """Commands for a shell, a program or a database, of which one has a secret in it."""
    text = content.decode("latin-1").replace("\\040", " ")  # libedit, which MySQL uses, writes blanks so
    return (
        any(
            _is_secret(match[1].replace("-", "_"), match[2])
            for pattern in (_IN_SHELL, _IN_PROGRAM, _OPTION)
            for match in pattern.finditer(text)
        )
        or any(_is_value(match[1]) for pattern in (_IN_SQL, _LOGIN) for match in pattern.finditer(text))
        or url_password(content)
    )


def _literals(content: bytes) -> Iterator[str]:
    for match in _LINE.finditer(content.decode("latin-1")):
        if is_secret_name(match[1]):
            written = match[2].partition(" #")[0].strip().strip("\"'")
            if _is_value(written) and not _NO_LITERAL.match(written) and not set(written) & set(" \\<>"):
                yield written


def _is_secret(name: str, written: str) -> bool:
    return is_secret_name(name) and _is_value(written)


def _is_value(written: str) -> bool:
    return not is_placeholder(written) and not is_default(written)
