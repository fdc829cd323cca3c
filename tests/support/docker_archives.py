"""Docker archives made in memory, sound or spoilt on purpose."""

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class PackedImage:
    """An image as an archive holds it: its entry of `manifest.json` and its files."""

    entry: dict[str, Any]
    files: dict[str, bytes]

    @property
    def config_digest(self) -> str:
        return f"sha256:{hashlib.sha256(self.files[self.entry['Config']]).hexdigest()}"


def packed_image(
    names: Sequence[str] | None = ("team/app:1",), layers: Sequence[bytes] = (b"layer",), **config: Any
) -> PackedImage:
    """An image in the form that skopeo and Docker up to 24 write: `HEX.json` and `HEX.tar`."""
    digests = [hashlib.sha256(layer).hexdigest() for layer in layers]
    body = {
        "os": "linux",
        "architecture": "amd64",
        "created": "2026-01-02T03:04:05.123456789Z",
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}" for digest in digests]},
    }
    content = json.dumps(body | config).encode()
    config_name = f"{hashlib.sha256(content).hexdigest()}.json"
    layer_names = [f"{digest}.tar" for digest in digests]
    entry = {"Config": config_name, "RepoTags": None if names is None else list(names), "Layers": layer_names}
    return PackedImage(entry, {config_name: content, **dict(zip(layer_names, layers, strict=True))})


def archive(*images: PackedImage) -> bytes:
    """A tar with these images."""
    files = {name: content for image in images for name, content in image.files.items()}
    return tar_of({**files, "manifest.json": json.dumps([image.entry for image in images]).encode()})


def tar_of(files: Mapping[str, bytes], *more: tarfile.TarInfo) -> bytes:
    """A tar with these files, and with further members of any kind, which have no content."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        for member in more:
            tar.addfile(member)
    return target.getvalue()


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    """A link called `name`."""
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member
