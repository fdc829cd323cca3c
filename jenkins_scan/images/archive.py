"""An image in a file that `docker save`, `podman save` or skopeo wrote: `docker-archive://PATH[:TAG|@sha256:CONFIG]`.

The identity is the digest of the config, which names the uncompressed layers. The layers themselves are measured, not
hashed. A registry will hold other digests: a push compresses the layers and writes a new manifest.
"""

import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from jenkins_scan.errors import ImageNotFound, UnreadableImage, UsageError, WrongPlatform
from jenkins_scan.images import fields
from jenkins_scan.images.interface import ImageIdentity, Platform, ResolvedImage, SizeSemantics, Store
from jenkins_scan.images.reference import ImageReference, parse_references
from jenkins_scan.images.tar_index import TarIndex, open_tar

_LARGEST_JSON: Final = 8 * 1024 * 1024
_MOST_IMAGES: Final = 1000
_TAG_SELECTOR: Final = re.compile(r"(.+):([A-Za-z0-9_][A-Za-z0-9_.-]{0,127})", re.DOTALL)
_DIGEST_SELECTOR: Final = re.compile("(.+)@(sha256:[^/]*)", re.DOTALL)
_SELECT: Final = "Select one with docker-archive://PATH:TAG or docker-archive://PATH@sha256:CONFIGDIGEST."


@dataclass(frozen=True, slots=True)
class ArchivePath:
    """Where an archive is, and which image in it is meant."""

    path: Path
    tag: str | None = None
    config_digest: str | None = None


@dataclass(frozen=True, slots=True)
class _Image:
    """One entry of `manifest.json`, with its config."""

    names: tuple[ImageReference, ...]
    layers: tuple[str, ...]
    config_name: str
    config_digest: str

    def __str__(self) -> str:
        return f"{', '.join(map(str, self.names)) or 'no name'} ({self.config_digest})"


def parse_archive_path(text: str) -> ArchivePath:
    """The path and selector in `text`. Raises `errors.UsageError` (2).

    Workspaces hold `@` (`job@2`) and may hold `:`. A selector is only `@sha256:…` or a last `:TAG` with no `/` behind
    it, and only if the whole text is no file.
    """
    if not text or "\0" in text:
        raise UsageError("docker-archive:// names no file.", remedy="Write it as docker-archive://PATH.")
    if os.path.lexists(text):
        return ArchivePath(Path(text))
    if match := _DIGEST_SELECTOR.fullmatch(text):
        if not fields.SHA256.fullmatch(match[2]):
            raise UsageError(f"{match[2][:100]!a} is no sha256 digest of 64 lower-case hex digits.", remedy=_SELECT)
        return ArchivePath(Path(match[1]), config_digest=match[2])
    if match := _TAG_SELECTOR.fullmatch(text):
        return ArchivePath(Path(match[1]), tag=match[2])
    return ArchivePath(Path(text))


class ArchiveSource:
    """An image as an archive describes it."""

    def __init__(self, where: ArchivePath, platform: Platform | None = None, *, typed: str) -> None:
        self._where = where
        self._platform = platform
        self._typed = typed

    def resolve(self) -> ResolvedImage:
        """The image's identity. Raises `errors.ImageError` (13); `errors.UsageError` (2) where a choice is missing."""
        try:
            with open_tar(self._where.path) as tar:
                return self._resolved(tar)
        except UnreadableImage as exc:
            message = f"The archive {str(self._where.path)!r} is no image: {exc.message}"
            raise UnreadableImage(message, remedy="Write it anew with `docker save -o FILE NAME`.") from exc

    def _resolved(self, tar: TarIndex) -> ResolvedImage:
        image = self._choose(_images(tar))
        name, warnings = self._name(image)
        config = fields.as_object(fields.parse_json(_config(tar, image.config_name)[0], "The config"), "The config")
        diff_ids = fields.digests(fields.inner(config, "rootfs"), "diff_ids") or ()
        if len(diff_ids) != len(image.layers):
            raise UnreadableImage(f"Its config names {len(diff_ids)} layers, its manifest.json {len(image.layers)}.")
        identity = ImageIdentity(
            reference=self._typed,
            canonical=None if name is None else name.canonical,
            image_id=None,
            store=Store.ARCHIVE,
            config_digest=image.config_digest,
            diff_ids=diff_ids,
            platform=self._checked_platform(config),
            created=fields.time(config, "created"),
            size=tar.total_size(image.layers),
            size_semantics=SizeSemantics.ARCHIVE,
        )
        return ResolvedImage(identity, name, warnings)

    def _choose(self, images: Sequence[_Image]) -> _Image:
        tag, digest = self._where.tag, self._where.config_digest
        fitting = [
            image
            for image in images
            if (tag is None or any(name.sent_tag == tag for name in image.names))
            and (digest is None or image.config_digest == digest)
        ]
        listed = "; ".join(map(str, images[:20]))
        if not fitting:
            wanted = tag if digest is None else digest
            raise ImageNotFound(
                f"The archive {str(self._where.path)!r} has no image {wanted}, but: {listed}.", remedy=_SELECT
            )
        if len(fitting) > 1:
            raise UsageError(f"The archive {str(self._where.path)!r} has several images: {listed}.", remedy=_SELECT)
        return fitting[0]

    def _name(self, image: _Image) -> tuple[ImageReference | None, tuple[str, ...]]:
        tag = self._where.tag
        names = [name for name in image.names if tag is None or name.sent_tag == tag]
        if len(names) == 1:
            return names[0], ()
        if not names:
            return None, ("The archive names no repository and tag for this image.",)
        listed = ", ".join(map(str, names))
        if tag is None and self._where.config_digest is None:
            raise UsageError(f"The image in {str(self._where.path)!r} has several names: {listed}.", remedy=_SELECT)
        return None, (f"The selector fits several names of the image ({listed}): none is used.",)

    def _checked_platform(self, config: Mapping[str, Any]) -> Platform | None:
        found = fields.platform(config, "os", "architecture", "variant")
        if self._platform is not None and (found is None or not found.fits(self._platform)):
            there = found or "an image that does not say its platform"
            raise WrongPlatform(
                f"{self._typed!a} was asked for as {self._platform}; in the archive there is {there}.",
                remedy="Save the image of that platform, or change --platform.",
            )
        return found


def _images(tar: TarIndex) -> list[_Image]:
    if "manifest.json" not in tar:
        raise UnreadableImage("It has no manifest.json.")
    entries = fields.as_list(
        fields.parse_json(tar.read("manifest.json", _LARGEST_JSON), "manifest.json"), "manifest.json"
    )
    if not 0 < len(entries) <= _MOST_IMAGES:
        raise UnreadableImage(f"Its manifest.json lists {len(entries)} images.")
    return [_image(tar, fields.as_object(entry, "An entry of manifest.json")) for entry in entries]


def _image(tar: TarIndex, entry: Mapping[str, Any]) -> _Image:
    config_name = fields.text(entry, "Config")
    if config_name is None:
        raise UnreadableImage("Its manifest.json names no Config.")
    return _Image(
        names=tuple(dict.fromkeys(parse_references(fields.texts(entry, "RepoTags")))),
        layers=fields.texts(entry, "Layers"),
        config_name=config_name,
        config_digest=_config(tar, config_name)[1],
    )


def _config(tar: TarIndex, name: str) -> tuple[bytes, str]:
    """The config with its digest, which has to be the one its file name promises."""
    content = tar.read(name, _LARGEST_JSON)
    digest = hashlib.sha256(content).hexdigest()
    # Docker up to 24, podman and skopeo write HEX.json; Docker 25 and later blobs/sha256/HEX.
    promised = name.rpartition("/")[2].removesuffix(".json")
    if re.fullmatch("[0-9a-f]{64}", promised) and promised != digest:
        raise UnreadableImage(f"Its config {name[:200]!a} has the digest sha256:{digest}.")
    return content, f"sha256:{digest}"
