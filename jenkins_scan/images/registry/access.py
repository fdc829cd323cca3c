"""What a registry is asked with: everything but its own name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from jenkins_scan.clock import Clock
from jenkins_scan.images.registry.trust import CERTS_FOLDERS


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """The agent's settings for every registry, and the way to one."""

    environ: Mapping[str, str]
    ca_bundle: str | None
    clock: Clock
    redact: Callable[[str], None]
    """Gets every secret (password, token, signed query) before it is used."""
    transport: httpx.BaseTransport | None = None
    """In place of the network, in tests."""
    certs_folders: tuple[Path, ...] = CERTS_FOLDERS
    longest: float = 30.0
    """Seconds for one request as a whole, from looking up the host to the last byte."""
