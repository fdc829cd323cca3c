"""Which of the collected parts are the image that was identified: its config, and its layers from the lowest up."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from jenkins_scan.errors import UnreadableImage
from jenkins_scan.images import fields
from jenkins_scan.images.archive.source import MANIFEST_FILE
from jenkins_scan.images.manifests import (
    OCI_INDEX,
    Config,
    Descriptor,
    Index,
    Manifest,
    checked,
    digest_of,
    parse_config,
    parse_manifest,
)
from jenkins_scan.local.collection import Collection
from jenkins_scan.local.content import INDEX_FILE, Wanted, blob_name
from jenkins_scan.local.layer import Layer

_DEEPEST: Final = 3
_MOST_IMAGES: Final = 1000
_MOST_LAYERS: Final = 1000


@dataclass(frozen=True, slots=True)
class Image:
    """The identified image."""

    config: Mapping[str, Any]
    layers: list[Layer]
    """The lowest first."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    """One image among those that are stored."""

    config: Config
    content: bytes
    layer_names: tuple[str, ...]
    lineage: frozenset[str] = frozenset()
    """Digests of its manifest and of the indexes above it."""


def assembled(collection: Collection, wanted: Wanted) -> Image:
    """The wanted image. Raises `errors.UnreadableImage` (13) when it is not there, not whole, or not the one."""
    found = {
        candidate.config.digest: candidate
        for candidate in [*_of_layout(collection), *_of_docker_archive(collection)]
        if _is_meant(candidate, wanted)
    }
    if len(found) != 1:
        seen = "no image" if not found else f"{len(found)} images"
        raise UnreadableImage(
            f"It holds {seen} with the {_told(wanted)} that was identified before.",
            remedy="It was built or written anew meanwhile, or is not the same image: run it again.",
        )
    (image,) = found.values()
    if len(image.layer_names) > _MOST_LAYERS:
        raise UnreadableImage(f"It has {len(image.layer_names)} layers; more than {_MOST_LAYERS} are not looked into.")
    if len(image.layer_names) != len(image.config.diff_ids):
        raise UnreadableImage(
            f"Its config names {len(image.config.diff_ids)} layers, its manifest {len(image.layer_names)}."
        )
    pairs = zip(image.layer_names, image.config.diff_ids, strict=True)
    layers = [_layer(collection, name, diff_id) for name, diff_id in pairs]
    return Image(fields.as_object(fields.parse_json(image.content, "The config"), "The config"), layers)


def _is_meant(candidate: _Candidate, wanted: Wanted) -> bool:
    config = candidate.config
    if wanted.config_digest is not None:
        return config.digest == wanted.config_digest
    # The containerd store tells the digest of a manifest or of an index, and the layers of the platform it means.
    known = wanted.manifest_digest is not None and wanted.manifest_digest in candidate.lineage
    other = wanted.platform is not None and config.platform is not None and not config.platform.fits(wanted.platform)
    return known and not other and wanted.diff_ids in (None, config.diff_ids)


def _told(wanted: Wanted) -> str:
    if wanted.config_digest is not None:
        return f"config {wanted.config_digest}"
    return f"manifest {wanted.manifest_digest}"


def _layer(collection: Collection, name: str, diff_id: str) -> Layer:
    kept = collection.named(name)
    layer = collection.layers.get(kept)
    if layer is None:
        reason = collection.damaged.get(kept, "It is not there, or no tar archive.")
        raise UnreadableImage(f"Its layer {name[:200]!a} cannot be read: {reason}")
    if layer.diff_id != diff_id:
        raise UnreadableImage(
            f"Its layer {name[:200]!a} has, uncompressed, the digest {layer.diff_id}; the config names {diff_id}."
        )
    return layer


def _of_docker_archive(collection: Collection) -> Iterator[_Candidate]:
    content = collection.documents.get(MANIFEST_FILE)
    if content is None:
        return
    entries = fields.as_list(fields.parse_json(content, MANIFEST_FILE), MANIFEST_FILE)
    for entry in entries[:_MOST_IMAGES]:
        body = fields.as_object(entry, f"An entry of {MANIFEST_FILE}")
        config = collection.documents.get(collection.named(fields.text(body, "Config") or ""))
        if config is not None:
            yield _Candidate(parse_config(config), config, fields.texts(body, "Layers"))


def _of_layout(collection: Collection) -> Iterator[_Candidate]:
    content = collection.documents.get(INDEX_FILE)
    if content is None:
        return
    top = parse_manifest(content, OCI_INDEX)
    level: list[tuple[Index, frozenset[str]]] = [(top, frozenset())] if isinstance(top, Index) else []
    seen: set[str] = set()
    for _ in range(_DEEPEST + 1):
        below: list[tuple[Index, frozenset[str]]] = []
        for index, lineage in level:
            for entry in index.manifests:
                document = _document(collection, entry, seen)
                if isinstance(document, Index):
                    below.append((document, lineage | {entry.digest}))
                elif document is not None:
                    yield from _candidate(collection, document, lineage | {entry.digest})
        level = below


def _document(collection: Collection, entry: Descriptor, seen: set[str]) -> Index | Manifest | None:
    """What the entry leads to; None for what is no image, is not here, or was there before."""
    content = collection.documents.get(blob_name(entry.digest))
    if content is None or not entry.is_image or entry.digest in seen:
        return None
    seen.add(entry.digest)
    try:
        return parse_manifest(checked(content, entry, "The manifest"), entry.media_type)
    except UnreadableImage:  # an artifact beside the images; the wanted one is missed when it is not among them
        return None


def _candidate(collection: Collection, manifest: Manifest, lineage: frozenset[str]) -> Iterator[_Candidate]:
    content = collection.documents.get(blob_name(manifest.config.digest))
    if content is not None and digest_of(content) == manifest.config.digest:
        names = tuple(blob_name(layer.digest) for layer in manifest.layers)
        yield _Candidate(parse_config(content), content, names, lineage)
