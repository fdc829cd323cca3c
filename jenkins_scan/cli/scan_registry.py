"""`jenkins-scan scan-registry`: images that were pushed are scanned by the service itself."""

from typing import TYPE_CHECKING, Any

import click

from jenkins_scan.cli.app import App
from jenkins_scan.cli.completion import option_completion
from jenkins_scan.config.options import options_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from jenkins_scan.config.registry_settings import RegistrySettings
    from jenkins_scan.config.settings import RunSettings
    from jenkins_scan.images.interface import ImageSource
    from jenkins_scan.step.record import Run


@click.command("scan-registry")
@click.argument("image", nargs=-1)
@options_of("scan-registry", option_completion)
@click.pass_context
def command(context: click.Context, /, **values: Any) -> int:
    """Have images in an ACR, Harbor or Quay registry scanned that Security Center knows, and judge what was found.

    IMAGE is the name under which an image was pushed, HOST/PATH:TAG: its registry is asked for the digest. Or name
    it by options: --digest, or --tag with --repo-id (or with --repo-namespace and --repo-name). Anything wider is
    refused unless --all-images and --max-images are given: each image may cost quota.

    The number of images and the quota are checked before anything is created. With a gate (--fail-on, --warn-on,
    [policy]) it waits and judges; without one it ends SUBMITTED.

    \b
    jenkins-scan scan-registry team-registry.cn-hangzhou.cr.aliyuncs.com/team/app:1 --region cn-hangzhou --fail-on high
    jenkins-scan scan-registry --registry-type harbor --digest "$DIGEST" --region cn-hangzhou --fail-on high
    """  # noqa: D301  click reads the \\b as "do not rewrap"
    from jenkins_scan.cli.gate import judging_of, kept
    from jenkins_scan.cli.reported import reported
    from jenkins_scan.config.origin import Origin, origin_of
    from jenkins_scan.config.registry_settings import registry_settings
    from jenkins_scan.errors import ConfigurationError
    from jenkins_scan.images.reference import as_label
    from jenkins_scan.step.record import ImageRun

    app = App.of(context)
    names = list(dict.fromkeys(values["image"]))

    def perform(run: "Run", note: "Callable[[RunSettings], None]") -> None:
        run.images = [ImageRun(as_label(text)) for text in names] or run.images
        app.check_configuration()
        if values["all_images"] and origin_of(context, "all_images") is not Origin.FLAG:
            origin = origin_of(context, "all_images")
            raise ConfigurationError(
                f"--all-images comes from the {origin}: only the command line may widen a scan.",
                remedy="Write --all-images there if you mean it; each image costs quota.",
            )
        judging, warnings = judging_of(app, context, values)
        run.warnings += warnings
        settings = registry_settings(values, names, judging, **app.service_arguments(context))
        note(settings)
        _perform(app, settings, run, values)

    return reported(app, values, perform, keep=kept(values))


def _perform(app: App, settings: "RegistrySettings", run: "Run", values: dict[str, Any]) -> None:
    from jenkins_scan.cli.service import open_service
    from jenkins_scan.step.registry import scan_registry

    sources = _sources(app, settings, run, values)
    if run.ends_as_a_whole():
        return
    with open_service(app, settings.service, with_token=False) as center:
        scan_registry(run, settings, sources=sources, center=center, clock=app.clock, voice=app.terminal)


def _sources(app: App, settings: "RegistrySettings", run: "Run", values: dict[str, Any]) -> "list[ImageSource]":
    """The registries of the images that were named; what cannot be meant is noted with its image."""
    from jenkins_scan.errors import UsageError
    from jenkins_scan.images.engine.order import Patience
    from jenkins_scan.images.interface import parse_platform
    from jenkins_scan.images.resolve import Places, image_source

    places = Places(
        environ=app.environ,
        clock=app.clock,
        redact=app.terminal.redact.add,
        patience=Patience(0.0, app.clock),
        platform=None if values["platform"] is None else parse_platform(values["platform"]),
        ca_bundle=values["ca_bundle"] or None,
    )
    sources = []
    for image, text in zip(run.images, settings.images, strict=False):
        try:
            sources.append(image_source(f"registry://{text.removeprefix('registry://')}", places))
        except UsageError as error:
            image.error = error
    return sources
