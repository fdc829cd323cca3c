"""Foreign text on one line: no escapes, no controls, no reordering, no forged lines."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jenkins_scan.plain_text import one_line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("plain", "plain"),
        ("", ""),
        (" \n\t ", ""),
        ("one\ntwo\r\nthree", "one two three"),
        ("a\x1b[31mred\x1b[0m b", "ared b"),
        ("\x1b[2J\x1b[1;1Hx", "x"),
        ("\x9b31mred", "red"),
        ("\x1b]0;title\x07x", "x"),
        ("\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bcreset", "reset"),
        ("\x1b", ""),
        ("abc\u202egnp.exe", "abc gnp.exe"),
        ("a\u200bb\ufeffc", "a b c"),
        ("line\u2028para\u2029end\x85x", "line para end x"),
        ("a\udcffb", "a b"),
        ("null\x00byte\x7f", "null byte"),
        ("Zürich 中文 🚢", "Zürich 中文 🚢"),
    ],
)
def test_only_what_can_be_seen_is_left(text, line):
    assert one_line(text) == line


@pytest.mark.parametrize(("length", "line"), [(9, "x" * 9), (10, "x" * 10), (11, "x" * 9 + "…"), (5000, "x" * 9 + "…")])
def test_a_long_text_is_cut_with_a_mark(length, line):
    assert one_line("x" * length, 10) == line


@given(text=st.text(st.characters()), limit=st.integers(1, 60))
def test_the_line_is_one_line_of_at_most_the_limit(text, limit):
    line = one_line(text, limit)
    assert len(line) <= limit
    assert len(line.splitlines()) <= 1
    assert not {unicodedata.category(character) for character in line} & {"Cc", "Cs", "Zl", "Zp"}
    line.encode("utf-8")


@given(text=st.text("ab \x1b[]0;m\x07\\\n\u202e", max_size=60))
def test_a_clean_line_stays_as_it_is(text):
    line = one_line(text)
    assert one_line(line) == line
    assert "\x1b" not in line
