"""An image's bytes, wherever it is, as one reading of its parts: configs, manifests and layers, in any order.

Nothing is unpacked or copied: an engine's export, an archive and a folder are read forward, once.
"""

import io
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from jenkins_scan.errors import UnreadableImage
from jenkins_scan.images.archive.compression import growth_limit, unpacked
from jenkins_scan.images.archive.oci_folder import OciFolder
from jenkins_scan.images.archive.path import ArchivePath
from jenkins_scan.images.archive.regular_file import open_regular
from jenkins_scan.images.archive.source import LARGEST_JSON, LAYOUT_FILE, no_image, opened
from jenkins_scan.images.engine.endpoint import EngineEndpoint
from jenkins_scan.images.interface import ImageIdentity, Platform, Store
from jenkins_scan.images.manifests import OCI_INDEX, Descriptor, Index, Manifest, parse_manifest
from jenkins_scan.local.tar_stream import Entry, TarStream

_MOST_PARTS: Final = 16_384
_ENGINE: Final = "Run it again, and look into the engine's log; `docker save` of the image has to work."
INDEX_FILE: Final = "index.json"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which image it has to be: what was known of it when it was identified. None means not known."""

    config_digest: str | None
    manifest_digest: str | None = None
    """A manifest's, or that of the index above it."""
    diff_ids: tuple[str, ...] | None = None
    platform: Platform | None = None

    @classmethod
    def of(cls, identity: ImageIdentity) -> "Wanted":
        """The image of this identity."""
        return cls(identity.config_digest, identity.manifest_digest, identity.diff_ids, identity.platform)


@dataclass(frozen=True, slots=True)
class Part:
    """One file of an image: a document, a layer, or anything else."""

    name: str
    size: int
    """Bytes as stored."""
    file: "io.BufferedReader[Any] | None"
    """Its content, to be read before the next part is asked for; None for a link."""
    link: str | None = None
    """The name that it stands for."""
    is_symbolic: bool = False
    """Whether that name leads on from its own folder, and not from the root."""


class Content(Protocol):
    """The bytes of one identified image."""

    @property
    def wanted(self) -> Wanted:
        """Which image is meant."""
        ...

    def named(self, exc: UnreadableImage) -> UnreadableImage:
        """The same error with the place in it."""
        ...

    def parts(self) -> AbstractContextManager[Iterator[Part]]:
        """All that is stored with the image. Raises `errors.ImageError` (13), also while it is read."""
        ...


@dataclass(frozen=True, slots=True)
class FileContent:
    """An image in an archive or a folder: what `docker-archive://`, `oci-archive://` and `oci-dir://` lead to."""

    where: ArchivePath
    wanted: Wanted

    def named(self, exc: UnreadableImage) -> UnreadableImage:
        """The same error with the path, and with what writes such files."""
        return no_image(self.where, exc)

    @contextmanager
    def parts(self) -> Iterator[Iterator[Part]]:
        """The files of the archive or the folder."""
        if self.where.scheme == "oci-dir":
            with opened(self.where) as files:
                assert isinstance(files, OciFolder)  # noqa: S101  what `opened` gives for this scheme
                yield _folder_parts(files, self.wanted)
            return
        try:
            with open_regular(self.where.path) as archive:
                inner = unpacked(archive, growth_limit(os.fstat(archive.fileno()).st_size))
                yield _tar_parts(TarStream(archive if inner is None else inner))
        except OSError as exc:
            raise UnreadableImage(f"It cannot be read: {exc.strerror}.") from exc


@dataclass(frozen=True, slots=True)
class EngineContent:
    """An image in an engine, as its export gives it."""

    endpoint: EngineEndpoint
    name: str
    """What the engine is asked for: the image's id, which cannot come to mean another image."""
    wanted: Wanted
    store: Store = Store.UNKNOWN

    @classmethod
    def of(cls, identity: ImageIdentity, endpoint: EngineEndpoint) -> "EngineContent":
        """The image of this identity in the engine that gave it."""
        return cls(endpoint, identity.image_id or identity.reference, Wanted.of(identity), identity.store)

    def named(self, exc: UnreadableImage) -> UnreadableImage:
        """The same error with the image's name."""
        remedy = _ENGINE if exc.remedy == exc.default_remedy else exc.remedy
        return UnreadableImage(f"The engine's export of {self.name} cannot be read: {exc.message}", remedy=remedy)

    @contextmanager
    def parts(self) -> Iterator[Iterator[Part]]:
        """The files of the engine's export."""
        from jenkins_scan.images.engine.connection import Limits, connected  # the Docker SDK takes its time to import

        # Only that store holds several platforms under one name; the others refuse what they do not know for sure.
        platform = self.wanted.platform if self.store is Store.CONTAINERD else None
        with connected(self.endpoint, Limits()) as engine, engine.export(self.name, platform) as archive:
            yield _tar_parts(TarStream(archive))


def content_of(identity: ImageIdentity, place: ArchivePath | EngineEndpoint) -> Content:
    """The bytes of the image that was identified at this place."""
    if isinstance(place, ArchivePath):
        return FileContent(place, Wanted.of(identity))
    return EngineContent.of(identity, place)


def _tar_parts(archive: TarStream) -> Iterator[Part]:
    for count, entry in enumerate(archive, 1):
        if count > _MOST_PARTS:
            raise UnreadableImage(f"It has more than {_MOST_PARTS} files.")
        if entry.is_file or entry.link is not None:
            yield _part(entry, archive)


def _part(entry: Entry, archive: TarStream) -> Part:
    name = entry.name.decode("utf-8", "replace")
    if entry.link is None:
        return Part(name, entry.size, archive.content())
    return Part(name, 0, None, entry.link.decode("utf-8", "replace"), entry.is_symbolic)


def _folder_parts(files: OciFolder, wanted: Wanted) -> Iterator[Part]:
    """From `index.json` on what leads to the wanted image, each blob once: a folder may hold many images."""
    if LAYOUT_FILE not in files:
        raise UnreadableImage(f"It has no file {LAYOUT_FILE}.")
    first = files.read(INDEX_FILE, LARGEST_JSON)
    yield _document(INDEX_FILE, first)
    seen: set[str] = set()
    rows = list(_below(parse_manifest(first, OCI_INDEX), wanted))
    while rows:
        row = rows.pop()
        name = blob_name(row.digest)
        if name in seen or name not in files:
            continue
        seen.add(name)
        if len(seen) > _MOST_PARTS:
            raise UnreadableImage(f"It has more than {_MOST_PARTS} files.")
        if row.is_image:
            document = files.read(name, LARGEST_JSON)
            yield _document(name, document)
            with suppress(
                UnreadableImage
            ):  # an artifact beside the images; the wanted one is missed when it is not there
                rows += _below(parse_manifest(document, row.media_type), wanted)
        else:
            stored = files.find(name)
            with files.open(stored) as file:
                yield Part(name, stored.size, file)


def blob_name(digest: str) -> str:
    """The name of a blob in a layout."""
    return f"blobs/sha256/{digest.removeprefix('sha256:')}"


def _below(document: Index | Manifest, wanted: Wanted) -> Iterator[Descriptor]:
    if isinstance(document, Index):
        yield from (entry for entry in document.manifests if entry.is_image)
    elif wanted.config_digest in (None, document.config.digest):
        # Types of layers are of many names: none of them may be taken for that of an image.
        yield from (replace(entry, media_type="") for entry in (document.config, *document.layers))


def _document(name: str, content: bytes) -> Part:
    return Part(name, len(content), io.BufferedReader(io.BytesIO(content)))
