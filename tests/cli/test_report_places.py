"""Where `jenkins-scan scan` writes: proved before any task, whole or not at all, and never out of its place."""

import io
import json
import os
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter

from jenkins_scan.cli.app import App
from jenkins_scan.cli.reported import _last_words, _write_reports
from jenkins_scan.cli.signals import Interruptions
from jenkins_scan.cli.terminal import Terminal
from jenkins_scan.config.file import FileSettings
from jenkins_scan.config.settings import Overrides, ReportedSettings, ServiceSettings
from jenkins_scan.jenkins.environment import read_build
from jenkins_scan.report import bare
from jenkins_scan.report.earlier import read_earlier
from jenkins_scan.report.outputs import STANDARD_SET, parse_outputs
from jenkins_scan.report.result import Result
from jenkins_scan.security_center.interface import CreatedTask
from jenkins_scan.step.record import ImageRun, Run, TaskRecord
from jenkins_scan.step.submission import prepare
from tests.support.images import pushed, resolved

SANDBOX = ("--endpoint", "sandbox")


def test_every_result_fits_the_published_schema(cli, archive):
    published = json.loads((Path(__file__).parents[2] / "docs" / "result.schema.json").read_text())
    Draft202012Validator.check_schema(published)
    validator = Draft202012Validator(published)
    for arguments in (
        [archive, *SANDBOX],
        [archive, *SANDBOX, "--scenario", "lost-answer"],
        ["nowhere:1", *SANDBOX],
        [],
    ):
        validator.validate(cli("scan", *arguments).result)


def test_reports_go_where_they_are_asked_to(cli, archive, tmp_path):
    run = cli(
        "scan", archive, *SANDBOX, "-o", "json", "-o", "table=deep/table.txt", "--report-dir", "out", report="out"
    )
    assert json.loads(run.out) == run.result
    table = (tmp_path / "deep" / "table.txt").read_text()
    assert run.result["tasks"][0]["id"] in table
    assert "SANDBOX" in table
    assert not (tmp_path / "scan-report").exists()


def test_a_table_on_stdout_is_not_repeated_on_stderr(cli, archive):
    run = cli("scan", archive, *SANDBOX, "-o", "table")
    assert "config" in run.out
    assert "config" not in run.err


def test_old_reports_cannot_pass_for_this_runs(cli, archive, tmp_path):
    for name in STANDARD_SET:
        old = tmp_path / "scan-report" / name
        old.parent.mkdir(parents=True, exist_ok=True)
        old.write_text("old")
    run = cli("scan", archive, *SANDBOX)
    written = {path.relative_to(run.folder).as_posix(): path for path in run.folder.rglob("*") if path.is_file()}
    assert written.keys() == set(STANDARD_SET)
    assert not [name for name, path in written.items() if path.read_text() == "old"]


def test_a_page_brings_its_style_sheet_along(cli, archive, tmp_path):
    run = cli("scan", archive, *SANDBOX, "-o", "html=pages/today.html", "-o", "markdown")
    assert 'href="report.css"' in (tmp_path / "pages" / "today.html").read_text()
    assert (tmp_path / "pages" / "report.css").read_text() == (run.folder / "html" / "report.css").read_text()
    assert run.out == (run.folder / "report.md").read_text()


def test_a_report_that_cannot_be_made_is_a_warning_and_no_more(cli, archive, tmp_path, capsys, clock):
    result = TypeAdapter(Result).validate_python(cli("scan", archive, *SANDBOX).result)
    app = App(Terminal(), {}, Interruptions(), FileSettings(), clock)

    def renderer_of(name):
        def render(_result):
            yield name
            if name == "sarif":
                raise RecursionError

        return render

    (tmp_path / "other" / "html").mkdir(parents=True)
    _write_reports(app, result, tmp_path / "other", parse_outputs(["sarif"]), renderer_of)
    said = capsys.readouterr()
    assert said.err.splitlines() == [
        f"warning: the sarif report ({place}) could not be made: RecursionError"
        for place in ("stdout", tmp_path / "other" / "report.sarif")
    ]
    assert said.out == ""
    assert (tmp_path / "other" / "junit.xml").read_text() == "junit"
    assert not (tmp_path / "other" / "report.sarif").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("--report-dir", "/dev/null/x"),
        ("--report-dir", "a-file"),
        ("-o", "json=/dev/null"),
        ("-o", "json="),
        ("-o", "jsn"),
        ("-o", "json", "-o", "table"),
        ("-o", "json=x", "-o", "table=x"),
        ("-o", "html=x.html", "-o", "csv=report.css"),
        ("-o", "json=real/x", "-o", "csv=same/x"),
        ("-o", "json=-", "-o", "csv"),
        ("-o", "json=/dev/stderr"),
        ("-o", "json=/proc/self/fd/1"),
        ("-o", f"json={'x' * 300}"),
        ("--report-dir", ""),
        ("--report-dir", "with-file"),
        ("--report-dir", "with-folder"),
        ("--report-dir", "link"),
        ("--report-dir", "n\0ul"),
    ],
)
def test_a_report_place_that_cannot_be_used_is_found_before_any_task(cli, archive, tmp_path, arguments):
    (tmp_path / "a-file").write_text("")
    (tmp_path / "with-folder" / "result.json").mkdir(parents=True)
    (tmp_path / "real").mkdir()
    (tmp_path / "same").symlink_to("real")
    (tmp_path / "with-file").mkdir()
    (tmp_path / "with-file" / "html").write_text("")
    (tmp_path / "link").symlink_to(tmp_path.parent, target_is_directory=True)
    run = cli("scan", archive, *SANDBOX, "--state", "s.db", *arguments)
    assert run.code == 2
    assert "->" in run.err
    assert not (tmp_path / "s.db").exists()
    if arguments[0] == "-o":
        assert run.result["reason"] == "usage"


@pytest.mark.parametrize("path", ["-", "/dev/stdout"])
def test_stdout_has_names_too(cli, archive, path):
    before = Path("/dev/stdout").readlink()
    run = cli("scan", archive, *SANDBOX, "-o", f"json={path}")
    assert json.loads(run.out) == run.result
    assert Path("/dev/stdout").readlink() == before


@pytest.mark.parametrize(
    ("arguments", "env"),
    [
        (("--fail-on", "bogus"), {}),
        (("--no-such", "--report-dir", "scan-report"), {}),
        (("--timeout", "nonsense", "--report-dir=scan-report"), {}),
        ((), {"JENKINS_SCAN_FAIL_ON": "bogus", "JENKINS_SCAN_REPORT_DIR": "scan-report"}),
    ],
)
@pytest.mark.parametrize("before", [(), ("-v", "--color", "never")])
def test_a_command_line_that_cannot_be_read_leaves_no_old_report_behind(cli, archive, before, arguments, env):
    cli("scan", archive, *SANDBOX)
    run = cli(*before, "scan", archive, *SANDBOX, *arguments, env=env)
    assert run.code == 2
    assert [path for path in run.folder.rglob("*") if path.is_file()] == []


def test_what_a_run_was_told_to_read_stays(cli, archive):
    run = cli("scan", archive, *SANDBOX)
    assert cli("wait", "scan-report/result.json", *SANDBOX, "--fail-on", "bogus").code == 2
    assert cli("scan", archive, *SANDBOX, "--baseline", "scan-report/result.json", "--fail-on", "bogus").code == 2
    assert [path.name for path in run.folder.rglob("*") if path.is_file()] == ["result.json"]


def test_a_variable_that_holds_a_wrong_value_is_named(cli, archive):
    run = cli("scan", archive, *SANDBOX, env={"JENKINS_SCAN_FAIL_ON": "bogus"})
    assert "It comes from JENKINS_SCAN_FAIL_ON." in run.err
    assert "It comes from" not in cli("scan", archive, *SANDBOX, "--fail-on", "bogus").err


def test_a_wrong_output_beside_a_right_one_leaves_no_old_report_there(cli, archive, tmp_path):
    cli("scan", archive, *SANDBOX, "-o", "junit=r.xml")
    assert cli("scan", archive, *SANDBOX, "-o", "junit=r.xml", "-o", "bogus=1").code == 2
    assert not (tmp_path / "r.xml").exists()


def test_leftovers_of_a_process_of_the_same_number_are_in_nobodys_way(cli, archive, tmp_path):
    (tmp_path / "scan-report").mkdir()
    for name in (".result.json.{}.tmp", ".jenkins-scan.{}.probe"):
        (tmp_path / "scan-report" / name.format(os.getpid())).write_text("")
    assert cli("scan", archive, *SANDBOX).code == 0


def test_a_bad_output_leaves_no_old_result_behind(cli, archive, tmp_path):
    (tmp_path / "scan-report").mkdir()
    (tmp_path / "scan-report" / "result.json").write_text('{"verdict": "PASS", "exit_code": 0}')
    (tmp_path / ".jenkins-scan.toml").write_text('output = ["jsn"]')
    run = cli("scan", archive, *SANDBOX)
    assert (run.code, run.result["exit_code"], run.result["verdict"]) == (2, 2, "ERROR")


@pytest.mark.parametrize("link", ["scan-report", "nested/../scan-report"])
def test_a_report_folder_that_is_a_link_inside_the_workspace_is_used_as_it_is(cli, archive, tmp_path, link):
    (tmp_path / "real").mkdir()
    (tmp_path / "nested").mkdir()
    (tmp_path / "scan-report").symlink_to("real")
    assert cli("scan", archive, *SANDBOX, "--report-dir", link).code == 0
    assert (tmp_path / "scan-report").is_symlink()
    assert (tmp_path / "real" / "result.json").exists()


@pytest.mark.parametrize(
    "output",
    [
        "csv=scan-report/html/report.css",
        "csv=scan-report/summary.txt/x.csv",
        "table=scan-report/result.json",
        "json=x/../scan-report/summary.txt",
        "json=away/keep.txt",
        "table=turning/t.txt",
    ],
)
def test_an_output_takes_no_place_that_is_not_its_own(cli, archive, tmp_path, output):
    (tmp_path / "away").symlink_to(tmp_path.parent)
    (tmp_path / "turning").symlink_to("turning")
    run = cli("scan", archive, *SANDBOX, "--state", "s.db", "-o", output)
    assert (run.code, run.result["exit_code"]) == (2, 2)
    assert not (tmp_path / "s.db").exists()
    assert not (tmp_path.parent / "keep.txt").exists()


def test_two_names_of_one_file_are_one_place(cli, archive):
    assert cli("scan", archive, *SANDBOX, "-o", "json=x.json", "-o", "table=y/../x.json").code == 2


def test_a_report_folder_that_turns_in_a_circle_is_two(cli, archive, tmp_path):
    (tmp_path / "scan-report").symlink_to("scan-report")
    assert cli("scan", archive, *SANDBOX).code == 2


@pytest.mark.parametrize(
    ("task", "ids", "said"),
    [
        (TaskRecord(CreatedTask("TASK-1"), 0.0), ["TASK-1"], "task TASK-1 is open"),
        (TaskRecord(None, 0.0), [], "a task may exist"),
        (None, [], "no task was opened"),
    ],
)
def test_when_the_reports_fail_the_task_is_still_said_and_kept(tmp_path, clock, task, ids, said):
    err = io.StringIO()
    app = App(Terminal(io.StringIO(), err), {}, Interruptions(), FileSettings(), clock)
    assert _last_words(app, Run(0.0, [ImageRun("app:1", task=task)]), None, tmp_path) == 1
    kept = json.loads((tmp_path / "result.json").read_text())
    assert (kept["exit_code"], kept["reason"], [each["id"] for each in kept["tasks"]]) == (1, "internal", ids)
    assert said in err.getvalue()


def test_what_was_kept_can_be_taken_up(tmp_path):
    """The bare result says all that `wait` reads."""
    noted = TaskRecord(CreatedTask("TASK-1", uuid="U"), 1_735_787_045.0, by_service=True)
    image = ImageRun("app:1", identity=pushed(), submission=prepare(resolved(pushed()), Overrides()), task=noted)
    (tmp_path / "r.json").write_text(bare.render(Run(0.0, [image]), None, read_build({}), str))
    earlier = read_earlier(tmp_path / "r.json")
    (again,) = earlier.images()
    assert (again.identity, again.task) == (image.identity, noted)
    assert again.submission.request.image_id == image.submission.request.image_id
    earlier.mark([again])
    assert again.error is None


def test_a_bare_result_loses_no_task_when_an_identity_is_what_broke(tmp_path):
    broken = ImageRun("app:1", identity=object(), task=TaskRecord(CreatedTask("TASK-1"), 1_735_787_045.0))
    (tmp_path / "r.json").write_text(bare.render(Run(0.0, [broken]), None, read_build({}), str))
    (again,) = read_earlier(tmp_path / "r.json").images()
    assert (again.identity, again.task.task.task_id) == (None, "TASK-1")


def test_a_linked_html_folder_is_unlinked_not_followed(cli, archive, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "index.html").write_text("precious")
    (tmp_path / "scan-report").mkdir()
    (tmp_path / "scan-report" / "html").symlink_to(elsewhere)
    assert cli("scan", archive, *SANDBOX).code == 0
    assert (elsewhere / "index.html").read_text() == "precious"


class TestResultThatCannotBeWritten:
    """Something takes the place of result.json while the step runs."""

    @pytest.fixture
    def spoiled(self, monkeypatch, tmp_path):
        """A folder stands where result.json shall go: os.replace fails, for root as well."""

        def spoil(clock_sleep=None):
            (tmp_path / "scan-report" / "result.json" / "x").mkdir(parents=True, exist_ok=True)

        return spoil

    @pytest.mark.parametrize(
        ("scenario", "code"),
        [("throttled", 17), ("throttled-soft", 17), ("throttled-refused", 12)],
    )
    def test_zero_and_eleven_become_seventeen_and_others_stay(self, cli, archive, clock, spoiled, scenario, code):
        sleep = clock.sleep
        clock.sleep = lambda seconds: (spoiled(), sleep(seconds))
        Path("throttled-refused.toml").write_text(THROTTLED_THEN_EXHAUSTED)
        named = "throttled" if scenario == "throttled" else "throttled-refused.toml"
        soft = ("--soft", "quota") if scenario == "throttled-soft" else ()
        run = cli("scan", archive, *SANDBOX, "--scenario", named, *soft)
        assert run.code == code
        assert "could not be written" in run.err
        assert run.last_line.endswith(f"(exit {code})")


THROTTLED_THEN_EXHAUSTED = """
description = "Throttled once, then the quota is used up."
[quota]
capacity = 10
used = 10
[[fault]]
operation = "DescribeImageScanAuthCount"
times = 1
status = 400
code = "Throttling.User"
"""


def test_an_output_that_fails_at_the_end_is_a_warning(cli, archive, clock, tmp_path):
    sleep = clock.sleep
    clock.sleep = lambda seconds: (
        (tmp_path / "deep" / "t.txt" / "x").mkdir(parents=True, exist_ok=True),
        sleep(seconds),
    )
    run = cli("scan", archive, *SANDBOX, "--scenario", "throttled", "-o", "table=deep/t.txt")
    assert run.code == 0
    assert "deep/t.txt could not be written" in run.err


def test_files_of_reports_follow_the_umask(cli, archive):
    previous = os.umask(0o022)
    try:
        run = cli("scan", archive, *SANDBOX)
    finally:
        os.umask(previous)
    assert (run.folder / "result.json").stat().st_mode & 0o777 == 0o644


def test_without_a_report_folder_the_last_words_are_said_and_nothing_is_written(tmp_path, clock):
    err = io.StringIO()
    app = App(Terminal(io.StringIO(), err), {}, Interruptions(), FileSettings(), clock)
    assert _last_words(app, Run(0.0, [ImageRun("app:1")], local=True), None, None) == 1
    assert "no task was opened" in err.getvalue()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("service", "endpoint"), [(ServiceSettings(endpoint=None), "sandbox"), (None, None)])
def test_the_barest_result_says_who_was_asked(tmp_path, clock, service, endpoint):
    app = App(Terminal(io.StringIO(), io.StringIO()), {}, Interruptions(), FileSettings(), clock)
    assert _last_words(app, Run(0.0, [ImageRun("app:1")]), ReportedSettings(service=service), tmp_path) == 1
    assert json.loads((tmp_path / "result.json").read_text())["service"] == {"endpoint": endpoint}
