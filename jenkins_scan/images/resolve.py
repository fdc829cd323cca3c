"""From the text a user typed to the image it means: the one way in."""

import difflib
from collections.abc import Mapping
from typing import Final

from jenkins_scan.errors import ConfigurationError
from jenkins_scan.images.endpoint import choose_endpoint
from jenkins_scan.images.interface import ImageSource, Platform, ResolvedImage
from jenkins_scan.images.reference import SCHEMES, parse_reference, shown

_READ: Final = ("docker", "docker-archive")
"""The schemes this version reads."""
_NAMES: Final = ("docker", "podman", "registry")
"""Schemes that are also fine first parts of a name: `registry:2` is an image."""
_WEB: Final = ("http", "https")


def resolve_image(
    reference: str, *, docker_host: str | None, environ: Mapping[str, str], platform: Platform | None
) -> ResolvedImage:
    """The image that `reference` means: `NAME` or `docker://NAME` in an engine, `docker-archive://PATH` in a file.

    Raises `errors.UsageError` (2) for what cannot be meant, `errors.ImageError` (13) for what cannot be found or read.
    """
    return _source(reference, docker_host, environ, platform).resolve()


def _source(
    reference: str, docker_host: str | None, environ: Mapping[str, str], platform: Platform | None
) -> ImageSource:
    scheme, separator, rest = reference.partition("://")
    if separator and scheme == "docker-archive":
        from jenkins_scan.images.archive import ArchiveSource, parse_archive_path

        return ArchiveSource(parse_archive_path(rest), platform, typed=reference)
    if separator and scheme != "docker" and scheme.lower() not in _WEB:
        raise _unread(scheme)
    before, colon, path = reference.partition(":")
    if colon and not separator and before in SCHEMES and before not in _NAMES:
        raise ConfigurationError(
            f"{before}: is written with two slashes.", remedy=f"Did you mean {shown(f'{before}://{path}')}?"
        )
    name = parse_reference(rest if scheme == "docker" and separator else reference)
    endpoint = choose_endpoint(docker_host, environ)

    from jenkins_scan.images.engine import EngineSource  # the Docker SDK takes its time to import

    return EngineSource(name, endpoint, platform, typed=reference)


def _unread(scheme: str) -> ConfigurationError:
    known = ", ".join(f"{name}://" for name in _READ)
    if scheme in SCHEMES:
        return ConfigurationError(
            f"This version of jenkins-scan does not read {scheme}://.", remedy=f"It reads {known} and plain names."
        )
    close = difflib.get_close_matches(scheme.lower(), SCHEMES, n=1)
    meant = f"Did you mean {close[0]}://? " if close else ""
    return ConfigurationError(
        f"{shown(scheme)}:// is no place for images that is known.", remedy=f"{meant}There are {known} and plain names."
    )
