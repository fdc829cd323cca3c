"""The end of the step alone: tasks that an earlier run opened, perhaps on another agent, are waited for and judged."""

from jenkins_scan.clock import Clock
from jenkins_scan.config.settings import RunSettings
from jenkins_scan.errors import InternalError, UsageError
from jenkins_scan.security_center.interface import SecurityCenter
from jenkins_scan.step.each_image import each_image
from jenkins_scan.step.jury import MOST_WAITS, Jury, baseline_of, waiver_notes, warn
from jenkins_scan.step.opening import NOT_NAMED, refuse_common_tasks
from jenkins_scan.step.record import Run
from jenkins_scan.step.voice import Voice


def resume(
    run: Run,
    settings: RunSettings,
    *,
    center: SecurityCenter,
    clock: Clock,
    voice: Voice | None = None,
) -> None:
    """Waits for the tasks of the images of `run` and judges them, errors noted with each.

    `voice` is told how the wait goes on.
    Nothing is submitted, and no name is looked at again: the images may be on another agent. Raises `UsageError` (2)
    for a baseline that does not fit, `Interrupted` on a signal.
    """
    judging = settings.judging
    if judging is None:
        raise InternalError("tasks were taken up with nothing to judge them by.")
    refuse_common_tasks(run.images)
    open_images = [image for image in run.images if image.error is None]
    for image in open_images:
        baseline_of(judging, image)
    jury = Jury(judging, center, clock, voice, images=len(open_images))
    try:
        each_image(run, open_images, jury.judge, image_of=lambda image: image, jobs=MOST_WAITS)
    finally:
        run.sandbox = run.sandbox or center.is_sandbox
    for image in open_images:
        warn(image, judging)
    run.warnings += waiver_notes(run.images)
    if center.is_sandbox and not settings.service.sandbox_allowed:
        message, remedy = NOT_NAMED
        refusal = UsageError(message, remedy=remedy)
        for image in run.images:
            image.error, image.judgement = refusal, None
