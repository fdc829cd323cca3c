"""Archives, layouts and files of builders as dockerd, podman and skopeo write them."""

import gzip
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
import zstandard

from jenkins_scan.errors import ImageMoved
from jenkins_scan.images.archive.docker_archive import ArchiveSource
from jenkins_scan.images.archive.oci_layout import LayoutSource
from jenkins_scan.images.archive.path import parse_archive_path
from jenkins_scan.images.builder.metadata import read_build_metadata
from tests.support import engines

NAME = "localhost:5000/team/app:1"


@dataclass(frozen=True)
class Written:
    """One image as several tools wrote it."""

    folder: Path
    image_id: str
    diff_ids: tuple[str, ...]

    def resolve(self, reference):
        return source(reference.replace("://", f"://{self.folder}/")).resolve()


def source(reference):
    scheme, _, rest = reference.partition("://")
    kind = ArchiveSource if scheme == "docker-archive" else LayoutSource
    return kind(parse_archive_path(rest, scheme), typed=reference)


@pytest.fixture(scope="module")
def written(docker_engine, engines_folder):
    folder = engines_folder / "archives"
    folder.mkdir()
    client = docker_engine.client()
    try:
        image_id = engines.build_scratch_image(client, NAME, {"one": os.urandom(200_000), "two": b"2" * 3_000_000})
        diff_ids = tuple(client.inspect_image(NAME)["RootFS"]["Layers"])
        with (folder / "docker.tar").open("wb") as file:
            file.writelines(client.get_image(NAME))
    finally:
        client.close()
    compress(folder / "docker.tar")
    daemon = f"docker-daemon:{NAME}"
    skopeo(folder, docker_engine, daemon, f"docker-archive:{folder}/skopeo.tar:{NAME}")
    skopeo(folder, docker_engine, daemon, f"oci-archive:{folder}/skopeo-oci.tar:1")
    skopeo(folder, docker_engine, daemon, f"oci:{folder}/skopeo-oci:1")
    skopeo(
        folder,
        docker_engine,
        f"oci:{folder}/skopeo-oci:1",
        f"oci:{folder}/skopeo-zstd:1",
        "--dest-compress-format=zstd",
    )
    compress(folder / "skopeo-oci.tar")
    load = podman(folder, "load", "-i", str(folder / "docker.tar"))
    assert NAME in load
    for kind in ("docker-archive", "oci-archive", "oci-dir"):
        podman(folder, "save", "--format", kind, "-o", str(folder / f"podman-{kind}"), NAME)
    yield Written(folder, image_id, diff_ids)
    podman(folder, "rmi", "--all", "--force")


def compress(path):
    content = path.read_bytes()
    path.with_suffix(".tar.gz").write_bytes(gzip.compress(content, 1))
    path.with_suffix(".tar.zst").write_bytes(zstandard.compress(content))


def skopeo(folder, engine, origin, target, *options):
    daemon = ("--src-daemon-host", engine.host_url) if origin.startswith("docker-daemon:") else ()
    run(folder, "skopeo", "--insecure-policy", "--tmpdir", str(folder), "copy", *daemon, *options, origin, target)


def podman(folder, *arguments):
    return run(folder, *engines.podman(folder / "podman"), *arguments)


def run(folder, *command):
    done = subprocess.run(
        command, env=engines.clean_environment(folder), capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout


DOCKER_FORM = [
    "docker-archive://docker.tar",
    "docker-archive://docker.tar.gz",
    "docker-archive://docker.tar.zst",
    "docker-archive://skopeo.tar",
    "docker-archive://skopeo.tar:1",
    "docker-archive://podman-docker-archive",
]
OCI_FORM = {
    "oci-archive://skopeo-oci.tar": None,
    "oci-archive://skopeo-oci.tar.gz:1": None,
    "oci-archive://skopeo-oci.tar.zst:1": None,
    "oci-dir://skopeo-oci": None,
    "oci-dir://skopeo-oci:1": None,
    "oci-dir://skopeo-zstd": None,
    "oci-archive://podman-oci-archive": NAME,
    "oci-dir://podman-oci-dir:1": NAME,
}


@pytest.mark.parametrize("reference", DOCKER_FORM)
def test_a_docker_archive_keeps_the_config_of_the_engine(written, reference):
    image = written.resolve(reference)
    assert str(image.name) == NAME
    assert image.identity.config_digest == written.image_id
    assert image.identity.diff_ids == written.diff_ids
    assert (image.identity.manifest_digest, image.identity.registry_digest, image.identity.image_id) == (None,) * 3


@pytest.mark.parametrize(("reference", "name"), OCI_FORM.items())
def test_an_oci_layout_has_the_same_layers_and_names_its_own_digests(written, reference, name):
    image = written.resolve(reference)
    identity = image.identity
    assert (image.name and str(image.name)) == name
    assert identity.diff_ids == written.diff_ids
    assert (identity.registry_digest, identity.image_id, identity.manifest_kind) == (None, None, "manifest")
    if reference.startswith("oci-dir"):
        folder = written.folder / reference.partition("://")[2].partition(":")[0]
        (listed,) = json.loads((folder / "index.json").read_bytes())["manifests"]
        manifest = (folder / "blobs" / "sha256" / listed["digest"][7:]).read_bytes()
        assert identity.manifest_digest == listed["digest"]
        assert identity.config_digest == json.loads(manifest)["config"]["digest"]


def test_one_tool_s_layout_is_one_image_in_every_form(written):
    plain, packed, folder = (written.resolve(reference).identity for reference in list(OCI_FORM)[:5:2])
    assert plain.config_digest == packed.config_digest == folder.config_digest
    assert plain.manifest_digest == packed.manifest_digest == folder.manifest_digest


def test_a_second_look_sees_a_layout_that_skopeo_wrote_anew(written, docker_engine, client, tmp_path):
    shutil.copytree(written.folder / "skopeo-oci", tmp_path / "layout")
    image = source(f"oci-dir://{tmp_path}/layout")
    identity = image.resolve().identity
    image.look_again(identity)
    engines.build_scratch_image(client, "localhost:5000/team/other:1", {"other": b"other"})
    shutil.rmtree(tmp_path / "layout")
    skopeo(tmp_path, docker_engine, "docker-daemon:localhost:5000/team/other:1", f"oci:{tmp_path}/layout:1")
    with pytest.raises(ImageMoved):
        image.look_again(identity)


def test_the_files_that_podman_writes_confirm_and_claim(written, registry, tmp_path):
    (tmp_path / "Containerfile").write_text("FROM scratch\nCOPY Containerfile /\n")
    name = f"{registry.address}/team/built:1"
    podman(written.folder, "build", "--iidfile", f"{tmp_path}/iid", "--isolation=chroot", "-t", name, str(tmp_path))
    podman(written.folder, "push", "--tls-verify=false", "--digestfile", f"{tmp_path}/digest", name)
    for kind in ("docker-archive", "oci-archive"):
        podman(written.folder, "save", "--format", kind, "-o", f"{tmp_path}/{kind}", name)
    oci, docker = (source(f"{kind}://{tmp_path}/{kind}").resolve() for kind in ("oci-archive", "docker-archive"))
    assert (tmp_path / "iid").read_text().strip() == oci.identity.config_digest
    assert read_build_metadata(tmp_path / "iid").applied_to(oci) == oci
    claimed = read_build_metadata(tmp_path / "digest").applied_to(docker).identity
    assert claimed.registry_digest == registry.manifest_digest("team/built", "1")
    assert claimed.registry_digest_from == "digest_file"
