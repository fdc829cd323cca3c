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


@pytest.fixture
def offered(monkeypatch, capsys):
    """What bash is told for a line that it has taken apart: `KIND,TEXT`, the last word of the line being begun."""

    def ask(line):
        words = line.split(" ")
        monkeypatch.setenv("_JENKINS_SCAN_COMPLETE", "bash_complete")
        monkeypatch.setenv("COMP_WORDS", "\n".join(words))
        monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
        with pytest.raises(SystemExit):
            main([])
        return capsys.readouterr().out.split()

    return ask


@pytest.fixture
def folder(tmp_path):
    """A working folder with files to name."""
    for name in ("bar.tar", "baz.tar", "sub/deep/x.tar", ".hidden/y", "layout/oci-layout"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("jenkins-scan ", [*VERBS]),
        ("jenkins-scan scan --fail-on ", ["critical", "high", "medium", "low", "none"]),
        ("jenkins-scan wait --basel", ["--baseline"]),
        ("jenkins-scan scan --region cn-ha", ["cn-hangzhou"]),
        ("jenkins-scan scan --endpoint s", ["sandbox"]),
        ("jenkins-scan scan -o j", ["json", "junit"]),
        ("jenkins-scan quota -o ", ["json", "table"]),
        ("jenkins-scan scan --scenario vuln", ["vulnerable"]),
        ("jenkins-scan sandbox serve --scenario vuln", ["vulnerable"]),
        ("jenkins-scan scan --baseline j", ["jenkins"]),
        ("jenkins-scan config d", ["doctor"]),
        ("jenkins-scan config scan d", []),
        ("jenkins-scan explain BeyondQ", ["BeyondQuata"]),
        ("jenkins-scan explain local/private", ["local/private-key"]),
    ],
)
def test_what_can_follow_is_offered(offered, line, expected):
    assert offered(line) == [f"plain,{word}" for word in expected]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("jenkins-scan scan --waivers w", "file,w"),
        ("jenkins-scan check --ca-bundle ", "file,"),
        ("jenkins-scan wait sc", "file,sc"),
        ("jenkins-scan --config c", "file,c"),
        ("jenkins-scan scan --baseline r", "file,r"),
        ("jenkins-scan scan --scenario my", "file,my"),
        ("jenkins-scan sandbox serve --state s", "file,s"),
        ("jenkins-scan doctor --report-dir r", "dir,r"),
        ("jenkins-scan scan --report-dir = r", "dir,r"),
    ],
)
def test_a_path_is_left_to_the_shell(offered, line, expected):
    assert offered(line) == [expected]


@pytest.mark.parametrize("verb", ["scan", "check", "inspect", "doctor"])
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", ["docker-archive://", "oci-archive://", "oci-dir://"]),
        ("oci", ["oci-archive://", "oci-dir://"]),
        ("registry : //x", []),
        ("docker-archive : //b", ["//bar.tar", "//baz.tar"]),
        ("docker-archive : //ba x", []),
        ("docker-archive : //s", ["//sub/deep/x.tar"]),
        ("docker-archive :", ["//bar.tar", "//baz.tar", "//layout/", "//sub/"]),
        ("docker", [f"docker-archive://{name}" for name in ("bar.tar", "baz.tar", "layout/", "sub/")]),
        ("docker-archive : //nowhere/b", []),
        ("docker-archive : //.h", ["//.hidden/y"]),
        ("oci-dir : //l", ["//layout"]),
        ("oci-dir : //s", ["//sub/deep/"]),
        ("docker-archive://b", ["docker-archive://bar.tar", "docker-archive://baz.tar"]),
    ],
)
def test_an_image_in_a_file_is_offered_in_the_parts_that_bash_makes_of_it(offered, folder, verb, words, expected):
    assert offered(f"jenkins-scan {verb} {words}") == [f"plain,{word}" for word in expected]


def test_a_report_is_offered_with_its_path(offered, folder):
    assert offered("jenkins-scan scan -o html = s") == ["plain,sub/deep/x.tar"]


def test_a_file_is_not_entered_as_a_folder(offered, folder):
    assert offered("jenkins-scan scan docker-archive : //bar.tar/") == []
