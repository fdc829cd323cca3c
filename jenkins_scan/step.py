"""The step: identify every image, ask the quota once, submit, look again. One line from the images to their tasks.

Images are worked on side by side and fail on their own; what concerns all of them ends the run before anything is sent.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from jenkins_scan.clock import Clock
from jenkins_scan.config.settings import ScanSettings
from jenkins_scan.errors import (
    AccessError,
    FateUnknown,
    ImageError,
    IncompleteError,
    InternalError,
    QuotaTooLow,
    ScanError,
    ServiceError,
    ServiceUnreachable,
    UsageError,
)
from jenkins_scan.gate.quota import require_capacity, require_remaining
from jenkins_scan.images.interface import ImageSource
from jenkins_scan.jury import MOST_WAITS, Jury, baseline_of, waiver_notes, warn
from jenkins_scan.lost_answer import take_up
from jenkins_scan.record import ImageRun, Run, TaskRecord
from jenkins_scan.security_center.interface import CreatedTask, ScanRequest, SecurityCenter
from jenkins_scan.side_by_side import SideBySide
from jenkins_scan.submission import prepare

FORBIDDEN = 403
SUBMIT_BUDGET = 30.0
"""Seconds for all tries up to and including the submit of an image."""
GRACE = 1.5
"""Seconds that creates may still take to answer after an interruption."""
log = logging.getLogger(__name__)


def scan(  # noqa: PLR0913  each is a part that is handed in
    run: Run,
    settings: ScanSettings,
    *,
    sources: Sequence[ImageSource],
    center: SecurityCenter,
    clock: Clock,
    say: Callable[[str], None] = lambda _: None,
) -> None:
    """Opens a scan task for each image of `run`, judges it where that was asked for, and notes everything there.

    `sources` are in the order of the images; `say` is told every 30 s that a wait goes on. Errors are noted with the
    images, too. Raises `Interrupted` on a signal: what was opened until then is noted.
    """
    _Step(run, settings, center, clock, say).take(sources)


class _Halted(Exception):
    """The run was interrupted before this create was sent."""


@dataclass
class _Work:
    """One image on its way."""

    image: ImageRun
    source: ImageSource
    twin: ImageRun | None = None
    """An earlier image of the run for which the same would be sent: its task is this one's, too."""


@dataclass
class _Step:
    run: Run
    settings: ScanSettings
    center: SecurityCenter
    clock: Clock
    say: Callable[[str], None]
    halted: threading.Event = field(default_factory=threading.Event)
    unreachable: ServiceUnreachable | None = None

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
            _share_tasks(works)  # now, so that an abort from here on loses none
            if self.settings.judging is not None:
                jury = Jury(self.settings.judging, self.center, self.clock, self.say)
                self._each(_sound(sent), lambda work: jury.judge(work.image), jobs=MOST_WAITS)
                _share_judgements(works)
                self.run.warnings += waiver_notes(self.run.images)
            self._each(_sound(works), _look_again)
            for work in _sound(works):
                warn(work.image)
        finally:
            self.run.sandbox = self.run.sandbox or self.center.is_sandbox

    def _each(
        self, works: Sequence[_Work], do: Callable[[_Work], None], *, grace: float = 0.0, jobs: int | None = None
    ) -> None:
        """Does it for each image side by side; what goes wrong is noted with the image."""
        all_of_them = SideBySide(
            lambda work: work.image.attempt(lambda: do(work)), works, jobs=jobs or self.settings.jobs
        )
        try:
            all_of_them.finish()
        except BaseException:
            self.halted.set()
            all_of_them.dismiss(grace)
            self.run.freeze()
            raise

    def _identify(self, work: _Work) -> None:
        image = work.image
        found = work.source.resolve()
        image.identity = found.identity
        image.submission = prepare(found, self.settings.overrides)
        image.warnings += [*found.warnings, *image.submission.warnings]
        if self.settings.judging is not None:
            baseline_of(self.settings.judging, image)  # one that does not fit ends the run before anything is sent

    def _share_quota(self, works: Sequence[_Work]) -> float:
        """Asks for the quota once, and refuses the images beyond it. Returns the seconds that took."""
        if self.settings.min_quota == 0 or not works:
            return 0.0
        began = self.clock.monotonic()
        try:
            quota = self.center.describe_image_scan_auth_count(deadline=began + SUBMIT_BUDGET).value
        except (AccessError, ServiceError) as denied:
            self._quota_unknown(works, denied)
        else:
            self.run.quota = quota
            log.info("quota: %d of %d image scans remain", quota.remaining, quota.capacity)
            for before, work in enumerate(works):
                try:
                    require_remaining(quota, self.settings.min_quota, before=before)
                except QuotaTooLow as low:
                    work.image.error = low
        return self.clock.monotonic() - began

    def _quota_unknown(self, works: Sequence[_Work], denied: ScanError) -> None:
        if denied.http_status == FORBIDDEN:
            self.run.warnings.append(
                f"the remaining quota is not known; only a total that comes with a task can be judged: {denied.message}"
            )
            return
        for work in works:
            work.image.error = denied

    def _refuse_unnamed_sandbox(self) -> None:
        if self.center.is_sandbox and not self.settings.service.sandbox_allowed:
            raise UsageError(
                "the endpoint answers as a sandbox, and in a Jenkins build it was not named by the flag itself.",
                remedy="Write --endpoint on the command line if you mean the sandbox; it judges nothing real.",
            )

    def _submit(self, work: _Work, budget: float) -> None:
        """Opens the task and notes it. Until the service has answered, the note says that a task may exist."""
        image, submission = work.image, work.image.submission
        if submission is None:  # an image without an error has one
            raise InternalError("an image was to be submitted that was never prepared.")
        self._refuse_unnamed_sandbox()
        if self.unreachable is not None:  # after all tries of another image: these would end no better
            raise self.unreachable
        deadline = self.clock.monotonic() + budget

        def note(sent_at: float | None) -> None:
            image.task = None if sent_at is None else TaskRecord(None, sent_at)
            # Noted first: whoever halts the run then reads the note, and either sees it or nothing is sent.
            if sent_at is not None and self.halted.is_set():
                image.task = None
                raise _Halted

        try:
            answer = self.center.create_jenkins_image_scan_task(submission.request, deadline=deadline, on_the_way=note)
        except _Halted:
            return
        except FateUnknown as unknown:
            sent_at = 0.0 if image.task is None else image.task.opened_at
            task = take_up(self.run, image, unknown, self.center, self.clock)
            image.task = TaskRecord(task, sent_at, unknown.request_id)
        except ServiceUnreachable as gone:
            self.unreachable = gone
            raise
        else:
            sent_at = self.clock.now() if image.task is None else image.task.opened_at
            task = answer.value
            told = answer.server_time
            opened_at = sent_at if told is None else told
            image.task = TaskRecord(task, opened_at, answer.request_id, by_service=told is not None)
        log.info("%s: task %s is open", image.reference, task.task_id)
        self._refuse_unnamed_sandbox()
        self._judge_capacity(image, task)

    def _judge_capacity(self, image: ImageRun, task: CreatedTask) -> None:
        if task.capacity is None and self.run.quota is None and self.settings.min_quota > 0:
            image.warnings.append("the quota was not judged: neither what remains nor the purchased total was told.")
        require_capacity(task.capacity, self.settings.min_quota)


def _sound(works: Sequence[_Work]) -> list[_Work]:
    return [work for work in works if work.image.error is None]


def _find_twins(works: Sequence[_Work]) -> None:
    """Notes which images are the same under another spelling: quota is spent once for them."""
    first: dict[ScanRequest, ImageRun] = {}
    for work in works:
        submission = work.image.submission
        if submission is not None:
            twin = first.setdefault(submission.request, work.image)
            work.twin = None if twin is work.image else twin


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


def _look_again(work: _Work) -> None:
    """Before the verdict: the reference has to mean the image that was submitted."""
    if work.image.identity is None:  # an image without an error has one
        raise InternalError("an image was submitted without an identity.")
    try:
        work.source.look_again(work.image.identity)
    except (ImageError, UsageError) as gone:
        raise IncompleteError(
            f"the image was submitted, but nobody can tell whether its name still means it: {gone.message}",
            remedy="Keep the image and its engine, file or registry in reach until the verdict. " + gone.remedy,
        ) from gone
