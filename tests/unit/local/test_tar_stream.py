"""The entries of a tar archive, as each program writes them; hostile ones end with an error, within bounds."""

import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jenkins_scan.errors import UnreadableImage
from jenkins_scan.local.tar_stream import BLOCK, is_header
from tests.support.docker_archives import tar_of
from tests.support.local_images import member, stream

END = bytes(2 * BLOCK)


def entries(content):
    """Each entry with its content."""
    tar = stream(content)
    return [(entry, tar.content().read()) for entry in tar]


def header(name=b"a", size=b"00000000000", kind=b"0", mode=b"0000644", more=None):
    """A header with a right checksum."""
    block = bytearray(BLOCK)
    block[: len(name)] = name
    block[100 : 100 + len(mode)] = mode
    block[124 : 124 + len(size)] = size
    block[156:157] = kind
    for offset, data in (more or {}).items():
        block[offset : offset + len(data)] = data
    block[148:156] = b" " * 8
    block[148:155] = b"%06o\0" % sum(block)
    return bytes(block)


def padded(content):
    return content + bytes(-len(content) % BLOCK)


def record(key, value):
    """A pax record, for lengths of two digits."""
    content = f" {key}={value}\n".encode()
    return b"%d" % (len(content) + (2 if len(content) > 7 else 1)) + content


def pax(records, kind=b"x"):
    return header(size=b"%011o" % len(records), kind=kind) + padded(records)


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("name", ["etc/x", "d" * 90 + "/" + "e" * 90, "ü/" + "n" * 98])
def test_each_form_is_read_as_it_was_written(form, name):
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=form) as tar:
        for info, content in (
            (member(name, mode=0o4755, uid=7), b"content"),
            (member("folder", kind=tarfile.DIRTYPE), b""),
            (member("link", kind=tarfile.SYMTYPE, link="t" * 100), b""),
            (member("hard", kind=tarfile.LNKTYPE, link="etc/x"), b""),
            (member("device", kind=tarfile.CHRTYPE), b""),
            (member("last"), b"x" * BLOCK),
        ):
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    (first, content), folder, link, hard, device, (last, end) = entries(target.getvalue())
    assert (first.name.decode(), first.mode, first.owner, first.size) == (name, 0o4755, 7, 7)
    assert (first.is_file, first.is_folder, first.link, content) == (True, False, None, b"content")
    assert (folder[0].is_folder, folder[0].is_file) == (True, False)
    assert (link[0].link, hard[0].link, link[0].is_file) == (b"t" * 100, b"etc/x", False)
    assert (device[0].is_file, device[0].is_folder) == (False, False)
    assert (last.name, end) == (b"last", b"x" * BLOCK)


def test_what_is_not_read_of_one_entry_is_passed_over():
    tar = stream(tar_of({"a": b"x" * 3000, "b": b"y"}))
    assert [(entry.name, tar.read(10)) for entry in tar] == [(b"a", b"x" * 10), (b"b", b"y")]


@pytest.mark.parametrize(
    ("name", "inside"),
    [(b"./a/./b", b"a/b"), (b"/etc/x", b"etc/x"), (b"../../x", b"x"), (b"a/../b", b"b"), (b"./", b""), (b"//a", b"a")],
)
def test_names_stay_inside(name, inside):
    ((entry, _),) = entries(header(name) + END)
    assert entry.name == inside


def test_an_old_folder_is_known_by_its_slash():
    ((entry, _),) = entries(header(b"a/", kind=b"\0") + END)
    assert entry.is_folder


def test_pax_records_come_before_the_header():
    records = record("path", "long/name") + record("uid", "12345") + record("size", "3")
    content = pax(records) + header(size=b"0") + padded(b"abc") + END
    ((entry, data),) = entries(content)
    assert (entry.name, entry.size, data) == (b"long/name", 3, b"abc")


def test_the_records_of_a_global_header_are_left_alone():
    content = pax(record("path", "abc"), kind=b"g") + header(b"own") + END
    assert [entry.name for entry, _ in entries(content)] == [b"own"]


def test_a_link_has_no_content_whatever_its_size_says():
    content = header(b"l", size=b"00000001000", kind=b"2", more={157: b"target"}) + header(b"next") + END
    assert [(entry.name, entry.size) for entry, _ in entries(content)] == [(b"l", 0), (b"next", 0)]


def test_a_pax_size_of_a_link_is_no_size():
    content = pax(b"10 size=3\n") + header(b"l", kind=b"2") + header(b"next") + END
    assert [entry.name for entry, _ in entries(content)] == [b"l", b"next"]


def test_large_numbers_are_read():
    ((entry, _),) = entries(header(more={108: b"\x80\0\0\0\0\1\0\0"}) + END)
    assert entry.owner == 65536


def sparse(*records, name="s"):
    return pax(b"".join(record(f"GNU.sparse.{key}", value) for key, value in records) + record("GNU.sparse.name", name))


LINES = b"130\n" + b"0\n1\n" * 130
"""A map of more than a block."""
SPARSE = {
    "old": header(b"s", size=b"00000000003", kind=b"S", more={482: b"\1"})
    + (bytes(504) + b"\1" + bytes(7))
    + bytes(BLOCK),
    "0.0": sparse(("map", "0,3")) + header(b"other", size=b"00000000003"),
    "0.1": sparse(("major", "0"), ("minor", "1"), ("map", "0,3")) + header(b"other", size=b"00000000003"),
    "1.0": sparse(("major", "1"), ("minor", "0")) + header(b"other", size=b"00000001003") + padded(b"1\n0\n3\n"),
    "1.0, a long map": sparse(("major", "1"), ("minor", "0"))
    + header(b"other", size=b"%011o" % (2 * BLOCK + 3))
    + padded(LINES),
}


@pytest.mark.parametrize("form", SPARSE)
def test_of_a_sparse_file_the_bytes_between_its_holes_are_read(form):
    found = entries(SPARSE[form] + padded(b"abc") + header(b"next") + END)
    assert [(entry.name, entry.is_file, content) for entry, content in found] == [
        (b"s", True, b"abc"),
        (b"next", True, b""),
    ]


@pytest.mark.parametrize("records", [[("foo", "1")], [("major", "7"), ("map", "0,3")], [("size", "3")]])
def test_what_only_looks_like_a_sparse_file_keeps_its_name_and_is_read(records):
    found = entries(sparse(*records) + header(b"own", size=b"00000000003") + padded(b"abc") + END)
    assert [(entry.name, entry.is_file, content) for entry, content in found] == [(b"own", True, b"abc")]


def test_the_last_extended_header_counts_and_gnu_names_go_before():
    two = pax(record("path", "harmless")) + pax(record("size", "0")) + header(b"own")
    named = header(size=b"00000000004", kind=b"L") + padded(b"long") + pax(record("path", "harmless")) + header(b"x")
    assert [entry.name for entry, _ in entries(two + named + END)] == [b"own", b"long"]


@pytest.mark.parametrize(("kind", "is_file"), [(b"0", True), (b"7", True), (b"\0", False)])
def test_a_name_with_a_slash_at_its_end_is_a_folder_only_in_the_oldest_form(kind, is_file):
    ((entry, _),) = entries(header(b"id_rsa/", kind=kind) + END)
    assert (entry.name, entry.is_file, entry.is_folder) == (b"id_rsa", is_file, not is_file)


def test_an_archive_may_end_without_its_mark():
    assert [entry.name for entry, _ in entries(header(b"only"))] == [b"only"]
    assert entries(b"") == []


HOSTILE = {
    "cut in a header": header()[:300],
    "cut in a content": header(size=b"00000001000") + b"x" * 100,
    "cut in a padding": header(size=b"00000000001") + b"x" * 100,
    "a wrong checksum": header()[:-1] + b"x",
    "a negative size": header(size=b"\xff" * 12),
    "an endless size": header(size=b"\x80" + b"\x7f" * 11),
    "a size of letters": header(size=b"abc"),
    "a size of signs": header(size=b"-1"),
    "a mode of letters": header(mode=b"rwxrwx"),
    "a huge name": header(size=b"%011o" % 5000, kind=b"L") + padded(b"n" * 5000) + header(),
    "a name without an end": header(size=b"%011o" % (2 * 1024**2), kind=b"L") + bytes(2 * 1024**2),
    "headers without an end": pax(b"10 size=3\n") * 20 + header(),
    "a pax size of letters": pax(b"10 size=x\n") + header(),
    "a negative pax size": pax(b"11 size=-3\n") + header(),
    "a pax record without a length": pax(b"path=abc\n") + header(),
    "a pax record longer than its header": pax(b"99 path=abc\n") + header(),
    "a pax record of length zero": pax(b"0 path=abc\n") + header(),
    "a pax record of digits alone": pax(b"1" * 100_000) + header(),
    "a pax record without a value": pax(b"8 path\n\n") + header(),
    "a sparse map without an end": header(kind=b"S", more={482: b"\1"}) + (bytes(504) + b"\1" + bytes(7)) * 3000,
    "a sparse map of lines that do not end": sparse(("major", "1"), ("minor", "0"))
    + header(size=b"00000002000")
    + padded(b"9999\n")
    + bytes(BLOCK),
    "a sparse map of no lines": sparse(("major", "1"), ("minor", "0")) + header(size=b"00000001000") + bytes(BLOCK),
    "an entry of an unknown kind": header(size=b"00000000003", kind=b"A") + padded(b"abc"),
    "a sparse map that is cut": header(size=b"00000000003", kind=b"S", more={482: b"\1"}),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_archive_is_refused(case):
    with pytest.raises(UnreadableImage):
        entries(HOSTILE[case])


@pytest.mark.parametrize(
    ("block", "begins"),
    [(bytes(BLOCK), True), (header(), True), (b"{" + bytes(511), False), (b"short", False), (b"x" * BLOCK, False)],
)
def test_a_tar_is_known_by_its_first_block(block, begins):
    assert is_header(block) is begins


@given(st.data())
def test_changed_bytes_end_with_entries_or_an_error(data):
    content = bytearray(tar_of({"a/" + "n" * 120: b"x" * 600, "b": b"y"}, member("c", kind=b"2", link="b")))
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(0, 4000))
        content[position : position + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=8))
    try:
        count = len(entries(bytes(content)))
    except UnreadableImage:
        count = 0
    assert count < 20
