"""What an image is, by its bytes: the identity record, and the one method every image source has.

No value is ever called just "digest": an engine, an archive and a registry each know different digests of one image
(docs/image-identity.md). `None` means "not known", never a guess.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Literal, Protocol

from jenkins_scan.errors import ConfigurationError

if TYPE_CHECKING:
    from jenkins_scan.images.archive.path import ArchivePath
    from jenkins_scan.images.engine.endpoint import EngineEndpoint
    from jenkins_scan.images.reference import ImageReference


class Store(StrEnum):
    """Where the bytes are kept; it decides what an engine's `Id` and `RepoDigests` mean."""

    GRAPHDRIVER = "graphdriver"
    CONTAINERD = "containerd"
    PODMAN = "podman"
    ARCHIVE = "archive"
    UNKNOWN = "unknown"


class SizeSemantics(StrEnum):
    """What `size` counts: sizes are not comparable across stores."""

    UNCOMPRESSED_LAYERS = "uncompressed_layers"
    COMPRESSED_CONTENT = "compressed_content"
    CONTENT_AND_UNPACKED = "content_and_unpacked"
    ARCHIVE = "archive"
    UNKNOWN = "unknown"


RegistryDigestFrom = Literal[
    "distribution",
    "registry",
    "push_output",
    "buildx_metadata",
    "digest_file",
    "graphdriver_repo_digest",
    "named",
    "listed",
    "listed_tag",
]


@dataclass(frozen=True, slots=True)
class Platform:
    """The platform of the image that was actually inspected."""

    os: str
    architecture: str
    variant: str | None = None

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)

    def fits(self, asked: "Platform") -> bool:
        """Whether this platform is the one asked for; a variant that was not asked for may be any."""
        mine, wanted = self._plain(), asked._plain()  # noqa: SLF001  the same class
        same = (mine.os, mine.architecture) == (wanted.os, wanted.architecture)
        return same and (asked.variant is None or mine.variant == wanted.variant)

    def _plain(self) -> "Platform":
        architecture, variant = _ARCHITECTURES.get(self.architecture, (self.architecture, None))
        variant = self.variant or variant
        # arm64 is v8, arm is v7 and amd64 is v1 unless they say otherwise (containerd/platforms, Normalize).
        return Platform(self.os, architecture, variant or _USUAL_VARIANT.get(architecture))


_ARCHITECTURES: Final = {
    "x86_64": ("amd64", None),
    "x86-64": ("amd64", None),
    "i386": ("386", None),
    "aarch64": ("arm64", None),
    "armhf": ("arm", "v7"),
    "armel": ("arm", "v6"),
}
_USUAL_VARIANT: Final = {"amd64": "v1", "arm64": "v8", "arm": "v7"}
_PLATFORM: Final = re.compile(r"([a-z0-9_]{1,32})/([a-z0-9_-]{1,32})(?:/([a-z0-9_.]{1,32}))?")


def parse_platform(text: str) -> Platform:
    """The platform written `os/architecture[/variant]`. Raises `errors.ConfigurationError` (2) for anything else."""
    match = _PLATFORM.fullmatch(text.lower())
    if match is None:
        raise ConfigurationError(
            f"--platform {text[:80]!a} is not a platform.",
            remedy="Write it as OS/ARCHITECTURE[/VARIANT], such as linux/amd64 or linux/arm64/v8.",
        )
    return Platform(*match.groups())


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """The engine that was asked, and why this one."""

    name: str
    """`docker`, `podman`, or the name the engine gives itself."""
    version: str | None
    api_version: str
    """The API version that was spoken, such as `1.41`."""
    endpoint: str
    """URL without user information."""
    endpoint_from: str
    """Why this endpoint: a flag, a variable such as `DOCKER_HOST`, `currentContext of FILE`, or which `default`."""
    context: str | None = None
    """The Docker context that named the endpoint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageIdentity:
    """Which image this is. Digests are `sha256:` + 64 hex digits."""

    reference: str
    """What the user typed."""
    canonical: str | None
    """Registry, repository and tag or digest, spelled out; None when the source gave no name."""
    image_id: str | None
    """The engine's `Id`, verbatim."""
    store: Store
    config_digest: str | None = None
    """sha256 of the image config: `Id` on graphdriver and podman; from the manifest in archives."""
    manifest_digest: str | None = None
    """The target digest of the containerd store, or of the layout in an archive."""
    manifest_kind: Literal["manifest", "index"] | None = None
    index_digest: str | None = None
    """The index through which the manifest was chosen, in a registry or a layout."""
    repo_digests: tuple[str, ...] = ()
    """`RepoDigests` verbatim: evidence of a push on graphdriver only."""
    registry_digest: str | None = None
    """The manifest digest that a registry is known to hold for this repository."""
    registry_digest_from: RegistryDigestFrom | None = None
    diff_ids: tuple[str, ...] | None = None
    """sha256 of the uncompressed layers: the one identity that is equal in every store."""
    platform: Platform | None = None
    created: datetime | None = None
    last_tagged: datetime | None = None
    size: int | None = None
    """Bytes, counted as `size_semantics` says."""
    size_semantics: SizeSemantics = SizeSemantics.UNKNOWN
    engine: EngineInfo | None = None


@dataclass(frozen=True, slots=True)
class ResolvedImage:
    """An identity with the name under which the service shall list it."""

    identity: ImageIdentity
    name: "ImageReference | None"
    """The parsed reference; None for an image id or an archive without a name."""
    warnings: tuple[str, ...] = field(default=())
    place: "ArchivePath | EngineEndpoint | None" = None
    """Where on this machine, or in an engine, its bytes lie; None for a registry, of which only documents were read."""


class ImageSource(Protocol):
    """A place that knows images."""

    def resolve(self) -> ResolvedImage:
        """The image, identified by its bytes. Raises `errors.ImageError` (13) or `errors.UsageError` (2)."""
        ...

    def look_again(self, identity: ImageIdentity) -> None:
        """Nothing, while the reference still means the image that `resolve` gave as `identity`.

        Raises `errors.ImageMoved` (17) when it means another one, `errors.ImageError` (13) when it cannot be found.
        """
        ...
