"""`jenkins-scan scan` against the in-process sandbox: codes, verdicts, reports."""

import io
import json
import os
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from jenkins_scan.cli.app import App
from jenkins_scan.cli.scan import _last_words
from jenkins_scan.cli.signals import Interruptions
from jenkins_scan.cli.terminal import Terminal
from jenkins_scan.config.file import FileSettings
from jenkins_scan.errors import Reason
from jenkins_scan.jenkins.environment import read_build
from jenkins_scan.record import ImageRun, Run, TaskRecord
from jenkins_scan.report.outputs import STANDARD_SET
from jenkins_scan.report.result import Result
from jenkins_scan.security_center.interface import CreatedTask
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


def test_every_result_fits_the_published_schema(cli, archive):
    Draft202012Validator.check_schema(Result.model_json_schema())
    published = Path(__file__).parents[2] / "docs" / "result.schema.json"
    validator = Draft202012Validator(json.loads(published.read_text()))
    for arguments in (
        [archive, *SANDBOX],
        [archive, *SANDBOX, "--scenario", "lost-answer"],
        ["nowhere:1", *SANDBOX],
        [],
    ):
        validator.validate(cli("scan", *arguments).result)


def test_reports_go_where_they_are_asked_to(cli, archive, tmp_path):
    run = cli(
        "scan", archive, *SANDBOX, "-o", "json", "-o", "table=deep/table.txt", "--report-dir", "out", report="out"
    )
    assert json.loads(run.out) == run.result
    table = (tmp_path / "deep" / "table.txt").read_text()
    assert run.result["tasks"][0]["id"] in table
    assert "SANDBOX" in table
    assert not (tmp_path / "scan-report").exists()


def test_a_table_on_stdout_is_not_repeated_on_stderr(cli, archive):
    run = cli("scan", archive, *SANDBOX, "-o", "table")
    assert "config" in run.out
    assert "config" not in run.err


def test_quiet_says_the_reason_and_the_verdict_alone(cli, archive):
    assert len(cli("-q", "scan", archive, *SANDBOX).err.splitlines()) == 1
    failed = cli("-q", "scan", "nowhere:1", *SANDBOX).err
    assert "No engine" in failed
    assert "->" in failed


def test_old_reports_cannot_pass_for_this_runs(cli, archive, tmp_path):
    for name in STANDARD_SET:
        old = tmp_path / "scan-report" / name
        old.parent.mkdir(parents=True, exist_ok=True)
        old.write_text("old")
    run = cli("scan", archive, *SANDBOX)
    assert sorted(path.name for path in run.folder.rglob("*") if path.is_file()) == ["result.json", "summary.txt"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--report-dir", "/dev/null/x"),
        ("--report-dir", "a-file"),
        ("-o", "json=/dev/null"),
        ("-o", "json="),
        ("-o", "jsn"),
        ("-o", "json", "-o", "table"),
        ("-o", "json=x", "-o", "table=x"),
        ("--report-dir", "with-folder"),
        ("--report-dir", "link"),
        ("--report-dir", "n\0ul"),
    ],
)
def test_a_report_place_that_cannot_be_used_is_found_before_any_task(cli, archive, tmp_path, arguments):
    (tmp_path / "a-file").write_text("")
    (tmp_path / "with-folder" / "result.json").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path.parent, target_is_directory=True)
    run = cli("scan", archive, *SANDBOX, "--state", "s.db", *arguments)
    assert run.code == 2
    assert "->" in run.err
    assert not (tmp_path / "s.db").exists()
    if arguments[0] == "-o":
        assert run.result["reason"] == "usage"


def test_a_password_in_the_reference_is_shown_nowhere(cli):
    for reference in ("https://bob:canary-pw@reg.example.com/team/app:1", "docker://bob:canary-pw@reg.example.com/app"):
        run = cli("-vv", "scan", reference, *SANDBOX, "-o", "table")
        assert run.code == 2
        written = "".join(path.read_text() for path in run.folder.iterdir())
        assert "canary-pw" not in run.out + run.err + written
        assert "reg.example.com" in run.result["images"][0]["reference"]


def test_the_path_of_an_archive_keeps_its_at_sign(cli, tmp_path):
    (tmp_path / "job@2").mkdir()
    write_docker_archive(tmp_path / "job@2" / "app.tar", "team/app:1")
    run = cli("scan", "docker-archive://job@2/app.tar", *SANDBOX)
    assert run.result["images"][0]["reference"] == "docker-archive://job@2/app.tar"


def test_a_bad_output_leaves_no_old_result_behind(cli, archive, tmp_path):
    (tmp_path / "scan-report").mkdir()
    (tmp_path / "scan-report" / "result.json").write_text('{"verdict": "PASS", "exit_code": 0}')
    (tmp_path / ".jenkins-scan.toml").write_text('output = ["jsn"]')
    run = cli("scan", archive, *SANDBOX)
    assert (run.code, run.result["exit_code"], run.result["verdict"]) == (2, 2, "ERROR")


def test_a_region_is_a_region_id_also_beside_the_sandbox(cli, archive):
    assert cli("scan", archive, *SANDBOX, "--region", "x:y z").code == 2
    assert cli("scan", archive, *SANDBOX, "--region", "cn-hangzhou").result["service"]["region"] == "cn-hangzhou"


@pytest.mark.parametrize("link", ["scan-report", "nested/../scan-report"])
def test_a_report_folder_that_is_a_link_inside_the_workspace_is_used_as_it_is(cli, archive, tmp_path, link):
    (tmp_path / "real").mkdir()
    (tmp_path / "nested").mkdir()
    (tmp_path / "scan-report").symlink_to("real")
    assert cli("scan", archive, *SANDBOX, "--report-dir", link).code == 0
    assert (tmp_path / "scan-report").is_symlink()
    assert (tmp_path / "real" / "result.json").exists()


@pytest.mark.parametrize(
    "output",
    ["table=scan-report/result.json", "json=x/../scan-report/summary.txt", "json=away/keep.txt", "table=turning/t.txt"],
)
def test_an_output_takes_no_place_that_is_not_its_own(cli, archive, tmp_path, output):
    (tmp_path / "away").symlink_to(tmp_path.parent)
    (tmp_path / "turning").symlink_to("turning")
    run = cli("scan", archive, *SANDBOX, "--state", "s.db", "-o", output)
    assert (run.code, run.result["exit_code"]) == (2, 2)
    assert not (tmp_path / "s.db").exists()
    assert not (tmp_path.parent / "keep.txt").exists()


def test_two_names_of_one_file_are_one_place(cli, archive):
    assert cli("scan", archive, *SANDBOX, "-o", "json=x.json", "-o", "table=y/../x.json").code == 2


def test_a_report_folder_that_turns_in_a_circle_is_two(cli, archive, tmp_path):
    (tmp_path / "scan-report").symlink_to("scan-report")
    assert cli("scan", archive, *SANDBOX).code == 2


@pytest.mark.parametrize(
    ("task", "ids", "said"),
    [
        (TaskRecord(CreatedTask("TASK-1"), 0.0), ["TASK-1"], "task TASK-1 is open"),
        (TaskRecord(None, 0.0), [], "a task may exist"),
        (None, [], "no task was opened"),
    ],
)
def test_when_the_reports_fail_the_task_is_still_said_and_kept(tmp_path, clock, task, ids, said):
    err = io.StringIO()
    app = App(Terminal(io.StringIO(), err), {}, Interruptions(), read_build({}), FileSettings(), clock)
    assert _last_words(app, Run(0.0, ImageRun("app:1", task=task)), tmp_path) == 1
    kept = json.loads((tmp_path / "result.json").read_text())
    assert (kept["exit_code"], kept["reason"], [each["id"] for each in kept["tasks"]]) == (1, "internal", ids)
    assert said in err.getvalue()


def test_a_linked_html_folder_is_unlinked_not_followed(cli, archive, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "index.html").write_text("precious")
    (tmp_path / "scan-report").mkdir()
    (tmp_path / "scan-report" / "html").symlink_to(elsewhere)
    assert cli("scan", archive, *SANDBOX).code == 0
    assert (elsewhere / "index.html").read_text() == "precious"


class TestResultThatCannotBeWritten:
    """Something takes the place of result.json while the step runs."""

    @pytest.fixture
    def spoiled(self, monkeypatch, tmp_path):
        """A folder stands where result.json shall go: os.replace fails, for root as well."""

        def spoil(clock_sleep=None):
            (tmp_path / "scan-report" / "result.json" / "x").mkdir(parents=True, exist_ok=True)

        return spoil

    @pytest.mark.parametrize(
        ("scenario", "code"),
        [("throttled", 17), ("throttled-soft", 17), ("throttled-refused", 12)],
    )
    def test_zero_and_eleven_become_seventeen_and_others_stay(self, cli, archive, clock, spoiled, scenario, code):
        sleep = clock.sleep
        clock.sleep = lambda seconds: (spoiled(), sleep(seconds))
        Path("throttled-refused.toml").write_text(THROTTLED_THEN_EXHAUSTED)
        named = "throttled" if scenario == "throttled" else "throttled-refused.toml"
        soft = ("--soft", "quota") if scenario == "throttled-soft" else ()
        run = cli("scan", archive, *SANDBOX, "--scenario", named, *soft)
        assert run.code == code
        assert "could not be written" in run.err
        assert run.last_line.endswith(f"(exit {code})")


THROTTLED_THEN_EXHAUSTED = """
description = "Throttled once, then the quota is used up."
[quota]
capacity = 10
used = 10
[[fault]]
operation = "DescribeImageScanAuthCount"
times = 1
status = 400
code = "Throttling.User"
"""


def test_an_output_that_fails_at_the_end_is_a_warning(cli, archive, clock, tmp_path):
    sleep = clock.sleep
    clock.sleep = lambda seconds: (
        (tmp_path / "deep" / "t.txt" / "x").mkdir(parents=True, exist_ok=True),
        sleep(seconds),
    )
    run = cli("scan", archive, *SANDBOX, "--scenario", "throttled", "-o", "table=deep/t.txt")
    assert run.code == 0
    assert "deep/t.txt could not be written" in run.err


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
        (("a:1", *SANDBOX), {"JENKINS_SCAN_FAIL_ON": "high"}, 2, "JENKINS_SCAN_FAIL_ON"),
        (
            ("a:1", "--endpoint", "http://127.0.0.1:1"),
            {"ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAI-x"},
            14,
            "half an AccessKey pair",
        ),
        (
            ("a:1", "--endpoint", "http://127.0.0.1:1"),
            {"ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAI-xyz", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "secret-xyz"},
            14,
            "no CI/CD token",
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
    for arguments in (("scan", "--nope"), ("scan", "a", "b"), ("scan", "a", "--min-quota", "x")):
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


def test_files_of_reports_follow_the_umask(cli, archive):
    previous = os.umask(0o022)
    try:
        run = cli("scan", archive, *SANDBOX)
    finally:
        os.umask(previous)
    assert (run.folder / "result.json").stat().st_mode & 0o777 == 0o644
