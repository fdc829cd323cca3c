"""What a scan found: one record for every kind of problem, with the service's words mapped to five severities.

The service rates vulnerabilities by how soon to fix them (`asap`, `later`, `nntf`), malicious files by how sure it is
(`serious`, `suspicious`, `remind`), everything else as `high`, `medium` or `low`. Only a malicious file can be
critical.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

UNREADABLE: Final = "unreadable-row"
"""The ids of rows that could not be understood begin with this. Such an id says where a row stood, not what it is."""


class Kind(StrEnum):
    """What kind of problem it is."""

    VULNERABILITY = "vulnerability"
    BASELINE = "baseline"
    MALICIOUS_FILE = "malicious-file"
    SENSITIVE_FILE = "sensitive-file"
    BUILD_RISK = "build-risk"


class Severity(StrEnum):
    """How bad it is, the worst first. An unknown one counts as high in every gate."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    UNKNOWN = "unknown"

    def is_at_least(self, other: "Severity") -> bool:
        """Whether this severity reaches `other`; `unknown` stands for high on either side."""
        return _RANK[self] <= _RANK[other]


_RANK: Final = {
    Severity.CRITICAL: 0,
    Severity.HIGH: 1,
    Severity.UNKNOWN: 1,
    Severity.MEDIUM: 2,
    Severity.LOW: 3,
}
_WORDS: Final = {
    "asap": Severity.HIGH,
    "later": Severity.MEDIUM,
    "nntf": Severity.LOW,
    "serious": Severity.CRITICAL,
    "suspicious": Severity.HIGH,
    "remind": Severity.LOW,
    "critical": Severity.CRITICAL,
    "high": Severity.HIGH,
    "medium": Severity.MEDIUM,
    "low": Severity.LOW,
}


def severity_of(word: str | None) -> Severity:
    """The severity that a word of the service means; `unknown` for one that is not known or missing."""
    return _WORDS.get((word or "").strip().lower(), Severity.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One problem in one image. No field ever holds a secret that the scan found."""

    kind: Kind
    id: str
    """A CVE id where there is one, else the service's own key."""
    severity: Severity
    title: str
    package: str | None = None
    version: str | None = None
    """The installed version."""
    path: str | None = None
    fixable: bool | None = None
    """Whether a fix is known; None where the service does not tell."""
    fix: str | None = None
    """What to do."""
    layer: str | None = None
    aliases: tuple[str, ...] = ()
    """Other ids of the same problem."""
    source: str = ""
    """The list it came from: `cve`, `sca`, `baseline`, `malicious-file`, `sensitive-file` or `build-risk`;
    `local` where this machine found it itself."""

    @property
    def fingerprint(self) -> tuple[str, str, str, str]:
        """What makes it the same finding in another build: kind, id, package and path; no version and no layer."""
        return self.kind, self.id, self.package or "", self.path or ""
