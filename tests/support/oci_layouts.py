"""OCI layouts made in memory, as a folder or a tar holds them, sound or spoilt on purpose."""

import gzip
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import zstandard

OCI = "application/vnd.oci.image"
NAME = "io.containerd.image.name"
REF_NAME = "org.opencontainers.image.ref.name"

Document = Callable[[str, Any], Any]
"""What becomes of each JSON document before it is written, by its kind: `config`, `manifest`, `index`, `oci-layout`."""

COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "+gzip": lambda content: gzip.compress(content, 1, mtime=0),
    "+zstd": lambda content: zstandard.compress(content, 1),
}


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@dataclass(frozen=True)
class Blobs:
    """Blobs with the descriptor of the one that leads to all others."""

    files: Mapping[str, bytes]
    descriptor: dict[str, Any]

    @property
    def digest(self) -> str:
        return str(self.descriptor["digest"])

    def named(self, **annotations: str) -> "Blobs":
        return self.described(annotations=_annotations(annotations))

    def described(self, **changes: Any) -> "Blobs":
        return replace(self, descriptor=self.descriptor | changes)


def blob(content: bytes, media_type: str) -> Blobs:
    digest = digest_of(content)
    descriptor = {"mediaType": media_type, "digest": digest, "size": len(content)}
    return Blobs({f"blobs/sha256/{digest[7:]}": content}, descriptor)


def unchanged(kind: str, body: Any) -> Any:
    return body


@dataclass(frozen=True)
class OciImage:
    """One image of one platform, with what its parts are."""

    layers: Sequence[bytes] = (b"layer",)
    compression: str = "+gzip"
    platform: str = "linux/amd64"
    config: Mapping[str, Any] = field(default_factory=dict)
    change: Document = unchanged

    @property
    def config_blob(self) -> Blobs:
        system, architecture = self.platform.split("/")
        body = {
            "os": system,
            "architecture": architecture,
            "created": "2026-01-02T03:04:05Z",
            "rootfs": {"type": "layers", "diff_ids": [digest_of(layer) for layer in self.layers]},
        }
        return blob(_json(self.change("config", body | dict(self.config))), f"{OCI}.config.v1+json")

    @property
    def layer_blobs(self) -> list[Blobs]:
        pack = COMPRESSIONS[self.compression]
        return [blob(pack(layer), f"{OCI}.layer.v1.tar{self.compression}") for layer in self.layers]

    def blobs(self) -> Blobs:
        config, layers = self.config_blob, self.layer_blobs
        body = {
            "schemaVersion": 2,
            "mediaType": f"{OCI}.manifest.v1+json",
            "config": config.descriptor,
            "layers": [layer.descriptor for layer in layers],
        }
        manifest = blob(_json(self.change("manifest", body)), f"{OCI}.manifest.v1+json")
        return replace(manifest, files=_all(manifest, config, *layers))

    def described(self) -> Blobs:
        """The same with its platform in the descriptor, as an index of several platforms lists it."""
        system, architecture = self.platform.split("/")
        return self.blobs().described(platform={"os": system, "architecture": architecture})


def index(*images: Blobs, change: Document = unchanged) -> Blobs:
    """An index of these, as a blob."""
    body = {"schemaVersion": 2, "mediaType": f"{OCI}.index.v1+json", "manifests": [each.descriptor for each in images]}
    top = blob(_json(change("index", body)), f"{OCI}.index.v1+json")
    return replace(top, files=_all(top, *images))


def attestation(image: Blobs) -> Blobs:
    """What buildx puts beside an image."""
    content = blob(b'{"schemaVersion": 2}', f"{OCI}.manifest.v1+json")
    return content.described(
        platform={"os": "unknown", "architecture": "unknown"},
        annotations={"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": image.digest},
    )


def layout(*images: Blobs, change: Document = unchanged) -> dict[str, bytes]:
    """The files of a layout whose `index.json` lists these images."""
    body = {"schemaVersion": 2, "manifests": [image.descriptor for image in images]}
    return {
        "oci-layout": _json(change("oci-layout", {"imageLayoutVersion": "1.0.0"})),
        "index.json": _json(change("index", body)),
        **_all(*images),
    }


def write_folder(path: Path, files: Mapping[str, bytes]) -> Path:
    for name, content in files.items():
        target = path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return path


def _annotations(annotations: Mapping[str, str]) -> dict[str, str]:
    return {{"name": NAME, "ref_name": REF_NAME}.get(key, key): text for key, text in annotations.items()}


def _json(body: Any) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()


def _all(*blobs: Blobs) -> dict[str, bytes]:
    return {name: content for each in blobs for name, content in each.files.items()}
