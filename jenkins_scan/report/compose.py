"""The result composed from the record of a run."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal

from jenkins_scan import __version__
from jenkins_scan.config.settings import ReportedSettings
from jenkins_scan.errors import Reason
from jenkins_scan.findings import Finding, Kind, Severity
from jenkins_scan.gate.stored import finding_to_dict, waived_to_dict
from jenkins_scan.gate.verdict import Verdict
from jenkins_scan.jenkins.environment import JenkinsBuild
from jenkins_scan.plain_text import excerpt, one_line, printable
from jenkins_scan.redaction import redacted
from jenkins_scan.report import result as report
from jenkins_scan.security_center.interface import Phase, TaskStatus
from jenkins_scan.step.record import JENKINS_CREATE, ImageRun, Run

if TYPE_CHECKING:
    from jenkins_scan.security_center.registry_scans import RegistryTask

STATUS: Final[Mapping[Phase, Literal["succeeded", "failed", "running"]]] = {
    Phase.GOOD: "succeeded",
    Phase.BAD: "failed",
    Phase.RUNNING: "running",
    Phase.UNKNOWN: "running",
}
LONGEST_TEXT = 2000
LONGEST_REFERENCE = 5000
"""Characters: longer than any path, as half a secret could not be recognised and taken out."""
OWN_WORDS: Final = frozenset(
    (
        *("schema", "tool", "verdict", "slug", "operation", "source", "soft", "kind"),
        *("severity", "proof", "counts", "gate"),
        *("store", "size_semantics", "manifest_kind", "registry_digest_from", "digest_from", "jenkins_env"),
    )
)
"""Fields whose values are words of ours or of a fixed list, never of a stranger."""


def compose(
    run: Run,
    settings: ReportedSettings | None,
    build: JenkinsBuild,
    verdict_over: Callable[[Iterable[Reason], bool], Verdict],
    *,
    finished_at: float,
) -> report.Result:
    """The result of a run.

    `verdict_over` gives the verdict over reasons and over whether the findings were judged, for the run and each image.
    `settings` is None when they were refused. Times are seconds since the epoch.
    """
    verdict = verdict_over(run.reasons, run.is_judged())
    images = tuple(
        _image(run, image, verdict_over(run.reasons_of(image), run.is_judged(image))) for image in run.images
    )
    return report.Result(
        tool=report.ToolEntry(version=__version__),
        started_at=_time(run.started_at),
        finished_at=_time(finished_at),
        verdict=verdict.word,
        reason=None if verdict.reason is None else verdict.reason.slug,
        exit_code=verdict.exit_code,
        sandbox=run.sandbox,
        local=run.local,
        build=build,
        service=_service(settings, run),
        policy=report.Policy(
            min_quota=None if settings is None else settings.min_quota,
            soft=() if settings is None else tuple(sorted(reason.slug for reason in settings.soft)),
            **_gates(settings),
        ),
        quota=_quota(run, settings),
        registry=_registry(run),
        images=images,
        tasks=tuple(_tasks(run, images)),
        warnings=tuple(excerpt(text, LONGEST_TEXT) for text in _said(run, lambda part: part.warnings)),
        notes=tuple(excerpt(text, LONGEST_TEXT) for text in _said(run, lambda part: part.notes)),
    )


def without_secrets(result: report.Result, redact: Callable[[str], str]) -> report.Result:
    """The result with every text of strangers redacted; half a surrogate pair, which no reader takes, becomes `?`."""

    def clean(text: str) -> str:
        shown = printable(redact(text))
        if shown == text:
            return text
        # Again: what stands within a secret may be what has just been taken out of the text.
        return redact(shown).encode("utf-8", "replace").decode()

    cleaned: report.Result = redacted(result, clean, OWN_WORDS)
    return replace(
        cleaned,
        reason=result.reason,  # a slug here, and a person's words in a waiver
        images=tuple(map(_with_own_status, cleaned.images, result.images)),
    )


def _with_own_status(cleaned: report.ImageResult, own: report.ImageResult) -> report.ImageResult:
    """A word of ours in the task of an image, and one of the service in a task of registries."""
    if cleaned.task is None or own.task is None:
        return cleaned
    return replace(cleaned, task=replace(cleaned.task, status=own.task.status))


def _image(run: Run, image: ImageRun, verdict: Verdict) -> report.ImageResult:
    return report.ImageResult(
        reference=one_line(image.reference, LONGEST_REFERENCE),
        identity=image.identity,
        sent=_sent(image),
        request_id=None if image.task is None else image.task.request_id,
        task=_image_task(image),
        verdict=verdict.word,
        reasons=_reasons(run, image),
        proof=image.proof,
        **_findings(image),
    )


def _gates(settings: ReportedSettings | None) -> dict[str, Any]:
    judging = None if settings is None else settings.judging
    if judging is None:
        return {}
    policy = judging.policy
    levels = {
        effect: {kind.value: None if level is None else level.value for kind, level in gates.items()}
        for effect, gates in (("fail_on", policy.fail_on), ("warn_on", policy.warn_on))
    }
    return {
        **levels,
        "fixable_only": policy.fixable_only,
        "deny": tuple(sorted(policy.deny)),
        "timeout": judging.timeout,
    }


def _findings(image: ImageRun) -> dict[str, Any]:
    judgement = image.judgement
    if judgement is None:
        return {}
    still_open, compared = judgement.waived.open, judgement.compared
    failing, warning = frozenset(judgement.judged.failing), frozenset(judgement.judged.warning)
    known = None if compared is None else frozenset(compared.known)

    def seen(finding: Finding) -> dict[str, Any]:
        gate = "fail" if finding in failing else "warn" if finding in warning else None
        return {"gate": gate, "known": None if known is None else finding in known}

    fetched = [kind for kind in Kind if kind in judgement.fetched]
    counts: dict[str, dict[str, int]] = {kind.value: {level.value: 0 for level in Severity} for kind in fetched}
    for finding in still_open:
        counts.setdefault(finding.kind.value, {level.value: 0 for level in Severity})[finding.severity.value] += 1
    return {
        "counts": counts,
        "not_fetched": tuple(kind.value for kind in Kind if kind not in judgement.fetched),
        "findings": tuple(finding_to_dict(finding) | seen(finding) for finding in still_open),
        "waived": tuple(waived_to_dict(finding, by) | seen(finding) for finding, by in judgement.waived.waived),
        "new": None if compared is None else len(compared.new),
        "known": None if compared is None else len(compared.known),
        "fixed": None if compared is None else compared.fixed,
    }


def _tasks(run: Run, results: Sequence[report.ImageResult]) -> Iterator[report.TaskEntry]:
    """Each task once: a task may scan several images, and an image that was named in two ways has one."""
    sharing: dict[str, list[tuple[ImageRun, report.ImageTask]]] = {}
    for image, result in zip(run.images, results, strict=True):
        if result.task is not None and result.task.id is not None:
            sharing.setdefault(result.task.id, []).append((image, result.task))
    for task_id, those in sharing.items():
        image, task = those[0]
        noted = image.task
        operation = JENKINS_CREATE if noted is None else noted.operation
        if noted is None or noted.told is None:
            yield report.TaskEntry(id=task_id, operation=operation, status=task.status)
        else:
            # By digest: two names of one image are one scan.
            seen = {
                (image.submission and image.submission.request.digest) or number: image.ended
                for number, (image, _) in enumerate(those)
            }
            yield _registry_task(task_id, noted.operation, noted.told, [*seen.values()])


def _registry_task(
    task_id: str, operation: str, told: "RegistryTask", seen: Sequence[TaskStatus | None]
) -> report.TaskEntry:
    """What the create said, brought up to date by what was seen of its images since."""
    known = [status for status in seen if status is not None]
    last = min(known, key=lambda status: status.phase is not Phase.RUNNING) if known else None
    progress = [status.progress for status in known if status.progress is not None]
    finished = sum(status.phase in (Phase.GOOD, Phase.BAD) for status in known)
    return report.TaskEntry(
        id=task_id,
        operation=operation,
        status=one_line(told.status or "submitted" if last is None else last.word),
        result=next((status.result for status in known if status.result), told.result),
        progress=sum(progress) // len(progress) if progress else told.progress,
        total=told.total,
        finished=finished if known else told.finished,
        can_create=told.can_create,
        collected_at=None if told.collected_at is None else _told_time(told.collected_at),
        executed_at=None if told.executed_at is None else _told_time(told.executed_at),
    )


def _registry(run: Run) -> report.RegistryEntry | None:
    if run.registry is None:
        return None
    counted = run.registry.counted
    return report.RegistryEntry(
        filter=dict(run.registry.wanted.named),
        need_auth_count=counted.need_auth_count,
        scan_image_count=counted.scan_image_count,
        max_images=run.registry.most,
    )


def _said(run: Run, of: Callable[[Run | ImageRun], list[str]]) -> Iterator[str]:
    """The warnings or notes of the run, then those of its images in order; of several images each names its own."""
    yield from of(run)
    for image in run.images:
        prefix = f"{image.reference}: " if len(run.images) > 1 else ""
        yield from (prefix + text for text in of(image))


def _service(settings: ReportedSettings | None, run: Run) -> report.ServiceEntry:
    if settings is None or settings.service is None:
        return report.ServiceEntry(endpoint=run.endpoint, region=None)
    endpoint = settings.service.endpoint
    return report.ServiceEntry(endpoint="sandbox" if endpoint is None else endpoint.url, region=settings.service.region)


def _quota(run: Run, settings: ReportedSettings | None) -> report.QuotaEntry:
    minimum = None if settings is None else settings.min_quota
    opened = [image.task.task for image in run.images if image.task is not None and image.task.task is not None]
    returned = next((task.capacity for task in opened if task.capacity is not None), None)
    if run.quota is not None:
        quota = run.quota
        return report.QuotaEntry(
            capacity=quota.capacity,
            used=quota.used,
            remaining=quota.remaining,
            minimum=minimum,
            returned_capacity=returned,
            source="DescribeImageScanAuthCount",
        )
    return report.QuotaEntry(
        capacity=returned,
        used=None,
        remaining=None,
        minimum=minimum,
        returned_capacity=returned,
        source=None if returned is None else "CreateJenkinsImageScanTask",
    )


def _sent(image: ImageRun) -> report.Sent | None:
    if image.submission is None:
        return None
    return report.Sent(**asdict(image.submission.request), digest_from=image.submission.digest_from)


def _image_task(image: ImageRun) -> report.ImageTask | None:
    noted = image.task
    if noted is None:
        return None
    opened_at, task = _time(noted.opened_at), noted.task
    if task is None:
        return report.ImageTask(id=None, status="unknown", opened_at=opened_at)
    ended = image.ended
    finished = None if ended is None else ended.finished_at or ended.scanned_at
    return report.ImageTask(
        id=task.task_id,
        uuid=task.uuid,
        status="submitted" if ended is None else STATUS[ended.phase],
        word=None if ended is None else one_line(ended.word),
        opened_at=opened_at,
        opened_by_service=noted.by_service,
        finished_at=None if finished is None or ended is None or ended.phase is Phase.RUNNING else _told_time(finished),
        repo_region_id=task.repo_region_id,
        repo_instance_id=task.repo_instance_id,
        repo_id=task.repo_id,
    )


def _reasons(run: Run, image: ImageRun) -> tuple[report.ReasonEntry, ...]:
    entries = []
    error, stop = image.error, run.interrupted
    if error is not None:
        entries.append(
            report.ReasonEntry(
                slug=error.reason.slug,
                code=error.exit_code,
                message=excerpt(error.message, LONGEST_TEXT),
                remedy=excerpt(error.remedy, LONGEST_TEXT),
                request_id=error.request_id,
                service_code=error.service_code,
                tried=tuple(excerpt(text, LONGEST_TEXT) for text in error.tried) or None,
            )
        )
    if stop is not None:
        remedy = (
            "Nothing was opened; run it again."
            if image.task is None
            else "What was opened is named under `tasks` and `images`."
        )
        entries.append(
            report.ReasonEntry(
                slug=stop.reason.slug, code=stop.exit_code, message=f"{stop.signal.name} arrived.", remedy=remedy
            )
        )
    return tuple(entries)


def _told_time(seconds: float) -> datetime | None:
    """A time that the service told; None for one that no calendar has."""
    try:
        return _time(seconds)
    except (OverflowError, OSError, ValueError):
        return None


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
