"""Work side by side: all of it, bounded, and left alone when the caller has to go."""

import threading

import pytest

from jenkins_scan.side_by_side import SideBySide


@pytest.mark.parametrize("jobs", [1, 3, 100])
def test_every_item_is_done_once(jobs):
    done = []
    SideBySide(done.append, range(20), jobs=jobs).finish()
    assert sorted(done) == list(range(20))


def test_nothing_to_do_ends_at_once():
    SideBySide(print, [], jobs=4).finish()


def test_what_the_work_raises_reaches_the_caller():
    def fail(_item):
        raise LookupError("gone")

    with pytest.raises(LookupError, match="gone"):
        SideBySide(fail, [1], jobs=1).finish()


def test_after_a_dismissal_nothing_begins_and_nobody_waits_for_ever():
    begun, go = [], threading.Event()

    def work(item):
        begun.append(item)
        go.wait(10)

    crew = SideBySide(work, range(5), jobs=2)
    caller = threading.Thread(target=crew.finish)
    caller.start()
    while len(begun) < 2:
        caller.join(0.001)
    crew.dismiss(0.01)
    assert caller.is_alive()
    go.set()
    caller.join(10)
    assert sorted(begun) == [0, 1]
