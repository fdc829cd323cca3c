"""An image in an OCI layout: `oci-archive://PATH` in a tar, `oci-dir://PATH` in a folder, each `[:TAG|@sha256:DIGEST]`.

Source: the OCI image specification 1.1 (image-layout.md, image-index.md, descriptor.md). buildx, buildah, podman,
skopeo, kaniko and `docker save` of Docker 25 and later write such layouts. From `index.json` on every blob has to have
the digest and size by which it is named, and every layer, uncompressed, the DiffID that the config names. A registry
may hold another manifest: what pushes the image may compress its layers anew.
"""

import re
from collections.abc import Sequence
from typing import Final

from jenkins_scan.errors import ImageNotFound, UnreadableImage, UsageError
from jenkins_scan.images import fields
from jenkins_scan.images.archive.layers import Layer, check_layers
from jenkins_scan.images.archive.layout_names import named
from jenkins_scan.images.archive.path import single_name
from jenkins_scan.images.archive.source import LARGEST_JSON, LAYOUT_FILE, MANIFEST_FILE, FileSource
from jenkins_scan.images.archive.stored_files import StoredFiles
from jenkins_scan.images.interface import ImageIdentity, ResolvedImage, SizeSemantics, Store
from jenkins_scan.images.manifests import (
    OCI_INDEX,
    Config,
    Descriptor,
    Index,
    Manifest,
    checked,
    choose,
    parse_config,
    parse_manifest,
    require_platform,
)

_VERSION: Final = "1.0.0"
_DEEPEST: Final = 3
"""Indexes below `index.json`, one in the other. buildx needs one."""
_MOST_SEARCHED: Final = 16_384
_LAYER_TYPE: Final = re.compile(
    r"application/vnd\.oci\.image\.layer\.(?:nondistributable\.)?v1\.tar(?:\+gzip|\+zstd)?"
    r"|application/vnd\.docker\.image\.rootfs\.(?:foreign\.)?diff\.tar(?:[.+]gzip|[.+]zstd)?"
)


class LayoutSource(FileSource):
    """An image in an OCI layout."""

    def _identify(self, files: StoredFiles) -> ResolvedImage:
        layout = _Layout(files)
        tops = layout.images()
        top, asked = self._select(layout, tops)
        descriptor, manifest = self._descend(layout, asked)
        config = layout.config(manifest)
        require_platform(config.platform, self._platform, f"{self._typed!a}")
        names = named([other for other in tops if other.digest == top.digest], self._where.tag)
        name, warnings = single_name(names.references, self._where)
        if name is None and not names.references and names.tags:
            warnings = (f"The layout knows only the tag {', '.join(names.tags)} of this image, and no repository.",)
        identity = ImageIdentity(
            reference=self._typed,
            canonical=None if name is None else name.canonical,
            image_id=None,
            store=Store.ARCHIVE,
            config_digest=config.digest,
            manifest_digest=descriptor.digest,
            manifest_kind="manifest",
            index_digest=None if asked.digest == descriptor.digest else asked.digest,
            diff_ids=config.diff_ids,
            platform=config.platform,
            created=config.created,
            size=layout.check_layers(manifest, config),
            size_semantics=SizeSemantics.ARCHIVE,
        )
        return ResolvedImage(identity, name, warnings)

    def _select(self, layout: "_Layout", tops: Sequence[Descriptor]) -> tuple[Descriptor, Descriptor]:
        """The entry of `index.json`, and the image or index below it (or itself) that is asked for."""
        if self._where.digest is not None:
            found = layout.search(tops, self._where.digest)
            if found is not None:
                return found
        tag = self._where.tag
        fitting = [top for top in tops if self._where.digest is None and (tag is None or named([top], tag).any)]
        if not fitting:
            raise ImageNotFound(
                f"{self._where} has no image {self._where.selector or 'at all'}, but: {_listed(tops)}.",
                remedy=self._where.choice([*map(_selectors, tops)]),
            )
        if self._platform is not None and len({top.digest for top in fitting}) > 1:
            asked = self._platform
            fitting = [top for top in fitting if top.platform is None or top.platform.fits(asked)] or fitting
        if len({top.digest for top in fitting}) > 1:
            raise UsageError(
                f"{self._where} has several images: {_listed(fitting)}.",
                remedy=f"{self._where.choice([*map(_selectors, fitting)])} With --platform the others are left out.",
            )
        return fitting[0], fitting[0]

    def _descend(self, layout: "_Layout", descriptor: Descriptor) -> tuple[Descriptor, Manifest]:
        for _ in range(_DEEPEST + 1):
            found = layout.parsed(descriptor)
            if isinstance(found, Manifest):
                return descriptor, found
            descriptor = choose(layout.held(found.manifests), self._platform, f"{self._typed!a}")
        raise UnreadableImage(f"Its indexes lie deeper in each other than {_DEEPEST}.")


class _Layout:
    """The blobs of a layout, each as its digest promises it."""

    def __init__(self, files: StoredFiles) -> None:
        self._files = files
        if LAYOUT_FILE not in files:
            hint = "It is a docker-archive: write it as docker-archive://PATH." if MANIFEST_FILE in files else None
            raise UnreadableImage("It has no file oci-layout.", remedy=hint)
        body = fields.as_object(fields.parse_json(files.read(LAYOUT_FILE, LARGEST_JSON), LAYOUT_FILE), LAYOUT_FILE)
        version = fields.text(body, "imageLayoutVersion")
        if version != _VERSION:
            raise UnreadableImage(f"Its oci-layout has the version {version!a:.100}; {_VERSION} is read.")

    def images(self) -> tuple[Descriptor, ...]:
        """What `index.json` lists, without attestations and other artifacts."""
        index = parse_manifest(self._files.read("index.json", LARGEST_JSON), OCI_INDEX)
        assert isinstance(index, Index)  # noqa: S101  a document of this type is an index, or parse_manifest raised
        return self.held([entry for entry in index.manifests if entry.is_image])

    def held(self, entries: Sequence[Descriptor]) -> tuple[Descriptor, ...]:
        """Those of `entries` whose bytes are here: engines save an index whole, but only the platforms they have."""
        return tuple(entry for entry in entries if _blob(entry) in self._files) or tuple(entries)

    def parsed(self, descriptor: Descriptor) -> Manifest | Index:
        """The manifest or index behind the descriptor."""
        content = checked(self._files.read(_blob(descriptor), LARGEST_JSON), descriptor, "The manifest")
        return parse_manifest(content, descriptor.media_type)

    def config(self, manifest: Manifest) -> Config:
        """The config that the manifest names."""
        content = checked(self._files.read(_blob(manifest.config), LARGEST_JSON), manifest.config, "The config")
        return parse_config(content, manifest)

    def check_layers(self, manifest: Manifest, config: Config) -> int:
        """Bytes of the layers as stored, each of which was hashed."""
        for layer in manifest.layers:
            if not _LAYER_TYPE.fullmatch(layer.media_type):
                raise UnreadableImage(
                    f"Its layer {layer.digest} is {layer.media_type[:100]!a}: the content of such a layer, which is no "
                    "tar or an encrypted one, cannot be checked."
                )
            if _blob(layer) not in self._files:
                raise UnreadableImage(
                    f"It does not hold its layer {layer.digest} ({layer.media_type}): a layer that has to be fetched "
                    "from elsewhere cannot be checked.",
                    remedy="Write the layout with all layers.",
                )
        pairs = zip(manifest.layers, config.diff_ids, strict=True)
        layers = (Layer(_blob(layer), diff_id, layer.digest, layer.size) for layer, diff_id in pairs)
        return check_layers(self._files, layers)

    def search(self, tops: Sequence[Descriptor], digest: str) -> tuple[Descriptor, Descriptor] | None:
        """The one of `tops` that leads to this digest, and what has it or the config with it; None when nothing has."""
        seen: set[str] = set()
        level = [(top, top) for top in tops]
        for _ in range(_DEEPEST + 1):
            inner: list[tuple[Descriptor, Descriptor]] = []
            for top, entry in level:
                if entry.digest == digest:
                    return top, entry
                if entry.digest in seen or _blob(entry) not in self._files:
                    continue
                seen.add(entry.digest)
                found = self.parsed(entry)
                if isinstance(found, Index):
                    inner += [(top, below) for below in found.manifests if below.is_image]
                elif found.config.digest == digest:
                    return top, entry
                if len(seen) + len(inner) > _MOST_SEARCHED:
                    raise UnreadableImage(f"It has more than {_MOST_SEARCHED} images to search.")
            level = inner
        return None


def _blob(descriptor: Descriptor) -> str:
    return f"blobs/sha256/{descriptor.digest.removeprefix('sha256:')}"


def _selectors(image: Descriptor) -> tuple[str, ...]:
    names = named([image])
    return (*(name.sent_tag for name in names.references if name.sent_tag), *names.tags, image.digest)


def _listed(images: Sequence[Descriptor]) -> str:
    shown = [f"{named([image])} ({image.digest})" for image in images[:20]]
    return "; ".join(shown) or "nothing"
