"""`wait`: the tasks of an earlier run are taken up, and nothing of its verdict."""

import json

import pytest

from jenkins_scan.report.earlier import SCHEMA
from tests.support.docker_archives import archive as docker_archive
from tests.support.docker_archives import packed_image

pytestmark = pytest.mark.slow

IMAGE = {"reference": "app:1"}
SANDBOX = ("--endpoint", "sandbox", "--state", "s.db")


@pytest.fixture
def opened(cli, archive):
    """A run that opened its task in a sandbox with a memory, and did not wait."""

    def run(*arguments):
        return cli("scan", archive, *SANDBOX, "--no-wait", *arguments)

    return run


@pytest.mark.parametrize(
    ("scenario", "code", "verdict"),
    [
        ("clean", 0, "PASS"),
        ("vulnerable", 10, "FAIL"),
        ("wrong-image", 17, "INCOMPLETE"),
        ("scan-failed", 17, "INCOMPLETE"),
        ("slow", 16, "INCOMPLETE"),
        ("poll-denied", 14, "ERROR"),
    ],
)
def test_opened_and_waited_for_is_as_scanned(cli, opened, archive, scenario, code, verdict):
    whole = cli("scan", archive, "--endpoint", "sandbox", "--fail-on", "high", "--scenario", scenario).result
    first = opened("--scenario", scenario).result
    assert first["verdict"] == "SUBMITTED"
    run = cli("wait", "scan-report/result.json", *SANDBOX, "--scenario", scenario, "--fail-on", "high")
    assert (run.code, run.result["verdict"]) == (code, verdict)
    (image,) = run.result["images"]
    assert image["task"]["id"] == first["images"][0]["task"]["id"]
    assert image["identity"] == first["images"][0]["identity"]
    for key in ("verdict", "counts", "findings", "proof"):
        assert image[key] == whole["images"][0][key]


def test_without_a_gate_it_is_high(cli, opened):
    opened("--scenario", "vulnerable")
    assert cli("wait", "scan-report/result.json", *SANDBOX, "--scenario", "vulnerable").code == 10


def test_it_can_be_taken_up_again_and_again(cli, opened):
    opened("--scenario", "slow")
    first = cli("wait", "scan-report/result.json", *SANDBOX, "--scenario", "slow", "--timeout", "5s")
    again = cli("wait", "scan-report/result.json", *SANDBOX, "--scenario", "slow", "--timeout", "5s")
    assert (first.code, again.code) == (16, 16)
    assert first.result["tasks"][0]["id"] == again.result["tasks"][0]["id"]


@pytest.mark.parametrize(
    ("memory", "said"),
    [((), "without --state this sandbox knows no task"), (("--state", "none.db"), "there is no 'none.db'")],
)
def test_a_sandbox_that_cannot_know_the_task_is_not_waited_for(cli, opened, tmp_path, memory, said):
    task = opened().result["tasks"][0]["id"]
    run = cli("wait", "scan-report/result.json", "--endpoint", "sandbox", *memory)
    assert (run.code, run.result["reason"], run.result["tasks"][0]["id"]) == (2, "usage", task)
    assert said in run.err
    assert "Give both runs the same file: --state FILE." in run.err
    assert not (tmp_path / "none.db").exists()


def test_nothing_is_submitted_and_no_quota_is_asked_for(cli, opened):
    opened()
    run = cli("-vv", "wait", "scan-report/result.json", *SANDBOX)
    assert run.code == 0
    assert "Create" not in run.err
    assert "DescribeImageScanAuthCount" not in run.err
    assert run.result["quota"]["source"] is None


def test_the_verdict_of_the_file_counts_for_nothing(cli, opened, tmp_path):
    opened("--scenario", "vulnerable")
    path = tmp_path / "scan-report" / "result.json"
    forged = json.loads(path.read_text()) | {"verdict": "PASS", "exit_code": 0}
    forged["images"][0] |= {"verdict": "PASS", "findings": [], "proof": "image_id"}
    path.write_text(json.dumps(forged))
    assert cli("wait", str(path), *SANDBOX, "--scenario", "vulnerable").code == 10


def test_each_image_has_its_own_end(cli, archive, tmp_path):
    other = packed_image(["registry.example.com/other:1"], layers=[b"other"])
    (tmp_path / "other.tar").write_bytes(docker_archive(other))
    missing = "docker-archive:///no/such.tar"
    cli("scan", archive, missing, f"docker-archive://{tmp_path}/other.tar", *SANDBOX, "--no-wait")
    run = cli("wait", "scan-report/result.json", *SANDBOX)
    assert [image["verdict"] for image in run.result["images"]] == ["PASS", "INCOMPLETE", "PASS"]
    assert run.code == 17
    assert "opened no task for this image" in run.err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read"),
        ("", "not JSON"),
        ("[1]", "not of the schema"),
        (json.dumps({"schema": SCHEMA, "local": True}), "r.json is of a check, and a check opened no task."),
        ('{"schema": "jenkins-scan/result/2"}', "not of the schema"),
        ('{"schema": "jenkins-scan/result/1"}', "service is not as it has to be"),
        ('{"schema": "jenkins-scan/result/1", "service": {}, "images": []}', "images is not as it has to be"),
        (
            json.dumps(
                {"schema": SCHEMA, "service": {"endpoint": "https://evil.example.com"}, "images": [{"reference": "a"}]}
            ),
            "is of https://evil.example.com, and sandbox would be asked",
        ),
    ],
)
def test_a_file_that_cannot_be_taken_up_is_two(cli, tmp_path, content, said):
    if content is not None:
        (tmp_path / "r.json").write_text(content)
    run = cli("wait", "r.json", *SANDBOX)
    assert run.code == 2
    assert said in run.err


def test_a_sandbox_that_no_flag_named_is_refused_in_jenkins(cli, opened):
    opened()
    env = {"JENKINS_URL": "https://ci.example.com/", "JOB_NAME": "x", "JENKINS_SCAN_ENDPOINT": "sandbox"}
    assert cli("wait", "scan-report/result.json", "--state", "s.db", env=env).code == 2


def test_a_wait_that_is_refused_keeps_the_tasks(cli, opened):
    task = opened().result["tasks"][0]["id"]
    assert cli("wait", "scan-report/result.json", "--region", "cn-hangzhou").code == 2
    kept = cli("wait", "scan-report/result.json", *SANDBOX, "--waivers", "missing.toml")
    assert (kept.code, kept.result["tasks"][0]["id"]) == (2, task)
    assert cli("wait", "scan-report/result.json", *SANDBOX).code == 0


@pytest.mark.parametrize(
    "forged",
    [
        {"sent": {"image_id": None}},
        {"sent": {"image_id": "b" * 64}},
        {"identity": {"config_digest": f"sha256:{'b' * 64}"}},
    ],
)
def test_what_was_sent_has_to_be_what_was_identified(cli, opened, tmp_path, forged):
    opened()
    path = tmp_path / "scan-report" / "result.json"
    body = json.loads(path.read_text())
    for part, values in forged.items():
        body["images"][0][part] |= values
    path.write_text(json.dumps(body))
    assert cli("wait", str(path), *SANDBOX).code == 17


BUILD = {"JENKINS_URL": "https://ci.example.com/", "JOB_NAME": "x", "BUILD_NUMBER": "7", "BUILD_TAG": "jenkins-x-7"}


def test_a_file_in_the_workspace_of_a_forks_build_is_refused_and_its_tasks_kept(cli, opened, tmp_path):
    task = opened().result["tasks"][0]["id"]
    fork = {**BUILD, "CHANGE_FORK": "stranger"}
    run = cli("wait", "scan-report/result.json", *SANDBOX, env=fork)
    assert (run.code, run.result["tasks"][0]["id"]) == (2, task)
    assert "a fork's build" in run.err
    assert "$WORKSPACE_TMP" in run.err
    elsewhere = tmp_path.parent / f"{tmp_path.name}-kept.json"
    (tmp_path / "scan-report/result.json").rename(elsewhere)
    assert cli("wait", str(elsewhere), *SANDBOX, env=fork).code == 0


@pytest.mark.parametrize(
    ("scanned", "waited", "warned"),
    [
        (BUILD, BUILD, None),
        (BUILD, {}, None),
        (BUILD, {**BUILD, "BUILD_TAG": "jenkins-x-8"}, "is of the build jenkins-x-7, and this is jenkins-x-8"),
        ({}, BUILD, "is of no build, and this is jenkins-x-7"),
    ],
)
def test_a_file_of_another_build_is_warned_of(cli, archive, scanned, waited, warned):
    cli("scan", archive, *SANDBOX, "--no-wait", env=scanned)
    run = cli("wait", "scan-report/result.json", *SANDBOX, env=waited)
    assert run.code == 0
    assert [warned in text for text in run.result["warnings"] if "this is" in text] == (
        [] if warned is None else [True]
    )


def test_an_output_in_the_place_of_the_file_replaces_it_at_the_end(cli, opened, tmp_path):
    task = opened().result["tasks"][0]["id"]
    (tmp_path / "scan-report/result.json").rename(tmp_path / "kept.json")
    refused = cli("wait", "kept.json", *SANDBOX, "-o", "json=kept.json", "--waivers", "missing.toml")
    assert (refused.code, refused.result["tasks"][0]["id"]) == (2, task)
    assert cli("wait", "kept.json", *SANDBOX, "-o", "json=kept.json").code == 0
    assert json.loads((tmp_path / "kept.json").read_text())["verdict"] == "PASS"


def _reports(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("content", [None, "a folder", "garbage", '{"schema": "jenkins-scan/result/2"}'])
def test_a_file_that_cannot_be_taken_up_leaves_no_old_pass(cli, opened, tmp_path, content):
    opened()
    assert cli("wait", "scan-report/result.json", *SANDBOX, "-o", "junit=old.xml").code == 0
    assert "junit.xml" in _reports(tmp_path / "scan-report")
    named = tmp_path / "x.json"
    if content == "a folder":
        named.mkdir()
    elif content is not None:
        named.write_text(content)
    (tmp_path / "scan-report/notes.txt").write_text("somebody else's")
    (tmp_path / "scan-report/result.json").unlink()
    (tmp_path / "scan-report/result.json").mkdir()
    assert cli("wait", "x.json", *SANDBOX, "-o", "junit=old.xml").code == 2
    assert _reports(tmp_path / "scan-report") == ["notes.txt"]
    assert not (tmp_path / "old.xml").exists()
    assert named.exists() == (content is not None)


@pytest.mark.parametrize("baseline", [None, "scan-report/findings.csv"])
def test_what_was_named_itself_stays(cli, opened, tmp_path, baseline):
    opened()
    assert cli("wait", "scan-report/result.json", *SANDBOX).code == 0
    for name in ("result.json", "findings.csv"):
        (tmp_path / "scan-report" / name).write_text("not JSON")
    also = () if baseline is None else ("--baseline", baseline)
    run = cli("wait", "scan-report/result.json", *SANDBOX, "-o", "json=scan-report/result.json", *also)
    assert run.code == 2
    named = ["scan-report/result.json", *([] if baseline is None else [baseline])]
    assert [f"scan-report/{name}" for name in _reports(tmp_path / "scan-report")] == sorted(named)


def test_an_empty_report_folder_is_not_the_working_folder(cli, tmp_path):
    (tmp_path / "result.json").write_text("somebody else's")
    assert cli("wait", "x.json", *SANDBOX, "--report-dir", "").code == 2
    assert (tmp_path / "result.json").exists()


@pytest.mark.parametrize("opened_at", [None, "2001-01-01T00:00:00Z"])
def test_a_task_that_does_not_exist_ends_with_no_scan_of_another(cli, opened, tmp_path, opened_at):
    opened()
    path = tmp_path / "scan-report/result.json"
    assert cli("wait", str(path), *SANDBOX).code == 0
    body = json.loads(path.read_text())
    for task in (body["images"][0]["task"], body["tasks"][0]):
        task["id"] = "f" * 32
    body["images"][0]["task"]["opened_at"] = opened_at or body["images"][0]["task"]["opened_at"]
    path.write_text(json.dumps(body))
    run = cli("wait", str(path), *SANDBOX, "--timeout", "30s")
    assert (run.code, run.result["verdict"]) == (17, "INCOMPLETE")
    assert "no status operation ever showed task ffff" in run.err
    assert "Scan the image again" in run.err


def test_one_task_for_two_images_of_a_file_is_nobodys(cli, archive, tmp_path):
    other = packed_image(["registry.example.com/other:1"], layers=[b"other"])
    (tmp_path / "other.tar").write_bytes(docker_archive(other))
    cli("scan", archive, f"docker-archive://{tmp_path}/other.tar", *SANDBOX, "--no-wait")
    path = tmp_path / "scan-report/result.json"
    body = json.loads(path.read_text())
    body["images"][1]["task"]["id"] = body["images"][0]["task"]["id"]
    path.write_text(json.dumps(body))
    run = cli("wait", str(path), *SANDBOX)
    assert (run.code, [image["verdict"] for image in run.result["images"]]) == (17, ["INCOMPLETE"] * 2)
    assert "nobody can tell which of them it scans" in run.err


def test_one_image_under_two_names_shares_its_task(cli, archive, tmp_path):
    (tmp_path / "copy.tar").write_bytes((tmp_path / "app.tar").read_bytes())
    cli("scan", archive, f"docker-archive://{tmp_path}/copy.tar", *SANDBOX, "--no-wait")
    run = cli("wait", "scan-report/result.json", *SANDBOX)
    assert (run.code, [image["verdict"] for image in run.result["images"]]) == (0, ["PASS"] * 2)
