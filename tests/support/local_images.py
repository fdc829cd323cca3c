"""Contents for the local analysis, made in memory: images in archives, and what is found in them."""

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from jenkins_scan.errors import UnreadableImage
from jenkins_scan.local.analysis import Analysis, analyse
from jenkins_scan.local.content import Part, Wanted
from jenkins_scan.local.layer import Bounds
from jenkins_scan.local.tar_stream import TarStream
from tests.support.docker_archives import packed_image, tar_of

KEY = (
    b"-----BEGIN RSA PRIVATE KEY-----\n"
    + b"MIIEowIBAAKCAQEAxGJDcVbH5XqM3Y0PZkqF2eVbT1sLw8uRr9dN4aKoHfJ6mB7T\n" * 4
    + b"-----END RSA PRIVATE KEY-----\n"
)
USUAL: Mapping[str, Any] = {"User": "10001", "Healthcheck": {"Test": ["CMD", "/ok"]}}
"""Settings in which nothing is wrong."""


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@dataclass(frozen=True)
class Parts:
    """A content that consists of these files, in order."""

    files: Mapping[str, bytes]
    wanted: Wanted
    links: Mapping[str, str] | None = None

    def named(self, exc: UnreadableImage) -> UnreadableImage:
        return exc

    @contextmanager
    def parts(self) -> Iterator[Iterator[Part]]:
        """Links first, then files."""
        linked = [Part(name, 0, None, target) for name, target in (self.links or {}).items()]
        files = (Part(name, len(data), io.BufferedReader(io.BytesIO(data))) for name, data in self.files.items())
        yield iter([*linked, *files])


def stream(content: bytes) -> TarStream:
    return TarStream(io.BufferedReader(io.BytesIO(content)))


def member(name: str, *, mode: int = 0o644, kind: bytes = tarfile.REGTYPE, link: str = "", uid: int = 0) -> Any:
    """A header of a member without content."""
    info = tarfile.TarInfo(name)
    info.mode, info.type, info.linkname, info.uid = mode, kind, link, uid
    return info


def analysis_of(
    *layers: Mapping[str, bytes] | bytes,
    history: Sequence[str] = (),
    env: Sequence[str] = (),
    settings: Mapping[str, Any] = USUAL,
    bounds: Bounds | None = None,
) -> Analysis:
    """What is found in an image with these layers and settings."""
    tars = [layer if isinstance(layer, bytes) else tar_of(layer) for layer in layers]
    rows = [{"created_by": line} for line in history]
    image = packed_image(layers=tars, history=rows, config={**settings, "Env": list(env)})
    files = {**image.files, "manifest.json": json.dumps([image.entry]).encode()}
    return analyse(Parts(files, Wanted(image.config_digest)), bounds)


def ids(found: Analysis) -> list[str]:
    return [finding.id.removeprefix("local/") for finding in found.findings]
