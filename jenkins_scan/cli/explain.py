"""`jenkins-scan explain`: an exit code, a reason, a code of the service or a local check, with causes and remedies."""

import click

from jenkins_scan.cli.app import App
from jenkins_scan.cli.completion import explained

WIDTH = 100


@click.command(
    "explain",
    context_settings={"ignore_unknown_options": True},  # -1 is an exit code
)
@click.argument("code", shell_complete=explained)
@click.pass_context
def command(context: click.Context, code: str) -> int:
    """Explain CODE: an exit code, a reason, an error code of Security Center, or the id of a local finding.

    For each it says what happened, how that comes about, and what to do.

    \b
    jenkins-scan explain 16
    jenkins-scan explain BeyondQuata
    jenkins-scan explain local/private-key
    """  # noqa: D301  click reads the \\b as "do not rewrap"
    from jenkins_scan.explanations import explain

    app = App.of(context)
    for number, explanation in enumerate(explain(code)):
        lines = [*([""] if number else []), explanation.title]
        for cause in explanation.causes:
            lines += ["", *_wrapped(f"{cause.name}: {cause.what}", "  "), *_wrapped(cause.remedy, "    ", "  -> ")]
        app.terminal.report("\n".join(lines) + "\n")
    return 0


def _wrapped(text: str, indent: str, first: str | None = None) -> list[str]:
    import textwrap

    begin = indent if first is None else f"  {first}"
    return textwrap.wrap(text, WIDTH, initial_indent=begin, subsequent_indent=" " * len(begin), break_on_hyphens=False)
