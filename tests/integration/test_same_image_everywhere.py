"""One image in every place where the step may find it: the same layers, and every digest by its right name."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import engines
from tests.support.engine_certificates import EngineCertificates

PACKAGE = Path(__file__).resolve().parents[2]
FILES = {"one": b"1" * 50_000, "two": b"2" * 3_000}
IMAGES = 20


def jenkins_scan(*arguments, environ=None, code=0):
    """What a run printed on stdout, after it ended with this code."""
    ran = subprocess.run(
        [sys.executable, "-m", "jenkins_scan", *arguments],
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", "PYTHONPATH": str(PACKAGE), **(environ or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ran.returncode == code, ran.stderr
    return ran.stdout


def inspected(reference, environ=None):
    (identity,) = json.loads(jenkins_scan("inspect", reference, "-o", "json", environ=environ))["images"]
    return identity


@pytest.fixture(scope="module")
def everywhere(docker_engine, registry, engines_folder):
    """The identities of one image by the place where it was looked at."""
    name = f"{registry.address}/team/everywhere:1"
    folder = engines_folder / "everywhere"
    folder.mkdir()
    client = docker_engine.client()
    try:
        engines.build_scratch_image(client, name, FILES)
        socket = {"DOCKER_HOST": docker_engine.host_url}
        found = {"docker, built": inspected(name, socket)}
        with (folder / "docker.tar").open("wb") as file:
            file.writelines(client.get_image(name))
        assert [answer for answer in client.push(name, stream=True, decode=True) if "error" in answer] == []
    finally:
        client.close()
    found["docker, pushed"] = inspected(name, socket)
    found["docker save"] = inspected(f"docker-archive://{folder}/docker.tar")
    made, port = EngineCertificates(folder), engines.free_port()
    with engines.running_dockerd(engines_folder / "etls", made.server().dockerd(port)) as engine:
        client = engine.client()
        with (folder / "docker.tar").open("rb") as file:
            client.load_image(file.read())
        client.close()
        tls = {
            "DOCKER_HOST": f"tcp://127.0.0.1:{port}",
            "DOCKER_TLS_VERIFY": "1",
            "DOCKER_CERT_PATH": str(made.client().ca.parent),
        }
        found["docker over TLS"] = inspected(name, tls)
    with engines.running_podman(engines_folder / "epodman") as engine:
        podman = engines.podman(engines_folder / "epodman")
        _run(*podman, "load", "-i", f"{folder}/docker.tar")
        found["podman"] = inspected(f"podman://{name}", {"CONTAINER_HOST": engine.host_url})
        _run(*podman, "save", "--format", "docker-archive", "-o", f"{folder}/podman.tar", name)
        _run(*podman, "save", "--format", "oci-archive", "-o", f"{folder}/podman-oci.tar", name)
    found["podman save"] = inspected(f"docker-archive://{folder}/podman.tar")
    found["podman save, OCI"] = inspected(f"oci-archive://{folder}/podman-oci.tar")
    saved = f"docker-archive:{folder}/docker.tar"
    _run("skopeo", "--insecure-policy", "copy", "-q", saved, f"oci:{folder}/layout:1")
    found["skopeo, OCI folder"] = inspected(f"oci-dir://{folder}/layout:1")
    _run("skopeo", "--insecure-policy", "copy", "-q", saved, f"oci-archive:{folder}/skopeo-oci.tar:1")
    found["skopeo, OCI archive"] = inspected(f"oci-archive://{folder}/skopeo-oci.tar:1")
    found["registry"] = inspected(f"registry://{name}")
    return found, registry.manifest_digest("team/everywhere", "1")


def _run(*command):
    subprocess.run(command, check=True, capture_output=True)


def test_the_layers_are_the_same_in_every_place(everywhere):
    found, _ = everywhere
    assert len(found) == 10
    assert len({tuple(identity["diff_ids"]) for identity in found.values()}) == 1
    assert found["registry"]["diff_ids"] != []


def test_the_config_is_the_same_wherever_it_was_not_converted(everywhere):
    found, _ = everywhere
    converted = {"podman save, OCI", "skopeo, OCI folder", "skopeo, OCI archive"}
    configs = {place: identity["config_digest"] for place, identity in found.items()}
    assert len({configs[place] for place in configs if place not in converted}) == 1
    assert None not in configs.values()


def test_only_a_push_makes_a_digest_the_registrys(everywhere):
    found, pushed = everywhere
    known = {place: identity["registry_digest"] for place, identity in found.items() if identity["registry_digest"]}
    assert known == {"docker, pushed": pushed, "registry": pushed}
    manifests = {place: identity["manifest_digest"] for place, identity in found.items() if identity["manifest_digest"]}
    assert manifests.pop("registry") == pushed
    assert pushed not in manifests.values()
    assert manifests.keys() == {"podman save, OCI", "skopeo, OCI folder", "skopeo, OCI archive"}


def test_every_place_says_which_store_it_is(everywhere):
    found, _ = everywhere
    stores = {place: identity["store"] for place, identity in found.items()}
    assert {stores[place] for place in ("docker, built", "docker, pushed", "docker over TLS")} == {"graphdriver"}
    assert (stores["podman"], stores["registry"], stores["docker save"]) == ("podman", "unknown", "archive")


@pytest.fixture
def many(client, tmp_path):
    """Twenty images in the engine, and a list of them."""
    names = [f"many/app-{number:02}:1" for number in range(IMAGES)]
    for number, name in enumerate(names):
        engines.build_scratch_image(client, name, {"number": str(number).encode()})
    (tmp_path / "images.txt").write_text("\n".join(names) + "\n")
    yield names
    shutil.rmtree(tmp_path, ignore_errors=True)


def test_twenty_images_in_one_step(docker_engine, many, tmp_path):
    report = tmp_path / "report"
    arguments = ("--from-file", f"{tmp_path}/images.txt", "--endpoint", "sandbox", "--report-dir", str(report))
    environ = {"DOCKER_HOST": docker_engine.host_url}
    jenkins_scan("scan", *arguments, environ=environ)
    result = json.loads((report / "result.json").read_text())
    assert [image["reference"] for image in result["images"]] == many
    assert len({image["task"]["id"] for image in result["images"]}) == IMAGES
    assert len({image["identity"]["config_digest"] for image in result["images"]}) == IMAGES
    jenkins_scan("scan", "no/such:1", *arguments, environ=environ, code=13)
    result = json.loads((report / "result.json").read_text())
    assert [image["verdict"] for image in result["images"]] == ["ERROR", *["SUBMITTED"] * IMAGES]
