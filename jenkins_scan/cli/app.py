"""What every verb gets: terminal, environment, the Jenkins build, the configuration file, and the signals."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jenkins_scan.cli.signals import Interruptions
from jenkins_scan.cli.terminal import Terminal
from jenkins_scan.clock import Clock
from jenkins_scan.config.file import FileSettings
from jenkins_scan.config.options import SHOWN_FORMATS
from jenkins_scan.config.origin import check_variables, origin_of
from jenkins_scan.errors import ConfigurationError, InternalError
from jenkins_scan.report.outputs import Output, parse_outputs, prepare_outputs, write_atomically

if TYPE_CHECKING:
    from jenkins_scan.jenkins.environment import JenkinsBuild


@dataclass
class App:
    """The running command line."""

    terminal: Terminal
    environ: Mapping[str, str]
    interruptions: Interruptions
    file: FileSettings
    clock: Clock
    refused: ConfigurationError | None = None
    """Why the configuration file was refused; kept until the report folder is known, for `result.json`."""

    @cached_property
    def build(self) -> "JenkinsBuild":
        """The Jenkins build that this run is a step of."""
        from jenkins_scan.jenkins.environment import read_build

        return read_build(self.environ)

    @classmethod
    def of(cls, context: click.Context) -> "App":
        """The app that `main` handed to click. Raises `InternalError` (1) when a command is run without it."""
        app = context.find_object(cls)
        if app is None:
            raise InternalError("a command was started without the application around it.")
        return app

    def check_configuration(self) -> None:
        """Raises what is wrong with the configuration file or a `JENKINS_SCAN_*` variable (2)."""
        if self.refused is not None:
            raise self.refused
        check_variables(self.environ)

    def service_arguments(self, context: click.Context) -> dict[str, Any]:
        """What settings need to know beyond the values: who named the endpoint, and whether this is Jenkins."""
        return {"endpoint_origin": origin_of(context, "endpoint"), "in_jenkins": self.build.on_jenkins}

    def outputs(self, texts: Sequence[str]) -> tuple[Output, ...]:
        """The reports of a verb whose report is its purpose, probed; the configuration is checked first (2)."""
        self.check_configuration()
        outputs = parse_outputs(texts or ("table",), SHOWN_FORMATS)
        prepare_outputs(outputs)
        return outputs

    def deliver(self, output: Output, parts: Iterable[str]) -> None:
        """A report, redacted, to its place; a file that fails is a warning."""
        if output.path is None:
            self.terminal.report("".join(parts))  # whole or not at all
        else:
            self.write(output.path, parts, lasting=False)

    def write(self, path: Path, parts: Iterable[str], *, lasting: bool = True) -> bool:
        """Whether the report could be written; a warning says when not."""
        try:
            write_atomically(path, parts, lasting=lasting)
        except OSError as exc:
            self.terminal.line(f"warning: {path} could not be written: {exc.strerror}")
            return False
        return True
