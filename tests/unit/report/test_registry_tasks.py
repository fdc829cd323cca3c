"""`registry` and `tasks` of result.json: what was asked for, counted and told of a task in registries."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import jsonschema
import pytest

from jenkins_scan import errors
from jenkins_scan.gate.verdict import judge
from jenkins_scan.jenkins.environment import read_build
from jenkins_scan.report import summary
from jenkins_scan.report.compose import compose
from jenkins_scan.report.earlier import read_earlier
from jenkins_scan.security_center.interface import CreatedTask, Phase, TaskStatus
from jenkins_scan.security_center.registry_scans import ImageFilter, PreCheck, RegistryTask
from jenkins_scan.step.record import JENKINS_CREATE, ImageRun, RegistryRun, Run, TaskRecord
from jenkins_scan.step.registry_images import images_named
from jenkins_scan.step.registry_task import CREATE
from tests.support.images import pushed
from tests.support.registry_center import HEX, TASK
from tests.support.results import text_of

SCHEMA = jsonschema.Draft202012Validator(
    json.loads((Path(__file__).parents[3] / "docs/result.schema.json").read_text(encoding="utf-8"))
)
TOLD = RegistryTask(
    task_id=TASK,
    total=2,
    finished=1,
    progress=50,
    collected_at=1644286364.15,
    executed_at=1644286364.0,
    status="INIT",
    result="SUCCESS",
    can_create=True,
)
WANTED = ImageFilter(digests=HEX[:2], registry_types=("acr",), tags=("1", "2"))


def run_of(told=TOLD, wanted=WANTED, seen=()):
    """A run of these images, whose task the service has told of; `seen` is the last status of each."""
    images = images_named(wanted)
    for image in images:
        image.task = TaskRecord(
            CreatedTask(TASK), 1644286365.0, "REQUEST", by_service=True, operation=CREATE, told=told
        )
    for image, status in zip(images, seen, strict=False):
        image.ended = status
    return Run(0.0, images, registry=RegistryRun(wanted, PreCheck(2, 1), 2))


def result_of(run):
    return compose(run, None, read_build({}), lambda reasons, judged: judge(reasons, judged=judged), finished_at=1.0)


def status(phase, word, progress=None, result=None):
    return TaskStatus(source="op", phase=phase, word=word, task_id=TASK, progress=progress, result=result)


def test_every_field_of_the_answer_is_there():
    (task,) = result_of(run_of()).tasks
    assert asdict(task) == {
        "id": TASK,
        "operation": CREATE,
        "status": "INIT",
        "result": "SUCCESS",
        "progress": 50,
        "total": 2,
        "finished": 1,
        "can_create": True,
        "collected_at": datetime(2022, 2, 8, 2, 12, 44, 150000, UTC),
        "executed_at": datetime(2022, 2, 8, 2, 12, 44, tzinfo=UTC),
    }


@pytest.mark.parametrize("told", [TOLD, RegistryTask(task_id=TASK)])
def test_it_fits_the_published_schema(told):
    SCHEMA.validate(json.loads(text_of("json", result_of(run_of(told)))))


def test_the_images_refer_to_it():
    result = result_of(run_of())
    assert {(image.task.id, image.request_id, image.task.opened_by_service) for image in result.images} == {
        (TASK, "REQUEST", True)
    }


def test_filter_and_counts_are_there():
    registry = result_of(run_of()).registry
    assert registry.filter == {"digest": HEX[:2], "tag": ("1", "2"), "registryType": ("acr",)}
    assert (registry.need_auth_count, registry.scan_image_count, registry.max_images) == (2, 1, 2)


def test_other_runs_have_no_such_part():
    run = Run(0.0, [ImageRun("app:1", identity=pushed(), task=TaskRecord(CreatedTask("T"), 0.0))])
    result = result_of(run)
    assert result.registry is None
    assert (result.tasks[0].operation, result.tasks[0].status, result.tasks[0].total) == (
        JENKINS_CREATE,
        "submitted",
        None,
    )


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ([], ("INIT", 50, 1, "SUCCESS")),
        ([status(Phase.RUNNING, "DOWNLOAD", 40), None], ("DOWNLOAD", 40, 0, "SUCCESS")),
        (
            [status(Phase.GOOD, "SUCCESS", 100), status(Phase.RUNNING, "PRE_ANALYZER", 51)],
            ("PRE_ANALYZER", 75, 1, "SUCCESS"),
        ),
        ([status(Phase.GOOD, "SUCCESS"), status(Phase.GOOD, "SUCCESS")], ("SUCCESS", 50, 2, "SUCCESS")),
        (
            [status(Phase.GOOD, "SUCCESS", 100), status(Phase.BAD, "FAIL", 7, "BeyondQuata")],
            ("SUCCESS", 53, 2, "BeyondQuata"),
        ),
        ([status(Phase.UNKNOWN, "ACTIVE", 10)], ("ACTIVE", 10, 0, "SUCCESS")),
    ],
)
def test_what_was_seen_of_its_images_brings_it_up_to_date(seen, expected):
    (task,) = result_of(run_of(seen=seen)).tasks
    assert (task.status, task.progress, task.finished, task.result) == expected


def test_times_that_no_calendar_has_are_not_known():
    told = RegistryTask(task_id=TASK, collected_at=1e18, executed_at=-1e18)
    (task,) = result_of(run_of(told)).tasks
    assert (task.collected_at, task.executed_at, task.total, task.can_create) == (None, None, None, None)


@pytest.mark.parametrize("render", [summary.render, partial(text_of, "table"), partial(text_of, "json")])
def test_hostile_text_of_the_service_comes_out_harmless(render):
    hostile = "x\x1b[31m\r\nevil\u202e"
    text = render(result_of(run_of(RegistryTask(task_id=TASK, status=hostile, result=hostile))))
    for forbidden in ("\x1b", "\r", "\u202e", "\nevil"):
        assert forbidden not in text


def test_a_create_in_flight_is_a_task_that_may_exist():
    run = run_of()
    for image in run.images:
        image.task, image.error = TaskRecord(None, 1644286365.0, operation=CREATE), errors.FateUnknown("lost")
    result = result_of(run)
    assert (result.tasks, [image.task.id for image in result.images]) == ((), [None, None])
    assert "a task may exist" not in summary.render(result)
    assert "0 of 2 images have a task, 2 more may exist; " in summary.verdict_line(result)


class TestTakenUp:
    """What `wait` reads of it again."""

    def earlier(self, tmp_path, told=TOLD, **task):
        body = json.loads(text_of("json", result_of(run_of(told))))
        body["tasks"][0] |= task
        (tmp_path / "r.json").write_text(json.dumps(body))
        return read_earlier(tmp_path / "r.json").images()

    @pytest.mark.parametrize("told", [TOLD, RegistryTask(task_id=TASK, status="INIT")])
    def test_it_is_the_same(self, tmp_path, told):
        for image, digest in zip(self.earlier(tmp_path, told), HEX, strict=False):
            assert (image.task.operation, image.task.told) == (CREATE, told)
            assert (image.submission.request.digest, image.submission.digest_from) == (digest, "named")
            assert image.task.is_shared

    def test_one_of_a_single_image_is_not_shared(self, tmp_path):
        assert not self.earlier(tmp_path, RegistryTask(task_id=TASK, total=1))[0].task.is_shared

    def test_one_of_scan_has_nothing_told(self, tmp_path):
        for image in self.earlier(tmp_path, operation=JENKINS_CREATE):
            assert (image.task.told, image.task.is_shared) == (None, False)

    @pytest.mark.parametrize(
        "forged",
        [
            {"operation": "Delete Everything"},
            {"operation": ""},
            {"total": "two"},
            {"collected_at": "2022-02-08"},
            {"executed_at": "9999-12-31T00:00:00Z"},
            {"can_create": "perhaps"},
        ],
    )
    def test_what_is_not_of_its_kind_is_two(self, tmp_path, forged):
        with pytest.raises(errors.ConfigurationError, match="is not as it has to be"):
            self.earlier(tmp_path, **forged)
