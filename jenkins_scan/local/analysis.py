"""The local analysis of an image: one reading of its bytes, and what was found in them."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from jenkins_scan.errors import UnreadableImage
from jenkins_scan.findings import Finding
from jenkins_scan.local import checks, paths
from jenkins_scan.local.assembly import assembled
from jenkins_scan.local.build_risks import BuildRisks
from jenkins_scan.local.checks import SOURCE
from jenkins_scan.local.collection import Collection
from jenkins_scan.local.content import Content
from jenkins_scan.local.files import Hit
from jenkins_scan.local.layer import Bounds, Fate, Layer, fates
from jenkins_scan.local.tokens import Allowance

_ONE_AT_A_TIME: Final = threading.Lock()
"""Images that are read side by side would need their memory side by side, and save no time: one thread computes."""
_WINDOWS: Final = 10_000
"""Places in variables and history that are searched for tokens."""
_SHORT_DIGEST: Final = len("sha256:") + 12
_MOST_NAMED: Final = 5
"""Layers in a note."""
_KIB, _MIB = 1024, 1024**2


@dataclass(frozen=True, slots=True)
class Analysis:
    """What an image's own bytes tell."""

    findings: tuple[Finding, ...]
    """Build risks, then what is in the layers, the lowest first."""
    notes: tuple[str, ...]
    """What was not looked at, and why; empty where everything was."""
    layers: int
    files: int
    """In all layers, also those that later ones delete."""
    bytes: int
    """Of these files."""


def analyse(image: Content, bounds: Bounds | None = None) -> Analysis:
    """Build risks and sensitive files of an image; its bytes are read once, and nothing is kept of them.

    Every layer is hashed on the way: what is analysed is what was identified. `bounds` is how much is looked at, by
    default enough for images of any usual size. Raises `errors.UnreadableImage` (13) when it is not the identified
    image or cannot be read to its end, and `errors.ImageError` (13) when it cannot be reached.
    """
    collection = Collection(bounds or Bounds())
    try:
        with _ONE_AT_A_TIME, image.parts() as parts:
            collection.add(parts)
        found = assembled(collection, image.wanted)
    except UnreadableImage as exc:
        raise image.named(exc) from exc
    layers = _distinct(found.layers)
    build = BuildRisks(found.config, Allowance(_WINDOWS))  # files may have used up what they had
    findings = dict.fromkeys([*build.findings(), *_of_layers(layers)])
    return Analysis(
        findings=tuple(findings),
        notes=(*build.notes, *_notes(collection.bounds, layers)),
        layers=len(found.layers),
        files=sum(layer.files for layer in layers),
        bytes=sum(layer.size for layer in layers),
    )


def _distinct(layers: list[Layer]) -> list[Layer]:
    """Each layer once, where it comes last: what it has then is what the image has of it."""
    return list({layer.diff_id: layer for layer in reversed(layers)}.values())[::-1]


def _notes(bounds: Bounds, layers: list[Layer]) -> Iterator[str]:
    behind = [layer.diff_id[:_SHORT_DIGEST] for layer in layers if layer.goes_on]
    if behind:
        yield (
            f"Behind the end of layer {', '.join(behind[:_MOST_NAMED])} there are more bytes: nobody unpacks them, "
            "they ship, and they were not looked into."
        )
    if bounds.search.is_exhausted:
        yield "Tokens were not looked for in all text files and names: there are too many."
    if bounds.search.cut:
        yield f"Files with names of credentials that were looked into only at their beginning: {bounds.search.cut}."
    if bounds.search.unread:
        yield f"Files with names of credentials that were not looked into, being too many: {bounds.search.unread}."
    if bounds.dropped:
        yield f"Files that should not be there and that are not listed, being too many: {bounds.dropped}."


def _of_layers(layers: list[Layer]) -> Iterator[Finding]:
    for layer, becomes in zip(layers, fates(layers), strict=True):
        for hit, fate in zip(layer.hits, becomes, strict=True):
            yield _of_file(hit, fate, layer)
        for folder, size in layer.caches.items():
            check = checks.PACKAGE_CACHE
            yield Finding(
                kind=check.kind,
                id=check.id,
                severity=check.severity,
                title=f"A package manager left {_amount(size)} in its cache",
                path=paths.shown(folder),
                fixable=True,
                fix=check.fix,
                layer=layer.diff_id,
                source=SOURCE,
            )


def _of_file(hit: Hit, fate: Fate | None, layer: Layer) -> Finding:
    return Finding(
        kind=hit.check.kind,
        id=hit.check.id,
        severity=hit.check.severity,
        title=f"{hit.what} ({_told(fate)})",
        path=paths.shown(hit.path),
        fixable=True,
        fix=hit.check.fix,
        layer=layer.diff_id,
        source=SOURCE,
    )


def _told(fate: Fate | None) -> str:
    if fate is None:
        return "in the final image"
    done = "deleted" if fate.deleted else "overwritten"
    return f"{done} in a later layer, {fate.diff_id[:_SHORT_DIGEST]}, still shipped"


def _amount(size: int) -> str:
    if size < _MIB:
        return f"{-(-size // _KIB)} KiB"
    return f"{size / _MIB:.1f} MiB"
