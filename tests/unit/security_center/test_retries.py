"""Deadlines, waits, and the one rule that no sequence of answers may break: no second create once one may have run."""

import contextlib
import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jenkins_scan import errors
from jenkins_scan.clock import SystemClock
from jenkins_scan.security_center.interface import ScanRequest
from jenkins_scan.security_center.retry import (
    CROWD_SPREAD,
    FIRST_WAIT_IN_A_CROWD,
    LAST_TRY,
    SHORTEST_WAIT,
    SPREAD,
    TRIES,
    TryFailed,
    with_retries,
)
from tests.support.center import (
    CLOSED,
    CONNECT_ERROR,
    CONNECT_TIMEOUT,
    READ_TIMEOUT,
    RESET,
    TASK_ID,
    Canned,
    FakeClock,
    Replies,
    as_json,
    created,
    html,
    quota,
    refused,
)

THROTTLED = refused("Throttling.User", 429)
SURELY_DID_NOT_RUN = {
    "connect error": CONNECT_ERROR,
    "connect timeout": CONNECT_TIMEOUT,
    "throttled": THROTTLED,
    "throttled, take your time": refused("Throttling", 503, after="4000"),
    "rejected": refused("Rejected.Throttling"),
    "unavailable": refused("ServiceUnavailable", 503),
}
FINAL = {
    "denied": refused("NoPermission", 403),
    "quota": refused("BeyondQuata"),
    "unknown code": refused("SomethingNew"),
    "soft": as_json({"Success": False}),
    "redirect": Canned(302, b"", {"location": "https://elsewhere.example/"}),
}
MAY_HAVE_RUN = {
    "read timeout": READ_TIMEOUT,
    "reset": RESET,
    "closed": CLOSED,
    "server error": refused("ServerError", 500),
    "internal error": refused("InternalError", 500),
    "502": html(502),
    "504 without a code": refused(None, 504),
    "nonce": refused("SignatureNonceUsed"),
    "unreadable": Canned(200, b"{"),
    "no task": as_json({"Data": {}}),
    "not modified": Canned(304, b""),
    "202": as_json({"Data": {"TaskId": TASK_ID}}, 202),
}
SUCCESS = {"success": created()}
EVERY_KIND = st.sampled_from(sorted(SURELY_DID_NOT_RUN | FINAL | MAY_HAVE_RUN | SUCCESS))


def answered(kind: str) -> Canned | Exception:
    return (SURELY_DID_NOT_RUN | FINAL | MAY_HAVE_RUN | SUCCESS)[kind]


def slowly(clock, seconds, answer):
    """The answer after `seconds` of the fake clock."""

    def give(_request):
        clock.advance(seconds)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return give


@given(kinds=st.lists(EVERY_KIND, min_size=1, max_size=6), seconds=st.floats(0, 12))
def test_after_a_create_that_may_have_run_no_other_is_sent(kinds, seconds):
    clock = FakeClock()
    replies = Replies(*(slowly(clock, seconds, answered(kind)) for kind in kinds), slowly(clock, seconds, created()))
    client, start = replies.client(clock), clock.monotonic()
    try:
        client.create_jenkins_image_scan_task(ScanRequest(), deadline=start + 30)
    except errors.ScanError as error:
        ended = error
    else:
        ended = None
    sent = [*kinds, "success"][: len(replies.requests)]
    assert 1 <= len(sent) <= TRIES
    assert all(kind in SURELY_DID_NOT_RUN for kind in sent[:-1])
    assert (ended is None) == (sent[-1] == "success")
    assert isinstance(ended, errors.FateUnknown) == (sent[-1] in MAY_HAVE_RUN)
    assert clock.monotonic() - start <= 30 + seconds


@given(kinds=st.lists(EVERY_KIND, min_size=1, max_size=6), seconds=st.floats(0, 12))
def test_a_read_sends_at_most_four_requests_and_starts_none_after_its_deadline(kinds, seconds):
    clock = FakeClock()
    start = clock.monotonic()
    starts = []

    def noted(kind):
        def give(request):
            starts.append(clock.monotonic() - start)
            return slowly(clock, seconds, quota() if kind == "success" else answered(kind))(request)

        return give

    replies = Replies(*map(noted, [*kinds, *["success"] * 4]))
    with contextlib.suppress(errors.ScanError):
        replies.client(clock).describe_image_scan_auth_count(deadline=start + 30)
    assert 1 <= len(starts) <= TRIES
    assert max(starts) < 30


@given(seed=st.integers())
def test_four_throttled_tries_are_spread_over_most_of_the_budget_of_a_submit(seed):
    clock = FakeClock()
    began = clock.monotonic()
    random.seed(seed)
    with pytest.raises(errors.ServiceThrottled):
        Replies(THROTTLED, forever=True).client(clock).describe_image_scan_auth_count(deadline=began + 30)
    for sleep, about in zip(clock.sleeps, (4, 7, 12.25), strict=True):
        assert about * 0.5 <= sleep <= about * 1.5
    assert 11 <= clock.monotonic() - began <= 29


def test_those_that_were_throttled_together_do_not_come_back_together():
    def first_wait():
        clock = FakeClock()
        Replies(THROTTLED, quota()).client(clock).describe_image_scan_auth_count(deadline=clock.monotonic() + 30)
        return clock.sleeps[0]

    random.seed(1)
    waits = sorted(first_wait() for _ in range(60))
    assert max(later - sooner for sooner, later in itertools.pairwise(waits)) < 1.0
    assert waits[-1] - waits[0] > 3.0


def test_a_wait_that_would_end_after_the_deadline_is_shortened_so_that_no_try_is_given_away():
    clock = FakeClock()
    began = clock.monotonic()
    replies = Replies(THROTTLED, THROTTLED, THROTTLED, quota())
    replies.client(clock).describe_image_scan_auth_count(deadline=began + 18)
    assert len(replies.requests) == 4
    assert clock.monotonic() - began <= 18 - LAST_TRY + 1e-9


@pytest.mark.parametrize(
    ("headers", "least"),
    [
        ({"x-acs-retry-after": "1500"}, 1.5),
        ({"x-acs-retry-after": "0"}, 0),
        ({"retry-after": "2"}, 2),
        ({"x-acs-retry-after": "250", "retry-after": "20"}, 0.25),
        ({"x-acs-retry-after": "soon", "retry-after": " 2 "}, 2),
        ({"x-acs-retry-after": "-5"}, 0),
        ({"retry-after": "Thu, 02 Jan 2025 12:00:05 GMT"}, 0),
        ({"x-acs-retry-after": "1" * 40}, 0),
        ({}, 0),
    ],
)
@pytest.mark.parametrize("status", [400, 429, 503])
def test_a_throttled_try_waits_as_long_as_the_service_asks(headers, least, status):
    clock = FakeClock()
    replies = Replies(as_json({"Code": "Throttling.User"}, status, headers), created())
    replies.client(clock).create_jenkins_image_scan_task(ScanRequest(), deadline=clock.monotonic() + 30)
    (sleep,) = clock.sleeps
    own = FIRST_WAIT_IN_A_CROWD
    assert (least or own * CROWD_SPREAD[0]) <= sleep <= (least or own) * CROWD_SPREAD[1]


def test_a_page_that_asks_for_patience_gets_it():
    clock = FakeClock()
    page = Canned(503, b"<html>", {"retry-after": "5"})
    Replies(page, quota()).client(clock).describe_image_scan_auth_count(deadline=clock.monotonic() + 30)
    assert 5 <= clock.sleeps[0] <= 5 * SPREAD[1]


def test_who_is_told_to_come_back_at_once_asks_in_no_tight_loop():
    clock = FakeClock()
    began = clock.monotonic()
    replies = Replies(refused("Throttling.User", after="0"), forever=True)
    with pytest.raises(errors.ServiceThrottled):
        replies.client(clock).describe_image_scan_auth_count(deadline=began + 3600)
    assert len(replies.requests) == TRIES
    assert clock.monotonic() - began >= 9


@given(left=st.floats(0.1, 40), after=st.none() | st.integers(0, 40_000), seed=st.integers())
def test_however_little_is_left_no_try_follows_in_a_blink_before_it_was_asked_for_or_after_the_deadline(
    left, after, seed
):
    clock = FakeClock()
    began = clock.monotonic()
    random.seed(seed)
    replies = Replies(refused("Throttling.User", after=None if after is None else str(after)), forever=True)
    with pytest.raises(errors.ServiceThrottled):
        replies.client(clock).describe_image_scan_auth_count(deadline=began + left)
    assert min(clock.sleeps, default=99) >= (after / 1000 if after else SHORTEST_WAIT) - 1e-9
    assert clock.monotonic() - began <= left
    assert len(replies.requests) == len(clock.sleeps) + 1 <= TRIES


@pytest.mark.parametrize("after", ["29000", "999999999"])
def test_a_wait_past_the_deadline_is_not_begun(after):
    clock = FakeClock()
    replies = Replies(slowly(clock, 2, refused("Throttling", after=after)), forever=True)
    with pytest.raises(errors.ServiceThrottled):
        replies.client(clock).create_jenkins_image_scan_task(ScanRequest(), deadline=clock.monotonic() + 30)
    assert (clock.sleeps, len(replies.requests)) == ([], 1)


@pytest.mark.parametrize("left", [0, -1])
def test_nothing_is_sent_when_no_time_is_left(left):
    clock = FakeClock()
    replies = Replies()
    client = replies.client(clock)
    with pytest.raises(errors.ServiceUnreachable, match="nothing was sent"):
        client.create_jenkins_image_scan_task(ScanRequest(), deadline=clock.monotonic() + left)
    with pytest.raises(errors.ServiceUnreachable, match="nothing was sent"):
        client.describe_image_scan_auth_count(deadline=clock.monotonic() + left)
    assert replies.requests == []


def test_what_is_no_failed_try_is_not_tried_again():
    calls = []

    def broken():
        calls.append(1)
        raise KeyError("a bug")

    with pytest.raises(KeyError):
        with_retries(broken, repeat_if_may_have_run=True, deadline=9999, clock=FakeClock())
    assert len(calls) == 1


def test_a_failed_try_says_what_its_error_says():
    assert str(TryFailed(errors.ServiceFault("broken"), again=False)) == "broken"


def test_the_system_clock_is_the_machines():
    clock = SystemClock()
    before, started = clock.now(), clock.monotonic()
    clock.sleep(0)
    assert clock.now() >= before > 1_700_000_000
    assert clock.monotonic() >= started
