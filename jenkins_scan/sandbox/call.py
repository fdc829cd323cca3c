"""One call of an operation, and a row of the table of operations."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from jenkins_scan.findings import Finding
from jenkins_scan.sandbox import TOKEN
from jenkins_scan.sandbox.conditions import Conditions
from jenkins_scan.sandbox.images import Image
from jenkins_scan.sandbox.messages import Refused
from jenkins_scan.sandbox.state import State

FindingsOf = Callable[[Image], tuple[Finding, ...]]
"""Looks into an image that is submitted: for build risks and sensitive files."""


class RegistryUnreadable(Exception):
    """A real registry that gave no usable answer; the text says which and why."""


class Registry(Protocol):
    """A real registry whose images the account has."""

    def images(self, digests: frozenset[str]) -> tuple[Image, ...]:
        """What each of its tags names, and those images among `digests`, 64 hex digits, that have no tag.

        Raises `RegistryUnreadable`.
        """


@dataclass(frozen=True)
class Call:
    """One authentic, permitted call: its parameters and the account it works on. `now` is true Unix seconds."""

    action: str
    query: Mapping[str, str]
    form: Mapping[str, str] = field(repr=False)
    state: State
    conditions: Conditions
    now: float
    registry: Registry | None = None
    findings_of: FindingsOf | None = None
    """None: what the scenario says is found, and nothing else."""
    token: str = field(default=TOKEN, repr=False)
    """The CI/CD token of the account."""

    def milliseconds(self, seconds: float) -> int:
        """A true time in the unit and on the clock of the server."""
        return int((seconds + self.conditions.clock.skew_seconds) * 1000)

    @cached_property
    def filters(self) -> Mapping[str, tuple[str, ...]]:
        """The values of each parameter that has any, each once: written `a,b`, or as `Name.1`, `Name.2`."""
        found: dict[str, dict[str, None]] = {}
        for key, text in self.query.items():
            if values := [part.strip() for part in text.split(",") if part.strip()]:
                found.setdefault(key.partition(".")[0], {}).update(dict.fromkeys(values))
        return {name: tuple(values) for name, values in found.items()}

    def values(self, name: str) -> tuple[str, ...]:
        """The values of a filter, none if there is no such one."""
        return self.filters.get(name, ())

    def allows(self, name: str, value: object) -> bool:
        """Whether a filter of this name, if there is one, lets a row with this value through."""
        return name not in self.filters or str(value) in self.filters[name]

    def number(self, name: str, default: int) -> int:
        """A whole number of at least 1. Raises `Refused`; that it is `Invalid<Name>` is a choice of the sandbox."""
        text = self.query.get(name) or str(default)
        if not (text.isascii() and text.isdecimal() and len(text) <= 15 and int(text) >= 1):
            raise Refused(400, f"Invalid{name}", f"Specified {name} is not valid: a number from 1 on is expected.")
        return int(text)

    def flag(self, name: str) -> bool:
        """A boolean, false by default; the official SDK writes `True`."""
        return self.query.get(name, "").lower() == "true"

    def said(self, text: str) -> str:
        """A text in the language of the call: Chinese unless `Lang` is `en`."""
        return text if self.query.get("Lang") == "en" else f"沙箱示例：{text}"  # noqa: RUF001  Chinese punctuation


@dataclass(frozen=True, slots=True)
class Operation:
    """A row of the table. `run` returns the reply without its RequestId, or raises `Refused`."""

    run: Callable[[Call], dict[str, Any]]
    needs_purchase: bool = False
    """Whether it answers 400 `NoPermission` when the service was not bought: it does where its page lists that.

    For the operations on registries, whose pages know 403 alone, that is a choice of the sandbox.
    """
    required_query: tuple[str, ...] = ()
    required_form: tuple[str, ...] = ()

    def check_parameters(self, query: Mapping[str, str], form: Mapping[str, str]) -> None:
        """Raises `Refused` for the first required parameter that is missing, empty or in the wrong place."""
        for names, given, place in ((self.required_query, query, "query"), (self.required_form, form, "form")):
            for name in names:
                if not given.get(name):
                    raise Refused(400, f"Missing{name}", f"{name} is mandatory for this action (in the {place}).")
