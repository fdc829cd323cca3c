"""The operations that list findings: what each is asked for, and one list of findings from all its pages."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from jenkins_scan.errors import ScanError
from jenkins_scan.findings import UNREADABLE, Finding, Severity
from jenkins_scan.security_center.answer import Read, Reply
from jenkins_scan.security_center.interface import Answer, FindingList, ImageKey, Source
from jenkins_scan.security_center.malicious_files import located
from jenkins_scan.security_center.pages import Collected, Page, collect
from jenkins_scan.security_center.wire_counts import ScanCountReply
from jenkins_scan.security_center.wire_findings import BaselinesReply, BuildRisksReply, SensitiveFilesReply
from jenkins_scan.security_center.wire_malicious_files import MaliciousFilesReply, MaliciousGroupsReply
from jenkins_scan.security_center.wire_vulnerabilities import GroupedVulnerabilitiesReply, VulnerabilitiesReply

PAGE_SIZE = 100
"""The most that is safe to ask for: the API pages name no maximum."""
COUNTS = "DescribeImageSecurityScanCount"
SEVERITIES = list(Severity)
OPEN_ONLY = {"Dealed": "N"}
ENGLISH = {"Lang": "en"}
"""The default is Chinese."""


class UnknownImage(Exception):
    """The list takes a key of the image that is not known. It never leaves this module."""


@dataclass(frozen=True, slots=True)
class ListOperation:
    """One operation that lists findings of an image."""

    name: str
    reply: type[Reply[Page]]
    by_uuid: str | None = None
    """The parameter that takes the image's Uuid."""
    by_digest: str | None = None
    """The parameter that takes its digest, where no Uuid is known or taken."""
    by_name: bool = False
    """Whether it takes the name instead, where no digest is known."""
    others: tuple[tuple[str, str], ...] = ()

    def query(self, image: ImageKey) -> dict[str, str]:
        """The parameters for this image. Raises `UnknownImage` rather than ask for every image of the account."""
        if self.by_uuid is not None and image.uuid:
            key = {self.by_uuid: image.uuid}
        elif self.by_digest is not None and image.digest:
            key = {self.by_digest: image.digest}
        elif self.by_name and image.name is not None:
            named = {
                "RepoNamespace": image.name.namespace,
                "RepoName": image.name.repo_name,
                "ImageTag": image.name.tag,
            }
            key = {parameter: text for parameter, text in named.items() if text}
        else:
            needed = " or ".join(
                word for word, parameter in (("Uuid", self.by_uuid), ("digest", self.by_digest)) if parameter
            )
            raise UnknownImage(f"{self.name} was not asked: it needs the image's {needed}, which is not known")
        return {**key, **dict(self.others), **ENGLISH}


LISTS: Final[Mapping[Source, ListOperation]] = {
    Source.CVE: ListOperation(
        "DescribeImageVulList", VulnerabilitiesReply, by_uuid="Uuids", by_digest="Digest", others=(("Type", "cve"),)
    ),
    Source.SCA: ListOperation(
        "DescribeImageGroupedVulList",
        GroupedVulnerabilitiesReply,
        by_uuid="Uuids",
        by_digest="ImageDigest",
        others=(("Type", "sca"),),
    ),
    Source.BASELINE: ListOperation("DescribeImageBaselineCheckResult", BaselinesReply, by_uuid="ImageUuid"),
    Source.MALICIOUS_FILE: ListOperation(
        "DescribeGroupedMaliciousFiles", MaliciousGroupsReply, by_digest="ImageDigest", by_name=True
    ),
    Source.SENSITIVE_FILE: ListOperation("DescribeImageSensitiveFileList", SensitiveFilesReply, by_uuid="ImageUuid"),
    Source.BUILD_RISK: ListOperation("DescribeImageBuildRiskByKey", BuildRisksReply, by_uuid="ImageUuid"),
}
PLACES: Final = ListOperation(
    "DescribeAffectedMaliciousFileImages", MaliciousFilesReply, by_digest="ImageDigest", by_name=True
)
"""Where the malicious files are; which there are, the grouped list tells."""


class FindingOperations:
    """The lists of findings of one account's images."""

    def __init__(self, read: Read) -> None:
        self._read = read

    def counts(self, image: ImageKey, *, deadline: float) -> Answer[Mapping[Source, int]]:
        """How many open findings the service counts, by the lists that it counts and tells."""
        key = {"ImageUuid": image.uuid} if image.uuid else {"ImageDigest": image.digest} if image.digest else None
        if key is None:
            raise ValueError("without a key this would count for no image in particular")
        return self._read(COUNTS, {**key, **OPEN_ONLY}, ScanCountReply, deadline)

    def findings(self, source: Source, image: ImageKey, *, deadline: float) -> FindingList:
        """One list, all pages. A list whose key of the image is not known is not asked, and not complete."""
        try:
            listed = self._all(LISTS[source], image, deadline)
            if source is Source.MALICIOUS_FILE and listed.rows:
                listed = self._with_places(listed, image, deadline)
        except UnknownImage as unknown:
            listed = Collected((), None, complete=False, complaints=(str(unknown),))
        return _as_list(source, listed)

    def _all(self, operation: ListOperation, image: ImageKey, deadline: float) -> Collected:
        query = operation.query(image)

        def page(number: int) -> Page:
            position = {"CurrentPage": str(number), "PageSize": str(PAGE_SIZE)}
            return self._read(operation.name, {**query, **position}, operation.reply, deadline).value

        listed = collect(page)
        return replace(listed, complaints=tuple(f"{operation.name}: {each}." for each in listed.complaints))

    def _with_places(self, groups: Collected, image: ImageKey, deadline: float) -> Collected:
        """The malicious files where they are; as the grouped list has them, if nobody may know where."""
        try:
            return located(groups, self._all(PLACES, image, deadline))
        except ScanError as refused:
            unplaced = f"the paths of the malicious files are not known: {refused.message}"
            return replace(groups, complaints=(*groups.complaints, unplaced))


def _as_list(source: Source, listed: Collected) -> FindingList:
    readable = [finding for row in listed.rows if row.is_open and row.is_readable for finding in row.findings]
    strange = [finding for row in listed.rows if row.is_open and not row.is_readable for finding in row.findings]
    strange.sort(key=_order)
    named = [
        replace(finding, id=f"{UNREADABLE}-{number}", title=finding.title or "a row without an id that can be read")
        for number, finding in enumerate(strange, 1)
    ]
    return FindingList(
        source=source,
        findings=tuple(sorted((*readable, *named), key=_order)),
        complete=listed.complete,
        total=listed.total,
        received=listed.received,
        handled=listed.handled,
        unreadable=len(strange),
        complaints=listed.complaints,
    )


def _order(finding: Finding) -> tuple[object, ...]:
    """The worst first, then by name; the rest keeps equal findings in place however the rows came."""
    place = (finding.package or "", finding.path or "", finding.version or "", finding.layer or "", finding.title)
    return SEVERITIES.index(finding.severity), finding.kind, finding.id, *place
