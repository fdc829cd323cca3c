"""Several images in one step: each its own verdict, one exit code, one order; nothing that is hidden or spent twice."""

import io
import json
import sys

import pytest

from jenkins_scan.config.images import STDIN
from tests.support.images import write_docker_archive

SANDBOX = ("--endpoint", "sandbox")
HOST = "registry.example.com"


@pytest.fixture
def archives(tmp_path):
    """Twenty images, each in its archive."""
    references = []
    for number in range(20):
        path = tmp_path / f"app-{number:02}.tar"
        write_docker_archive(path, f"{HOST}/team/app-{number:02}:1")
        references.append(f"docker-archive://{path}")
    return references


@pytest.fixture
def nothing():
    """An image that is nowhere."""
    return "docker-archive:///no/such/file.tar"


def test_twenty_images_keep_their_order_and_get_a_task_each(cli, archives):
    run = cli("scan", *archives, *SANDBOX)
    images, tasks = run.result["images"], run.result["tasks"]
    assert (run.code, run.result["verdict"]) == (0, "SUBMITTED")
    assert [image["reference"] for image in images] == archives
    assert [image["task"]["id"] for image in images] == [task["id"] for task in tasks]
    assert len({task["id"] for task in tasks}) == 20
    lines = [line for line in run.err.splitlines() if line.startswith("SUBMITTED  ")]
    for image, line in zip(images, lines, strict=True):
        assert image["reference"] in line
        assert image["task"]["id"] in line
    said = "20 of 20 images have a task; the images have NOT been judged (exit 0)"
    assert run.last_line == f"SUBMITTED (sandbox) {said}"
    assert (run.folder / "summary.txt").read_text() == "SUBMITTED: 20 images, 20 SUBMITTED [SANDBOX]\n"


@pytest.mark.parametrize("jobs", ["1", "4", "32"])
def test_what_is_said_does_not_depend_on_how_many_are_worked_on_at_once(cli, archives, nothing, jobs):
    run = cli("scan", *archives[:3], nothing, *archives[3:5], *SANDBOX, "--jobs", jobs)
    assert [image["verdict"] for image in run.result["images"]] == [*["SUBMITTED"] * 3, "ERROR", *["SUBMITTED"] * 2]
    assert run.code == 13
    assert run.last_line.startswith("ERROR (sandbox) image: 5 of 6 images have a task; ")


def test_a_missing_image_hides_no_other(cli, archives, nothing):
    run = cli("scan", nothing, archives[0], *SANDBOX)
    missing, found = run.result["images"]
    assert (missing["verdict"], missing["task"]) == ("ERROR", None)
    assert (found["verdict"], found["task"]["status"]) == ("SUBMITTED", "submitted")
    assert f"[{nothing}]" in run.err


def test_images_beyond_the_quota_are_refused_and_not_submitted(cli, archives):
    run = cli("scan", *archives[:8], *SANDBOX, "--scenario", "quota-low")
    assert run.code == 12
    assert [image["verdict"] for image in run.result["images"]] == [*["SUBMITTED"] * 5, *["FAIL"] * 3]
    assert len(run.result["tasks"]) == 5
    assert run.result["quota"]["remaining"] == 5


def test_quota_comes_before_a_missing_image_in_the_exit_code(cli, archives, nothing):
    run = cli("scan", nothing, *archives[:6], *SANDBOX, "--scenario", "quota-low")
    assert (run.code, run.result["reason"]) == (12, "quota")
    assert run.result["images"][0]["reasons"][0]["slug"] == "image"


def test_one_that_cannot_be_meant_ends_the_run_and_all_such_are_named(cli, archives):
    run = cli("scan", archives[0], "Bad:1", "also Bad", *SANDBOX, "--state", "s.db")
    assert run.code == 2
    assert run.result["tasks"] == []
    good, bad, worse = run.result["images"]
    assert "Bad:1" in good["reasons"][0]["message"]
    assert "upper case" in bad["reasons"][0]["message"]
    assert "cannot be part" in worse["reasons"][0]["message"]


@pytest.mark.parametrize("option", ["--namespace", "--repo", "--tag", "--digest", "--uuid"])
def test_an_option_about_one_image_is_refused_for_two(cli, archives, option):
    run = cli("scan", *archives[:2], *SANDBOX, option, "a" * 64)
    assert run.code == 2
    assert len(run.result["images"]) == 2
    assert f"{option} says something of one image" in run.err


def test_an_image_that_is_named_twice_is_scanned_once(cli, archives):
    assert len(cli("scan", archives[0], archives[0], *SANDBOX).result["tasks"]) == 1


def test_a_list_of_images_from_a_file_and_from_stdin(cli, archives, tmp_path, monkeypatch):
    (tmp_path / "images.txt").write_text("# built here\n" + "\n".join(archives[1:3]) + "\n")
    run = cli("scan", archives[0], "--from-file", "images.txt", *SANDBOX)
    assert [image["reference"] for image in run.result["images"]] == archives[:3]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("\n".join(archives[:2]).encode())))
    assert len(cli("scan", "--from-file", STDIN, *SANDBOX).result["images"]) == 2


def test_a_list_that_cannot_be_read_is_two_with_a_result(cli, archives):
    run = cli("scan", archives[0], "--from-file", "missing.txt", *SANDBOX)
    assert (run.code, run.result["reason"]) == (2, "usage")
    assert run.result["images"][0]["reference"] == archives[0]


def test_images_may_stand_in_the_configuration_file(cli, archives, tmp_path):
    (tmp_path / ".jenkins-scan.toml").write_text(f"image = {json.dumps(archives[:2])}\n")
    assert len(cli("scan", *SANDBOX).result["images"]) == 2
    (tmp_path / ".jenkins-scan.toml").write_text(f'image = "{archives[0]}"\n')
    assert len(cli("scan", *SANDBOX).result["images"]) == 1


@pytest.mark.parametrize("more", [(), ("--pushed",)])
def test_a_file_of_the_workspace_makes_no_request_to_a_registry(cli, tmp_path, more):
    image = "127.0.0.1:9/app:1" if more else "registry://127.0.0.1:9/app:1"
    (tmp_path / ".jenkins-scan.toml").write_text(f'image = "{image}"\n')
    for verb in ("scan", "inspect"):
        run = cli(verb, *more, *(SANDBOX if verb == "scan" else ()))
        assert run.code == 2
        assert "found in the workspace" in run.err


def test_inspect_shows_every_image_it_finds(cli, archives, nothing):
    run = cli("inspect", archives[1], nothing, archives[0], "-o", "json")
    assert run.code == 13
    assert [each["reference"] for each in json.loads(run.out)["images"]] == [archives[1], archives[0]]
    assert "no archive" in run.err
    assert len(cli("inspect", *archives[:2]).out.split("config_digest")) == 3


def test_a_file_with_one_digest_is_refused_for_two_images(cli, archives, tmp_path):
    (tmp_path / "digest").write_text(f"sha256:{'9' * 64}\n")
    for verb in ("scan", "inspect"):
        run = cli(verb, *archives[:2], "--build-metadata", "digest", *(SANDBOX if verb == "scan" else ()))
        assert run.code == 2
        assert "holds one digest and no name, and 2 images were named" in run.err
    run = cli("scan", archives[0], "--build-metadata", "digest", *SANDBOX)
    assert (run.code, run.result["images"][0]["sent"]["digest_from"]) == (0, "digest_file")


def test_one_image_in_two_spellings_is_scanned_once(cli, archives, tmp_path):
    (tmp_path / "copy.tar").write_bytes((tmp_path / "app-00.tar").read_bytes())
    run = cli("scan", archives[0], f"docker-archive://{tmp_path}/copy.tar", *SANDBOX)
    first, second = run.result["images"]
    assert first["task"]["id"] == second["task"]["id"]
    assert len(run.result["tasks"]) == 1
    assert any("shares its task" in warning for warning in run.result["warnings"])
