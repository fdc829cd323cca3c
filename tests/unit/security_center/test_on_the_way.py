"""What the caller of a create is told of each try: when it is sent, and when it surely opened nothing."""

import pytest

from jenkins_scan import errors
from jenkins_scan.security_center.interface import ScanRequest
from tests.support.center import CONNECT_ERROR, NOON, READ_TIMEOUT, FakeClock, Replies, created, html, refused


def told_of(*answers, raises=None):
    """What was told, in order, about a create with these answers."""
    clock, told = FakeClock(), []
    client = Replies(*answers).client(clock)
    if raises is None:
        client.create_jenkins_image_scan_task(ScanRequest(), deadline=1030, on_the_way=told.append)
    else:
        with pytest.raises(raises):
            client.create_jenkins_image_scan_task(ScanRequest(), deadline=1030, on_the_way=told.append)
    return told


def test_a_try_is_told_before_it_is_sent():
    assert told_of(created()) == [NOON]


@pytest.mark.parametrize("answer", [refused("BeyondQuata"), html(403)])
def test_a_create_that_was_refused_opened_nothing(answer):
    assert told_of(answer, raises=errors.ScanError) == [NOON, None]


@pytest.mark.parametrize("answer", [refused("Throttling"), CONNECT_ERROR])
def test_each_further_try_is_told_with_its_own_time(answer):
    first, nothing, second = told_of(answer, created())
    assert (first, nothing) == (NOON, None)
    assert second > NOON


@pytest.mark.parametrize("answer", [READ_TIMEOUT, refused("ServerError", 500), html(200)])
def test_a_create_that_may_have_run_is_not_taken_back(answer):
    assert told_of(answer, raises=errors.FateUnknown) == [NOON]


def test_a_caller_that_objects_keeps_the_request_from_being_sent():
    class HaltedHere(Exception):
        """The caller's own."""

    def halt(_sent_at):
        raise HaltedHere

    replies = Replies()
    with pytest.raises(HaltedHere):
        replies.client().create_jenkins_image_scan_task(ScanRequest(), deadline=1030, on_the_way=halt)
    assert replies.requests == []


@pytest.mark.parametrize(("left", "sent"), [(1.9, 0), (2.1, 1)])
def test_a_create_is_not_sent_with_no_time_for_its_answer(left, sent):
    """Its fate would most likely be unknown, and a task may exist then."""
    clock, replies = FakeClock(), Replies(created())
    client = replies.client(clock)
    try:
        client.create_jenkins_image_scan_task(ScanRequest(), deadline=clock.monotonic() + left)
    except errors.ServiceUnreachable as late:
        assert "nothing was sent" in late.message  # noqa: PT017  the other row expects a task
    assert len(replies.requests) == sent
