"""A few of the changes of tests/integration/test_changed_answers_all.py: one field of one answer of a whole run."""

import json
from functools import cache

import jsonschema
import pytest

from tests.architecture.test_examples import ROOT
from tests.faults.recorded_runs import answers_to_change, broken_promises, run
from tests.faults.scenes import FAILING, PASSING, TRUTHFUL, UNFINISHED
from tests.support.changed_answers import Change, changes, distinct

SAMPLES = 5
"""Changes of each run that are looked at. Those that make no difference to the client are not run."""
CVES = "DescribeImageVulList"


@cache
def validator():
    """The published schema of result.json."""
    schema = json.loads((ROOT / "docs/result.schema.json").read_text(encoding="utf-8"))
    return jsonschema.validators.validator_for(schema)(schema)


def misfits(ran):
    """What in result.json is not as published."""
    return [problem.message for problem in validator().iter_errors(ran.result)]


def sample(answers):
    every = list(changes(answers))
    return distinct(answers, every[len(every) // SAMPLES // 2 :: len(every) // SAMPLES])


@pytest.mark.parametrize("scene", FAILING + UNFINISHED, ids=str)
def test_what_does_not_pass_never_passes_by_a_change(scene, tmp_path):
    recorded = run(scene, tmp_path)
    assert recorded.code == 10 if scene in FAILING else recorded.code in (16, 17)
    for change in sample(answers_to_change(scene, recorded)):
        ran = run(scene, tmp_path, change)
        assert broken_promises(ran, change) == [], str(change)
        assert ran.code != 0 or (scene.name, str(change)) in TRUTHFUL, str(change)
        assert misfits(ran) == [], str(change)


@pytest.mark.parametrize("scene", PASSING, ids=str)
def test_what_passes_ends_as_the_contract_says_by_any_change(scene, tmp_path):
    recorded = run(scene, tmp_path)
    assert recorded.code == 0
    for change in sample(answers_to_change(scene, recorded)):
        ran = run(scene, tmp_path, change)
        assert broken_promises(ran, change) == [], str(change)
        assert misfits(ran) == [], str(change)


def test_a_change_is_of_one_field_of_one_answer_or_of_that_field_in_all_of_them(tmp_path):
    (scene,) = (scene for scene in FAILING if scene.name == "vulnerable")
    (before,) = (answer.body for answer in run(scene, tmp_path).answers if answer.operation == CVES)
    once = Change(CVES, 0, ("VulRecords", 1, "Necessity"), "a longer name for")
    everywhere = Change(CVES, None, ("VulRecords", "*", "Necessity"), "no")
    assert (once.strikes(CVES, 0), once.strikes(CVES, 1), everywhere.strikes(CVES, 1)) == (True, False, True)
    expected = json.loads(before)
    expected["VulRecords"][1]["NecessityX"] = expected["VulRecords"][1].pop("Necessity")
    assert json.loads(once.applied(before)) == expected
    assert not any("Necessity" in row for row in json.loads(everywhere.applied(before))["VulRecords"])
