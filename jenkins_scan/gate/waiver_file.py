"""The waiver file: TOML, one `[[waiver]]` for each accepted problem. Everything wrong in it is named with its place."""

import codecs
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from jenkins_scan.errors import ConfigurationError
from jenkins_scan.findings import Kind
from jenkins_scan.gate.given_file import read_given
from jenkins_scan.gate.names import is_nameable
from jenkins_scan.gate.waivers import Waiver
from jenkins_scan.plain_text import one_line
from jenkins_scan.spelling import hint

LARGEST_FILE: Final = 256 * 1024
"""Bytes."""
_LONGEST_TEXT: Final = 1000
_ENTRY: Final = "waiver"
_GLOBS: Final = ("package", "path", "image")
_KEYS: Final = ("id", "kind", *_GLOBS, "reason", "expires", "owner")
_REQUIRED: Final = ("id", "reason", "expires")
_REMEDY: Final = (
    "Each [[waiver]] needs id, reason and expires (YYYY-MM-DD), and may have kind, package, path, image and owner."
)
_TOKEN: Final = re.compile(
    r'"""(?:\\.|[^\\])*?"""'
    r"|'''.*?'''"
    r"|^[ \t]*(?:(?P<header>\[\[?[^\[\]\n]+\]\]?)|(?P<key>[A-Za-z0-9_.-]+|\"[^\"\n]*\"|'[^'\n]*')[ \t]*=)"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|#[^\n]*",
    re.DOTALL | re.MULTILINE,
)
"""Texts and comments, so that nothing in them is taken for one of the other two: a header, and the key of a line."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A header, or the top of the file, with the keys below it; each with its offset in the text."""

    name: str
    start: int
    keys: dict[str, int] = field(default_factory=dict)

    def mentions(self, key: str) -> int | None:
        """Where the header, or the top of the file, has this key of the whole file."""
        if not self.name:
            return self.keys.get(key)
        return self.start if self.name.strip("[]").split(".")[0] == key else None


class _WrongEntry(Exception):
    """What is wrong with one entry, and under which key; None: with all of it."""

    def __init__(self, key: str | None, why: str) -> None:
        super().__init__(why)
        self.key = key


def read_waivers(path: Path) -> tuple[Waiver, ...]:
    """The waivers in the order of the file. Raises `ConfigurationError` (2) with line and column."""
    shown = one_line(str(path), 200)
    text = _text_of(read_given(path, LARGEST_FILE, "waiver file"), shown)
    table, parts = _parsed(text, shown), _parts(text)
    for key in table:
        if key != _ENTRY:
            raise _refused(
                shown, *_place(text, _first(parts, key)), f"unknown key {key[:60]!r}{hint(key.lower(), [_ENTRY])}"
            )
    rows = table.get(_ENTRY, [])
    entries = [part for part in parts if part.name == f"[[{_ENTRY}]]"]
    if not isinstance(rows, list) or len(rows) != len(entries):
        place = _place(text, _first(parts, _ENTRY))
        raise _refused(shown, *place, f"each waiver stands below a [[{_ENTRY}]] of its own.")
    waivers = []
    for row, entry in zip(rows, entries, strict=True):
        line, column = _place(text, entry.start)
        try:
            waivers.append(_waiver(row, line))
        except _WrongEntry as exc:
            if exc.key in entry.keys:
                line, column = _place(text, entry.keys[exc.key])
            raise _refused(shown, line, column, str(exc)) from exc
    return tuple(waivers)


def _text_of(content: bytes, shown: str) -> str:
    content = content.removeprefix(codecs.BOM_UTF8)
    try:
        return content.decode().replace("\r\n", "\n")
    except UnicodeDecodeError as exc:
        before = content[: exc.start].decode()
        raise _refused(shown, *_place(before, len(before)), "it is not UTF-8.") from exc


def _parsed(text: str, shown: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except RecursionError as exc:
        raise _refused(shown, 1, 1, "it is nested too deeply.") from exc
    except ValueError as exc:
        named = re.fullmatch(r"(.*) \(at line (\d+), column (\d+)\)", str(exc), re.DOTALL)
        if named is None:  # at the end of the document, or a number that Python itself refuses
            why = str(exc).removesuffix(" (at end of document)")
            raise _refused(shown, *_place(text, len(text)), f"not TOML: {why}.") from exc
        raise _refused(shown, int(named[2]), int(named[3]), f"not TOML: {named[1]}.") from exc


def _waiver(row: Mapping[str, Any], line: int) -> Waiver:
    for key in row:
        if key not in _KEYS:
            raise _WrongEntry(key, f"unknown key {key[:60]!r}{hint(key.lower(), _KEYS)}")
    for key in _REQUIRED:
        if key not in row:
            raise _WrongEntry(None, f"the waiver has no {key}.")
    texts = {key: _text(key, row[key]) for key in _KEYS if key in row and key != "expires"}
    if any(mark in texts["id"] for mark in "*?") or not is_nameable(texts["id"]):
        raise _WrongEntry("id", "id must be the id of one problem: a pattern would waive what nobody has seen yet.")
    return Waiver(
        id=texts["id"],
        reason=one_line(texts["reason"], _LONGEST_TEXT),
        expires=_day(row["expires"]),
        kind=_kind(texts["kind"]) if "kind" in texts else None,
        package=texts.get("package"),
        path=texts.get("path"),
        image=texts.get("image"),
        owner=one_line(texts["owner"], _LONGEST_TEXT) if "owner" in texts else None,
        line=line,
    )


def _text(key: str, value: Any) -> str:
    if not isinstance(value, str):
        raise _WrongEntry(key, f"{key} must be a text.")
    if not one_line(value):
        raise _WrongEntry(key, f"{key} must not be empty.")
    if len(value) > _LONGEST_TEXT:
        raise _WrongEntry(key, f"{key} is longer than {_LONGEST_TEXT} characters.")
    return value.strip()


def _kind(word: str) -> Kind:
    try:
        return Kind(word)
    except ValueError as exc:
        known = [*map(str, Kind)]
        raise _WrongEntry("kind", f"kind must be one of {', '.join(known)}{hint(word.lower(), known)}") from exc


def _day(value: Any) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        try:
            return date.fromisoformat(value)
        except ValueError as exc:
            raise _WrongEntry("expires", f"expires is no day of the calendar: {value}.") from exc
    raise _WrongEntry("expires", "expires must be a day, written YYYY-MM-DD.")


def _parts(text: str) -> list[_Part]:
    """The headers of a file that is TOML, in their order, each with its keys; the top of the file comes first."""
    parts = [_Part("", 0)]
    for token in _TOKEN.finditer(text):
        if token["header"]:
            parts.append(_Part(re.sub(r"[\s\"']", "", token["header"]), token.start("header")))
        elif token["key"]:
            parts[-1].keys.setdefault(token["key"].strip("\"'").split(".")[0], token.start("key"))
    return parts


def _first(parts: Iterable[_Part], key: str) -> int:
    return next((start for part in parts if (start := part.mentions(key)) is not None), 0)


def _place(text: str, offset: int) -> tuple[int, int]:
    """Line and column, both from 1."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def _refused(shown: str, line: int, column: int, why: str) -> ConfigurationError:
    return ConfigurationError(f"{shown}, line {line}, column {column}: {why}", remedy=_REMEDY)
