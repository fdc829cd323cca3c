"""`inspect`, `quota`, `sandbox serve`, and the command line itself."""

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest

from jenkins_scan import __version__
from jenkins_scan.cli.main import VERBS
from jenkins_scan.clock import SystemClock

SANDBOX = ("--endpoint", "sandbox")


def test_inspect_gives_the_identity_as_json(cli, archive):
    run = cli("inspect", archive, "-o", "json")
    (identity,) = json.loads(run.out)["images"]
    assert (run.code, identity["store"], identity["reference"]) == (0, "archive", archive)
    assert identity["config_digest"].startswith("sha256:")
    assert identity["registry_digest"] is None
    assert not run.has_result


def test_inspect_shows_a_table_and_says_what_is_not_known(cli, archive):
    run = cli("inspect", archive)
    assert "not known" in run.out
    assert "config_digest" in run.out


def test_inspect_writes_into_a_file(cli, archive, tmp_path):
    assert cli("inspect", archive, "-o", "json=i.json").out == ""
    assert json.loads((tmp_path / "i.json").read_text())["images"]


@pytest.mark.parametrize(
    ("arguments", "env", "code"),
    [
        ((), {}, 2),
        (("nosuch:1",), {}, 13),
        (("Bad:1",), {}, 2),
        (("a:1", "--platform", "x"), {}, 2),
        (("a:1",), {"JENKINS_SCAN_X": "1"}, 2),
        (("a:1", "-o", "xml"), {}, 2),
        (("a:1", "--docker-host", "tcp://user:canary-pw@h:1"), {}, 2),
    ],
)
def test_inspect_fails_with_its_code_and_a_remedy(cli, arguments, env, code):
    run = cli("inspect", *arguments, env=env)
    assert run.code == code
    assert "error: " in run.err
    assert "->" in run.err
    assert "canary-pw" not in run.err


def test_inspect_passes_on_what_the_source_warns_of(cli, tmp_path):
    from tests.support.images import write_docker_archive

    write_docker_archive(tmp_path / "nameless.tar")
    run = cli("inspect", "docker-archive://nameless.tar")
    assert run.code == 0
    assert "warning:" in run.err


def test_quota_shows_capacity_used_and_remaining(cli):
    run = cli("quota", *SANDBOX, "-o", "json")
    assert json.loads(run.out) == {"capacity": 100, "used": 10, "remaining": 90, "sandbox": True}
    assert "SANDBOX" in cli("quota", *SANDBOX).out


@pytest.mark.parametrize(
    ("scenario", "code"), [("no-permission", 14), ("not-activated", 14), ("clock-skew", 14), ("nope", 2)]
)
def test_quota_fails_with_its_code(cli, scenario, code):
    run = cli("quota", *SANDBOX, "--scenario", scenario)
    assert run.code == code
    assert "->" in run.err


def test_quota_needs_no_cicd_token(cli):
    run = cli("quota", "--endpoint", "http://127.0.0.1:1", env=KEYS)
    assert run.code == 15
    assert "127.0.0.1:1" in run.err


KEYS = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "canary-key-id", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "canary-key-secret"}


def test_version_and_help_of_every_verb(cli):
    assert cli("--version").out == f"jenkins-scan {__version__}\n"
    for verb in VERBS:
        run = cli(verb, "--help")
        assert (run.code, run.err) == (0, "")
        assert run.out.startswith(f"Usage: jenkins-scan {verb}")


def test_no_verb_shows_the_help_and_is_two(cli):
    run = cli()
    assert run.code == 2
    assert "Commands:" in run.err


@pytest.mark.parametrize("option", ["-q", "-v", "--config", "--color"])
def test_an_option_of_all_verbs_behind_the_verb_is_explained(cli, option):
    run = cli("scan", "a:1", option)
    assert run.code == 2
    assert f"It stands before the command: jenkins-scan {option} COMMAND" in run.err


def test_an_unknown_verb_is_suggested(cli):
    assert "Did you mean 'scan'?" in cli("scann").err
    assert "There are: scan" in cli("zzz").err


def test_verbose_names_the_requests_but_no_secret(cli, archive):
    run = cli(
        "-vv", "scan", archive, "--endpoint", "http://127.0.0.1:1", env={**KEYS, "JENKINS_SCAN_TOKEN": "canary-token"}
    )
    assert run.code == 15
    assert "DescribeImageScanAuthCount" in run.err
    assert "canary" not in run.err + run.out + (run.folder / "result.json").read_text()


def test_colour_is_asked_for_by_flag_or_variable(capsys, archive, monkeypatch):
    from jenkins_scan.cli.main import main

    for arguments, variables, coloured in [
        (["--color", "always"], {}, True),
        ([], {"FORCE_COLOR": "1"}, True),
        ([], {"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, False),
        ([], {"FORCE_COLOR": "0"}, False),
        (["--color", "never"], {"FORCE_COLOR": "1"}, False),
        ([], {}, False),
    ]:
        with monkeypatch.context() as surroundings:
            for name, value in variables.items():
                surroundings.setenv(name, value)
            main([*arguments, "scan", archive, *SANDBOX])
        assert ("\x1b[" in capsys.readouterr().err) == coloured


@contextmanager
def serve(*arguments):
    """A running `sandbox serve`, which ends with the test whatever becomes of it."""
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
        "COVERAGE_PROCESS_START": os.environ.get("COVERAGE_PROCESS_START", ""),
    }
    with subprocess.Popen(
        [sys.executable, "-m", "jenkins_scan", "sandbox", "serve", *arguments],
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        try:
            yield server
        finally:
            server.terminate()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_sandbox_serve_says_where_it_is_serves_and_ends_on_a_signal(cli, archive, number):
    with serve("--scenario", "quota-low") as server:
        ready = json.loads(server.stdout.readline())
        env = {
            "ALIBABA_CLOUD_ACCESS_KEY_ID": ready["access_key_id"],
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": ready["access_key_secret"],
            "JENKINS_SCAN_TOKEN": ready["token"],
            "JENKINS_SCAN_ENDPOINT": ready["url"],
        }
        quota = cli("quota", "-o", "json", env=env, at=SystemClock())
        server.send_signal(number)
        assert server.wait(10) == 0
    assert json.loads(quota.out)["remaining"] == 5
    assert json.loads(quota.out)["sandbox"] is True


@pytest.mark.slow
def test_a_sandbox_over_http_that_a_variable_named_is_refused_in_jenkins(cli, archive):
    with serve() as server:
        ready = json.loads(server.stdout.readline())
        env = {
            "ALIBABA_CLOUD_ACCESS_KEY_ID": ready["access_key_id"],
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": ready["access_key_secret"],
            "JENKINS_SCAN_TOKEN": ready["token"],
            "JENKINS_URL": "https://ci.example.com/",
        }
        unnamed = cli("scan", archive, env={**env, "JENKINS_SCAN_ENDPOINT": ready["url"]}, at=SystemClock())
        assert (unnamed.result["tasks"], unnamed.result["sandbox"]) == ([], True)
        named = cli("scan", archive, "--endpoint", ready["url"], env=env, at=SystemClock())
        server.terminate()
        server.wait(10)
    assert (unnamed.code, named.code) == (2, 0)
    assert named.result["sandbox"] is True


def test_sandbox_serve_refuses_a_scenario_it_does_not_know(cli):
    assert cli("sandbox", "serve", "--scenario", "claen").code == 2
    assert cli("sandbox").code == 2
