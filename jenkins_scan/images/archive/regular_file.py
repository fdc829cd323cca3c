"""Files opened as regular files only: a pipe would block for ever, and a device may do worse."""

import errno
import os
import stat
from collections.abc import Mapping
from io import BufferedReader
from pathlib import Path
from typing import Final

Stamp = tuple[int, ...]
"""What the system says of a file while nobody writes to it: device, inode, size and the times of its last changes."""

_FLAGS: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK


def open_regular(path: Path) -> BufferedReader:
    """The file at `path`, open for reading. Raises `OSError`, an `IsADirectoryError` for a folder."""
    return _checked(os.open(path, _FLAGS))


def open_inside(folder: int, name: str) -> BufferedReader:
    """The file `name` below the open folder: no link on the way to it is followed. Raises `OSError`."""
    *parents, last = name.split("/")
    opened = os.dup(folder)
    try:
        for parent in parents:
            inner = os.open(parent, _FLAGS | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=opened)
            os.close(opened)
            opened = inner
        return _checked(os.open(last, _FLAGS | os.O_NOFOLLOW, dir_fd=opened))
    finally:
        os.close(opened)


def stamp(status: os.stat_result) -> Stamp:
    """The stamp of a file with this status. The time of its last change of status cannot be set back."""
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def unchanged(stamps: Mapping[Path, Stamp]) -> bool:
    """Whether all these files are still what they were when they got their stamps."""
    try:
        return all(stamp(path.stat()) == seen for path, seen in stamps.items())
    except OSError:
        return False


def _checked(descriptor: int) -> BufferedReader:
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "It is a folder")
    raise OSError(errno.EINVAL, "It is not a regular file")
