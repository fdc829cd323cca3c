"""One virtual clock for a whole fleet: the earliest of all who sleep goes on, and nobody else runs meanwhile.

The code under test blocks, so each agent has a thread of its own; one baton goes from hand to hand. The same seed gives
the same run, whatever the machine does.
"""

import heapq
import itertools
import threading
from collections.abc import Callable

STACK = 1024 * 1024
"""Bytes of one agent's stack: memory that is only taken as far as it is used."""


class VirtualTime:
    """What is to happen, by its time. Times in seconds."""

    def __init__(self, start: float) -> None:
        self.time = start
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._baton = threading.Semaphore(0)
        threading.stack_size(STACK)

    def at(self, time: float, do: Callable[[], None]) -> None:
        """`do` will happen then, or now if that is over; what is due together happens in the order it was asked for."""
        heapq.heappush(self._due, (max(time, self.time), next(self._order), do))

    def run(self) -> None:
        """Until nothing is left to happen."""
        while self._due:
            self.time, _, do = heapq.heappop(self._due)
            do()

    def hand_over(self, to: Callable[[], object]) -> None:
        """Has a thread go on, and waits until it sleeps or ends."""
        to()
        self._baton.acquire()

    def hand_back(self) -> None:
        """Called by the thread that sleeps or ends."""
        self._baton.release()


class Sleeper:
    """A thread that lives in virtual time: the clock of one agent. It starts when it is told to."""

    def __init__(self, world: VirtualTime, work: Callable[[], None], *, until: float = float("inf")) -> None:
        """`until` is when it is struck dead, wherever it is: it then raises `Dead`."""
        self._world = world
        self._work = work
        self._until = until
        self._turn = threading.Semaphore(0)

    def start(self) -> None:
        """Begins, and goes on until it sleeps."""
        thread = threading.Thread(target=self._live, daemon=True)
        self._world.hand_over(thread.start)

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
        self._world.hand_back()
        self._turn.acquire()
        if self._world.time >= self._until:
            raise Dead

    def wake(self) -> None:
        """Has it go on."""
        self._world.hand_over(self._turn.release)

    def _live(self) -> None:
        try:
            self._work()
        finally:
            self._world.hand_back()


class Dead(BaseException):
    """The agent's process is gone; no error of the tool, which could handle that."""
