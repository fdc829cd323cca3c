"""The policy: which findings fail an image, and which are worth a warning.

A policy is a set of gates and a deny-list. The stricter of two policies is simply both together: whatever one of them
stops is stopped, kind by kind.
"""

import fnmatch
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

from jenkins_scan.errors import ConfigurationError
from jenkins_scan.findings import Finding, Kind, Severity
from jenkins_scan.spelling import hint

_LEVELS: Final[Mapping[str, Severity | None]] = MappingProxyType(
    {severity.value: severity for severity in Severity if severity is not Severity.UNKNOWN} | {"none": None}
)
_KNOWS_CRITICAL: Final = frozenset((Kind.MALICIOUS_FILE,))
_LONGEST_ID: Final = 200


class Effect(StrEnum):
    """What a gate does to an image; the value is its key in the configuration file."""

    FAIL = "fail_on"
    WARN = "warn_on"


_FIXABLE_ONLY: Final = "fixable_only"
_DENY: Final = "deny"
_SETTINGS: Final = (*Effect, _FIXABLE_ONLY)


@dataclass(frozen=True, slots=True)
class Gate:
    """One threshold: findings of this kind, at or above this severity."""

    kind: Kind
    effect: Effect
    severity: Severity
    fixable_only: bool = False
    """Whether findings that are known to have no fix are let through; where the service does not tell, they are not."""

    def stops(self, finding: Finding) -> bool:
        """Whether this finding is stopped. One of unknown severity counts as high."""
        passed_over = self.fixable_only and finding.fixable is False
        return finding.kind == self.kind and finding.severity.is_at_least(self.severity) and not passed_over


@dataclass(frozen=True, slots=True)
class Policy:
    """What an image is judged by; the default stops nothing and is no gate."""

    gates: frozenset[Gate] = frozenset()
    deny: frozenset[str] = frozenset()
    """Ids and aliases that always fail, in lower case; `*`, `?` and `[…]` as in file names."""

    @property
    def has_gate(self) -> bool:
        """Whether anything can be stopped: this implies waiting for the findings."""
        return bool(self.gates or self.deny)

    @property
    def gated_kinds(self) -> frozenset[Kind]:
        """The kinds whose list must be known whole; with a deny-list all of them, as an id may be in any."""
        return frozenset(Kind) if self.deny else frozenset(gate.kind for gate in self.gates)

    @property
    def fail_on(self) -> Mapping[Kind, Severity | None]:
        """The lowest severity that fails, for each kind; None where nothing does."""
        return self._lowest(Effect.FAIL)

    @property
    def warn_on(self) -> Mapping[Kind, Severity | None]:
        """The lowest severity that warns, for each kind; None where nothing does."""
        return self._lowest(Effect.WARN)

    @property
    def fixable_only(self) -> bool:
        """Whether every gate lets findings without a fix through; the deny-list never does."""
        return bool(self.gates) and all(gate.fixable_only for gate in self.gates)

    def denies(self, finding: Finding) -> bool:
        """Whether the deny-list names this finding by its id or an alias."""
        matches = _pattern(self.deny).match
        return any(matches(name.lower()) for name in (finding.id, *finding.aliases))

    def effect_on(self, finding: Finding) -> Effect | None:
        """What this finding does to its image; None: nothing."""
        if self.denies(finding):
            return Effect.FAIL
        effects = {gate.effect for gate in self.gates if gate.stops(finding)}
        return Effect.FAIL if Effect.FAIL in effects else next(iter(effects), None)

    def _lowest(self, effect: Effect) -> Mapping[Kind, Severity | None]:
        order = list(_LEVELS.values())
        found: dict[Kind, Severity | None] = dict.fromkeys(Kind)
        for gate in self.gates:
            if gate.effect is effect:
                found[gate.kind] = max(found[gate.kind] or gate.severity, gate.severity, key=order.index)
        return found


@dataclass(frozen=True, slots=True)
class Judged:
    """The findings that count, in the order in which they came; one that fails is not among the warnings."""

    failing: tuple[Finding, ...]
    warning: tuple[Finding, ...]


def judge_findings(findings: Collection[Finding], policy: Policy) -> Judged:
    """What the policy says of these findings."""
    effects = [(finding, policy.effect_on(finding)) for finding in findings]
    return Judged(
        failing=tuple(finding for finding, effect in effects if effect is Effect.FAIL),
        warning=tuple(finding for finding, effect in effects if effect is Effect.WARN),
    )


def stricter(one: Policy, other: Policy) -> Policy:
    """The policy that stops whatever one of the two stops."""
    return Policy(one.gates | other.gates, one.deny | other.deny)


def gates_never_met(policy: Policy) -> tuple[str, ...]:
    """One warning about kinds gated at `critical` alone although the service never rates them so, or nothing."""
    kinds = [
        kind.value
        for kind in Kind
        if kind not in _KNOWS_CRITICAL and Severity.CRITICAL in (policy.fail_on[kind], policy.warn_on[kind])
    ]
    if not kinds:
        return ()
    names = ", ".join(kinds)
    return (f"a gate at critical never stops {names}: the service rates these high at most; gate them at high.",)


def policy_from(
    table: Mapping[str, Any],
    fail_on: str | None = None,
    warn_on: str | None = None,
    fixable_only: bool | None = None,  # noqa: FBT001  the three options as they are named
    *,
    shown: str = "[policy]",
) -> Policy:
    """The policy of a `[policy]` table and of the options that were given beside it.

    In the table a kind's own section wins over the general keys. An option that is not None wins over the table, for
    all kinds; `none` is a level and turns a gate off. For a table that is not trusted, make two policies and take the
    `stricter`. `shown` names the table in errors. Raises `ConfigurationError` (2) with a suggestion.
    """
    options = {Effect.FAIL: fail_on, Effect.WARN: warn_on, _FIXABLE_ONLY: fixable_only}
    given = _settings({key: value for key, value in options.items() if value is not None}, "the options", ())
    general = _settings(table, shown, (_DENY, *Kind))
    gates = set()
    for kind in Kind:
        said = {**general, **_settings(table.get(kind, {}), f"{shown} {kind}", ()), **given}
        only_fixable = said.get(_FIXABLE_ONLY) is True
        for effect in Effect:
            severity = said.get(effect)
            if isinstance(severity, Severity):
                gates.add(Gate(kind, effect, severity, only_fixable))
    return Policy(frozenset(gates), _deny(table.get(_DENY, []), shown))


def _settings(table: Any, where: str, beside: Iterable[str]) -> dict[str, Severity | bool | None]:
    """The thresholds of one section, each checked; `beside` are the other keys that may stand there."""
    if not isinstance(table, Mapping):
        raise _refused(f"{where}: must be a table.")
    known = [*map(str, (*_SETTINGS, *beside))]
    for key in table:
        if key not in known:
            raise _refused(f"{where}: unknown key {key[:60]!r}{hint(key.lower(), known)}")
    found: dict[str, Severity | bool | None] = {}
    for effect in Effect:
        if effect in table:
            found[effect] = _level(table[effect], f"{where}: {effect.value}")
    if _FIXABLE_ONLY in table:
        if not isinstance(table[_FIXABLE_ONLY], bool):
            raise _refused(f"{where}: {_FIXABLE_ONLY} must be true or false.")
        found[_FIXABLE_ONLY] = table[_FIXABLE_ONLY]
    return found


def _level(value: Any, where: str) -> Severity | None:
    if not isinstance(value, str) or value not in _LEVELS:
        said = str(value)[:60]
        raise _refused(f"{where} must be one of {', '.join(_LEVELS)}, not {said!r}{hint(said.lower(), _LEVELS)}")
    return _LEVELS[value]


def _deny(value: Any, shown: str) -> frozenset[str]:
    names = [name.strip().lower() for name in value if isinstance(name, str)] if isinstance(value, list) else []
    if len(names) != len(value) or not all(0 < len(name) <= _LONGEST_ID for name in names):
        raise _refused(f"{shown}: {_DENY} must be a list of ids, each of 1 to {_LONGEST_ID} characters.")
    return frozenset(names)


def _refused(message: str) -> ConfigurationError:
    return ConfigurationError(
        message,
        remedy=f"A section may hold {', '.join(_SETTINGS)}; [policy] also {_DENY} and a section for each of "
        f"{', '.join(Kind)}.",
    )


@lru_cache(maxsize=8)
def _pattern(globs: frozenset[str]) -> re.Pattern[str]:
    """One pattern for all of them: a list of many ids meets thousands of findings."""
    return re.compile("|".join(fnmatch.translate(glob) for glob in sorted(globs)) or "(?!)")
