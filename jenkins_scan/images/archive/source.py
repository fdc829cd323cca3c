"""What images in archives and in folders have in common: how they are opened, named in errors, and looked at again."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from jenkins_scan.errors import ImageError, ImageMoved, ImageNotFound, UnreadableImage, UsageError
from jenkins_scan.images.archive.oci_folder import open_folder
from jenkins_scan.images.archive.path import ArchivePath, Scheme
from jenkins_scan.images.archive.regular_file import Stamp, unchanged
from jenkins_scan.images.archive.stored_files import StoredFiles
from jenkins_scan.images.archive.tar_index import open_tar
from jenkins_scan.images.interface import ImageIdentity, Platform, ResolvedImage

LAYOUT_FILE: Final = "oci-layout"
"""The file that marks an OCI layout (image-layout.md)."""
MANIFEST_FILE: Final = "manifest.json"
"""The file that marks a docker-archive."""
LARGEST_JSON: Final = 4 * 1024**2
"""Bytes of a manifest, an index or a config: what containers/image reads at most of each."""

_ONE_AT_A_TIME: Final = threading.Lock()
"""The bounds on memory hold for one file: several hostile ones side by side would add up."""


WRITERS: Final = {
    "docker-archive": "Write it anew with `docker save -o FILE NAME`.",
    "oci-archive": "Write it anew, for example with `skopeo copy docker-daemon:NAME oci-archive:FILE`.",
    "oci-dir": "Write it anew, for example with `skopeo copy docker-daemon:NAME oci:FOLDER`.",
}
"""The remedy for a place that cannot be read: what writes such files."""


def no_image(where: ArchivePath, exc: UnreadableImage) -> UnreadableImage:
    """The same error with the place in it, and with what writes such places where there was no better remedy."""
    remedy = WRITERS[where.scheme] if exc.remedy == exc.default_remedy else exc.remedy
    return UnreadableImage(f"{where} is no image: {exc.message}", remedy=remedy)


class FileSource(ABC):
    """An image as a file or a folder describes it, every byte of it checked against the digests that name it."""

    def __init__(self, where: ArchivePath, platform: Platform | None = None, *, typed: str) -> None:
        self._where = where
        self._platform = platform
        self._typed = typed
        self._stamps: Mapping[Path, Stamp] = {}

    def resolve(self) -> ResolvedImage:
        """The image's identity. Raises `errors.ImageError` (13); `errors.UsageError` (2) where a choice is missing."""
        try:
            with _ONE_AT_A_TIME, opened(self._where) as files:
                return self._resolved(files)
        except UnreadableImage as exc:
            raise no_image(self._where, exc) from exc

    def look_again(self, identity: ImageIdentity) -> None:
        """Nothing, while the path still leads to the image of `identity`; files that were not touched are not read.

        Raises `errors.ImageMoved` (17) when it leads to another one, `errors.ImageError` (13) when to none.
        """
        if self._stamps and unchanged(self._stamps):
            return
        try:
            now = self.resolve().identity
        except UsageError as exc:
            raise ImageMoved(f"{self._where} was written anew: {exc.message}") from exc
        if (now.config_digest, now.manifest_digest) != (identity.config_digest, identity.manifest_digest):
            raise ImageMoved(
                f"{self._where} held the image {_digests(identity)}, and holds {_digests(now)} now.",
                remedy="Something wrote it anew during the run. Scan again, and give each build its own file.",
            )

    def _resolved(self, files: StoredFiles) -> ResolvedImage:
        found = self._identify(files)
        if not unchanged(files.stamps):
            raise UnreadableImage(
                "It was changed while it was read.", remedy="Scan it when what writes it has finished."
            )
        self._stamps = dict(files.stamps)
        return replace(found, place=self._where)

    @abstractmethod
    def _identify(self, files: StoredFiles) -> ResolvedImage:
        """The image that these files hold."""


@contextmanager
def opened(where: ArchivePath) -> Iterator[StoredFiles]:
    """The files at `where`. Raises `errors.ImageNotFound` or `errors.UnreadableImage` (13)."""
    try:
        with open_folder(where.path) if where.scheme == "oci-dir" else open_tar(where.path) as files:
            yield files
    except OSError as exc:
        raise _not_opened(where, exc) from exc


def fitting_scheme(path: Path) -> Scheme | None:
    """The scheme for what is at `path`; None when no image is there. A compressed archive is read to its end."""
    schemes: tuple[Scheme, ...] = ("oci-dir",) if path.is_dir() else ("docker-archive", "oci-archive")
    for scheme in schemes:
        marker = MANIFEST_FILE if scheme == "docker-archive" else LAYOUT_FILE
        try:
            with opened(ArchivePath(path, scheme=scheme)) as files:
                if marker in files:
                    return scheme
        except ImageError:
            return None
    return None


def _not_opened(where: ArchivePath, problem: OSError) -> ImageError:
    if isinstance(problem, FileNotFoundError):
        remedy = "Check the path; `docker save -o FILE NAME` writes an archive."
        return ImageNotFound(f"There is no {where.kind} {str(where.path)!r}.", remedy=remedy)
    if isinstance(problem, IsADirectoryError):
        return UnreadableImage("It is a folder.", remedy="An OCI layout in a folder is written oci-dir://PATH.")
    if where.scheme == "oci-dir" and where.path.is_file():
        scheme = fitting_scheme(where.path) or "docker-archive"
        return UnreadableImage("It is a file, not a folder.", remedy=f"Write it as {scheme}://PATH.")
    may = "Check that this user may read it, and enter its folders." if isinstance(problem, PermissionError) else None
    return UnreadableImage(f"It cannot be opened: {problem.strerror}.", remedy=may)


def _digests(identity: ImageIdentity) -> str:
    manifest = "" if identity.manifest_digest is None else f" with the manifest {identity.manifest_digest}"
    return f"{identity.config_digest}{manifest}"
