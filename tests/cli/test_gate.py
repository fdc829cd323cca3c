"""`scan` with a gate against the sandbox: what is waited for, judged, waived, and what is never a PASS."""

import json

import pytest

from jenkins_scan import sandbox
from tests.support.docker_archives import archive as docker_archive
from tests.support.docker_archives import packed_image
from tests.support.images import write_docker_archive

SANDBOX = ("--endpoint", "sandbox")
GATE = (*SANDBOX, "--fail-on", "high")


@pytest.mark.parametrize(
    ("scenario", "code", "verdict", "reason"),
    [
        ("clean", 0, "PASS", None),
        ("vulnerable", 10, "FAIL", "policy"),
        ("unknown-severity", 10, "FAIL", "policy"),
        pytest.param("paged", 10, "FAIL", "policy", marks=pytest.mark.slow),
        ("unknown-status", 0, "PASS", None),
        ("slow", 16, "INCOMPLETE", "timeout"),
        ("stale", 16, "INCOMPLETE", "timeout"),
        ("scan-failed", 17, "INCOMPLETE", "incomplete"),
        ("scan-timeout", 17, "INCOMPLETE", "incomplete"),
        ("partial", 17, "INCOMPLETE", "incomplete"),
        ("contradictory", 17, "INCOMPLETE", "incomplete"),
        ("wrong-image", 17, "INCOMPLETE", "incomplete"),
        ("poll-denied", 14, "ERROR", "access"),
    ],
)
def test_each_scenario_ends_with_its_code(cli, archive, scenario, code, verdict, reason):
    run = cli("scan", archive, *GATE, "--scenario", scenario)
    assert (run.code, run.result["verdict"], run.result["reason"]) == (code, verdict, reason)
    assert run.last_line.startswith(f"{verdict} (sandbox)")
    assert run.last_line.endswith(f"(exit {code})")
    assert run.result["images"][0]["task"]["id"] in run.err
    beats = [line for line in run.err.splitlines() if line.startswith("waiting: ")]
    assert len(run.err.splitlines()) - len(beats) <= 40
    assert (len(beats) in range(25, 31)) == (reason == "timeout")


def test_a_pass_says_by_what_it_was_proved(cli, archive):
    run = cli("scan", archive, *GATE)
    image = run.result["images"][0]
    assert (image["proof"], image["task"]["status"], image["findings"]) == ("image_id", "succeeded", [])
    assert image["counts"]["vulnerability"] == {"critical": 0, "high": 0, "medium": 0, "low": 0, "unknown": 0}
    assert run.last_line.endswith("the image has passed the gate (exit 0)")
    assert run.result["policy"]["fail_on"]["vulnerability"] == "high"


def test_findings_are_listed_and_hold_no_secret(cli, archive, tmp_path):
    run = cli("-vv", "scan", archive, *GATE, "--scenario", "vulnerable", "-o", "table")
    assert len(run.result["images"][0]["findings"]) == 11
    written = "".join(path.read_text() for path in tmp_path.rglob("*") if path.suffix in (".json", ".txt"))
    for secret in (sandbox.SECRET_TEXT, sandbox.SAMPLE_URL):
        assert secret not in run.out + run.err + written


def test_a_warning_gate_alone_warns(cli, archive):
    run = cli("scan", archive, *SANDBOX, "--warn-on", "high", "--scenario", "vulnerable")
    assert (run.code, run.result["verdict"]) == (11, "WARN")
    assert "the image has findings at the warning gate" in run.last_line


def test_waiting_without_a_gate_means_high(cli, archive):
    assert cli("scan", archive, *SANDBOX, "--wait", "--scenario", "vulnerable").code == 10
    assert cli("scan", archive, *SANDBOX, "--no-wait", "--scenario", "vulnerable").result["verdict"] == "SUBMITTED"


def test_findings_below_the_gate_pass(cli, archive):
    run = cli("scan", archive, *SANDBOX, "--fail-on", "critical", "--scenario", "unknown-severity")
    assert run.code == 0
    assert "gate them at high" in run.result["warnings"][-2] + run.result["warnings"][-1] + run.result["warnings"][0]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--no-wait", "--fail-on", "high"), "--no-wait and a gate"),
        (("--waivers", "w.toml"), "--waivers belongs to a gate"),
        (("--baseline", "b.json"), "--baseline belongs to a gate"),
        (("--fixable-only",), "--fixable-only belongs to a gate"),
        (("--fail-on", "high", "--waivers", "missing.toml"), "missing.toml"),
        (("--fail-on", "high", "--baseline", "missing.json"), "missing.json"),
    ],
)
def test_what_cannot_be_meant_is_two_before_anything_is_sent(cli, archive, arguments, said):
    run = cli("scan", archive, *SANDBOX, *arguments)
    assert (run.code, run.result["tasks"]) == (2, [])
    assert said in run.err


def test_the_stricter_of_flag_and_found_file_wins(cli, archive, tmp_path):
    (tmp_path / ".jenkins-scan.toml").write_text('fail-on = "none"\n[policy.vulnerability]\nfail_on = "low"\n')
    vulnerable = ("--scenario", "vulnerable")
    assert cli("scan", archive, *SANDBOX, *vulnerable).code == 10
    weak = cli("scan", archive, *SANDBOX, *vulnerable, "--fail-on", "critical")
    assert weak.result["policy"]["fail_on"]["vulnerability"] == "low"
    assert weak.result["policy"]["fail_on"]["malicious-file"] == "critical"
    unwaited = cli("scan", archive, *SANDBOX, *vulnerable, "--no-wait")
    assert (unwaited.code, unwaited.result["verdict"]) == (0, "SUBMITTED")
    assert "are not applied: --no-wait" in unwaited.result["warnings"][0]


def test_waived_findings_stay_visible(cli, archive, tmp_path):
    every = cli("scan", archive, *GATE, "--scenario", "vulnerable").result["images"][0]["findings"]
    waivers = "".join(
        f'[[waiver]]\nid = "{name}"\nreason = "accepted"\nexpires = 2030-01-01\n'
        for name in sorted({finding["id"] for finding in every})
    )
    (tmp_path / "w.toml").write_text(waivers)
    run = cli("scan", archive, *GATE, "--scenario", "vulnerable", "--waivers", "w.toml")
    image = run.result["images"][0]
    assert (run.code, image["findings"], len(image["waived"])) == (0, [], len(every))
    assert image["waived"][0]["waiver"]["reason"] == "accepted"
    fork = {"JENKINS_URL": "https://ci.example.com/", "JOB_NAME": "x", "CHANGE_FORK": "stranger"}
    ignored = cli("scan", archive, *GATE, "--scenario", "vulnerable", "--waivers", "w.toml", env=fork)
    assert ignored.code == 10
    assert any("fork" in warning for warning in ignored.result["warnings"])


def test_only_what_is_new_against_a_baseline_is_gated(cli, archive, tmp_path):
    first = cli("scan", archive, *GATE, "--scenario", "vulnerable", "--report-dir", "first")
    assert first.code == 10
    run = cli("scan", archive, *GATE, "--scenario", "vulnerable", "--baseline", "first/result.json")
    image = run.result["images"][0]
    assert (run.code, image["new"], image["known"], image["fixed"]) == (0, 0, 11, 0)
    write_docker_archive(tmp_path / "other.tar", "registry.example.com/other:1")
    other = cli("scan", f"docker-archive://{tmp_path}/other.tar", *GATE, "--baseline", "first/result.json")
    assert (other.code, other.result["tasks"]) == (2, [])


def test_several_images_are_judged_each(cli, archive, tmp_path):
    other = packed_image(["registry.example.com/other:1"], layers=[b"other"])
    (tmp_path / "other.tar").write_bytes(docker_archive(other))
    (tmp_path / "scenario.toml").write_text(
        '[[finding]]\nkind = "cve"\nid = "CVE-2024-9"\nseverity = "asap"\npackage = "p"\nimage = "*other*"\n'
    )
    run = cli("scan", archive, f"docker-archive://{tmp_path}/other.tar", *GATE, "--scenario", "scenario.toml")
    assert [image["verdict"] for image in run.result["images"]] == ["PASS", "FAIL"]
    assert (run.code, run.result["verdict"]) == (10, "FAIL")


def test_result_fits_the_published_schema(cli, archive):
    from jsonschema import Draft202012Validator

    from tests.architecture.test_examples import ROOT

    # That the schema is one is tested with the places of reports, once: it takes longer than the scans.
    validator = Draft202012Validator(json.loads((ROOT / "docs/result.schema.json").read_text()))
    for scenario in ("clean", "vulnerable", "slow", "scan-failed"):
        validator.validate(cli("scan", archive, *GATE, "--scenario", scenario).result)


def test_a_found_file_cannot_weaken_a_wait_without_a_gate(cli, archive, tmp_path):
    for weak in ('[policy]\ndeny = ["nothing"]\n', 'fail-on = "critical"\n', 'warn-on = "low"\n'):
        (tmp_path / ".jenkins-scan.toml").write_text(weak)
        assert cli("scan", archive, *SANDBOX, "--wait", "--scenario", "unknown-severity").code == 10


@pytest.mark.parametrize(
    ("endpoint", "code", "said"),
    [
        ("https://tds.example.com", 2, "the sandbox made it"),
        ("http://127.0.0.1:9", 15, "cannot be reached"),
        ("http://[", 2, "the URL cannot be read"),
    ],
)
def test_a_baseline_of_the_sandbox_is_for_places_where_a_sandbox_may_answer(cli, archive, endpoint, code, said):
    cli("scan", archive, *GATE, "--report-dir", "first")
    keys = {
        "ALIBABA_CLOUD_ACCESS_KEY_ID": "made-up-id",
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "made-up-secret",
        "JENKINS_SCAN_TOKEN": "made-up-token",
    }
    wanted = ("--endpoint", endpoint, "--fail-on", "high", "--baseline", "first/result.json")
    run = cli("scan", archive, *wanted, env=keys)
    assert (run.code, said in run.err) == (code, True)


def test_the_report_of_the_last_run_may_be_the_baseline_of_this_one(cli, archive):
    assert cli("scan", archive, *GATE, "--scenario", "vulnerable").code == 10
    again = cli("scan", archive, *GATE, "--scenario", "vulnerable", "--baseline", "scan-report/result.json")
    assert (again.code, again.result["images"][0]["known"]) == (0, 11)


def test_a_forks_waivers_beside_the_working_folder_are_in_the_workspace_too(cli, archive, tmp_path):
    (tmp_path.parent / "w.toml").write_text("")
    env = {
        "JENKINS_URL": "https://ci.example.com/",
        "JOB_NAME": "x",
        "CHANGE_FORK": "s",
        "WORKSPACE": str(tmp_path.parent),
    }
    run = cli("scan", archive, *GATE, "--waivers", "../w.toml", env=env)
    assert any("are not applied" in warning for warning in run.result["warnings"])


def test_an_expired_waiver_and_a_strange_word_are_said(cli, archive, tmp_path):
    (tmp_path / "w.toml").write_text('[[waiver]]\nid = "CVE-2024-0001"\nreason = "old"\nexpires = 2020-01-01\n')
    run = cli("scan", archive, *GATE, "--scenario", "unknown-status", "--waivers", "w.toml")
    assert any("expired on 2020-01-01" in warning for warning in run.result["warnings"])
    assert any("no status that is known" in warning for warning in run.result["warnings"])
