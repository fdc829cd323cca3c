"""What an option is: flag, variable, key of the configuration file, default, help, and who may set it."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Self, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option of one or more commands."""

    name: str
    """The long flag without its dashes, which is also the key in `.jenkins-scan.toml`."""
    help: str
    commands: tuple[str, ...]
    type: click.ParamType[Any] | None = None
    default: Any = None
    metavar: str | None = None
    short: str | None = None
    repeatable: bool = False
    switch: bool = False
    negatable: bool = False
    """Whether `--no-NAME` says the opposite; then neither is the default."""
    in_found_file: bool = False
    """Whether a `.jenkins-scan.toml` found in the workspace may set it: a workspace is not trusted."""
    help_for: tuple[tuple[str, str], ...] = ()
    """Commands to which it means something else, each with its own help."""

    def of(self, command: str) -> Self:
        """This option with the help that this command shows."""
        return replace(self, help=dict(self.help_for).get(command, self.help))

    @property
    def flags(self) -> str:
        """The flags with their value, as the docs show them."""
        if self.negatable:
            return f"--{self.name} / --no-{self.name}"
        value = "" if self.switch else f" {self.metavar or self._choices() or 'TEXT'}"
        return (f"{self.short}, " if self.short else "") + f"--{self.name}{value}"

    @property
    def parameter(self) -> str:
        """The name of the Python parameter."""
        return self.name.replace("-", "_")

    @property
    def variable(self) -> str:
        """The environment variable."""
        return f"JENKINS_SCAN_{self.parameter.upper()}"

    @property
    def default_text(self) -> str:
        """The default as the docs show it; empty when there is none."""
        return "" if self.default in (None, False, ()) else str(self.default)

    def _choices(self) -> str:
        return "|".join(self.type.choices) if isinstance(self.type, click.Choice) else ""

    def decorate(self, command: Command, completion: Callable[..., Any] | None = None) -> Command:
        """The command with this option; `completion` is what click asks for the values that a shell offers."""
        long = f"--{self.name}/--no-{self.name}" if self.negatable else f"--{self.name}"
        decls = [*([self.short] if self.short else []), long, self.parameter]
        return click.option(
            *decls,
            type=self.type,
            default=self.default,
            show_default=bool(self.default_text),
            metavar=self.metavar,
            multiple=self.repeatable,
            is_flag=self.switch or self.negatable,
            envvar=self.variable,
            help=self.help,
            shell_complete=completion,
        )(command)


class Duration(click.ParamType[float]):
    """A time span such as `90s`, `15m` or `1h30m`; a bare number is seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Seconds."""
        if isinstance(value, int | float):
            return float(value)
        match = _DURATION.fullmatch(value.strip().lower())
        if match is None or not match[0]:
            self.fail(f"{value[:40]!r} is no time span; write it like 90s, 15m or 1h30m.", param, ctx)
        hours, minutes, seconds = (float(part or 0) for part in match.groups())
        total = hours * 3600 + minutes * 60 + seconds
        if not 1 <= total <= LONGEST_TIMEOUT:
            self.fail(f"{value[:40]!r} is not between 1s and 24h.", param, ctx)
        return total


_DURATION = re.compile(r"(?:(\d{1,5})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s?)?")
LONGEST_TIMEOUT = 24 * 3600.0
