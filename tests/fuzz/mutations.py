"""Ways to spoil what was recorded."""

import copy
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from jenkins_scan.errors import ScanError
from jenkins_scan.plain_text import printable

GONE = object()
ODD = (
    st.sampled_from(
        [
            None,
            True,
            False,
            0,
            -1,
            1.5,
            10**400,
            2**63,
            float("inf"),
            float("nan"),
            "",
            " ",
            "\x00",
            "�",
            "x" * 5000,
            "sha256:",
            "sha256:" + "0" * 64,
            "SUCCESS",
            "FAIL",
            "null",
            "1",
            "-1",
            "9" * 400,
            "2026-01-01T00:00:00Z",
            "9999-12-31T23:59:59.999999999Z",
            [],
            {},
            [[]],
            [None] * 500,
            {"": None},
            {"a": {"a": {"a": {}}}},
        ]
    )
    | st.text(max_size=12)
    | st.integers()
    | st.floats()
)


def json_values() -> st.SearchStrategy[Any]:
    return st.recursive(
        ODD, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4)
    )


def changed_bytes(content: bytes) -> st.SearchStrategy[bytes]:
    """The bytes with a few replaced, removed, inserted, moved, or cut off."""
    place = st.integers(0, len(content))

    @st.composite
    def changed(draw: st.DrawFn) -> bytes:
        data = bytearray(content)
        for _ in range(draw(st.integers(1, 4))):
            start, length = draw(place), draw(st.integers(0, 16))
            new = draw(st.binary(max_size=8) | place.map(lambda other: content[other : other + 16]))
            data[start : start + length] = new
        return bytes(data[: draw(place)] if draw(st.integers(0, 9)) == 0 else data)

    return changed()


@st.composite
def damaged(draw: st.DrawFn, value: Any, most: int = 3) -> Any:
    """The JSON value with up to `most` parts, at any depth, replaced, removed, renamed or taken from elsewhere."""
    value = copy.deepcopy(value)
    for _ in range(draw(st.integers(1, most))):
        places = [*_places(value)]
        if not places:
            break
        holder, key = draw(st.sampled_from(places))
        other_holder, other_key = draw(st.sampled_from(places))
        new = draw(ODD | json_values() | st.just(GONE) | st.just(copy.deepcopy(other_holder[other_key])))
        if new is not GONE:
            holder[key] = new
        else:
            del holder[key]
    return value


def require_shown(error: ScanError, *codes: int) -> None:
    """Holds that an error has one of these exit codes, and that nothing in it can rewrite a console."""
    assert error.exit_code in codes
    assert printable(str(error)) == str(error)


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in items:
        yield value, key
        yield from _places(part)
