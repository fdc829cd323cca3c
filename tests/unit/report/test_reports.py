"""What the reports make of a run: lines that fit a console, and text from strangers that stays harmless."""

import json

import pytest

from jenkins_scan import errors
from jenkins_scan.errors import Reason
from jenkins_scan.gate.verdict import judge
from jenkins_scan.images.interface import Platform
from jenkins_scan.jenkins.environment import read_build
from jenkins_scan.record import ImageRun, Run, TaskRecord
from jenkins_scan.report import as_json, summary, table
from jenkins_scan.report.compose import compose
from jenkins_scan.report.outputs import write_atomically
from jenkins_scan.security_center.interface import CreatedTask, Quota
from tests.support.images import pushed

HOSTILE = "x\x1b[31m\r\nevil\x00 [red]b[/red] \u202egnp.exe </script>"


def result_of(run, settings=None):
    verdict = judge(run.reasons, exit_code=None if run.interrupted is None else run.interrupted.exit_code)
    return compose(run, settings, read_build({}), verdict, finished_at=1.0)


def opened(**changes):
    run = Run(
        started_at=0.0,
        image=ImageRun("app:1", identity=pushed(), task=TaskRecord(CreatedTask("TASK", capacity=7), 0.0)),
    )
    for name, value in changes.items():
        setattr(run, name, value)
    return run


@pytest.mark.parametrize("render", [summary.render, table.render, as_json.render])
def test_hostile_text_comes_out_harmless(render):
    run = opened(warnings=[HOSTILE])
    run.image.task = TaskRecord(CreatedTask(HOSTILE), 0.0)
    run.image.identity = pushed(platform=Platform("linux", HOSTILE))
    run.image.reference = HOSTILE
    run.image.error = errors.ServiceFault(HOSTILE, remedy=HOSTILE)
    text = render(result_of(run))
    for forbidden in ("\x1b", "\r", "\x00", "\u202e", "\nevil"):
        assert forbidden not in text
    assert "evil" in text


def test_json_is_ascii_for_whatever_encoding_jenkins_reads_it_with():
    run = opened(warnings=["Käse 中文"])
    text = as_json.render(result_of(run))
    assert text.isascii()
    assert json.loads(text)["warnings"] == ["Käse 中文"]


def test_the_summary_stays_one_line_whatever_the_service_calls_the_task():
    run = opened()
    run.image.task = TaskRecord(CreatedTask("t1\x1b[31m\nFAKE LINE PASS"), 0.0)
    assert summary.render(result_of(run)).count("\n") == 1
    assert "\n" not in summary.verdict_line(result_of(run))


def test_a_total_that_came_with_the_task_is_shown_beside_another_one():
    rows = dict(summary.rows(result_of(opened(quota=Quota(100, 10)))))
    assert rows["quota"].endswith("the task came with a total of 7")


def test_the_summary_is_one_line_and_names_the_task():
    assert summary.render(result_of(opened())) == "SUBMITTED: app:1, task TASK is open\n"
    assert summary.render(result_of(Run(0.0, ImageRun("")))) == "SUBMITTED: no image\n"


def test_many_warnings_do_not_flood_the_console():
    rows = list(summary.rows(result_of(opened(warnings=[f"w{number}" for number in range(100)]))))
    assert len(rows) < 30
    assert ("warning", "and 88 more in result.json") in rows


def test_without_the_remaining_quota_the_purchased_total_is_said_to_be_just_that():
    assert "7 scans purchased, how many are left is not known" in dict(summary.rows(result_of(opened())))["quota"]
    assert "90 of 100" in dict(summary.rows(result_of(opened(quota=Quota(100, 10)))))["quota"]


def test_a_signal_is_a_reason_beside_the_error():
    run = opened(interrupted=errors.Interrupted(2))
    run.image.error = errors.QuotaTooLow("low")
    result = result_of(run)
    assert (result.exit_code, result.verdict) == (130, "INCOMPLETE")
    assert [reason.slug for reason in result.images[0].reasons] == ["quota", "interrupted"]
    run.image.task = None
    assert "Nothing was opened" in result_of(run).images[0].reasons[1].remedy


@pytest.mark.parametrize("reason", list(Reason))
def test_the_last_line_has_one_shape_for_every_reason(reason):
    run = opened()
    verdict = judge([reason])
    line = summary.verdict_line(compose(run, None, read_build({}), verdict, finished_at=1.0))
    assert line.startswith(f"{verdict.word} {reason.slug}: task TASK is open; ")
    assert line.endswith(f"(exit {reason.code})")


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path):
    path = tmp_path / "result.json"
    write_atomically(path, "one\n")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(path, "lone \ud800 surrogate")
    assert path.read_bytes() == b"one\n"
    assert [each.name for each in tmp_path.iterdir()] == ["result.json"]
