"""The findings of an image as every format shows them: one row each, in one order, each text on one line.

What a scan found was written by strangers: package names, paths, titles. Here escape sequences, control and
bidirectional characters, line breaks and endless texts are taken out, for all formats alike. What a format itself gives
a meaning to, such as `<` or `=`, is that format's to escape.
"""

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from jenkins_scan.gate.names import repository_of
from jenkins_scan.plain_text import one_line
from jenkins_scan.report.result import ImageResult, Result

LEVELS: Final = ("critical", "high", "unknown", "medium", "low")
"""The severities, the worst first; an unknown one counts as high."""
GATES: Final = ("fail", "warn", None)
"""What a finding does to its image, the worst first."""
LONGEST_TEXT: Final = 2000
"""Characters of one text."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The waiver that covers a finding."""

    reason: str
    expires: str
    """YYYY-MM-DD, the last day."""
    owner: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One finding of one image; what is not known is None."""

    kind: str
    id: str
    severity: str
    """One of `LEVELS`."""
    title: str
    package: str | None
    version: str | None
    path: str | None
    fix: str | None
    layer: str | None
    aliases: tuple[str, ...]
    source: str
    gate: str | None
    """`fail` or `warn` for what the image fails or warns by."""
    known: bool | None
    """Whether the baseline has it; None without one."""
    accepted: Accepted | None
    """None for an open finding."""
    fingerprint: str
    """32 hex digits: the same in the next build of the same repository, whatever its tag and the package's version. No
    other row by the same `Fingerprints` has it."""

    @property
    def file(self) -> str | None:
        """The file or folder that it is about. A line of the build, which the local analysis gives as path, is none."""
        is_line = self.source == "local" and self.path is not None and not self.path.startswith("/")
        return None if is_line else self.path

    @property
    def component(self) -> str:
        """The package with its version, or the path; empty when neither is known."""
        if self.package is None:
            return self.path or ""
        return self.package if self.version is None else f"{self.package} {self.version}"


@dataclass(frozen=True, slots=True)
class Fingerprints:
    """Gives fingerprints, no two of them equal: one for all images, as those of one repository share problems."""

    _given: Counter[tuple[str, ...]] = field(default_factory=Counter)

    def give(self, *key: str) -> str:
        """The fingerprint of what these texts name, the same in every run; another one each time."""
        number = self._given[key]
        self._given[key] += 1
        text = json.dumps((*key, number))  # unlike texts that are joined, no two lists of them are alike
        return hashlib.sha256(text.encode("ascii")).hexdigest()[:32]


@lru_cache(maxsize=1)
def rows_of(result: Result) -> tuple[tuple[ImageResult, tuple[Row, ...]], ...]:
    """Each image with its findings: those that fail it, those that warn of it, the other open ones, accepted ones.

    Among each of these the worst come first. Whoever shows some of them alone shows what decided. They are kept for the
    formats that follow: with many findings they cost more than a format does.
    """
    fingerprints = Fingerprints()
    return tuple((image, _rows(image, fingerprints)) for image in result.images)


def _rows(image: ImageResult, fingerprints: Fingerprints) -> tuple[Row, ...]:
    repository, give = repository_name(image), fingerprints.give
    rows = [
        _row(finding, give(repository, *(finding[name] or "" for name in ("kind", "id", "package", "path"))))
        for finding in sorted((*image.findings, *image.waived), key=_order)
    ]
    return tuple(sorted(rows, key=lambda row: (row.accepted is not None, GATES.index(row.gate))))


def repository_name(image: ImageResult) -> str:
    """What two builds of one image have in common: its name without the tag; what was typed where that is unknown."""
    canonical = None if image.identity is None else image.identity.canonical
    namespace, repo = (None, None) if image.sent is None else (image.sent.namespace, image.sent.repo_name)
    return one_line(repository_of(canonical, namespace, repo) or repository_of(image.reference) or "")


def _order(finding: dict[str, Any]) -> tuple[Any, ...]:
    texts = ("kind", "id", "package", "path", "version", "layer", "title", "fix", "source")
    return (
        "waiver" in finding,
        LEVELS.index(finding["severity"]),
        *(finding[name] or "" for name in texts),
        *finding["aliases"],
    )


def _row(finding: dict[str, Any], fingerprint: str) -> Row:
    waiver = finding.get("waiver")
    texts = {name: _text(finding[name]) for name in ("package", "version", "path", "fix", "layer")}
    return Row(
        kind=str(finding["kind"]),
        id=_text(finding["id"]) or "without-an-id",
        severity=str(finding["severity"]),
        title=_text(finding["title"]) or "",
        aliases=tuple(one_line(alias) for alias in finding["aliases"]),
        source=one_line(finding["source"]),
        gate=finding.get("gate"),
        known=finding.get("known"),
        accepted=None
        if waiver is None
        else Accepted(one_line(waiver["reason"], LONGEST_TEXT), waiver["expires"], _text(waiver["owner"])),
        fingerprint=fingerprint,
        **texts,
    )


def _text(text: str | None) -> str | None:
    return None if text is None else one_line(text, LONGEST_TEXT) or None
