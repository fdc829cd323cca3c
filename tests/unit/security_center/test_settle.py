"""What is learned about a create that was interrupted: its answer, its refusal, or that nobody knows."""

import threading

import pytest

from jenkins_scan import errors
from jenkins_scan.security_center.interface import ScanRequest
from tests.support.center import (
    CONNECT_ERROR,
    READ_TIMEOUT,
    REQUEST_ID,
    TASK_ID,
    FakeClock,
    Replies,
    created,
    html,
    quota,
    refused,
)


class InterruptedClock(FakeClock):
    """A clock during whose reading a signal arrives, as it would while the answer is awaited."""

    def __init__(self) -> None:
        super().__init__()
        self.readings_left = -1

    def monotonic(self) -> float:
        self.readings_left -= 1
        if self.readings_left == 0:
            raise errors.Interrupted(15)
        return super().monotonic()

    def sleep(self, seconds: float) -> None:
        raise errors.Interrupted(15)


@pytest.fixture
def clock():
    return InterruptedClock()


@pytest.fixture
def answer_may_come():
    """Holds back the answer until it is set; at the end of the test at the latest."""
    event = threading.Event()
    yield event
    event.set()


def interrupted_create(replies, clock, reading):
    """A client whose create met a signal at the given reading of the clock."""
    client = replies.client(clock)
    clock.readings_left = reading
    with pytest.raises(errors.Interrupted):
        client.create_jenkins_image_scan_task(ScanRequest(), deadline=1030)
    return client


WHILE_WAITING = 3
"""The readings are: is there time to send, when it was sent, how long to wait."""


def test_an_answer_that_comes_late_is_the_task(clock, answer_may_come):
    def late(_request):
        answer_may_come.wait(10)
        return created()

    client = interrupted_create(Replies(late), clock, WHILE_WAITING)
    answer_may_come.set()
    settled = client.settle(10)
    assert (settled.value.task_id, settled.request_id) == (TASK_ID, REQUEST_ID)


def test_an_answer_that_never_comes_is_an_unknown_fate(clock, answer_may_come):
    def never(_request):
        answer_may_come.wait(10)
        return created()

    client = interrupted_create(Replies(never), clock, WHILE_WAITING)
    with pytest.raises(errors.FateUnknown) as caught:
        client.settle(0.02)
    assert caught.value.sent_on == 1000.0


@pytest.mark.parametrize("answer", [refused("BeyondQuata"), refused("Throttling"), CONNECT_ERROR, html(403)])
def test_a_create_that_was_refused_or_never_sent_left_nothing(clock, answer):
    assert interrupted_create(Replies(answer), clock, WHILE_WAITING).settle(10) is None


@pytest.mark.parametrize("answer", [READ_TIMEOUT, refused("ServerError", 500), html(200)])
def test_a_create_that_may_have_run_is_an_unknown_fate(clock, answer):
    client = interrupted_create(Replies(answer), clock, WHILE_WAITING)
    with pytest.raises(errors.FateUnknown):
        client.settle(10)


def test_an_interruption_before_the_create_was_sent_left_nothing(clock):
    replies = Replies()
    client = interrupted_create(replies, clock, 1)
    assert client.settle(10) is None
    assert replies.requests == []


def test_an_interruption_between_two_tries_left_nothing(clock):
    client = interrupted_create(Replies(refused("Throttling")), clock, -1)
    assert client.settle(10) is None


def test_an_answer_that_arrived_just_before_the_signal_is_still_there():
    replies = Replies(created())
    client = replies.client()
    client.create_jenkins_image_scan_task(ScanRequest(), deadline=1030)
    assert client.settle(10).value.task_id == TASK_ID
    assert client.settle(10) is None


def test_a_lost_answer_stays_unknown_until_the_caller_has_noted_it():
    client = Replies(READ_TIMEOUT).client()
    with pytest.raises(errors.FateUnknown):
        client.create_jenkins_image_scan_task(ScanRequest(), deadline=1030)
    with pytest.raises(errors.FateUnknown):
        client.settle(10)


def test_without_a_create_there_is_nothing_in_flight():
    client = Replies(quota()).client()
    assert client.settle(10) is None
    client.describe_image_scan_auth_count(deadline=1030)
    assert client.settle(10) is None
