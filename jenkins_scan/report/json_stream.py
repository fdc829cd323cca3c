"""Indented JSON in parts, as reports can be too long to be held as text.

It is ASCII, because Jenkins reads files in the encoding of its agent.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic_core import to_json

INDENT: Final = 2


def document(content: Mapping[str, Any]) -> Iterator[str]:
    """The object as JSON with a line break at its end; iterators within it are lists, written one item at a time."""
    yield from _parts(content, "\n")
    yield "\n"


def _parts(value: Any, line: str) -> Iterator[str]:
    """The value; `line` is a line break and the indentation of where it begins."""
    deeper = line + " " * INDENT
    if isinstance(value, Iterator):
        before = "["
        for item in value:
            yield before + deeper
            yield from _parts(item, deeper)
            before = ","
        yield "[]" if before == "[" else line + "]"
    elif _holds_iterators(value):
        before = "{"
        for key, item in value.items():
            yield f"{before}{deeper}{json.dumps(key)}: "
            yield from _parts(item, deeper)
            before = ","
        yield line + "}"
    else:
        # A line break within a text is escaped: every one that is here is of the indentation.
        yield to_json(value, indent=INDENT, ensure_ascii=True).decode("ascii").replace("\n", line)


def _holds_iterators(value: Any) -> bool:
    return isinstance(value, dict) and any(
        isinstance(item, Iterator) or _holds_iterators(item) for item in value.values()
    )
