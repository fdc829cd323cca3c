"""How far a task is by its words: only a whole, known word of success without an error beside it is good."""

import pytest

from jenkins_scan.security_center.interface import Phase
from jenkins_scan.security_center.status_words import RUNNING, UNREADABLE, phase_of


@pytest.mark.parametrize("word", sorted(RUNNING))
def test_each_step_of_a_scan_is_running(word):
    assert phase_of(word, None) is Phase.RUNNING


@pytest.mark.parametrize("word", ["FAIL", "TIMOUT", "TIMEOUT"])
def test_failures_and_both_spellings_of_a_timeout_are_bad(word):
    assert phase_of(word, None) is Phase.BAD


@pytest.mark.parametrize("result", [None, "SUCCESS"])
def test_a_success_without_an_error_is_good(result):
    assert phase_of("SUCCESS", result) is Phase.GOOD


@pytest.mark.parametrize("word", ["", "ACTIVE", "success", "SUCCESSFUL", "Success", "PRE_ANALYZER_SUCCES", "DONE"])
def test_any_other_word_is_unknown(word):
    assert phase_of(word, None) is Phase.UNKNOWN


@pytest.mark.parametrize("word", ["SUCCESS", "INIT", "FAIL", "ACTIVE", ""])
@pytest.mark.parametrize("result", ["TASK_NOT_EXISTS", "TASK_NOT_SUPPORT_REGION"])
def test_a_result_of_failure_beats_every_word(word, result):
    assert phase_of(word, result) is Phase.BAD


@pytest.mark.parametrize("result", ["SOMETHING_NEW", UNREADABLE, "success"])
def test_a_success_with_a_result_that_is_not_known_is_unknown(result):
    assert phase_of("SUCCESS", result) is Phase.UNKNOWN


@pytest.mark.parametrize("word", ["INIT", "FAIL", "SUCCESS", "ACTIVE"])
def test_another_task_for_the_image_is_waited_for(word):
    assert phase_of(word, "forbid_create_repeat_task") is Phase.RUNNING


def test_the_success_of_another_task_is_good_only_where_its_time_is_told():
    assert phase_of("SUCCESS", "forbid_create_repeat_task", scanned=True) is Phase.GOOD
    assert phase_of("FAIL", "forbid_create_repeat_task", scanned=True) is Phase.RUNNING


@pytest.mark.parametrize(
    ("word", "phase"), [("SUCCESS", Phase.GOOD), ("START", Phase.BAD), ("ACTIVE", Phase.BAD), ("", Phase.BAD)]
)
def test_finished_with_another_word_than_success_is_bad(word, phase):
    assert phase_of(word, None, finished=True) is phase
