"""Waivers: what they cover, until when, and how exactly a bad file says where it is bad."""

import os
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jenkins_scan.errors import ConfigurationError
from jenkins_scan.findings import Kind
from jenkins_scan.gate import waivers
from jenkins_scan.gate.names import names_of_image, repository_of
from jenkins_scan.gate.waiver_file import LARGEST_FILE, read_waivers
from jenkins_scan.gate.waivers import Waiver
from jenkins_scan.images.interface import ImageIdentity, Store
from tests.support.findings import finding

TODAY = date(2025, 3, 14)
NAMES = ("docker.io/library/app:1", "app:1", "docker.io/library/app")
GOOD = """\
[[waiver]]
id = "CVE-2024-0001"
reason = "not reachable"
expires = 2025-06-30
"""


def waiver(**fields):
    return Waiver(**{"id": "CVE-2024-0001", "reason": "not reachable", "expires": TODAY, **fields})


def applied(found, *given_waivers, today=TODAY, names=NAMES):
    return waivers.apply(found, given_waivers, names, today)


@pytest.fixture
def read(tmp_path):
    """Reads a waiver file with this content."""

    def read_it(content):
        path = tmp_path / "waivers.toml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_waivers(path)

    return read_it


@pytest.fixture
def refusal(read):
    """What a bad file is refused with, after its name."""

    def read_it(content):
        with pytest.raises(ConfigurationError) as caught:
            read(content)
        assert caught.value.exit_code == 2
        assert caught.value.remedy
        return caught.value.message.partition("waivers.toml")[2].removeprefix(", ")

    return read_it


def complaint(path):
    """What the file is refused with, None if it is not."""
    try:
        read_waivers(path)
    except ConfigurationError as exc:
        return exc.message
    return None


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"id": "cve-2024-0001"},
        {"id": "GHSA-AAAA"},
        {"kind": Kind.VULNERABILITY},
        {"package": "openssl"},
        {"package": "open*"},
        {"path": "/usr/*.so"},
        {"image": "docker.io/library/app:*"},
        {"image": "app:1"},
        {"image": "docker.io/*/app"},
    ],
)
def test_a_waiver_covers_what_it_describes(fields):
    one = finding(path="/usr/lib/x.so", aliases=("ghsa-aaaa",))
    after = applied([one], waiver(**fields))
    assert (after.open, after.waived) == ((), ((one, waiver(**fields)),))
    assert after.unused == ()


@pytest.mark.parametrize(
    "fields",
    [
        {"id": "CVE-2024-00011"},
        {"id": "CVE-2024-000"},
        {"kind": Kind.BASELINE},
        {"package": "OpenSSL"},
        {"package": "libssl*"},
        {"path": "*"},
        {"image": "app"},
        {"image": "app:2"},
        {"image": "registry.example/*"},
        {"expires": TODAY - timedelta(days=1)},
    ],
)
def test_a_waiver_covers_nothing_else(fields):
    one = finding()
    after = applied([one], waiver(**fields))
    assert (after.open, after.waived) == ((one,), ())


def test_a_waiver_of_a_package_does_not_cover_a_finding_without_one():
    assert applied([finding(package=None)], waiver(package="*")).waived == ()


def test_a_row_that_could_not_be_understood_is_never_covered():
    one = finding("unreadable-row-1")
    assert applied([one], waiver(id="unreadable-row-1")).open == (one,)


@pytest.mark.parametrize(
    ("day", "covers", "listed"),
    [
        (-15, True, ""),
        (-14, True, "ending"),
        (0, True, "ending"),
        (1, False, "expired"),
    ],
)
def test_a_waiver_holds_up_to_and_on_its_last_day(day, covers, listed):
    one, accepted = finding(), waiver()
    after = applied([one], accepted, today=TODAY + timedelta(days=day))
    assert bool(after.waived) is covers
    assert (after.ending, after.expired) == (
        (accepted,) if listed == "ending" else (),
        (accepted,) if listed == "expired" else (),
    )
    assert after.unused == ()


@pytest.mark.parametrize("day", [date.min, date.max])
def test_no_day_is_too_far_away(day):
    assert applied([], waiver(expires=day)).waived == ()


def test_of_several_waivers_the_one_that_holds_longest_is_shown_and_all_are_used():
    short, long = waiver(), waiver(expires=date(2026, 1, 1), id="GHSA-1")
    one = finding(aliases=("GHSA-1",))
    for order in ([short, long], [long, short]):
        after = applied([one], *order)
        assert (after.waived, after.unused) == (((one, long),), ())


def test_the_notes_name_what_expired_what_ends_soon_and_what_no_image_used():
    expired = waiver(expires=date(2025, 1, 1), line=1, owner="team-a")
    ending = waiver(id="CVE-2024-0002", expires=date(2025, 3, 20), line=7)
    unused = waiver(id="CVE-2020-1", expires=date(2026, 1, 1), line=12)
    every = (expired, ending, unused)
    first, second = applied([finding()], *every), applied([finding("CVE-2024-0002")], *every)
    assert waivers.notes([first, second]) == (
        "the waiver of CVE-2024-0001 (line 1, owner team-a) expired on 2025-01-01: what it covers counts again.",
        "the waiver of CVE-2024-0002 (line 7) ends on 2025-03-20.",
        "the waiver of CVE-2020-1 (line 12) covers nothing that was found.",
    )
    assert len(waivers.notes([first])) == 4
    assert waivers.notes([]) == ()


def test_a_file_gives_its_waivers_in_order(read):
    text = """\
    # [[waiver]] in a comment is none
    [[waiver]]
    id = "CVE-2024-0001"
    kind = "vulnerability"
    package = "openssl*"
    path = "/usr/*"
    image = "*/app:*"
    reason = \"\"\"first
[[waiver]]
id = "not a key"
\"\"\"
    expires = "2025-06-30"
    owner = "team-a"

    [[ "waiver" ]]
    id = 'no_user'
    reason = 'a "quoted" reason'
    expires = 2025-06-30
    """
    assert read(text) == (
        Waiver(
            id="CVE-2024-0001",
            kind=Kind.VULNERABILITY,
            package="openssl*",
            path="/usr/*",
            image="*/app:*",
            reason='first [[waiver]] id = "not a key"',
            expires=date(2025, 6, 30),
            owner="team-a",
            line=2,
        ),
        Waiver(id="no_user", reason='a "quoted" reason', expires=date(2025, 6, 30), line=15),
    )


@pytest.mark.parametrize("content", ["", "# nothing\n", "waiver = []\n"])
def test_a_file_may_hold_no_waiver(read, content):
    assert read(content) == ()


def test_a_byte_order_mark_and_windows_lines_are_fine(read, refusal):
    content = b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode()
    assert [each.line for each in read(content)] == [1]
    assert refusal(content + b"a = \xff") == "line 5, column 5: it is not UTF-8."


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('id = "CVE-*"', "line 8, column 1: id must be the id of one problem: a pattern would waive what nobody has"),
        ('id = "CVE-2024-000?"', "line 8, column 1: id must be the id of one problem"),
        ('id = "Unreadable-Row-3"', "line 8, column 1: id must be the id of one problem"),
        ("id = 7", "line 8, column 1: id must be a text."),
        ('reason = " "', "line 9, column 3: reason must not be empty."),
        ('reason = "\\u200b"', "line 9, column 3: reason must not be empty."),
        ("reason = true", "line 9, column 3: reason must be a text."),
        (f'reason = "{"x" * 1001}"', "line 9, column 3: reason is longer than 1000 characters."),
        ('expires = "30.6.2025"', "line 10, column 1: expires must be a day, written YYYY-MM-DD."),
        ('expires = "2025-02-30"', "line 10, column 1: expires is no day of the calendar: 2025-02-30."),
        ("expires = 2025-06-30T00:00:00Z", "line 10, column 1: expires must be a day, written YYYY-MM-DD."),
        ("expires = 20250630", "line 10, column 1: expires must be a day, written YYYY-MM-DD."),
        (
            'kind = "vulnerabilty"',
            f"line 11, column 1: kind must be one of {', '.join(Kind)}; did you mean 'vulnerability'?",
        ),
        ('kind = ""', "line 11, column 1: kind must not be empty."),
        ('package = ["a"]', "line 11, column 1: package must be a text."),
        ('expiry = "x"', "line 11, column 1: unknown key 'expiry'; did you mean 'expires'?"),
        ("xyz.a = 1", "line 11, column 1: unknown key 'xyz'."),
        ("[waiver.more]", "line 7, column 1: unknown key 'more'."),
    ],
)
def test_a_bad_entry_is_named_with_line_and_column(refusal, line, message):
    key = line.split(" ")[0]
    entry = {"id": 'id = "CVE-2024-0002"', "reason": 'reason = "r"', "expires": "expires = 2025-06-30", key: line}
    entry["reason"] = "  " + entry["reason"]
    text = f"{GOOD}# next\n\n[[waiver]]\n" + "\n".join(entry.values()) + "\n"
    assert refusal(text).startswith(message)


@pytest.mark.parametrize("missing", ["id", "reason", "expires"])
def test_an_entry_without_what_is_required_is_refused(refusal, missing):
    text = "\n\n" + "".join(line for line in GOOD.splitlines(keepends=True) if not line.startswith(missing))
    assert refusal(text) == f"line 3, column 1: the waiver has no {missing}."


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[[waiver]]\nid = \n", "line 2, column 6: not TOML: Invalid value."),
        ("[[waiver]]\nid = 'x", "line 2, column 8: not TOML: Expected"),
        ("[[waiver]]\nid = 'x'\nid = 'y'\n", "line 3, column 9: not TOML: Cannot overwrite a value."),
        ("\nx = " + "[" * 20_000, "line 1, column 1: it is nested too deeply."),
        ("x = " + "1" * 5000 + "\n", "line 2, column 1: not TOML: Exceeds the limit"),
        ("[[waivers]]\n", "line 1, column 1: unknown key 'waivers'; did you mean 'waiver'?"),
        ("\n [other.table]\n", "line 2, column 2: unknown key 'other'."),
        ("# \n\n'w' = 1\n", "line 3, column 1: unknown key 'w'."),
        ("\nwaiver = [{id = 'x'}]\n", "line 2, column 1: each waiver stands below a [[waiver]] of its own."),
        ("waiver.a = 1\n", "line 1, column 1: each waiver stands below a [[waiver]] of its own."),
        ("[waiver]\nid = 'x'\n", "line 1, column 1: each waiver stands below a [[waiver]] of its own."),
        ('"wai\\u0076er" = 1\n', "line 1, column 1: each waiver stands below a [[waiver]] of its own."),
    ],
)
def test_a_bad_file_is_named_with_line_and_column(refusal, content, message):
    assert refusal(content).startswith(message)


def test_a_file_that_cannot_be_read_is_refused(tmp_path, refusal):
    os.mkfifo(tmp_path / "pipe")
    for path, why in [
        (tmp_path / "absent", "cannot be read: No such file or directory"),
        (tmp_path, "not a regular file"),
        (tmp_path / "pipe", "not a regular file"),
        (tmp_path / "a\0b", "cannot be read: embedded null byte"),
    ]:
        with pytest.raises(ConfigurationError, match=why) as caught:
            read_waivers(path)
        assert caught.value.exit_code == 2
    assert refusal("#" * (LARGEST_FILE + 1)) == ": larger than 256 KiB."


@given(
    st.lists(st.sampled_from([*GOOD.splitlines(), '"""', "'''", "[x]", "a = [", "]", "\t", 'id = "*"'])),
    st.text(max_size=9),
)
def test_any_file_gives_waivers_or_a_place(tmp_path_factory, lines, text):
    path = tmp_path_factory.getbasetemp() / "waivers.toml"
    path.write_text("\n".join([*lines, text]), encoding="utf-8", errors="replace")
    assert complaint(path) is None or "waivers.toml, line " in complaint(path)


@pytest.mark.parametrize(
    ("canonical", "repository"),
    [
        ("docker.io/library/app:1", "docker.io/library/app"),
        ("localhost:5000/team/app:1@sha256:" + "a" * 64, "localhost:5000/team/app"),
        ("localhost:5000/app@sha256:" + "a" * 64, "localhost:5000/app"),
        ("localhost:5000/app", "localhost:5000/app"),
    ],
)
def test_the_repository_is_the_name_without_tag_and_digest(canonical, repository):
    identity = ImageIdentity(reference="app:1", canonical=canonical, image_id=None, store=Store.UNKNOWN)
    assert repository_of(canonical, "ns", "other") == repository
    assert set(names_of_image(identity)) == {canonical, "app:1", repository}


def test_an_image_without_a_name_has_the_repository_that_the_service_lists():
    identity = ImageIdentity(reference="docker-archive://a.tar", canonical=None, image_id=None, store=Store.ARCHIVE)
    assert names_of_image(identity) == ("docker-archive://a.tar",)
    assert [repository_of(None, "ns", "app"), repository_of(None, None, "app"), repository_of(None, "ns")] == [
        "ns/app",
        "app",
        None,
    ]
