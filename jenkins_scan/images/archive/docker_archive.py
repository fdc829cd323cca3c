"""An image in a file that `docker save`, `podman save` or skopeo wrote: `docker-archive://PATH[:TAG|@sha256:CONFIG]`.

The identity is the digest of the config, which names the uncompressed layers; each layer is hashed and has to be the
one that is named. A registry will hold other digests: a push compresses the layers and writes a new manifest.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from jenkins_scan.errors import ImageNotFound, UnreadableImage, UsageError
from jenkins_scan.images import fields
from jenkins_scan.images.archive.layers import Layer, check_layers
from jenkins_scan.images.archive.path import single_name
from jenkins_scan.images.archive.source import LARGEST_JSON, LAYOUT_FILE, MANIFEST_FILE, FileSource
from jenkins_scan.images.archive.stored_files import StoredFiles
from jenkins_scan.images.interface import ImageIdentity, ResolvedImage, SizeSemantics, Store
from jenkins_scan.images.manifests import digest_of, parse_config, require_platform
from jenkins_scan.images.reference import ImageReference, parse_references

_MOST_IMAGES: Final = 1000
_PROMISED: Final = re.compile(r"(?:.*/)?(?:sha256:)?([0-9a-f]{64})(?:\.json)?", re.DOTALL)
"""The digest in a config's name: Docker up to 24, podman and skopeo write HEX.json; Docker 25 and later
blobs/sha256/HEX; kaniko sha256:HEX."""


@dataclass(frozen=True, slots=True)
class _Image:
    """One entry of `manifest.json`, with its config's digest."""

    names: tuple[ImageReference, ...]
    layers: tuple[str, ...]
    config_name: str
    config_digest: str

    def __str__(self) -> str:
        return f"{', '.join(map(str, self.names)) or 'no name'} ({self.config_digest})"

    @property
    def selectors(self) -> tuple[str, ...]:
        """Its tags and its digest: each of them selects it, unless another image has it too."""
        return (*(name.sent_tag for name in self.names if name.sent_tag), self.config_digest)


class ArchiveSource(FileSource):
    """An image in a docker-archive."""

    def _identify(self, files: StoredFiles) -> ResolvedImage:
        image = self._choose(_images(files))
        name, warnings = single_name(image.names, self._where)
        config = parse_config(_config(files, image.config_name))
        if len(config.diff_ids) != len(image.layers):
            raise UnreadableImage(
                f"Its config names {len(config.diff_ids)} layers, its manifest.json {len(image.layers)}."
            )
        require_platform(config.platform, self._platform, f"{self._typed!a}")
        layers = (Layer(name, diff_id) for name, diff_id in zip(image.layers, config.diff_ids, strict=True))
        identity = ImageIdentity(
            reference=self._typed,
            canonical=None if name is None else name.canonical,
            image_id=None,
            store=Store.ARCHIVE,
            config_digest=config.digest,
            diff_ids=config.diff_ids,
            platform=config.platform,
            created=config.created,
            size=check_layers(files, layers),
            size_semantics=SizeSemantics.ARCHIVE,
        )
        return ResolvedImage(identity, name, warnings)

    def _choose(self, images: Sequence[_Image]) -> _Image:
        tag, digest = self._where.tag, self._where.digest
        fitting = [
            image
            for image in images
            if (tag is None or any(name.sent_tag == tag for name in image.names))
            and digest in (None, image.config_digest)
        ]
        if len(fitting) == 1:
            return fitting[0]
        listed = "; ".join(map(str, images[:20]))
        if not fitting:
            raise ImageNotFound(
                f"{self._where} has no image {self._where.selector}, but: {listed}.",
                remedy=self._where.choice([image.selectors for image in images]),
            )
        remedy = self._where.choice([image.selectors for image in fitting])
        raise UsageError(f"{self._where} has several images: {listed}.", remedy=remedy)


def _images(files: StoredFiles) -> list[_Image]:
    if MANIFEST_FILE not in files:
        hint = "It is an OCI layout: write it as oci-archive://PATH." if LAYOUT_FILE in files else None
        raise UnreadableImage("It has no manifest.json.", remedy=hint)
    entries = fields.as_list(fields.parse_json(files.read(MANIFEST_FILE, LARGEST_JSON), MANIFEST_FILE), MANIFEST_FILE)
    if not 0 < len(entries) <= _MOST_IMAGES:
        raise UnreadableImage(f"Its manifest.json lists {len(entries)} images.")
    return [_image(files, fields.as_object(entry, "An entry of manifest.json")) for entry in entries]


def _image(files: StoredFiles, entry: Mapping[str, Any]) -> _Image:
    config_name = fields.text(entry, "Config")
    if config_name is None:
        raise UnreadableImage("Its manifest.json names no Config.")
    return _Image(
        names=tuple(dict.fromkeys(parse_references(fields.texts(entry, "RepoTags")))),
        layers=fields.texts(entry, "Layers"),
        config_name=config_name,
        config_digest=digest_of(_config(files, config_name)),
    )


def _config(files: StoredFiles, name: str) -> bytes:
    """The config's bytes, which have to be those that its file name promises."""
    content = files.read(name, LARGEST_JSON)
    digest = digest_of(content)
    promised = _PROMISED.fullmatch(name)
    if promised is not None and f"sha256:{promised[1]}" != digest:
        raise UnreadableImage(f"Its config {name[:200]!a} has the digest {digest}.")
    return content
