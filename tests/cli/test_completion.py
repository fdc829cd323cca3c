"""Completion in the shell: click's own, switched on by one variable."""

import pytest

from jenkins_scan.cli.main import VERBS, main


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_script(shell, monkeypatch, capsys):
    monkeypatch.setenv("_JENKINS_SCAN_COMPLETE", f"{shell}_source")
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 0
    assert f"_JENKINS_SCAN_COMPLETE={shell}_complete" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "number", "offered"),
    [
        ("jenkins-scan ", 1, list(VERBS)),
        ("jenkins-scan scan --fail-on ", 3, ["critical", "high", "medium", "low", "none"]),
        ("jenkins-scan wait --basel", 2, ["--baseline"]),
    ],
)
def test_what_can_follow_is_offered(words, number, offered, monkeypatch, capsys):
    monkeypatch.setenv("_JENKINS_SCAN_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(number))
    with pytest.raises(SystemExit):
        main([])
    assert [line.partition(",")[2] for line in capsys.readouterr().out.splitlines()] == offered
