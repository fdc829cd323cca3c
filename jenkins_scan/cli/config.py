"""`jenkins-scan config`: the settings a verb would run with, and where each came from. Secrets stay hidden."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from jenkins_scan.cli.app import App
from jenkins_scan.config.options import OPTIONS

if TYPE_CHECKING:
    from jenkins_scan.config.option import Option

NEEDED = {"wait": "RESULT_JSON"}
"""What stands for an argument that a verb cannot do without, and that is no setting."""


@click.command(
    "config",
    short_help="Show the settings in effect, and where each came from.",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table", help="Form of the report.")
@click.argument("command_line", nargs=-1, type=click.UNPROCESSED, metavar="[COMMAND [OPTIONS]...]")
@click.pass_context
def command(context: click.Context, /, output: str, command_line: Sequence[str]) -> int:
    """Show the settings that COMMAND (scan, unless another is named) would run with, and where each came from.

    A flag wins over a variable, a variable over the configuration file, and that over the default. Nothing is asked
    and nothing is sent. Of secrets it says whether they are there, never what they are.

    \b
    jenkins-scan config
    jenkins-scan config -o json scan-registry --region cn-hangzhou
    """  # noqa: D301  click reads the \\b as "do not rewrap"
    import json

    from jenkins_scan.cli.main import cli
    from jenkins_scan.redaction import redacted
    from jenkins_scan.report.table import tabulate

    app = App.of(context)
    verb, *arguments = command_line if command_line and not command_line[0].startswith("-") else ("scan", *command_line)
    name, found, _ = cli.resolve_command(context, [verb])
    if found is None or name is None:
        raise context.fail(f"no such command: {verb[:40]!r}")
    asked = found.make_context(name, [*arguments, *_needed(name)], parent=context.parent)
    shown = {
        "command": name,
        "file": None if app.file.path is None else str(app.file.path),
        "settings": {setting["name"]: setting for setting in _settings(app, asked, name)},
        "secrets": dict(_secrets(app.environ)),
    }
    clean: dict[str, Any] = redacted(shown, app.terminal.redact)
    app.terminal.report(json.dumps(clean, indent=2) + "\n" if output == "json" else tabulate(_rows(clean)))
    app.check_configuration()
    return 0


def _needed(verb: str) -> list[str]:
    return [NEEDED[verb]] if verb in NEEDED else []


def _settings(app: App, context: click.Context, verb: str) -> Iterator[dict[str, Any]]:
    from jenkins_scan.config.settings import Origin, origin_of

    for option in (option for option in OPTIONS if verb in option.commands):
        origin = origin_of(context, option.parameter)
        names = {Origin.ENVIRONMENT: option.variable, Origin.FILE: str(app.file.path), Origin.FLAG: f"--{option.name}"}
        yield {
            "name": option.name,
            "value": _value(context.params[option.parameter], option),
            "from": origin.value,
            "named": names.get(origin),
        }


def _value(value: Any, option: "Option") -> Any:
    return list(value) if option.repeatable else value


def _secrets(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    from jenkins_scan.security_center.variables import SECRET_VARIABLES

    for name in SECRET_VARIABLES:
        if environ.get(name, "").strip():
            yield name, "set"
        elif environ.get(f"{name}_FILE"):
            yield name, f"in the file that {name}_FILE names"
        else:
            yield name, "not set"


def _rows(shown: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "command", shown["command"]
    yield "configuration file", shown["file"] or "none"
    for setting in shown["settings"].values():
        value = setting["value"]
        text = "not set" if value is None or value == [] else value if isinstance(value, str) else str(value)
        yield setting["name"], f"{text} ({setting['named'] or setting['from']})"
    yield from shown["secrets"].items()
