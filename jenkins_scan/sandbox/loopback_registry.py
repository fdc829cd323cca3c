"""A real registry on loopback, read through the Docker Registry HTTP API V2: what a Harbor of the account would hold.

It is read with requests that change nothing and carry no credentials, and nothing but that one address is asked.
"""

import contextlib
import hashlib
import http.client
import re
import time
import uuid
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote, urljoin, urlsplit

from jenkins_scan import untrusted_json
from jenkins_scan.errors import ConfigurationError
from jenkins_scan.loopback import is_loopback
from jenkins_scan.sandbox.call import RegistryUnreadable
from jenkins_scan.sandbox.images import NAMESPACE, Image
from jenkins_scan.time_limit import TimeIsUp, within

INSTANCE_ID: Final = "harbor-sandbox"
SECONDS: Final = 10.0
"""How long one reading of the whole registry may take."""
LARGEST_ANSWER: Final = 4 * 1024 * 1024
MOST_REQUESTS: Final = 5000
OCI, DOCKER = "application/vnd.oci.image", "application/vnd.docker.distribution"
ACCEPT: Final = (
    f"{OCI}.manifest.v1+json, {OCI}.index.v1+json, {DOCKER}.manifest.v2+json, {DOCKER}.manifest.list.v2+json,"
    " application/json"
)
NEXT: Final = re.compile(r'<([^<>]+)>\s*;\s*rel="?next"?')
DIGEST: Final = re.compile("sha256:([0-9a-f]{64})")


class LoopbackRegistry:
    """The registry at `http://HOST:PORT`. Raises `ConfigurationError` (2) unless that is a loopback address.

    `seconds` and `requests` bound each reading.
    """

    def __init__(self, url: str, *, seconds: float = SECONDS, requests: int = MOST_REQUESTS) -> None:
        self._url = loopback_url(url)
        self._seconds = seconds
        self._requests = requests

    def images(self, digests: frozenset[str]) -> tuple[Image, ...]:
        """What each of its tags names, and those images among `digests`, 64 hex digits, that have no tag.

        Raises `RegistryUnreadable`: no answer, one that is not understood, too many or too large ones, too slow.
        """
        reading = _Reading(self._url, time.monotonic() + self._seconds, self._requests)
        try:
            return within(self._seconds, lambda: reading.all_images(digests))
        except TimeIsUp as exc:
            raise RegistryUnreadable(f"the registry at {self._url} was not read in {self._seconds:g} s") from exc
        except (OSError, ValueError, http.client.HTTPException) as exc:
            raise RegistryUnreadable(f"the registry at {self._url} cannot be read: {exc}") from exc


def loopback_url(url: str) -> str:
    """The URL without a slash at its end. Raises `ConfigurationError` (2) unless it is plain http on loopback."""
    with contextlib.suppress(ValueError):
        parts = urlsplit(url)
        plain = parts.scheme == "http" and is_loopback(parts.hostname or "") and parts.port != 0
        if plain and not (parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc):
            return f"http://{parts.netloc}"
    raise ConfigurationError(
        f"the sandbox reads a registry on loopback only, and {url!r} is not the URL of one.",
        remedy="Give http://127.0.0.1:PORT, without a path and without credentials.",
    )


class _Answer:
    """A JSON answer with its bytes and the address of the page behind it, if there is one."""

    def __init__(self, content: bytes, link: str | None) -> None:
        self.digest = hashlib.sha256(content).hexdigest()
        self.value: Any = untrusted_json.parse(content)
        following = NEXT.search(link or "")
        self.following = following[1] if following else None


class _Reading:
    """One walk through the registry, bounded in time and in requests."""

    def __init__(self, url: str, ends_at: float, requests: int) -> None:
        self._url = url
        self._ends_at = ends_at
        self._left = requests
        parts = urlsplit(url)
        # The plain connection of the standard library: it knows no proxies, no redirects and no credentials.
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80)

    def all_images(self, digests: frozenset[str]) -> tuple[Image, ...]:
        """Those by their tags, then those without one; the connection is closed then."""
        with contextlib.closing(self._connection):
            return tuple(self._images(digests))

    def _images(self, digests: frozenset[str]) -> Iterator[Image]:
        left = set(digests)
        repositories = list(self._listed("/v2/_catalog?n=100", "repositories"))
        for repository in repositories:
            for tag in self._listed(f"/v2/{quote(repository)}/tags/list?n=100", "tags"):
                image = self._image(repository, tag, tag=tag)
                if image is not None:
                    left.discard(image.digest)
                    yield image
        for digest in sorted(left):
            for repository in repositories:
                image = self._image(repository, f"sha256:{digest}", tag="")
                if image is not None:
                    yield image

    def _listed(self, path: str, name: str) -> Iterator[str]:
        """The texts under this name, on all pages; none where there is no such list."""
        following: str | None = path
        while following is not None:
            answer = self._get(following)
            if answer is None:
                return
            values = answer.value.get(name) or [] if isinstance(answer.value, dict) else None
            if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
                raise ValueError(f"{following} has no list of {name}")
            yield from values
            following = answer.following

    def _image(self, repository: str, reference: str, *, tag: str) -> Image | None:
        """The image behind a tag or a digest, if there is one."""
        answer = self._get(f"/v2/{quote(repository)}/manifests/{quote(reference, safe=':')}")
        if answer is None:
            return None
        config = answer.value.get("config") if isinstance(answer.value, dict) else None
        config_digest = DIGEST.fullmatch(str(config.get("digest"))) if isinstance(config, dict) else None
        namespace, slash, name = repository.partition("/")  # a project, and all the rest, as in Harbor
        return Image(
            digest=answer.digest,
            image_id=config_digest[1] if config_digest else "",
            namespace=namespace if slash else "",
            repo_name=name or namespace,
            tag=tag,
            registry_type="harbor",
            instance_id=INSTANCE_ID,
            repo_id=f"repo-{uuid.uuid5(NAMESPACE, repository).hex[:12]}",
        )

    def _get(self, path: str) -> _Answer | None:
        """The JSON answer, None for a 404. Raises `OSError`, `HTTPException` and `ValueError`."""
        url = urljoin(f"{self._url}/", path)
        if not url.startswith(f"{self._url}/v2/"):
            raise ValueError("it names another address as its next page")
        self._left -= 1
        seconds = self._ends_at - time.monotonic()
        if self._left < 0 or seconds <= 0:
            raise ValueError("it holds too much to read")
        self._connection.timeout = seconds
        self._connection.request("GET", url.removeprefix(self._url), headers={"Accept": ACCEPT})
        response = self._connection.getresponse()
        content = response.read(LARGEST_ANSWER + 1)
        if len(content) > LARGEST_ANSWER:
            raise ValueError(f"{path} is larger than {LARGEST_ANSWER} bytes")
        if response.status == http.client.NOT_FOUND:
            return None
        if response.status != http.client.OK:
            raise ValueError(f"{path} got the status {response.status}")
        return _Answer(content, response.headers.get("Link"))
