"""JSON that a stranger wrote: an engine, an archive, a proxy, the service."""

import re
from typing import Any

from pydantic_core import from_json

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")


def parse(data: bytes) -> Any:
    """The JSON value in UTF-8 `data`. Raises `ValueError`, also for nesting deeper than 200.

    The parser of the standard library would run into the recursion limit there, in whose reach other code fails too.
    Half a surrogate pair, which no UTF-8 text can hold, is read as U+FFFD: it must not cost what stands beside it.
    """
    try:
        return from_json(data)
    except ValueError:
        mended, halves = _SURROGATE.subn(rb"\\ufffd", data)
        if not halves:
            raise
    return from_json(mended)
