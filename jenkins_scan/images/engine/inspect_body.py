"""What an engine's `GET /images/{name}/json` says, read in one place for Docker 20.10 to 29 and podman.

Every field but `Id` may be missing, `null` or a zero value in some supported engine (Engine API version history), and
what `Id` and `RepoDigests` mean depends on the store (docs/image-identity.md).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from jenkins_scan.errors import UnreadableImage, WrongPlatform
from jenkins_scan.images import fields
from jenkins_scan.images.interface import Platform, SizeSemantics, Store

NEWEST_API: Final = (1, 55)
"""The newest Engine API version whose answers are known here: Docker 29.7."""
DESCRIPTOR_API: Final = (1, 48)
"""From here on `Descriptor` tells the containerd store, and `?manifests=1` lists the platforms (Docker 28)."""

_NO_NAME: Final = "<none>"
_SNAPSHOTTER: Final = ["driver-type", "io.containerd.snapshotter.v1"]


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectedImage:
    """An inspect answer, typed. The names mean the same as in `interface.ImageIdentity`."""

    image_id: str
    repo_tags: tuple[str, ...]
    repo_digests: tuple[str, ...]
    config_digest: str | None
    manifest_digest: str | None
    manifest_kind: Literal["manifest", "index"] | None
    diff_ids: tuple[str, ...] | None
    platform: Platform | None
    created: datetime | None
    last_tagged: datetime | None
    size: int | None
    size_semantics: SizeSemantics


def api_number(version: str) -> tuple[int, int] | None:
    """The API version `1.41` as `(1, 41)`; None when it is none."""
    match = re.fullmatch("([0-9]{1,4})[.]([0-9]{1,4})", version)
    return None if match is None else (int(match[1]), int(match[2]))


def detect_store(version_body: Any, info_body: Any, inspect_body: Any) -> Store:
    """The store behind the answers to `version`, `info` (None: not asked) and inspect; `UNKNOWN` proves nothing.

    `Descriptor` is proof from API 1.48 on only; before, and for graphdriver, it takes `DriverStatus` of `info`.
    """
    components = _component_names(version_body)
    if "Podman Engine" in components:
        return Store.PODMAN
    if isinstance(inspect_body, dict) and isinstance(inspect_body.get("Descriptor"), dict):
        return Store.CONTAINERD
    if "Engine" not in components or not isinstance(info_body, dict):
        return Store.UNKNOWN
    driver, status = info_body.get("Driver"), info_body.get("DriverStatus") or []
    if not isinstance(driver, str) or not driver or not isinstance(status, list):
        return Store.UNKNOWN
    return Store.CONTAINERD if _SNAPSHOTTER in status else Store.GRAPHDRIVER


def engine_name(version_body: Any) -> str:
    """`docker`, `podman`, or the name the engine gives itself."""
    components = _component_names(version_body)
    if "Podman Engine" in components:
        return "podman"
    return "docker" if "Engine" in components else next(iter(components), "unknown")


def parse_inspect(body: Mapping[str, Any], *, store: Store, api_version: str) -> InspectedImage:
    """The answer of an engine that itself is at `api_version`, read by the rules of `store`.

    Raises `errors.UnreadableImage` (13) for a value of a wrong type, and `errors.WrongPlatform` (13) when the
    containerd store has the name but no manifest for any platform this engine runs.
    """
    image_id = own_id(body)
    platform = fields.platform(body, "Os", "Architecture", "Variant")
    if store is Store.CONTAINERD and platform is None:
        raise _no_platform(body)
    descriptor = fields.inner(body, "Descriptor") if store is Store.CONTAINERD else {}
    return InspectedImage(
        image_id=image_id,
        repo_tags=_names(body, "RepoTags"),
        repo_digests=_names(body, "RepoDigests"),
        config_digest=image_id if store in (Store.GRAPHDRIVER, Store.PODMAN) else None,
        manifest_digest=target(body) if store is Store.CONTAINERD else None,
        manifest_kind=_manifest_kind(fields.text(descriptor, "mediaType")),
        diff_ids=fields.digests(fields.inner(body, "RootFS"), "Layers"),
        platform=platform,
        created=fields.time(body, "Created"),
        last_tagged=_last_tagged(body),
        size=fields.count(body, "Size"),
        size_semantics=_size_semantics(store, api_version),
    )


def own_id(body: Mapping[str, Any]) -> str:
    """The `Id` of an inspect answer. Raises `errors.UnreadableImage` (13) when there is none."""
    image_id = fields.digest(body, "Id")
    if image_id is None:
        raise UnreadableImage("The engine's answer has no Id.")
    return image_id


def target(body: Mapping[str, Any]) -> str:
    """The digest that a name of the containerd store points at: a manifest's or an index's."""
    return fields.digest(fields.inner(body, "Descriptor"), "digest") or own_id(body)


def _component_names(version_body: Any) -> tuple[str, ...]:
    components = version_body.get("Components") if isinstance(version_body, dict) else None
    parts = components if isinstance(components, list) else []
    names = (part.get("Name") for part in parts if isinstance(part, dict))
    return tuple(name for name in names if isinstance(name, str) and name)


def _names(body: Mapping[str, Any], key: str) -> tuple[str, ...]:
    return tuple(name for name in fields.texts(body, key) if _NO_NAME not in name)


def _last_tagged(body: Mapping[str, Any]) -> datetime | None:
    # Never tagged here is year 1 on graphdriver and podman, and 1970 on the containerd store.
    moment = fields.time(fields.inner(body, "Metadata"), "LastTagTime")
    return None if moment is None or moment.year <= 1970 else moment  # noqa: PLR2004  the year is the rule


def _manifest_kind(media_type: str | None) -> Literal["manifest", "index"] | None:
    known: dict[str, Literal["manifest", "index"]] = {
        "application/vnd.oci.image.index.v1+json": "index",
        "application/vnd.docker.distribution.manifest.list.v2+json": "index",
        "application/vnd.oci.image.manifest.v1+json": "manifest",
        "application/vnd.docker.distribution.manifest.v2+json": "manifest",
    }
    return known.get(media_type or "")


def _size_semantics(store: Store, api_version: str) -> SizeSemantics:
    if store in (Store.GRAPHDRIVER, Store.PODMAN):
        return SizeSemantics.UNCOMPRESSED_LAYERS
    # Later engines will count the unpacked content too; from which version on is not known yet.
    known = (number := api_number(api_version)) is not None and number <= NEWEST_API
    return SizeSemantics.COMPRESSED_CONTENT if store is Store.CONTAINERD and known else SizeSemantics.UNKNOWN


def _no_platform(body: Mapping[str, Any]) -> WrongPlatform:
    manifests = body.get("Manifests")
    found = [] if manifests is None else [_manifest_platform(part) for part in fields.as_list(manifests, "Manifests")]
    listed = ", ".join(sorted({str(platform) for platform in found if platform is not None}))
    return WrongPlatform(
        "The engine has this name, but for none of the platforms it runs"
        + (f"; it has {listed}." if listed else " (which ones it has, it does not say)."),
        remedy="Build or pull the image for the platform of this engine, or name one that is there with --platform.",
    )


def _manifest_platform(value: Any) -> Platform | None:
    manifest = fields.as_object(value, "Manifests")
    if manifest.get("Kind") not in (None, "image"):
        return None  # an attestation, whose platform is unknown/unknown
    described = fields.inner(fields.inner(manifest, "Descriptor"), "platform")
    body = fields.inner(fields.inner(manifest, "ImageData"), "Platform") or described
    return fields.platform(body, "os", "architecture", "variant")
