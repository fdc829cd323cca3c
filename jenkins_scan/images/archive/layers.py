"""Layers against the digests that name them: every byte is read once, none is kept."""

import hashlib
import io
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jenkins_scan.errors import UnreadableImage
from jenkins_scan.images.archive.compression import CHUNK, growth_limit, unpacked
from jenkins_scan.images.archive.stored_files import Stored, StoredFiles

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of an image: its file, and what its bytes have to be."""

    name: str
    diff_id: str
    """The digest of the layer when it is uncompressed, as the config says."""
    digest: str | None = None
    """The digest of the file as it is, where a manifest says it."""
    size: int | None = None
    """The size of the file as it is, where a manifest says it."""


@dataclass(frozen=True, slots=True)
class _Found:
    digest: str
    diff_id: str
    unpacked: int
    """Bytes that decompressing gave; 0 for a plain layer."""


def check_layers(files: StoredFiles, layers: Iterable[Layer], *, most: int | None = None) -> int:
    """Bytes of these layers as stored; a file that several layers share is read and counted once.

    Compressed layers may become `most` bytes in all, by default what their stored size allows.

    Raises `errors.UnreadableImage` (13) for a layer that is not there or is not what its digests say.
    """
    places: dict[Stored, list[Layer]] = {}
    for layer in layers:
        places.setdefault(files.find(layer.name), []).append(layer)
    for stored, sharing in places.items():
        for layer in sharing:
            if layer.size not in (None, stored.size):
                raise UnreadableImage(f"Its layer {layer.name!a} has {stored.size} bytes, not {layer.size}.")
    total = sum(stored.size for stored in places)
    budget = growth_limit(total) if most is None else most
    for stored in sorted(places):
        with files.open(stored) as file:
            found = _hashed(file, budget)
        budget -= found.unpacked
        for layer in places[stored]:
            _compare(layer, found)
    return total


def _compare(layer: Layer, found: _Found) -> None:
    if layer.digest not in (None, found.digest):
        raise UnreadableImage(f"Its layer {layer.name[:200]!a} has the digest {found.digest}, not {layer.digest}.")
    if layer.diff_id != found.diff_id:
        raise UnreadableImage(
            f"Its layer {layer.name[:200]!a} has, uncompressed, the digest {found.diff_id}; "
            f"the config names {layer.diff_id}."
        )


def _hashed(file: "io.BufferedReader[Any]", limit: int) -> _Found:
    stored = hashlib.sha256()
    with io.BufferedReader(Hashing(file, stored), CHUNK) as raw:
        inner = unpacked(raw, limit)
        plain = hashlib.sha256()
        size = 0
        while inner is not None and (chunk := inner.read(CHUNK)):
            plain.update(chunk)
            size += len(chunk)
        while raw.read(CHUNK):  # a plain layer; else what stands behind the compressed bytes, but belongs to the file
            pass
    digest = f"sha256:{stored.hexdigest()}"
    return _Found(digest, digest if inner is None else f"sha256:{plain.hexdigest()}", size)


class Hashing(io.RawIOBase):
    """A file whose bytes are hashed as they pass."""

    def __init__(self, file: "io.BufferedReader[Any]", digest: Any) -> None:
        self._file = file
        self._digest = digest

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        """Bytes that were read into the buffer, and hashed."""
        target = memoryview(buffer).cast("B")
        count = self._file.readinto(target)
        self._digest.update(target[:count])
        return count
