"""A tar archive, plain or compressed, as a table of its files: read in place, never unpacked.

Nothing in the archive is trusted. Names and links stay inside it, each read has a limit, and a compressed archive may
not grow beyond a fixed ratio.
"""

import io
import os
import posixpath
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, cast

from jenkins_scan.errors import UnreadableImage
from jenkins_scan.images.archive.compression import CHUNK, growth_limit, unpacked
from jenkins_scan.images.archive.regular_file import Stamp, open_regular, stamp
from jenkins_scan.images.archive.stored_files import Stored

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_MOST_MEMBERS: Final = 16_384
_MOST_LINKS: Final = 8
_LONGEST_NAME: Final = 1024
_BLOCK: Final = 512
_LARGEST_HEADER: Final = 2 * 1024
_LARGEST_HEADERS: Final = 128 * 1024
"""Long names and pax records, one and all: `tarfile` reads them whole, and its patterns take quadratic time."""
_LARGEST_KEPT: Final = 512 * 1024
_LARGEST_KEPT_IN_ALL: Final = 16 * 1024**2

_FAILURES: Final = (tarfile.TarError, OSError, ValueError, ArithmeticError, RecursionError)
"""What `tarfile` raises on hostile input."""


@dataclass(slots=True)
class _Table:
    """What was found in one reading from the first member to the last."""

    entries: dict[str, Stored | str | None] = field(default_factory=dict)
    """By name: a place, the name that this one stands for, or None where a name occurs twice."""
    kept: dict[int, bytes] = field(default_factory=dict)
    """By offset: small files that look like JSON. In a compressed archive there is no going back to them."""
    kept_bytes: int = 0


class TarIndex:
    """The files of an archive by name."""

    def __init__(self, file: "io.BufferedReader[Any]", table: _Table, stamps: Mapping[Path, Stamp]) -> None:
        self._file = file
        self._table = table
        self.stamps = stamps

    def __contains__(self, name: str) -> bool:
        return name in self._table.entries

    def find(self, name: str) -> Stored:
        """The place of a file; links lead on to it."""
        seen = name
        for _ in range(_MOST_LINKS):
            if seen not in self._table.entries:
                raise UnreadableImage(f"It has no file {seen[:200]!a}.")
            entry = self._table.entries[seen]
            if entry is None:
                raise UnreadableImage(f"It has {seen[:200]!a} more than once.")
            if isinstance(entry, Stored):
                return entry
            seen = entry
        raise UnreadableImage(f"Too many links lead on from {name[:200]!a}.")

    def read(self, name: str, limit: int) -> bytes:
        """The content of a file of at most `limit` bytes."""
        stored = self.find(name)
        if stored.size > limit:
            raise UnreadableImage(f"{name[:200]!a} has {stored.size} bytes; at most {limit} are read.")
        kept = self._table.kept.get(stored.offset)
        return self.open(stored).read() if kept is None else kept

    def open(self, stored: Stored) -> io.BufferedReader:
        """The file's content as a stream."""
        return io.BufferedReader(_Section(self._file, stored), CHUNK)


class _Section(io.RawIOBase):
    """The part of an archive that is one file of it."""

    def __init__(self, file: "io.BufferedReader[Any]", stored: Stored) -> None:
        self._file = file
        self._stored = stored
        self._done = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        target = memoryview(buffer).cast("B")
        wanted = min(len(target), self._stored.size - self._done)
        if wanted == 0:
            return 0
        try:
            self._file.seek(self._stored.offset + self._done)
            count = self._file.readinto(target[:wanted])
        except OSError as exc:
            raise UnreadableImage(f"{self._stored.name[:200]!a} cannot be read: {exc.strerror}.") from exc
        if count == 0:
            raise UnreadableImage(f"{self._stored.name[:200]!a} is cut short.")
        self._done += count
        return count


@contextmanager
def open_tar(path: Path) -> Iterator[TarIndex]:
    """The archive at `path`. Raises `OSError` when it cannot be opened, `errors.UnreadableImage` (13) if it is none."""
    with open_regular(path) as raw:
        status = os.fstat(raw.fileno())
        inner = unpacked(raw, growth_limit(status.st_size))
        table = _scan(raw if inner is None else inner, keep=inner is not None)
        yield TarIndex(raw if inner is None else inner, table, {path: stamp(status)})


class _Scanner:
    """The file as `tarfile` sees it: forward only, with a limit for each read and for all headers."""

    def __init__(self, file: "io.BufferedReader[Any]") -> None:
        self._file = file
        self._position = 0
        self._extended = 0

    def read(self, size: int = -1) -> bytes:
        if size > _BLOCK:
            self._extended += size
        if not 0 <= size <= _LARGEST_HEADER or self._extended > _LARGEST_HEADERS:
            raise tarfile.ReadError("a header is too large")
        data = self._file.read(size)
        self._position += len(data)
        return data

    def seek(self, position: int) -> int:
        if position < self._position:
            raise tarfile.ReadError("a size is negative")
        self._position = self._file.seek(position)
        return self._position

    def tell(self) -> int:
        return self._position


def _scan(file: "io.BufferedReader[Any]", *, keep: bool) -> _Table:
    table = _Table()
    try:
        with tarfile.open(fileobj=cast("IO[bytes]", _Scanner(file)), mode="r:") as tar:
            for count, member in enumerate(iter(tar.next, None)):
                tar.members = []  # type: ignore[attr-defined]  # a public list the stubs lack; only our table is kept
                if count >= _MOST_MEMBERS or member.size < 0:
                    raise tarfile.ReadError("too many files, or one of a negative size")
                _add(table.entries, member)
                if keep and member.isreg():
                    _keep(table, file, member)
    except _FAILURES as exc:
        raise UnreadableImage(
            f"It is no tar archive, plain, gzip or zstd, that can be read to its end ({exc})."
        ) from exc
    return table


def _add(entries: dict[str, Stored | str | None], member: tarfile.TarInfo) -> None:
    name = _inside(member.name)
    entry: Stored | str
    if member.issym():
        entry = _inside(posixpath.join(posixpath.dirname(member.name), member.linkname))
    elif member.islnk():
        entry = _inside(member.linkname)
    elif member.isreg() and not member.issparse():
        entry = Stored(member.offset_data, name, member.size)
    else:
        return  # folders and devices hold no part of an image
    entries[name] = None if name in entries else entry


def _keep(table: _Table, file: "io.BufferedReader[Any]", member: tarfile.TarInfo) -> None:
    if not 0 < member.size <= min(_LARGEST_KEPT, _LARGEST_KEPT_IN_ALL - table.kept_bytes):
        return
    file.seek(member.offset_data)
    content = file.read(member.size)
    if len(content) == member.size and content[:1] in b"{[ \t\r\n":
        table.kept[member.offset_data] = content
        table.kept_bytes += member.size


def _inside(name: str) -> str:
    normal = posixpath.normpath(name)
    if normal.startswith("/") or normal.split("/", 1)[0] == ".." or len(name) > _LONGEST_NAME:
        raise tarfile.ReadError(f"{name[:200]!a} is no name inside an archive")
    return normal
