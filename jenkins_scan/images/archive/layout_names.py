"""The names that an OCI layout gives its images, in the annotations of `index.json`."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from jenkins_scan.images.manifests import Descriptor
from jenkins_scan.images.reference import ImageReference, parse_references

_NAME: Final = "io.containerd.image.name"
"""A whole name: containerd, buildx and Docker 25 and later write it."""
_REF_NAME: Final = "org.opencontainers.image.ref.name"
"""A tag (skopeo, Docker, containerd) or a whole name (podman, buildah): the specification allows both."""


@dataclass(frozen=True, slots=True)
class LayoutNames:
    """What an image is called."""

    references: tuple[ImageReference, ...]
    tags: tuple[str, ...]
    """Tags without a repository."""

    def __str__(self) -> str:
        return ", ".join([*map(str, self.references), *self.tags]) or "no name"

    @property
    def any(self) -> bool:
        """Whether there is a name at all."""
        return bool(self.references or self.tags)


def named(descriptors: Iterable[Descriptor], tag: str | None = None) -> LayoutNames:
    """What these descriptors, which lead to one image, call it; with a `tag` only the names that have it.

    skopeo keeps what it was told: `app:1` is a name, `1` is a tag and says nothing of a repository.
    """
    references: list[ImageReference] = []
    tags: list[str] = []
    for descriptor in descriptors:
        annotations = descriptor.annotations or {}
        texts = [annotations[key] for key in (_NAME, _REF_NAME) if key in annotations]
        whole = parse_references(text for text in texts if _is_whole(text))
        references += [name for name in whole if tag in (None, name.sent_tag)]
        tags += [text for text in texts if not _is_whole(text) and tag in (None, text)]
    return LayoutNames(tuple(dict.fromkeys(references)), tuple(dict.fromkeys(tags)))


def _is_whole(text: str) -> bool:
    return "/" in text or ":" in text
