"""Secrets in variables, build arguments, commands and settings of a build: each once, where it is said first."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from jenkins_scan.local import checks
from jenkins_scan.local.checks import Check
from jenkins_scan.local.commands import secrets_in_command
from jenkins_scan.local.history import Line, unquoted
from jenkins_scan.local.secret_names import (
    holds_private_key,
    is_default,
    is_placeholder,
    is_secret_name,
    passwords_in_connections,
    passwords_in_urls,
)
from jenkins_scan.local.shell import command_with
from jenkins_scan.local.tokens import Allowance, tokens_in_line
from jenkins_scan.plain_text import one_line
from jenkins_scan.redaction import MASK

_LONGEST_NAME: Final = 80
_MOST: Final = 100
"""Secrets: with these an image fails, whatever else there is."""
_MOST_IN_ALL: Final = 5_000


@dataclass(frozen=True, slots=True)
class Secret:
    """One secret, and where it stands. The value is there to be taken out of what is shown."""

    check: Check
    title: str
    value: str
    line: Line | None
    """None: it is in the config alone."""
    name: str = ""
    """Of the variable or the argument that holds it."""

    @property
    def place(self) -> str:
        """Where it stands, without it, but for a command, in which it is still to be hidden."""
        if self.line is None:
            return f"ENV {self.name}={MASK}"
        if not self.name:
            return self.line.around(command_with(self.line.text, self.value))
        given = f"{self.name}={MASK}"
        return f"RUN |{given}|" if self.line.instruction == "RUN" else f"{self.line.instruction} {given}"


def secrets_of(
    variables: Sequence[tuple[str, str]], lines: Sequence[Line], windows: Allowance
) -> tuple[list[Secret], bool]:
    """The secrets, and whether there may be more; a variable's value is reported with its line in the history."""
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
            return list(found.values()), True
    return list(found.values()), windows.left < 0


def _all(variables: Sequence[tuple[str, str]], lines: Sequence[Line], windows: Allowance) -> Iterator[Secret]:
    final = dict(variables)
    for name, value in final.items():
        yield from _named(checks.SECRET_IN_ENV, "ENV", name, value, None, windows)
    told: set[str] = set()
    for line in lines:
        for secret in _of_line(line, final, windows):
            if line.number is not None or secret.value not in told:  # what a step said, the config says again
                told.add(secret.value)
                yield secret


def _of_line(line: Line, final: Mapping[str, str], windows: Allowance) -> Iterator[Secret]:
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
    types |= dict(zip(["a password in a connection string"], passwords_in_connections(value), strict=False))
    if holds_private_key(value):
        types["a private key"] = value
    for what, found in secrets_in_command(value):
        plain = unquoted(found)
        if not is_placeholder(plain) and not is_default(plain) and plain not in types.values():
            types[what] = plain
    for kind, found in types.items():
        yield Secret(check, f"{where} {shown} holds a secret ({kind})", found, line, name)


def _of_command(line: Line, windows: Allowance) -> Iterator[Secret]:
    check = checks.SECRET_IN_HISTORY if line.number is not None else checks.SECRET_IN_CONFIG
    said = line.number is not None and line.instruction not in ("COMMENT", "AUTHOR")
    where = "A command of the build" if said else f"The image's {line.instruction}"
    seen: set[str] = set()
    found = [
        *secrets_in_command(line.text),
        *((token.type, token.value) for token in tokens_in_line(line.text, windows)),
    ]
    for what, value in found:
        plain = unquoted(value)
        if plain in seen or is_placeholder(plain):
            continue
        seen.add(plain)
        if is_default(plain):
            title = f"{where} sets a password that everybody guesses: {what}"
            yield Secret(checks.DEFAULT_PASSWORD, title, plain, line)
        else:
            yield Secret(check, f"{where} holds a secret: {what}", plain, line)
