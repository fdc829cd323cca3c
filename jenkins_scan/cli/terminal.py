"""The only file that prints: reports on stdout, everything else on stderr, secrets and control characters taken out."""

import contextlib
import logging
import os
import shutil
import sys
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TextIO

import click

from jenkins_scan.errors import ScanError
from jenkins_scan.plain_text import one_line
from jenkins_scan.redaction import Redactor

CLEAR = "\r\x1b[2K"
"""To the beginning of the line, and away with what stands there."""
LABEL_WIDTH = 12
LONGEST_LINE = 2000
ROOT = "jenkins_scan"


def wants_color(choice: str, environ: Mapping[str, str], *, is_terminal: bool) -> bool:
    """Whether to colour: `--color` first, then the variables that users know, then the terminal."""
    if choice != "auto":
        return choice == "always"
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR", "0") not in ("", "0") or environ.get("CLICOLOR_FORCE", "0") not in ("", "0"):
        return True
    return is_terminal and environ.get("TERM") != "dumb"


class Terminal:
    """stdout and stderr of one process."""

    def __init__(self, out: TextIO | None = None, err: TextIO | None = None) -> None:
        # A stream that was closed before the start (`>&-`) is None.
        self._out = out or sys.stdout or _nowhere()
        self._err = err or sys.stderr or _nowhere()
        self._color = False
        self._quiet = False
        self._is_live = False
        self._live = False
        """Whether a line stands there that the next one replaces."""
        self._writing = threading.RLock()
        self.verbosity = 0
        self.redact = Redactor()
        for stream in (self._out, self._err):
            # Agents run with LANG=C: a name outside ASCII must never be what fails the build.
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(encoding="utf-8", errors="backslashreplace")

    def configure(self, *, color: str, verbosity: int, quiet: bool, environ: Mapping[str, str]) -> None:
        """Set what the global options ask for."""
        is_terminal = _is_terminal(self._err)
        self._color = wants_color(color, environ, is_terminal=is_terminal)
        self._is_live = is_terminal and environ.get("TERM") not in (None, "", "dumb")
        self._quiet, self.verbosity = quiet, verbosity
        # The package's logger alone: the root logger would show what httpx, docker and urllib3 say, URLs included.
        logger = logging.getLogger(ROOT)
        for handler in [handler for handler in logger.handlers if isinstance(handler, _TerminalHandler)]:
            logger.removeHandler(handler)
        logger.addHandler(_TerminalHandler(self))
        logger.setLevel({0: logging.WARNING, 1: logging.INFO}.get(verbosity, logging.DEBUG))
        logger.propagate = False

    def report(self, text: str) -> None:
        """A report on stdout. Its values have been redacted before they were rendered, its own words never are."""
        self._write(self._out, text)

    def line(self, text: str, *, color: str | None = None, indent: str = "") -> None:
        """One line on stderr."""
        clean = indent + one_line(self.redact(text), LONGEST_LINE)
        self._write(self._err, (click.style(clean, fg=color, bold=True) if self._color and color else clean) + "\n")

    def rows(self, rows: Iterable[tuple[str, str]], *, always: bool = False) -> None:
        """Labelled lines on stderr; with `-q` only those that `always` need to be seen."""
        if always or not self._quiet:
            for label, text in rows:
                clean = one_line(self.redact(text), LONGEST_LINE)
                self._write(self._err, f"{label:<{LABEL_WIDTH}}{clean}\n")

    def note(self, text: str) -> None:
        """One line on stderr, left out with `-q`."""
        if not self._quiet:
            self.line(text)

    def show(self, text: str) -> None:
        """What is so at this moment, on a terminal alone: the next line on stderr takes its place."""
        if self._is_live and not self._quiet:
            columns = shutil.get_terminal_size().columns
            with self._writing:
                self._write(self._err, CLEAR + one_line(self.redact(text), max(1, columns - 1)))
                self._live = True

    def error(self, error: ScanError) -> None:
        """What happened and what to do, at every verbosity."""
        self.line(f"error: {error.message}", color="red")
        for attempt in error.tried:
            self.line(f"tried {attempt}", indent="  ")
        if error.remedy:
            self.line(f"-> {error.remedy}", indent="  ")
        if error.request_id:
            self.line(f"request id: {error.request_id}", indent="  ")

    def text(self, text: str) -> None:
        """Our own text of several lines on stderr, as it is."""
        self._write(self._err, self.redact(text) + "\n")

    def bug(self, problem: BaseException) -> None:
        """The traceback of a bug, shown with `-v`."""
        if self.verbosity > 0:
            import traceback

            self.text("".join(traceback.format_exception(problem)).rstrip())

    def close(self) -> None:
        """Flush, and keep the interpreter from complaining about a closed pipe at its end."""
        if self._live:
            self._write(self._err, "")
        for stream in (self._out, self._err):
            try:
                stream.flush()
            except (OSError, ValueError):
                with contextlib.suppress(OSError, ValueError, AttributeError):
                    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())

    def _write(self, stream: TextIO, text: str) -> None:
        # A closed stdout or stderr (`| head`, an aborted build) must not change the verdict.
        with self._writing, contextlib.suppress(OSError, ValueError):
            if self._live:  # also before a report on stdout: both streams may be the same terminal
                self._live = False
                self._err.write(CLEAR)
                self._err.flush()
            stream.write(text)
            stream.flush()


class _TerminalHandler(logging.Handler):
    """The log of this package, as lines on stderr."""

    def __init__(self, terminal: Terminal) -> None:
        super().__init__()
        self._terminal = terminal

    def emit(self, record: logging.LogRecord) -> None:
        self._terminal.line(f"{record.levelname.lower()}: {record.getMessage()}")


def _nowhere() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False
