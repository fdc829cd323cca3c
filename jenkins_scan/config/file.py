"""The configuration file: `--config FILE`, else `.jenkins-scan.toml` in the working folder.

A file that was found is not trusted: in a pull request it is the author's. It may set the few options of the table
that say so, may write below the working folder alone, and is not read at all in the build of a fork.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from jenkins_scan.config.option import Duration, Option
from jenkins_scan.config.options import GLOBAL_OPTIONS, OPTIONS
from jenkins_scan.errors import ConfigurationError
from jenkins_scan.spelling import hint

FOUND_NAME = ".jenkins-scan.toml"
LARGEST_FILE = 256 * 1024
IMAGE = Option(
    name="image",
    commands=("scan", "inspect", "check"),
    repeatable=True,
    in_found_file=True,
    help="The image of this checkout, or a list of images.",
)
POLICY = Option(
    name="policy",
    commands=("scan",),
    in_found_file=True,
    help="Gates for each kind of finding, and a deny-list.",
)
KEYS: Mapping[str, Option] = {
    option.name: option for option in reversed((IMAGE, POLICY, *OPTIONS, *GLOBAL_OPTIONS)) if option.name != "config"
}
"""By name; of two options of one name, for two commands, it is the first one of the table."""


@dataclass(frozen=True, slots=True)
class FileSettings:
    """What a configuration file says, by parameter name."""

    path: Path | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    found: bool = False
    """Whether it was found in the workspace, and not named by `--config`."""

    def of(self, command: str) -> Mapping[str, Any]:
        """The values that are options of this command."""
        mine = {option.parameter for option in KEYS.values() if command in option.commands}
        return {name: value for name, value in self.values.items() if name in mine}


def read_file(named: str | None, *, folder: Path, from_fork: bool) -> FileSettings:
    """The settings of the file named by `--config`, else found in `folder`. Raises `ConfigurationError` (2)."""
    if named is not None:
        return FileSettings(Path(named), _checked(_load(Path(named), named), named, found=False, folder=folder))
    path = folder / FOUND_NAME
    if not path.is_symlink() and not path.exists():
        return FileSettings()
    if from_fork:
        return FileSettings(
            path, {}, (f"{FOUND_NAME} is ignored: this build is of a fork, whose author may have written it.",)
        )
    return FileSettings(path, _checked(_load(path, FOUND_NAME), FOUND_NAME, found=True, folder=folder), found=True)


def _load(path: Path, shown: str) -> dict[str, Any]:
    import tomllib  # most runs have no file

    try:
        if not path.is_file():
            raise ConfigurationError(
                f"{shown}: no such file, or not a regular one.", remedy="Name a TOML file with --config."
            )
        with path.open("rb") as file:
            text = file.read(LARGEST_FILE + 1)
        if len(text) > LARGEST_FILE:
            raise ConfigurationError(f"{shown}: larger than 256 KiB.", remedy="Name the right file with --config.")
        return tomllib.loads(text.decode("utf-8-sig"))
    except OSError as exc:
        raise ConfigurationError(f"{shown}: cannot be read: {exc.strerror}.", remedy="Check its permissions.") from exc
    except (ValueError, RecursionError) as exc:
        what = "it is nested too deeply" if isinstance(exc, RecursionError) else str(exc)
        raise ConfigurationError(f"{shown}: not TOML: {what}.", remedy="Mend the file at the place named.") from exc


def _checked(content: Mapping[str, Any], shown: str, *, found: bool, folder: Path) -> dict[str, Any]:
    values = {}
    for key, value in content.items():
        option = KEYS.get(key)
        if option is None:
            raise ConfigurationError(
                f"{shown}: unknown key {key[:60]!r}{hint(key, KEYS)}",
                remedy="docs/configuration.md lists the keys.",
            )
        if found and not option.in_found_file:
            raise ConfigurationError(
                f"{shown}: {key!r} may not be set by a file found in the workspace, which is not trusted.",
                remedy=f"Use --{key} or {option.variable}, or --config {FOUND_NAME} if you trust the file.",
            )
        values[option.parameter] = _value(option, value, shown)
        if found:
            _stay_below(folder, option, values[option.parameter], shown)
    return values


def _value(option: Option, value: Any, shown: str) -> Any:
    if option.repeatable and isinstance(value, str):
        value = [value]
    expected: tuple[str, bool]
    if option.repeatable:
        expected = (
            "a text or a list of texts",
            isinstance(value, list) and all(isinstance(item, str) for item in value),
        )
    elif option is POLICY:
        expected = ("a table", isinstance(value, dict))
    elif option.switch or option.negatable:
        expected = ("true or false", isinstance(value, bool))
    elif isinstance(option.type, click.IntRange):
        expected = ("a whole number", isinstance(value, int) and not isinstance(value, bool))
    elif isinstance(option.type, Duration):
        expected = ("a time span such as '15m'", isinstance(value, str))
    elif isinstance(option.type, click.FloatRange):
        expected = ("a number", isinstance(value, int | float) and not isinstance(value, bool))
    elif isinstance(option.type, click.Choice):
        expected = (f"one of {', '.join(map(repr, option.type.choices))}", value in option.type.choices)
    else:
        expected = ("a text", isinstance(value, str))
    if not expected[1]:
        raise ConfigurationError(
            f"{shown}: {option.name!r} must be {expected[0]}.", remedy="docs/configuration.md shows the types."
        )
    return value


def _stay_below(folder: Path, option: Option, value: Any, shown: str) -> None:
    """Refuses a path outside the working folder: a pull request must not choose where files are replaced."""
    paths = [value] if option.name == "report-dir" else []
    if option.name == "output":
        paths = [text.partition("=")[2] for text in value if "=" in text]
    for path in paths:
        try:
            target = (folder / path).resolve()
            # What is still a link after that turns in a circle, and nobody knows where it will lead.
            turning = any(part.is_symlink() for part in (target, *target.parents))
            inside = target.is_relative_to(folder.resolve()) and not turning
        except (OSError, ValueError, RuntimeError):
            inside = False
        if not inside:
            raise ConfigurationError(
                f"{shown}: {option.name!r} points outside the working folder.",
                remedy=f"Choose such a place with --{option.name} instead.",
            )
