"""What goes wrong in the sandbox and what it finds, as data: one model for ready-made scenarios and TOML files."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from jenkins_scan.errors import ConfigurationError
from jenkins_scan.sandbox.conditions import (
    Account,
    Clock,
    Conditions,
    Limit,
    ListedFinding,
    Lists,
    Quota,
    Rate,
    Registry,
    Repository,
    ScenarioPart,
    TagImage,
    TaskCourse,
)
from jenkins_scan.sandbox.operations import OPERATIONS
from jenkins_scan.spelling import nearest

LARGEST_FILE = 1024 * 1024
EVERY = "*"
FRAMING = frozenset({"connection", "content-length", "transfer-encoding"})
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
HEADER_VALUE = re.compile(r"[\x20-\x7e]*")


def suggestion(word: str, known: Iterable[str]) -> str:
    """`, did you mean …?` for the known word that is nearest, else nothing."""
    near = nearest(word, known)
    return f", did you mean {near!r}?" if near else ""


def operation(name: str) -> str:
    """The name, if the sandbox has this operation."""
    if name not in OPERATIONS:
        hint = suggestion(name, OPERATIONS) or f"; known: {', '.join(OPERATIONS)}"
        raise ValueError(f"the sandbox has no operation {name!r}{hint}")
    return name


def alone(value: Any) -> Any:
    """One name stands for the list of it."""
    return [value] if isinstance(value, str) else value


def targets(names: tuple[str, ...]) -> tuple[str, ...]:
    """The names, if a fault can strike each: an operation, or `*` for all of them."""
    return tuple(name if name == EVERY else operation(name) for name in names)


def header_value(text: str) -> str:
    """The text, if it can stand in one header line."""
    if not HEADER_VALUE.fullmatch(text):
        raise ValueError("a header value is one line of printable ASCII")
    return text


def header_name(name: str) -> str:
    """The name, if a reply may carry it without changing where the reply ends."""
    if not HEADER_NAME.fullmatch(name) or name.lower() in FRAMING:
        raise ValueError(f"{name!r} is no header that a scenario can set")
    return name


OperationName = Annotated[str, AfterValidator(operation)]
Targets = Annotated[tuple[str, ...], Field(strict=False, min_length=1), BeforeValidator(alone), AfterValidator(targets)]
HeaderName = Annotated[str, AfterValidator(header_name)]
HeaderValue = Annotated[str, AfterValidator(header_value)]


class Fault(ScenarioPart):
    """One thing that goes wrong. It strikes authentic requests only: the signature is always checked first."""

    operation: Targets
    """One operation or several, or `*`."""
    times: int = Field(default=0, ge=0)
    """How many calls it strikes, counted for each operation; 0: all of them."""
    status: int | None = Field(default=None, ge=200, le=599)
    """Absent: 400 for an error code, 200 for `body` and for `success = false`."""
    code: str | None = None
    message: str = ""
    success: Literal[False] | None = None
    """False: a soft failure, an envelope with `Success` false instead of an error body."""
    body: str | None = None
    """A raw answer, for what is no answer of the service."""
    content_type: HeaderValue = "application/json;charset=utf-8"
    headers: Mapping[HeaderName, HeaderValue] = Field(default_factory=dict)
    after_effect: bool = False
    """The operation runs first; only its answer is lost."""
    drop: bool = False
    """The connection is closed without an answer."""

    @model_validator(mode="after")
    def _one_answer(self) -> Self:
        """Exactly one of a drop, a raw answer, and a code."""
        if [self.drop, self.body is not None, self.code is not None].count(True) != 1:
            raise ValueError("a fault has exactly one of drop = true, body and code")
        if self.success is False and self.code is None:
            raise ValueError("success = false needs a code")
        return self

    def strikes(self, action: str) -> bool:
        """Whether it is for this operation."""
        return action in self.operation or EVERY in self.operation

    @property
    def http_status(self) -> int:
        """The status of the answer."""
        if self.status is not None:
            return self.status
        return 400 if self.code is not None and self.success is None else 200


class Scenario(Conditions):
    """How the sandbox behaves: what operations find, and what goes wrong before they run."""

    name: str
    description: str = ""
    denied: tuple[OperationName, ...] = Field(default=(), strict=False)
    """Operations that RAM denies to every key."""
    fault: tuple[Fault, ...] = Field(default=(), strict=False)
    """Tried in this order; the first that applies strikes."""


PARTS: tuple[type[ScenarioPart], ...] = (
    *(Scenario, Quota, Account, Limit, Rate, Registry, Repository, TagImage, Clock, TaskCourse, Lists, ListedFinding),
    Fault,
)
"""Every table of a scenario file, for the keys there are."""


def read_ready_made() -> Mapping[str, Scenario]:
    """The scenarios of the package's ready_made.toml by name."""
    text = resources.files("jenkins_scan.sandbox").joinpath("ready_made.toml").read_text(encoding="utf-8")
    tables = tomllib.loads(text)
    return MappingProxyType({name: Scenario.model_validate({"name": name, **table}) for name, table in tables.items()})


SCENARIOS: Mapping[str, Scenario] = read_ready_made()
"""The ready-made scenarios by name, in the order of the documentation."""


def load_scenario(name_or_path: str) -> Scenario:
    """The ready-made scenario of this name, or the one in this `.toml` file.

    Raises `ConfigurationError` (2): no such scenario (with the nearest and all names), or a file that cannot be used
    (with the place in it).
    """
    if name_or_path in SCENARIOS:
        return SCENARIOS[name_or_path]
    if not name_or_path.endswith(".toml"):
        raise ConfigurationError(
            f"the sandbox has no scenario {name_or_path!r}{suggestion(name_or_path, SCENARIOS)}",
            remedy=f"Name one of {', '.join(SCENARIOS)}, or a scenario file that ends in .toml.",
        )
    table = read_toml(Path(name_or_path))
    try:
        return Scenario.model_validate({"name": Path(name_or_path).stem, **table})
    except ValidationError as exc:
        problems = "; ".join(explained(error) for error in exc.errors(include_url=False, include_context=False))
        raise unusable(name_or_path, problems) from exc


def read_toml(path: Path) -> dict[str, Any]:
    """The content of a scenario file. Raises `ConfigurationError` (2) with line and column."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except (OSError, ValueError) as exc:
        raise unusable(str(path), f"it cannot be read: {getattr(exc, 'strerror', None) or exc}") from exc
    if len(content) > LARGEST_FILE:
        raise unusable(str(path), f"it is larger than {LARGEST_FILE} bytes")
    try:
        return tomllib.loads(content.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as exc:
        last_line = content.count(b"\n") + 1
        where = str(exc).replace("at end of document", f"at the end, line {last_line}")
        raise unusable(str(path), f"it is not TOML: {where}") from exc


def explained(error: ErrorDetails) -> str:
    """One problem of a scenario file: the path of the key (`fault.0.status`) and what is wrong with it."""
    path = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        keys = sorted({key for part in PARTS for key in part.model_fields})
        return f"{path}: unknown key{suggestion(str(error['loc'][-1]), keys)}"
    return f"{path}: {error['msg'].removeprefix('Value error, ')}"


def unusable(path: str, why: str) -> ConfigurationError:
    """The error of a scenario file that cannot be used."""
    return ConfigurationError(
        f"scenario file {path!r}: {why}.",
        remedy="Correct the file; docs/sandbox.md describes its format. Nothing was sent.",
    )


def scenario_table() -> str:
    """The ready-made scenarios as a Markdown table, for docs/sandbox.md."""
    rows = [f"| `{scenario.name}` | {scenario.description} |" for scenario in SCENARIOS.values()]
    return "\n".join(["| scenario | what happens |", "|---|---|", *rows])
