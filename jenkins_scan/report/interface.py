"""What every report format is: a name, a place in the report folder, and one function."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from jenkins_scan.report.result import Result

FILES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "json": "result.json",
        "junit": "junit.xml",
        "sarif": "report.sarif",
        "issues": "issues.json",
        "csv": "findings.csv",
        "markdown": "report.md",
        "html": "html/index.html",
    }
)
"""The formats of the report folder, each with its file there; `result.json` is written first."""
SUMMARY: Final = "summary.txt"
"""One line for the build description, in the report folder alone."""
FORMATS: Final = (*FILES, "table")
"""What `-o` takes."""
STYLE_SHEET: Final = "report.css"
"""What the HTML page reads from the folder that it lies in: the rules of Jenkins allow no style within a page."""


class Renderer(Protocol):
    """A report format."""

    def __call__(self, result: "Result") -> Iterator[str]:
        """The report as parts of a text that ends with a line break: with many findings it is long."""
        ...
