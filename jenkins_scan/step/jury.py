"""The judgement of one image whose task is open: wait for its end, prove whose it was, read its findings, judge."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from jenkins_scan.clock import Clock
from jenkins_scan.errors import ConfigurationError, InternalError, NotProved, PolicyFailed, PolicyWarned
from jenkins_scan.findings import Finding
from jenkins_scan.gate.baseline import Fingerprint
from jenkins_scan.gate.image import ImageJudgement, Judging, judge_image
from jenkins_scan.gate.names import names_of_image, repository_of
from jenkins_scan.gate.waivers import notes
from jenkins_scan.security_center.interface import Phase, SecurityCenter, TaskStatus
from jenkins_scan.step.proof import key_of, prove, read_findings
from jenkins_scan.step.record import ImageRun
from jenkins_scan.step.shared_tasks import SharedTasks
from jenkins_scan.step.submission import LISTED_TAG
from jenkins_scan.step.submitted import Submitted
from jenkins_scan.step.voice import Silence, Voice
from jenkins_scan.step.waiting import HEARTBEAT, Wait

LEAST_READING: Final = 30.0
"""Seconds that the findings of a task may take to be read although the deadline comes, or came, meanwhile."""
MOST_WAITS: Final = 32
"""Images that are waited for at once: the service scans them all anyway, and asking costs little."""
SHOWN: Final = 5
"""Findings that an error names."""


class Jury:
    """Judges the images of one run. One deadline holds for the scans of all of them."""

    def __init__(  # noqa: PLR0913  each is a part that is handed in
        self,
        judging: Judging,
        center: SecurityCenter,
        clock: Clock,
        voice: Voice | None = None,
        *,
        images: int = 1,
        deadline: float | None = None,
    ) -> None:
        """`images` is how many will be judged; `deadline` is monotonic time, without one the time-out begins now."""
        self._voice = voice or Silence()
        self._images, self._ended = images, 0
        self._judging = judging
        self._center = center
        self._tasks = SharedTasks(center.tasks, clock)
        self._clock = clock
        self._deadline = clock.monotonic() + (judging.timeout or 0.0) if deadline is None else deadline
        self._last_beat = clock.monotonic()
        self._beating = threading.Lock()

    def judge(self, image: ImageRun) -> None:
        """Notes the judgement with the image.

        Raises `errors.PolicyFailed` (10), and what `waiting` and `proof` raise; findings that only warn are left to the
        end of the step.
        """
        if image.task is None or image.task.task is None or image.submission is None or image.identity is None:
            raise InternalError("an image was to be judged that was never submitted.")
        task, submission = image.task.task, image.submission
        wait = Wait(
            Submitted(
                task.task_id,
                image.task.opened_at if image.task.by_service else None,
                submission.request,
                opened_on=image.task.opened_on,
                uuid=task.uuid,
                pushed=submission.is_confirmed,
                shared=image.task.is_shared,
            ),
            self._tasks,
            self._clock,
            self._deadline,
            said=lambda status: _noted(image, status),
            beat=self._beat,
            show=self._show,
        )
        try:
            ended = wait.until_the_end()
        finally:
            image.warnings += wait.warnings
            self._ended += 1
        known = baseline_of(self._judging, image, real=not self._center.is_sandbox)
        image.proof = prove(ended, submission, task.uuid)
        policy = self._judging.policy
        found = read_findings(
            self._center.results,
            key_of(ended, submission, task.uuid),
            gated=policy.gated_kinds,
            deadline=max(self._deadline, self._clock.monotonic() + LEAST_READING),
        )
        image.warnings += found.warnings
        image.judgement = judge_image(
            found.findings,
            policy,
            today=datetime.fromtimestamp(self._clock.now(), UTC).date(),
            image_names=names_of_image(image.identity),
            waivers=self._judging.waivers,
            known=known,
            fetched=found.kinds,
        )
        require_policy(image.judgement)
        if submission.digest_from == LISTED_TAG:
            raise NotProved(
                "no finding fails, but nobody has seen that the tag still means this digest: Security Center's list of "
                "images may be older than a push.",
                remedy="Name the image as HOST/PATH:TAG, whose registry is then asked, or name its --digest.",
            )

    def _beat(self, text: str) -> None:
        """One sign of life for all images together."""
        with self._beating:
            now = self._clock.monotonic()
            due = now - self._last_beat >= HEARTBEAT
            self._last_beat = now if due else self._last_beat
        if due:
            self._voice.note(self._of_all(text))

    def _show(self, text: str) -> None:
        self._voice.show(self._of_all(text))

    def _of_all(self, text: str) -> str:
        return text if self._images == 1 else f"{self._ended} of {self._images} scans ended; {text}"


def _noted(image: ImageRun, status: TaskStatus) -> None:
    image.ended = status
    said = f"{status.word!a}" if status.result is None else f"{status.word!a} with the result {status.result!a}"
    strange = f"{status.source} says {said}, which is no status that is known; it was waited on."
    if status.phase is Phase.UNKNOWN and strange not in image.warnings:
        image.warnings.append(strange)


def baseline_of(judging: Judging, image: ImageRun, *, real: bool = False) -> frozenset[Fingerprint] | None:
    """What was known of this image's repository; None without a baseline, or with an optional one that does not fit.

    `real` means that the service itself answers. Raises `errors.ConfigurationError` (2) where another one does not fit.
    """
    baseline = judging.baseline
    if baseline is None or image.identity is None or image.submission is None:
        return None
    request = image.submission.request
    try:
        if real:
            baseline.require_real()
        return baseline.known(repository_of(image.identity.canonical, request.namespace, request.repo_name))
    except ConfigurationError as unfit:
        if not baseline.optional:
            raise
        warning = f"{unfit.message} Every finding counts as new."
        if warning not in image.warnings:
            image.warnings.append(warning)
        return None


def require_policy(judgement: ImageJudgement) -> None:
    """Raises `errors.PolicyFailed` (10) when findings fail the image."""
    if judgement.judged.failing:
        raise PolicyFailed(f"{_listed(judgement.judged.failing)} at or above --fail-on, or denied.")


def waiver_notes(images: Sequence[ImageRun], *, local: bool = False) -> tuple[str, ...]:
    """What to say of the waivers after all images: expired ones, those that end soon, and unused ones.

    One file of waivers serves scans and checks (`local`): each calls only those unused that are for its own findings.
    """
    waived = [image.judgement.waived for image in images if image.judgement is not None]
    return notes([replace(each, unused=tuple(w for w in each.unused if w.is_local == local)) for each in waived])


def warn(image: ImageRun) -> None:
    """Notes the reason (11) for findings that only warn. It comes last: whatever else is wrong says more."""
    if image.error is None and image.judgement is not None and image.judgement.judged.warning:
        image.error = PolicyWarned(f"{_listed(image.judgement.judged.warning)} at or above --warn-on.")


def _listed(findings: Sequence[Finding]) -> str:
    named = [f"{finding.id} ({finding.severity})" for finding in findings[:SHOWN]]
    more = f" and {len(findings) - SHOWN} more" if len(findings) > SHOWN else ""
    return f"{len(findings)} {'finding' if len(findings) == 1 else 'findings'}: {', '.join(named)}{more};"
