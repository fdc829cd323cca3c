"""`jenkins-scan config`: the settings a verb would run with, and where each came from. Secrets stay hidden."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from jenkins_scan.cli.app import App
from jenkins_scan.cli.completion import asked_about
from jenkins_scan.config.file import FOUND_NAME
from jenkins_scan.config.option import Duration
from jenkins_scan.config.options import ALL, GATED, OPTIONS
from jenkins_scan.spelling import nearest

if TYPE_CHECKING:
    from jenkins_scan.config.option import Option

NEEDED = {"wait": "RESULT_JSON"}
"""What stands for an argument that a verb cannot do without, and that is no setting."""
_USER = re.compile(r"//[^/\s]*@")
_QUERY = re.compile(r"(://[^?\s]*)\?.*")
WITH_SETTINGS = ALL
"""The verbs that can be asked about."""


@click.command(
    "config",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table", help="Form of the report.")
@click.argument(
    "command_line",
    nargs=-1,
    type=click.UNPROCESSED,
    metavar="[COMMAND [OPTIONS]...]",
    shell_complete=asked_about,
)
@click.pass_context
def command(context: click.Context, /, output: str, command_line: Sequence[str]) -> int:
    """Show the settings that COMMAND (scan, unless another is named) would run with, and where each came from.

    A flag wins over a variable, a variable over the configuration file, and that over the default; of two gates the
    stricter one counts. Nothing is asked and nothing is sent. Of secrets it says whether they are there, and no more.
    Where the configuration file is refused no settings are in effect, and it says why.

    \b
    jenkins-scan config
    jenkins-scan config -o json scan-registry --region cn-hangzhou
    """  # noqa: D301  click reads the \\b as "do not rewrap"
    from jenkins_scan.redaction import redacted
    from jenkins_scan.report.table import tabulate

    app = App.of(context)
    asked = _asked(context, command_line)
    name = asked.info_name or ""
    if app.refused is None:
        shown = {
            "command": name,
            "file": None if app.file.path is None else str(app.file.path),
            "refused": None,
            "settings": dict(_settings(app, asked, name)),
            "policy": _policy(app, asked) if name in GATED else None,
            "secrets": dict(_secrets(app.environ)),
        }
    else:
        file = context.find_root().params["config"] or FOUND_NAME
        shown = {"command": name, "file": file, "refused": app.refused.message, "settings": {}, "policy": None}
        shown["secrets"] = dict(_secrets(app.environ))
    clean: dict[str, Any] = redacted(shown, app.terminal.redact)
    app.terminal.report(json.dumps(clean, indent=2) + "\n" if output == "json" else tabulate(_rows(clean)))
    app.check_configuration()
    return 0


def _asked(context: click.Context, command_line: Sequence[str]) -> click.Context:
    """The context of the verb that is asked about, read as it would be, and not run."""
    from jenkins_scan.cli.main import VERBS, cli

    named = bool(command_line) and not command_line[0].startswith("-")
    verb, arguments = (command_line[0], command_line[1:]) if named else ("scan", command_line)
    found = cli.get_command(context, verb) if verb in WITH_SETTINGS else None
    if found is None:
        near = nearest(verb, WITH_SETTINGS)
        raise click.UsageError(
            (f"{verb[:40]!r} has no settings" if verb in VERBS else f"No such command {verb[:40]!r}")
            + (f"; did you mean {near!r}?" if near else f"; name one of {', '.join(WITH_SETTINGS)}."),
            context,
        )
    needed = [NEEDED[verb]] if verb in NEEDED else []
    return found.make_context(verb, [*arguments, *needed], parent=context.parent)


def _settings(app: App, context: click.Context, verb: str) -> Iterator[tuple[str, dict[str, Any]]]:
    from jenkins_scan.config.origin import Origin, origin_of

    if "image" in context.params:
        origin = Origin.DEFAULT if not context.params["image"] else origin_of(context, "image")
        images = context.params["image"]
        shown = [_without_user(text) for text in images] if isinstance(images, tuple) else _without_user(images)
        yield "image", {"value": shown, "from": origin, "named": None}
    for option in (option for option in OPTIONS if verb in option.commands):
        origin = origin_of(context, option.parameter)
        names = {Origin.ENVIRONMENT: option.variable, Origin.FILE: str(app.file.path), Origin.FLAG: f"--{option.name}"}
        value = context.params[option.parameter]
        yield option.name, {"value": _plain(value, option), "from": origin, "named": names.get(origin)}


def _plain(value: Any, option: "Option") -> Any:
    if option.repeatable:
        return [_without_user(text) for text in value]
    return f"{value:g}s" if isinstance(option.type, Duration) else _without_user(value)


def _without_user(value: Any) -> Any:
    """An address without user information and query; anything else as it is."""
    if not isinstance(value, str):
        return value
    return _QUERY.sub(r"\1?****", _USER.sub("//****@", value))


def _policy(app: App, context: click.Context) -> dict[str, Any]:
    """The gates of flags, variables and file together, as a scan applies them."""
    from jenkins_scan.cli.gate import judging_here, policies_of
    from jenkins_scan.gate.policy import stricter

    if context.info_name == "check":
        policy = judging_here(app, context, {**context.params, "waivers": None, "baseline": None})[0].policy
    else:
        policy = stricter(*policies_of(app, context, context.params))
    gates = {
        effect: {kind.value: level for kind, level in levels.items() if level is not None}
        for effect, levels in (("fail_on", policy.fail_on), ("warn_on", policy.warn_on))
    }
    return {**gates, "fixable_only": policy.fixable_only, "deny": sorted(policy.deny)}


def _secrets(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    from jenkins_scan.jenkins.variables import API_TOKEN, USER_ID
    from jenkins_scan.security_center.variables import SECRET_VARIABLES

    for name in (*SECRET_VARIABLES, USER_ID, API_TOKEN):
        if environ.get(name, "").strip():
            yield name, "set"
        elif path := environ.get(f"{name}_FILE"):
            yield name, f"in the file that {name}_FILE names{_problem(path)}"
        else:
            yield name, "not set"


def _problem(path: str) -> str:
    """What is wrong with the file of a secret, to be said behind it; empty when there is something in it."""
    from jenkins_scan.security_center.credentials import file_content

    try:
        return "" if file_content(path).strip() else ", which is empty"
    except (OSError, ValueError) as exc:
        return f", which cannot be read: {getattr(exc, 'strerror', None) or 'not a path'}"


def _rows(shown: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "command", shown["command"]
    if shown["refused"] is not None:
        yield "configuration file", f"{shown['file']}: refused, see below"
        return
    yield "configuration file", shown["file"] or "none"
    for name, setting in shown["settings"].items():
        value = setting["value"]
        text = ", ".join(value) if isinstance(value, list) else "" if value is None else str(value)
        yield name, f"{text or 'not set'} ({setting['named'] or setting['from']})"
    for name, value in (shown["policy"] or {}).items():
        parts = [f"{kind} at {level}" for kind, level in value.items()] if isinstance(value, dict) else value
        yield f"policy {name}", ", ".join(parts) if isinstance(parts, list) and parts else str(parts or "none")
    yield from shown["secrets"].items()
