"""One virtual clock for a whole fleet: the earliest of all who sleep goes on, and nobody else runs meanwhile.

The code under test blocks, so each agent has a thread of its own; the turn goes from hand to hand. The same seed gives
the same run, whatever the machine does.
"""

import _thread
import heapq
import itertools
import threading
from collections.abc import Callable
from typing import Any

STACK = 1024 * 1024
"""Bytes of one agent's stack: memory that is only taken as far as it is used."""


class VirtualTime:
    """What is to happen, by its time. Times in seconds."""

    def __init__(self, start: float) -> None:
        self.time = start
        self._due: list[tuple[float, int, Callable[[], Any]]] = []
        self._order = itertools.count()
        self._over = _thread.allocate_lock()
        threading.stack_size(STACK)

    def at(self, time: float, do: Callable[[], Any]) -> None:
        """`do` will happen then, or now if that is over; what is due together happens in the order it was asked for.

        What it returns is the lock of the thread whose turn it is then, or nothing.
        """
        heapq.heappush(self._due, (max(time, self.time), next(self._order), do))

    def run(self) -> None:
        """Until nothing is left to happen."""
        self._over.acquire()
        self.pass_on()
        self._over.acquire()

    def pass_on(self, mine: Any = None) -> None:
        """Whoever has the turn does what is due, and gives the turn to the first thread of which that says so.

        With the lock of a thread it comes back when the turn does, else as soon as the turn is given away.
        """
        turn = None
        while turn is None and self._due:
            self.time, _, do = heapq.heappop(self._due)
            turn = do()
        if turn is None:
            turn = self._over
        if turn is not mine:
            turn.release()
            if mine is not None:
                mine.acquire()


class Sleeper:
    """A thread that lives in virtual time: the clock of one agent. It starts when it is told to."""

    def __init__(self, world: VirtualTime, work: Callable[[], None], *, until: float = float("inf")) -> None:
        """`until` is when it is struck dead, wherever it is: it then raises `Dead`."""
        self._world = world
        self._work = work
        self._until = until
        self._turn = _thread.allocate_lock()
        self._turn.acquire()

    def start(self) -> Any:
        """Begins, and goes on until it sleeps."""
        _thread.start_new_thread(self._live, ())
        return self._turn

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._world.time

    def monotonic(self) -> float:
        """The same: no clock of the fleet is ever set."""
        return self._world.time

    def sleep(self, seconds: float) -> None:
        """Lets all others go on that are due before. Raises `Dead`."""
        self._world.at(min(self._world.time + seconds, self._until), self.wake)
        self.rest()

    def rest(self) -> None:
        """Sleeps until somebody wakes it. Raises `Dead`."""
        self._world.pass_on(self._turn)
        if self._world.time >= self._until:
            raise Dead

    def wake(self) -> Any:
        """Has it go on."""
        return self._turn

    def _live(self) -> None:
        self._turn.acquire()
        try:
            self._work()
        finally:
            self._world.pass_on()


class Dead(BaseException):
    """The agent's process is gone; no error of the tool, which could handle that."""
