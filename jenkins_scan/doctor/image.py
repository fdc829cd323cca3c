"""The image that was named: whether it is there, and whether it can be read within a moment."""

from jenkins_scan.doctor.report import Outcome, good, warning
from jenkins_scan.images.interface import ImageSource


def check(source: ImageSource) -> Outcome:
    """The image as `inspect` would identify it. Raises `ImageError` (13), `IncompleteError` (17), `UsageError` (2)."""
    found = source.resolve()
    identity = found.identity
    known = identity.manifest_digest or identity.config_digest or identity.image_id or "no digest is known"
    platform = "" if identity.platform is None else f" for {identity.platform}"
    seen = f"{identity.reference}{platform} is there: {known}."
    if found.warnings:
        return warning(f"{seen} {' '.join(found.warnings)}", "See `jenkins-scan inspect` for all of its identity.")
    return good(seen)
