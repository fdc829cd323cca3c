"""Never more than ten tasks run at once, however many ask."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from jenkins_scan.sandbox.images import Image
from jenkins_scan.sandbox.state import State, Terms

ROOT = Path(__file__).parents[3]
CREATE = "PublicCreateImageScanTask"
PARALLEL = 30
TERMS = Terms(action=CREATE, allowance=1000, finish_after=1.0, slots=10, in_slots=frozenset({CREATE}))


def digest(number):
    return f"{number:064x}"


def create(here, number):
    return here.ask(CREATE, Digests=digest(number)).body["Data"]


def test_the_tenth_task_is_the_last_and_the_eleventh_is_none(bench, clock):
    here = bench()
    opened = [create(here, number) for number in range(12)]
    assert [one["CanCreate"] for one in opened] == [True] * 9 + [False] * 3
    assert ["TaskId" in one for one in opened] == [True] * 10 + [False] * 2
    assert opened[10] == {"CanCreate": False}
    assert len(here.state.tasks()) == 10
    assert here.quota()["ScanCount"] == 20
    clock.now += 1
    assert create(here, 11)["CanCreate"]


def test_a_task_frees_its_slot_when_its_last_image_is_done(bench, clock):
    here = bench(limit={"tasks": 1}, clock={"finish_after": 4})
    assert here.ask(CREATE, Digests=f"{digest(1)},{digest(2)}").body["Data"]["CanCreate"] is False
    clock.now += 3.9
    assert "TaskId" not in create(here, 3)
    clock.now += 0.1
    assert "TaskId" in create(here, 3)


def test_a_limit_of_none_lets_nothing_through(bench):
    assert create(bench(limit={"tasks": 0}), 1) == {"CanCreate": False}


def test_the_creates_of_builds_are_neither_counted_nor_limited(bench):
    here = bench(limit={"tasks": 1})
    here.create()
    assert "TaskId" in create(here, 1)
    assert here.create().body["Data"]["TaskId"]


def test_a_scenario_may_count_and_limit_the_creates_of_builds_too(bench):
    here = bench(limit={"tasks": 2, "jenkins": True})
    assert here.create().body["Data"]["TaskId"]
    assert create(here, 1)["CanCreate"] is False
    assert here.create(Digest=digest(2)).body["Data"] == {"ImageScanCapacity": 100}
    assert "TaskId" not in create(here, 3)
    assert len(here.state.tasks()) == 2


def test_a_spent_quota_is_told_before_a_missing_slot(bench):
    here = bench(limit={"tasks": 0}, quota={"used": 100})
    assert here.ask(CREATE, Digests=digest(1)).refusal == (400, "BeyondQuata")


@pytest.mark.parametrize(("scenario", "seconds"), [("busy", 3600), ("busy-then-free", 3)])
def test_the_tasks_of_others_end_so_long_after_the_first_create(ready_made, clock, scenario, seconds):
    here = ready_made(scenario)
    here.ask("PublicPreCheckImageScanTask", Digests=digest(1))
    here.create()
    clock.now += 1000
    assert create(here, 1) == {"CanCreate": False}
    clock.now += seconds - 0.1
    assert create(here, 1) == {"CanCreate": False}
    clock.now += 0.1
    assert create(here, 1)["CanCreate"]
    assert len(here.state.tasks()) == 2


def test_thirty_creators_at_once_never_run_more_than_ten_tasks(bench, clock):
    here = bench(clock={"finish_after": 1.0})
    waiting = set(range(PARALLEL))
    found = {}

    def attempt(number, start):
        start.wait()
        found[number] = create(here, number)

    for _ in range(PARALLEL // 10):
        start = threading.Barrier(len(waiting), timeout=30)
        threads = [threading.Thread(target=attempt, args=(number, start)) for number in waiting]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        opened = [number for number in waiting if "TaskId" in found[number]]
        assert len(opened) == 10
        assert [found[number]["CanCreate"] for number in opened].count(False) == 1
        waiting.difference_update(opened)
        clock.now += 1
    assert waiting == set()
    assert {task.task_id for task in here.state.tasks()} == {one["TaskId"] for one in found.values()}
    assert len(here.state.tasks()) == here.state.paid_images() == PARALLEL
    assert [task.opened_at - clock.now for task in here.state.tasks()] == [-3.0] * 10 + [-2.0] * 10 + [-1.0] * 10


def test_two_processes_share_the_slots(tmp_path):
    program = (
        "import sys\n"
        "from jenkins_scan.sandbox.images import Image\n"
        "from jenkins_scan.sandbox.state import State, Terms\n"
        "terms = Terms(action='A', allowance=99, finish_after=9, slots=10, in_slots=frozenset({'A'}))\n"
        "with State('state') as state:\n"
        "    for number in range(10):\n"
        "        state.open_task([Image(digest=f'{sys.argv[1]}-{number}')], now=1.0, terms=terms)\n"
    )
    children = [
        subprocess.Popen([sys.executable, "-c", program, name], cwd=tmp_path, env={"PYTHONPATH": str(ROOT)})
        for name in ("one", "two")
    ]
    assert [child.wait(60) for child in children] == [0, 0]
    with State(tmp_path / "state") as state:
        assert len(state.tasks()) == len(state.scans()) == state.paid_images() == 10


def test_a_task_that_is_over_holds_no_slot_on_a_clock_that_was_set_back(state):
    for now in (100.0, 90.0):
        opened = state.open_task([Image(digest=str(now))], now=now, terms=TERMS)
        assert opened.task is not None
    assert state.open_task([], now=91.5, terms=TERMS).slot_left
