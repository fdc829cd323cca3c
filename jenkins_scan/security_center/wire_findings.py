"""The lists of findings: baselines, sensitive files and build risks, and what the other lists have in common with them.

`Promt` is the text of a secret that was found, `DownloadUrl` a live sample of malware, `LayerCmd` may hold a build's
secrets: none of them has a field, so none is ever read. A row is never dropped: without an id it is a finding that
nobody could read, with a severity that cannot be read it is one of unknown severity, and without a status it is open.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, ClassVar, Final

from pydantic import Field

from jenkins_scan.findings import Finding, Severity, severity_of
from jenkins_scan.security_center.interface import Source
from jenkins_scan.security_center.pages import Page, Row
from jenkins_scan.security_center.wire import (
    LenientCount,
    LenientInt,
    Name,
    PagedReply,
    Rows,
    Sentence,
    WireModel,
    read_as,
)

DONE: Final = frozenset({1})
"""`Status` of baselines and sensitive files: 1 fixed or processed."""
IGNORED: Final = frozenset({1, 2})
"""`Status` of build risks: 1 ignored, 2 false positive. The API page has it in the request alone."""


class FindingRow(WireModel):
    """A row of a list: what it is told by, and the findings in it."""

    source: ClassVar[Source]
    closed: ClassVar[frozenset[int]]
    """The values of `Status` that say: no longer open."""
    status: LenientInt = None

    def identity(self) -> tuple[Any, ...]:
        """What tells the row from every other one, whenever it is read; empty parts where that cannot be read."""
        raise NotImplementedError

    def findings(self) -> Iterator[Finding]:
        """What the row says; an id is empty where none could be read."""
        raise NotImplementedError

    @property
    def is_open(self) -> bool:
        """Whether it still counts."""
        return self.status not in self.closed

    def plain(self, key: str | None, level: str | None, title: str | None, **parts: Any) -> Finding:
        """A finding of this row, without a part that only vulnerabilities have."""
        return Finding(
            kind=self.source.kind,
            source=self.source,
            id=key or "",
            severity=severity_of(level),
            title=title or key or "",
            **parts,
        )


class FindingReply(PagedReply):
    """A page of a list of findings."""

    row: ClassVar[type[FindingRow]]

    def value(self) -> Page:
        """The rows, each with what it is told by."""
        return Page(tuple(_row(self.row, each) for each in self.rows), self.total)


def _row(model: type[FindingRow], content: Any) -> Row:
    row = read_as(model, content) or model()
    identity = row.identity()
    findings = tuple(row.findings())
    readable = all(finding.id for finding in findings)
    return Row(
        key=repr(identity) if any(identity) else _digest(content),
        findings=findings if readable else tuple(_unknown(finding) for finding in findings),
        is_open=row.is_open,
        is_readable=readable,
    )


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _unknown(finding: Finding) -> Finding:
    """Nobody knows what it is, so its own word for how bad it is counts only if it is the worst of all."""
    return finding if finding.severity is Severity.CRITICAL else replace(finding, severity=Severity.UNKNOWN)


class BaselineRow(FindingRow):
    """One of `BaselineResult` of DescribeImageBaselineCheckResult."""

    source = Source.BASELINE
    closed = DONE
    baseline_name_key: Name = None
    baseline_name_alias: Name = None
    baseline_name_level: Name = None

    def identity(self) -> tuple[Any, ...]:
        """The check."""
        return (self.baseline_name_key,)

    def findings(self) -> Iterator[Finding]:
        """The check that the image does not pass."""
        yield self.plain(self.baseline_name_key, self.baseline_name_level, self.baseline_name_alias)


class SensitiveFileRow(FindingRow):
    """One of `SensitiveFileList` of DescribeImageSensitiveFileList."""

    source = Source.SENSITIVE_FILE
    closed = DONE
    sensitive_file_key: Name = None
    sensitive_file_name: Name = None
    class_key: Name = None
    risk_level: Name = None
    unprocessed_num: LenientCount = None
    advice: Sentence = None

    def identity(self) -> tuple[Any, ...]:
        """The kind of file."""
        return self.class_key, self.sensitive_file_key

    def findings(self) -> Iterator[Finding]:
        """The kind of file: where they are is told only together with the secrets in them, which nobody asks for."""
        yield self.plain(self.sensitive_file_key, self.risk_level, self.sensitive_file_name, fix=self.advice)

    @property
    def is_open(self) -> bool:
        """Open too while some files of a processed kind are not."""
        return super().is_open or bool(self.unprocessed_num)


class BuildRiskRow(FindingRow):
    """One of `Data.List` of DescribeImageBuildRiskByKey."""

    source = Source.BUILD_RISK
    closed = IGNORED
    risk_key: Name = None
    risk_key_name: Name = None
    risk_level: Name = None
    layer_digest: Name = None
    advice: Sentence = None

    def identity(self) -> tuple[Any, ...]:
        """Nothing: two rows may differ in their instruction alone, which is not read; so the whole row tells."""
        return ()

    def findings(self) -> Iterator[Finding]:
        """The risk."""
        yield self.plain(self.risk_key, self.risk_level, self.risk_key_name, fix=self.advice, layer=self.layer_digest)


class BaselinesReply(FindingReply):
    """Reply of DescribeImageBaselineCheckResult."""

    row = BaselineRow
    rows: Rows = Field(alias="BaselineResult")


class SensitiveFilesReply(FindingReply):
    """Reply of DescribeImageSensitiveFileList."""

    row = SensitiveFileRow
    rows: Rows = Field(alias="SensitiveFileList")


class BuildRisksData(FindingReply):
    """`Data` of DescribeImageBuildRiskByKey."""

    row = BuildRiskRow
    rows: Rows = Field(alias="List")


class BuildRisksReply(WireModel):
    """Reply of DescribeImageBuildRiskByKey."""

    data: BuildRisksData

    def value(self) -> Page:
        """The rows."""
        return self.data.value()
