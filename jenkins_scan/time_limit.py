"""A limit for work whose own limits are not enough: a connection's time-out begins anew with every byte that comes."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")
LOOK_UP = 0.1
"""Seconds after which a thread that waits looks whether a signal has come."""


class TimeIsUp(Exception):
    """The work was not done in time; no library raises this, unlike `TimeoutError`."""


def within(seconds: float, work: Callable[[], T]) -> T:
    """The result of `work`, or what it raises. Raises `TimeIsUp` when it takes longer than `seconds`.

    Work that takes longer is left behind in a thread that does not keep the process alive.
    """
    task = _Task(work)
    thread = threading.Thread(target=task.run, name="jenkins-scan exchange", daemon=True)
    thread.start()
    until = time.monotonic() + seconds
    # In slices: any thread may take a signal, and only the main one, which may be waiting here, acts on it.
    while thread.is_alive() and (left := until - time.monotonic()) > 0:
        thread.join(min(LOOK_UP, left))
    if thread.is_alive():
        raise TimeIsUp
    return task.outcome()


class _Task(Generic[T]):
    """Work for another thread, with its result or its error."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._result: list[T] = []
        self._error: BaseException | None = None

    def run(self) -> None:
        try:
            self._result.append(self._work())
        except BaseException as exc:  # noqa: BLE001  raised again in the thread that asked
            self._error = exc

    def outcome(self) -> T:
        if self._error is not None:
            raise self._error
        return self._result[0]
