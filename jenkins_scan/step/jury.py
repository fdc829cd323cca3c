"""The judgement of one image whose task is open: wait for its end, prove whose it was, read its findings, judge."""

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from jenkins_scan.clock import Clock
from jenkins_scan.errors import InternalError, PolicyFailed, PolicyWarned
from jenkins_scan.findings import Finding
from jenkins_scan.gate.baseline import Fingerprint
from jenkins_scan.gate.image import Judging, judge_image
from jenkins_scan.gate.names import names_of_image, repository_of
from jenkins_scan.gate.waivers import notes
from jenkins_scan.security_center.interface import Phase, SecurityCenter, TaskStatus
from jenkins_scan.step.proof import key_of, prove, read_findings
from jenkins_scan.step.record import ImageRun
from jenkins_scan.step.submitted import Submitted
from jenkins_scan.step.waiting import HEARTBEAT, Wait

LEAST_READING: Final = 30.0
"""Seconds that the findings of a task may take to be read although the deadline comes, or came, meanwhile."""
MOST_WAITS: Final = 32
"""Images that are waited for at once: the service scans them all anyway, and asking costs little."""
SHOWN: Final = 5
"""Findings that an error names."""


class Jury:
    """Judges the images of one run. One deadline holds for the scans of all of them."""

    def __init__(
        self,
        judging: Judging,
        center: SecurityCenter,
        clock: Clock,
        say: Callable[[str], None] = lambda _: None,
        *,
        deadline: float | None = None,
    ) -> None:
        """`deadline` is monotonic time; without one the time-out begins now."""
        self._say = say
        self._judging = judging
        self._center = center
        self._clock = clock
        self._deadline = clock.monotonic() + judging.timeout if deadline is None else deadline
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
            self._center.tasks,
            self._clock,
            self._deadline,
            said=lambda status: _noted(image, status),
            beat=self._beat,
        )
        try:
            ended = wait.until_the_end()
        finally:
            image.warnings += wait.warnings
        if self._judging.baseline is not None and not self._center.is_sandbox:
            self._judging.baseline.require_real()
        image.proof = prove(ended, submission)
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
            known=baseline_of(self._judging, image),
            fetched=found.kinds,
        )
        if image.judgement.judged.failing:
            raise PolicyFailed(f"{_listed(image.judgement.judged.failing)} at or above --fail-on, or denied.")

    def _beat(self, text: str) -> None:
        """One sign of life for all images together."""
        with self._beating:
            now = self._clock.monotonic()
            due = now - self._last_beat >= HEARTBEAT
            self._last_beat = now if due else self._last_beat
        if due:
            self._say(text)


def _noted(image: ImageRun, status: TaskStatus) -> None:
    image.ended = status
    said = f"{status.word!a}" if status.result is None else f"{status.word!a} with the result {status.result!a}"
    strange = f"{status.source} says {said}, which is no status that is known; it was waited on."
    if status.phase is Phase.UNKNOWN and strange not in image.warnings:
        image.warnings.append(strange)


def baseline_of(judging: Judging, image: ImageRun) -> frozenset[Fingerprint] | None:
    """What was known of this image's repository; None without a baseline. Raises `errors.ConfigurationError` (2)."""
    if judging.baseline is None or image.identity is None or image.submission is None:
        return None
    request = image.submission.request
    return judging.baseline.known(repository_of(image.identity.canonical, request.namespace, request.repo_name))


def waiver_notes(images: Sequence[ImageRun]) -> tuple[str, ...]:
    """What to say of the waivers after all images: expired ones, those that end soon, and unused ones."""
    return notes([image.judgement.waived for image in images if image.judgement is not None])


def warn(image: ImageRun) -> None:
    """Notes the reason (11) for findings that only warn. It comes last: whatever else is wrong says more."""
    if image.error is None and image.judgement is not None and image.judgement.judged.warning:
        image.error = PolicyWarned(f"{_listed(image.judgement.judged.warning)} at or above --warn-on.")


def _listed(findings: Sequence[Finding]) -> str:
    named = [f"{finding.id} ({finding.severity})" for finding in findings[:SHOWN]]
    more = f" and {len(findings) - SHOWN} more" if len(findings) > SHOWN else ""
    return f"{len(findings)} {'finding' if len(findings) == 1 else 'findings'}: {', '.join(named)}{more};"
