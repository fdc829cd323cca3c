"""References against the grammar of distribution/reference, written down here anew.

Source: github.com/distribution/reference, `regexp.go` and `normalize.go` (`ParseNormalizedNamed`).
"""

import re

from hypothesis import example, given
from hypothesis import strategies as st

from jenkins_scan.errors import UsageError
from jenkins_scan.images.reference import ImageId, ImageReference, as_label, parse_reference, shown, without_user_info
from tests.fuzz.mutations import require_shown

HEX = re.compile("[0-9a-f]{64}")
ALNUM = "[a-z0-9]+"
COMPONENT = rf"{ALNUM}(?:(?:[._]|__|[-]+){ALNUM})*"
LABEL = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
DOMAIN = rf"(?:{LABEL}(?:\.{LABEL})*|\[(?:[a-fA-F0-9:]+)\])(?::[0-9]+)?"
WHOLE = re.compile(
    rf"({DOMAIN})/({COMPONENT}(?:/{COMPONENT})*)(?::([A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}}))?"
    r"(?:@([A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}))?"
)
LENGTHS = {"sha256": 64, "sha384": 96, "sha512": 128}


def official(text: str) -> tuple[str, str, str | None, str | None] | None:
    """Domain, path, tag and digest; None for what is no reference."""
    if HEX.fullmatch(text):
        return None
    first, slash, rest = text.partition("/")
    if not slash or (not set(first) & set(".:") and first != "localhost" and first == first.lower()):
        first, rest = "docker.io", text
    if first == "index.docker.io":
        first = "docker.io"
    if first == "docker.io" and "/" not in rest:
        rest = f"library/{rest}"
    name = rest.partition(":")[0]
    found = WHOLE.fullmatch(f"{first}/{rest}")
    if name != name.lower() or found is None or len(found[2]) > 255:
        return None
    if found[4]:
        algorithm, _, digits = found[4].partition(":")
        if not re.fullmatch(f"[0-9a-f]{{{LENGTHS.get(algorithm, 0)}}}", digits):
            return None
    return found[1], found[2], found[3], found[4]


PIECES = st.sampled_from(
    [
        "a",
        "b0",
        "A",
        "localhost",
        "docker.io",
        "index.docker.io",
        "library",
        "host",
        "x.y",
        "[::1]",
        "[fe80::1]",
        "1",
        "/",
        "/",
        "/",
        ":",
        ":",
        ".",
        "_",
        "__",
        "-",
        "--",
        "@",
        "sha256:",
        "sha512:",
        "md5:",
        "5000",
        "latest",
        "v1.0",
        "a" * 64,
        "0" * 32,
        "f" * 63,
        "A" * 64,
        "b" * 128,
        "c" * 126,
        "é",
        "\n",
        " ",
        "\x00",
        "İ",
        "%2F",
        "//",
    ]
)
SOUP = st.lists(PIECES, max_size=12).map("".join)
SOUND = st.from_regex(
    rf"(?:{DOMAIN}/)?{COMPONENT}(?:/{COMPONENT}){{0,3}}(?::[A-Za-z0-9_][A-Za-z0-9_.-]{{0,12}})?"
    rf"(?:@sha256:[0-9a-f]{{64}})?",
    fullmatch=True,
)


@st.composite
def slips(draw: st.DrawFn) -> str:
    """A sound reference with one slip."""
    text = draw(SOUND)
    place = draw(st.integers(0, len(text)))
    return text[:place] + draw(PIECES) + text[place + draw(st.integers(0, 2)) :]


@given(SOUP | SOUND | slips() | st.text(max_size=60))
@example("a" * 64 + ":1")
@example("a\n")
@example("a/" * 127 + "a")
@example("a/" * 128 + "a")
def test_it_is_read_as_the_official_grammar_reads_it_or_refused_with_exit_2(text):
    try:
        found = parse_reference(text)
    except UsageError as refused:
        require_shown(refused, 2)
        ours = None
    else:
        if isinstance(found, ImageId):
            assert HEX.fullmatch(text.removeprefix("sha256:"))
            return
        registry, _, path = found.repository_name.partition("/")
        ours = (registry, path, found.tag, found.digest)
    theirs = official(text)
    if ours is None and theirs is not None:  # what we refuse on purpose: an id with a tag, and what no host could be
        last = re.split("[:@]", text.rpartition("/")[2])[0]
        assert HEX.fullmatch(last) or len(text) > 1024, text
    else:
        assert ours == theirs


@given(SOUND | slips() | SOUP)
def test_what_was_read_is_written_and_read_again_as_the_same(text):
    try:
        found = parse_reference(text)
    except UsageError:
        return
    assert parse_reference(str(found)) == found
    if isinstance(found, ImageReference):
        again = parse_reference(found.canonical)
        assert isinstance(again, ImageReference)
        assert (again.canonical, again.digest) == (found.canonical, found.digest)
        assert parse_reference(found.asked)


@given(SOUP | slips() | st.text(max_size=200))
def test_it_can_always_be_shown(text):
    assert shown(text).isprintable()
    assert isinstance(as_label(text) + without_user_info(text), str)
