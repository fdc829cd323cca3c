"""SIGHUP, SIGINT and SIGTERM as one exception, so that an abort leaves a report and the ids of its tasks."""

import signal
from types import FrameType, TracebackType
from typing import Self

from jenkins_scan.errors import Interrupted

SIGNALS = tuple(getattr(signal, name) for name in ("SIGHUP", "SIGINT", "SIGTERM") if hasattr(signal, name))


class Interruptions:
    """While entered, the first signal raises `Interrupted`; later ones are ignored, so that the report can be finished.

    `hold()` ends the raising early: from then on a verdict exists, and a signal no longer changes it.
    `for_good` means that the process ends with it, so the handlers stay.
    """

    def __init__(self, *, for_good: bool = False) -> None:
        self._for_good = for_good
        self._raising = True
        self._previous: dict[int, object] = {}

    def __enter__(self) -> Self:
        for number in SIGNALS:
            # nohup and `&` set signals to be ignored: that wish is kept.
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._previous[number] = signal.signal(number, self._arrived)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._for_good:
            self.hold()
            return
        for number, previous in self._previous.items():
            signal.signal(number, previous)  # type: ignore[arg-type]  # what signal.signal returned

    def hold(self) -> None:
        """From now on signals are ignored."""
        self._raising = False
        if self._for_good:  # Python gives its own handlers up while it ends, and a late signal would change the code
            for number in self._previous:
                signal.signal(number, signal.SIG_IGN)

    def _arrived(self, number: int, _frame: FrameType | None) -> None:
        if self._raising:
            self._raising = False
            raise Interrupted(number)
