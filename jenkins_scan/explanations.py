"""What an exit code, a reason or an error code of the service means, and what to do about it.

Everything is taken from where it is decided: reasons and remedies from the error tree, the service's codes from the
table by which its answers are read. `jenkins-scan explain` and docs/troubleshooting.md both show it.
"""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from jenkins_scan import errors
from jenkins_scan.errors import Interrupted, Reason, ScanError, UsageError
from jenkins_scan.local.checks import CHECKS
from jenkins_scan.security_center.codes import CODES, ServiceCode

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


def explain(word: str) -> tuple[Explanation, ...]:
    """Every meaning of an exit code, a reason slug, an error's name, a code of the service or a local check's id.

    Raises `UsageError` (2) with the nearest known words for one that means nothing here.
    """
    found = [*_by_number(word), *_by_reason(word), *_by_error(word), *_by_service_code(word), *_by_check(word)]
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
    return Explanation(f"{codes} {reason.slug}: {reason.meaning}", causes)


def service_codes() -> tuple[Explanation, ...]:
    """Every code of the service, in the order in which they are looked up."""
    return tuple(_of_service(entry) for entry in CODES)


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


def _by_reason(word: str) -> Iterator[Explanation]:
    yield from (explanation_of(reason) for reason in Reason if word.lower() == reason.slug)


def _by_error(word: str) -> Iterator[Explanation]:
    for error in _errors(ScanError):
        if word.lower() == error.__name__.lower():
            yield Explanation(f"{error.__name__}: {_ends_with(error)}", (_cause(error),))


def _by_service_code(word: str) -> Iterator[Explanation]:
    """The code itself, whatever its case; one that is a family's is explained by the family."""
    fitting = [entry for entry in CODES if fnmatchcase(word.lower(), entry.pattern.lower())]
    yield from (_of_service(entry) for entry in fitting if entry.pattern == fitting[0].pattern)


def _by_check(word: str) -> Iterator[Explanation]:
    for check in CHECKS:
        if word.lower() in (check.id, check.id.partition("/")[2]):
            what = f"A finding of the local analysis, {check.severity.value}; docs/local-checks.md says what it finds."
            yield Explanation(
                f"{check.id}: {check.kind.value}, {check.severity.value}", (Cause(check.id, what, check.fix),)
            )


def _of_service(entry: ServiceCode) -> Explanation:
    others = any(each.status is not None for each in CODES if each.pattern == entry.pattern)
    where = " with any other status" if others else ""
    where = where if entry.status is None else f" with HTTP {entry.status}"
    again = " A read is tried again first." if entry.retry else ""
    lost = " A create that got this answer may have opened a task: it is looked for, never repeated."
    remedy = entry.remedy or entry.error.default_remedy
    what = f"{entry.cause[0].upper()}{entry.cause[1:]}.{again}{lost if entry.may_have_run else ''}"
    return Explanation(
        f"{entry.pattern}{where} (of the service): {_ends_with(entry.error)}", (Cause(entry.pattern, what, remedy),)
    )


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
    known = [*slugs, *(error.__name__ for error in _errors(ScanError)), *(entry.pattern for entry in CODES)]
    known += [check.id for check in CHECKS]
    near = dict.fromkeys(difflib.get_close_matches(word, known, n=3))
    hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else "."
    return UsageError(
        f"{word[:60]!a} is no exit code, reason, error code or local check that is known here{hint}",
        remedy=f"Give an exit code (10), a reason ({', '.join(slugs)}) or the service's own code (BeyondQuata).",
    )
