"""The baseline: what an earlier run found, so that only what is new is gated.

A finding is known when its fingerprint is: kind, id, package and path. A row that could not be understood is never
known: its id says nothing of what it is.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from jenkins_scan.errors import ConfigurationError
from jenkins_scan.findings import Finding, Kind
from jenkins_scan.gate.given_file import read_given
from jenkins_scan.gate.names import is_nameable, repository_of
from jenkins_scan.gate.stored import finding_from_dict
from jenkins_scan.gate.verdict import VerdictWord
from jenkins_scan.plain_text import one_line
from jenkins_scan.untrusted_json import parse

Fingerprint = tuple[str, str, str, str]
"""Kind, id, package and path."""
SCHEMA: Final = "jenkins-scan/result/1"
LARGEST_FILE: Final = 64 * 1024 * 1024
"""Bytes."""
_REMEDY: Final = "Name the result.json of a judged run of the same image repository with --baseline, or leave it out."
POLICY: Final = "policy"
"""The reason of findings that fail an image, also of an image whose failure was softened."""
_JUDGED: Final = frozenset((VerdictWord.PASS, VerdictWord.CHECKED, VerdictWord.WARN, VerdictWord.FAIL))
_FINDINGS_REASONS: Final = frozenset((POLICY, "warn"))
"""Reasons that findings lead to. With any other one, softened or not, nobody knows whether all of them were there."""


@dataclass(frozen=True, slots=True)
class BaselineImage:
    """One image of the earlier run."""

    repository: str | None
    ended: str
    """Its verdict, with the reasons for it."""
    known: frozenset[Fingerprint] | None
    """The fingerprints of its findings, also of waived ones; None when it was not judged by its findings."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """An earlier run, image by image."""

    shown: str
    """Its name for messages."""
    images: tuple[BaselineImage, ...]
    by_sandbox: bool = False
    optional: bool = False
    """Whether a run that it does not fit goes on without it, and counts every finding. Nobody chose its build, so what
    failed an image there is not taken for known: one softened build would let it through for ever."""

    def require_real(self) -> None:
        """Raises `ConfigurationError` (2) for a run of the sandbox: it says nothing about a real image."""
        if self.by_sandbox:
            raise _refused(self.shown, "the sandbox made it, which says nothing about a real image")

    def known(self, repository: str | None) -> frozenset[Fingerprint]:
        """The fingerprints of that repository's findings in the earlier run; of several images all of them.

        `repository` is what `names.repository_of` gives. Raises `ConfigurationError` (2) when the run had no image of
        this repository, or none that was judged.
        """
        same = [image for image in self.images if repository is not None and image.repository == repository]
        if not same:
            held = ", ".join(sorted({one_line(image.repository, 200) for image in self.images if image.repository}))
            asked = "an image without a name" if repository is None else one_line(repository, 200)
            raise _refused(self.shown, f"it is of {held or 'an image without a name'}, not of {asked}")
        judged = [image.known for image in same if image.known is not None]
        if not judged:
            raise _refused(self.shown, _not_judged(same, passed_only=self.optional))
        return frozenset().union(*judged)


@dataclass(frozen=True, slots=True)
class Compared:
    """The findings of one image beside those of the earlier run."""

    new: tuple[Finding, ...]
    known: tuple[Finding, ...]
    fixed: int
    """How many of the earlier findings are gone."""


def compare(
    findings: Collection[Finding], known: frozenset[Fingerprint], *, fetched: Collection[Kind] = tuple(Kind)
) -> Compared:
    """What is new, known and fixed. `fetched` are the kinds whose lists are there: no other can be seen to be fixed."""
    gone = known.difference(finding.fingerprint for finding in findings)
    return Compared(
        new=tuple(finding for finding in findings if not _is_known(finding, known)),
        known=tuple(finding for finding in findings if _is_known(finding, known)),
        fixed=sum(1 for kind, *_ in gone if kind in fetched),
    )


def read_baseline(path: Path, *, sandbox: bool, local: bool = False) -> Baseline:
    """The earlier run in a `result.json`; `sandbox` tells whether this run may be asking a sandbox.

    `local` tells that this run is a check on this machine alone, which finds other things than the service.

    Raises `ConfigurationError` (2) for a file that is unreadable, of another schema, of a sandbox when this run is
    real, of a check when this run is none and the other way round, or of a run in which no image was judged by its
    findings.
    """
    content = read_given(path, LARGEST_FILE, "baseline")
    return parse_baseline(content, f"baseline {one_line(str(path), 200)}", sandbox=sandbox, local=local)


def parse_baseline(
    content: bytes, shown: str, *, sandbox: bool, optional: bool = False, local: bool = False
) -> Baseline:
    """The earlier run in the bytes of a `result.json`, which messages call `shown`. Raises as `read_baseline` does."""
    try:
        result = parse(content)
    except ValueError as exc:
        raise _refused(shown, f"not JSON: {one_line(str(exc), 200)}") from exc
    schema = result.get("schema") if isinstance(result, Mapping) else None
    if not isinstance(result, Mapping) or schema != SCHEMA:
        raise _refused(shown, f"its schema is {one_line(str(schema), 60)!r}, not {SCHEMA!r}")
    if (result.get("local") is True) != local:
        made, other = ("`scan`", "a check") if local else ("`check`", "a scan")
        raise ConfigurationError(
            f"{shown}: {made} made it, which finds other things than {other}.",
            remedy=f"Name the result.json of an earlier {'check' if local else 'scan'} of the same image repository "
            "with --baseline, or leave it out.",
        )
    try:
        rows = _rows(result, "images", "the result")
        images = tuple(_image(row, f"images[{n}]", passed_only=optional) for n, row in enumerate(rows))
    except ValueError as exc:
        raise _refused(shown, one_line(str(exc), 200)) from exc
    if all(image.known is None for image in images):
        raise _refused(shown, _not_judged(images, passed_only=optional))
    baseline = Baseline(shown, images, by_sandbox=result.get("sandbox") is not False, optional=optional)
    if not sandbox:
        baseline.require_real()
    return baseline


def _is_known(finding: Finding, known: frozenset[Fingerprint]) -> bool:
    return finding.fingerprint in known and is_nameable(finding.id)


def _not_judged(images: Collection[BaselineImage], *, passed_only: bool) -> str:
    words = ", ".join(sorted({one_line(image.ended, 100) for image in images})) or "no images"
    let_through = " and let through" if passed_only else ""
    return f"no image was judged by its findings{let_through} there ({words}), so that what is new cannot be told"


def _image(row: Any, where: str, *, passed_only: bool) -> BaselineImage:
    identity, sent = _object(row, "identity", where), _object(row, "sent", where)
    repository = repository_of(
        _text_or_none(identity, "canonical", where),
        _text_or_none(sent, "namespace", where),
        _text_or_none(sent, "repo_name", where),
    )
    verdict = _text_or_none(row, "verdict", where) or "without a verdict"
    slugs = {_text_or_none(reason, "slug", where) or "unknown" for reason in _rows(row, "reasons", where)}
    ended = f"{verdict} ({', '.join(sorted(slugs))})" if slugs else verdict
    judged = verdict in _JUDGED and slugs <= _FINDINGS_REASONS
    if not judged or (passed_only and (verdict == VerdictWord.FAIL or POLICY in slugs)):
        return BaselineImage(repository, ended, None)
    found = [_fingerprint(each, f"{where}.{key}") for key in ("findings", "waived") for each in _rows(row, key, where)]
    return BaselineImage(repository, ended, frozenset(found))


def _fingerprint(row: Any, where: str) -> Fingerprint:
    try:
        return finding_from_dict(row).fingerprint
    except ValueError as exc:
        raise ValueError(f"a row of {where} is no finding: {exc}") from exc


def _object(row: Any, key: str, where: str) -> Mapping[str, Any]:
    value = _value(row, key, where)
    if not isinstance(value, Mapping | None):
        raise ValueError(f"{where}.{key} is not an object")  # noqa: TRY004  caught with all that is wrong in the file
    return value or {}


def _rows(row: Any, key: str, where: str) -> list[Any]:
    value = _value(row, key, where)
    if not isinstance(value, list):
        raise ValueError(f"{where} has no list of {key}")  # noqa: TRY004  as above
    return value


def _text_or_none(row: Any, key: str, where: str) -> str | None:
    value = _value(row, key, where)
    if not isinstance(value, str | None):
        raise ValueError(f"{key} in {where} is not a text")  # noqa: TRY004  as above
    return value


def _value(row: Any, key: str, where: str) -> Any:
    if not isinstance(row, Mapping):
        raise ValueError(f"{where} is not an object")  # noqa: TRY004  as above
    return row.get(key)


def _refused(shown: str, why: str) -> ConfigurationError:
    return ConfigurationError(f"{shown}: {why}.", remedy=_REMEDY)
