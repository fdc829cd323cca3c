"""The local analysis of real images, built by a real engine: what was planted is found wherever the image is kept."""

import gzip
import hashlib
import io
import json
import os
import random
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from jenkins_scan.findings import Severity
from jenkins_scan.images.archive.docker_archive import ArchiveSource
from jenkins_scan.images.archive.oci_layout import LayoutSource
from jenkins_scan.images.archive.path import parse_archive_path
from jenkins_scan.images.engine.endpoint import EngineEndpoint
from jenkins_scan.images.engine.source import EngineSource
from jenkins_scan.images.reference import parse_reference
from jenkins_scan.local.analysis import analyse
from jenkins_scan.local.content import content_of
from tests.support import engines
from tests.support.docker_archives import archive, packed_image
from tests.support.planted_images import AWS_KEY, FOUND, KEY, LAYERS, build_clean, build_planted


def in_engine(name, url):
    endpoint = EngineEndpoint(url, "DOCKER_HOST")
    return analyse(content_of(EngineSource(parse_reference(name), endpoint).resolve().identity, endpoint))


def in_file(reference):
    scheme, _, rest = reference.partition("://")
    where = parse_archive_path(rest, scheme)
    source = ArchiveSource if scheme == "docker-archive" else LayoutSource
    return analyse(content_of(source(where, typed=reference).resolve().identity, where))


def run(*command):
    subprocess.run(command, check=True, capture_output=True)


def everywhere(name, docker_engine, podman_engine, folder, podman):
    """The analysis of one image in every place, and its layers."""
    folder.mkdir()
    client = docker_engine.client()
    with (folder / "docker.tar").open("wb") as file:
        file.writelines(client.get_image(name))
    diff_ids = client.inspect_image(name)["RootFS"]["Layers"]
    client.close()
    run(*podman, "load", "-i", f"{folder}/docker.tar")
    run(*podman, "save", "--format", "docker-archive", "-o", f"{folder}/podman.tar", name)
    run(*podman, "save", "--format", "oci-archive", "-o", f"{folder}/podman-oci.tar", name)
    copy = ("skopeo", "--insecure-policy", "copy", "-q", f"docker-archive:{folder}/docker.tar")
    run(*copy, f"oci-archive:{folder}/skopeo.tar:1")
    run(*copy, f"oci:{folder}/layout:1")
    return diff_ids, {
        "docker": in_engine(name, docker_engine.host_url),
        "podman": in_engine(name, podman_engine.host_url),
        "docker save": in_file(f"docker-archive://{folder}/docker.tar"),
        "podman save": in_file(f"docker-archive://{folder}/podman.tar"),
        "podman save, OCI": in_file(f"oci-archive://{folder}/podman-oci.tar"),
        "skopeo, OCI archive": in_file(f"oci-archive://{folder}/skopeo.tar"),
        "skopeo, OCI folder": in_file(f"oci-dir://{folder}/layout:1"),
    }


PLACES = (
    *("docker", "podman", "docker save", "podman save"),
    *("podman save, OCI", "skopeo, OCI archive", "skopeo, OCI folder"),
)


@pytest.fixture(scope="module")
def images(docker_engine, engines_folder):
    """Both images everywhere: the planted one and its clean twin."""
    client = docker_engine.client()
    build_planted(client, "local/planted:1")
    build_clean(client, "local/clean:1")
    client.close()
    folder = engines_folder / "lpodman"
    with engines.running_podman(folder) as podman_engine:
        podman = engines.podman(folder)
        yield {
            name: everywhere(f"local/{name}:1", docker_engine, podman_engine, engines_folder / f"l{name}", podman)
            for name in ("planted", "clean")
        }


@pytest.mark.parametrize("place", PLACES)
def test_what_was_planted_is_found_with_its_layer(images, place):
    diff_ids, found = images["planted"]
    assert len(diff_ids) == LAYERS
    by_id = {finding.id: finding for finding in found[place].findings}
    assert by_id.keys() == FOUND
    key, git, secret = (by_id[f"local/{name}"] for name in ("private-key", "git-folder", "secret-in-env"))
    assert (key.path, key.layer, key.severity) == ("/app/id_rsa", diff_ids[1], Severity.HIGH)
    assert key.title == f"A private key (deleted in a later layer, {diff_ids[3][:19]}, still shipped)"
    assert (git.path, git.layer) == ("/src/.git", diff_ids[2])
    assert git.title.endswith("(in the final image)")
    assert (secret.path, secret.severity) == ("ENV AWS_SECRET_ACCESS_KEY=****", Severity.HIGH)
    assert secret.layer == "history line 5"
    assert AWS_KEY not in repr(found[place])


@pytest.mark.parametrize("place", PLACES)
def test_nothing_is_found_in_the_clean_twin(images, place):
    _, found = images["clean"]
    assert (found[place].findings, found[place].notes) == ((), ())
    assert (found[place].layers, found[place].files, found[place].bytes) == (1, 1, 1004)


SIZE = 500 * 1024**2
MOST_MEMORY = 200 * 1024**2
ANALYSE = """
import resource, sys, time
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[3]), int(sys.argv[3])))
from jenkins_scan.images.archive.path import ArchivePath
from jenkins_scan.local.analysis import analyse
from jenkins_scan.local.content import FileContent, Wanted
from pathlib import Path
found = analyse(FileContent(ArchivePath(Path(sys.argv[1])), Wanted(sys.argv[2])))
print(found.files, found.bytes, *sorted(finding.path for finding in found.findings if finding.path))
print(time.process_time(), file=sys.stderr)
"""


def write_large(path):
    """A docker-archive of 500 MiB in some thousand files with a key at its end; its config's digest."""
    chance = random.Random(1)  # noqa: S311  the same every time
    words = [f"{chance.getrandbits(40):x}".encode() for _ in range(5000)]
    texts = [b" ".join(chance.choices(words, k=size // 10)) for size in (500, 3000, 20_000, 60_000)]
    contents = [*texts, os.urandom(40_000), os.urandom(300_000), os.urandom(5_000_000)]
    layer, count, size = path.with_suffix(".layer"), 0, 0
    with tarfile.open(layer, "w") as tar:
        while size < SIZE:
            content = chance.choices(contents, weights=[10] * 6 + [1])[0]
            member = tarfile.TarInfo(f"usr/lib/part{count % 300}/deep/file{count}.py")
            member.size, count, size = len(content), count + 1, size + len(content)
            tar.addfile(member, io.BytesIO(content))
        member = tarfile.TarInfo("zz/id_rsa")
        member.size = len(KEY)
        tar.addfile(member, io.BytesIO(KEY))
    with layer.open("rb") as file:
        diff_id = hashlib.file_digest(file, "sha256").hexdigest()
    config = json.dumps(
        {"os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": [f"sha256:{diff_id}"]}}
    ).encode()
    manifest = json.dumps([{"Config": "config.json", "Layers": ["layer.tar"]}]).encode()
    with tarfile.open(path, "w") as tar:
        tar.add(layer, "layer.tar")
        for name, content in (("config.json", config), ("manifest.json", manifest)):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    layer.unlink()
    return f"sha256:{hashlib.sha256(config).hexdigest()}"


def analysed(path, digest):
    """What a process that may not take more memory prints, and the seconds of processor time that it took."""
    done = subprocess.run(
        [sys.executable, "-c", ANALYSE, str(path), digest, str(MOST_MEMORY)],
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split(), float(done.stderr)


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_half_a_gigabyte_takes_little_memory_and_time(tmp_path, packed):
    path = tmp_path / "large.tar"
    digest = write_large(path)
    if packed:
        run("gzip", "-1", str(path))
        path = tmp_path / "large.tar.gz"
    found, seconds = analysed(path, digest)
    assert found[2:] == ["/zz/id_rsa"]
    assert seconds < 30  # of processor time: what others do on this machine does not count
    path.unlink()


COUNT = 200_000


def test_a_layer_of_very_many_files_takes_little_memory(tmp_path):
    header = bytearray(tarfile.TarInfo("").tobuf(tarfile.USTAR_FORMAT))
    rest = sum(header) - sum(header[148:156]) + 8 * 32
    layer = bytearray()
    for number in range(COUNT):
        name = (b"home/%08d/.wh.gone" if number % 3 else b"home/%08d/.git/x") % number
        header[: len(name)], header[148:156] = name, b"%06o\0 " % (rest + sum(name))
        layer += header
        header[: len(name)] = bytes(len(name))
    image = packed_image(layers=[bytes(layer)])
    (tmp_path / "many.tar.gz").write_bytes(gzip.compress(archive(image), 1))
    found, _ = analysed(tmp_path / "many.tar.gz", image.config_digest)
    assert found[:2] == [str(-(-COUNT // 3)), "0"]
    assert len(found) == 2 + 2000
