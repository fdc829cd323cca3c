"""The step: identify every image, ask the quota once, submit, look again. One line from the images to their tasks.

Images are worked on side by side and fail on their own; what concerns all of them ends the run before anything is sent.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jenkins_scan.clock import Clock
from jenkins_scan.config.settings import ScanSettings
from jenkins_scan.errors import (
    AccessError,
    InternalError,
    QuotaTooLow,
    ServiceError,
)
from jenkins_scan.gate.quota import require_capacity, require_remaining
from jenkins_scan.images.interface import ImageSource
from jenkins_scan.security_center.interface import CreatedTask, ScanRequest, SecurityCenter
from jenkins_scan.step.each_image import each_image
from jenkins_scan.step.lost_answer import take_up
from jenkins_scan.step.opening import GRACE, SUBMIT_BUDGET, Opening, ask_quota, refuse_common_tasks
from jenkins_scan.step.record import JENKINS_CREATE, ImageRun, Run
from jenkins_scan.step.second_look import look_again
from jenkins_scan.step.submission import prepare
from jenkins_scan.step.voice import Silence, Voice

if TYPE_CHECKING:
    from jenkins_scan.gate.image import Judging
    from jenkins_scan.step.stand_in import StandIn


def scan(  # noqa: PLR0913  each is a part that is handed in
    run: Run,
    settings: ScanSettings,
    *,
    sources: Sequence[ImageSource],
    center: SecurityCenter,
    clock: Clock,
    voice: Voice | None = None,
    stand_in: "StandIn | None" = None,
) -> None:
    """Opens a scan task for each image of `run`, judges it where that was asked for, and notes everything there.

    `sources` are in the order of the images; `voice` is told how the wait goes on; `stand_in` looks into the images for
    a sandbox that is to scan them. Errors are noted with the images, too. Raises `Interrupted` on a signal: what was
    opened until then is noted.
    """
    _Step(run, settings, center, clock, voice or Silence(), stand_in).take(sources)


@dataclass
class _Work:
    """One image on its way."""

    image: ImageRun
    source: ImageSource
    twin: ImageRun | None = None
    """An earlier image of the run for which the same would be sent: its task is this one's, too."""
    twins: list[ImageRun] = field(default_factory=list)
    """Later images of the run that share this one's task."""


@dataclass
class _Step:
    run: Run
    settings: ScanSettings
    center: SecurityCenter
    clock: Clock
    voice: Voice
    stand_in: "StandIn | None"
    opening: Opening = field(init=False)

    def __post_init__(self) -> None:
        allowed = self.settings.service.sandbox_allowed
        self.opening = Opening(self.center, self.clock, JENKINS_CREATE, allowed, self.run)

    def take(self, sources: Sequence[ImageSource]) -> None:
        works = [_Work(image, source) for image, source in zip(self.run.images, sources, strict=True)]
        try:
            self._each(works, self._identify)
            if self.run.ends_as_a_whole():
                return
            _find_twins(_sound(works))
            sent = [work for work in _sound(works) if work.twin is None]
            spent = self._share_quota(sent)
            self._each(_sound(sent), lambda work: self._submit(work, SUBMIT_BUDGET - spent), grace=GRACE)
            refuse_common_tasks(self.run.images)
            _share_tasks(works)  # now, so that an abort from here on loses none
            if self.settings.judging is not None:
                self._judge(works, sent, self.settings.judging)
            self._each(_sound(works), lambda work: look_again(work.image, work.source))
            if self.settings.judging is not None:
                self._warn(_sound(works), self.settings.judging)
        finally:
            self.run.sandbox = self.run.sandbox or self.center.is_sandbox

    def _each(
        self, works: Sequence[_Work], do: Callable[[_Work], None], *, grace: float = 0.0, jobs: int | None = None
    ) -> None:
        each_image(
            self.run,
            works,
            do,
            image_of=lambda work: work.image,
            jobs=jobs or self.settings.jobs,
            halt=self.opening.halt,
            grace=grace,
        )

    def _identify(self, work: _Work) -> None:
        image = work.image
        found = work.source.resolve()
        image.identity = found.identity
        image.submission = prepare(found, self.settings.overrides)
        image.warnings += [*found.warnings, *image.submission.warnings]
        if self.settings.judging is not None:
            self._require_baseline(image, self.settings.judging)
        if self.stand_in is not None:
            image.warnings += self.stand_in.look(image.submission.request, found)

    def _share_quota(self, works: Sequence[_Work]) -> float:
        """Asks for the quota once, and refuses the images beyond it. Returns the seconds that took."""
        if self.settings.min_quota == 0 or not works:
            return 0.0
        began = self.clock.monotonic()
        try:
            quota = ask_quota(self.run, self.center, deadline=began + SUBMIT_BUDGET)
        except (AccessError, ServiceError) as denied:
            for work in works:
                work.image.error = denied
            return 0.0
        for before, work in enumerate(works):
            if quota is None:
                break
            try:
                require_remaining(quota, self.settings.min_quota, before=before)
            except QuotaTooLow as low:
                work.image.error = low
        return self.clock.monotonic() - began

    def _submit(self, work: _Work, budget: float) -> None:
        image, submission = work.image, work.image.submission
        if submission is None:  # an image without an error has one
            raise InternalError("an image was to be submitted that was never prepared.")
        deadline, request = self.clock.monotonic() + budget, submission.request
        task = self.opening.open(
            [image, *work.twins],
            lambda note: self.center.create_jenkins_image_scan_task(request, deadline=deadline, on_the_way=note),
            lambda created: created,
            lambda unknown: take_up(self.run, image, unknown, self.center, self.clock),
        )
        if task is None and image.task is not None:
            task = image.task.task
        if task is not None:
            self._judge_capacity(image, task)

    # A step that only submits carries nothing of what waits and judges.
    def _judge(self, works: Sequence[_Work], sent: Sequence[_Work], judging: "Judging") -> None:
        from jenkins_scan.step.jury import MOST_WAITS, Jury, waiver_notes

        jury = Jury(judging, self.center, self.clock, self.voice, images=len(_sound(sent)))
        self._each(_sound(sent), lambda work: jury.judge(work.image), jobs=MOST_WAITS)
        _share_judgements(works)
        self.run.warnings += waiver_notes(self.run.images)

    def _warn(self, works: Sequence[_Work], judging: "Judging") -> None:
        from jenkins_scan.step.jury import warn

        for work in works:
            warn(work.image, judging)

    def _require_baseline(self, image: ImageRun, judging: "Judging") -> None:
        """One that does not fit ends the run before anything is sent."""
        from jenkins_scan.step.jury import baseline_of

        baseline_of(judging, image)

    def _judge_capacity(self, image: ImageRun, task: CreatedTask) -> None:
        if task.capacity is None and self.run.quota is None and self.settings.min_quota > 0:
            image.warnings.append("the quota was not judged: neither what remains nor the purchased total was told.")
        require_capacity(task.capacity, self.settings.min_quota)


def _sound(works: Sequence[_Work]) -> list[_Work]:
    return [work for work in works if work.image.error is None]


def _find_twins(works: Sequence[_Work]) -> None:
    """Notes which images are the same under another spelling: quota is spent once for them."""
    first: dict[ScanRequest, _Work] = {}
    for work in works:
        submission = work.image.submission
        if submission is not None:
            same = first.setdefault(submission.request, work)
            if same is not work:
                work.twin = same.image
                same.twins.append(work.image)


def _share_tasks(works: Sequence[_Work]) -> None:
    for work in works:
        if work.twin is not None:
            work.image.task, work.image.error = work.twin.task, work.twin.error
            work.image.warnings.append(f"it is the same image as {work.twin.reference}, and shares its task.")


def _share_judgements(works: Sequence[_Work]) -> None:
    for work in works:
        if work.twin is not None:
            work.image.error, work.image.ended = work.twin.error, work.twin.ended
            work.image.proof, work.image.judgement = work.twin.proof, work.twin.judgement
