"""What one reading of an image's parts leaves: its small documents, and of each layer what was noticed in it."""

import hashlib
import io
import posixpath
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Final

from jenkins_scan.errors import UnreadableImage
from jenkins_scan.images.archive.compression import CHUNK, growth_limit, unpacked
from jenkins_scan.images.archive.layers import Hashing
from jenkins_scan.images.archive.source import LARGEST_JSON, MANIFEST_FILE
from jenkins_scan.local.content import Part
from jenkins_scan.local.layer import Bounds, Layer
from jenkins_scan.local.tar_stream import BLOCK, TarStream, is_header

_LARGEST_KEPT_IN_ALL: Final = 16 * 1024**2
_TELLING: Final = (b'"manifests"', b'"config"', b'"rootfs"')
"""One of these is in every index, manifest and config; what an attestation says may be large, and is of no use here."""
_MOST_LINKS: Final = 8


@dataclass(slots=True)
class Collection:
    """Everything that was stored with an image, by name."""

    bounds: Bounds = field(default_factory=Bounds)
    documents: dict[str, bytes] = field(default_factory=dict)
    layers: dict[str, Layer] = field(default_factory=dict)
    damaged: dict[str, str] = field(default_factory=dict)
    """What looked like a layer and could not be read, with the reason: it matters only where the image needs it."""
    links: dict[str, str] = field(default_factory=dict)
    _kept: int = 0
    _packed: int = 0
    _unpacked: int = 0

    def add(self, parts: Iterable[Part]) -> None:
        """Reads all parts. Raises `errors.UnreadableImage` (13) for what is no image and what has no end."""
        for part in parts:
            name = posixpath.normpath(part.name)
            if part.link is not None:
                folder = posixpath.dirname(name) if part.is_symbolic else ""
                self.links[name] = posixpath.normpath(posixpath.join(folder, part.link.lstrip("/")))
            elif part.file is not None:
                self._add_file(name, part.size, part.file)

    def named(self, name: str) -> str:
        """The name under which a file is kept, with links followed."""
        name = posixpath.normpath(name)
        for _ in range(_MOST_LINKS):
            if name not in self.links:
                return name
            name = self.links[name]
        raise UnreadableImage(f"Too many links lead on from {name[:200]!a}.")

    def _add_file(self, name: str, size: int, file: "io.BufferedReader[Any]") -> None:
        begin = file.peek(BLOCK)[:BLOCK]
        limit = growth_limit(self._packed + size) - self._unpacked
        with ExitStack() as stack:
            inner = unpacked(file, limit)
            if inner is not None:
                stack.enter_context(inner)
                self._packed += size
                self._add_layer(name, inner)
                self._unpacked += inner.tell()
            elif not begin or is_header(begin):
                self._add_layer(name, file)
            elif size <= LARGEST_JSON and begin.lstrip()[:1] in (b"{", b"["):
                self._keep(name, size, file)

    def _add_layer(self, name: str, file: "io.BufferedReader[Any]") -> None:
        digest = hashlib.sha256()
        layer = Layer()
        with io.BufferedReader(Hashing(file, digest), CHUNK) as hashed:
            try:
                layer.read(TarStream(hashed), self.bounds)
                while rest := hashed.read(CHUNK):  # what stands behind the end of the archive belongs to the layer
                    layer.goes_on |= rest.count(0) < len(rest)
            except UnreadableImage as exc:
                self.damaged[name] = exc.message
                return
        layer.diff_id = f"sha256:{digest.hexdigest()}"
        self.layers[name] = layer

    def _keep(self, name: str, size: int, file: "io.BufferedReader[Any]") -> None:
        content = file.read(size)
        if name != MANIFEST_FILE and not any(word in content for word in _TELLING):
            return
        self._kept += size
        if self._kept > _LARGEST_KEPT_IN_ALL:
            raise UnreadableImage(f"Its manifests and configs are larger than {_LARGEST_KEPT_IN_ALL} bytes in all.")
        self.documents[name] = content
