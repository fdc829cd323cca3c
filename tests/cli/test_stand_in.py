"""The sandbox without a scenario: it lists what the local analysis finds in the image that is at hand."""

import pytest

from jenkins_scan import sandbox
from jenkins_scan.sandbox.scenarios import SCENARIOS
from tests.support.docker_archives import archive as docker_archive
from tests.support.docker_archives import packed_image, tar_of
from tests.support.images import write_docker_archive
from tests.support.local_images import KEY, USUAL

SANDBOX = ("--endpoint", "sandbox", "--fail-on", "high")
LIMITS = "vulnerabilities, malicious files and baselines were not looked for"


@pytest.fixture
def planted(tmp_path):
    """An image with a private key that a later layer deletes, and a line that installs without a version."""
    layers = [tar_of({"app/id_rsa": KEY}), tar_of({"app/.wh.id_rsa": b""})]
    history = [{"created_by": "RUN apt-get install -y curl"}, {"created_by": "RUN rm /app/id_rsa"}]
    image = packed_image(layers=layers, config=USUAL, history=history)
    (tmp_path / "planted.tar").write_bytes(docker_archive(image))
    return "docker-archive://planted.tar"


def ids(run, number=0):
    return {finding["id"] for finding in run.result["images"][number]["findings"]}


def test_the_sandbox_lists_what_is_really_in_the_image(cli, planted):
    run = cli("scan", planted, *SANDBOX)
    (image,) = run.result["images"]
    by_id = {finding["id"]: finding for finding in image["findings"]}
    assert (run.code, run.result["verdict"], run.result["sandbox"]) == (10, "FAIL", True)
    assert by_id.keys() == {"local/private-key", "local/unpinned-install"}
    key, install = by_id["local/private-key"], by_id["local/unpinned-install"]
    assert (key["kind"], key["severity"], key["source"]) == ("sensitive-file", "high", "sensitive-file")
    assert key["title"].startswith("A private key (deleted in a later layer")
    assert key["fix"].startswith("Revoke it")
    assert (install["severity"], install["layer"]) == ("low", "history line 1")
    assert install["fix"] == "Name versions, or the next build may hold something else."
    assert LIMITS in run.result["warnings"][0]
    assert sandbox.SECRET_TEXT not in run.out + run.err


def test_a_clean_image_passes_and_the_report_says_what_nobody_looked_for(cli, tmp_path):
    (tmp_path / "clean.tar").write_bytes(docker_archive(packed_image(layers=[tar_of({"app": b"x"})], config=USUAL)))
    run = cli("scan", "docker-archive://clean.tar", *SANDBOX)
    assert (run.code, run.result["images"][0]["findings"]) == (0, [])
    assert LIMITS in run.result["warnings"][0]


@pytest.mark.parametrize("scenario", ["clean", "vulnerable"])
def test_a_scenario_that_is_named_says_all_there_is(cli, planted, scenario):
    run = cli("scan", planted, *SANDBOX, "--scenario", scenario)
    assert ids(run) == {finding.id for finding in SCENARIOS[scenario].findings if not finding.handled}
    assert not any(LIMITS in warning for warning in run.result["warnings"])


def test_each_of_several_images_has_its_own_findings(cli, planted, tmp_path):
    (tmp_path / "clean.tar").write_bytes(
        docker_archive(packed_image(("team/other:2",), layers=[tar_of({"app": b"x"})], config=USUAL))
    )
    run = cli("scan", "docker-archive://clean.tar", planted, planted, *SANDBOX)
    assert ids(run, 0) == set()
    assert "local/private-key" in ids(run, 1)


def test_an_image_that_cannot_be_looked_into_has_none_and_a_warning_says_so(cli, tmp_path):
    write_docker_archive(tmp_path / "odd.tar", "team/app:1")
    run = cli("scan", "docker-archive://odd.tar", *SANDBOX)
    assert (run.code, run.result["images"][0]["findings"]) == (0, [])
    assert any(
        "found nothing in the image, as it could not be looked into: " in each for each in run.result["warnings"]
    )


def test_what_was_found_is_kept_with_the_task_for_a_wait(cli, planted):
    state = ("--endpoint", "sandbox", "--state", "s.db")
    assert cli("scan", planted, *state).result["verdict"] == "SUBMITTED"
    run = cli("wait", "scan-report/result.json", *state, "--fail-on", "high", "--report-dir", "w", report="w")
    assert (run.code, ids(run)) == (10, {"local/private-key", "local/unpinned-install"})
    assert any(LIMITS in warning for warning in run.result["warnings"])


def test_nobody_looks_into_an_image_whose_findings_nobody_reads(cli, planted):
    run = cli("scan", planted, "--endpoint", "sandbox")
    assert (run.code, run.result["verdict"]) == (0, "SUBMITTED")
    assert not any(LIMITS in warning for warning in run.result["warnings"])
