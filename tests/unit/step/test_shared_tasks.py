"""What is asked of a task by its id is asked once for all images that wait for it."""

import threading

import pytest

from jenkins_scan import errors
from jenkins_scan.security_center.interface import Phase
from jenkins_scan.step.shared_tasks import FRESH, SharedTasks
from tests.support.center import FakeClock
from tests.support.registry_center import HEX, TASK, RegistryCenter


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def center(clock):
    return RegistryCenter(clock)


@pytest.fixture
def shared(center, clock):
    return SharedTasks(center, clock)


def by_id(shared, clock, task_id=TASK):
    return shared.by_id(task_id, deadline=clock.monotonic() + 15).value


@pytest.mark.parametrize(("later", "asked"), [(0.0, 1), (FRESH - 0.01, 1), (FRESH, 2), (60.0, 2)])
def test_an_answer_is_good_for_a_second(shared, center, clock, later, asked):
    first = by_id(shared, clock)
    clock.advance(later)
    center.phases = {HEX[0]: Phase.BAD}
    assert (by_id(shared, clock) is first) == (asked == 1)
    assert len(center.asked) == asked


def test_the_second_is_counted_from_its_end(shared, center, clock):
    center.says["by_id"] = lambda: (clock.advance(5), ())[1]
    by_id(shared, clock)
    by_id(shared, clock)
    assert len(center.asked) == 1


def test_each_task_has_its_own_answer(shared, center, clock):
    by_id(shared, clock)
    by_id(shared, clock, "OTHER")
    by_id(shared, clock)
    assert len(center.asked) == 2


def test_a_refusal_is_everybodys_too_and_passes(shared, center, clock):
    center.says["by_id"] = [errors.PermissionDenied("no"), errors.ServiceUnreachable("gone"), ()]
    for error in (errors.PermissionDenied, errors.PermissionDenied):
        with pytest.raises(error):
            by_id(shared, clock)
    assert len(center.asked) == 1
    clock.advance(FRESH)
    with pytest.raises(errors.ServiceUnreachable):
        by_id(shared, clock)
    clock.advance(FRESH)
    assert by_id(shared, clock) == ()


def test_a_bug_is_nobodys_answer(shared, center, clock):
    center.says["by_id"] = [RuntimeError("a bug"), ()]
    with pytest.raises(RuntimeError):
        by_id(shared, clock)
    assert by_id(shared, clock) == ()


def test_who_comes_meanwhile_waits_for_the_answer(shared, center, clock):
    asking, goes_on = threading.Event(), threading.Event()
    center.says["by_id"] = lambda: (asking.set(), goes_on.wait(10), (center.row(HEX[0]),))[2]
    told = []
    threads = [threading.Thread(target=lambda: told.append(by_id(shared, clock))) for _ in range(8)]
    for thread in threads:
        thread.start()
    assert asking.wait(10)
    goes_on.set()
    for thread in threads:
        thread.join(10)
    assert told == [(center.row(HEX[0]),)] * 8
    assert len(center.asked) == 1


def test_what_is_asked_by_digest_is_asked_each_time(shared, center, clock):
    until = clock.monotonic() + 15
    for _ in range(2):
        assert shared.latest(HEX[0], deadline=until).value == (center.row(HEX[0]),)
        assert shared.unfinished(HEX[0], deadline=until).value == ()
        assert shared.of_image(digest=HEX[0], deadline=until).value[0].digest == HEX[0]
    assert len(center.asked) == 6
