"""How much memory large and hostile archives take: in processes that may not take more."""

import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import zstandard

MOST_MEMORY = 300 * 1024**2

RESOLVE = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[2]), int(sys.argv[2])))
from jenkins_scan.errors import ScanError
from jenkins_scan.images.archive.docker_archive import ArchiveSource
from jenkins_scan.images.archive.path import parse_archive_path
from jenkins_scan.images.archive.oci_layout import LayoutSource
scheme, _, rest = sys.argv[1].partition("://")
kind = ArchiveSource if scheme == "docker-archive" else LayoutSource
try:
    print(kind(parse_archive_path(rest, scheme), typed="x").resolve().identity.config_digest)
except ScanError as exc:
    print(exc.exit_code, exc)
"""


def resolved_within_limits(reference):
    """The config's digest, or the exit code with its message, from a process that may not take more memory."""
    done = subprocess.run(
        [sys.executable, "-c", RESOLVE, reference, str(MOST_MEMORY)],
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


class Zeros:
    """A file of zeros that is never in memory as a whole."""

    def __init__(self, size):
        self._left = size

    def read(self, size=-1):
        size = min(self._left, size)
        self._left -= size
        return bytes(size)


def write_large(path, size, compress=None):
    """A docker-archive with one layer of zeros; with `compress` the layer, or the whole, is made small."""
    digest = hashlib.sha256()
    for _ in range(size // 1024**2):
        digest.update(bytes(1024**2))
    config = json.dumps({"rootfs": {"diff_ids": [f"sha256:{digest.hexdigest()}"]}}).encode()
    manifest = json.dumps([{"Config": "config.json", "Layers": ["layer.tar"]}]).encode()
    with tarfile.open(path, mode="w") as tar:
        add(tar, "config.json", config)
        add(tar, "manifest.json", manifest)
        layer = tarfile.TarInfo("layer.tar")
        if compress is None:
            layer.size = size
            tar.addfile(layer, Zeros(size))
        else:
            with path.with_suffix(".layer").open("w+b") as file:
                with compress(file) as packed:
                    shutil.copyfileobj(Zeros(size), packed, 1024**2)
                layer.size = file.seek(0, os.SEEK_END)
                file.seek(0)
                tar.addfile(layer, file)
    return f"sha256:{hashlib.sha256(config).hexdigest()}"


def add(tar, name, content):
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


def zipped(file):
    return gzip.GzipFile(fileobj=file, mode="wb", compresslevel=1)


def zstandardised(file):
    return zstandard.ZstdCompressor(level=1).stream_writer(file, closefd=False)


@pytest.mark.parametrize("compress", [None, zipped, zstandardised])
def test_a_large_layer_takes_little_memory(tmp_path, compress):
    config_digest = write_large(tmp_path / "large.tar", 600 * 1024**2, compress)
    assert resolved_within_limits(f"docker-archive://{tmp_path}/large.tar") == config_digest


@pytest.mark.parametrize("compress", [zipped, zstandardised])
def test_a_large_archive_that_is_compressed_as_a_whole_takes_little_memory(tmp_path, compress):
    config_digest = write_large(tmp_path / "large.tar", 600 * 1024**2)
    with (
        (tmp_path / "packed").open("wb") as file,
        compress(file) as packed,
        (tmp_path / "large.tar").open("rb") as plain,
    ):
        shutil.copyfileobj(plain, packed, 1024**2)
    assert resolved_within_limits(f"docker-archive://{tmp_path}/packed") == config_digest


@pytest.mark.parametrize("compress", [zipped, zstandardised])
def test_a_layer_that_is_a_bomb_is_refused(tmp_path, compress):
    write_large(tmp_path / "bomb.tar", 1025 * 1024**2, compress)
    found = resolved_within_limits(f"docker-archive://{tmp_path}/bomb.tar")
    assert found.startswith("13 ")
    assert "grows too large" in found


@pytest.mark.parametrize("document", ["manifest.json", "config.json"])
@pytest.mark.parametrize("item", ["[]", "{}", '{"":0}', "[[]]", '"x"'])
def test_json_that_grows_in_memory_stays_within_bounds(tmp_path, document, item):
    grown = f"[{','.join([item] * (4 * 1024**2 // (len(item) + 1) - 1))}]".encode()
    with tarfile.open(tmp_path / "json.tar", mode="w") as tar:
        add(tar, document, grown)
        if document == "config.json":
            add(tar, "manifest.json", json.dumps([{"Config": "config.json", "Layers": []}]).encode())
    assert resolved_within_limits(f"docker-archive://{tmp_path}/json.tar").startswith("13 ")
