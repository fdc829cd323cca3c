"""The result file of a run that has not ended: it is there early, says what it is, and gives way."""

import json

from jenkins_scan.cli.app import App
from jenkins_scan.cli.provisional import Provisional
from jenkins_scan.cli.signals import Interruptions
from jenkins_scan.cli.terminal import Terminal
from jenkins_scan.config.file import FileSettings
from jenkins_scan.security_center.interface import CreatedTask
from jenkins_scan.step.record import ImageRun, Run, TaskRecord
from tests.support.center import FakeClock

TASK = "fc98d58eb56f699d49bf7ebbd6d70a1b"


def provisional(folder, run):
    app = App(Terminal(), {}, Interruptions(), FileSettings(), FakeClock())
    return Provisional(app, run, folder, [])


def opened(*, sandbox=False):
    image = ImageRun("app:1", task=TaskRecord(CreatedTask(TASK, None), 1000.0))
    return Run(started_at=1000.0, images=[image], sandbox=sandbox)


def test_the_task_is_written_and_said_before_the_run_ends(tmp_path, capsys):
    run = opened(sandbox=True)
    provisional(tmp_path, run)(TASK)
    written = json.loads((tmp_path / "result.json").read_text())
    assert [task["id"] for task in written["tasks"]] == [TASK]
    assert (written["verdict"], written["exit_code"], written["sandbox"]) == ("INCOMPLETE", 17, True)
    assert run.images[0].error is None
    assert f"task {TASK} is open" in capsys.readouterr().err


def test_a_create_that_ends_after_the_run_changes_no_file(tmp_path):
    tell = provisional(tmp_path, opened())
    tell.end()
    (tmp_path / "result.json").write_text("the run's own")
    tell(TASK)
    assert (tmp_path / "result.json").read_text() == "the run's own"


def test_what_cannot_be_rendered_keeps_no_create_from_being_sent(tmp_path):
    run = opened()
    run.quota = object()
    provisional(tmp_path, run)(TASK)
    assert not (tmp_path / "result.json").exists()
