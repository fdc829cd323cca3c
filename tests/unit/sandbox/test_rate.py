"""The account's calls are counted together, and its tasks may take different times."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jenkins_scan.sandbox.state import seconds_of
from tests.unit.sandbox.conftest import Plan, acs_date

QUOTA = "DescribeImageScanAuthCount"
PUBLIC = "PublicCreateImageScanTask"
THROTTLED = (400, "Throttling.User")
LEAF = {"TaskType": "IMAGE_SCAN", "CurrentPage": "1", "PageSize": "100", "RelateInfo": "true"}


def test_what_is_beyond_the_rate_is_throttled_whichever_operation_asks(bench):
    here = bench(rate={"calls": 2})
    assert [here.ask(QUOTA).status, here.create().status] == [200, 200]
    assert [here.ask(QUOTA).refusal, here.create().refusal] == [THROTTLED, THROTTLED]
    assert len(here.state.tasks()) == 1


def test_the_next_window_begins_at_nought(bench, clock):
    here = bench(rate={"calls": 1, "seconds": 10})
    assert [here.ask(QUOTA).status, here.ask(QUOTA).status] == [200, 400]
    clock.now += 9.9
    assert here.ask(QUOTA).refusal == THROTTLED
    clock.now += 0.1
    assert here.ask(QUOTA).status == 200


def test_without_a_rate_nothing_is_counted(bench):
    here = bench()
    assert {here.ask(QUOTA).status for _ in range(50)} == {200}


def test_a_stranger_uses_up_nothing_of_the_rate(bench):
    here = bench(rate={"calls": 1})
    stranger = Plan(action=QUOTA, date=acs_date(here.clock()), key_id="nobody")
    assert here.send(stranger).refusal == (404, "InvalidAccessKeyId.NotFound")
    assert here.ask(QUOTA).status == 200


@given(st.integers(0, 10**9), st.floats(0, 1))
def test_a_task_takes_as_long_as_its_number_says_and_within_the_spread(number, spread):
    taken = seconds_of(number, 100.0, spread)
    assert taken == seconds_of(number, 100.0, spread)
    assert 100 * (1 - spread) - 1e-9 <= taken <= 100 * (1 + spread) + 1e-9


def test_tasks_of_different_lengths_free_their_slots_when_they_end(bench, clock):
    here = bench(limit={"tasks": 3}, clock={"finish_after": 100, "finish_spread": 0.9})
    began = clock.now
    tasks = [here.ask(PUBLIC, Digests=f"{number:064x}").body["Data"]["TaskId"] for number in range(3)]
    ends = [seconds_of(task.number, 100, 0.9) for task in here.state.tasks()]
    assert (len(set(tasks)), len(set(ends))) == (3, 3)
    clock.now = began + min(ends) - 0.01
    assert "TaskId" not in here.ask(PUBLIC, Digests=f"{9:064x}").body["Data"]
    clock.now = began + min(ends) + 0.01
    assert "TaskId" in here.ask(PUBLIC, Digests=f"{9:064x}").body["Data"]
    (row,) = here.ask("DescribeOnceTaskLeafRecordPage", **{**LEAF, "TaskId": tasks[0]}).body["OnceTasks"]
    assert row["TaskId"] == tasks[0]


@pytest.mark.parametrize("by", ["digests", "task_ids"])
def test_an_image_is_found_with_all_its_scans_and_no_other_one(bench, by):
    here = bench(limit={"tasks": 9})
    ids = [here.ask(PUBLIC, Digests=f"{number:064x}").body["Data"]["TaskId"] for number in (1, 2, 1)]
    known = {"digests": [f"{1:064x}"], "task_ids": [ids[2]]}[by]
    assert [scan.task.task_id for scan in here.state.scans_beside(**{by: known})] == [ids[0], ids[2]]
