"""The run in one line (`summary.txt`, for `currentBuild.description`) and in a few lines (the console)."""

from collections import Counter
from collections.abc import Iterator, Sequence

from jenkins_scan.images.interface import ImageIdentity
from jenkins_scan.plain_text import one_line
from jenkins_scan.report.listed import IN_RESULT, fixes, listed, more
from jenkins_scan.report.result import ImageResult, QuotaEntry, ReasonEntry, Result
from jenkins_scan.report.rows import LEVELS

SANDBOX_STAMP = "SANDBOX: a stand-in for Alibaba Cloud, which has not seen this image"
MOST_WARNINGS = 12
MOST_NAMES = 5
LONGEST_LINE = 1000
MEANINGS = {
    None: "the image has NOT been judged",
    "quota": "the quota does not allow this scan; the image has not been judged",
    "policy": "the image must not ship",
    "timeout": "the scan goes on; the image has not been judged",
    "warn": "softened by --soft; the image has not been judged",
    "interrupted": "stopped by a signal; the image has not been judged",
}
JUDGED = {None: "the image has passed the gate", "warn": "the image has findings at the warning gate"}
"""In place of those above, when every image was judged by its findings."""
CHECKED = {**JUDGED, None: "nothing at or above the gate was found here"}
"""The same of a check on this machine."""
NOTHING_NEW = {
    JUDGED[None]: "the image has passed the gate: nothing new is at or above it",
    CHECKED[None]: "nothing new at or above the gate was found here",
}
"""The same where the baseline has findings: these were not gated."""
ONLY_THE_SERVICE = "vulnerabilities, malicious files and baselines were NOT looked at, as only the service does"
TASK_WORDS = {"succeeded": "has ended", "failed": "has failed", "running": "still runs"}
OTHERWISE = "the image has not been judged"


def render(result: Result) -> str:
    """One line without markup: verdict, image, task or reason; of several images how many ended how."""
    if len(result.images) == 1:
        image = result.images[0]
        parts = [f"{result.verdict}: {image.reference or 'no image'}", _task(image), counted(image)]
    else:
        counts = Counter(image.verdict for image in result.images)
        parts = [f"{result.verdict}: {len(result.images)} images", *(f"{n} {word}" for word, n in counts.items())]
    if result.reason is not None:
        parts.append(f"{result.reason} (exit {result.exit_code})")
    stamp = " [SANDBOX]" if result.sandbox else ""
    return one_line(", ".join(part for part in parts if part) + stamp, LONGEST_LINE) + "\n"


def verdict_line(result: Result) -> str:
    """The last line of every run, stable enough for a regular expression; it says what was opened, also with `-q`."""
    stamp = " (sandbox)" if result.sandbox else ""
    reason = "" if result.reason is None else f" {result.reason}:"
    line = f"{result.verdict}{stamp}{reason} {_opened(result)}{meaning(result)} (exit {result.exit_code})"
    return one_line(line, LONGEST_LINE)


def rows(result: Result, rest: str = IN_RESULT) -> Iterator[tuple[str, str]]:
    """What a person needs to know as (label, text); of several images the findings that decided.

    `rest` says where to find what is left out.
    """
    if result.sandbox:
        yield "sandbox", SANDBOX_STAMP
    if len(result.images) == 1:
        (image,) = result.images
        yield "image", image.reference or "none named"
        yield from _identity(image)
        if image.task is not None:
            opened = "may exist, sent" if image.task.id is None else f"{image.task.id}, opened"
            yield "task", f"{opened} {image.task.opened_at:%Y-%m-%d %H:%M:%S} UTC"
        yield from _findings(result, image, rest)
    else:
        for image in result.images:
            decided = [*listed(result, image, rest)]
            yield from [("image", image.reference), *decided] if decided else ()
    yield from fixes(result)
    if result.quota.source is not None:
        yield "quota", quota_line(result.quota)
    for label, texts in (("warning", result.warnings), ("note", result.notes)):
        yield from ((label, text) for text in texts[:MOST_WARNINGS])
        yield from more(len(texts) - MOST_WARNINGS, rest, label)


def images(result: Result) -> Iterator[tuple[str, str]]:
    """Of several images each with its verdict, why and task as (label, text), in the order in which they were named."""
    for image in result.images if len(result.images) > 1 else ():
        config = None if image.identity is None else image.identity.config_digest
        slugs = ", ".join(dict.fromkeys(reason.slug for reason in image.reasons))
        told = ", ".join(part for part in (image.reference, config, _task(image), counted(image)) if part)
        yield image.verdict, f"{slugs}: {told}" if slugs else told


def reasons(result: Result) -> Iterator[tuple[str, str]]:
    """Why the verdict is what it is, each with its remedy, as (label, text); what several images share comes once."""
    for reason, references in shared_reasons(result).items():
        whose = f" [{several(references)}]" if len(result.images) > 1 else ""
        yield "reason", f"{reason.slug}: {reason.message}{whose}"
        yield from (("", f"tried {attempt}") for attempt in reason.tried or ())
        if reason.remedy:
            yield "", f"-> {reason.remedy}"
        if reason.request_id:
            yield "", f"request id {reason.request_id}"


def shared_reasons(result: Result) -> dict[ReasonEntry, list[str]]:
    """Each reason once, with the references of the images that it is of."""
    concerned: dict[ReasonEntry, list[str]] = {}
    for image in result.images:
        for reason in image.reasons:
            concerned.setdefault(reason, []).append(image.reference)
    return concerned


def several(references: Sequence[str]) -> str:
    """The first few of them."""
    shown = ", ".join(references[:MOST_NAMES])
    return shown if len(references) <= MOST_NAMES else f"{shown} and {len(references) - MOST_NAMES} more"


def _opened(result: Result) -> str:
    """What was opened: by its id for one image, by its number for several, whose ids stand on lines of their own."""
    if result.local:
        return ""
    if len(result.images) == 1:
        return "".join(f"{_task(image)}; " for image in result.images if image.task is not None)
    noted = [image.task for image in result.images if image.task is not None]
    known = sum(task.id is not None for task in noted)
    parts = [f"{known} of {len(result.images)} images have a task"]
    if len(noted) > known:
        parts.append(f"{len(noted) - known} more may exist")
    return f"{', '.join(parts)}; "


def meaning(result: Result) -> str:
    """What the verdict says about the image, without a capital and a full stop."""
    text = MEANINGS.get(result.reason, OTHERWISE)
    judged = [image.proof is not None and bool(image.counts) for image in result.images]
    if all(judged):
        text = (CHECKED if result.local else JUDGED).get(result.reason, text)
        text = NOTHING_NEW.get(text, text) if any(image.known for image in result.images) else text
    if len(judged) > 1:
        if any(judged) and not all(judged):
            text = text.replace("the image has not", "not every image has")
        text = text.replace("the image has", "the images have").replace("the image must not", "not every image may")
    return f"{text}; {ONLY_THE_SERVICE}" if result.local and any(judged) else text


def _identity(image: ImageResult) -> Iterator[tuple[str, str]]:
    identity = image.identity
    if identity is None:
        return
    if not is_a_digest_alone(identity):
        size = "size not known" if identity.size is None else f"{identity.size} bytes ({identity.size_semantics})"
        config, platform = identity.config_digest or "digest not known", identity.platform or "platform not known"
        yield "config", f"{config}, {platform}, {size}"
    sent = image.sent
    if sent is not None:
        yield "digest", "not known" if sent.digest is None else f"sha256:{sent.digest} (from {sent.digest_from})"
    engine = identity.engine
    if engine is None and not is_a_digest_alone(identity):
        yield "source", identity.store
    elif engine is not None:
        yield (
            "source",
            f"{engine.name} {engine.version} at {engine.endpoint} ({engine.endpoint_from}), {identity.store} store",
        )


def is_a_digest_alone(identity: ImageIdentity) -> bool:
    """Whether the image was named, and nobody here has looked at it: what the service scans in a registry."""
    return identity.registry_digest_from in ("named", "listed", "listed_tag")


def _findings(result: Result, image: ImageResult, rest: str) -> Iterator[tuple[str, str]]:
    """The findings counted, the worst of them, and what the waivers and the baseline made of them."""
    if not image.counts:
        return
    compared = "" if image.new is None else f"; {image.new} new, {image.known} known, {image.fixed} fixed"
    yield "findings", f"{counted(image)}{compared}"
    yield from listed(result, image, rest)


def counted(image: ImageResult) -> str:
    """`2 high, 1 low; 3 waived`; empty for an image that was not judged."""
    if not image.counts:
        return ""
    by_level = {level: sum(kinds[level] for kinds in image.counts.values()) for level in LEVELS}
    counted = ", ".join(f"{number} {level}" for level, number in by_level.items() if number) or "no findings"
    waived = f"; {len(image.waived)} waived" if image.waived else ""
    missing = f"; not known: {', '.join(image.not_fetched)}" if image.not_fetched else ""
    return counted + waived + missing


def _task(image: ImageResult) -> str:
    if image.task is None:
        return ""
    if image.task.id is None:
        return "a task may exist"
    return f"task {image.task.id} {TASK_WORDS.get(image.task.status, 'is open')}"


def quota_line(quota: QuotaEntry) -> str:
    """What is left of the quota, as far as that is known."""
    if quota.remaining is not None:
        text = f"{quota.remaining} of {quota.capacity} scans left before this run"
        text += "" if quota.minimum is None else f", at least {quota.minimum} asked for"
        told = quota.returned_capacity
        return text if told in (None, quota.capacity) else f"{text}; the task came with a total of {told}"
    return f"{quota.capacity} scans purchased, how many are left is not known; at least {quota.minimum} asked for"
