"""One layer: what should not be in it, and what it does to the files of the layers below.

Of names only hashes are kept, eight bytes each: enough to tell what a later layer deletes or overwrites, whatever the
number of files. Whiteouts as in the OCI image specification, layer.md.
"""

from array import array
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from jenkins_scan.errors import UnreadableImage
from jenkins_scan.findings import Severity
from jenkins_scan.local import checks
from jenkins_scan.local.files import LARGEST, Hit, Search
from jenkins_scan.local.package_caches import cache_of
from jenkins_scan.local.tar_stream import TarStream

_WHITEOUT: Final = b".wh."
_OPAQUE: Final = b".wh..wh..opq"
_OTHER_WHITEOUT: Final = b".wh..wh."
_FOLDERS: Final = {
    b".git": (checks.GIT_FOLDER, "A Git repository", b""),
    b".password-store": (checks.PASSWORD_STORE, "A password store of pass", b".gpg"),
}
"""Folders that are found as a whole, once there is a file with this ending in them."""
_MOST_ENTRIES: Final = 1_000_000
_MOST_HITS: Final = 2_000
_DEEPEST: Final = 128
"""Folders above a file that are looked for in later layers."""


@dataclass(slots=True)
class Bounds:
    """What all layers together may hold and take."""

    search: Search = field(default_factory=Search)
    entries: int = _MOST_ENTRIES
    hits: int = _MOST_HITS
    high_hits: int = _MOST_HITS
    dropped: int = 0
    """Hits that are not kept."""

    def take(self, severity: Severity) -> bool:
        """Whether one more hit of this severity may be kept."""
        if severity is Severity.HIGH:
            self.high_hits -= 1
            return self.high_hits >= 0
        self.hits -= 1
        return self.hits >= 0

    def count(self) -> None:
        """One more file or folder. Raises `errors.UnreadableImage` (13) for one too many."""
        self.entries -= 1
        if self.entries < 0:
            raise UnreadableImage(f"It has more than {_MOST_ENTRIES} files.")


@dataclass(slots=True)
class Layer:
    """What was noticed in one layer."""

    diff_id: str = ""
    files: int = 0
    size: int = 0
    """Bytes of all files."""
    goes_on: bool = False
    """Whether there is more behind the end of its archive, which nobody unpacks, and which ships all the same."""
    hits: list[Hit] = field(default_factory=list)
    caches: dict[bytes, int] = field(default_factory=dict)
    """Bytes left by package managers, by their folder."""
    _written: "array[int]" = field(default_factory=lambda: array("q"))
    _folders: "array[int]" = field(default_factory=lambda: array("q"))
    _removed: "array[int]" = field(default_factory=lambda: array("q"))
    _emptied: "array[int]" = field(default_factory=lambda: array("q"))
    _told: set[tuple[str, bytes]] = field(default_factory=set)
    """Checks and folders that are reported for the first file in them alone."""

    def read(self, tar: TarStream, bounds: Bounds) -> None:
        """Looks at every entry once. Raises `errors.UnreadableImage` (13)."""
        for entry in tar:
            bounds.count()
            name = entry.name
            parent, _, base = name.rpartition(b"/")
            if base.startswith(_WHITEOUT):
                self._delete(parent, base)
                if not (entry.is_file and entry.size):  # a whiteout is empty; a file under its name ships all the same
                    continue
            self._notice(self._once(bounds.search.in_path(name, is_folder=entry.is_folder)), bounds)
            if entry.is_folder:
                self._folders.append(hash(name))
            else:
                self._written.append(hash(name))
                self.files += 1
                self.size += entry.size
                if b"/." in name or name.startswith(b"."):
                    self._notice(self._folder(parent, base), bounds)
                self._count_cache(name, entry.size, bounds)
                if not entry.is_symbolic:
                    self._notice(bounds.search.by_name(entry, base), bounds)
                if entry.is_file and entry.size:
                    content = tar.read(min(entry.size, LARGEST))
                    is_cut = entry.size > LARGEST
                    self._notice(bounds.search.by_content(name, base, content, is_cut=is_cut), bounds)
        self._told.clear()

    def _delete(self, parent: bytes, base: bytes) -> None:
        if base == _OPAQUE:
            self._emptied.append(hash(parent))
        elif not base.startswith(_OTHER_WHITEOUT):
            hidden = base[len(_WHITEOUT) :]
            self._removed.append(hash(parent + b"/" + hidden if parent else hidden))

    def _count_cache(self, name: bytes, size: int, bounds: Bounds) -> None:
        cache = cache_of(name)
        if cache is None or not size:
            return
        if cache in self.caches or bounds.take(checks.PACKAGE_CACHE.severity):
            self.caches[cache] = self.caches.get(cache, 0) + size
        else:
            bounds.dropped += 1

    def _folder(self, parent: bytes, base: bytes) -> Iterator[Hit]:
        parts = parent.split(b"/")
        for folder, (check, what, ending) in _FOLDERS.items():
            if folder in parts and base.endswith(ending):
                path = b"/".join(parts[: parts.index(folder) + 1])
                yield from self._once([Hit(check, path, what, is_folder=True)])

    def _once(self, hits: Iterable[Hit]) -> Iterator[Hit]:
        for hit in hits:
            told = (hit.check.id, hit.path)
            if told not in self._told:
                if len(self._told) < _MOST_HITS:
                    self._told.add(told)
                yield hit

    def _notice(self, hits: Iterator[Hit], bounds: Bounds) -> None:
        """Keeps the hits within their bounds: a flood of lesser ones takes no place from those that are high."""
        for hit in hits:
            if bounds.take(hit.check.severity):
                self.hits.append(hit)
            else:
                bounds.dropped += 1


@dataclass(frozen=True, slots=True)
class Fate:
    """What a later layer does to a file."""

    deleted: bool
    """Or overwritten."""
    diff_id: str


def fates(layers: list[Layer]) -> list[list[Fate | None]]:
    """For every hit of every layer what becomes of it in later layers; None: it is in the final image."""
    marks = {hit.path: _above(hit.path) for layer in layers for hit in layer.hits}
    of_interest = {mark for path, above in marks.items() for mark in (hash(path), *above)}
    changes = [(number, _Changes.of(layer, of_interest)) for number, layer in enumerate(layers)]
    changes = [(number, change) for number, change in changes if change.concerns_any]
    return [
        [_fate(hit, marks[hit.path], [change for later, change in changes if later > number]) for hit in layer.hits]
        for number, layer in enumerate(layers)
    ]


@dataclass(frozen=True, slots=True)
class _Changes:
    """What a layer does to the files and folders that matter."""

    diff_id: str
    written: frozenset[int]
    folders: frozenset[int]
    removed: frozenset[int]
    emptied: frozenset[int]

    @classmethod
    def of(cls, layer: Layer, marks: set[int]) -> "_Changes":
        parts = (layer._written, layer._folders, layer._removed, layer._emptied)  # noqa: SLF001  they are one thing
        return cls(layer.diff_id, *(frozenset(marks.intersection(part)) for part in parts))

    @property
    def concerns_any(self) -> bool:
        """Whether it does anything to a file or folder that matters."""
        return bool(self.written or self.folders or self.removed or self.emptied)


def _fate(hit: Hit, above: Collection[int], later: list[_Changes]) -> Fate | None:
    own = hash(hit.path)
    for change in later:
        if own in change.written or (own in change.folders and not hit.is_folder):
            return Fate(deleted=False, diff_id=change.diff_id)
        gone = own in change.removed or not (change.removed.isdisjoint(above) and change.emptied.isdisjoint(above))
        if gone or (hit.is_folder and own in change.emptied) or not change.written.isdisjoint(above):
            return Fate(deleted=True, diff_id=change.diff_id)
    return None


def _above(path: bytes) -> frozenset[int]:
    """The folders that a file lies in, up to the root."""
    parts = path.split(b"/")[:-1][:_DEEPEST]
    return frozenset([hash(b""), *(hash(b"/".join(parts[:count])) for count in range(1, len(parts) + 1))])
