"""`jenkins-scan check`: what CI would say, as far as this machine can tell; before a push, and without quota."""

import contextlib
from typing import TYPE_CHECKING, Any

import click

from jenkins_scan.cli.app import App
from jenkins_scan.cli.completion import images, option_completion
from jenkins_scan.config.options import options_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from jenkins_scan.config.settings import ReportedSettings, ServiceSettings
    from jenkins_scan.step.record import Run

PATIENCE = 5.0
"""Seconds that the answer about the quota may take, and the search for credentials before it."""
REGISTRY = "registry://"


@click.command("check")
@click.argument("image", nargs=-1, shell_complete=images)
@options_of("check", option_completion)
@click.pass_context
def command(context: click.Context, /, **values: Any) -> int:
    """Look into each IMAGE here, before it is pushed: build risks and sensitive files, judged as CI would judge them.

    IMAGE is a name on the Docker or podman engine of this machine, an archive or a layout (docker-archive://PATH,
    oci-archive://PATH, oci-dir://PATH); it may be left out where the configuration file names it. No task is opened
    and no quota is used.

    Without a gate it is --fail-on high. A clean image ends CHECKED, never PASS: vulnerabilities, malicious files and
    baselines are looked for by the service alone. Reports are written only where --report-dir or -o asks for them.

    \b
    jenkins-scan check app:1
    jenkins-scan check --fail-on medium docker-archive://app.tar
    """  # noqa: D301  click reads the \\b as "do not rewrap"
    from jenkins_scan.cli.gate import judging_here, kept
    from jenkins_scan.cli.images import images_of, places_of
    from jenkins_scan.cli.reported import reported
    from jenkins_scan.config.settings import ReportedSettings
    from jenkins_scan.errors import UsageError
    from jenkins_scan.images.reference import as_label
    from jenkins_scan.images.resolve import image_source
    from jenkins_scan.step.check import check
    from jenkins_scan.step.record import ImageRun, Run

    app = App.of(context)
    begun = Run(started_at=app.clock.now(), images=[ImageRun("")], local=True)

    def perform(run: "Run", note: "Callable[[ReportedSettings], None]") -> None:
        run.images = [ImageRun(as_label(text)) for text in values["image"]] or run.images
        app.check_configuration()
        names = images_of(app, context, values)
        run.images = [ImageRun(as_label(text)) for text in names]
        judging, warnings = judging_here(app, context, values)
        run.warnings += warnings
        note(ReportedSettings(judging=judging))
        places, sources = places_of(app, values, names), []
        for image, text in zip(run.images, names, strict=True):
            try:
                _require_local(text)
                sources.append(image_source(text, places))
            except UsageError as error:  # the others are looked at too: all that is to mend comes at once
                image.error = error
        if run.ends_as_a_whole():
            return
        service = _service(app, context, values)
        check(run, judging, sources=sources, clock=app.clock, jobs=values["jobs"])
        if any(image.judgement is not None for image in run.images):  # else there is nothing that CI would scan
            _look_at_quota(app, service, run)

    return reported(app, values, perform, keep=kept(values), earlier=begun)


def _require_local(text: str) -> None:
    """Raises `UsageError` (2) for an image in a registry: it has been pushed, and its layers are not here."""
    from jenkins_scan.errors import UsageError

    if text.lower().startswith(REGISTRY):
        raise UsageError(
            "a check looks into images of this machine, before they are pushed; this one is in a registry.",
            remedy=f"Leave {REGISTRY} out to check the image of that name in the engine here, or have the pushed one "
            f"scanned: jenkins-scan scan {text[:200]!a}.",
        )


def _service(app: App, context: click.Context, values: dict[str, Any]) -> "ServiceSettings | None":
    """Whom to ask for the quota; None where nobody is named. Raises `ConfigurationError` (2)."""
    from jenkins_scan.config.settings import service_settings

    if not (values["endpoint"] or values["region"]):
        return None
    return service_settings(values, **app.service_arguments(context))


def _look_at_quota(app: App, settings: "ServiceSettings | None", run: "Run") -> None:
    """Notes what is left of the quota, where credentials and a region are there; nothing about it changes the code."""
    from jenkins_scan.errors import ScanError

    if settings is None:
        run.notes.append("the quota was not asked for: no --region is named.")
        return
    if settings.endpoint is None:
        run.notes.append("the quota was not asked for: the sandbox has none of yours.")
        return
    try:
        with contextlib.ExitStack() as stack:
            from jenkins_scan.cli.service import find_credentials, open_endpoint

            credentials = find_credentials(app, longest_wait=PATIENCE)
            center = open_endpoint(app, settings, settings.endpoint, credentials, None, stack)
            quota = center.describe_image_scan_auth_count(deadline=app.clock.monotonic() + PATIENCE).value
            run.notes += ["the quota is that of a sandbox."] if center.is_sandbox else []
    except ScanError as unknown:
        run.notes.append(f"the quota is not known: {unknown.message}")
        return
    run.quota = quota
    if quota.remaining < len(run.images):
        run.notes.append(
            f"{quota.remaining} image scans are left, and CI would want {len(run.images)}: it would end with 12, "
            "but for images that it has scanned before."
        )
