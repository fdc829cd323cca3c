"""From the text a user typed to the place where that image is looked for: the one way in."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from jenkins_scan.clock import Clock
from jenkins_scan.errors import ConfigurationError, InvalidReference
from jenkins_scan.images.archive.path import Scheme, parse_archive_path
from jenkins_scan.images.engine.kept import KeptConnections
from jenkins_scan.images.engine.order import EngineName, EngineOrder, Patience
from jenkins_scan.images.interface import ImageIdentity, ImageSource, Platform, ResolvedImage
from jenkins_scan.images.reference import SCHEMES, ImageId, ImageReference, parse_reference, shown
from jenkins_scan.spelling import nearest

if TYPE_CHECKING:
    from jenkins_scan.images.builder.claims import BuildMetadata
    from jenkins_scan.images.registry.access import Access

_NAMES: Final = ("docker", "podman", "registry")
"""Schemes that are also fine first parts of a name: `registry:2` is an image."""
_FILES: Final[Mapping[str, Scheme]] = {
    "docker-archive": "docker-archive",
    "oci-archive": "oci-archive",
    "oci-dir": "oci-dir",
}
_WEB: Final = ("http", "https")


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where images are looked for, and how: what the options and the environment say."""

    environ: Mapping[str, str]
    clock: Clock
    redact: Callable[[str], None]
    """Told every secret that is met on the way, such as a registry's password."""
    engines: tuple[EngineName, ...] = ("docker", "podman")
    docker_host: str | None = None
    patience: Patience
    """How long all images together wait for an engine that is starting."""
    kept: KeptConnections | None = None
    """Where connections to engines wait for the next image; None: each image has its own."""
    platform: Platform | None = None
    ca_bundle: str | None = None
    build_metadata: "BuildMetadata | None" = None
    pushed: bool = False
    """Whether the image is said to be at the registry of its name, which is then asked."""


def image_source(reference: str, places: Places) -> ImageSource:
    """The place of `reference`: a bare `NAME` is one of an engine's, `SCHEME://…` says where it is.

    Raises `errors.UsageError` (2) for what cannot be meant; nothing is asked yet.
    """
    source = _source(reference, places)
    return _WithEvidence(source, places) if places.pushed or places.build_metadata is not None else source


class _WithEvidence:
    """A source whose image is compared with what its registry holds, and with what its builder wrote."""

    def __init__(self, source: ImageSource, places: Places) -> None:
        self._source = source
        self._places = places
        self._pushed: ImageSource | None = None

    def resolve(self) -> ResolvedImage:
        image = self._source.resolve()
        if self._places.pushed:
            from jenkins_scan.images.registry.source import RegistrySource, confirm_push

            access = _access(self._places)
            image = confirm_push(image, access)
            if image.name is not None:
                self._pushed = RegistrySource(image.name, access, typed=image.name.canonical)
        # Last, so that a claim which contradicts the registry is noticed.
        claims = self._places.build_metadata
        return image if claims is None else claims.applied_to(image)

    def look_again(self, identity: ImageIdentity) -> None:
        self._source.look_again(identity)
        if self._pushed is not None:
            self._pushed.look_again(identity)


def _source(reference: str, places: Places) -> ImageSource:
    scheme, separator, rest = reference.partition("://")
    file = _FILES.get(scheme) if separator else None
    if file is not None:
        return _file(file, rest, reference, places)
    if separator and scheme not in _NAMES and scheme.lower() not in _WEB:
        raise _unknown(scheme)
    before, colon, path = reference.partition(":")
    if colon and not separator and before in SCHEMES and before not in _NAMES:
        raise ConfigurationError(
            f"{before}: is written with two slashes.", remedy=f"Did you mean {shown(f'{before}://{path}')}?"
        )
    typed_scheme = scheme if separator and scheme in _NAMES else None
    name = _parsed(reference) if typed_scheme is None else parse_reference(rest)
    if typed_scheme == "registry":
        from jenkins_scan.images.registry.source import RegistrySource

        if isinstance(name, ImageId):
            raise ConfigurationError(
                f"{shown(reference)} names an image id, which no registry knows.",
                remedy="Write registry://HOST/PATH:TAG or registry://HOST/PATH@sha256:DIGEST.",
            )
        return RegistrySource(name, _access(places), places.platform, typed=reference)
    engines: tuple[EngineName, ...] = places.engines
    if typed_scheme is not None:
        engines = ("docker",) if typed_scheme == "docker" else ("podman",)
    return EngineOrder(
        name,
        engines,
        typed=reference,
        docker_host=places.docker_host,
        environ=places.environ,
        platform=places.platform,
        patience=places.patience,
        kept=places.kept,
    )


def _access(places: Places) -> "Access":
    from jenkins_scan.images.registry.access import Access

    return Access(environ=places.environ, ca_bundle=places.ca_bundle, clock=places.clock, redact=places.redact)


def _parsed(text: str) -> ImageReference | ImageId:
    try:
        return parse_reference(text)
    except InvalidReference as refused:
        if not text.isprintable() or not os.path.exists(text):  # noqa: PTH110  `Path` raises for too long a name
            raise
        from jenkins_scan.images.archive.source import fitting_scheme

        fits = fitting_scheme(Path(text))
        if fits is None:
            raise
        raise InvalidReference(
            f"{shown(text)} is a path, and an image in it is named by its scheme.",
            remedy=f"Did you mean {shown(f'{fits}://{text}')}?",
        ) from refused


def _file(scheme: Scheme, rest: str, reference: str, places: Places) -> ImageSource:
    where = parse_archive_path(rest, scheme)
    if scheme == "docker-archive":
        from jenkins_scan.images.archive.docker_archive import ArchiveSource

        return ArchiveSource(where, places.platform, typed=reference)
    from jenkins_scan.images.archive.oci_layout import LayoutSource

    return LayoutSource(where, places.platform, typed=reference)


def _unknown(scheme: str) -> ConfigurationError:
    close = nearest(scheme.lower(), SCHEMES)
    meant = f"Did you mean {close}://? " if close else ""
    known = ", ".join(f"{name}://" for name in SCHEMES)
    return ConfigurationError(
        f"{shown(scheme)}:// is no place for images that is known.", remedy=f"{meant}There are {known} and plain names."
    )
