"""The files of an OCI layout in a folder: opened one by one, no link is followed, nothing but regular files is read."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

from jenkins_scan.errors import UnreadableImage
from jenkins_scan.images.archive.regular_file import Stamp, open_inside, stamp
from jenkins_scan.images.archive.stored_files import Stored


class OciFolder:
    """A folder's files by their names below it."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor
        self._stamps: dict[Path, Stamp] = {}

    @property
    def stamps(self) -> Mapping[Path, Stamp]:
        """Of every file that was read so far."""
        return self._stamps

    def __contains__(self, name: str) -> bool:
        try:
            open_inside(self._descriptor, name).close()
        except FileNotFoundError:
            return False
        except OSError:
            return True  # something is there: reading it says what
        return True

    def find(self, name: str) -> Stored:
        """The place of a file."""
        with self._opened(name) as file:
            return Stored(0, name, os.fstat(file.fileno()).st_size)

    def read(self, name: str, limit: int) -> bytes:
        """The content of a file of at most `limit` bytes."""
        with self._opened(name) as file:
            size = os.fstat(file.fileno()).st_size
            if size > limit:
                raise UnreadableImage(f"{name!a} has {size} bytes; at most {limit} are read.")
            return file.read(limit)

    def open(self, stored: Stored) -> BufferedReader:
        """The file's content as a stream."""
        return self._opened(stored.name)

    def _opened(self, name: str) -> BufferedReader:
        try:
            file = open_inside(self._descriptor, name)
        except FileNotFoundError as exc:
            raise UnreadableImage(f"It has no file {name!a}.") from exc
        except OSError as exc:
            raise UnreadableImage(
                f"{name!a} cannot be opened: {exc.strerror}.",
                remedy="Links and special files are not followed there; `cp -rL` makes a folder without them.",
            ) from exc
        self._stamps.setdefault(self._path / name, stamp(os.fstat(file.fileno())))
        return file


@contextmanager
def open_folder(path: Path) -> Iterator[OciFolder]:
    """The folder at `path`. Raises `OSError` when it cannot be opened, a `NotADirectoryError` for a file."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
    try:
        yield OciFolder(path, descriptor)
    finally:
        os.close(descriptor)
