"""What the doctor says: a line for each check, and the exit code of all of them together."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from jenkins_scan.errors import Reason, ScanError
from jenkins_scan.plain_text import one_line

LONGEST_TEXT: Final = 2000
"""Characters of what was seen, and of a remedy."""


class Status(StrEnum):
    """How a check ended."""

    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"
    SKIP = "SKIP"
    """Not looked at: nothing is configured for it, or what it needs has failed."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one check saw."""

    status: Status
    seen: str
    remedy: str = ""
    """What to do; empty when all is well."""
    code: int = 0
    """The exit code that a scan would end with, 11 for a warning, 0 for what is well or was not looked at."""


def good(seen: str) -> Outcome:
    """All is well."""
    return Outcome(Status.OK, seen)


def warning(seen: str, remedy: str) -> Outcome:
    """A scan may work, and may not; or soon no longer."""
    return Outcome(Status.WARN, seen, remedy, Reason.WARN.code)


def failure(error: ScanError, before: str = "") -> Outcome:
    """A scan would end with this error; `before` is what was seen before it."""
    tried = "".join(f" Tried: {each}" for each in error.tried)
    return Outcome(Status.FAIL, f"{before}{error.message}{tried}", error.remedy, error.exit_code)


def skipped(why: str, remedy: str) -> Outcome:
    """Not looked at."""
    return Outcome(Status.SKIP, why, remedy)


@dataclass(frozen=True, slots=True)
class Line:
    """One check with its outcome."""

    name: str
    outcome: Outcome

    def stamped(self, stamp: str) -> "Line":
        """The line with a word before what was seen, so that nobody takes it for something else."""
        return replace(self, outcome=replace(self.outcome, seen=f"{stamp}: {self.outcome.seen}"))

    def cleaned(self, redact: Callable[[str], str]) -> "Line":
        """The line without secrets, and fit for one line of a log."""
        seen, remedy = (one_line(redact(text), LONGEST_TEXT) for text in (self.outcome.seen, self.outcome.remedy))
        return replace(self, outcome=replace(self.outcome, seen=seen, remedy=remedy))


def exit_code(lines: Sequence[Line]) -> int:
    """The code of the first line that failed; 11 when some warn and none failed; 0 otherwise."""
    failed = [line.outcome.code for line in lines if line.outcome.status is Status.FAIL]
    warned = [line.outcome.code for line in lines if line.outcome.status is Status.WARN]
    return next(iter([*failed, *warned]), 0)


def as_json(lines: Sequence[Line], *, sandbox: bool) -> str:
    """The lines for programs."""
    checks = [
        {
            "name": line.name,
            "status": line.outcome.status.value,
            "seen": line.outcome.seen,
            "remedy": line.outcome.remedy,
            "code": line.outcome.code,
        }
        for line in lines
    ]
    return json.dumps({"checks": checks, "sandbox": sandbox, "exit_code": exit_code(lines)}, indent=2) + "\n"


def as_table(lines: Sequence[Line]) -> str:
    """The lines for people, each with its remedy below it, and the exit code."""
    width = max(len(line.name) for line in lines)
    rows = []
    for line in lines:
        rows.append(f"{line.outcome.status:<4}  {line.name:<{width}}  {line.outcome.seen}")
        if line.outcome.remedy:
            rows.append(f"{'':<{width + 8}}-> {line.outcome.remedy}")
    counted = [(status, sum(line.outcome.status is status for line in lines)) for status in Status]
    summary = ", ".join(f"{number} {status}" for status, number in counted if number)
    return "\n".join([*rows, f"{summary} (exit {exit_code(lines)})"]) + "\n"
