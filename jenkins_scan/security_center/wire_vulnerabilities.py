"""The lists of vulnerabilities: DescribeImageVulList row by row, DescribeImageGroupedVulList by groups."""

import re
from collections.abc import Iterator
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, ValidatorFunctionWrapHandler, WrapValidator

from jenkins_scan import untrusted_json
from jenkins_scan.findings import Finding, Severity, severity_of
from jenkins_scan.security_center.interface import Source
from jenkins_scan.security_center.wire import (
    LenientCount,
    LenientInt,
    Name,
    Rows,
    Sentence,
    WireModel,
    or_none,
    read_as,
)
from jenkins_scan.security_center.wire_findings import FindingReply, FindingRow

_CVE = re.compile(r"\bCVE-\d{4}-\d{4,}\b", re.IGNORECASE)
FIXED: Final = frozenset({7})
"""`Status` of DescribeImageVulList: 1 unfixed, 4 being fixed, 7 fixed."""
HANDLED: Final = frozenset({1, 3})
"""`Status` of DescribeImageGroupedVulList: 1 handled, 3 whitelisted; 0, unhandled, and 2, verifying, are open."""


class RpmEntity(WireModel):
    """One of `RpmEntityList`: a package in which the vulnerability is."""

    name: Name = None
    version: Name = None
    full_version: Name = None
    path: Name = None
    layer: Name = None
    update_cmd: Sentence = None


def _object(value: Any) -> Any:
    """An object, also where it comes as JSON text, as the name `ExtendContentJson` suggests."""
    return untrusted_json.parse(value.encode()) if isinstance(value, str) else value


class ExtendContent(WireModel):
    """`ExtendContentJson` of DescribeImageVulList."""

    rpm_entity_list: Annotated[list[Any] | None, WrapValidator(or_none)] = None


def _first_text(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    return handler(value[0] if isinstance(value, list) and value else None)


class VulnerabilityRow(FindingRow):
    """What both lists of vulnerabilities tell."""

    name: Name = None
    alias_name: Name = None
    related: Annotated[str | None, WrapValidator(or_none)] = None
    """Searched for CVE ids, and never shown itself."""
    can_fix: Name = None

    def ids(self) -> tuple[str, ...]:
        """The CVE ids, the one in the name first, and then the service's own key."""
        cves = (
            found.upper() for text in (self.name, self.related, self.alias_name) for found in _CVE.findall(text or "")
        )
        return tuple(dict.fromkeys((*cves, *([self.name] if self.name else []))))

    def finding(self, severity: Severity, **parts: Any) -> Finding:
        """The vulnerability, with parts that one of the lists alone can tell."""
        first, *others = self.ids() or ("",)
        return Finding(
            kind=self.source.kind,
            source=self.source,
            id=first,
            aliases=tuple(others),
            severity=severity,
            title=self.alias_name or self.name or first,
            fixable={"yes": True, "no": False}.get((self.can_fix or "").lower()),
            **parts,
        )


class CveRow(VulnerabilityRow):
    """One of `VulRecords` of DescribeImageVulList."""

    source = Source.CVE
    closed = FIXED
    primary_id: LenientInt = None
    uuid: Name = None
    image_digest: Name = None
    necessity: Name = None
    layers: Annotated[Name, WrapValidator(_first_text)] = None
    extend_content_json: Annotated[ExtendContent | None, BeforeValidator(_object), WrapValidator(or_none)] = None

    def identity(self) -> tuple[Any, ...]:
        """The record and the image."""
        return self.primary_id, self.name, self.uuid, self.image_digest

    def findings(self) -> Iterator[Finding]:
        """One for each package and path; one without a package where none can be read."""
        listed = (self.extend_content_json and self.extend_content_json.rpm_entity_list) or [{}]
        seen: set[tuple[str | None, str | None]] = set()
        for each in listed:
            entity = read_as(RpmEntity, each) or RpmEntity()
            if (entity.name, entity.path) not in seen:
                seen.add((entity.name, entity.path))
                yield self.finding(
                    severity_of(self.necessity),
                    package=entity.name,
                    version=entity.full_version or entity.version,
                    path=entity.path,
                    fix=entity.update_cmd,
                    layer=entity.layer or self.layers,
                )


class ScaRow(VulnerabilityRow):
    """One of `GroupedVulItems` of DescribeImageGroupedVulList."""

    source = Source.SCA
    closed = HANDLED
    asap_count: LenientCount = None
    later_count: LenientCount = None
    nntf_count: LenientCount = None

    def identity(self) -> tuple[Any, ...]:
        """The group's name."""
        return (self.name,)

    def findings(self) -> Iterator[Finding]:
        """The group as one finding: which packages it is in, the list does not tell."""
        yield self.finding(self._severity())

    def _severity(self) -> Severity:
        """The highest with a count above zero; unknown as soon as a higher count cannot be read."""
        for word, found in (("asap", self.asap_count), ("later", self.later_count), ("nntf", self.nntf_count)):
            if found != 0:
                return Severity.UNKNOWN if found is None else severity_of(word)
        return Severity.UNKNOWN


class VulnerabilitiesReply(FindingReply):
    """Reply of DescribeImageVulList."""

    row = CveRow
    rows: Rows = Field(alias="VulRecords")


class GroupedVulnerabilitiesReply(FindingReply):
    """Reply of DescribeImageGroupedVulList."""

    row = ScaRow
    rows: Rows = Field(alias="GroupedVulItems")
