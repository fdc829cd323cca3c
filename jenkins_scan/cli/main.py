"""The entry: arguments in, exit code out. The only place that turns exceptions into exit codes."""

import contextlib
import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import unquote

import click
from click.core import ParameterSource

from jenkins_scan import __version__
from jenkins_scan.cli.app import App
from jenkins_scan.cli.completion import files
from jenkins_scan.cli.signals import Interruptions
from jenkins_scan.cli.terminal import Terminal
from jenkins_scan.clock import Clock, SystemClock
from jenkins_scan.config.file import FileSettings, read_file
from jenkins_scan.config.options import GLOBAL_OPTIONS, JUDGED
from jenkins_scan.config.origin import Origin, origin_of
from jenkins_scan.errors import ConfigurationError, InternalError, Interrupted, Reason, ScanError
from jenkins_scan.jenkins.variables import API_TOKEN
from jenkins_scan.report.outputs import remove_reports
from jenkins_scan.security_center.variables import PROXY_VARIABLES, SECRET_VARIABLES
from jenkins_scan.spelling import nearest

VERBS: Final[Mapping[str, str]] = {
    "scan": "Identify images, have them scanned, judge what was found.",
    "scan-registry": "Have pushed images scanned in their registry, and judge them.",
    "wait": "Take up the tasks of an earlier run, and judge them.",
    "check": "Look into images of this machine before a push; no task, no quota.",
    "inspect": "Show an image's identity; asks no cloud.",
    "quota": "Show the image-scan quota: capacity, used, remaining.",
    "doctor": "Look at everything that a scan needs, and say what to mend.",
    "config": "Show the settings in effect, and where each came from.",
    "explain": "Explain an exit code, a reason, an error code or a local check.",
    "sandbox": "The embedded stand-in for Security Center.",
}
"""Each with its line in the list of commands: a list needs no verb to be imported."""
COLOR, CONFIG = GLOBAL_OPTIONS
BEFORE_THE_VERB = ("-v", "-q", "-vv", "--verbose", "--quiet", *(f"--{option.name}" for option in GLOBAL_OPTIONS))
EXIT_CODES = "\n".join(
    f"  {'/'.join(map(str, reason.codes)):<11}  {reason.slug:<11}  {reason.meaning}" for reason in Reason
)
EPILOG = f"""\b
Exit codes:
  0                         PASS; SUBMITTED: a task was opened; CHECKED: local check only (the last line says which)
{EXIT_CODES.replace("`", "")}

\b
Secrets come from the environment or from files alone: ALIBABA_CLOUD_ACCESS_KEY_ID,
ALIBABA_CLOUD_ACCESS_KEY_SECRET, ALIBABA_CLOUD_SECURITY_TOKEN, JENKINS_SCAN_TOKEN,
each also as NAME_FILE. Every option is also a variable: JENKINS_SCAN_MIN_QUOTA=5.
"""


class Verbs(click.Group):
    """The verbs, each imported when it is named."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        """The verbs in the order in which they are met."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  click's signature
        """The verb, or None."""
        if cmd_name not in VERBS:
            return None
        command: click.Command = importlib.import_module(f"jenkins_scan.cli.{cmd_name.replace('-', '_')}").command
        command.short_help = VERBS[cmd_name]
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  click's signature
        """The verbs with their lines."""
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The verb named by the arguments, or a suggestion."""
        if args and args[0] not in VERBS:
            near = nearest(args[0], VERBS)
            ctx.fail(
                f"No such command {args[0][:40]!r}."
                + (f" Did you mean {near!r}?" if near else f" There are: {', '.join(VERBS)}.")
            )
        return super().resolve_command(ctx, args)


@click.group(
    cls=Verbs, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, "-V", "--version", message="jenkins-scan %(version)s")
@click.option(
    "-v",
    "--verbose",
    "verbosity",
    count=True,
    help="Say more on stderr: -v the decisions, -vv each request. Never a secret.",
)
@click.option("-q", "--quiet", is_flag=True, help="Say only errors and the verdict.")
@COLOR.decorate
@partial(CONFIG.decorate, completion=files)
@click.pass_context
def cli(context: click.Context, *, verbosity: int, quiet: bool, color: str, config: str | None) -> None:
    """May this freshly built image ship? Asks Alibaba Cloud Security Center and answers by the exit code."""
    app = App.of(context)
    try:
        app.file = read_file(config, folder=Path.cwd(), from_fork=app.build.from_fork)
    except ConfigurationError as refused:
        app.refused = refused
    except OSError as gone:
        raise ConfigurationError(
            f"the working folder cannot be used: {gone.strerror}.", remedy="Start it elsewhere."
        ) from gone
    values = app.file.values
    if origin_of(context, "color") is Origin.DEFAULT and values.get("color") in ("auto", "always", "never"):
        color = values["color"]
    app.terminal.configure(color=color, verbosity=verbosity, quiet=quiet, environ=app.environ)
    for warning in app.file.warnings:
        app.terminal.line(f"warning: {warning}")
    context.default_map = {verb: app.file.of(verb) for verb in VERBS}


def main(arguments: Sequence[str] | None = None, clock: Clock | None = None, *, ends_here: bool = False) -> int:
    """The exit code of one run. Raises nothing.

    `ends_here` means that the process ends with it: then no signal after the verdict gets a say any more.
    """
    environ = dict(os.environ)
    terminal = Terminal()
    for secret in _known_secrets(environ):
        terminal.redact.add(secret)
    try:
        with Interruptions(for_good=ends_here) as interruptions:
            app = App(terminal, environ, interruptions, FileSettings(), clock or SystemClock())
            return _dispatch(arguments, app)
    except Interrupted as stop:
        terminal.line(f"interrupted by {stop.signal.name} before anything was done (exit {stop.exit_code})")
        return stop.exit_code
    finally:
        terminal.close()


def _dispatch(arguments: Sequence[str] | None, app: App) -> int:
    terminal = app.terminal
    try:
        code = cli.main(arguments, prog_name="jenkins-scan", standalone_mode=False, obj=app)
    except click.exceptions.NoArgsIsHelpError as no_verb:
        terminal.text(no_verb.format_message())
        return Reason.USAGE.code
    except click.ClickException as refused:
        _take_old_reports_away(refused, arguments)
        usage = (
            refused.ctx.command_path
            if isinstance(refused, click.UsageError) and refused.ctx is not None
            else "jenkins-scan"
        )
        terminal.line(f"error: {refused.format_message()}{_by_variable(refused, app)}", color="red")
        if isinstance(refused, click.NoSuchOption) and refused.option_name in BEFORE_THE_VERB:
            terminal.line(f"  -> It stands before the command: jenkins-scan {refused.option_name} COMMAND ...")
        terminal.line(f"  -> See `{usage} --help`.")
        return Reason.USAGE.code
    except ScanError as error:
        terminal.error(error)
        return error.exit_code
    except Exception as problem:  # noqa: BLE001  a bug must end with its own code, never as another reason
        terminal.bug(problem)
        terminal.error(InternalError.of(problem))
        return Reason.INTERNAL.code
    return code if isinstance(code, int) else 0


def _by_variable(refused: click.ClickException, app: App) -> str:
    """Which variable holds the value that was refused; empty where a flag does, or nobody knows."""
    context = refused.ctx if isinstance(refused, click.BadParameter) else None
    parameter = refused.param if isinstance(refused, click.BadParameter) else None
    if context is None or parameter is None or not isinstance(parameter.envvar, str):
        return ""
    # click notes where a value comes from before it reads the value.
    named = context.get_parameter_source(parameter.name or "") is ParameterSource.ENVIRONMENT
    return f" It comes from {parameter.envvar}." if named and app.environ.get(parameter.envvar) else ""


def _take_old_reports_away(refused: click.ClickException, arguments: Sequence[str] | None) -> None:
    """A command line that cannot be read ends before its verb begins: no old report may look like this run's."""
    context = refused.ctx if isinstance(refused, click.UsageError) else None
    if context is None or context.info_name not in JUDGED:
        return
    words = list(sys.argv[1:] if arguments is None else arguments)
    with contextlib.suppress(Exception):  # best effort: nothing is known for certain of such a line
        rest = words[words.index(context.info_name) + 1 :]
        asked = context.command.make_context(
            context.info_name, rest, context.parent, resilient_parsing=True, ignore_unknown_options=True
        ).params
        keep = [Path(asked[name]) for name in ("result", "baseline") if asked.get(name)]
        remove_reports(Path(asked["report_dir"]), keep=keep)


def _known_secrets(environ: Mapping[str, str]) -> list[str]:
    """Every secret value of the environment, passwords of proxies included."""
    # The id that belongs to the token of Jenkins is often a common word: it is hidden in runs that use it.
    found = [environ.get(name, "").strip() for name in (*SECRET_VARIABLES, API_TOKEN)]
    for name in PROXY_VARIABLES:
        for value in filter(None, (environ.get(name), environ.get(name.lower()))):
            # httpx takes a proxy without a scheme too; user and password may be percent-encoded.
            user_info = value.rpartition("@")[0].rpartition("//")[2]
            found += [part for each in (user_info, *user_info.split(":", 1)) for part in (each, unquote(each))]
    return found
