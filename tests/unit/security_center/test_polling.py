"""The budget of a wait, counted in simulated scans: calls made, and how late the end is seen."""

import random

import pytest

from jenkins_scan.security_center.polling import Rota, pause

LATEST, INSTANCES, RECORDS = "latest", "instances", "records"
OPERATIONS = (LATEST, INSTANCES, RECORDS)
LATENCY = 0.5
"""Seconds a status call takes."""


def scan_of(seconds, knows, chance):
    """A scan that ends after so many seconds: how many calls were made, and how late the end was seen."""
    rota, elapsed, calls = Rota(OPERATIONS, INSTANCES), 0.0, 0
    while True:
        elapsed += pause(elapsed, chance)
        for operation in rota.next():
            is_over = elapsed >= seconds
            elapsed += LATENCY
            calls += 1
            if operation == knows and is_over:
                return calls, elapsed - seconds
            if operation == knows and knows != INSTANCES:  # the image's row is nobody's until the end
                rota.proved(operation)


CHANCES = (lambda: 0.0, lambda: 1.0, *(random.Random(seed).random for seed in range(20)))  # noqa: S311  repeatable, not secret


@pytest.mark.parametrize("knows", OPERATIONS)
@pytest.mark.parametrize("seconds", [1, 5, 30, 120, 333, 587, 595, 599.9, 600])
def test_up_to_ten_minutes_the_end_is_seen_in_time_and_calls_are_few(seconds, knows):
    for chance in CHANCES:
        calls, late = scan_of(seconds, knows, chance)
        assert calls <= 70
        assert late <= 15


@pytest.mark.parametrize("knows", OPERATIONS)
@pytest.mark.parametrize("seconds", [601, 619, 621, 640, 1000, 1800, 3600])
def test_the_end_of_a_longer_scan_is_seen_within_a_twentieth_of_its_time(seconds, knows):
    for chance in CHANCES:
        calls, late = scan_of(seconds, knows, chance)
        assert late <= seconds / 20
        assert calls <= 125


@pytest.mark.parametrize("seconds", [1, 2, 5])
def test_the_end_of_a_short_scan_is_seen_soon(seconds):
    _, late = scan_of(seconds, INSTANCES, lambda: 0.5)
    assert late <= 3


@pytest.mark.parametrize("elapsed", [0.0, 3.0, 100.0, 5000.0])
def test_jitter_spreads_a_pause_to_both_sides(elapsed):
    least, plain, most = (pause(elapsed, lambda share=share: share) for share in (0.0, 0.5, 1.0))
    assert least < plain < most
    assert plain - least == pytest.approx(most - plain)


def test_all_are_asked_at_first_and_rarely_later():
    rota = Rota(OPERATIONS, INSTANCES)
    assert [len(rota.next()) for _ in range(9)] == [3, 3, 1, 3, 1, 1, 1, 3, 1]


def test_the_one_that_proved_is_the_only_one_asked():
    rota = Rota(OPERATIONS, INSTANCES)
    rota.next()
    rota.proved(RECORDS)
    assert {rota.next() for _ in range(9)} == {(RECORDS,)}


def test_what_is_refused_is_not_asked_again():
    rota = Rota(OPERATIONS, INSTANCES)
    rota.refused(INSTANCES)
    assert [rota.next() for _ in range(3)] == [(LATEST, RECORDS), (LATEST, RECORDS), (LATEST,)]
    assert not rota.is_empty


def test_when_the_one_that_proved_is_refused_the_others_are_asked_at_once():
    rota = Rota(OPERATIONS, INSTANCES)
    for _ in range(6):
        rota.next()
    rota.proved(LATEST)
    rota.refused(LATEST)
    assert rota.next() == (INSTANCES, RECORDS)


def test_nothing_is_left_when_all_are_refused():
    rota = Rota(OPERATIONS, INSTANCES)
    for operation in OPERATIONS:
        rota.refused(operation)
    assert rota.is_empty
    assert [rota.next() for _ in range(3)] == [(), (), ()]
