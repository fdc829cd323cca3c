"""The TLS context that trusts the authorities of one file."""

import errno
import ssl
import stat
from pathlib import Path
from typing import Final

LARGEST_FILE: Final = 16 * 1024 * 1024
"""Bytes: the public authorities of all browsers together take up a quarter of one MiB."""


def trusting(path: str) -> ssl.SSLContext:
    """Trusts whom the PEM file at `path` names, and nobody else.

    Raises `OSError`, as `ssl.SSLError` is one, for what holds no certificates. OpenSSL would wait for ever for a pipe
    that nobody writes to, and read a device without an end: neither is opened.
    """
    about = Path(path).stat()
    if not stat.S_ISREG(about.st_mode):
        raise OSError(errno.EINVAL, "not a regular file")
    if about.st_size > LARGEST_FILE:
        raise OSError(errno.EFBIG, f"larger than {LARGEST_FILE // 1024 // 1024} MiB")
    return ssl.create_default_context(cafile=path)
