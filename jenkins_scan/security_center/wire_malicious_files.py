"""The lists of malicious files: which there are in an image, and where they are."""

from collections.abc import Iterator
from typing import Any, Final

from pydantic import Field

from jenkins_scan.findings import Finding
from jenkins_scan.security_center.interface import Source
from jenkins_scan.security_center.wire import LenientInt, Name, Rows
from jenkins_scan.security_center.wire_findings import FindingReply, FindingRow

HANDLED: Final = frozenset({1, 3})
"""`Status`: 1 handled, 3 whitelisted; 0, unhandled, and 2, verifying, are open."""


class MaliciousGroupRow(FindingRow):
    """One of `GroupedMaliciousFileResponse` of DescribeGroupedMaliciousFiles."""

    source = Source.MALICIOUS_FILE
    closed = HANDLED
    malicious_key: Name = None
    malicious_name: Name = None
    malicious_md5: Name = None
    level: Name = None

    def identity(self) -> tuple[Any, ...]:
        """The file's hash and what it is taken for."""
        return self.malicious_key, self.malicious_md5

    def findings(self) -> Iterator[Finding]:
        """The malicious file; its hash, by which its paths are found, is an alias."""
        ids = [each for each in (self.malicious_key, self.malicious_md5) if each]
        yield self.plain(next(iter(ids), None), self.level, self.malicious_name, aliases=tuple(ids[1:]))


class MaliciousFileRow(FindingRow):
    """One of `AffectedMaliciousFileImagesResponse` of DescribeAffectedMaliciousFileImages."""

    source = Source.MALICIOUS_FILE
    closed = HANDLED
    id: LenientInt = None
    malicious_md5: Name = None
    level: Name = None
    file_path: Name = None
    layer: Name = None

    def identity(self) -> tuple[Any, ...]:
        """The record and the place."""
        return self.id, self.malicious_md5, self.file_path, self.layer

    def findings(self) -> Iterator[Finding]:
        """The malicious file by its hash, in one place."""
        yield self.plain(self.malicious_md5, self.level, None, path=self.file_path, layer=self.layer)


class MaliciousGroupsReply(FindingReply):
    """Reply of DescribeGroupedMaliciousFiles."""

    row = MaliciousGroupRow
    rows: Rows = Field(alias="GroupedMaliciousFileResponse")


class MaliciousFilesReply(FindingReply):
    """Reply of DescribeAffectedMaliciousFileImages."""

    row = MaliciousFileRow
    rows: Rows = Field(alias="AffectedMaliciousFileImagesResponse")
