"""The configuration file at the command line: what a found one may do, and what it may never do."""

import pytest

SANDBOX = ("--endpoint", "sandbox")
JENKINS = {"JENKINS_URL": "https://ci.example.com/"}


@pytest.fixture
def workspace(tmp_path):
    def write(text, name=".jenkins-scan.toml"):
        (tmp_path / name).write_text(text)

    return write


@pytest.mark.parametrize(
    "line",
    [
        'endpoint = "http://127.0.0.1:9"',
        'docker-host = "tcp://evil.example.com:2375"',
        'soft = "quota,service"',
        'region = "cn-hangzhou"',
        'ca-bundle = "evil.pem"',
        "min-quota = 0",
        'digest = "aa"',
        'scenario = "clean"',
        'config = "other.toml"',
        'unheard-of = "x"',
        "fixable-only = true",
        '[policy.vulnerability]\nfail_onn = "high"',
        "= broken",
    ],
)
def test_a_planted_file_is_refused_before_any_request(cli, archive, workspace, line):
    workspace(line)
    run = cli("scan", archive, *SANDBOX, "--state", "s.db", env=JENKINS)
    assert run.code == 2
    assert run.result["reason"] == "usage"
    assert ".jenkins-scan.toml" in run.err
    assert run.result["quota"]["source"] is None
    assert not (run.folder.parent / "s.db").exists()


def test_in_the_build_of_a_fork_it_is_ignored_with_a_warning(cli, archive, workspace):
    workspace('soft = "quota"\nreport-dir = "hidden"')
    run = cli("scan", archive, *SANDBOX, "--scenario", "quota-exhausted", env={**JENKINS, "CHANGE_FORK": "stranger"})
    assert run.code == 12
    assert "ignored: this build is of a fork" in run.err
    assert run.result["build"]["from_fork"] is True


def test_what_a_found_file_may_set_is_used(cli, archive, workspace, tmp_path):
    workspace(
        f'image = "{archive}"\nreport-dir = "ours"\noutput = ["table=t.txt"]\nplatform = "linux/amd64"\ncolor = "never"'
    )
    run = cli("scan", *SANDBOX, report="ours")
    assert run.code == 0
    assert run.result["images"][0]["reference"] == archive
    assert "SUBMITTED" in (tmp_path / "t.txt").read_text()
    assert cli("inspect").code == 0


def test_flag_and_variable_win_over_the_file(cli, archive, workspace):
    workspace(f'image = "{archive}"\nplatform = "linux/arm64"')
    assert cli("scan", *SANDBOX).code == 13
    assert cli("scan", *SANDBOX, env={"JENKINS_SCAN_PLATFORM": "linux/amd64"}).code == 0
    assert cli("scan", *SANDBOX, "--platform", "linux/amd64", env={"JENKINS_SCAN_PLATFORM": "linux/s390x"}).code == 0


def test_a_named_file_is_trusted(cli, archive, workspace):
    workspace('endpoint = "sandbox"\nmin-quota = 95\nsoft = "quota"', name="ci.toml")
    assert cli("--config", "ci.toml", "scan", archive).code == 11
    assert cli("scan", archive, env={"JENKINS_SCAN_CONFIG": "ci.toml"}).code == 11
    assert cli("--config", "nowhere.toml", "scan", archive, *SANDBOX).code == 2


@pytest.mark.parametrize("place", ["../out", "/elsewhere/out", "link/out"])
def test_a_found_file_writes_below_the_working_folder_alone(cli, archive, workspace, tmp_path, place):
    (tmp_path / "link").symlink_to(tmp_path.parent)
    workspace(f'report-dir = "{place}"')
    run = cli("scan", archive, *SANDBOX)
    assert run.code == 2
    assert not (tmp_path.parent / "out").exists()


def test_a_named_file_with_a_strange_path_is_two(cli, archive, workspace):
    workspace('report-dir = "a\\u0000b"', name="ci.toml")
    assert cli("--config", "ci.toml", "scan", archive, *SANDBOX).code == 2
