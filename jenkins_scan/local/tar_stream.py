"""A tar archive as one forward stream of its entries: no way back, no temporary file, a limit for every header.

Own code because `tarfile` reads pax records with patterns that take quadratic time, and takes five times as long for
each entry. Sources: POSIX.1-2017 pax, "ustar Interchange Format" and "pax Header Block"; GNU tar manual, "Basic Tar
Format", "Storing Sparse Files". Where readers differ it does what Go's archive/tar does, which engines use: links and
folders have no content, a global header changes nothing, of two extended headers the second counts, and GNU's long
names go before those of pax.
"""

import io
import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from jenkins_scan.errors import UnreadableImage
from jenkins_scan.images.archive.compression import CHUNK

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

BLOCK: Final = 512
_ZEROS: Final = bytes(BLOCK)
_LONGEST_NAME: Final = 4096
"""Bytes: PATH_MAX of Linux; no engine could unpack a longer one."""
_LARGEST_HEADER: Final = 1024**2
"""Bytes of long names and pax records before one entry: Go's limit."""
_MOST_HEADERS: Final = 8
_REGULAR: Final = b"0\x007"
_LINKS: Final = b"12"
_EXTENDED: Final = b"xX"
_WITHOUT_CONTENT: Final = b"123456"
_SYMBOLIC: Final = b"2"
_SPARSE: Final = b"S"
_SPARSE_RECORDS: Final = "GNU.sparse."
_KINDS: Final = frozenset(b"\x0001234567S")
"""Of entries: no engine unpacks any other."""
_SPARSE_VERSIONS: Final = frozenset({(b"0", b"0"), (b"0", b"1"), (b"1", b"0")})
_CHECKSUM: Final = slice(148, 156)


@dataclass(frozen=True, slots=True)
class Entry:
    """One member of an archive."""

    name: bytes
    """Without a leading or trailing slash, and without `.` and `..`; empty for the root folder."""
    mode: int
    owner: int
    size: int
    """Bytes of its content as stored; of a sparse file those between its holes."""
    link: bytes | None = None
    """What a link leads to, as it stands there."""
    is_symbolic: bool = False
    """Whether it is a link that leads on from its own folder; a hard one leads on from the root."""
    is_file: bool = False
    is_folder: bool = False


def is_header(block: bytes) -> bool:
    """Whether a tar archive may begin with this block."""
    return block == _ZEROS or _is_sound(block)


class TarStream:
    """The entries of an archive, one after the other. Reading raises `errors.UnreadableImage` (13)."""

    def __init__(self, file: "io.BufferedReader[Any]") -> None:
        self._file = file
        self._left = 0
        """Bytes of the current entry's content that were not read yet."""
        self._padding = 0

    def __iter__(self) -> Iterator[Entry]:
        try:
            while (entry := self._next()) is not None:
                yield entry
        except ValueError as exc:
            raise UnreadableImage(f"It is no tar archive that can be read to its end ({exc}).") from exc

    def read(self, size: int) -> bytes:
        """Up to `size` bytes of the current entry's content; empty at its end."""
        wanted = min(size, self._left)
        data = self._file.read(wanted)
        if len(data) < wanted:
            raise UnreadableImage("It is cut short.")
        self._left -= wanted
        return data

    def content(self) -> io.BufferedReader:
        """The current entry's content as a stream."""
        return io.BufferedReader(_Content(self), CHUNK)

    def _next(self) -> Entry | None:
        pax: dict[str, bytes] = {}
        gnu: dict[str, bytes] = {}
        for _ in range(_MOST_HEADERS + 1):
            block = self._header()
            if block is None:
                return None
            kind, size = block[156:157], _number(block[124:136])
            self._left = 0 if kind in _WITHOUT_CONTENT else size
            self._padding = -self._left % BLOCK
            if kind in b"LK":
                gnu["path" if kind == b"L" else "linkpath"] = self._extension().partition(b"\0")[0]
            elif kind in _EXTENDED:
                pax = dict(_records(self._extension()))
            elif kind == b"g":
                self._extension()
            else:
                return self._entry(block, kind, pax, gnu)
        raise ValueError("too many headers for one file")

    def _header(self) -> bytes | None:
        while self.read(CHUNK):
            pass
        if len(self._file.read(self._padding)) < self._padding:
            raise ValueError("it is cut short")
        block = self._file.read(BLOCK)
        if not block:
            return None
        if block == _ZEROS:  # two of them are an end; readers disagree about a lone one with more behind it
            if self._file.read(BLOCK) not in (_ZEROS, b""):
                raise ValueError("a lone block of zeros stands in it")
            return None
        if not _is_sound(block):
            raise ValueError("a header is damaged or cut short")
        return block

    def _extension(self) -> bytes:
        if self._left > _LARGEST_HEADER:
            raise ValueError("a header is too large")
        return self.read(self._left)

    def _entry(self, block: bytes, kind: bytes, pax: dict[str, bytes], gnu: dict[str, bytes]) -> Entry:
        if not _KINDS.issuperset(kind):
            raise ValueError(f"it has an entry of the unknown kind {kind!a}")
        if "size" in pax and kind not in _WITHOUT_CONTENT:
            self._left = _decimal(pax["size"])
            self._padding = -self._left % BLOCK
        version = (pax.get(f"{_SPARSE_RECORDS}major", b""), pax.get(f"{_SPARSE_RECORDS}minor", b""))
        is_sparse = version in _SPARSE_VERSIONS or (version == (b"", b"") and f"{_SPARSE_RECORDS}map" in pax)
        if kind == _SPARSE:
            self._skip_sparse_map(block)
        elif version == (b"1", b"0") and kind in _REGULAR:
            self._skip_sparse_lines()
        named = pax.get(f"{_SPARSE_RECORDS}name") if is_sparse else None
        name = gnu.get("path") or named or pax.get("path") or _name(block)
        is_folder = kind == b"5" or (kind == b"\0" and name.endswith(b"/"))
        linkpath = gnu.get("linkpath") or pax.get("linkpath") or _text(block[157:257])
        return Entry(
            name=_inside(name),
            mode=_number(block[100:108]),
            owner=_number(block[108:116]),
            size=self._left,
            link=linkpath if kind in _LINKS else None,
            is_symbolic=kind == _SYMBOLIC,
            is_file=(kind in _REGULAR or kind == _SPARSE) and not is_folder,
            is_folder=is_folder,
        )

    def _skip_sparse_map(self, block: bytes) -> None:
        """Past the blocks behind a header of GNU's own sparse format, which do not count as content."""
        more, skipped = block[482:483], 0
        while more not in (b"", b"\0", b"0"):
            extension = self._file.read(BLOCK)
            skipped += len(extension)
            if skipped > _LARGEST_HEADER:
                raise ValueError("the map of a sparse file is too large")
            more = extension[504:505]

    def _skip_sparse_lines(self) -> None:
        """Past the map of a sparse file of version 1.0: the beginning of its content, in whole blocks of lines."""
        lines = self.read(BLOCK)
        count = _decimal(lines.partition(b"\n")[0])
        while lines.count(b"\n") < 1 + 2 * count:
            lines += self.read(BLOCK)
            if len(lines) > _LARGEST_HEADER or not self._left:
                raise ValueError("the map of a sparse file is damaged")


class _Content(io.RawIOBase):
    """The content of the entry that an archive is at."""

    def __init__(self, tar: TarStream) -> None:
        self._tar = tar

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        target = memoryview(buffer).cast("B")
        data = self._tar.read(len(target))
        target[: len(data)] = data
        return len(data)


def _records(content: bytes) -> Iterator[tuple[str, bytes]]:
    """The pax records, each `LENGTH KEY=VALUE` and a line break, those of interest."""
    position = 0
    while position < len(content) and content[position]:
        space = content.find(b" ", position, position + 20)
        length = _decimal(content[position:space]) if space > 0 else 0
        key, equals, value = content[space + 1 : position + length].partition(b"=")
        if not equals or value[-1:] != b"\n" or position + length > len(content):
            raise ValueError("a pax record is damaged")
        position += length
        if key in (b"path", b"linkpath", b"size") or key.startswith(_SPARSE_RECORDS.encode()):
            yield key.decode("latin-1"), value[:-1]


def _name(block: bytes) -> bytes:
    name, prefix = _text(block[:100]), _text(block[345:500])
    return prefix + b"/" + name if prefix and block[257:263] == b"ustar\0" else name


def _text(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _inside(name: bytes) -> bytes:
    if len(name) > _LONGEST_NAME:
        raise ValueError("a name is too long")
    if b"//" in name or b"/." in name or name[:1] in (b"/", b"."):
        return posixpath.normpath(b"/" + name).lstrip(b"/")
    return name.rstrip(b"/")


def _number(field: bytes) -> int:
    """A number in octal digits, or in base 256 where its first bit is set (GNU)."""
    if field[0] & 0x80:
        if field[0] & 0x40:
            raise ValueError("a number is negative")
        return int.from_bytes(field, "big") ^ (0x80 << 8 * (len(field) - 1))
    digits = field.partition(b"\0")[0].strip() or field.strip(b" \0") or b"0"
    if not digits.isdigit():
        raise ValueError("a number is damaged")
    return int(digits, 8)


def _decimal(digits: bytes) -> int:
    if not digits.isdigit() or len(digits) > 20:  # noqa: PLR2004  the digits of 2**64
        raise ValueError("a number is damaged")
    return int(digits)


def _is_sound(block: bytes) -> bool:
    """Whether this is a header with the right checksum: the sum of its bytes, with eight spaces in the sum's place."""
    try:
        return len(block) == BLOCK and sum(block) - sum(block[_CHECKSUM]) + 8 * ord(" ") == _number(block[_CHECKSUM])
    except ValueError:
        return False
