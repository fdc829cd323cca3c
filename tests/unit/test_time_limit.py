import threading

import pytest

from jenkins_scan.time_limit import TimeIsUp, within


def test_the_result_of_the_work_is_handed_on():
    assert within(5, lambda: "done") == "done"


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), TimeoutError()])
def test_an_error_of_the_work_is_raised_here(error):
    def fail():
        raise error

    with pytest.raises(type(error)) as caught:
        within(5, fail)
    assert caught.value is error


def test_work_that_does_not_end_is_left_behind():
    release = threading.Event()
    with pytest.raises(TimeIsUp):
        within(0.01, release.wait)
    assert all(thread.daemon for thread in threading.enumerate() if thread.name == "jenkins-scan exchange")
    release.set()
