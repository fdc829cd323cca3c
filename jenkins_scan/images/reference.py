"""An image reference, parsed once and without I/O, by the grammar of distribution/reference.

::

    [HOST[:PORT]/]PATH[:TAG][@ALGORITHM:HEX]

The first part of a name is a host when it holds a dot or a colon, is `localhost`, or has upper case; otherwise the name
belongs to `docker.io`. A lone sha256 digest is an image id, not a name.
"""

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, NoReturn

from jenkins_scan.errors import InvalidReference

DOCKER_HUB: Final = "docker.io"
SCHEMES: Final = ("docker", "podman", "registry", "docker-archive", "oci-archive", "oci-dir")
_PATH_SCHEMES: Final = ("docker-archive://", "oci-archive://", "oci-dir://")
"""Every scheme of the contract: `SCHEME://…` says where the image is."""

_LONGEST_TEXT: Final = 1024
_LONGEST_PATH: Final = 255

_LABEL = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_REGISTRY: Final = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?")
_COMPONENT: Final = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*")
_TAG: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_HEX: Final = re.compile(r"[0-9a-f]+")
_HEX_LENGTH: Final = {"sha256": 64, "sha384": 96, "sha512": 128}


@dataclass(frozen=True, slots=True)
class ImageReference:
    """A name for an image: a place in a registry, whether or not the image was ever pushed there."""

    registry: str
    """`HOST[:PORT]`; `docker.io` when none was typed."""
    path: str
    """As typed: `nginx`, not `library/nginx`."""
    tag: str | None
    digest: str | None
    typed_registry: str | None = None
    """The registry as typed; None when the name began with the path."""

    def __str__(self) -> str:
        tag = "" if self.tag is None else f":{self.tag}"
        return f"{self._typed_name}{tag}{self._digest_suffix}"

    @property
    def namespace(self) -> str | None:
        """The path without its last part; None when there is none. An implied `library` never shows."""
        return self.path.rpartition("/")[0] or None

    @property
    def repository(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]

    @property
    def sent_tag(self) -> str | None:
        """The tag as typed, else `latest`; None for a digest reference: nobody knows whether the tag is there."""
        return None if self.digest is not None else self.tag or "latest"

    @property
    def repository_name(self) -> str:
        """Registry and whole path, `docker.io/library/nginx`: what two names of one repository have in common."""
        implied = self.registry == DOCKER_HUB and "/" not in self.path
        return f"{self.registry}/library/{self.path}" if implied else f"{self.registry}/{self.path}"

    @property
    def canonical(self) -> str:
        """Everything spelled out: `docker.io/library/nginx:latest`."""
        named = self.tag or ("latest" if self.digest is None else "")
        tag = f":{named}" if named else ""
        return f"{self.repository_name}{tag}{self._digest_suffix}"

    @property
    def asked(self) -> str:
        """What an engine is asked for: as typed, as podman tells `app` from `docker.io/app`; no tag beside a digest."""
        return str(self) if self.digest is None else f"{self._typed_name}{self._digest_suffix}"

    @property
    def id_prefix(self) -> str | None:
        """The hex digits, if this name could as well be the beginning of an image id."""
        plain = self.typed_registry is None and self.digest is None
        if plain and self.tag is None and _HEX.fullmatch(self.path):
            return self.path
        return self.tag if plain and self.path == "sha256" and self.tag and _HEX.fullmatch(self.tag) else None

    @property
    def _typed_name(self) -> str:
        return self.path if self.typed_registry is None else f"{self.typed_registry}/{self.path}"

    @property
    def _digest_suffix(self) -> str:
        return "" if self.digest is None else f"@{self.digest}"


@dataclass(frozen=True, slots=True)
class ImageId:
    """A whole image id, which no registry knows."""

    digest: str
    """`sha256:` and 64 hex digits."""

    def __str__(self) -> str:
        return self.digest

    @property
    def asked(self) -> str:
        """What an engine is asked for."""
        return self.digest


def parse_reference(text: str) -> ImageReference | ImageId:
    """The name or image id in `text`. Raises `errors.InvalidReference` (2) that says which part is wrong."""
    _check_characters(text)
    if re.fullmatch("(?:sha256:)?[0-9a-f]{64}", text):
        return ImageId(f"sha256:{text.removeprefix('sha256:')}")
    name, at, digest = text.partition("@")
    if at:
        _check_digest(text, name, digest)
    typed_registry, remainder = _split_registry(name)
    path, colon, tag = remainder.partition(":")
    if typed_registry is not None and not _REGISTRY.fullmatch(typed_registry):
        _refuse_registry(text, typed_registry)
    _check_path(text, path)
    if colon and not _TAG.fullmatch(tag):
        _refuse_tag(text, tag)
    hub = typed_registry in (None, f"index.{DOCKER_HUB}")
    registry = DOCKER_HUB if typed_registry is None or hub else typed_registry
    reference = ImageReference(registry, path, tag or None, digest or None, typed_registry)
    if len(reference.repository_name) - len(registry) - 1 > _LONGEST_PATH:
        _refuse(text, f"its path is longer than {_LONGEST_PATH} characters")
    return reference


def parse_references(texts: Iterable[str]) -> list[ImageReference]:
    """The names among `texts`, as engines and archives list them; what is no name is left out, as it proves nothing."""
    found = []
    for text in texts:
        with suppress(InvalidReference):
            found.append(parse_reference(text))
    return [reference for reference in found if isinstance(reference, ImageReference)]


def shown(text: str) -> str:
    """`text` as an error may show it: quoted, bounded, control characters escaped, user information hidden."""
    return ascii(without_user_info(text)[:200])


def as_label(text: str) -> str:
    """What was typed, for reports: without a password before a host; an archive's path stays, `job@2` and all."""
    return text if text.startswith(_PATH_SCHEMES) else without_user_info(text)


def without_user_info(text: str) -> str:
    """`text` with `***` for all that stands before an `@` which begins no digest, and for a query."""
    name, at, digest = text.rpartition("@")
    if not at or not re.match(r"sha[0-9]+:[^/@]*\Z", digest):
        name, at, digest = text, "", ""
    scheme = re.match("(?:[A-Za-z][A-Za-z0-9+.-]*://)?", name)
    start = 0 if scheme is None else scheme.end()
    _, user_at, rest = name[start:].rpartition("@")
    rest, query, _ = rest.partition("?")
    return f"{name[:start]}{'***@' if user_at else ''}{rest}{'?***' if query else ''}{at}{digest}"


def _split_registry(name: str) -> tuple[str | None, str]:
    first, slash, rest = name.partition("/")
    is_host = first == "localhost" or any(mark in first for mark in ".:") or first != first.lower()
    return (first, rest) if slash and is_host else (None, name)


def _check_characters(text: str) -> None:
    if not text.strip():
        _refuse(text, "it is empty")
    if len(text) > _LONGEST_TEXT:
        _refuse(text, f"it is longer than {_LONGEST_TEXT} characters")
    if text != text.strip():
        _refuse(text, "it has spaces at its ends", text.strip())
    strange = re.search(r"[^A-Za-z0-9._/:@\[\]+-]", text)
    if strange is not None:
        _refuse(text, f"the character {strange[0]!a} cannot be part of it")
    scheme, separator, rest = text.partition("://")
    if separator:
        better = rest if scheme.lower() in ("http", "https") else None
        _refuse(text, f"{shown(scheme)}:// is not part of a name", better)


def _check_digest(text: str, name: str, digest: str) -> None:
    algorithm, colon, hexadecimal = digest.partition(":")
    if not colon or "/" in digest or "@" in digest:
        _refuse(text, "what follows '@' is no digest; user information cannot be part of a name")
    if algorithm not in _HEX_LENGTH:
        _refuse(text, f"the digest algorithm {algorithm[:20]!a} is none of {', '.join(_HEX_LENGTH)}")
    length = _HEX_LENGTH[algorithm]
    if re.fullmatch(f"[0-9a-f]{{{length}}}", hexadecimal) is None:
        lower = hexadecimal.lower()
        better = f"{name}@{algorithm}:{lower}" if re.fullmatch(f"[0-9a-f]{{{length}}}", lower) else None
        _refuse(text, f"its {algorithm} digest is not {length} lower-case hex digits", better)


def _check_path(text: str, path: str) -> None:
    if not path:
        _refuse(text, "it has no path")
    if re.fullmatch("[0-9a-f]{64}", path):
        _refuse(text, "64 hex digits are an image id, which takes no tag and no digest")
    for component in path.split("/"):
        if _COMPONENT.fullmatch(component):
            continue
        if component != component.lower():
            end = text.index(path) + len(path)
            _refuse(text, f"the path has upper case in {component[:80]!a}", text[:end].lower() + text[end:])
        if not component:
            _refuse(text, "the path has an empty part", re.sub("/+", "/", text).strip("/"))
        allowed = "a-z, 0-9, and single '.', '_', '__' or '-' between them"
        _refuse(text, f"the part {component[:80]!a} of the path may hold only {allowed}")


def _refuse_tag(text: str, tag: str) -> NoReturn:
    if not tag:
        _refuse(text, "the tag after ':' is empty", text.replace(":@", "@").removesuffix(":"))
    allowed = "1 to 128 of A-Z, a-z, 0-9, '_', '.' and '-', beginning with no '.' or '-'"
    _refuse(text, f"the tag {tag[:80]!a} is not {allowed}")


def _refuse_registry(text: str, registry: str) -> NoReturn:
    scheme, _, rest = text.partition(":")
    better = f"{scheme}://{rest}" if scheme in SCHEMES else None
    _refuse(text, f"{registry[:80]!a} is no registry host with an optional port", better)


def _refuse(text: str, why: str, better: str | None = None) -> NoReturn:
    remedy = None if better is None else f"Did you mean {shown(better)}? {InvalidReference.default_remedy}"
    raise InvalidReference(f"{shown(text)} is not an image reference: {why}.", remedy=remedy)
