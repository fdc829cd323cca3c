"""The verdict: one word, one reason and one exit code out of everything that went wrong."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from jenkins_scan.errors import Reason


class VerdictWord(StrEnum):
    """The verdict in one word."""

    PASS = "PASS"  # noqa: S105  no password
    SUBMITTED = "SUBMITTED"
    CHECKED = "CHECKED"
    WARN = "WARN"
    FAIL = "FAIL"
    INCOMPLETE = "INCOMPLETE"
    ERROR = "ERROR"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The word with its reason (None: nothing went wrong) and the exit code."""

    word: VerdictWord
    reason: Reason | None
    exit_code: int


PRECEDENCE = (
    Reason.USAGE,
    Reason.INTERRUPTED,
    Reason.INTERNAL,
    Reason.POLICY,
    Reason.QUOTA,
    Reason.ACCESS,
    Reason.IMAGE,
    Reason.INCOMPLETE,
    Reason.SERVICE,
    Reason.TIMEOUT,
    Reason.WARN,
)
"""The first that occurs decides; usage and signals end a whole run."""


def word_of(reason: Reason) -> VerdictWord:
    """The word that a reason leads to."""
    match reason:
        case Reason.POLICY | Reason.QUOTA:
            return VerdictWord.FAIL
        case Reason.INCOMPLETE | Reason.TIMEOUT | Reason.INTERRUPTED:
            return VerdictWord.INCOMPLETE
        case Reason.WARN:
            return VerdictWord.WARN
        case Reason.INTERNAL | Reason.USAGE | Reason.IMAGE | Reason.ACCESS | Reason.SERVICE:
            return VerdictWord.ERROR
        case _:
            assert_never(reason)


def judge(
    reasons: Iterable[Reason],
    *,
    judged: bool = False,
    local: bool = False,
    soft: frozenset[Reason] = frozenset(),
    exit_code: int | None = None,
) -> Verdict:
    """The verdict over the reasons that occurred.

    None of them is a PASS only for what was `judged` by its findings; otherwise a task was opened and no more is known.
    What was looked at on this machine alone (`local`) is CHECKED, and never a PASS.
    `soft` reasons count as a warning. `exit_code` is the code of the signal when there was one.
    """
    softened = {Reason.WARN if reason in soft else reason for reason in reasons}
    for reason in PRECEDENCE:
        if reason in softened:
            code = exit_code if reason is Reason.INTERRUPTED and exit_code is not None else reason.code
            return Verdict(word_of(reason), reason, code)
    if local:
        return Verdict(VerdictWord.CHECKED, None, 0)
    return Verdict(VerdictWord.PASS if judged else VerdictWord.SUBMITTED, None, 0)
