"""docs/prepush.md, word by word: each of its snippets keeps a bad image at home, and lets a good one go."""

import os
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.support.planted_images import build, build_clean, build_planted
from tests.support.snippets import blocks

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "prepush.md").read_text()
SNIPPETS = {language: blocks(PAGE, language) for language in ("sh", "bash", "toml", "yaml")}
NAMED = "registry.example.com/team/app:dev"


@pytest.fixture
def surroundings(docker_engine, tmp_path):
    """The environment of a developer: the tool on the PATH, an engine, an account without settings."""
    tool = tmp_path / "bin" / "jenkins-scan"
    tool.parent.mkdir()
    tool.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m jenkins_scan "$@"\n')
    tool.chmod(0o755)
    return {
        "PATH": f"{tool.parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "DOCKER_HOST": docker_engine.host_url,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
    }


@pytest.fixture
def run(surroundings):
    """Runs a command in a folder."""

    def command(*arguments, folder):
        return subprocess.run(
            arguments, cwd=folder, env=surroundings, capture_output=True, text=True, check=False, timeout=120
        )

    return command


@pytest.fixture
def checkout(run, tmp_path):
    """A repository with a commit and a bare one to push to; `pushed` tells whether that has the commit."""
    folder, bare = tmp_path / "checkout", tmp_path / "bare.git"
    run("git", "init", "-q", "--bare", str(bare), folder=tmp_path)
    run("git", "init", "-q", "-b", "main", str(folder), folder=tmp_path)
    (folder / ".jenkins-scan.toml").write_text(SNIPPETS["toml"]["Which image belongs to the checkout"])
    who = ("-c", "user.name=Dev", "-c", "user.email=dev@example.com")
    run("git", "add", ".", folder=folder)
    assert run("git", *who, "commit", "-qm", "A change", folder=folder).returncode == 0
    run("git", "remote", "add", "origin", str(bare), folder=folder)
    return folder


def pushed(run, checkout):
    """What a push said, and whether the commit arrived."""
    done = run("git", "push", "origin", "main", folder=checkout)
    arrived = run("git", "ls-remote", "origin", "main", folder=checkout).stdout
    assert (done.returncode == 0) == bool(arrived)
    return done.stderr, bool(arrived)


def hook(checkout, text):
    place = checkout / ".git" / "hooks" / "pre-push"
    place.parent.mkdir(exist_ok=True)
    place.write_text(text)
    place.chmod(0o755)


def test_every_snippet_of_the_page_is_run_here():
    assert {language: [*found] for language, found in SNIPPETS.items()} == {
        "sh": ["", "A git hook"],
        "bash": ["Before `docker push`"],
        "toml": ["Which image belongs to the checkout"],
        "yaml": ["With pre-commit"],
    }
    assert PAGE.count("\n```\n") == 5


def test_the_first_line_of_the_page_checks_an_image(client, run, tmp_path):
    (line,) = SNIPPETS["sh"][""].splitlines()
    build_clean(client, shlex.split(line)[-1])
    done = run("sh", "-c", line, folder=tmp_path)
    assert (done.returncode, done.stderr.splitlines()[-1][:8]) == (0, "CHECKED ")


def test_the_git_hook_stops_a_push_until_the_image_is_mended(client, run, checkout):
    hook(checkout, SNIPPETS["sh"]["A git hook"])
    build_planted(client, NAMED)
    said, arrived = pushed(run, checkout)
    assert not arrived
    assert "FAIL policy: " in said
    assert "local/private-key" in said
    assert "id_rsa" in said
    assert "-> " in said
    build_clean(client, NAMED)
    said, arrived = pushed(run, checkout)
    assert arrived
    assert "CHECKED " in said
    assert [path.name for path in checkout.iterdir() if path.name != ".git"] == [".jenkins-scan.toml"]


def test_the_git_hook_lets_a_warning_pass_and_nothing_else(client, run, checkout):
    hook(checkout, SNIPPETS["sh"]["A git hook"])
    settings = checkout / ".jenkins-scan.toml"
    settings.write_text(settings.read_text().replace("team/app:dev", "team/gone:1"))
    said, arrived = pushed(run, checkout)
    assert not arrived
    assert "ERROR image: " in said
    build(client, "registry.example.com/team/gone:1", b"FROM scratch\nCOPY app /app\nUSER 10001\n", app=b"x")
    settings.write_text('image = "registry.example.com/team/gone:1"\nwarn-on = "low"\n')
    said, arrived = pushed(run, checkout)
    assert arrived
    assert "WARN warn: " in said


def test_the_hook_for_pre_commit_is_the_one_that_the_page_names(client, run, checkout):
    """What pre-commit does with it: the entry is run in the top folder, and any exit code but 0 stops the push."""
    (asked,) = yaml.safe_load(SNIPPETS["yaml"]["With pre-commit"])["repos"]
    (offered,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert [each["id"] for each in asked["hooks"]] == [offered["id"]]
    assert (offered["stages"], offered["pass_filenames"], offered["always_run"]) == (["pre-push"], False, True)
    assert offered["verbose"] is True  # what a success means is seen
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert (offered["language"], offered["entry"].split()[0] in project["scripts"]) == ("python", True)
    hook(checkout, f"#!/bin/sh\nexec {offered['entry']} </dev/null\n")
    build_planted(client, NAMED)
    assert not pushed(run, checkout)[1]
    build_clean(client, NAMED)
    assert pushed(run, checkout)[1]


def test_docker_push_goes_through_the_check(client, registry, run, tmp_path):
    wrapper = SNIPPETS["bash"]["Before `docker push`"]

    def push(name, words="push -q"):
        return run("bash", "-c", f"{wrapper}\ndocker {words} {name}", folder=tmp_path)

    bad, good = (f"{registry.address}/prepush/{name}:1" for name in ("bad", "good"))
    build_planted(client, bad)
    build_clean(client, good)
    for words in ("push -q", "push", "image push"):
        stopped = push(bad, words)
        assert (stopped.returncode, "FAIL policy: " in stopped.stderr) == (10, True)
    for words in (f"push {bad}", "push -a", "push -qa", "image push --all-tags=true"):
        refused = push("-q" if bad in words else bad.removesuffix(":1"), words)
        assert (refused.returncode, "CHECKED" in refused.stderr) == (2, False)
    with pytest.raises(LookupError):
        registry.manifest("prepush/bad", "1")
    assert push(good).returncode == 0
    assert registry.manifest_digest("prepush/good", "1").startswith("sha256:")
    other = run("bash", "-c", f"{wrapper}\ndocker image ls -q", folder=tmp_path)
    assert (other.returncode, "CHECKED" in other.stderr, bool(other.stdout)) == (0, False, True)
