"""What a reader of images needs of an archive or a folder: files by name, read in place and never unpacked."""

from collections.abc import Mapping
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Protocol

from jenkins_scan.images.archive.regular_file import Stamp


@dataclass(frozen=True, slots=True, order=True)
class Stored:
    """Where the bytes of a file are. Two names of one file have one place; in order, an archive is read forward."""

    offset: int
    """In the (decompressed) archive; 0 in a folder."""
    name: str
    """The file's own name, with links resolved."""
    size: int
    """Bytes."""


class StoredFiles(Protocol):
    """The files of an archive or a folder. Every method raises `errors.UnreadableImage` (13)."""

    @property
    def stamps(self) -> Mapping[Path, Stamp]:
        """What was read so far, as the system knew it before."""
        ...

    def __contains__(self, name: str) -> bool: ...

    def find(self, name: str) -> Stored:
        """The place of the file of this name."""
        ...

    def read(self, name: str, limit: int) -> bytes:
        """The content of a file of at most `limit` bytes."""
        ...

    def open(self, stored: Stored) -> BufferedReader:
        """The file's content as a stream that is read forward, before any other file is."""
        ...
