"""Images for tests: identities as an engine or an archive would give them, and a small docker-archive."""

import hashlib
import io
import json
import tarfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jenkins_scan.images.interface import EngineInfo, ImageIdentity, Platform, ResolvedImage, SizeSemantics, Store
from jenkins_scan.images.reference import ImageReference, parse_reference

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


def write_docker_archive(path: Path, *names: str, files: dict[str, bytes] | None = None) -> str:
    """A docker-archive with one image of one layer under `names`; returns its config digest."""
    layer = _tar(files or {"hello": b"hello"})
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "created": "2026-11-21T18:57:40.286645374Z",
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
        }
    ).encode()
    digest = hashlib.sha256(config).hexdigest()
    manifest = [{"Config": f"{digest}.json", "RepoTags": list(names), "Layers": ["layer.tar"]}]
    path.write_bytes(
        _tar({f"{digest}.json": config, "layer.tar": layer, "manifest.json": json.dumps(manifest).encode()})
    )
    return f"sha256:{digest}"


def _tar(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return out.getvalue()
