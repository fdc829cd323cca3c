"""One word, one reason, one code: the contract's order decides, and nothing but an empty list is no failure."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jenkins_scan.config.options import SOFT_REASONS
from jenkins_scan.errors import Reason
from jenkins_scan.gate.verdict import PRECEDENCE, Verdict, VerdictWord, judge, word_of

CONTRACT = {
    Reason.INTERNAL: ("ERROR", 1),
    Reason.USAGE: ("ERROR", 2),
    Reason.POLICY: ("FAIL", 10),
    Reason.WARN: ("WARN", 11),
    Reason.QUOTA: ("FAIL", 12),
    Reason.IMAGE: ("ERROR", 13),
    Reason.ACCESS: ("ERROR", 14),
    Reason.SERVICE: ("ERROR", 15),
    Reason.TIMEOUT: ("INCOMPLETE", 16),
    Reason.INCOMPLETE: ("INCOMPLETE", 17),
    Reason.INTERRUPTED: ("INCOMPLETE", 143),
}
ORDER = [2, 143, 1, 10, 12, 14, 13, 17, 15, 16, 11]
REASONS = st.sets(st.sampled_from(Reason))
SOFT = st.frozensets(st.sampled_from([reason for reason in Reason if reason.slug in SOFT_REASONS]))


@pytest.mark.parametrize("reason", Reason)
def test_one_reason_gives_its_word_and_code(reason):
    word, code = CONTRACT[reason]
    assert judge([reason]) == Verdict(VerdictWord(word), reason, code)
    assert word_of(reason) == word


def test_without_a_reason_a_task_was_opened_and_nothing_more_is_known():
    assert judge([]) == Verdict(VerdictWord.SUBMITTED, None, 0)


def test_the_order_of_the_reasons_is_the_contracts():
    assert [reason.code for reason in PRECEDENCE] == ORDER
    assert set(PRECEDENCE) == set(Reason)


def test_what_is_no_reason_has_no_word():
    with pytest.raises(AssertionError):
        word_of("no reason")


@pytest.mark.parametrize(("stronger", "weaker"), list(pairwise(PRECEDENCE)))
def test_the_stronger_reason_decides(stronger, weaker):
    assert judge([weaker, stronger, weaker]).reason is stronger


@pytest.mark.parametrize("code", [129, 130, 143])
def test_a_signal_ends_with_its_own_code(code):
    assert judge([Reason.INTERRUPTED, Reason.ACCESS], exit_code=code).exit_code == code
    assert judge([Reason.ACCESS], exit_code=code).exit_code == 14


@pytest.mark.parametrize("slug", SOFT_REASONS)
def test_a_soft_reason_is_a_warning(slug):
    (reason,) = (reason for reason in Reason if reason.slug == slug)
    assert judge([reason], soft=frozenset([reason])) == Verdict(VerdictWord.WARN, Reason.WARN, 11)


def test_a_soft_reason_beside_a_hard_one_changes_nothing():
    assert judge([Reason.QUOTA, Reason.IMAGE], soft=frozenset([Reason.QUOTA])).exit_code == 13


@given(reasons=REASONS, soft=SOFT)
def test_the_code_is_zero_only_when_nothing_went_wrong(reasons, soft):
    verdict = judge(reasons, soft=soft)
    assert (verdict.exit_code == 0) == (not reasons)
    assert (verdict.exit_code == 11) == (bool(reasons) and reasons <= soft | {Reason.WARN})
