"""`jenkins-scan scan` against the in-process sandbox: codes, verdicts and what is said."""

import json
from pathlib import Path

import pytest

from jenkins_scan.errors import Reason
from tests.support.images import write_docker_archive

DIGEST = "a" * 64


SANDBOX = ("--endpoint", "sandbox")


JENKINS = {
    "JENKINS_URL": "https://ci.example.com/",
    "JOB_NAME": "team/app",
    "BUILD_NUMBER": "7",
    "SECRET_THING": "hidden",
}


@pytest.mark.parametrize(
    ("scenario", "code", "verdict", "reason"),
    [
        ("clean", 0, "SUBMITTED", None),
        ("vulnerable", 0, "SUBMITTED", None),
        ("quota-low", 0, "SUBMITTED", None),
        ("throttled", 0, "SUBMITTED", None),
        ("quota-exhausted", 12, "FAIL", "quota"),
        ("no-permission", 14, "ERROR", "access"),
        ("not-activated", 14, "ERROR", "access"),
        ("clock-skew", 14, "ERROR", "access"),
        ("server-error", 15, "ERROR", "service"),
        ("html-503", 15, "ERROR", "service"),
        ("soft-failure", 15, "ERROR", "service"),
        ("lost-answer", 15, "ERROR", "service"),
    ],
)
def test_each_scenario_has_its_code(cli, archive, scenario, code, verdict, reason):
    run = cli("scan", archive, *SANDBOX, "--scenario", scenario)
    assert (run.code, run.result["exit_code"]) == (code, code)
    assert (run.result["verdict"], run.result["reason"]) == (verdict, reason)
    assert run.result["sandbox"] is True
    assert run.last_line.startswith(f"{verdict} (sandbox)")
    assert run.last_line.endswith(f"(exit {code})")
    assert "[SANDBOX]" in (run.folder / "summary.txt").read_text()
    assert len(run.err.splitlines()) <= 40
    assert run.out == ""


def test_the_two_refusals_of_permission_have_different_remedies(cli, archive):
    denied, not_bought = (
        cli("scan", archive, *SANDBOX, "--scenario", scenario).result["images"][0]["reasons"][0]
        for scenario in ("no-permission", "not-activated")
    )
    assert "Grant yundun-sas:CreateJenkinsImageScanTask" in denied["remedy"]
    assert "buy it" in not_bought["remedy"]
    assert denied["service_code"] == not_bought["service_code"] == "NoPermission"
    assert denied["request_id"]


def test_a_low_quota_fails_a_higher_minimum_and_opens_no_task(cli, archive):
    run = cli("scan", archive, *SANDBOX, "--scenario", "quota-low", "--min-quota", "10", "--state", "s.db")
    assert run.code == 12
    assert run.result["tasks"] == []
    assert run.result["quota"] == {
        "capacity": 100,
        "used": 95,
        "remaining": 5,
        "minimum": 10,
        "returned_capacity": None,
        "source": "DescribeImageScanAuthCount",
    }


def test_an_exhausted_quota_opens_no_task_unless_the_gate_is_off_and_the_service_refuses(cli, archive):
    assert cli("scan", archive, *SANDBOX, "--scenario", "quota-exhausted").result["images"][0]["task"] is None
    refused = cli("scan", archive, *SANDBOX, "--scenario", "quota-exhausted", "--min-quota", "0")
    assert refused.code == 12
    assert refused.result["images"][0]["reasons"][0]["service_code"] == "BeyondQuata"
    assert refused.result["quota"]["source"] is None


def test_a_lost_answer_with_a_digest_is_exactly_one_task_taken_up(cli, archive):
    run = cli("scan", archive, *SANDBOX, "--scenario", "lost-answer", "--digest", DIGEST, "--state", "s.db")
    assert run.code == 0
    assert run.result["tasks"][0]["id"] == run.result["images"][0]["task"]["id"]
    again = cli("scan", archive, *SANDBOX, "--digest", DIGEST, "--state", "s.db")
    assert again.result["quota"]["used"] == 11


def test_a_lost_answer_without_a_digest_says_that_a_task_may_exist(cli, archive):
    run = cli("scan", archive, *SANDBOX, "--scenario", "lost-answer", "--state", "s.db")
    assert run.code == 15
    assert "a task may exist" in run.last_line
    assert run.result["images"][0]["task"]["id"] is None
    assert run.result["images"][0]["task"]["status"] == "unknown"
    assert run.result["tasks"] == []
    # One create, and one alone: the quota of one image is spent.
    assert cli("scan", archive, *SANDBOX, "--state", "s.db").result["quota"]["used"] == 11


@pytest.mark.parametrize(("soft", "code"), [("quota", 11), ("policy, quota", 11), ("access", 12), ("QUOTA", 11)])
def test_a_soft_reason_is_a_warning(cli, archive, soft, code):
    run = cli("scan", archive, *SANDBOX, "--scenario", "quota-exhausted", "--soft", soft)
    assert run.code == code
    assert run.result["verdict"] == ("WARN" if code == 11 else "FAIL")
    assert run.result["images"][0]["reasons"][0]["slug"] == "quota"


def test_the_result_says_everything_about_the_run(cli, archive, tmp_path):
    run = cli(
        "scan", archive, *SANDBOX, "--uuid", "u-1", "--source-ip", "192.0.2.1", "--jenkins-env", "release", env=JENKINS
    )
    image = run.result["images"][0]
    assert run.result["schema"] == "jenkins-scan/result/1"
    assert run.result["build"]["job"] == "team/app"
    assert "hidden" not in json.dumps(run.result)
    assert run.result["service"] == {"endpoint": "sandbox", "region": None}
    assert image["identity"]["config_digest"] == write_docker_archive(tmp_path / "same.tar", "a:1")
    assert image["sent"] == {
        "namespace": "team",
        "repo_name": "app",
        "tag": "1",
        "digest": None,
        "digest_from": None,
        "image_id": image["identity"]["config_digest"].removeprefix("sha256:"),
        "image_size": image["identity"]["size"],
        "image_create": 1767323045123,
        "image_update": None,
        "uuid": "u-1",
        "source_ip": "192.0.2.1",
        "jenkins_env": "release",
    }
    assert image["task"]["id"] == run.result["tasks"][0]["id"]
    assert image["task"]["id"] in run.last_line
    assert image["task"]["id"] in (run.folder / "summary.txt").read_text()
    assert run.result["tasks"][0]["operation"] == "CreateJenkinsImageScanTask"
    assert run.result["quota"]["remaining"] == 90


def test_quiet_says_the_reason_and_the_verdict_alone(cli, archive):
    assert len(cli("-q", "scan", archive, *SANDBOX).err.splitlines()) == 1
    failed = cli("-q", "scan", "nowhere:1", *SANDBOX).err
    assert "No engine" in failed
    assert "->" in failed


def test_a_password_in_the_reference_is_shown_nowhere(cli):
    for reference in ("https://bob:canary-pw@reg.example.com/team/app:1", "docker://bob:canary-pw@reg.example.com/app"):
        run = cli("-vv", "scan", reference, *SANDBOX, "-o", "table")
        assert run.code == 2
        written = "".join(path.read_text() for path in run.folder.rglob("*.*"))
        assert "canary-pw" not in run.out + run.err + written
        assert "reg.example.com" in run.result["images"][0]["reference"]


def test_the_path_of_an_archive_keeps_its_at_sign(cli, tmp_path):
    (tmp_path / "job@2").mkdir()
    write_docker_archive(tmp_path / "job@2" / "app.tar", "team/app:1")
    run = cli("scan", "docker-archive://job@2/app.tar", *SANDBOX)
    assert run.result["images"][0]["reference"] == "docker-archive://job@2/app.tar"


def test_a_region_is_a_region_id_also_beside_the_sandbox(cli, archive):
    assert cli("scan", archive, *SANDBOX, "--region", "x:y z").code == 2
    assert cli("scan", archive, *SANDBOX, "--region", "cn-hangzhou").result["service"]["region"] == "cn-hangzhou"


@pytest.mark.parametrize(
    ("arguments", "env", "code", "says"),
    [
        (("nosuch:1", *SANDBOX), {}, 13, "No engine at unix:///var/run/docker.sock"),
        (("Bad:1", *SANDBOX), {}, 2, "bad:1"),
        (("docker-archive://nowhere.tar", *SANDBOX), {}, 13, "nowhere.tar"),
        (("docker-archive:app.tar", *SANDBOX), {}, 2, "docker-archive://app.tar"),
        (("docker-archive:///dev/null", *SANDBOX), {}, 13, "/dev/null"),
        ((), {}, 2, "no image was named"),
        (("a:1",), {}, 2, "no region was named"),
        (("a:1", "--region", "cn-hangzho"), {}, 2, "did you mean 'cn-hangzhou'"),
        (("a:1", "--endpoint", "http://192.0.2.1"), {}, 2, "plain http"),
        (("a:1", *SANDBOX, "--vpc"), {}, 2, "--vpc"),
        (("a:1", *SANDBOX, "--digest", "xyz"), {}, 2, "--digest"),
        (("a:1", *SANDBOX, "--source-ip", "x"), {}, 2, "--source-ip"),
        (("a:1", *SANDBOX, "--tag", "a b"), {}, 2, "--tag"),
        (("a:1", *SANDBOX, "--soft", "quotas"), {}, 2, "did you mean 'quota'"),
        (("a:1", *SANDBOX, "--platform", "linux"), {}, 2, "not a platform"),
        (("a:1", *SANDBOX, "--scenario", "claen"), {}, 2, "clean"),
        (("a:1", "--region", "cn-hangzhou", "--scenario", "clean"), {}, 2, "--endpoint sandbox"),
        (("a:1", *SANDBOX), {"JENKINS_SCAN_MIN_QOUTA": "5"}, 2, "JENKINS_SCAN_MIN_QUOTA"),
        (("a:1", *SANDBOX), {"JENKINS_SCAN_FAIL_ONN": "high"}, 2, "JENKINS_SCAN_FAIL_ON"),
        (
            ("a:1", "--endpoint", "http://127.0.0.1:1"),
            {"ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAI-x"},
            14,
            "half an AccessKey pair",
        ),
        pytest.param(
            ("a:1", "--endpoint", "http://127.0.0.1:1"),
            {"ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAI-xyz", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "secret-xyz"},
            14,
            "no CI/CD token",
            marks=pytest.mark.without_secrets,
        ),
    ],
)
def test_bad_input_gets_one_clear_message_the_right_code_and_a_result(cli, arguments, env, code, says):
    run = cli("scan", *arguments, env=env)
    assert run.code == code
    assert says in run.err
    assert "->" in run.err
    assert run.result["exit_code"] == code
    assert run.result["images"][0]["reasons"][0]["remedy"]


def test_a_bad_flag_is_two_and_says_where_help_is(cli):
    for arguments in (("scan", "--nope"), ("scan", "a", "--jobs", "0"), ("scan", "a", "--min-quota", "x")):
        run = cli(*arguments)
        assert run.code == 2
        assert "See `jenkins-scan scan --help`" in run.err
        assert not run.has_result


def test_every_option_is_also_a_variable_and_the_flag_wins(cli, archive):
    env = {"JENKINS_SCAN_MIN_QUOTA": "95", "JENKINS_SCAN_ENDPOINT": "sandbox", "JENKINS_SCAN_SOFT": "quota"}
    assert cli("scan", archive, env=env).code == 11
    assert cli("scan", archive, "--min-quota", "5", env=env).code == 0


def test_in_jenkins_the_sandbox_must_be_named_by_the_flag(cli, archive):
    run = cli("scan", archive, env={**JENKINS, "JENKINS_SCAN_ENDPOINT": "sandbox"})
    assert run.code == 2
    assert "only the flag may name it" in run.err
    assert cli("scan", archive, *SANDBOX, env=JENKINS).code == 0


def test_a_bug_is_one_with_a_result_and_a_traceback_only_if_asked(archive, capsys, clock):
    from jenkins_scan.cli.main import main

    clock.monotonic = lambda: 1 / 0
    assert main(["scan", archive, *SANDBOX], clock=clock) == 1
    assert "Traceback" not in capsys.readouterr().err
    assert json.loads(Path("scan-report/result.json").read_text())["reason"] == "internal"
    assert main(["-v", "scan", archive, *SANDBOX], clock=clock) == 1
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_the_help_names_every_exit_code(cli):
    out = cli("--help").out
    for reason in Reason:
        assert reason.slug in out
        assert "/".join(map(str, reason.codes)) in out
