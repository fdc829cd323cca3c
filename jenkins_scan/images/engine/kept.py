"""Connections to engines that are kept for the next image: opening one takes longer than asking about an image.

Nothing that an engine said is taken for what the next one is: behind an address they may change at any time.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Self

from jenkins_scan.clock import Clock
from jenkins_scan.images.engine.endpoint import EngineEndpoint

if TYPE_CHECKING:
    from jenkins_scan.images.engine.connection import EngineConnection, Limits

FRESH: Final = 5.0
"""Seconds without use after which a connection is given up: meanwhile the engine may be another one."""


class KeptConnections:
    """The idle connections of one run. Threads may borrow from it side by side."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._idle: list[tuple[float, EngineEndpoint, EngineConnection]] = []
        self._closed = False
        self._changing = threading.Lock()

    @contextmanager
    def connected(self, endpoint: EngineEndpoint, limits: "Limits") -> Iterator["EngineConnection"]:
        """As `connection.connected`; one that met no error is kept."""
        from jenkins_scan.images.engine.connection import connect  # the Docker SDK takes its time to import

        connection = self._taken(endpoint) or connect(endpoint, limits)
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        with self._changing:
            if not self._closed:
                connection.is_kept = True
                self._idle.append((self._clock.monotonic(), endpoint, connection))
                return
        connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_unused: object) -> None:
        """Closes what is idle now, and whatever comes back later."""
        with self._changing:
            self._closed = True
            idle, self._idle = self._idle, []
        for each in idle:
            each[2].close()

    def _taken(self, endpoint: EngineEndpoint) -> "EngineConnection | None":
        with self._changing:
            now = self._clock.monotonic()
            fresh = [each for each in self._idle if now - each[0] <= FRESH]
            old = [each for each in self._idle if each not in fresh]
            taken = next((each for each in reversed(fresh) if each[1] == endpoint), None)
            self._idle = [each for each in fresh if each is not taken]
        for each in old:
            each[2].close()
        return None if taken is None else taken[2]
