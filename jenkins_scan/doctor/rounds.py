"""One check after the other, each within its time, none of which can end the run."""

from collections.abc import Callable, Sequence
from typing import Final

from jenkins_scan.clock import Clock
from jenkins_scan.doctor.report import Line, Outcome, Status, failure, skipped, warning
from jenkins_scan.errors import InternalError, ScanError
from jenkins_scan.time_limit import TimeIsUp, within

EACH: Final = 5.0
"""Seconds for one check."""
WHOLE: Final = 30.0
"""Seconds for all of them."""


class Rounds:
    """The lines so far, and the time that is left."""

    def __init__(
        self,
        clock: Clock,
        *,
        each: float = EACH,
        whole: float = WHOLE,
        beginning: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`beginning` is told the name of each check before it is made."""
        self.lines: list[Line] = []
        self._clock = clock
        self._each = each
        self._whole = whole
        self._until = clock.monotonic() + whole
        self._beginning = beginning
        self._skipped_for: dict[str, str] = {}
        """Of each line that was skipped for want of another one: the first that did not succeed."""

    def look(self, name: str, check: Callable[[], Outcome], *, after: Sequence[str] = ()) -> None:
        """Adds the line of this check. It is skipped when one of the lines `after` failed or was skipped."""
        self._beginning(name)
        missing = next((each for each in after if not self.is_known(each)), None)
        if missing is not None:
            first = self._skipped_for[name] = self._skipped_for.get(missing, missing)
            outcome = skipped(f"not looked at, because `{first}` did not succeed.", f"Mend `{first}` first.")
        else:
            outcome = self._within_time(check)
        self.lines.append(Line(name, outcome))

    def is_known(self, name: str) -> bool:
        """Whether the line of this name succeeded, with a warning or without."""
        return any(line.name == name and line.outcome.status in (Status.OK, Status.WARN) for line in self.lines)

    def _within_time(self, check: Callable[[], Outcome]) -> Outcome:
        left = min(self._each, self._until - self._clock.monotonic())
        if left <= 0:
            return warning(
                f"not looked at: the {self._whole:g} s for all checks are used up.",
                "Mend the lines before, then again.",
            )
        try:
            return within(left, check)
        except TimeIsUp:
            return warning(
                f"no result within {left:.1f} s.", "Something hangs or is very slow: look at this part by itself."
            )
        except ScanError as error:
            return failure(error)
        except Exception as problem:  # noqa: BLE001  a check that is broken must not hide the others
            return failure(InternalError.of(problem))
