"""The one method that every report format has."""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from jenkins_scan.report.result import Result


class Renderer(Protocol):
    """A report format."""

    def __call__(self, result: "Result") -> str:
        """The report as text, ending with a line break."""
        ...
