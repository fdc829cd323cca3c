"""The result as a table for people (`-o table`)."""

import io
from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from jenkins_scan.plain_text import one_line
from jenkins_scan.report.listed import IN_RESULT, ON_REQUEST
from jenkins_scan.report.result import Result
from jenkins_scan.report.summary import images, reasons, rows, verdict_line

WIDTH = 160
"""Columns: a build log has no width of its own, and broken digests cannot be searched for."""
LONGEST_CELL = 4000
"""Characters: what was read from an image can be of any size."""


def render(result: Result) -> Iterator[str]:
    """One table of what is known, and the verdict line."""
    rest = ON_REQUEST if result.local else IN_RESULT  # a check has written a result.json only where it was told to
    yield tabulate([*rows(result, rest), *images(result), *reasons(result)])
    yield verdict_line(result) + "\n"


def tabulate(pairs: Iterable[tuple[str, str]]) -> str:
    """Labels and texts as a table without colour."""
    table = Table(show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for label, text in pairs:
        # `Text`, because a plain str like `[red]` in a label of the image would be read as markup; one line, because
        # escape sequences and line breaks of strangers could forge rows.
        table.add_row(Text(one_line(label)), Text(one_line(text, LONGEST_CELL)))
    out = io.StringIO()
    Console(file=out, width=WIDTH, color_system=None, force_terminal=False).print(table)
    return out.getvalue()
