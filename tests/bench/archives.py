"""Docker archives of a given size with mixed content, the same in each run: written layer by layer, never held."""

import hashlib
import io
import json
import random
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

MB: Final = 1024**2
POOL: Final = 4 * MB
LAYERS: Final = 5
LARGEST: Final = 32 * MB
WORDS: Final = (
    *("import", "return", "self", "value", "config", "path", "error", "name", "list", "static", "class", "function"),
    *("token_count", "length", "buffer", "index", "license", "warranty", "copyright", "software", "http", "default"),
)
SHARES: Final = {"source": (0.15, 6_000), "program": (0.45, 400_000), "data": (0.40, LARGEST)}
"""Of each kind the share of the bytes, and the largest size of a file; half the sizes are below a quarter of it."""


class _Content:
    """Bytes of each kind, cut from pools."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        words = chance.choices(WORDS, k=POOL // 6)
        text = "".join(
            f"{word}{'();' if n % 9 == 0 else ' '}{chr(10) if n % 11 == 0 else ''}" for n, word in enumerate(words)
        )
        binary = chance.randbytes(POOL)
        sparse = b"".join(chance.randbytes(40) + bytes(88) for _ in range(POOL // 128))
        self._pools = {"source": text.encode(), "program": sparse, "data": binary}

    def of(self, kind: str, size: int) -> io.BytesIO:
        """So many bytes of a kind; larger ones repeat."""
        pool = self._pools[kind]
        start = self._chance.randrange(len(pool))
        turned = pool[start:] + pool[:start]
        return io.BytesIO((turned * (size // len(turned) + 1))[:size])


def write_archive(path: Path, size: int) -> Path:
    """A docker archive of about `size` bytes; the same for the same size."""
    chance = random.Random(size)  # noqa: S311  the same content in each run
    content, diff_ids = _Content(chance), []
    with tarfile.open(path, "w") as whole:
        names = []
        for number in range(LAYERS):
            layer = path.with_suffix(f".layer{number}")
            _write_layer(layer, size // LAYERS, number, content, chance)
            with layer.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            names.append(f"{digest}.tar")
            diff_ids.append(f"sha256:{digest}")
            whole.add(layer, names[-1])
            layer.unlink()
        config = {
            "os": "linux",
            "architecture": "amd64",
            "created": "2026-01-02T03:04:05Z",
            "config": {"User": "10001", "Healthcheck": {"Test": ["CMD", "/ok"]}},
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
        }
        body = json.dumps(config).encode()
        config_name = f"{hashlib.sha256(body).hexdigest()}.json"
        _add(whole, config_name, io.BytesIO(body), len(body))
        manifest = json.dumps([{"Config": config_name, "RepoTags": ["bench/size:1"], "Layers": names}]).encode()
        _add(whole, "manifest.json", io.BytesIO(manifest), len(manifest))
    return path


def _write_layer(path: Path, size: int, number: int, content: _Content, chance: random.Random) -> None:
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as layer:
        for count, (kind, length) in enumerate(_files(size, chance)):
            name = f"usr/lib/part{number}/{kind}/{count % 97}/{kind}_{count}.{'py' if kind == 'source' else 'bin'}"
            _add(layer, name, content.of(kind, length), length)


def _files(size: int, chance: random.Random) -> Iterator[tuple[str, int]]:
    for kind, (share, largest) in SHARES.items():
        left = int(size * share)
        while left > 0:
            length = min(left, max(1, int(largest * chance.random() ** 2)))
            yield kind, length
            left -= length


def _add(tar: tarfile.TarFile, name: str, content: io.BytesIO, size: int) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o644
    tar.addfile(member, content)
