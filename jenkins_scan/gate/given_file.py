"""A file that the user named: a regular one of bounded size, and nothing else."""

import os
import stat
from pathlib import Path

from jenkins_scan.errors import ConfigurationError
from jenkins_scan.plain_text import one_line


def read_given(path: Path, largest: int, what: str) -> bytes:
    """The content of the file. A pipe is refused, as it would block for ever, and so are devices and folders.

    `largest` is in bytes; `what` names the file's part in errors. Raises `ConfigurationError` (2).
    """
    try:
        content = _content(path, largest + 1)
    except (OSError, ValueError) as exc:  # a NUL in the path is a ValueError
        raise _refused(path, what, f"cannot be read: {getattr(exc, 'strerror', None) or exc}") from exc
    if content is None:
        raise _refused(path, what, "not a regular file")
    if len(content) > largest:
        raise _refused(path, what, f"larger than {largest // 1024} KiB")
    return content


def _content(path: Path, limit: int) -> bytes | None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return None
    with os.fdopen(descriptor, "rb") as file:
        return file.read(limit)


def _refused(path: Path, what: str, why: str) -> ConfigurationError:
    return ConfigurationError(f"{what} {one_line(str(path), 200)}: {why}.", remedy="Name the right file.")
