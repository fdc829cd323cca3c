"""Secrets in variables, build arguments and commands of a build: each once, where it is said first."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from jenkins_scan.local import checks
from jenkins_scan.local.checks import Check
from jenkins_scan.local.history import Line, unquoted
from jenkins_scan.local.secret_names import is_default, is_placeholder, is_secret_name, passwords_in_urls
from jenkins_scan.local.tokens import Allowance, tokens_in_line
from jenkins_scan.plain_text import one_line

_LONGEST_NAME: Final = 80
_MOST: Final = 100
"""Secrets: with these an image fails, whatever else there is."""
_MOST_IN_ALL: Final = 5_000
_ASSIGNMENT: Final = re.compile(r"(?<![\w$./-])([A-Za-z_][\w.-]{1,100})=(\"[^\"]*\"|'[^']*'|[^\s;&|\"'()]+)")
_OPTION: Final = re.compile(
    r"(?<!\S)--((?:[a-z][a-z-]{0,40}-)?(?:password|passwd|token|secret|api-key|passphrase))[ =]"
    r"(\"[^\"]*\"|'[^']*'|[^\s;&|\"'()]+)"
)
_CHANGED: Final = re.compile(
    r"\becho\s+[\"']?[\w.-]{1,64}:([^\s\"'|]{1,256})[\"']?\s{0,8}\|\s{0,8}(?:sudo\s{1,8})?chpasswd\b"
)
_LOGIN: Final = re.compile(r"(?<!\S)(?:-u|--user)[ =]?[\"']?[^\s:\"'$]{1,256}:([^\s\"']{1,256})")
_AUTHORIZATION: Final = re.compile(
    r"\b(?:authorization|private-token|x-api-key|x-auth-token):\s*(?:(?:bearer|basic|token)\s+)?(?!(?:bearer|basic|token)\b)([^\s\"'$]{6,})",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Secret:
    """One secret, and where it stands. The value is there to be taken out of what is shown."""

    check: Check
    title: str
    value: str
    line: Line | None
    """None: it is in the config alone."""
    name: str = ""


def secrets_of(variables: Sequence[tuple[str, str]], lines: Sequence[Line], windows: Allowance) -> list[Secret]:
    """All secrets; a variable's value that stands in the history, too, is reported with its line there."""
    found: dict[tuple[str, str, str], Secret] = {}
    secrets = 0
    for secret in _all(variables, lines, windows):
        key = (secret.check.id, secret.name or secret.title, secret.value)
        before = found.get(key)
        if before is None or before.line is None:
            found[key] = secret
        if secret.check is not checks.DEFAULT_PASSWORD:
            secrets += 1
        if secrets >= _MOST or len(found) >= _MOST_IN_ALL:
            break
    return list(found.values())


def _all(variables: Sequence[tuple[str, str]], lines: Sequence[Line], windows: Allowance) -> Iterator[Secret]:
    final = dict(variables)
    for name, value in final.items():
        yield from _named(checks.SECRET_IN_ENV, "ENV", name, value, None, windows)
    for line in lines:
        if line.instruction == "ENV":
            for name, written in line.pairs():
                # The classic builder writes values without their quotes: the config knows where they end.
                whole = final.get(name, "")
                value = whole if whole.startswith(written) and whole in line.text else written
                yield from _named(checks.SECRET_IN_ENV, "ENV", name, value, line, windows)
        elif line.instruction == "ARG":
            for name, value in line.pairs():
                yield from _named(checks.SECRET_IN_ARG, "ARG", name, value, line, windows)
        else:
            for name, value in line.arguments:
                yield from _named(checks.SECRET_IN_ARG, "ARG", name, value, line, windows)
            yield from _of_command(line, windows)


def _named(  # noqa: PLR0913, PLR0917  what a secret consists of
    check: Check, where: str, name: str, value: str, line: Line | None, windows: Allowance
) -> Iterator[Secret]:
    shown = one_line(name, _LONGEST_NAME)
    if is_secret_name(name) and not is_placeholder(value):
        if is_default(value):
            yield Secret(
                checks.DEFAULT_PASSWORD, f"{where} {shown} has a value that everybody guesses", value, line, name
            )
        else:
            yield Secret(check, f"{where} {shown} holds a secret", value, line, name)
        return
    types = {token.type: token.value for token in tokens_in_line(value, windows)}
    types |= dict(zip(["a password in a URL"], passwords_in_urls(value), strict=False))
    for kind, found in types.items():
        yield Secret(check, f"{where} {shown} holds a secret ({kind})", found, line, name)


def _of_command(line: Line, windows: Allowance) -> Iterator[Secret]:
    seen: set[str] = set()
    for what, value in _in_command(line.text, windows):
        plain = unquoted(value)
        if plain in seen or is_placeholder(plain):
            continue
        seen.add(plain)
        if is_default(plain):
            title = f"A command of the build sets a password that everybody guesses: {what}"
            yield Secret(checks.DEFAULT_PASSWORD, title, plain, line)
        else:
            yield Secret(checks.SECRET_IN_HISTORY, f"A command of the build holds a secret: {what}", plain, line)


def _in_command(text: str, windows: Allowance) -> Iterator[tuple[str, str]]:
    for match in _ASSIGNMENT.finditer(text):
        if is_secret_name(match[1]):
            yield one_line(match[1], _LONGEST_NAME), match[2]
    for match in _OPTION.finditer(text):
        yield f"--{match[1]}", match[2]
    for match in _AUTHORIZATION.finditer(text):
        yield "a header with a login", match[1]
    for password in passwords_in_urls(text):
        yield "a password in a URL", password
    for match in _CHANGED.finditer(text):
        yield "a password for chpasswd", match[1]
    for match in _LOGIN.finditer(text) if "curl" in text else ():
        yield "a login for curl", match[1]
    for token in tokens_in_line(text, windows):
        yield token.type, token.value
