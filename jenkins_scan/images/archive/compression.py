"""Compressed files, read as what they hold: gzip and zstd, known by their first bytes, within bounds.

What is decompressed may not grow beyond a fixed ratio, and no frame may ask for more memory than a usual one does. A
file that was written without compression has no such bound.
"""

import io
import zlib
from typing import TYPE_CHECKING, Any, Final, Protocol

from jenkins_scan.errors import UnreadableImage

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

CHUNK: Final = 1024**2
"""Bytes that are read at once of what may be large."""

_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_SKIPPABLE: Final = b"\x2a\x4d\x18"
"""Behind a byte of 0x50 to 0x5f: a frame that may stand before the data (RFC 8878, 3.1.2)."""
_RATIO: Final = 200
_FLOOR: Final = 1024**3
_LARGEST_WINDOW: Final = 32 * 1024**2
"""Bytes of memory for a frame of zstd; RFC 8878 asks for 8 MiB, which all but `--ultra` and `--long` stay within. What
writes image layers in Go takes up to 32 MiB at its best level."""
_MOST_RESTARTS: Final = 16
_STEP: Final = 32 * 1024

_FAILURES: Final = (OSError, EOFError, zlib.error)


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def growth_limit(size: int) -> int:
    """Bytes that `size` compressed bytes may become."""
    return max(_FLOOR, _RATIO * size)


def unpacked(packed: "io.BufferedReader[Any]", limit: int) -> io.BufferedReader | None:
    """What `packed` holds in at most `limit` bytes; None when it is not compressed.

    To go back in it means to start anew, which few readings may do. Reading raises `errors.UnreadableImage` (13).
    """
    begin = packed.peek(4)[:4]
    zstd = begin == _ZSTD or (begin[1:] == _SKIPPABLE and begin[0] >> 4 == 5)  # noqa: PLR2004  0x50 to 0x5f
    if not zstd and not begin.startswith(_GZIP):
        return None
    return io.BufferedReader(_Unpacked(packed, limit, zstd=zstd), CHUNK)


class _Unpacked(io.RawIOBase):
    """The decompressed bytes; `io.BufferedReader` makes a whole stream of it."""

    def __init__(self, packed: "io.BufferedReader[Any]", limit: int, *, zstd: bool) -> None:
        self._packed = packed
        self._limit = limit
        self._zstd = zstd
        self._restarts = 0
        self._position = 0
        self._stream = self._started()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        target = memoryview(buffer).cast("B")
        try:
            data = self._stream.read(len(target))
        except _FAILURES as exc:
            raise UnreadableImage(f"It cannot be decompressed ({exc}).") from exc
        self._position += len(data)
        self._refuse_beyond(self._position)
        target[: len(data)] = data
        return len(data)

    def tell(self) -> int:
        return self._position

    def seek(self, position: int, whence: int = io.SEEK_SET, /) -> int:
        if whence != io.SEEK_SET:
            raise io.UnsupportedOperation("only from the start")
        self._refuse_beyond(position)
        if position < self._position:
            self._restart()
        step = bytearray(CHUNK)
        while self._position < position:
            if not self.readinto(memoryview(step)[: position - self._position]):
                break
        return self._position

    def _restart(self) -> None:
        self._restarts += 1
        if self._restarts > _MOST_RESTARTS:
            raise UnreadableImage("Its files lie in an order for which it has to be decompressed too often.")
        self._packed.seek(0)
        self._position = 0
        self._stream = self._started()

    def _started(self) -> _Readable:
        return (_Zstd if self._zstd else _Gzip)(self._packed)

    def _refuse_beyond(self, position: int) -> None:
        if position > self._limit:
            raise UnreadableImage(
                f"It grows too large when decompressed: beyond {self._limit} bytes.",
                remedy="If that is meant, write it without compression.",
            )


class _Gzip:
    """Members of gzip, one after the other, and zeros that pad their end.

    `gzip.GzipFile` reads such zeros one by one: minutes, where a hostile archive holds a gigabyte of them.
    """

    def __init__(self, packed: "io.BufferedReader[Any]") -> None:
        self._packed = packed
        self._member = zlib.decompressobj(zlib.MAX_WBITS + 16)
        self._rest = b""

    def read(self, size: int, /) -> bytes:
        while not self._member.eof or self._begin_next():
            packed = self._rest or self._packed.read(_STEP)
            data = self._member.decompress(packed, size)
            self._rest = self._member.unused_data if self._member.eof else self._member.unconsumed_tail
            if data:
                return data
            if not packed and not self._member.eof:
                raise EOFError("it is cut short")
        return b""

    def _begin_next(self) -> bool:
        """Whether something but zeros follows a member: it has to be another one."""
        rest = self._rest.lstrip(b"\0")
        while not rest and (packed := self._packed.read(_STEP)):
            rest = packed.lstrip(b"\0")
        self._rest = rest
        if rest:
            self._member = zlib.decompressobj(zlib.MAX_WBITS + 16)
        return bool(rest)


class _Zstd:
    """Frames of zstd, one after the other. Its errors are `OSError`, as those of gzip are."""

    def __init__(self, packed: "io.BufferedReader[Any]") -> None:
        import zstandard

        self._failure = zstandard.ZstdError
        engine = zstandard.ZstdDecompressor(max_window_size=_LARGEST_WINDOW)
        self._stream = engine.stream_reader(packed, read_across_frames=True, closefd=False)

    def read(self, size: int, /) -> bytes:
        try:
            return self._stream.read(size)
        except self._failure as exc:
            raise OSError(str(exc)) from exc
