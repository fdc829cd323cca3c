"""The bed's own promises: each is broken by a lie, and found out."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.faults.bed import ROOT, Done, broken_promises, kept
from tests.support.canaries import CANARIES, KEY_SECRET, TOKEN, forms, leaks

GOLDEN = (ROOT / "tests/golden/clean/result.json").read_text(encoding="ascii")
TASK = json.loads(GOLDEN)["tasks"][0]["id"]


@pytest.fixture
def left(tmp_path: Path) -> Callable[..., Done]:
    """A run that passed and kept every promise, but for what a test changes."""

    def build(code: int = 0, out: str = "", err: str = "PASS (exit 0)\n", **fields: Any) -> Done:
        (tmp_path / "result.json").write_text(json.dumps(json.loads(GOLDEN) | fields), encoding="ascii")
        return Done(code, out, err, tmp_path)

    return build


def test_an_honest_run_breaks_none(left):
    assert broken_promises(left(), [TASK]) == []
    assert kept(left(), [TASK]) == "the task's id"


@pytest.mark.parametrize("name", CANARIES)
@pytest.mark.parametrize("stream", ["out", "err"])
def test_a_secret_that_is_shown(name, stream, left):
    for form in forms(CANARIES[name]):
        assert f"{name} is shown" in broken_promises(left(**{stream: f"a line with {form} in it"}))


@pytest.mark.parametrize("file", ["summary.txt", "html/index.html"])
def test_a_secret_in_a_report(file, left, tmp_path):
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text(f"<p>{KEY_SECRET}</p>")
    assert broken_promises(left()) == ["ALIBABA_CLOUD_ACCESS_KEY_SECRET is shown"]


def test_a_secret_in_the_result_file(left):
    assert broken_promises(left(warnings=[f"the token {TOKEN} is wrong"])) == ["JENKINS_SCAN_TOKEN is shown"]


def test_a_traceback(left):
    shown = left(code=15, exit_code=15, verdict="ERROR", err="Traceback (most recent call last):\n  ...\n")
    assert broken_promises(shown) == ["a traceback is shown"]


def test_a_bug(left):
    assert "it ends with 1, a bug" in broken_promises(left(code=1, exit_code=1, verdict="ERROR"))


@pytest.mark.parametrize("fields", [{"verdict": "GREEN"}, {"schema": "another"}, {"images": None}, {"exit_code": "0"}])
def test_a_result_file_that_is_not_as_published(fields, left):
    assert broken_promises(left(**fields)) != []


def test_a_result_file_that_is_no_json(left, tmp_path):
    run = left()
    (tmp_path / "result.json").write_text(GOLDEN[:-20], encoding="ascii")
    assert broken_promises(run) == ["result.json is no JSON"]


def test_an_exit_code_that_is_not_the_one_of_the_result_file(left):
    assert broken_promises(left(code=0, exit_code=10, verdict="PASS")) == ["it ends with 0, and result.json says 10"]


@pytest.mark.parametrize(("code", "verdict"), [(0, "FAIL"), (0, "INCOMPLETE"), (10, "PASS"), (16, "SUBMITTED")])
def test_an_exit_code_that_the_verdict_belies(code, verdict, left):
    lie = f"it ends with {code}, and the verdict is {verdict}"
    assert broken_promises(left(code=code, exit_code=code, verdict=verdict)) == [lie]


def test_two_tasks_for_one_image(left):
    run = left(err=f"{TASK} {'e' * 32}\n")
    assert broken_promises(run, [TASK, "e" * 32]) == ["2 tasks were opened for one image"]


def test_a_task_that_nobody_names(left):
    lost = "e" * 32
    assert broken_promises(left(), [lost]) == [f"task {lost} is named nowhere"]
    assert broken_promises(left(err="ERROR a task may exist\n"), [lost]) == []


def test_a_lost_task_is_not_called_kept(left):
    assert kept(left(tasks=[], images=[]), ["e" * 32]) == "NOTHING OF A TASK"
    assert kept(left(tasks=[], images=[])) == "nothing was opened"


def test_every_form_of_a_secret_is_found_and_nothing_else():
    assert leaks("nothing of the kind") == []
    assert leaks(" ".join(CANARIES.values())) == list(CANARIES)
