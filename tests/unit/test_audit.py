"""The audit of the lock files, with pip and pip-audit that say what a test wants."""

import json
import subprocess

import pytest

from scripts import audit

FOUND = {"id": "PYSEC-2026-1", "aliases": ["CVE-2026-0001"], "fix_versions": ["2.1", "3.0"], "description": "d"}
GOOD = {"name": "click", "version": "8.5.1", "vulns": []}
BAD = {"name": "idna", "version": "2.0", "vulns": [FOUND, {**FOUND, "id": "GHSA-x", "aliases": [], "fix_versions": []}]}
UNKNOWN = {"name": "own", "skip_reason": "Dependency not found on PyPI and could not be audited: own (1)"}


class Tools:
    """Answers to each command by its last module: (code, stdout, stderr), or an exception."""

    def __init__(self, answer, pip=(0, "", "")):
        self.answers = {"venv": (0, "", ""), "pip": pip, "pip_audit": answer}
        self.asked, self.seconds, self.now = [], [], 0.0

    def __call__(self, command, seconds):
        module = command[command.index("-m") + 1]
        self.asked.append(list(command))
        self.seconds.append(seconds)
        self.now += 7
        if isinstance(self.answers[module], Exception):
            raise self.answers[module]
        return subprocess.CompletedProcess(command, *self.answers[module])


def said(*dependencies):
    return (0, json.dumps({"dependencies": dependencies, "fixes": []}), "")


@pytest.fixture
def audited(tmp_path, capsys):
    def run(answer, **more):
        tools = Tools(answer, **more)
        (tmp_path / "audit").mkdir(exist_ok=True)
        code = audit.audit(tools, now=lambda: tools.now, environment=tmp_path / "audit")
        return code, capsys.readouterr().out, tools

    return run


def test_dependencies_without_a_known_vulnerability_pass(audited):
    code, out, tools = audited(said(GOOD, GOOD))
    assert (code, out) == (0, "1 packages were audited, 0 vulnerabilities are known.\n")
    (asked,) = (command for command in tools.asked if "pip_audit" in command)
    assert all(lock in asked for lock in audit.LOCKS)
    assert {"--disable-pip", "--require-hashes"} <= set(asked)


def test_a_known_vulnerability_fails_and_is_named_with_the_version_that_mends_it(audited):
    code, out, _ = audited(said(GOOD, BAD, UNKNOWN))
    assert code == 1
    assert "VULNERABLE: idna 2.0: PYSEC-2026-1, CVE-2026-0001; mended in 2.1 or 3.0\n" in out
    assert "VULNERABLE: idna 2.0: GHSA-x; mended in no version yet\n" in out
    assert "NOT AUDITED: the package index has no data for own.\n" in out


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (said(UNKNOWN), "no vulnerability data for any of 1 packages"),
        ((1, "", "ERROR:pip_audit._cli:Could not connect to PyPI's vulnerability feed"), "did not answer"),
        ((1, "", "requests.exceptions.ConnectionError: refused"), "did not answer"),
        (subprocess.TimeoutExpired("pip_audit", 60), "within 60 s"),
    ],
)
def test_without_a_database_it_says_so_and_does_not_fail(audited, answer, says):
    code, out, _ = audited(answer)
    assert code == 0
    assert out.startswith("NOT AUDITED: ")
    assert says in out


@pytest.mark.parametrize(
    ("pip", "code"),
    [
        ((1, "", "ERROR: Could not find a version\nERROR: No matching distribution found for pip-audit"), 0),
        ((1, "", "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES"), 2),
        ((1, "", ""), 2),
    ],
)
def test_an_installation_that_fails_is_no_audit_and_wrong_hashes_are_a_failure(audited, pip, code):
    ended, out, tools = audited(said(GOOD), pip=pip)
    assert ended == code
    assert out.startswith(("NOT AUDITED", "The audit is broken"))
    assert not any("pip_audit" in command for command in tools.asked)


@pytest.mark.parametrize("answer", [(2, "usage", "no such option"), (0, "{}", ""), (1, "[]", "")])
def test_an_audit_that_is_broken_is_no_pass(audited, answer):
    code, out, _ = audited(answer)
    assert code == 2
    assert out.startswith("The audit is broken: pip-audit ended with")


def test_all_of_it_gets_one_minute_and_the_next_run_installs_nothing(audited):
    assert audited(said(GOOD))[2].seconds == [60, 53, 46]
    assert len(audited(said(GOOD))[2].asked) == 1


def test_a_command_is_run_without_input_and_within_its_time():
    assert audit.run(["/bin/echo", "word"], 10).stdout == "word\n"
    with pytest.raises(subprocess.TimeoutExpired):
        audit.run(["/bin/sleep", "10"], 0.01)
