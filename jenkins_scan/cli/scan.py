"""`jenkins-scan scan`: the whole step for one image or many."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jenkins_scan.cli.app import App
from jenkins_scan.config.options import options_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jenkins_scan.config.settings import ScanSettings
    from jenkins_scan.errors import Reason
    from jenkins_scan.gate.verdict import Verdict
    from jenkins_scan.record import Run
    from jenkins_scan.report.outputs import Output
    from jenkins_scan.report.result import Result


@click.command("scan", short_help="Identify images, have them scanned, judge what was found.")
@click.argument("image", nargs=-1)
@options_of("scan")
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
    from jenkins_scan.cli.gate import judging_of
    from jenkins_scan.cli.images import images_of
    from jenkins_scan.config.settings import scan_settings
    from jenkins_scan.errors import InternalError, Interrupted, ScanError
    from jenkins_scan.images.reference import as_label
    from jenkins_scan.record import ImageRun, Run
    from jenkins_scan.report.outputs import parse_outputs, prepare_folder, prepare_outputs

    app = App.of(context)
    folder = Path(values["report_dir"])
    outputs: tuple[Output, ...] = ()
    prepare_folder(folder)
    run = Run(started_at=app.clock.now(), images=[ImageRun("")], sandbox=values["endpoint"] == "sandbox")
    settings: ScanSettings | None = None
    try:
        try:
            asked_for = parse_outputs(values["output"])
            prepare_outputs(asked_for, folder)
            outputs = asked_for
            run.images = [ImageRun(as_label(text)) for text in values["image"]] or run.images
            app.check_configuration()
            names = images_of(app, context, values)
            run.images = [ImageRun(as_label(text)) for text in names]
            judging, notes = judging_of(app, context, values)
            run.warnings += notes
            settings = scan_settings(values, names, judging, **app.service_arguments(context))
            _perform(app, settings, run, values)
        except ScanError as error:
            run.fail(error)
        except Exception as problem:  # noqa: BLE001  the report is written whatever happened
            run.fail(InternalError.of(problem))
        app.interruptions.hold()
    except Interrupted as stop:
        run.interrupted = stop
    for bug in {
        id(image.error): image.error for image in run.images if isinstance(image.error, InternalError)
    }.values():
        app.terminal.bug(bug.__cause__ or bug)
    try:
        return _finish(app, run, settings, folder, outputs)
    except Exception as problem:  # noqa: BLE001  what was opened is said even if no report can be made
        app.terminal.bug(problem)
        app.terminal.error(InternalError.of(problem))
        return _last_words(app, run, folder)


def _perform(app: App, settings: "ScanSettings", run: "Run", values: dict[str, Any]) -> None:
    from jenkins_scan import step
    from jenkins_scan.cli.images import places_of
    from jenkins_scan.cli.service import open_service
    from jenkins_scan.errors import UsageError
    from jenkins_scan.images.resolve import image_source

    places, sources = places_of(app, values, settings.images), []
    for image, text in zip(run.images, settings.images, strict=True):
        try:
            sources.append(image_source(text, places))
        except UsageError as error:  # the others are looked at too: all that is to mend comes at once
            image.error = error
    if run.ends_as_a_whole():
        return
    with open_service(app, settings.service, with_token=True) as center:
        step.scan(run, settings, sources=sources, center=center, clock=app.clock)


def _last_words(app: App, run: "Run", folder: Path) -> int:
    """What must not be lost when the reports fail: the task, in the barest result.json. Returns the code of a bug."""
    import json

    from jenkins_scan.errors import Reason
    from jenkins_scan.report.outputs import RESULT

    noted = [image.task for image in run.images if image.task is not None]
    ids = [task.task.task_id for task in noted if task.task is not None]
    for each in ids:
        app.terminal.line(f"task {each} is open")
    if len(noted) > len(ids):
        app.terminal.line("a task may exist" if len(noted) == len(ids) + 1 else "more tasks may exist")
    if not noted:
        app.terminal.line("no task was opened")
    bare = {
        "schema": "jenkins-scan/result/1",
        "verdict": "ERROR",
        "reason": "internal",
        "exit_code": Reason.INTERNAL.code,
    }
    app.write(folder / RESULT, json.dumps({**bare, "tasks": [{"id": each} for each in ids]}) + "\n")
    return Reason.INTERNAL.code


def _finish(app: App, run: "Run", settings: "ScanSettings | None", folder: Path, outputs: "tuple[Output, ...]") -> int:
    """Writes every report, result.json first, and says the verdict. Returns the exit code."""
    from jenkins_scan.errors import ResultNotWritten
    from jenkins_scan.gate.verdict import judge
    from jenkins_scan.report import as_json, summary
    from jenkins_scan.report.compose import compose, without_secrets
    from jenkins_scan.report.outputs import RESULT, SUMMARY, Output, renderer_of

    soft = frozenset() if settings is None else settings.soft
    stop_code = None if run.interrupted is None else run.interrupted.exit_code

    def verdict_over(reasons: "Iterable[Reason]", judged: bool) -> "Verdict":  # noqa: FBT001  as compose asks
        return judge(reasons, judged=judged, soft=soft, exit_code=stop_code)

    def current() -> "Result":
        result = compose(run, settings, app.build, verdict_over, finished_at=app.clock.now())
        return without_secrets(result, app.terminal.redact)

    result = current()
    written = app.write(folder / RESULT, as_json.render(result))
    if not written and result.exit_code in (0, 11):
        soft = frozenset()
        lost = ResultNotWritten(
            f"{folder / RESULT} could not be written, and a verdict nobody can read proves nothing."
        )
        for image in run.images:
            image.error = lost
        result = current()
    app.write(folder / SUMMARY, summary.render(result))
    app.deliver(outputs, {output.format: renderer_of(output.format)(result) for output in outputs})
    if Output("table", None) not in outputs:
        app.terminal.rows(summary.rows(result))
    app.terminal.rows(summary.images(result), always=True)
    app.terminal.rows(summary.reasons(result), always=True)
    if written:
        app.terminal.rows([("reports", str(folder / RESULT))])
    app.terminal.line(summary.verdict_line(result), color={0: "green", 11: "yellow"}.get(result.exit_code, "red"))
    return result.exit_code
