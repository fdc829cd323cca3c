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


FUZZ = ("archive/test_archive_fuzz.py", "engine/test_inspect_fuzz.py")


def most_memory_of(*command):
    """Bytes that the largest process of this command took, after it ended with 0 or 13."""
    run = [sys.executable, "-c", MEASURE, *command]
    done = subprocess.run(run, env=ENVIRON, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode in (0, 13), done.stdout[-2000:] + done.stderr[-2000:]
    assert "Traceback" not in done.stderr
    return int(done.stdout.splitlines()[-1]) * 1024


MEASURE = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, check=False)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(done.returncode)
"""
ENVIRON = {
    "PYTHONPATH": str(Path(__file__).parents[2]),
    "PATH": os.environ.get("PATH", os.defpath),
    "ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true",
}


def write_greedy(path):
    """A few kB that ask for all that is allowed: windows, small files to keep, a config that grows when it is read."""
    layer = tarfile.TarInfo("layer.tar")
    content = bytes(10240)
    diff_id = f"sha256:{hashlib.sha256(content).hexdigest()}"
    config = {"os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": [diff_id]}}
    nested = '{"":' * 150 + "{}" + "}" * 150
    head = json.dumps(config)[:-1] + ', "history": ['
    grown = (head + ",".join([nested] * ((4 * 1024**2 - len(head) - 1000) // (len(nested) + 1))) + "]}").encode()
    window = zstandard.ZstdCompressionParameters.from_level(3, window_log=25)
    packed = zstandard.ZstdCompressor(compression_params=window)
    inside = packed.compress(content)
    layer.size = len(inside)
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as tar:
        add(tar, "manifest.json", json.dumps([{"Config": "config.json", "Layers": ["layer.tar"]}]).encode())
        for number in range(128):
            add(tar, f"kept-{number}", b"{" + b" " * (512 * 1024 - 1))
        add(tar, "config.json", grown)
        tar.addfile(layer, io.BytesIO(inside))
    path.write_bytes(packed.compress(whole.getvalue()))


def test_many_greedy_archives_at_once_take_no_more_than_one(tmp_path):
    references = []
    for number in range(8):
        write_greedy(tmp_path / f"{number}.tar.zst")
        references.append(f"docker-archive://{tmp_path}/{number}.tar.zst")
    memory = most_memory_of(sys.executable, "-m", "jenkins_scan", "inspect", "--jobs", "8", *references)
    assert memory < MOST_MEMORY


def test_the_fuzz_tests_stay_within_the_limit(tmp_path):
    folder = Path(__file__).parents[1] / "unit" / "images"
    tests = [str(folder / name) for name in FUZZ]
    assert not list(tmp_path.iterdir())  # the working folder, where hypothesis keeps its examples
    memory = most_memory_of(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests)
    assert memory < MOST_MEMORY
