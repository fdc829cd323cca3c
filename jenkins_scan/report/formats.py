"""The renderers of the formats, each imported when it is asked for."""

import importlib
from pathlib import Path
from typing import Final

from jenkins_scan.report.interface import STYLE_SHEET, Renderer

_MODULES: Final = {"json": "as_json", "csv": "as_csv"}
"""Where the name of a format is also that of a standard module; the others are modules of their own name."""


def renderer_of(name: str) -> Renderer:
    """The renderer of one of `interface.FORMATS`."""
    module = importlib.import_module(f"jenkins_scan.report.{_MODULES.get(name, name)}")
    renderer: Renderer = module.render
    return renderer


def style_sheet() -> str:
    """The style sheet of the HTML page."""
    return (Path(__file__).parent / STYLE_SHEET).read_text(encoding="utf-8")
