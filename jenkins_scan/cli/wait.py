"""`jenkins-scan wait`: takes up the tasks of an earlier run, on this agent or another one."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jenkins_scan.cli.app import App
from jenkins_scan.cli.completion import files, option_completion
from jenkins_scan.config.options import options_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from jenkins_scan.config.settings import RunSettings, ServiceSettings


@click.command("wait")
@click.argument("result", metavar="RESULT_JSON", shell_complete=files)
@options_of("wait", option_completion)
@click.pass_context
def command(context: click.Context, /, **values: Any) -> int:
    """Wait for the tasks that an earlier run opened, and judge what was found, as `scan` would have done.

    RESULT_JSON is the result.json of that run. Only the ids of its tasks and the identities of its images are read;
    endpoint, region and credentials come from options and the environment, and its verdict counts for nothing.
    Without a gate it is --fail-on high.

    \b
    jenkins-scan scan "$IMAGE" --region cn-hangzhou --no-wait
    jenkins-scan wait scan-report/result.json --region cn-hangzhou --fail-on high
    """  # noqa: D301  click reads the \\b as "do not rewrap"
    from jenkins_scan.cli.gate import in_a_forks_workspace, judging_of, kept
    from jenkins_scan.cli.reported import reported, take_old_reports_away
    from jenkins_scan.cli.service import open_service
    from jenkins_scan.config.settings import wait_settings
    from jenkins_scan.errors import ConfigurationError
    from jenkins_scan.report.earlier import read_earlier
    from jenkins_scan.step.record import Run
    from jenkins_scan.step.stand_in import LIMITS

    app = App.of(context)
    path = Path(values["result"])
    keep = [path, *kept(values)]
    try:  # before the report folder is made ready: the file may be in it
        earlier = read_earlier(path)
        # The tasks are there before anything is looked at: whatever is wrong with this run, they are not lost.
        opened = Run(started_at=app.clock.now(), images=earlier.images(), endpoint=earlier.result.service.endpoint)
    except BaseException:
        take_old_reports_away(values, keep)
        raise

    def perform(run: Run, note: "Callable[[RunSettings], None]") -> None:
        from jenkins_scan.step.resume import resume

        app.check_configuration()
        judging, warnings = judging_of(app, context, {**values, "wait": True})
        run.warnings += warnings
        settings = wait_settings(values, judging, **app.service_arguments(context))
        if in_a_forks_workspace(app, values["result"]):
            raise ConfigurationError(
                f"{earlier.shown} lies in the workspace of a fork's build, whose author may have written it.",
                remedy='Keep it elsewhere: scan with --report-dir "$WORKSPACE_TMP/scan-report", and name that file.',
            )
        earlier.require(settings.service)
        _require_memory(settings.service)
        note(settings)
        run.warnings += earlier.doubts(app.build)
        if settings.service.endpoint is None and settings.service.scenario is None:
            run.warnings.append(LIMITS)
        earlier.mark(run.images)
        with open_service(app, settings.service, with_token=False) as center:
            resume(run, settings, center=center, clock=app.clock, voice=app.terminal)

    return reported(app, values, perform, keep=keep, earlier=opened)


def _require_memory(service: "ServiceSettings") -> None:
    """Raises `ConfigurationError` (2) for a sandbox in this process that cannot know a task of another one."""
    from jenkins_scan.errors import ConfigurationError

    if service.endpoint is None and not (service.state and Path(service.state).exists()):
        forgot = "without --state" if not service.state else f"there is no {service.state[:200]!a}, and without it"
        raise ConfigurationError(
            f"{forgot} this sandbox knows no task of an earlier run: it would be waited for in vain.",
            remedy="Give both runs the same file: --state FILE. The tasks of a sandbox that had none are lost.",
        )
