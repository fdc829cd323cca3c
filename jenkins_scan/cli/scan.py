"""`jenkins-scan scan`: the whole step for one image or many."""

from typing import TYPE_CHECKING, Any

import click

from jenkins_scan.cli.app import App
from jenkins_scan.cli.completion import images, option_completion
from jenkins_scan.config.options import options_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from jenkins_scan.config.settings import ScanSettings
    from jenkins_scan.step.record import Run


@click.command("scan")
@click.argument("image", nargs=-1, shell_complete=images)
@options_of("scan", option_completion)
@click.pass_context
def command(context: click.Context, /, **values: Any) -> int:
    """Identify each IMAGE by its bytes, judge the quota, have Security Center scan it, and judge what was found.

    IMAGE is a name on the Docker or podman engine of this agent, such as registry.example.com:5000/team/app:1; an
    archive or layout: docker-archive://PATH, oci-archive://PATH, oci-dir://PATH; or a pushed image: registry://NAME.
    docker://NAME and podman://NAME ask that engine alone. Nothing is pulled or uploaded.

    With a gate (--fail-on, --warn-on, [policy]) it waits for the scan and judges its findings. Without one it ends
    SUBMITTED: the image has then not been judged.

    \b
    jenkins-scan scan "$IMAGE" --region cn-hangzhou --fail-on high
    jenkins-scan scan app:1 worker:1 --endpoint sandbox
    """  # noqa: D301  click reads the \\b as "do not rewrap"
    from jenkins_scan.cli.gate import judging_of, kept
    from jenkins_scan.cli.images import images_of
    from jenkins_scan.cli.reported import reported
    from jenkins_scan.config.settings import scan_settings
    from jenkins_scan.images.reference import as_label
    from jenkins_scan.step.record import ImageRun

    app = App.of(context)

    def perform(run: "Run", note: "Callable[[ScanSettings], None]") -> None:
        run.images = [ImageRun(as_label(text)) for text in values["image"]] or run.images
        app.check_configuration()
        names = images_of(app, context, values)
        run.images = [ImageRun(as_label(text)) for text in names]
        judging, warnings = judging_of(app, context, values)
        run.warnings += warnings
        settings = scan_settings(values, names, judging, **app.service_arguments(context))
        note(settings)
        _perform(app, settings, run, values)

    return reported(app, values, perform, keep=kept(values))


def _perform(app: App, settings: "ScanSettings", run: "Run", values: dict[str, Any]) -> None:
    from jenkins_scan.cli.images import places_of
    from jenkins_scan.cli.service import open_service
    from jenkins_scan.errors import UsageError
    from jenkins_scan.images.engine.kept import KeptConnections
    from jenkins_scan.images.resolve import image_source
    from jenkins_scan.step.scan import scan
    from jenkins_scan.step.stand_in import LIMITS, StandIn

    connections = KeptConnections(app.clock)
    places, sources = places_of(app, values, settings.images, connections), []
    for image, text in zip(run.images, settings.images, strict=True):
        try:
            sources.append(image_source(text, places))
        except UsageError as error:  # the others are looked at too: all that is to mend comes at once
            image.error = error
    if run.ends_as_a_whole():
        return
    stand_in = StandIn() if _is_looked_into(settings) else None
    run.warnings += [] if stand_in is None else [LIMITS]
    with connections, open_service(app, settings.service, with_token=True, stand_in=stand_in) as center:
        scan(run, settings, sources=sources, center=center, clock=app.clock, voice=app.terminal, stand_in=stand_in)


def _is_looked_into(settings: "ScanSettings") -> bool:
    """Whether the sandbox has no scenario to go by, and somebody will read what it finds."""
    service = settings.service
    read = settings.judging is not None or service.state is not None
    return service.endpoint is None and service.scenario is None and read
