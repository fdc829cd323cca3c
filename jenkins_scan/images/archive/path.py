"""Where an archive or a layout is, and which image in it is meant: `SCHEME://PATH[:TAG|@sha256:DIGEST]`."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from jenkins_scan.errors import UsageError
from jenkins_scan.images.fields import SHA256
from jenkins_scan.images.reference import ImageReference

Scheme = Literal["docker-archive", "oci-archive", "oci-dir"]
"""How images are kept in files: a tar of Docker's form, a tar of an OCI layout, a folder with an OCI layout."""

MOST_CHOICES: Final = 5
"""How many of several images a remedy names."""
_WORD: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}|sha256:[0-9a-f]{64}", re.ASCII)
_TAG_SELECTOR: Final = re.compile(r"(.+):([A-Za-z0-9_][A-Za-z0-9_.-]{0,127})", re.DOTALL)
_DIGEST_SELECTOR: Final = re.compile("(.+)@(sha256:[^/]*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ArchivePath:
    """A file or folder with images, and which of them is meant."""

    path: Path
    tag: str | None = None
    digest: str | None = None
    """The digest of the config; in an OCI layout also of the manifest or the index."""
    scheme: Scheme = "docker-archive"

    def __str__(self) -> str:
        return f"The {self.kind} {str(self.path)!r}"

    @property
    def kind(self) -> str:
        """What the scheme says it is: `archive` or `folder`."""
        return "folder" if self.scheme == "oci-dir" else "archive"

    @property
    def selector(self) -> str | None:
        """The tag or digest; None when there is none."""
        return self.tag if self.digest is None else self.digest

    def selecting(self, selector: str) -> str:
        """What to type for the image with this tag or, with its `sha256:`, this digest."""
        return f"{self.scheme}://{self.path}{'@' if selector.startswith('sha256:') else ':'}{selector}"

    def choice(self, images: Sequence[Sequence[str]]) -> str:
        """How to say which of `images` is meant, ready to be typed; each is given by the words that select it."""
        ready = []
        for number, words in enumerate(images[:MOST_CHOICES]):
            others = {word for other in (*images[:number], *images[number + 1 :]) for word in other}
            ready += [self.selecting(word) for word in words if word not in others and _WORD.fullmatch(word)][:1]
        return f"Select one with {' or '.join(ready)}." if ready else self.remedy

    @property
    def remedy(self) -> str:
        """How to say which image is meant."""
        digest = "CONFIGDIGEST" if self.scheme == "docker-archive" else "DIGEST"
        return f"Select one with {self.scheme}://PATH:TAG or {self.scheme}://PATH@sha256:{digest}."


def parse_archive_path(text: str, scheme: Scheme = "docker-archive") -> ArchivePath:
    """The path and selector in `text`, which stood behind `scheme://`. Raises `errors.UsageError` (2).

    Workspaces hold `@` (`job@2`) and may hold `:`. A selector is only `@sha256:…` or a last `:TAG` with no `/` behind
    it, and only if nothing has the whole text for its path.
    """
    if not text or "\0" in text:
        raise UsageError(f"{scheme}:// names no file or folder.", remedy=f"Write it as {scheme}://PATH.")
    whole = ArchivePath(Path(text), scheme=scheme)
    if os.path.lexists(text):
        return whole
    if match := _DIGEST_SELECTOR.fullmatch(text):
        if not SHA256.fullmatch(match[2]):
            raise UsageError(
                f"{match[2][:100]!a} is no sha256 digest of 64 lower-case hex digits.", remedy=whole.remedy
            )
        return ArchivePath(Path(match[1]), digest=match[2], scheme=scheme)
    if match := _TAG_SELECTOR.fullmatch(text):
        return ArchivePath(Path(match[1]), tag=match[2], scheme=scheme)
    return whole


def single_name(names: Sequence[ImageReference], where: ArchivePath) -> tuple[ImageReference | None, tuple[str, ...]]:
    """The one of an image's `names` that `where` selects, with warnings. Raises `errors.UsageError` (2) for several."""
    fitting = [name for name in dict.fromkeys(names) if where.tag in (None, name.sent_tag)]
    if len(fitting) == 1:
        return fitting[0], ()
    if not fitting:
        return None, ("The archive names no repository and tag for this image.",)
    listed = ", ".join(map(str, fitting[:20]))
    if where.selector is None:
        remedy = where.choice([[name.sent_tag] if name.sent_tag else [] for name in fitting])
        raise UsageError(f"The image in {str(where.path)!r} has several names: {listed}.", remedy=remedy)
    return None, (f"The selector fits several names of the image ({listed}): none is used.",)
