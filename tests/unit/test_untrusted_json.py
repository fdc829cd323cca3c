"""Foreign JSON: whatever it holds, there is a value or a `ValueError`."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jenkins_scan.untrusted_json import parse

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(VALUES)
def test_what_the_standard_library_writes_is_read_the_same(value):
    assert parse(json.dumps(value).encode()) == value


@given(st.binary())
def test_any_bytes_are_a_value_or_a_value_error(data):
    try:
        parse(data)
    except ValueError:
        return


@pytest.mark.parametrize("deep", [b"[" * 100_000, b'{"a":' * 100_000, b"[" * 300 + b"]" * 300])
def test_deep_nesting_is_a_value_error(deep):
    with pytest.raises(ValueError, match="recursion limit"):
        parse(deep)


@pytest.mark.parametrize("half", ["\\ud800", "\\uDFFF", "\\ud800\\ud800"])
def test_half_a_surrogate_pair_costs_nothing_beside_it(half):
    read = parse(f'{{"a": "x{half}", "b": 1}}'.encode())
    assert (read["a"].replace("\ufffd", ""), read["b"]) == ("x", 1)
