"""What an exit code, a reason or an error code of the service means, and what to do about it.

Everything is taken from where it is decided: reasons and remedies from the error tree, the service's codes from the
table by which its answers are read. `jenkins-scan explain` and docs/troubleshooting.md both show it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from jenkins_scan import errors
from jenkins_scan.errors import Interrupted, Reason, ScanError, ServiceFault, UsageError
from jenkins_scan.gate.verdict import VerdictWord, word_of
from jenkins_scan.local.checks import CHECKS
from jenkins_scan.security_center.codes import (
    CODES,
    TOO_MANY_REQUESTS,
    UNKNOWN_CODE,
    UNKNOWN_SERVER_FAULT,
    ServiceCode,
)

FOREIGN: Final = {
    -2: "Jenkins started the step and its process never appeared: the agent cannot see the workspace, or has no shell.",
    -1: "Jenkins lost the process of the step: the agent was restarted or disconnected.",
    125: "`docker run` could not start the container of the step.",
    126: "The command was found and could not be executed.",
    127: "The command was not found: jenkins-scan is not on the PATH of the agent or of the step's container.",
    137: "The process was killed (SIGKILL), often for want of memory.",
    255: "ssh ended with an error of its own, or a wrapper with -1.",
}
"""Exit codes that a step can end with and that are never this tool's: no verdict belongs to them."""
PASSED: Final = (
    "PASS; SUBMITTED: a task was opened, the image not judged; CHECKED: local check only. The last line says which."
)
WORDS: Final = {
    VerdictWord.PASS: "the scan was proved to be of this image, and no finding that counts is at or above a gate",
    VerdictWord.SUBMITTED: "a task was opened, and the image was not judged: no gate was asked for",
    VerdictWord.CHECKED: "`check` found nothing at or above its gate on this machine; no task was opened",
    VerdictWord.WARN: "nothing worse than a finding at a warning gate, or a reason that --soft names",
    VerdictWord.FAIL: "the image must not ship: by its findings, or because the quota did not allow the scan",
    VerdictWord.INCOMPLETE: "nothing was judged, or not the whole of it",
    VerdictWord.ERROR: "the run could not do what it was asked for",
}
"""The words with which the last line of a run begins."""
AFTER_0: Final = {
    VerdictWord.PASS: "Nothing to do.",
    VerdictWord.SUBMITTED: "`jenkins-scan wait RESULT_JSON` waits for the task and judges it.",
    VerdictWord.CHECKED: "Nothing to do before the push; `jenkins-scan scan` has Security Center judge the image.",
}
"""What to do after a word that ends with 0."""
AFTER_ANOTHER: Final = "The last line names the reason; `jenkins-scan explain REASON` says what to do."


@dataclass(frozen=True, slots=True)
class Cause:
    """One way in which something comes about."""

    name: str
    """The error's own name, or the service's code."""
    what: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a code or a word means."""

    title: str
    causes: tuple[Cause, ...] = ()


SOFT: Final = Cause(
    "--soft",
    "A reason that --soft names came up, and 11 stands in place of its own code.",
    "The reason itself stands above the last line, with its remedy: mend that. `jenkins-scan explain REASON` has all "
    "that leads to it; without --soft it keeps its own code.",
)
OTHERS: Final = (
    ("every other one with HTTP 5xx", UNKNOWN_SERVER_FAULT),
    ("every other one with HTTP 429", TOO_MANY_REQUESTS),
    ("every other one", UNKNOWN_CODE),
)
"""What a code means that is not in the table, by the HTTP status; the same holds for an answer without a code."""
LONGEST_CODE: Final = 60
_LIKE_A_SERVICE_CODE: Final = re.compile(r"(?:[A-Z][a-z0-9]+){2,}(?:\.\w+)*|[A-Z][a-z]+(?:\.\w+)+")


def explain(word: str) -> tuple[Explanation, ...]:
    """Every meaning of an exit code, a verdict, a reason slug, an error's name, a service code or a local check's id.

    Raises `UsageError` (2) with the nearest known words for one that means nothing here.
    """
    meanings = (_by_number, _by_verdict, _by_reason, _by_error, _by_service_code, _by_check)
    found = [each for meaning in meanings for each in meaning(word)]
    if not found:
        raise _not_known(word)
    return tuple(found)


def explanation_of(reason: Reason) -> Explanation:
    """A reason with every error that leads to it."""
    codes = ", ".join(map(str, reason.codes))
    if reason is Reason.INTERRUPTED:
        first = (Interrupted.__doc__ or "").partition("\n")[0]
        remedy = "`jenkins-scan wait RESULT_JSON` takes up what was opened; if nothing was, run it again."
        return Explanation(f"{codes} {reason.slug}: {reason.meaning}", (Cause("Interrupted", first, remedy),))
    causes = tuple(_cause(error) for error in _errors(ScanError) if error.reason is reason and error.default_remedy)
    soft = (SOFT,) if reason is Reason.WARN else ()
    return Explanation(f"{codes} {reason.slug}: {reason.meaning}", (*causes, *soft))


def service_codes() -> tuple[Explanation, ...]:
    """Every code of the service, in the order in which they are looked up, and at last what all others mean."""
    others = (_of_service(entry, name) for name, entry in OTHERS)
    return (*(_of_service(entry, _name(entry)) for entry in CODES), *others)


def known_words() -> tuple[str, ...]:
    """Every word that is explained, in the order of the tables; families of service codes without their star."""
    numbers = [0, *(code for reason in Reason for code in reason.codes), *FOREIGN]
    return tuple(
        dict.fromkeys(
            (
                *map(str, numbers),
                *(word.value for word in VerdictWord),
                *(reason.slug for reason in Reason),
                *(error.__name__ for error in _errors(ScanError)),
                *(entry.pattern.rstrip(".*") for entry in CODES),
                *(check.id for check in CHECKS),
            )
        )
    )


def _by_number(word: str) -> Iterator[Explanation]:
    try:
        number = int(word)
    except ValueError:
        return
    if number == 0:
        yield Explanation(f"0: {PASSED}")
    if number in FOREIGN:
        yield Explanation(f"{number}: not a code of jenkins-scan. {FOREIGN[number]}")
    yield from (explanation_of(reason) for reason in Reason if number in reason.codes)


def _by_verdict(word: str) -> Iterator[Explanation]:
    for verdict, meaning in WORDS.items():
        if word.upper() == verdict:
            reasons = [reason for reason in Reason if word_of(reason) is verdict]
            codes = [f"{', '.join(map(str, reason.codes))} ({reason.slug})" for reason in reasons]
            what = f"{meaning[0].upper()}{meaning[1:]}."
            cause = Cause(verdict.value, what, AFTER_0.get(verdict, AFTER_ANOTHER))
            yield Explanation(f"{verdict}: ends with {', '.join(codes) or '0'}", (cause,))


def _by_reason(word: str) -> Iterator[Explanation]:
    yield from (explanation_of(reason) for reason in Reason if word.lower() == reason.slug)


def _by_error(word: str) -> Iterator[Explanation]:
    for error in _errors(ScanError):
        if word.lower() == error.__name__.lower():
            family = [member for member in (error, *_errors(error)) if member.default_remedy]
            causes = tuple(map(_cause, family if not error.default_remedy else [error]))
            yield Explanation(f"{error.__name__}: {_ends_with(error)}", causes)


def _by_service_code(word: str) -> Iterator[Explanation]:
    """The code itself, whatever its case; one that is a family's is explained by the family."""
    fitting = [entry for entry in CODES if fnmatchcase(word.lower(), entry.pattern.lower())]
    yield from (_of_service(entry, _name(entry)) for entry in fitting if entry.pattern == fitting[0].pattern)


def _by_check(word: str) -> Iterator[Explanation]:
    for check in CHECKS:
        if word.lower() in (check.id, check.id.partition("/")[2]):
            what = f"A finding of the local analysis, {check.severity.value}; docs/local-checks.md says what it finds."
            yield Explanation(
                f"{check.id}: {check.kind.value}, {check.severity.value}", (Cause(check.id, what, check.fix),)
            )


def _name(entry: ServiceCode) -> str:
    """The code, with the HTTP status where that decides."""
    if entry.status is not None:
        return f"{entry.pattern} with HTTP {entry.status}"
    others = any(each.status is not None for each in CODES if each.pattern == entry.pattern)
    return entry.pattern + (" with any other status" if others else "")


def _of_service(entry: ServiceCode, name: str) -> Explanation:
    if entry.may_have_run:
        again = (
            " A read is tried again first. A create that got it may have opened a task: that is looked for, and the "
        )
        again += "create never repeated."
    else:
        again = (
            " Every call is tried again first, a create too: one that got this opened nothing." if entry.retry else ""
        )
    remedy = entry.remedy or entry.error.default_remedy
    what = f"{entry.cause[0].upper()}{entry.cause[1:]}.{again}"
    return Explanation(f"{name} (of the service): {_ends_with(entry.error)}", (Cause(entry.pattern, what, remedy),))


def _ends_with(error: type[ScanError]) -> str:
    return f"ends with {error.reason.code} ({error.reason.slug})"


def _cause(error: type[ScanError]) -> Cause:
    return Cause(error.__name__, " ".join((error.__doc__ or "").split("\n\n")[0].split()), error.default_remedy)


def _errors(root: type[ScanError]) -> Iterator[type[ScanError]]:
    """Every error with a reason, families before their members."""
    for error in root.__subclasses__():
        if error.__module__ == errors.__name__:
            yield error
            yield from _errors(error)


def _not_known(word: str) -> UsageError:
    slugs = [reason.slug for reason in Reason]
    import difflib  # most words are known

    near = dict.fromkeys(difflib.get_close_matches(word, known_words(), n=3))
    hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else "."
    if len(word) <= LONGEST_CODE and _LIKE_A_SERVICE_CODE.fullmatch(word):
        ends = f"{ServiceFault.reason.code} ({ServiceFault.reason.slug})"
        return UsageError(
            f"{word!a} is not known here; as a code of the service it would end with {ends}{hint}",
            remedy=ServiceFault.default_remedy,
        )
    return UsageError(
        f"{word[:60]!a} is no exit code, reason, error code or local check that is known here{hint}",
        remedy=f"Give an exit code (10), a reason ({', '.join(slugs)}) or the service's own code (BeyondQuata).",
    )
