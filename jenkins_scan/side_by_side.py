"""Several pieces of work at once, with a bound, in threads that never keep the process alive.

`concurrent.futures` joins its threads when the interpreter ends: one that hangs would hold an aborted build for as long
as it pleases.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, wait
from typing import Generic, TypeVar

Item = TypeVar("Item")
LOOK_UP = 0.1
"""Seconds after which a thread that waits looks whether a signal has come."""


class SideBySide(Generic[Item]):
    """Does `work` for every item, at most `jobs` at once, and begins them in the order of the items."""

    def __init__(self, work: Callable[[Item], None], items: Iterable[Item], *, jobs: int) -> None:
        self._work = work
        self._waiting = deque(items)
        self._jobs = min(jobs, len(self._waiting))
        self._hands: list[Future[None]] = []

    def finish(self) -> None:
        """Does all of it. Raises what `work` raised; a signal may interrupt it."""
        for _ in range(self._jobs):
            hand: Future[None] = Future()
            self._hands.append(hand)
            threading.Thread(target=self._labour, args=(hand,), name="image", daemon=True).start()
        # Any thread may take a signal, and only this one acts on it: a wait without end would not notice.
        while wait(self._hands, timeout=LOOK_UP).not_done:
            pass
        for hand in self._hands:
            hand.result()

    def dismiss(self, seconds: float) -> None:
        """Begins nothing further, and waits for what is under way at most so long."""
        self._waiting.clear()
        wait(self._hands, timeout=seconds)

    def _labour(self, hand: "Future[None]") -> None:
        try:
            while self._waiting:
                try:
                    item = self._waiting.popleft()
                except IndexError:  # another hand was faster
                    break
                self._work(item)
        except BaseException as exc:  # noqa: BLE001  handed to whoever waits
            hand.set_exception(exc)
        else:
            hand.set_result(None)
