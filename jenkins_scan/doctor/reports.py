"""The report folder: whether it can be made and written, which is tried and undone, and how much room there is."""

import os
import shutil
from pathlib import Path
from typing import Final

from jenkins_scan.doctor.report import Outcome, failure, good, warning
from jenkins_scan.errors import OutputError
from jenkins_scan.report.outputs import STANDARD_SET, prove_folder

LEAST_FREE: Final = 100 * 1000 * 1000
"""Bytes below which a warning is given."""
MEGABYTE: Final = 1000 * 1000


def check(folder: Path, *, least_free: int = LEAST_FREE) -> Outcome:
    """Whether reports could be written there; less than `least_free` bytes of room are a warning."""
    try:
        place = _nearest(folder)
        problem = _problem(folder, place)
        if problem:
            return failure(OutputError(f"--report-dir: {str(folder)!r} cannot be used: {problem}."))
        prove_folder(folder)
        free = shutil.disk_usage(place).free
    except (OSError, ValueError, RuntimeError) as exc:
        what = getattr(exc, "strerror", None) or "not a usable path"
        return failure(OutputError(f"--report-dir: {str(folder)!r} cannot be used: {what}."))
    state = "can be written" if place == folder else f"can be made in {place}"
    seen = f"{folder} {state}, {free // MEGABYTE} MB are free"
    if free < least_free:
        return warning(
            f"{seen}: less than {least_free // MEGABYTE}.",
            "Free space there, or choose another place with --report-dir DIR.",
        )
    return good(f"{seen}.")


def _nearest(folder: Path) -> Path:
    """The folder itself, or the nearest one above it that is there."""
    return next(path for path in (folder, *folder.absolute().parents) if path.is_symlink() or path.exists())


def _problem(folder: Path, place: Path) -> str:
    """Why it cannot be used; empty when it can."""
    here = Path.cwd()
    named = Path(os.path.normpath(here / folder))
    if named.is_relative_to(here) and not named.resolve().is_relative_to(here.resolve()):
        return "it is a link that leads out of the working folder"
    if not place.is_dir():
        return f"{place} is not a folder"
    blocked = [old for old in (folder / name for name in STANDARD_SET) if old.is_dir() and not old.is_symlink()]
    return f"{blocked[0]} is a folder" if blocked else ""
