"""What the host of an Alibaba Cloud Container Registry (ACR) says: its region, its edition, and perhaps its instance.

Sources: "Terms" of the Container Registry documentation (Mar 26 2026) for Enterprise Edition and the older Personal
Edition, its page on the endpoints of Personal Edition instances made since Sep 9 2024 for the newer one. A domain name
of the user's own says nothing.
"""

import re
from dataclasses import dataclass
from typing import Final, Literal

_REGION: Final = "(?P<region>[a-z]{2}(?:-[a-z0-9]+)+)"
_HOSTS: Final[tuple[tuple[Literal["enterprise", "personal"], re.Pattern[str]], ...]] = (
    ("personal", re.compile(rf"(?P<instance>crpi-[a-z0-9]+)(?:-vpc)?\.{_REGION}\.personal\.cr\.aliyuncs\.com")),
    ("enterprise", re.compile(rf"[a-z0-9][a-z0-9-]*-registry(?:-vpc)?\.{_REGION}\.cr\.aliyuncs\.com")),
    ("personal", re.compile(rf"registry(?:-vpc|-internal|-intl)?\.{_REGION}\.aliyuncs\.com")),
)


@dataclass(frozen=True, slots=True)
class AcrHost:
    """What a host of ACR tells."""

    region: str
    edition: Literal["enterprise", "personal"]
    instance: str | None = None
    """The instance id, where the host is named by it; an Enterprise Edition host holds the instance's name instead."""


def acr_host(registry: str) -> AcrHost | None:
    """What this registry host says; None when it is no host of ACR that is known."""
    for edition, pattern in _HOSTS:
        match = pattern.fullmatch(registry.lower().removesuffix(":443"))
        if match is not None:
            return AcrHost(match["region"], edition, match.groupdict().get("instance"))
    return None
