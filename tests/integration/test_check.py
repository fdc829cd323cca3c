"""`check`, and a scan by the sandbox, over real images: what was planted is found, and nothing in the twin."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.planted_images import AWS_KEY, FOUND, LAYERS, build_clean, build_planted

ROOT = Path(__file__).parents[2]
PLACES = ("engine", "docker-archive", "oci-archive", "oci-dir")


@pytest.fixture(scope="module")
def images(docker_engine, engines_folder):
    """The references of both images in each place, and the layers of the planted one."""
    client, folder = docker_engine.client(), engines_folder / "check"
    folder.mkdir()
    build_planted(client, "check/planted:1")
    build_clean(client, "check/clean:1")
    references = {}
    for name in ("planted", "clean"):
        saved = folder / f"{name}.tar"
        with saved.open("wb") as file:
            file.writelines(client.get_image(f"check/{name}:1"))
        copy = ("skopeo", "--insecure-policy", "copy", "-q", f"docker-archive:{saved}")
        subprocess.run([*copy, f"oci-archive:{folder}/{name}-oci.tar:1"], check=True, capture_output=True)
        subprocess.run([*copy, f"oci:{folder}/{name}:1"], check=True, capture_output=True)
        references[name] = {
            "engine": f"check/{name}:1",
            "docker-archive": f"docker-archive://{saved}",
            "oci-archive": f"oci-archive://{folder}/{name}-oci.tar",
            "oci-dir": f"oci-dir://{folder}/{name}:1",
        }
    layers = client.inspect_image("check/planted:1")["RootFS"]["Layers"]
    client.close()
    return references, layers


@pytest.fixture
def run(docker_engine, tmp_path):
    """Runs the tool in a process of its own: exit code, the result, and all that was said or written."""

    def tool(*arguments):
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "PYTHONPATH": str(ROOT),
            "DOCKER_HOST": docker_engine.host_url,
        }
        command = [sys.executable, "-m", "jenkins_scan", *arguments, "--report-dir", "out"]
        done = subprocess.run(
            command, env=environ, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120
        )
        written = "".join(path.read_text() for path in (tmp_path / "out").rglob("*") if path.is_file())
        return done, json.loads((tmp_path / "out" / "result.json").read_text()), done.stdout + done.stderr + written

    return tool


@pytest.mark.parametrize("place", PLACES)
def test_what_was_planted_is_found_with_its_layer(images, run, place):
    references, layers = images
    done, result, told = run("check", references["planted"][place])
    by_id = {finding["id"]: finding for finding in result["images"][0]["findings"]}
    assert (done.returncode, result["verdict"], by_id.keys()) == (10, "FAIL", FOUND)
    key, git, secret = (by_id[f"local/{name}"] for name in ("private-key", "git-folder", "secret-in-env"))
    assert (key["path"], key["layer"], key["gate"]) == ("/app/id_rsa", layers[1], "fail")
    assert "still shipped" in key["title"]
    assert (git["path"], git["layer"], git["gate"]) == ("/src/.git", layers[2], None)
    assert (secret["layer"], secret["severity"]) == (f"history line {LAYERS + 1}", "high")
    assert AWS_KEY not in told


@pytest.mark.parametrize("place", PLACES)
def test_the_clean_twin_is_checked(images, run, place):
    references, _ = images
    done, result, _ = run("check", "--fail-on", "low", references["clean"][place])
    assert (done.returncode, result["verdict"], result["images"][0]["findings"]) == (0, "CHECKED", [])
    assert "NOT looked at, as only the service does (exit 0)" in done.stderr.splitlines()[-1]


def test_all_places_side_by_side_end_with_one_code(images, run):
    references, _ = images
    done, result, _ = run("check", *references["clean"].values(), *references["planted"].values())
    assert done.returncode == 10
    assert [image["verdict"] for image in result["images"]] == ["CHECKED"] * 4 + ["FAIL"] * 4


def test_another_platform_is_refused(images, run):
    references, _ = images
    done, _, told = run("check", references["clean"]["engine"], "--platform", "linux/s390x")
    assert done.returncode == 13
    assert "linux/s390x" in told


@pytest.mark.parametrize("place", ["engine", "docker-archive"])
def test_the_sandbox_judges_what_is_really_there(images, run, place):
    references, layers = images
    sandbox = ("--endpoint", "sandbox", "--fail-on", "high")
    done, result, told = run("scan", references["planted"][place], *sandbox)
    found = result["images"][0]["findings"]
    assert (done.returncode, {finding["id"] for finding in found}) == (10, FOUND)
    assert AWS_KEY not in told
    done, result, _ = run("scan", references["clean"][place], *sandbox)
    assert (done.returncode, result["verdict"], result["images"][0]["findings"]) == (0, "PASS", [])
    assert len(layers) == LAYERS
