"""A tar archive, plain or gzip, as a table of its files: read in place, never unpacked.

Nothing in the archive is trusted. Names and links stay inside it, each read has a limit, and a compressed archive may
not grow beyond a fixed ratio.
"""

import gzip
import posixpath
import stat
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, cast

from jenkins_scan.errors import ImageNotFound, UnreadableImage

_MOST_MEMBERS: Final = 16_384
_MOST_LINKS: Final = 8
_LONGEST_NAME: Final = 1024
_BLOCK: Final = 512
_LARGEST_HEADER: Final = 2 * 1024
_LARGEST_HEADERS: Final = 512 * 1024
"""Long names and pax records, one and all: `tarfile` reads them whole, and its patterns take quadratic time."""
_GZIP_MAGIC: Final = b"\x1f\x8b"
_GZIP_RATIO: Final = 200
_GZIP_FLOOR: Final = 1024**3

_FAILURES: Final = (tarfile.TarError, OSError, EOFError, zlib.error, ValueError, ArithmeticError, RecursionError)
"""What `tarfile` and `gzip` raise on hostile input."""


@dataclass(frozen=True, slots=True)
class _Entry:
    offset: int
    size: int
    link: str | None = None
    """The name this one stands for, inside the archive."""


class TarIndex:
    """The files of an archive by name."""

    def __init__(self, file: IO[bytes], entries: dict[str, _Entry | None]) -> None:
        self._file = file
        self._entries = entries

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def read(self, name: str, limit: int) -> bytes:
        """The content of a file of at most `limit` bytes."""
        entry = self._find(name)
        if entry.size > limit:
            raise UnreadableImage(f"{name[:200]!a} has {entry.size} bytes; at most {limit} are read.")
        try:
            self._file.seek(entry.offset)
            data = self._file.read(entry.size)
        except _FAILURES as exc:
            raise UnreadableImage(f"{name[:200]!a} cannot be read ({type(exc).__name__}).") from exc
        if len(data) != entry.size:
            raise UnreadableImage(f"{name[:200]!a} is cut short.")
        return data

    def total_size(self, names: Iterable[str]) -> int:
        """Bytes of these files as stored; one that several names stand for counts once."""
        return sum({entry.offset: entry.size for entry in map(self._find, names)}.values())

    def _find(self, name: str) -> _Entry:
        seen = name
        for _ in range(_MOST_LINKS):
            if seen not in self._entries:
                raise UnreadableImage(f"It has no file {seen[:200]!a}.")
            entry = self._entries[seen]
            if entry is None:
                raise UnreadableImage(f"It has {seen[:200]!a} more than once.")
            if entry.link is None:
                return entry
            seen = entry.link
        raise UnreadableImage(f"Too many links lead on from {name[:200]!a}.")


@contextmanager
def open_tar(path: Path) -> Iterator[TarIndex]:
    """The archive at `path`. Raises `errors.ImageNotFound` or `errors.UnreadableImage` (both 13)."""
    with _open_file(path) as raw:
        compressed = raw.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
        raw.seek(0)
        if not compressed:
            yield TarIndex(raw, _scan(raw, None))
            return
        limit = max(_GZIP_FLOOR, _GZIP_RATIO * path.stat().st_size)
        with gzip.GzipFile(fileobj=raw) as unzipped:
            file = cast("IO[bytes]", unzipped)
            yield TarIndex(file, _scan(file, limit))


class _Scanner:
    """The file as `tarfile` sees it: forward only, with a limit for each read and for the whole."""

    def __init__(self, file: IO[bytes], limit: int | None) -> None:
        self._file = file
        self._limit = limit
        self._extended = 0

    def read(self, size: int = -1) -> bytes:
        if size > _BLOCK:
            self._extended += size
        if not 0 <= size <= _LARGEST_HEADER or self._extended > _LARGEST_HEADERS:
            raise tarfile.ReadError("a header is too large")
        return self._file.read(size)

    def seek(self, position: int) -> int:
        if self._limit is not None and position > self._limit:
            raise tarfile.ReadError("it grows too large when decompressed")
        if position < self._file.tell():
            raise tarfile.ReadError("a size is negative")
        return self._file.seek(position)

    def tell(self) -> int:
        return self._file.tell()


def _open_file(path: Path) -> IO[bytes]:
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):  # a pipe would block for ever
            kind = "a folder" if stat.S_ISDIR(mode) else "not a regular file"
            raise UnreadableImage(f"The archive {str(path)!r} is {kind}.")
        return path.open("rb")
    except FileNotFoundError as exc:
        raise ImageNotFound(
            f"There is no archive {str(path)!r}.", remedy="`docker save -o FILE NAME` writes one."
        ) from exc
    except OSError as exc:
        raise UnreadableImage(f"The archive {str(path)!r} cannot be opened: {exc.strerror}.") from exc


def _scan(file: IO[bytes], limit: int | None) -> dict[str, _Entry | None]:
    entries: dict[str, _Entry | None] = {}
    try:
        with tarfile.open(fileobj=cast("IO[bytes]", _Scanner(file, limit)), mode="r:") as tar:
            for count, member in enumerate(iter(tar.next, None)):
                tar.members = []  # type: ignore[attr-defined]  # a public list the stubs lack; only our table is kept
                if count >= _MOST_MEMBERS or member.size < 0:
                    raise tarfile.ReadError("too many files, or one of a negative size")
                _add(entries, member)
    except _FAILURES as exc:
        raise UnreadableImage(f"It is no tar archive, plain or gzip, that can be read to its end ({exc}).") from exc
    return entries


def _add(entries: dict[str, _Entry | None], member: tarfile.TarInfo) -> None:
    name = _inside(member.name)
    if member.issym():
        entry = _Entry(0, 0, link=_inside(posixpath.join(posixpath.dirname(member.name), member.linkname)))
    elif member.islnk():
        entry = _Entry(0, 0, link=_inside(member.linkname))
    elif member.isreg() and not member.issparse():
        entry = _Entry(member.offset_data, member.size)
    else:
        return  # folders and devices hold no part of an image
    entries[name] = None if name in entries else entry


def _inside(name: str) -> str:
    normal = posixpath.normpath(name)
    if normal.startswith("/") or normal.split("/", 1)[0] == ".." or len(name) > _LONGEST_NAME:
        raise tarfile.ReadError(f"{name[:200]!a} is no name inside an archive")
    return normal
