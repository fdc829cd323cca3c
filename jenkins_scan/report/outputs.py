"""Where reports go: `FORMAT[=PATH]` and the report folder, probed before any request and written atomically."""

import contextlib
import os
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from jenkins_scan.errors import OutputError
from jenkins_scan.report.interface import FILES, FORMATS, STYLE_SHEET, SUMMARY
from jenkins_scan.spelling import hint

RESULT: Final = FILES["json"]
STANDARD_SET: Final = (*FILES.values(), SUMMARY, str(PurePosixPath(FILES["html"]).with_name(STYLE_SHEET)))
"""Every file name that a report folder may hold: old ones are removed, so that none can pass for this run's."""


STDOUT: Final = ("-", "/dev/stdout")
"""Paths that mean stdout. The second is a link: replacing it would take stdout away from every process."""


@dataclass(frozen=True, slots=True)
class Output:
    """One `-o`: a format, and a file or (None) stdout."""

    format: str
    path: Path | None

    @property
    def style_sheet(self) -> Path | None:
        """The file that the page needs beside itself; None for every other format."""
        return self.path.with_name(STYLE_SHEET) if self.path is not None and self.format == "html" else None


def parse_outputs(texts: Sequence[str], formats: Sequence[str] = FORMATS) -> tuple[Output, ...]:
    """The outputs asked for. Raises `OutputError` (2) for unknown formats, empty or double targets."""
    outputs = []
    for text in texts:
        name, equals, path = text.partition("=")
        if name not in formats:
            raise _unknown(name, formats)
        if equals and not path:
            raise OutputError(f"-o {text}: the path after = is empty.")
        outputs.append(Output(name, Path(path) if equals and path not in STDOUT else None))
    targets = [_spelled_out(output.path) for output in outputs]
    if len(set(targets)) < len(targets) or any(
        _spelled_out(output.style_sheet) in targets for output in outputs if output.style_sheet
    ):
        raise OutputError(
            "-o: two reports go to the same place.", remedy="Give all but one a path of its own: -o FORMAT=PATH."
        )
    return tuple(outputs)


def _unknown(name: str, formats: Sequence[str]) -> OutputError:
    return OutputError(
        f"-o: {name[:40]!r} is not a report format here{hint(name, formats)}",
        remedy=f"Choose from {', '.join(formats)}, as FORMAT or FORMAT=PATH.",
    )


def _spelled_out(path: Path | None) -> str | None:
    """The path, links on the way to it followed; a link that is there itself stays one. It never raises."""
    return None if path is None else str(Path(os.path.realpath(path.parent)) / path.name)


def prepare_folder(folder: Path, *, keep: Collection[Path] = ()) -> None:
    """Makes the report folder, proves that it can be written, and removes old reports. Raises `OutputError` (2).

    A report in `keep` stays until it is written anew: an abort must not take away what this run was told to read.
    """
    kept = {_real(path) for path in keep}
    with _explained(folder, "--report-dir"):
        _stay_where_named(folder, "--report-dir")
        folder.mkdir(parents=True, exist_ok=True)
        for old in (folder / name for name in STANDARD_SET):
            if old.parent != folder:
                _make_own(old.parent)
            if old.is_dir() and not old.is_symlink():
                raise OutputError(
                    f"--report-dir: {old} is a folder.", remedy="Remove it, or choose another --report-dir."
                )
            if _real(old) not in kept:
                old.unlink(missing_ok=True)
        for place in dict.fromkeys((folder / name).parent for name in STANDARD_SET):
            _probe(place)


def prove_folder(folder: Path) -> None:
    """Proves that reports could be written there, and leaves it all as it was. Raises `OSError`."""
    made: list[Path] = []
    try:
        for path in reversed((folder, *folder.parents)):
            if not path.is_dir():
                path.mkdir()
                made.append(path)
        for place in dict.fromkeys((folder / name).parent for name in STANDARD_SET):
            if place.is_dir():
                _probe(place)
    finally:
        for path in reversed(made):
            with contextlib.suppress(OSError):  # somebody else has put a file into it meanwhile
                path.rmdir()


def remove_reports(folder: Path, *, keep: Collection[Path] = ()) -> None:
    """Takes the reports of an earlier run away, as far as that can be done; nothing is made. Raises nothing."""
    with contextlib.suppress(OSError, ValueError, RuntimeError, OutputError):
        kept = {_real(path) for path in keep}
        _stay_where_named(folder, "--report-dir")
        for old in (folder / name for name in STANDARD_SET):
            with contextlib.suppress(OSError):  # a folder in the place of one report keeps no other
                if (old.parent == folder or not old.parent.is_symlink()) and _real(old) not in kept:
                    old.unlink(missing_ok=True)


def prepare_outputs(outputs: Sequence[Output], folder: Path | None = None, *, keep: Collection[Path] = ()) -> None:
    """Proves that every `-o` path can be written, and removes an old report there. Raises `OutputError` (2).

    `folder` is the report folder: its own files are nobody else's. A file in `keep` stays until it is written anew.
    """
    kept = {_real(path) for path in keep}
    taken = [] if folder is None else [_real(folder / name) for name in STANDARD_SET]
    for path in _files(outputs):
        with _explained(path, "-o"):
            if {_real(path), *_real(path).parents} & set(taken):
                raise OutputError(f"-o: {path} is written by --report-dir itself.", remedy="Choose another file name.")
            _stay_where_named(path.parent, "-o")
            if any(map(_is_of_the_system, (_real(path.parent) / path.name, _real(path)))):
                raise OutputError(f"-o: {path} is a place of the system's own.", remedy="Name stdout as -o FORMAT.")
            if path.exists() and not path.is_file():
                raise OutputError(f"-o: {path} is there and is not a regular file.")
            path.parent.mkdir(parents=True, exist_ok=True)
            _probe(path.parent)
            if _real(path) not in kept:
                path.unlink(missing_ok=True)


def _is_of_the_system(path: Path) -> bool:
    """Whether it is a device or the like: as root, a report would take its place for every process."""
    return any(map(path.is_relative_to, ("/dev", "/proc", "/sys"))) and not path.is_relative_to("/dev/shm")  # noqa: S108


def _files(outputs: Iterable[Output]) -> Iterable[Path]:
    return (path for output in outputs for path in (output.path, output.style_sheet) if path is not None)


def write_atomically(path: Path, parts: Iterable[str], *, lasting: bool = True) -> None:
    """The text in the file, whole or not at all; `lasting`: also after a power cut. Raises `OSError`."""
    temporary = path.parent / f".{os.urandom(8).hex()}.tmp"  # a leftover of another container may have our process id
    try:
        with temporary.open("x", encoding="utf-8", newline="\n") as file:
            file.writelines(parts)
            if lasting:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def _make_own(folder: Path) -> None:
    """Makes a folder within the report folder; as a link it would let us write and remove files elsewhere."""
    if folder.is_symlink():
        folder.unlink()
    folder.mkdir(exist_ok=True)


def _probe(folder: Path) -> None:
    probe = folder / f".{os.urandom(8).hex()}.probe"
    try:
        with probe.open("x", encoding="utf-8") as file:
            file.write("probe")
    finally:
        probe.unlink(missing_ok=True)


def _stay_where_named(folder: Path, option: str) -> None:
    """Refuses a relative folder that a link in the workspace leads elsewhere: files are replaced there."""
    here = Path.cwd()
    named = Path(os.path.normpath(here / folder))
    if named.is_relative_to(here) and not _real(named).is_relative_to(_real(here)):
        raise OutputError(f"{option}: {folder} is a link that leads out of the working folder.")


class _explained(contextlib.AbstractContextManager[None]):  # noqa: N801  used as a statement
    """Turns an `OSError` about a path into an `OutputError`."""

    def __init__(self, path: Path, option: str) -> None:
        self._path, self._option = path, option

    def __exit__(self, kind: object, problem: BaseException | None, trace: object) -> None:
        if isinstance(problem, OSError | ValueError | RuntimeError):  # the last one is a link that turns in a circle
            what = getattr(problem, "strerror", None) or "not a usable path"
            raise OutputError(f"{self._option}: {str(self._path)!r} cannot be written: {what}.") from problem


def _real(path: Path) -> Path:
    """The path with its links followed, as far as they lead: `Path.resolve` raises for links in a circle."""
    return Path(os.path.realpath(path))
