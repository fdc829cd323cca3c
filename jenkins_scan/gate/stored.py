"""Findings as `result.json` holds them."""

from collections.abc import Mapping
from dataclasses import fields
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, TypeVar

from jenkins_scan.findings import Finding, Kind, Severity

if TYPE_CHECKING:
    from jenkins_scan.gate.waivers import Waiver

_Word = TypeVar("_Word", bound=StrEnum)
_FIELDS: Final = tuple(each.name for each in fields(Finding))
_NULLABLE_TEXTS: Final = ("package", "version", "path", "fix", "layer")


def finding_to_dict(finding: Finding) -> dict[str, Any]:
    """The finding by its field names; kind and severity stay enumerations, which JSON writes as their words."""
    return {**{name: getattr(finding, name) for name in _FIELDS}, "aliases": list(finding.aliases)}


def waived_to_dict(finding: Finding, waiver: "Waiver") -> dict[str, Any]:
    """The finding with the `waiver` that covers it: id, reason, expires (YYYY-MM-DD) and owner."""
    accepted = {
        "id": waiver.id,
        "reason": waiver.reason,
        "expires": waiver.expires.isoformat(),
        "owner": waiver.owner,
    }
    return {**finding_to_dict(finding), "waiver": accepted}


def finding_from_dict(row: Any) -> Finding:
    """The finding in a part of JSON; keys that are not known are passed over. Raises `ValueError` naming the key."""
    if not isinstance(row, Mapping):
        raise ValueError("it is not an object")  # noqa: TRY004  the one error of a value that is not as it should be
    fixable, aliases = row.get("fixable"), row.get("aliases", [])
    if fixable is not None and not isinstance(fixable, bool):
        raise ValueError("fixable is not true, false or null")
    if not isinstance(aliases, list) or not all(isinstance(alias, str) for alias in aliases):
        raise ValueError("aliases is not a list of texts")
    return Finding(
        kind=_word(row, "kind", Kind),
        id=_text(row, "id"),
        severity=_word(row, "severity", Severity),
        title=_text(row, "title"),
        fixable=fixable,
        aliases=tuple(aliases),
        source=_text(row, "source", ""),
        **{key: None if row.get(key) is None else _text(row, key) for key in _NULLABLE_TEXTS},
    )


def _text(row: Mapping[str, Any], key: str, default: str | None = None) -> str:
    value = row.get(key, default)
    if not isinstance(value, str):
        raise ValueError(f"{key} is not a text")  # noqa: TRY004  as above
    return value


def _word(row: Mapping[str, Any], key: str, words: type[_Word]) -> _Word:
    try:
        return words(_text(row, key))
    except ValueError as exc:
        raise ValueError(f"{key} is none of {', '.join(words)}") from exc
