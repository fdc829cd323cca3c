"""The step for images in registries: which they are, what they cost, one task for all of them, then the judgement.

The service reads the images itself, so the digest that is named is the image: nothing on this agent is looked at.
"""

import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from jenkins_scan.clock import Clock
from jenkins_scan.config.registry_settings import RegistrySettings
from jenkins_scan.errors import AccessError, IncompleteError, RegionNotSupported, ServiceError
from jenkins_scan.images.interface import ImageSource
from jenkins_scan.security_center.interface import SecurityCenter
from jenkins_scan.security_center.regions import OFFLINE, in_words
from jenkins_scan.security_center.registry_scans import ImageFilter, RegistryImage
from jenkins_scan.step.each_image import each_image
from jenkins_scan.step.jury import MOST_WAITS, Jury, baseline_of, waiver_notes, warn
from jenkins_scan.step.opening import GRACE, SUBMIT_BUDGET, Opening, ask_quota
from jenkins_scan.step.patience import Create
from jenkins_scan.step.record import ImageRun, RegistryRun, Run
from jenkins_scan.step.registry_images import (
    Place,
    different,
    filter_of,
    for_sync,
    images_listed,
    images_named,
    place_of,
    submission_of,
)
from jenkins_scan.step.registry_task import (
    CREATE,
    SYNC_AND_CREATE,
    Slots,
    require_count,
    require_listed,
    require_quota,
    require_total,
)
from jenkins_scan.step.second_look import look_again
from jenkins_scan.step.submission import LISTED, LISTED_TAG
from jenkins_scan.step.voice import Silence, Voice

RESOLVING: Final = 4
"""Registries that are asked at once."""
log = logging.getLogger(__name__)


def scan_registry(  # noqa: PLR0913  each is a part that is handed in
    run: Run,
    settings: RegistrySettings,
    *,
    sources: Sequence[ImageSource],
    center: SecurityCenter,
    clock: Clock,
    voice: Voice | None = None,
    spread: Callable[[], float] = random.random,
) -> None:
    """Opens one task for all images, judges each where that was asked for, and notes everything in `run`.

    `sources` are the registries of the images that were named by reference; `voice` is told what is waited for. Errors
    of one image are noted with it, those of all are raised. Raises `Interrupted` on a signal: what was opened until
    then is noted.
    """
    try:
        _Step(run, settings, center, clock, voice or Silence(), spread).take(sources)
    finally:
        run.sandbox = run.sandbox or center.is_sandbox


@dataclass
class _Named:
    """An image that was named by reference."""

    image: ImageRun
    source: ImageSource
    place: Place | None = None


@dataclass
class _Step:
    run: Run
    settings: RegistrySettings
    center: SecurityCenter
    clock: Clock
    voice: Voice
    spread: Callable[[], float]
    regions: dict[str, str] = field(default_factory=lambda: dict(OFFLINE))

    def take(self, sources: Sequence[ImageSource]) -> None:
        named = [_Named(image, source) for image, source in zip(self.run.images, sources, strict=False)]
        each_image(self.run, named, self._identify, image_of=lambda each: each.image, jobs=RESOLVING)
        named = [each for each in named if each.image.error is None]
        if self.run.ends_as_a_whole() or (sources and not named):
            return
        wanted = filter_of([each.place for each in named if each.place is not None], self.settings.wanted)
        deadline = self.clock.monotonic() + self.settings.timeout
        images = self._open(wanted, named, deadline)
        if self.settings.judging is not None:
            sound = [image for image in images if image.error is None]
            jury = Jury(
                self.settings.judging, self.center, self.clock, self.voice, images=len(sound), deadline=deadline
            )
            each_image(self.run, sound, jury.judge, image_of=lambda image: image, jobs=MOST_WAITS)
            self.run.warnings += waiver_notes(self.run.images)
        for image in images:
            self._explain(image)
        still = [each for each in named if each.image.error is None]
        each_image(
            self.run,
            still,
            lambda each: look_again(each.image, each.source),
            image_of=lambda each: each.image,
            jobs=RESOLVING,
        )
        for image in images:
            warn(image, self.settings.judging)

    def _identify(self, named: _Named) -> None:
        found = named.source.resolve()
        named.image.identity = found.identity
        named.image.warnings += found.warnings
        named.place = place_of(found, self.settings.wanted)
        named.image.submission = submission_of(named.place, found)

    def _open(self, wanted: ImageFilter, named: Sequence[_Named], deadline: float) -> list[ImageRun]:
        """The images of the one task that was opened for them. Raises `ScanError` where none was."""
        images = [each.image for each in named]
        if not named:  # by these the reports name what was asked for, whatever comes now
            self.run.images = images_named(wanted)
        places = [each.place for each in named if each.place is not None]
        place = for_sync(places, wanted) if self.settings.sync else None
        budget = self.clock.monotonic() + SUBMIT_BUDGET
        self._check_regions(wanted, budget)
        needed, sync = self._count(wanted, budget)
        if self.settings.min_quota > 0:
            quota = ask_quota(self.run, self.center, deadline=budget)
            if quota is not None:
                require_quota(quota, needed, self.settings.min_quota)
        if not named:
            self.run.images = images = self._images(wanted, needed, budget)
        if self.settings.judging is not None:
            for image in images:  # a baseline that does not fit ends the run before anything is sent
                baseline_of(self.settings.judging, image)
        create = self._create(wanted) if place is None or not sync else self._sync_and_create(place, wanted)
        allowed = self.settings.service.sandbox_allowed
        operation = SYNC_AND_CREATE if sync else CREATE
        opening = Opening(self.center, self.clock, operation, allowed, self.run)
        slots = Slots(self.run, opening, self.clock, self.voice, self.spread)

        def open_all(lead: ImageRun) -> None:
            told = slots.open(images, create, budget=budget, deadline=deadline)
            for image in images if told is not None else ():
                image.task = None if image.task is None else replace(image.task, told=told)
            listed = any(_how(image) in (LISTED, LISTED_TAG) for image in images)
            doubt = require_total(told, needed, different(images), listed=listed)
            lead.warnings += [] if doubt is None else [doubt]

        # In a thread of its own, as a signal must find the note of a create that is under way.
        each_image(self.run, images[:1], open_all, image_of=lambda image: image, jobs=1, halt=opening.halt, grace=GRACE)
        for image in images:
            image.error = image.error or images[0].error
        return images

    def _create(self, wanted: ImageFilter) -> Create:
        registries, everything = self.center.registries, self.settings.everything
        return lambda until, note: registries.create(wanted, deadline=until, on_the_way=note, everything=everything)

    def _sync_and_create(self, image: RegistryImage, wanted: ImageFilter) -> Create:
        return lambda until, note: self.center.registries.sync_and_create(
            (image,), source_ip=wanted.source_ip, deadline=until, on_the_way=note
        )

    def _count(self, wanted: ImageFilter, budget: float) -> tuple[int, bool]:
        """How many images the task will scan, and whether they have to be synchronised first."""
        counted = self.center.registries.precheck(wanted, deadline=budget, everything=self.settings.everything).value
        most = self.settings.max_images or len(wanted.digests) or len(wanted.tags)
        self.run.registry = RegistryRun(wanted, counted, most)
        self.voice.note(
            f"precheck: {counted.needed} {'image' if counted.needed == 1 else 'images'} to scan, at most {most} meant "
            f"(NeedAuthCount {_number(counted.need_auth_count)}, ScanImageCount {_number(counted.scan_image_count)})"
        )
        if self.settings.sync and counted.needed == 0:
            return 1, True
        require_count(counted.needed, wanted, most)
        return counted.needed, False

    def _images(self, wanted: ImageFilter, needed: int, budget: float) -> list[ImageRun]:
        """The images that options mean: by digest, else as the service lists them."""
        if wanted.digests:
            return images_named(wanted)
        try:
            listed = self.center.registries.images(wanted, deadline=budget, everything=self.settings.everything).value
            images = images_listed(listed, LISTED_TAG if wanted.tags else LISTED)
            require_listed(images, needed)
        except (AccessError, ServiceError, IncompleteError) as unknown:
            if self.settings.judging is not None:
                raise
            self.run.warnings.append(f"`wait` cannot take this task up, as its images are not known: {unknown.message}")
            return images_named(wanted)
        return images

    def _check_regions(self, wanted: ImageFilter, budget: float) -> None:
        """Raises `RegionNotSupported` (17) for a region that the service's own list does not name."""
        if not wanted.region_ids:
            return
        live: dict[str, str] = {}
        now = self.clock.monotonic()
        try:
            # It can be done without: what has to be asked needs the rest of the time.
            live = dict(self.center.registries.regions(deadline=now + (budget - now) / 3).value)
        except (AccessError, ServiceError) as unknown:
            log.info("the list of regions cannot be asked for: %s", unknown.message)
        self.regions = live or self.regions  # one that names no region says nothing of any
        missing = [region for region in wanted.region_ids if region not in self.regions]
        if missing and live:
            raise RegionNotSupported(
                f"images of registries in {', '.join(missing)} are not scanned; nothing was created.",
                remedy=self._other_regions(),
            )
        self.run.warnings += [
            f"{region} is not on the API page's list of scanned regions; the service's own could not be had."
            for region in missing
        ]

    def _other_regions(self) -> str:
        return f"Push the image to a registry in one of these regions: {in_words(self.regions)}."

    def _explain(self, image: ImageRun) -> None:
        """The regions, live where they could be had, for an image of another one."""
        if isinstance(image.error, RegionNotSupported):
            image.error.remedy = self._other_regions()


def _number(told: int | None) -> str:
    return "not told" if told is None else str(told)


def _how(image: ImageRun) -> str | None:
    """How the digest of the image came to be known; None where it is not."""
    return None if image.submission is None else image.submission.digest_from
