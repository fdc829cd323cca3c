"""Which build of which job a run is compared with, and which of its artifacts is the result."""

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Final

from jenkins_scan.jenkins.access import ControllerFailed
from jenkins_scan.plain_text import one_line

RESULT: Final = "result.json"
_ENCODED: Final = str.maketrans({character: f"%{ord(character):02X}" for character in "#%/?[]\\"})
_WHOLE: Final = {"": "%00", ".": "%2E", "..": "%2E."}
_OF_A_CHANGE: Final = re.compile(r"(?:PR|MR)-[0-9]+(?:-(?:merge|head))?", re.IGNORECASE)
_LONGEST: Final = 1000
"""Characters of a job's name."""


def job_of_branch(branch: str) -> str:
    """The name of a branch's job in a multibranch project, as the branch-api plugin encodes it (`NameEncoder`)."""
    return _WHOLE.get(branch) or branch.translate(_ENCODED)


def job_to_compare(environ: Mapping[str, str]) -> str:
    """The full name of the job whose last successful build is the baseline: this one, or in a PR the target branch's.

    Raises `ControllerFailed` when the variables do not tell.
    """
    name = environ.get("JOB_NAME", "")
    folder, slash, _ = name.rpartition("/")
    if environ.get("CHANGE_ID"):
        target = environ.get("CHANGE_TARGET", "")
        if not target or not slash:
            raise ControllerFailed(
                "this is the build of a pull request, and CHANGE_TARGET and JOB_NAME do not tell its target's job.",
                remedy="Build it in a multibranch project, or name a file with --baseline.",
            )
        if _OF_A_CHANGE.fullmatch(target):
            raise ControllerFailed(
                f"CHANGE_TARGET {one_line(target, 60)!r} is named like a pull request's job, perhaps a stranger's.",
                remedy="Name the target branch otherwise, or name a file with --baseline.",
            )
        name = f"{folder}/{job_of_branch(target)}"
    parts = name.split("/")
    if not name.isprintable() or len(name) > _LONGEST or {"", ".", ".."} & set(parts):
        raise ControllerFailed(
            f"JOB_NAME {one_line(name, 100)!r} is not the full name of a job."
            if name
            else "JOB_NAME is not set: nobody knows which job this is.",
            remedy="Leave JOB_NAME as Jenkins sets it.",
        )
    return name


def places_in_archive(report_dir: str, *, folder: Path, workspace: str) -> tuple[str, ...]:
    """The paths that `archiveArtifacts` may have given to this report's `result.json`, the likeliest first.

    They are relative to the workspace, or inside of `dir(...)` to that folder, which is `folder` here.
    """
    report = folder / report_dir
    roots = [Path(workspace)] if workspace else []
    below = [report.relative_to(root) for root in (*roots, folder) if report.is_relative_to(root)]
    return tuple(dict.fromkeys((PurePosixPath(place) / RESULT).as_posix() for place in below))


def result_among(artifacts: Collection[str], places: Sequence[str]) -> str:
    """The artifact that is the result: at one of `places`, else the only `result.json`. Raises `ControllerFailed`."""
    for place in places:
        if place in artifacts:
            return place
    named = sorted(path for path in artifacts if path.rpartition("/")[2] == RESULT)
    if len(named) == 1 and not {"", ".", ".."} & set(named[0].split("/")):
        return named[0]
    several = f"{len(named)} {RESULT}, and none at {' or '.join(places) or 'a known place'}"
    raise ControllerFailed(
        f"it archived {several}." if named else f"it archived no {RESULT}.",
        remedy="Archive the report folder of the scan: archiveArtifacts 'scan-report/**'.",
    )
