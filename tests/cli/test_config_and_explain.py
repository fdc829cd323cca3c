"""`config` and `explain`: what is in effect and where it came from, and what a code means."""

import json

import pytest

from jenkins_scan.config.options import OPTIONS

SECRETS = {
    "ALIBABA_CLOUD_ACCESS_KEY_ID": "CanaryKeyId12345",
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "CanarySecret12345",
    "JENKINS_SCAN_TOKEN_FILE": "token",
    "JENKINS_API_TOKEN": "CanaryApiToken12345",
}


def shown(cli, *arguments, env=None):
    run = cli("config", "-o", "json", *arguments, env=env)
    assert run.code == 0
    return json.loads(run.out)


def test_every_setting_says_where_it_came_from(cli, tmp_path):
    (tmp_path / ".jenkins-scan.toml").write_text('report-dir = "reports"\ntimeout = "20m"\nfail-on = "low"\n')
    env = {"JENKINS_SCAN_TIMEOUT": "5m", "JENKINS_SCAN_MIN_QUOTA": "7"}
    found = shown(cli, "--region", "cn-hangzhou", "--min-quota", "9", env=env)
    assert (found["command"], found["file"]) == ("scan", str(tmp_path / ".jenkins-scan.toml"))
    told = {name: (each["value"], each["from"], each["named"]) for name, each in found["settings"].items()}
    assert told["region"] == ("cn-hangzhou", "flag", "--region")
    assert told["min-quota"] == (9, "flag", "--min-quota")
    assert told["timeout"] == ("300s", "environment", "JENKINS_SCAN_TIMEOUT")
    assert told["report-dir"] == ("reports", "file", str(tmp_path / ".jenkins-scan.toml"))
    assert told["jobs"] == (8, "default", None)
    assert told.keys() - {"image"} == {option.name for option in OPTIONS if "scan" in option.commands}


def test_the_gates_of_flag_and_file_are_shown_as_they_are_applied(cli, tmp_path):
    (tmp_path / ".jenkins-scan.toml").write_text('[policy]\ndeny = ["CVE-1"]\n[policy.baseline]\nwarn_on = "low"\n')
    policy = shown(cli, "--fail-on", "high")["policy"]
    assert policy["fail_on"]["vulnerability"] == "high"
    assert policy["warn_on"] == {"baseline": "low"}
    assert policy["deny"] == ["cve-1"]


def test_secrets_are_said_to_be_there_and_shown_nowhere(cli, tmp_path):
    (tmp_path / "token").write_text("CanaryToken12345")
    run = cli("config", env={**SECRETS, "JENKINS_SCAN_NAMESPACE": "CanarySecret12345"})
    assert "Canary" not in run.out + run.err
    assert "in the file that JENKINS_SCAN_TOKEN_FILE names" in run.out
    assert shown(cli, env=SECRETS)["secrets"] == {
        "ALIBABA_CLOUD_ACCESS_KEY_ID": "set",
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "set",
        "ALIBABA_CLOUD_SECURITY_TOKEN": "not set",
        "JENKINS_SCAN_TOKEN": "in the file that JENKINS_SCAN_TOKEN_FILE names",
        "JENKINS_USER_ID": "not set",
        "JENKINS_API_TOKEN": "set",
    }


@pytest.mark.parametrize(
    ("named", "why"),
    [
        ("/nowhere/token", "cannot be read: No such file or directory"),
        (".", "cannot be read: Is a directory"),
        ("empty", "is empty"),
    ],
)
def test_a_secret_whose_file_gives_none_is_not_said_to_be_there(cli, tmp_path, named, why):
    (tmp_path / "empty").write_text(" \n")
    secrets = shown(cli, env={"JENKINS_SCAN_TOKEN_FILE": named})["secrets"]
    assert secrets["JENKINS_SCAN_TOKEN"] == f"in the file that JENKINS_SCAN_TOKEN_FILE names, which {why}"


@pytest.mark.parametrize("verb", ["scan", "scan-registry", "wait", "inspect", "quota", "doctor"])
def test_each_verb_has_its_own_settings(cli, verb):
    found = shown(cli, verb)
    mine = {option.name for option in OPTIONS if verb in option.commands}
    assert (found["command"], found["settings"].keys() - {"image"}) == (verb, mine)
    assert (found["policy"] is None) == (verb in ("inspect", "quota", "doctor"))


def test_images_of_the_file_are_shown(cli, tmp_path):
    (tmp_path / ".jenkins-scan.toml").write_text('image = ["a:1", "b:2"]')
    image = shown(cli)["settings"]["image"]
    assert (image["value"], image["from"]) == (["a:1", "b:2"], "file")
    assert "a:1, b:2" in cli("config").out


@pytest.mark.parametrize(
    ("arguments", "env"),
    [
        (("explain",), {}),
        (("blah",), {}),
        (("scan", "--min-quota", "x"), {}),
        (("scan", "--regoin", "x"), {}),
        ((), {"JENKINS_SCAN_REGOIN": "x"}),
        (("-o", "yaml"), {}),
    ],
)
def test_what_is_wrong_with_the_settings_is_said_with_2(cli, arguments, env):
    run = cli("config", *arguments, env=env)
    assert run.code == 2
    assert "->" in run.err


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("nope", "No such command 'nope'; name one of scan, "),
        ("scna", "No such command 'scna'; did you mean 'scan'?"),
        ("explain", "'explain' has no settings; name one of scan, "),
    ],
)
def test_a_command_that_is_not_there_is_told_from_one_without_settings(cli, command, said):
    assert said in cli("config", command).err


@pytest.mark.parametrize("text", ["regoin = 1", "region = 'cn-hangzhou'", "not TOML"])
@pytest.mark.parametrize("named", [(), ("--config", "my.toml")])
def test_a_refused_file_is_named_with_why_and_no_settings_are_shown(cli, tmp_path, text, named):
    text = "nope = 1" if named and "region" in text else text
    file = "my.toml" if named else ".jenkins-scan.toml"
    (tmp_path / file).write_text(text)
    run = cli(*named, "config")
    assert run.code == 2
    assert f"{file}: refused, see below" in run.out
    assert "timeout" not in run.out
    assert f"error: {file}: " in run.err
    found = json.loads(cli(*named, "config", "-o", "json").out)
    assert (found["file"], found["settings"], found["policy"]) == (file, {}, None)
    assert found["refused"] in run.err


@pytest.mark.parametrize("code", ["16", "-1", "timeout", "NoPermission", "StillRunning", "0", "FAIL", "ERROR"])
def test_a_code_is_explained_on_stdout(cli, code):
    run = cli("explain", code)
    assert (run.code, run.err) == (0, "")
    assert run.out.splitlines()[0]
    assert max(map(len, run.out.splitlines())) <= 130


def test_two_meanings_are_told_apart(cli):
    said = cli("explain", "NoPermission").out
    assert said.count("NoPermission with ") == 2
    assert "-> Grant the action" in said


def test_a_code_that_is_not_known_ends_with_2(cli):
    run = cli("explain", "BeyondQuota")
    assert run.code == 2
    assert "BeyondQuata" in run.err
