import threading

import pytest

from jenkins_scan.doctor.report import Status, good, skipped, warning
from jenkins_scan.doctor.rounds import Rounds
from jenkins_scan.errors import QuotaTooLow


@pytest.fixture
def rounds(clock):
    return Rounds(clock)


def fine():
    return good("fine.")


def status(rounds, name):
    return next(line.outcome.status for line in rounds.lines if line.name == name)


def test_a_check_after_one_that_failed_or_was_skipped_is_skipped_and_names_the_one_that_failed(rounds):
    def fail():
        raise QuotaTooLow("spent.")

    rounds.look("first", fail)
    rounds.look("second", fine, after=["first"])
    rounds.look("third", fine, after=["second"])
    rounds.look("fourth", fine)
    assert [line.outcome.status for line in rounds.lines] == ["FAIL", "SKIP", "SKIP", "OK"]
    assert rounds.lines[1].outcome.seen == "not looked at, because `first` did not succeed."
    assert rounds.lines[2].outcome.seen == "not looked at, because `first` did not succeed."
    assert rounds.lines[2].outcome.remedy == "Mend `first` first."


def test_a_check_after_a_warning_is_made(rounds):
    rounds.look("first", lambda: warning("low.", "Do."))
    rounds.look("second", fine, after=["first"])
    assert status(rounds, "second") is Status.OK


def test_what_was_never_looked_at_is_no_success(rounds):
    rounds.look("second", fine, after=["first"])
    assert status(rounds, "second") is Status.SKIP


def test_an_expected_error_is_a_failure_with_its_code_and_remedy(rounds):
    def fail():
        raise QuotaTooLow("spent.", remedy="Buy.")

    rounds.look("quota", fail)
    outcome = rounds.lines[0].outcome
    assert (outcome.status, outcome.seen, outcome.remedy, outcome.code) == ("FAIL", "spent.", "Buy.", 12)


def test_a_bug_in_one_check_does_not_hide_the_others(rounds):
    rounds.look("broken", lambda: 1 // 0)
    rounds.look("next", fine)
    assert [line.outcome.code for line in rounds.lines] == [1, 0]
    assert "ZeroDivisionError" in rounds.lines[0].outcome.seen


def test_a_check_that_hangs_is_left_behind(clock):
    rounds, release = Rounds(clock, each=0.01), threading.Event()
    rounds.look("slow", release.wait)
    release.set()
    assert rounds.lines[0].outcome.status is Status.WARN
    assert "no result within 0.0 s" in rounds.lines[0].outcome.seen


def test_no_check_begins_when_the_time_for_all_is_used_up(clock):
    rounds = Rounds(clock, whole=30)
    clock.advance(30)
    rounds.look("late", fine)
    assert "the 30 s for all checks are used up" in rounds.lines[0].outcome.seen
    assert rounds.lines[0].outcome.code == 11


def test_the_name_of_a_check_is_told_before_it_is_made(clock):
    said = []
    rounds = Rounds(clock, beginning=said.append)
    rounds.look("one", lambda: skipped(f"after {said}", "Nothing."))
    assert rounds.lines[0].outcome.seen == "after ['one']"
