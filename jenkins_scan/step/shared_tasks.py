"""One task for many images: what is asked by its id is asked once for all who wait."""

import threading
from collections import defaultdict
from typing import Final

from jenkins_scan.clock import Clock
from jenkins_scan.errors import ScanError
from jenkins_scan.security_center.interface import Answer, Tasks, TaskStatus

FRESH: Final = 1.0
"""Seconds for which an answer is good for others, too: as long as the shortest pause between two looks."""
Said = Answer[tuple[TaskStatus, ...]] | ScanError


class SharedTasks:
    """The status operations; of the one by task id several threads get one answer."""

    def __init__(self, tasks: Tasks, clock: Clock) -> None:
        self._tasks = tasks
        self._clock = clock
        self._asking: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._last: dict[str, tuple[float, Said]] = {}

    def latest(self, digest: str, *, deadline: float) -> Answer[tuple[TaskStatus, ...]]:
        """The tasks of the image with this digest."""
        return self._tasks.latest(digest, deadline=deadline)

    def of_image(
        self, *, digest: str | None = None, image_id: str | None = None, deadline: float
    ) -> Answer[tuple[TaskStatus, ...]]:
        """The images with this digest or, without one, this config digest."""
        return self._tasks.of_image(digest=digest, image_id=image_id, deadline=deadline)

    def unfinished(self, digest: str, *, deadline: float) -> Answer[tuple[TaskStatus, ...]]:
        """The running tasks of the image with this digest."""
        return self._tasks.unfinished(digest, deadline=deadline)

    def by_id(self, task_id: str, *, deadline: float) -> Answer[tuple[TaskStatus, ...]]:
        """The task of each image under this id: as it was told within the last second, else asked."""
        with self._asking[task_id]:
            told_at, said = self._last.get(task_id, (None, None))
            if told_at is None or said is None or self._clock.monotonic() - told_at >= FRESH:
                try:
                    said = self._tasks.by_id(task_id, deadline=deadline)
                except ScanError as refused:
                    said = refused
                self._last[task_id] = (self._clock.monotonic(), said)
        if isinstance(said, ScanError):
            raise said
        return said
