"""Manifests, indexes and configs of OCI images and of Docker's schema 2, parsed; no I/O.

Sources: the OCI image specification 1.1 (manifest.md, image-index.md, config.md) and distribution's "Image Manifest
Version 2, Schema 2". A blob is believed only when its bytes have the digest and size by which it was asked for.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from jenkins_scan.errors import UnreadableImage, UsageError, WrongPlatform
from jenkins_scan.images import fields
from jenkins_scan.images.interface import Platform

OCI_MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX: Final = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST: Final = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST: Final = "application/vnd.docker.distribution.manifest.list.v2+json"
MANIFEST_TYPES: Final = (OCI_MANIFEST, DOCKER_MANIFEST)
INDEX_TYPES: Final = (OCI_INDEX, DOCKER_LIST)
CONFIG_TYPES: Final = (
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
)
LARGEST_MANIFEST: Final = 4 * 1024 * 1024
"""Bytes: what registries accept at most (distribution's own limit)."""
LARGEST_CONFIG: Final = 8 * 1024 * 1024
_MOST_MANIFESTS: Final = 1000
_MOST_LAYERS: Final = 1000
_ATTESTATION: Final = "vnd.docker.reference.type"
_NAMES_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Descriptor:
    """What one blob says of another: its type, its digest and its size in bytes."""

    media_type: str
    digest: str
    """`sha256:` and 64 hex digits."""
    size: int
    platform: Platform | None = None
    annotations: Mapping[str, str] | None = None

    @property
    def is_index(self) -> bool:
        """Whether it leads to an index."""
        return self.media_type in INDEX_TYPES

    @property
    def is_image(self) -> bool:
        """Whether it leads to an image or an index of images: no attestation, signature or other artifact."""
        unknown = self.platform is not None and self.platform.os == "unknown"
        return (
            self.media_type in (*MANIFEST_TYPES, *INDEX_TYPES)
            and not unknown
            and _ATTESTATION not in (self.annotations or {})
        )


@dataclass(frozen=True, slots=True)
class Manifest:
    """One image of one platform."""

    config: Descriptor
    layers: tuple[Descriptor, ...]


@dataclass(frozen=True, slots=True)
class Index:
    """Images of several platforms under one name."""

    manifests: tuple[Descriptor, ...]


@dataclass(frozen=True, slots=True)
class Config:
    """What the config of an image says of it."""

    digest: str
    diff_ids: tuple[str, ...]
    """sha256 of the uncompressed layers, lowest first."""
    platform: Platform | None
    created: datetime | None


def digest_of(content: bytes) -> str:
    """`sha256:` and the hex digest of these bytes."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def checked(content: bytes, expected: Descriptor, what: str) -> bytes:
    """`content`, which has to have the size and digest of its descriptor. Raises `errors.UnreadableImage` (13)."""
    found = digest_of(content)
    if len(content) != expected.size or found != expected.digest:
        raise UnreadableImage(
            f"{what} {expected.digest} has {len(content)} bytes of the digest {found}; promised were {expected.size}.",
            remedy="It is damaged where it is kept: build or push it anew.",
        )
    return content


def parse_manifest(content: bytes, media_type: str | None = None) -> Manifest | Index:
    """The manifest or index in `content`; `media_type` is what its sender called it, where one did.

    Raises `errors.UnreadableImage` (13), also for schema 1 and for a type that contradicts its sender or its content.
    """
    body = fields.as_object(fields.parse_json(content, "The manifest"), "The manifest")
    version = fields.count(body, "schemaVersion")
    if version != 2:  # noqa: PLR2004  the version of both formats
        raise UnreadableImage(f"The manifest has schema version {version}; only version 2 names what it holds.")
    own = fields.text(body, "mediaType")
    if own is not None and media_type is not None and own != media_type:
        raise UnreadableImage(f"The manifest calls itself {own[:100]!a}, its sender {media_type[:100]!a}.")
    kind = own or media_type
    has_index, has_image = "manifests" in body, "config" in body or "layers" in body
    if kind is None and has_index != has_image:
        kind = OCI_INDEX if has_index else OCI_MANIFEST
    if kind in INDEX_TYPES and not has_image:  # both at once would be read in two ways (CVE-2021-41190)
        return Index(_descriptors(body, "manifests", _MOST_MANIFESTS))
    if kind in MANIFEST_TYPES and not has_index:
        return _manifest(body)
    raise UnreadableImage(f"The manifest is no image and no index of images, but {str(kind)[:100]!a}.")


def choose(candidates: Sequence[Descriptor], platform: Platform | None, where: str) -> Descriptor:
    """The one image of `candidates` for `platform`; `where` names their index in errors.

    Raises `errors.WrongPlatform` (13) when none fits, `errors.UsageError` (2) when several do.
    """
    images = [candidate for candidate in candidates if candidate.is_image]
    fitting = [image for image in images if platform is None or _fits(image, platform)]
    distinct = {image.digest: image for image in fitting}
    if len(distinct) == 1:
        return fitting[0]
    listed = ", ".join(_shown(images))
    if not images:
        raise UnreadableImage(f"{where} holds no image.", remedy="Build or push an image under this name.")
    if not distinct:
        raise WrongPlatform(
            f"{where} has nothing for {platform}; it has {listed}.",
            remedy="Build or push it for that platform, or change --platform.",
        )
    choice = "Choose one with --platform OS/ARCHITECTURE[/VARIANT]." if platform is None else "Name one by its digest."
    raise UsageError(f"{where} has several images: {listed}.", remedy=choice)


def parse_config(content: bytes, manifest: Manifest | None = None) -> Config:
    """What the config in `content` says. With a `manifest` both have to name the same number of layers."""
    body = fields.as_object(fields.parse_json(content, "The config"), "The config")
    diff_ids = fields.digests(fields.inner(body, "rootfs"), "diff_ids") or ()
    if manifest is not None and len(diff_ids) != len(manifest.layers):
        raise UnreadableImage(f"The config names {len(diff_ids)} layers, the manifest {len(manifest.layers)}.")
    return Config(
        digest=digest_of(content),
        diff_ids=diff_ids,
        platform=fields.platform(body, "os", "architecture", "variant"),
        created=fields.time(body, "created"),
    )


def require_platform(found: Platform | None, asked: Platform | None, where: str) -> None:
    """Raises `errors.WrongPlatform` (13) unless the image is for the platform that was asked for."""
    if asked is not None and (found is None or not found.fits(asked)):
        there = found or "an image that does not say its platform"
        raise WrongPlatform(
            f"{where} was asked for as {asked}; there is {there}.",
            remedy="Build or save it for that platform, or change --platform.",
        )


def _manifest(body: Mapping[str, Any]) -> Manifest:
    config = _descriptor(fields.inner(body, "config"), "The config's descriptor")
    if config.media_type not in CONFIG_TYPES:
        raise UnreadableImage(f"The manifest is no container image: its config is {config.media_type[:100]!a}.")
    return Manifest(config, _descriptors(body, "layers", _MOST_LAYERS))


def _descriptors(body: Mapping[str, Any], key: str, most: int) -> tuple[Descriptor, ...]:
    value = body.get(key)
    entries = [] if value is None else fields.as_list(value, key)
    if len(entries) > most:
        raise UnreadableImage(f"{key} has {len(entries)} entries; at most {most} are read.")
    return tuple(_descriptor(fields.as_object(entry, f"An entry of {key}"), f"An entry of {key}") for entry in entries)


def _descriptor(body: Mapping[str, Any], what: str) -> Descriptor:
    media_type, digest, size = fields.text(body, "mediaType"), fields.text(body, "digest"), fields.count(body, "size")
    if media_type is None or digest is None or size is None:
        raise UnreadableImage(f"{what} lacks its mediaType, digest or size.")
    if not fields.SHA256.fullmatch(digest):
        raise UnreadableImage(f"{what} has the digest {digest[:100]!a}, which is not sha256.")
    annotations = fields.inner(body, "annotations")
    return Descriptor(
        media_type=media_type,
        digest=digest,
        size=size,
        platform=fields.platform(fields.inner(body, "platform"), "os", "architecture", "variant"),
        annotations={key: text for key, text in annotations.items() if isinstance(text, str)},
    )


def _fits(image: Descriptor, platform: Platform) -> bool:
    # One without a platform may be any: its config tells, and is checked once it is read.
    return image.platform is None or image.platform.fits(platform)


def _shown(images: Iterable[Descriptor]) -> list[str]:
    listed = [f"{image.platform or 'no platform named'} ({image.digest[:19]}…)" for image in images]
    return listed if len(listed) <= _NAMES_SHOWN else [*listed[:_NAMES_SHOWN], f"{len(listed) - _NAMES_SHOWN} more"]
