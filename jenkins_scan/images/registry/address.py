"""Where a reference's registry is asked."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from jenkins_scan.images.reference import DOCKER_HUB, ImageReference
from jenkins_scan.loopback import is_loopback

HUB_HOST: Final = "registry-1.docker.io"
"""Where Docker Hub's registry answers; `docker.io` itself is a web site."""
HUB_LOGIN: Final = "https://index.docker.io/v1/"
"""The name under which `docker login` files Docker Hub."""


@dataclass(frozen=True, slots=True)
class RegistryAddress:
    """One repository in one registry."""

    name: str
    """`HOST[:PORT]` as references name it: `docker.io`."""
    host: str
    """`HOST[:PORT]` that is asked: `registry-1.docker.io`."""
    path: str
    """The repository's whole path: `library/nginx`."""

    @property
    def is_loopback(self) -> bool:
        """Whether the registry is on this machine."""
        return is_loopback(urlsplit(f"//{self.host}").hostname or "")

    @property
    def login_name(self) -> str:
        """The name that `docker login` and credential helpers know it by."""
        return HUB_LOGIN if self.name == DOCKER_HUB else self.name


def address_of(reference: ImageReference) -> RegistryAddress:
    """The address of the repository that a reference names."""
    host = HUB_HOST if reference.registry == DOCKER_HUB else reference.registry
    return RegistryAddress(reference.registry, host, reference.repository_name.removeprefix(f"{reference.registry}/"))
