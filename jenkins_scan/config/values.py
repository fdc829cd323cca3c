"""Values of options that need more than a type: each checked, with an error that names its option."""

import ipaddress
import re

from jenkins_scan.config.options import SOFT_REASONS
from jenkins_scan.errors import ConfigurationError, Reason
from jenkins_scan.spelling import hint


def label(option: str, text: str | None) -> str | None:
    """A plain name; None for an empty one. Raises `ConfigurationError` (2)."""
    if not text:
        return None
    if len(text) > 255 or not text.isprintable() or " " in text:  # noqa: PLR2004  the longest repository name
        raise ConfigurationError(
            f"{option}: spaces, control characters or more than 255 characters.", remedy="Write a plain name."
        )
    return text


def digest(option: str, text: str | None) -> str | None:
    """64 hex digits, whether or not `sha256:` stood before them; None for an empty text. Raises as `label`."""
    if not text:
        return None
    bare = text.strip().lower().removeprefix("sha256:")
    if not re.fullmatch(r"[0-9a-f]{64}", bare):
        raise ConfigurationError(
            f"{option}: not a SHA-256 digest.", remedy="Write 64 hex digits, with or without sha256: before them."
        )
    return bare


def region(option: str, text: str | None) -> str | None:
    """A region id; None for an empty text. Raises as `label`."""
    if not text:
        return None
    if not re.fullmatch(r"[a-z0-9-]{2,64}", text):
        raise ConfigurationError(
            f"{option}: not the form of a region id.", remedy="Write one such as cn-hangzhou or ap-southeast-1."
        )
    return text


def address(option: str, text: str | None) -> str | None:
    """An IP address; None for an empty text. Raises as `label`."""
    if not text:
        return None
    try:
        return str(ipaddress.ip_address(text))
    except ValueError as exc:
        raise ConfigurationError(
            f"{option}: not an IP address.", remedy="Write an IPv4 or IPv6 address, or leave it out."
        ) from exc


def soft_reasons(text: str | None) -> frozenset[Reason]:
    """The reasons that `--soft` names. Raises as `label`, with a suggestion."""
    reasons = {reason.slug: reason for reason in Reason}
    chosen = set()
    for slug in (text or "").split(","):
        word = slug.strip().lower()
        if not word:
            continue
        if word not in SOFT_REASONS:
            raise ConfigurationError(
                f"--soft: {word[:40]!r} is not a reason that can be softened{hint(word, SOFT_REASONS)}",
                remedy=f"Choose from {', '.join(SOFT_REASONS)}.",
            )
        chosen.add(reasons[word])
    return frozenset(chosen)
