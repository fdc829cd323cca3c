"""One task for images in registries: what it would cost, a free slot for it, and whether it is what was meant."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from jenkins_scan.clock import Clock
from jenkins_scan.errors import (
    ConfigurationError,
    FateUnknown,
    ImageNotFound,
    IncompleteError,
    NoFreeSlot,
    QuotaTooLow,
    RegionNotSupported,
    ServiceThrottled,
)
from jenkins_scan.security_center.interface import Answer, CreatedTask, Quota
from jenkins_scan.security_center.registry_scans import ImageFilter, RegistryTask
from jenkins_scan.security_center.status_words import REGION_NOT_SUPPORTED
from jenkins_scan.step.lost_answer import take_up
from jenkins_scan.step.opening import SUBMIT_BUDGET, Opening
from jenkins_scan.step.patience import Create, OnTheWay, Patience, Tries
from jenkins_scan.step.record import ImageRun, Run
from jenkins_scan.step.registry_images import different
from jenkins_scan.step.voice import Voice

CREATE: Final = "PublicCreateImageScanTask"
SYNC_AND_CREATE: Final = "PublicSyncAndCreateImageScanTask"
SUBMITTED: Final = "submitted"
"""Stands for the service's word for a task of which it told nothing: as the reports show a task of `scan`."""
_BUY_OR_NARROW: Final = (
    "Buy more image-scan quota in the Security Center console (Scale Out), or narrow the filters; a lower --min-quota "
    "does not help."
)
LEAST: Final = 1.0
"""Seconds that have to be left for a create: a slot at the deadline would be quota for a scan that nobody waits for."""
NO_SLOT: Final = "no task slot is free: as many tasks run as the account may have."
"""What is noted while one is waited for."""
NOTICE: Final = 30.0
"""Seconds between two signs of life."""


def require_count(needed: int, wanted: ImageFilter, most: int) -> None:
    """What the precheck counted has to be what was named.

    Raises `ImageNotFound` (13) for fewer images than digests, or none; `ConfigurationError` (2) for more than `most`.
    """
    named = max(1, len(wanted.digests))
    if needed < named:
        known = "none" if needed == 0 else f"{needed} of {named}"
        raise ImageNotFound(
            f"of the images that were named Security Center knows {known}; nothing was created.",
            remedy="Check the names and --registry-type, and that the registry is connected in Security Center. An "
            "image that was pushed a moment ago may not be synchronised yet: --sync has that done.",
        )
    if needed > most:
        raise ConfigurationError(
            f"the precheck counts {needed} images, and at most {most} {'was' if most == 1 else 'were'} meant; "
            "nothing was created.",
            remedy=f"Narrow the filters, by --digest above all, or allow it with --max-images {needed}.",
        )


def require_quota(quota: Quota, needed: int, minimum: int) -> None:
    """Raises `QuotaTooLow` (12) when less remains than these images need, or than `minimum`."""
    if quota.remaining < max(needed, minimum):
        least = f"--min-quota {minimum}" if minimum > needed else f"the {needed} that this scan needs"
        raise QuotaTooLow(
            f"{quota.remaining} of {quota.capacity} image scans remain: fewer than {least}; nothing was created.",
            remedy=None if needed <= quota.remaining else _BUY_OR_NARROW,
        )


def require_listed(images: Sequence[ImageRun], needed: int) -> None:
    """Raises `IncompleteError` (17) when the service lists other images than it counts: one would not be judged."""
    if needed not in (len(images), different(images)):
        raise IncompleteError(
            f"the service lists {len(images)} images for these filters, and counts {needed}: which they are is not "
            "known.",
            remedy="Name the images by --digest; a list may lag behind a push.",
        )


def require_total(told: RegistryTask | None, needed: int, known: int, *, listed: bool) -> str | None:
    """A warning where nobody can tell whether the task scans what was meant; None when it does.

    `known` is how many images are known by digest; `listed` tells that they are those of a list, which the number alone
    bounds, and not named. Raises `RegionNotSupported` (17), and `IncompleteError` (17) when
    the task scans more images than the precheck said, or fewer.
    """
    if told is None:
        return None
    if told.result == REGION_NOT_SUPPORTED:
        raise RegionNotSupported(f"task {told.task_id} was created and refused: {told.result}.")
    if told.total is None and listed:
        raise IncompleteError(
            f"how many images task {told.task_id} scans was not told: it may be more than are listed.",
            remedy="Name the images by --digest.",
        )
    if told.total is None:
        return "how many images the task scans was not told, and is not compared with the precheck."
    if not known <= told.total <= needed:
        raise IncompleteError(
            f"task {told.task_id} scans {told.total} images, and {needed} {'was' if needed == 1 else 'were'} expected: "
            "it is not the task that was meant.",
            remedy="Narrow the filters, and look at the task in the Security Center console: it may cost quota.",
        )
    return None


@dataclass
class Slots:
    """Task slots of the account: at most ten tasks run at once, by default."""

    run: Run
    opening: Opening
    clock: Clock
    voice: Voice
    spread: Callable[[], float]
    noticed: float = -NOTICE
    """When the last sign of life was given, in monotonic time."""

    def open(
        self, images: Sequence[ImageRun], create: Create, *, budget: float, deadline: float
    ) -> RegistryTask | None:
        """What is known of the task of these images, as soon as there was a slot for it; None when nothing was opened.

        Of a task whose create got no answer that is its id alone. The first create has until `budget`, as all tries up
        to a submit together; no further try is begun at the deadline. There it raises `NoFreeSlot` (12), or
        `ServiceThrottled` (15) where that was the last answer. Both are monotonic time.
        """
        patience, until = Patience(self.spread), budget
        while True:
            tries = Tries(may_go_on=lambda: deadline - self.clock.monotonic() > LEAST)
            throttled: ServiceThrottled | None = None
            try:
                told = self._create(images, partial(tries.counted, create, until))
            except ServiceThrottled as refused:  # nothing was opened: it is as if no slot were free
                throttled = refused
            else:
                if told is None:
                    return _taken_up(images[0])
                if told.task_id is not None:
                    return told
            left = deadline - self.clock.monotonic()
            asked = (None if throttled is None else throttled.after) or 0.0
            if left - LEAST <= asked:
                raise throttled or NoFreeSlot(
                    "no task slot was free until the deadline: as many tasks run as the account may have."
                )
            pause = max(asked, patience.pause(failed=tries.count - (throttled is None)))
            self._pause(min(left - LEAST * 0.9, pause), NO_SLOT if throttled is None else throttled.message, deadline)
            until = self.clock.monotonic() + SUBMIT_BUDGET

    def _pause(self, seconds: float, why: str, deadline: float) -> None:
        """With a sign of life every 30 s."""
        again = self.clock.monotonic() + seconds
        while (rest := again - (now := self.clock.monotonic())) > 0:
            if now - self.noticed >= NOTICE:
                self.noticed = now
                self.voice.note(f"{why} It is asked again in {rest:.0f} s; {deadline - now:.0f} s left")
            self.clock.sleep(min(rest, NOTICE))

    def _create(
        self, images: Sequence[ImageRun], create: Callable[[OnTheWay], Answer[RegistryTask]]
    ) -> RegistryTask | None:
        return self.opening.open(
            images,
            create,
            lambda task: None if task.task_id is None else CreatedTask(task.task_id),
            lambda unknown: self._take_up(images, unknown),
        )

    def _take_up(self, images: Sequence[ImageRun], unknown: FateUnknown) -> tuple[CreatedTask, float]:
        return take_up(self.run, images[0], unknown, self.opening.center, self.clock)


def _taken_up(image: ImageRun) -> RegistryTask | None:
    noted = image.task
    if noted is None or noted.task is None:
        return None
    return RegistryTask(task_id=noted.task.task_id, status=SUBMITTED)
