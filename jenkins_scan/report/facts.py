"""What is known of a run and its images, as labelled facts: the pages for people lay them out, each in its own way."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from jenkins_scan.findings import Kind
from jenkins_scan.report.result import ImageResult, Policy, Result, TaskEntry
from jenkins_scan.report.rows import LEVELS
from jenkins_scan.report.summary import TASK_WORDS, is_a_digest_alone, meaning, quota_line


@dataclass(frozen=True, slots=True)
class Quoted:
    """Text that is not ours: of a stranger, or of a machine."""

    text: str


Part = str | Quoted | datetime
"""Plain text is always our own words."""
Fact = tuple[str, tuple[Part, ...]]
"""A label and what is known about it."""

NOT_KNOWN: Final = "not known"
NO_IMAGE: Final = "no image named"
"""Of a run that ended before one was."""
NOT_JUDGED: Final = "This image has not been judged."
PROOFS: Final = {
    "digest": "the digest that was sent is the digest that was scanned",
    "bytes": "its own bytes, read and hashed on this machine",
    "image_id": "the service lists this config digest for what was submitted",
}
_KIBI: Final = 1024
_SHA256: Final = re.compile(r"((?:sha256:)?[0-9a-f]{12})[0-9a-f]{52}")


def sentence(result: Result) -> str:
    """What the verdict means, as a sentence."""
    text = meaning(result)
    return f"{text[:1].upper()}{text[1:]}."


def is_judged(image: ImageResult) -> bool:
    """Whether findings, proven to be this image's, made its verdict."""
    by_findings = all(reason.slug in ("policy", "warn") for reason in image.reasons)
    return bool(image.counts) and image.proof is not None and by_findings


def not_judged(image: ImageResult) -> str:
    """What to make of an image that was not judged."""
    if image.counts:
        return f"{NOT_JUDGED} What was fetched is listed, and decides nothing."
    return f"{NOT_JUDGED} Nothing is known about its findings, which does not mean that there are none."


def build_facts(result: Result) -> Iterator[Fact]:
    """The Jenkins build; the link to it is left out."""
    build = result.build
    job = build.job_display or build.job
    if job is not None:
        yield "Job", (Quoted(job),)
    if build.number is not None:
        yield "Build", (Quoted(f"#{build.number}"),)  # plain, it would lead to an issue on GitHub
    if build.change.id is not None:
        yield "Change", (Quoted(build.change.id), Quoted(build.change.title or ""))
    branch = build.branch or build.git.branch
    if branch is not None:
        yield "Branch", (Quoted(branch),)
    if build.git.commit is not None:
        yield "Commit", (Quoted(build.git.commit),)
    if not build.on_jenkins:
        yield "Jenkins", ("not run by Jenkins",)


def run_facts(result: Result) -> Iterator[Fact]:
    """When it ran, who was asked, and what the quota was."""
    yield "Started", (result.started_at,)
    yield "Finished", (result.finished_at,)
    endpoint, region = result.service.endpoint, result.service.region
    unasked = "not asked: the images were checked on this machine alone" if result.local else NOT_KNOWN
    yield "Service", (unasked if endpoint is None else Quoted(endpoint),)
    if region is not None:
        yield "Region", (Quoted(region),)
    yield "Quota", (NOT_KNOWN if result.quota.source is None else quota_line(result.quota),)
    registry = result.registry
    if registry is not None:
        for name, values in registry.filter.items():
            yield f"Filter {name}", tuple(Quoted(value) for value in values)
        counted = NOT_KNOWN if registry.scan_image_count is None else str(registry.scan_image_count)
        yield "Images in registries", (f"{counted}, at most {registry.max_images} asked for",)
        yield from (("Task", _registry_task(task)) for task in result.tasks)


def policy_facts(policy: Policy) -> Iterator[Fact]:
    """The gates."""
    yield "Fails at", (_gate(policy.fail_on),)
    yield "Warns at", (_gate(policy.warn_on),)
    if policy.fixable_only:
        yield "Counts", ("only what can be fixed",)
    if policy.deny:
        yield "Denied always", tuple(Quoted(each) for each in policy.deny)
    if policy.min_quota is not None:
        yield "Least quota", ("no gate" if policy.min_quota == 0 else str(policy.min_quota),)
    if policy.soft:
        yield "Softened to a warning", (", ".join(policy.soft),)
    if policy.timeout is not None:
        yield "Waits", (f"at most {policy.timeout:g} s",)


def identity_facts(image: ImageResult) -> Iterator[Fact]:
    """Which image it is, by its bytes."""
    identity, sent = image.identity, image.sent
    if identity is None:
        yield "Identity", (NOT_KNOWN,)
        return
    if identity.canonical not in (None, image.reference):
        yield "Full name", (Quoted(identity.canonical),)
    if not is_a_digest_alone(identity):
        yield "Config digest", (_quoted(identity.config_digest),)
    if sent is None:
        yield "Digest sent", ("none: nothing was sent",)
    elif sent.digest is None:
        yield "Digest sent", (NOT_KNOWN,)
    else:
        yield "Digest sent", (Quoted(f"sha256:{sent.digest}"), "from", Quoted(sent.digest_from or NOT_KNOWN))
    if not is_a_digest_alone(identity):
        yield "Platform", (_quoted(None if identity.platform is None else str(identity.platform)),)
        yield "Size", (_size(identity.size, identity.size_semantics),)
    engine = identity.engine
    if engine is not None:
        named = f"{engine.name} {engine.version or ''}".strip()
        yield "Engine", (Quoted(named), "at", Quoted(engine.endpoint), "by", Quoted(engine.endpoint_from))
    if not is_a_digest_alone(identity):
        yield "Store", (str(identity.store),)


def task_facts(image: ImageResult) -> Iterator[Fact]:
    """The scan task, and what proves that it scanned this image."""
    task = image.task
    if task is None:
        yield "Task", ("none was opened",)
    elif task.id is None:
        yield "Task", ("one may exist: it was sent, and its answer is not known",)
    else:
        yield "Task", (Quoted(task.id), TASK_WORDS.get(task.status, "is open"))
    if task is not None:
        if task.word is not None:
            yield "Last word", (Quoted(task.word),)
        yield "Opened" if task.id else "Sent", (task.opened_at, *_clock(opened_by_service=task.opened_by_service))
        if task.finished_at is not None:
            yield "Ended", (task.finished_at,)
    if image.request_id is not None:
        yield "Request id", (Quoted(image.request_id),)
    yield "Proof", (PROOFS.get(image.proof or "", "none: nothing shows that this very image was scanned"),)


def counts_of(image: ImageResult) -> Iterator[tuple[str, tuple[int | None, ...]]]:
    """Each kind with its open findings by `LEVELS`.

    None means that it is not known, as the list could not be fetched: an absent number is never a zero.
    """
    missing = image.not_fetched or ()
    for kind in dict.fromkeys((*(kind.value for kind in Kind), *image.counts)):
        counted = image.counts.get(kind, {})
        whole = kind in image.counts and kind not in missing
        numbers = (counted.get(level, 0) for level in LEVELS)
        yield kind, tuple(number if whole or number else None for number in numbers)


def in_words(kind: str) -> str:
    """The kind as people write it."""
    return kind.replace("-", " ")


def shortened(digest: str) -> str:
    """A digest by its first twelve digits; other text as it is."""
    return _SHA256.sub(r"\1…", digest) if _SHA256.fullmatch(digest) else digest


def time_in_words(moment: datetime) -> str:
    """To the second, in UTC."""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _quoted(text: str | None) -> Part:
    return NOT_KNOWN if text is None else Quoted(text)


def _clock(*, opened_by_service: bool | None) -> tuple[str, ...]:
    if opened_by_service is None:
        return ()
    return ("by the service's clock",) if opened_by_service else ("by this machine's clock",)


def _size(size: int | None, semantics: str) -> str:
    if size is None:
        return NOT_KNOWN
    amount, units = float(size), ["B", "KiB", "MiB", "GiB", "TiB"]
    while amount >= _KIBI and len(units) > 1:
        amount, units = amount / _KIBI, units[1:]
    rounded = "" if units[0] == "B" else f" ({amount:.1f} {units[0]})"
    return f"{size:,} bytes{rounded}, counted as {semantics.replace('_', ' ')}"


def _gate(levels: dict[str, str | None] | None) -> str:
    """`high` when all kinds have one gate, else each kind with its own."""
    if levels is None:
        return "no gate: nobody waited for findings"
    if len(set(levels.values())) == 1:
        return next(iter(levels.values())) or "no gate"
    return ", ".join(f"{in_words(kind)}: {level or 'no gate'}" for kind, level in levels.items())


def _registry_task(task: TaskEntry) -> tuple[Part, ...]:
    done = "" if task.finished is None or task.total is None else f"{task.finished} of {task.total} images"
    percent = "" if task.progress is None else f"{task.progress} %"
    return (Quoted(task.id), Quoted(task.status), ", ".join(each for each in (done, percent) if each))
