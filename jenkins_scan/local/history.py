"""The history of an image as lines of a Dockerfile, whichever builder wrote it.

The classic builder writes `/bin/sh -c #(nop)  ENV A=b`, `/bin/sh -c COMMAND` and, with build arguments,
`|1 A=b /bin/sh -c COMMAND`; BuildKit `ENV A=b`, `RUN /bin/sh -c COMMAND # buildkit` and
`RUN |1 A=b /bin/sh -c COMMAND # buildkit`; buildah as the classic one; kaniko the line itself.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from jenkins_scan.images import fields

_LONGEST: Final = 32 * 1024
"""Characters of a line that are looked at."""
_LONGEST_IN_ALL: Final = 512 * 1024
"""Characters of all lines: builds of hundreds of long steps stay below a fifth of it."""
CUT: Final = "…"
"""Stands for a part of a line."""
_NOP: Final = re.compile(r"(?:/bin/sh|/bin/bash|cmd /S /C)\s+(?:-\w+\s+)*#\(nop\)\s+", re.IGNORECASE)
_SHELL: Final = re.compile(
    r"(?:/bin/(?:[a-z]+/)?(?:ba|da|a|z|k)?sh|/usr/bin/(?:ba|z)sh)\s+(?:-\w+\s+(?:pipefail\s+)?)+"
)
_WORD: Final = re.compile(r"[A-Z]{3,11}(?=\s|$)")
_ARGUMENTS: Final = re.compile(r"\|(\d{1,3})\s+")
_ARGUMENT: Final = re.compile(r"(?:\A|\s)([A-Za-z_]\w{0,200})=")
_BUILDKIT: Final = re.compile(r"\s*# buildkit(?:\.dockerfile\.v0)?\s*\Z")
_PAIR: Final = re.compile(
    r"""(?<![\w.-])([A-Za-z_][\w.-]{0,200})=("(?:[^"\\]|\\.)*"|'[^']*'|(?:[^\s\\]|\\.)*)""", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Line:
    """One step of the build, or one setting of the config."""

    number: int | None
    """From 1, as `docker history` would count from the bottom; None for a setting."""
    instruction: str
    """`RUN`, `ENV`, ...; empty where the builder did not say."""
    text: str
    """What stood behind it: a command without its shell."""
    arguments: tuple[tuple[str, str], ...] = ()
    """Names and values of the build arguments that a RUN got."""
    is_cut: bool = False

    def around(self, part: str) -> str:
        """This part of the line, with a sign for what is left out: that may hold what nobody knows to be a secret."""
        before, _, behind = self.text.partition(part)
        parts = (self.instruction, before.strip() and CUT, part.strip(), behind.strip() and CUT)
        return " ".join(each for each in parts if each)

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Names and values of an ENV, an ARG or a LABEL."""
        name, _, value = self.text.partition(" ")
        if "=" not in name and self.instruction == "ENV":  # the old form: ENV NAME VALUE
            yield name, value
            return
        for match in _PAIR.finditer(self.text):
            yield match[1], unquoted(match[2])


def lines_of(config: Mapping[str, Any]) -> list[Line]:
    """The history of a config. Raises `errors.UnreadableImage` (13) for one that is none."""
    lines, left = [], _LONGEST_IN_ALL
    for number, row in enumerate(_rows(config), 1):
        text = fields.text(row, "created_by")
        if text is not None:
            lines.append(_line(number, text, min(left, _LONGEST)))
            left -= min(left, len(text))
    return lines


def settings_of(config: Mapping[str, Any]) -> list[Line]:
    """What a config says in words beside its variables and its steps: what is run, labels, comments, the author.

    Raises `errors.UnreadableImage` (13) for wrong types.
    """
    lines, left = [], _LONGEST_IN_ALL
    for number, instruction, text in _said(config):
        if text:
            most = min(left, _LONGEST)
            lines.append(Line(number, instruction, text[:most], is_cut=len(text) > most))
            left -= min(left, len(text))
    return lines


def _said(config: Mapping[str, Any]) -> Iterator[tuple[int | None, str, str | None]]:
    inner = fields.inner(config, "config")
    for key in ("Entrypoint", "Cmd"):
        yield None, key.upper(), " ".join(fields.texts(inner, key))
    yield None, "HEALTHCHECK", " ".join(fields.texts(fields.inner(inner, "Healthcheck"), "Test"))
    for step in fields.texts(inner, "OnBuild"):
        yield None, "ONBUILD", step
    labels = fields.inner(inner, "Labels")
    for name in labels:
        yield None, "LABEL", f"{name}={fields.text(labels, name) or ''}"
    for key in ("comment", "author"):
        yield None, key.upper(), fields.text(config, key)
        for number, row in enumerate(_rows(config), 1):
            yield number, key.upper(), fields.text(row, key)


def _rows(config: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    history = config.get("history")
    rows = [] if history is None else fields.as_list(history, "history")
    return [fields.as_object(row, "An entry of history") for row in rows]


def unquoted(value: str) -> str:
    """The value without the quotes around it."""
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if quoted else value


def _line(number: int, whole: str, longest: int) -> Line:
    text = _BUILDKIT.sub("", whole[:longest]).strip()
    is_cut = len(whole) > longest
    nop = _NOP.match(text)
    if nop is not None:
        text = text[nop.end() :]
    word = _WORD.match(text)
    instruction = word[0] if word is not None else ""
    text = text[len(instruction) :].strip()
    arguments: tuple[tuple[str, str], ...] = ()
    if (given := _ARGUMENTS.match(text)) is not None:
        arguments, text = _given(int(given[1]), text[given.end() :])
    shell = _SHELL.match(text)
    if shell is not None:
        text = text[shell.end() :]
    if not instruction and (shell is not None or given is not None):
        instruction = "RUN"
    return Line(number, instruction, text, arguments, is_cut)


def _given(count: int, text: str) -> tuple[tuple[tuple[str, str], ...], str]:
    """So many build arguments, which stand there without quotes, and the command behind them."""
    end = _SHELL.search(text)
    head, rest = (text, "") if end is None else (text[: end.start()], text[end.start() :])
    places = list(_ARGUMENT.finditer(head))
    if len(places) > count:
        places = places[:count]
    ends = [place.start() for place in places[1:]] + [len(head)]
    pairs = tuple((place[1], head[place.end() : stop].strip()) for place, stop in zip(places, ends, strict=True))
    return pairs, rest
