"""Images for tests: identities as an engine or an archive would give them, and a small docker-archive."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jenkins_scan.images.interface import EngineInfo, ImageIdentity, Platform, ResolvedImage, SizeSemantics, Store
from jenkins_scan.images.reference import ImageReference, parse_reference
from tests.support.docker_archives import archive, packed_image

CONFIG = "sha256:" + "c" * 64
MANIFEST = "sha256:" + "d" * 64
DIFF_ID = "sha256:" + "f" * 64
NAME = "registry.example.com:5000/team/sub/app:1.0"


def identity(**changes: Any) -> ImageIdentity:
    """The identity of an image that Docker built and nobody pushed."""
    built = ImageIdentity(
        reference=NAME,
        canonical=NAME,
        image_id=CONFIG,
        store=Store.GRAPHDRIVER,
        config_digest=CONFIG,
        diff_ids=(DIFF_ID,),
        platform=Platform("linux", "amd64"),
        created=datetime(2026, 11, 21, 18, 57, 40, 286645, tzinfo=UTC),
        last_tagged=datetime(2026, 11, 21, 18, 58, tzinfo=UTC),
        size=1982256,
        size_semantics=SizeSemantics.UNCOMPRESSED_LAYERS,
        engine=EngineInfo("docker", "20.10.24", "1.41", "unix:///var/run/docker.sock", "default"),
    )
    return replace(built, **changes)


def pushed(**changes: Any) -> ImageIdentity:
    """The same after a push: the registry's digest is known."""
    return identity(registry_digest=MANIFEST, registry_digest_from="graphdriver_repo_digest", **changes)


def resolved(found: ImageIdentity | None = None, name: str | None = NAME) -> ResolvedImage:
    """The identity as a source gives it."""
    parsed = None if name is None else parse_reference(name)
    assert parsed is None or isinstance(parsed, ImageReference)
    return ResolvedImage(identity() if found is None else found, parsed)


def write_docker_archive(path: Path, *names: str) -> str:
    """A docker-archive with one image of one layer under `names`; returns its config digest."""
    image = packed_image(names)
    path.write_bytes(archive(image))
    return image.config_digest
