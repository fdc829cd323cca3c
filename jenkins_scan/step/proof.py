"""The proof that the scanned image is the inspected one, and its findings read whole. Without both there is no PASS."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from jenkins_scan.errors import AccessError, FindingsIncomplete, NotProved, ScanError
from jenkins_scan.findings import Finding, Kind
from jenkins_scan.security_center.interface import ImageKey, Proof, Results, ScanRequest, Source, TaskStatus
from jenkins_scan.step.submission import Submission
from jenkins_scan.step.submitted import same_uuid
from jenkins_scan.step.waiting import FORBIDDEN, Ended


@dataclass(frozen=True, slots=True)
class Found:
    """The findings of one image."""

    findings: tuple[Finding, ...]
    kinds: frozenset[Kind]
    """Kinds whose lists were all read."""
    warnings: tuple[str, ...]


def prove(ended: Ended, submission: Submission, uuid: str | None = None) -> Proof:
    """What proves that this scan was of the image that was submitted; `uuid` is the one that came with the task.

    Raises `errors.NotProved` (17).

    A digest is a proof only where a registry, or an engine after a push, gave it; one that somebody claimed is not. A
    row of the image that contradicts beats everything else: the operations that know our task only repeat what was
    submitted.
    """
    request = submission.request
    confirmed = request.digest if submission.is_confirmed else None
    for row in ended.rows:
        compared = row.image_id is not None and request.image_id is not None
        if _differs(row.image_id, request.image_id) or (not compared and _differs(row.digest, confirmed)):
            raise NotProved(f"the scan was of another image: {_side_by_side(row, request)}.")
    if ended.said_by.task_id is not None and _differs(ended.said_by.digest, request.digest):
        raise NotProved(f"the task scanned another digest: {_side_by_side(ended.said_by, request)}.")
    for row in ended.others:
        if doubt := _doubt(row, request, uuid):
            raise NotProved(f"{doubt}: {_side_by_side(row, request)}.")
    rows = ended.rows or (ended.said_by,)
    if any(row.image_id is not None and row.image_id == request.image_id for row in rows):
        return "image_id"
    if confirmed is not None and any(row.digest == confirmed for row in rows):
        return "digest"
    raise NotProved(
        "the scan ended, and neither the ImageId nor a confirmed digest in the service's record is this image's: "
        f"submitted were {request.image_id or 'no ImageId'} and {request.digest or 'no digest'}"
        + (f" (from {submission.digest_from}, a claim)." if request.digest and confirmed is None else ".")
    )


def _doubt(row: TaskStatus, request: ScanRequest, uuid: str | None) -> str | None:
    """Why a row that is older than the submit, or another repository's, speaks against ours all the same."""
    other_image = _differs(row.image_id, request.image_id)
    if request.digest is not None and row.digest == request.digest and other_image:
        return "the digest that was submitted is of another image"  # whenever and under whatever name it was scanned
    if same_uuid(row.uuid, uuid):
        contradicts = other_image or _differs(row.digest, request.digest)
        return "the image's own record is of another image" if contradicts else None
    if uuid is not None and row.uuid is not None and row.name == request.listed_name is not None:
        return f"the record of this name has the Uuid {row.uuid}, and {uuid} came with the task"
    return None


def key_of(ended: Ended, submission: Submission, uuid: str | None) -> ImageKey:
    """What names the image in the lists; `uuid` is the one that came with the task, and goes before every other."""
    told = (*ended.rows, ended.said_by)
    uuids = [each for each in (uuid, *(row.uuid for row in told)) if each is not None]
    digests = [row.digest for row in told if row.digest is not None]
    request = submission.request
    return ImageKey(next(iter(uuids), None), request.digest or next(iter(digests), None), request.listed_name)


def read_findings(results: Results, image: ImageKey, *, gated: Collection[Kind], deadline: float) -> Found:
    """Every open finding of the image.

    Raises `errors.FindingsIncomplete` (17) when a list could not be read whole, and `errors.AccessError` (14) when the
    list of a gated kind is refused; that of another kind is a warning.
    """
    findings: list[Finding] = []
    warnings: list[str] = []
    missing: set[Kind] = set()
    sizes: dict[Source, int] = {}
    for source in Source:
        try:
            listed = results.findings(source, image, deadline=deadline)
        except AccessError as refused:
            if source.kind in gated or refused.http_status != FORBIDDEN:
                raise
            missing.add(source.kind)
            warnings.append(f"the list of {source.value} findings was not fetched: {refused.message}")
            continue
        if not listed.complete:
            raise FindingsIncomplete(
                f"the list of {source.value} findings is not whole: {' '.join(listed.complaints) or 'no reason told'}"
            )
        warnings += listed.complaints
        findings += listed.findings
        sizes[source] = listed.received - listed.handled
    warnings += _compared(results, image, sizes, deadline)
    return Found(tuple(findings), frozenset(Kind) - missing, tuple(warnings))


def _compared(results: Results, image: ImageKey, sizes: Mapping[Source, int], deadline: float) -> Sequence[str]:
    """Warnings where the service counts otherwise than its lists. A count that meets an empty list is an error."""
    counts: Mapping[Source, int] = {}
    problem: Exception | None = None
    try:
        counts = results.counts(image, deadline=deadline).value
    except (ScanError, ValueError) as unknown:
        problem = unknown
    if image.digest is None and Source.MALICIOUS_FILE in sizes and Source.MALICIOUS_FILE not in counts:
        # That list was asked for by name and tag, which may be wrong: only its count by Uuid shows that it is not.
        raise FindingsIncomplete("without a digest the list of malicious files cannot be told to be this image's.")
    if problem is not None:
        return (f"the lists could not be compared with the service's own counts: {problem}",)
    for source, count in counts.items():
        if count > 0 and sizes.get(source) == 0:
            raise FindingsIncomplete(f"the service counts {count} {source.value} findings, and its list is empty.")
    return tuple(
        f"the service counts {count} {source.value} findings, its list holds {sizes[source]}."
        for source, count in counts.items()
        if source in sizes and count != sizes[source]
    )


def _side_by_side(row: TaskStatus, request: ScanRequest) -> str:
    return (
        f"the service has ImageId {row.image_id or 'not told'} and digest {row.digest or 'not told'}; "
        f"submitted were {request.image_id or 'none'} and {request.digest or 'none'}"
    )


def _differs(told: str | None, ours: str | None) -> bool:
    return told is not None and ours is not None and told != ours
