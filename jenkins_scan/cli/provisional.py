"""What a killed process leaves behind: `result.json` as far as the run has come, for `wait` to take up."""

import logging
import threading
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from jenkins_scan.cli.app import App

if TYPE_CHECKING:
    from jenkins_scan.config.settings import ReportedSettings
    from jenkins_scan.errors import Reason
    from jenkins_scan.gate.verdict import Verdict
    from jenkins_scan.step.record import Run

FEW: Final = 10
"""Images whose every task is written at once; of more the file is renewed once in a while: it grows with them."""
BETWEEN: Final = 1.0
"""Seconds between two writes of many images."""
log = logging.getLogger(__name__)
UNTIL_NOW: Final = "the run had not ended when this was written: what came after it is not known."


class Provisional:
    """Says that a task was opened, and writes it down before anything else happens. Threads may call it side by side.

    The verdict in the file is INCOMPLETE (17): the run's own result takes its place, unless the process is killed.
    Nothing that goes wrong here may keep a create from being sent, or change what comes of it.
    """

    def __init__(self, app: App, run: "Run", folder: Path | None, settings: "Sequence[ReportedSettings]") -> None:
        self._app, self._run, self._folder, self._settings = app, run, folder, settings
        self._writing = threading.Lock()
        self._over = False
        self._last = -BETWEEN

    def end(self) -> None:
        """From here on the file is the run's own: a create that was left behind may still come to its end."""
        with self._writing:
            self._over = True

    def __call__(self, task_id: str | None) -> None:
        """A task was opened, or (None) one may be, or none was after all."""
        if task_id is not None:
            self._app.terminal.note(f"task {task_id} is open")
        if self._folder is None:
            return
        from jenkins_scan.report.outputs import RESULT

        with self._writing:
            now = self._app.clock.monotonic()
            if self._over or (len(self._run.images) > FEW and now - self._last < BETWEEN):
                return
            self._last = now
            try:
                text = self._rendered()
            except Exception as problem:  # noqa: BLE001  the report at the end tells of it, as it is made the same way
                log.debug("no early result file: %s", type(problem).__name__)
                return
            self._app.write(self._folder / RESULT, [text], lasting=False)

    def _rendered(self) -> str:
        from jenkins_scan.errors import NotEnded
        from jenkins_scan.gate.verdict import judge
        from jenkins_scan.report import as_json
        from jenkins_scan.report.compose import compose, without_secrets

        def verdict_over(reasons: "Iterable[Reason]", judged: bool) -> "Verdict":  # noqa: FBT001  as compose asks
            return judge(reasons, judged=judged, local=False, soft=frozenset(), exit_code=None)

        unended = NotEnded(UNTIL_NOW)
        images = [replace(image, error=image.error or unended) for image in self._run.images]
        settings = self._settings[0] if self._settings else None
        now = self._app.clock.now()
        known = compose(replace(self._run, images=images), settings, self._app.build, verdict_over, finished_at=now)
        return "".join(as_json.render(without_secrets(known, self._app.terminal.redact)))
