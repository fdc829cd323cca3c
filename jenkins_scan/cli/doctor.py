"""`jenkins-scan doctor`: what a scan needs, looked at one by one, without quota."""

import contextlib
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from jenkins_scan.cli.app import App
from jenkins_scan.cli.completion import images, option_completion
from jenkins_scan.cli.controller import access_of
from jenkins_scan.config.options import SHOWN_FORMATS, options_of
from jenkins_scan.errors import ConfigurationError, ScanError

if TYPE_CHECKING:
    from jenkins_scan.config.settings import ServiceSettings
    from jenkins_scan.doctor.controller import Who
    from jenkins_scan.doctor.examination import Patient
    from jenkins_scan.doctor.service import Service
    from jenkins_scan.images.interface import ImageSource
    from jenkins_scan.jenkins.access import Access

T = TypeVar("T")
CHAIN_WAIT = ASKING_WAIT = 4.0
"""Seconds for the default chain of credentials, and for the controller: less than a check has."""


@click.command("doctor")
@click.argument("image", required=False, shell_complete=images)
@options_of("doctor", option_completion)
@click.pass_context
def command(context: click.Context, /, **values: Any) -> int:
    """Look at everything that a scan needs: configuration, engine, network, clock, credentials, permissions, quota.

    One line for each, OK, WARN, FAIL or SKIP, and what to do about it. Ends with 0, with 11 when some warn and none
    failed, else with the exit code of the first line that failed. It opens no task, uses no quota, and leaves nothing
    behind. IMAGE is looked for as well, and not scanned.

    \b
    jenkins-scan doctor --region cn-hangzhou --fail-on high
    jenkins-scan doctor -o json
    """  # noqa: D301  click reads the \\b as "do not rewrap"
    from jenkins_scan.doctor.examination import examine
    from jenkins_scan.doctor.report import as_json, as_table, exit_code
    from jenkins_scan.doctor.rounds import Rounds
    from jenkins_scan.report.outputs import parse_outputs, prepare_outputs

    app = App.of(context)
    outputs = parse_outputs(values["output"] or ("table",), SHOWN_FORMATS)
    prepare_outputs(outputs)
    rounds = Rounds(app.clock, beginning=lambda name: app.terminal.show(f"looking at {name}"))
    with contextlib.ExitStack() as stack:
        patient = _patient(app, context, values, stack)
        lines = examine(patient, rounds)
        sandbox = patient.service is not None and patient.service.is_sandbox
    lines = [line.cleaned(app.terminal.redact) for line in lines]
    for output in outputs:
        app.deliver(output, [as_json(lines, sandbox=sandbox) if output.format == "json" else as_table(lines)])
    return exit_code(lines)


def _patient(app: App, context: click.Context, values: dict[str, Any], stack: contextlib.ExitStack) -> "Patient":
    """All that is configured; what cannot be understood is one of the problems."""
    from jenkins_scan.cli.gate import policies_of
    from jenkins_scan.config.settings import service_settings
    from jenkins_scan.doctor.examination import Patient
    from jenkins_scan.gate.policy import Policy, stricter
    from jenkins_scan.images.engine.order import parse_engines

    problems: list[ScanError] = []

    def tried(read: Callable[[], T]) -> T | None:
        try:
            return read()
        except ScanError as error:
            problems.append(error)
            return None

    tried(app.check_configuration)
    settings = tried(lambda: service_settings(values, **app.service_arguments(context)))
    policy = tried(lambda: stricter(*policies_of(app, context, values)))
    engines = tried(lambda: parse_engines(values["image_src"]))
    return Patient(
        environ=app.environ,
        build=app.build,
        clock=app.clock,
        redact=app.terminal.redact.add,
        file=app.file,
        problems=problems,
        report_dir=Path(values["report_dir"]),
        engines=engines or ("docker", "podman"),
        docker_host=values["docker_host"],
        settings=settings,
        service=None if settings is None else tried(lambda: _service(app, settings, stack)),
        policy=policy or Policy(),
        min_quota=values["min_quota"],
        image=tried(lambda: _image(app, values, engines)),
        needs_engine=_is_of_an_engine(values["image"]),
        controller=_Controller(app, values),
    )


def _service(app: App, settings: "ServiceSettings", stack: contextlib.ExitStack) -> "Service":
    from jenkins_scan.cli.service import find_credentials, open_endpoint, open_sandbox, sandbox_credentials
    from jenkins_scan.doctor.service import Service

    endpoint = settings.endpoint
    if endpoint is None:
        client = open_sandbox(app, replace(settings, state=_copied(settings.state, stack)), stack)
        return Service(app.clock, sandbox_credentials, lambda _: client, in_process=True)
    return Service(
        app.clock,
        lambda: find_credentials(app, longest_wait=CHAIN_WAIT),
        lambda credentials: open_endpoint(app, settings, endpoint, credentials, None, stack),
    )


def _copied(state: str | None, stack: contextlib.ExitStack) -> str | None:
    """A copy of the sandbox's state, as even a read notes something in it; None where there is no state yet."""
    if state is None:
        return None
    path = Path(state)
    if not path.exists() and path.absolute().parent.is_dir():
        return None
    try:
        copy = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "state"
        shutil.copyfile(path, copy)
    except OSError as exc:
        raise ConfigurationError(
            f"--state {state!r} cannot be read: {exc.strerror or type(exc).__name__}.",
            remedy="Name a file that can be read and written; a copy is made in TMPDIR.",
        ) from exc
    return str(copy)


def _is_of_an_engine(image: str | None) -> bool:
    scheme, separator, _ = (image or "").partition("://")
    return not separator or scheme in ("docker", "podman")


def _image(app: App, values: dict[str, Any], engines: Any) -> "ImageSource | None":
    from jenkins_scan.images.engine.order import Patience
    from jenkins_scan.images.resolve import Places, image_source

    if not values["image"]:
        return None
    places = Places(
        environ=app.environ,
        clock=app.clock,
        redact=app.terminal.redact.add,
        engines=engines or ("docker", "podman"),
        docker_host=values["docker_host"],
        patience=Patience(0.0, app.clock),
        ca_bundle=values["ca_bundle"] or None,
    )
    return image_source(values["image"], places)


@dataclass(frozen=True)
class _Controller:
    """The controller of the environment. python-jenkins takes a fifth of a second: it is imported to ask."""

    app: App
    values: dict[str, Any]

    def access(self) -> "Access":
        """As of a run that uses it."""
        return access_of(self.app, self.values)

    def who_am_i(self, access: "Access") -> "Who":
        """The answer, within the time of a check."""
        from jenkins_scan.jenkins.controller import Controller

        return Controller(access, limit=ASKING_WAIT).who_am_i()
