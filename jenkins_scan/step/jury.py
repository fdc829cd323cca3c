"""The judgement of one image whose task is open: wait for its end, prove whose it was, read its findings, judge."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from jenkins_scan.clock import Clock
from jenkins_scan.errors import ConfigurationError, InternalError, NotProved, PolicyFailed, PolicyWarned
from jenkins_scan.findings import Finding, Kind, Severity
from jenkins_scan.gate.baseline import Fingerprint
from jenkins_scan.gate.image import ImageJudgement, Judging, judge_image
from jenkins_scan.gate.names import names_of_image, repository_of
from jenkins_scan.gate.policy import Policy
from jenkins_scan.gate.waivers import notes
from jenkins_scan.local.checks import SOURCE
from jenkins_scan.plain_text import one_line
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
"""Ids that an error names."""
LONGEST_PLACE: Final = 120
"""Characters of a path, or of a line of the build."""


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
                resumed=image.task.opened_on is None,
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
        require_policy(image.judgement, policy)
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


def require_policy(judgement: ImageJudgement, policy: Policy) -> None:
    """Raises `errors.PolicyFailed` (10) when findings fail the image."""
    failing = judgement.judged.failing
    if failing:
        raise PolicyFailed(_said_of(failing, _gate(failing, policy, policy.fail_on, "gate")))


def waiver_notes(images: Sequence[ImageRun], *, local: bool = False) -> tuple[str, ...]:
    """What to say of the waivers after all images: expired ones, those that end soon, and unused ones.

    One file of waivers serves scans and checks (`local`): each calls only those unused that are for its own findings.
    """
    waived = [image.judgement.waived for image in images if image.judgement is not None]
    return notes([replace(each, unused=tuple(w for w in each.unused if w.is_local == local)) for each in waived])


def warn(image: ImageRun, judging: Judging | None) -> None:
    """Notes the reason (11) for findings that only warn. It comes last: whatever else is wrong says more."""
    if judging is None or image.error is not None or image.judgement is None:
        return
    warning, policy = image.judgement.judged.warning, judging.policy
    if warning:
        image.error = PolicyWarned(_said_of(warning, _gate(warning, policy, policy.warn_on, "warning gate")))


def _said_of(findings: Sequence[Finding], gate: str) -> str:
    """The findings in a sentence: how many, why they count, and where the worst are, each id once."""
    alike: dict[tuple[str, Severity], list[Finding]] = {}
    for finding in sorted(findings, key=lambda each: list(Severity).index(each.severity)):
        alike.setdefault((finding.id, finding.severity), []).append(finding)
    named = [_named(same) for same in list(alike.values())[:SHOWN]]
    more = f"; and {len(alike) - SHOWN} more" if len(alike) > SHOWN else ""
    return f"{len(findings)} {'finding' if len(findings) == 1 else 'findings'} {gate}: {'; '.join(named)}{more}."


def _named(same: Sequence[Finding]) -> str:
    first, place = same[0], _place(same[0])
    id_ = f"{first.id} ({first.severity})"
    if len(same) > 1:
        return f"{len(same)} times {id_}" + (f", first in {place}" if place else "")
    return f"{id_} in {place}" if place else id_


def _place(finding: Finding) -> str:
    """The package, the file, or the line of the build with its number."""
    if finding.package:
        return one_line(f"{finding.package} {finding.version or ''}".rstrip(), LONGEST_PLACE)
    path = one_line(finding.path or "", LONGEST_PLACE)
    is_line = finding.source == SOURCE and path and finding.layer and not path.startswith("/")
    return f"{finding.layer} ({path})" if is_line else path


def _gate(findings: Sequence[Finding], policy: Policy, levels: Mapping[Kind, Severity | None], word: str) -> str:
    """Why these findings count: the threshold of their kinds, or the deny-list."""
    gated = {finding.kind for finding in findings if not policy.denies(finding)}
    if not gated:
        return "denied by the policy"
    found = {kind.value: str(levels[kind]) for kind in Kind if kind in gated}
    one = len(set(found.values())) == 1
    shown = next(iter(found.values())) if one else ", ".join(f"{kind}: {level}" for kind, level in found.items())
    denied = ", or denied" if any(policy.denies(finding) for finding in findings) else ""
    return f"at or above the {word} ({shown}){denied}"
