"""What the reports make of a run: lines that fit a console, and text from strangers that stays harmless."""

import json
from dataclasses import replace
from functools import partial

import pytest

from jenkins_scan import errors
from jenkins_scan.errors import Reason
from jenkins_scan.gate.verdict import judge
from jenkins_scan.images.interface import Platform
from jenkins_scan.jenkins.environment import read_build
from jenkins_scan.redaction import Redactor
from jenkins_scan.report import summary
from jenkins_scan.report.compose import compose, without_secrets
from jenkins_scan.report.outputs import write_atomically
from jenkins_scan.security_center.interface import CreatedTask, Quota
from jenkins_scan.step.record import ImageRun, Run, TaskRecord
from tests.support import results
from tests.support.images import pushed
from tests.support.results import text_of

HOSTILE = "x\x1b[31m\r\nevil\x00 [red]b[/red] \u202egnp.exe </script>"


def result_of(run, settings=None):
    stop = None if run.interrupted is None else run.interrupted.exit_code
    return compose(
        run,
        settings,
        read_build({}),
        lambda reasons, judged: judge(reasons, judged=judged, exit_code=stop),
        finished_at=1.0,
    )


def opened(**changes):
    run = Run(
        started_at=0.0,
        images=[ImageRun("app:1", identity=pushed(), task=TaskRecord(CreatedTask("TASK", capacity=7), 0.0))],
    )
    for name, value in changes.items():
        setattr(run, name, value)
    return run


@pytest.mark.parametrize("render", [summary.render, partial(text_of, "table"), partial(text_of, "json")])
def test_hostile_text_comes_out_harmless(render):
    run = opened(warnings=[HOSTILE])
    run.images[0].task = TaskRecord(CreatedTask(HOSTILE), 0.0)
    run.images[0].identity = pushed(platform=Platform("linux", HOSTILE))
    run.images[0].reference = HOSTILE
    run.images[0].error = errors.ServiceFault(HOSTILE, remedy=HOSTILE)
    text = render(result_of(run))
    for forbidden in ("\x1b", "\r", "\x00", "\u202e", "\nevil"):
        assert forbidden not in text
    assert "evil" in text


def test_json_is_ascii_for_whatever_encoding_jenkins_reads_it_with():
    run = opened(warnings=["Käse 中文"])
    text = text_of("json", result_of(run))
    assert text.isascii()
    assert json.loads(text)["warnings"] == ["Käse 中文"]


def test_half_a_surrogate_pair_does_not_reach_the_report():
    run = opened()
    run.images[0].identity = pushed(canonical="a\ud800\U0001f4a9")
    cleaned = without_secrets(result_of(run), lambda text: text)
    assert cleaned.images[0].identity.canonical == "a \U0001f4a9"


def test_a_secret_is_taken_out_of_everything_that_is_not_our_own_word():
    """Of a run that ended in every way at once; `secret` stands wherever a stranger's text can stand."""
    secret = "canary-secret-1"
    hostile = results.hostile(secret)
    first, *others = hostile.images
    told = replace(
        hostile,
        tasks=(replace(hostile.tasks[0], status=secret, result=secret),),
        images=(replace(first, task=replace(first.task, word=secret)), *others),
    )
    clean = without_secrets(told, Redactor([secret]))
    assert secret not in text_of("json", clean)
    assert clean.reason == told.reason


def test_a_secret_with_an_escape_sequence_in_it_is_taken_out_too():
    clean = without_secrets(results.hostile("canary\x1b[31m-secret-1"), Redactor(["canary-secret-1"]))
    assert "canary" not in text_of("json", clean)


def test_a_secret_that_is_one_of_our_words_breaks_no_report():
    clean = without_secrets(results.every_ending()["fail"], Redactor(["policy", "succeeded", "vulnerability"]))
    assert (clean.reason, clean.images[0].task.status, clean.images[0].verdict) == ("policy", "succeeded", "FAIL")


def test_the_findings_that_decided_are_the_ones_that_are_shown():
    known = [{**results.stored(results.FINDINGS[0], known=True), "id": f"old-{number}"} for number in range(20)]
    new = {**results.stored(results.FINDINGS[2]), "id": "NEW-ONE", "gate": "fail"}
    run = results.result(results.image(findings=(*known, new), verdict="FAIL"))
    shown = [text for label, text in summary.rows(run) if label == "medium"]
    assert len(shown) == 1
    assert "NEW-ONE" in shown[0]
    for name in ("markdown", "html", "table"):
        assert "NEW-ONE" in text_of(name, run)


def test_the_summary_stays_one_line_whatever_the_service_calls_the_task():
    run = opened()
    run.images[0].task = TaskRecord(CreatedTask("t1\x1b[31m\nFAKE LINE PASS"), 0.0)
    assert summary.render(result_of(run)).count("\n") == 1
    assert "\n" not in summary.verdict_line(result_of(run))


def test_a_total_that_came_with_the_task_is_shown_beside_another_one():
    rows = dict(summary.rows(result_of(opened(quota=Quota(100, 10)))))
    assert rows["quota"].endswith("the task came with a total of 7")


def test_the_summary_is_one_line_and_names_the_task():
    assert summary.render(result_of(opened())) == "SUBMITTED: app:1, task TASK is open\n"
    assert summary.render(result_of(Run(0.0, [ImageRun("")]))) == "SUBMITTED: no image\n"


def test_many_warnings_do_not_flood_the_console():
    rows = list(summary.rows(result_of(opened(warnings=[f"w{number}" for number in range(100)]))))
    assert len(rows) < 30
    assert ("warning", "and 88 more in result.json") in rows


def test_without_the_remaining_quota_the_purchased_total_is_said_to_be_just_that():
    assert "7 scans purchased, how many are left is not known" in dict(summary.rows(result_of(opened())))["quota"]
    assert "90 of 100" in dict(summary.rows(result_of(opened(quota=Quota(100, 10)))))["quota"]


def test_a_signal_is_a_reason_beside_the_error():
    run = opened(interrupted=errors.Interrupted(2))
    run.images[0].error = errors.QuotaTooLow("low")
    result = result_of(run)
    assert (result.exit_code, result.verdict) == (130, "INCOMPLETE")
    assert [reason.slug for reason in result.images[0].reasons] == ["quota", "interrupted"]
    run.images[0].task = None
    assert "Nothing was opened" in result_of(run).images[0].reasons[1].remedy


@pytest.mark.parametrize("reason", list(Reason))
def test_the_last_line_has_one_shape_for_every_reason(reason):
    run = opened()
    verdict = judge([reason])
    line = summary.verdict_line(compose(run, None, read_build({}), lambda *_: verdict, finished_at=1.0))
    assert line.startswith(f"{verdict.word} {reason.slug}: task TASK is open; ")
    assert line.endswith(f"(exit {reason.code})")


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path):
    path = tmp_path / "result.json"
    write_atomically(path, "one\n")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(path, "lone \ud800 surrogate")
    assert path.read_bytes() == b"one\n"
    assert [each.name for each in tmp_path.iterdir()] == ["result.json"]


def several(**errors_by_name):
    """A run of three images, of which those named have this error and no task."""
    names = ("a:1", "b:1", "c:1")
    images = [
        ImageRun(name, pushed(), task=TaskRecord(CreatedTask(f"TASK-{name[0]}"), 0.0), warnings=[f"about {name[0]}"])
        for name in names
    ]
    for image in images:
        image.error = errors_by_name.get(image.reference[0])
        if image.error is not None:
            image.task = None
    return Run(0.0, images, warnings=["about all"])


def test_each_of_several_images_has_its_own_verdict_and_the_first_by_precedence_is_the_runs():
    result = result_of(several(a=errors.ImageNotFound("not there"), b=errors.QuotaTooLow("low")))
    assert [image.verdict for image in result.images] == ["ERROR", "FAIL", "SUBMITTED"]
    assert (result.verdict, result.reason, result.exit_code) == ("FAIL", "quota", 12)
    assert [task.id for task in result.tasks] == ["TASK-c"]


def test_several_images_stand_on_a_line_each_in_their_order():
    result = result_of(several(b=errors.QuotaTooLow("low")))
    lines = list(summary.images(result))
    assert [label for label, _ in lines] == ["SUBMITTED", "FAIL", "SUBMITTED"]
    assert [text.split(",")[0] for _, text in lines] == ["a:1", "quota: b:1", "c:1"]
    assert "task TASK-a is open" in lines[0][1]
    assert summary.render(result) == "FAIL: 3 images, 2 SUBMITTED, 1 FAIL, quota (exit 12)\n"
    last = summary.verdict_line(result)
    assert last.startswith("FAIL quota: 2 of 3 images have a task; ")
    assert last.endswith("the images have not been judged (exit 12)")
    assert "TASK-a" in text_of("table", result)


def test_of_several_images_one_may_have_a_task_that_nobody_knows():
    run = several()
    run.images[1].task = TaskRecord(None, 0.0)
    assert "2 of 3 images have a task, 1 more may exist; " in summary.verdict_line(result_of(run))


def test_a_reason_that_several_images_share_is_said_once():
    shared = errors.CredentialsMissing("no token", remedy="Set one.")
    rows = list(summary.reasons(result_of(several(a=shared, b=shared, c=errors.QuotaTooLow("low")))))
    assert rows[0] == ("reason", "access: no token [a:1, b:1]")
    assert rows[2][1].endswith("[c:1]")


def test_the_names_of_very_many_images_are_counted():
    shared = errors.CredentialsMissing("no token")
    run = Run(0.0, [ImageRun(f"app:{number}", error=shared) for number in range(20)])
    assert next(summary.reasons(result_of(run)))[1].endswith("[app:0, app:1, app:2, app:3, app:4 and 15 more]")


def test_warnings_of_several_images_name_theirs():
    assert result_of(several()).warnings == ("about all", "a:1: about a", "b:1: about b", "c:1: about c")


def test_every_attempt_has_its_line():
    run = opened()
    run.images[0].error = errors.EngineAbsent("no engine", tried=("docker: no socket", "podman: no socket"))
    rows = list(summary.reasons(result_of(run)))
    assert rows[1:3] == [("", "tried docker: no socket"), ("", "tried podman: no socket")]
    assert result_of(run).images[0].reasons[0].tried == ("docker: no socket", "podman: no socket")
