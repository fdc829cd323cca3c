"""A run of a verb that reports: whatever happens in it, `result.json` is written, and the exit code tells the truth."""

import contextlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jenkins_scan.cli.app import App
from jenkins_scan.cli.provisional import Provisional

if TYPE_CHECKING:
    from jenkins_scan.config.settings import ReportedSettings
    from jenkins_scan.errors import Reason
    from jenkins_scan.gate.verdict import Verdict
    from jenkins_scan.report.interface import Renderer
    from jenkins_scan.report.outputs import Output
    from jenkins_scan.report.result import Result
    from jenkins_scan.step.record import Run


def reported(
    app: App,
    values: Mapping[str, Any],
    perform: "Callable[[Run, Callable[[ReportedSettings], None]], None]",
    *,
    keep: Collection[Path] = (),
    earlier: "Run | None" = None,
) -> int:
    """The exit code of `perform`, which fills the run and notes its settings as soon as they are known.

    Report places are probed first, and old reports removed but for those in `keep`: until this run's own is written.
    Without a report folder nothing is written but what `-o` asks for.
    `earlier` is what is known before anything is done: tasks that were opened by another run must not be lost.
    """
    from jenkins_scan.errors import InternalError, Interrupted, OutputError, ScanError
    from jenkins_scan.report.outputs import prepare_folder
    from jenkins_scan.step.record import ImageRun, Run

    if values["report_dir"] is not None and not values["report_dir"].strip():
        raise OutputError("--report-dir is empty.")
    folder = None if values["report_dir"] is None else Path(values["report_dir"])
    outputs: tuple[Output, ...] = ()
    if folder is not None:
        prepare_folder(folder, keep=keep)
    run = earlier or Run(started_at=app.clock.now(), images=[ImageRun("")])
    run.sandbox = values["endpoint"] == "sandbox" and not run.local
    noted: list[ReportedSettings] = []
    run.opened = provisional = Provisional(app, run, folder, noted)
    try:
        try:
            outputs = _ready(values["output"], folder, keep)
            perform(run, noted.append)
        except ScanError as error:
            run.fail(error)
        except Exception as problem:  # noqa: BLE001  the report is written whatever happened
            run.fail(InternalError.of(problem))
        app.interruptions.hold()
    except Interrupted as stop:
        run.interrupted = stop
    else:
        run.require_ends()
    provisional.end()
    bugs = [image.error for image in run.images if isinstance(image.error, InternalError)]
    for bug in dict.fromkeys(bugs):
        app.terminal.bug(bug.__cause__ or bug)
    try:
        return _finish(app, values, run, noted[0] if noted else None, folder, outputs)
    except Exception as problem:  # noqa: BLE001  what was opened is said even if no report can be made
        app.terminal.bug(problem)
        app.terminal.error(InternalError.of(problem))
        return _last_words(app, run, noted[0] if noted else None, folder)


def take_old_reports_away(values: Mapping[str, Any], keep: Collection[Path]) -> None:
    """For a run that ends before it can report: no old report may look like this run's. Raises nothing.

    It looks where `reported` would write, and leaves what is in `keep`.
    """
    from jenkins_scan.errors import OutputError
    from jenkins_scan.report.outputs import remove_reports

    named = values["report_dir"]
    if named is not None and not named.strip():  # it would be the working folder
        return
    folder = None if named is None else Path(named)
    if folder is not None:
        remove_reports(folder, keep=keep)
    with contextlib.suppress(OutputError):
        _ready(values["output"], folder, keep)


def _ready(texts: Sequence[str], folder: Path | None, keep: Collection[Path]) -> "tuple[Output, ...]":
    """The outputs asked for, their places proved. Raises `OutputError` (2); old reports are gone even then."""
    from jenkins_scan.errors import OutputError
    from jenkins_scan.report.outputs import parse_outputs, prepare_outputs

    try:
        outputs = parse_outputs(texts)
    except OutputError:
        for text in texts:
            with contextlib.suppress(OutputError):
                prepare_outputs(parse_outputs([text]), folder, keep=keep)
        raise
    prepare_outputs(outputs, folder, keep=keep)
    return outputs


def _last_words(app: App, run: "Run", settings: "ReportedSettings | None", folder: Path | None) -> int:
    """What must not be lost when the reports fail: the tasks, in a bare result.json. Returns the code of a bug."""
    from jenkins_scan.errors import Reason
    from jenkins_scan.report import bare
    from jenkins_scan.report.outputs import RESULT, remove_reports

    noted = [image.task for image in run.images if image.task is not None]
    ids = [task.task.task_id for task in noted if task.task is not None]
    for each in ids:
        app.terminal.line(f"task {each} is open")
    if len(noted) > len(ids):
        app.terminal.line("a task may exist" if len(noted) == len(ids) + 1 else "more tasks may exist")
    if not noted:
        app.terminal.line("no task was opened")
    if folder is not None:
        remove_reports(folder)  # what was written before the bug says something else
        app.write(folder / RESULT, [bare.render(run, settings, app.build, app.terminal.redact)])
    return Reason.INTERNAL.code


def _write_reports(
    app: App,
    result: "Result",
    folder: Path | None,
    outputs: "tuple[Output, ...]",
    renderer_of: "Callable[[str], Renderer]",
) -> None:
    """Every other report. The verdict stands already: one that cannot be made is a warning and no more.

    Without a folder only what `-o` asks for: after a signal there is little time.
    """
    from jenkins_scan.report.interface import FILES
    from jenkins_scan.report.outputs import RESULT, Output

    wanted = [*outputs]
    if folder is not None:
        wanted += [Output(name, folder / file) for name, file in FILES.items() if file != RESULT]
    for output in wanted:
        try:
            app.deliver(output, renderer_of(output.format)(result))
        except Exception as problem:  # noqa: BLE001  whatever a stranger's text did to a format
            app.terminal.bug(problem)
            place = output.path or "stdout"
            app.terminal.line(
                f"warning: the {output.format} report ({place}) could not be made: {type(problem).__name__}"
            )
            continue
        if output.style_sheet is not None:
            _write_style_sheet(app, output.style_sheet)


def _write_style_sheet(app: App, path: Path) -> None:
    from jenkins_scan.report.formats import style_sheet

    try:
        app.write(path, [style_sheet()], lasting=False)
    except OSError as problem:  # an installation without it
        app.terminal.line(f"warning: the style sheet of the page could not be read: {problem.strerror}")


def _rest(outputs: "tuple[Output, ...]", *, written: bool) -> str:
    """Where whatever the console leaves out is; else how to have it."""
    from jenkins_scan.report.listed import IN_RESULT, ON_REQUEST

    if written:
        return IN_RESULT
    places = [output.path for output in outputs if output.format == "json"]
    return f" in {places[0] or 'the JSON on stdout'}" if places else ON_REQUEST


def _finish(  # noqa: PLR0913, PLR0917  what came of the run, and where it is to be told
    app: App,
    values: Mapping[str, Any],
    run: "Run",
    settings: "ReportedSettings | None",
    folder: Path | None,
    outputs: "tuple[Output, ...]",
) -> int:
    """Writes every report, result.json first, and says the verdict. Returns the exit code."""
    from jenkins_scan.errors import ResultNotWritten
    from jenkins_scan.gate.verdict import judge
    from jenkins_scan.report import as_json, summary
    from jenkins_scan.report.compose import compose, without_secrets
    from jenkins_scan.report.formats import renderer_of
    from jenkins_scan.report.interface import SUMMARY
    from jenkins_scan.report.outputs import RESULT, Output

    soft = frozenset() if settings is None else settings.soft
    stop_code = None if run.interrupted is None else run.interrupted.exit_code

    def verdict_over(reasons: "Iterable[Reason]", judged: bool) -> "Verdict":  # noqa: FBT001  as compose asks
        return judge(reasons, judged=judged, local=run.local, soft=soft, exit_code=stop_code)

    def current() -> "Result":
        result = compose(run, settings, app.build, verdict_over, finished_at=app.clock.now())
        return without_secrets(result, app.terminal.redact)

    result = current()
    written = folder is not None and app.write(folder / RESULT, as_json.render(result))
    if folder is not None and not written and result.exit_code in (0, 11):
        soft = frozenset()
        lost = ResultNotWritten(
            f"{folder / RESULT} could not be written, and a verdict nobody can read proves nothing."
        )
        for image in run.images:
            image.error = lost
        result = current()
    if folder is not None:
        app.write(folder / SUMMARY, [summary.render(result)])
    _write_reports(app, result, None if run.interrupted else folder, outputs, renderer_of)
    if Output("table", None) not in outputs:
        app.terminal.rows(summary.rows(result, _rest(outputs, written=written)))
    app.terminal.rows(summary.images(result), always=True)
    app.terminal.rows(summary.reasons(result), always=True)
    if folder is not None and written:
        app.terminal.rows([("reports", str(folder / RESULT))])
    if values.get("describe_build") and run.interrupted is None:
        from jenkins_scan.cli.controller import describe_build

        describe_build(app, values, summary.render(result), said=result.warnings)
    app.terminal.line(summary.verdict_line(result), color={0: "green", 11: "yellow"}.get(result.exit_code, "red"))
    return result.exit_code
