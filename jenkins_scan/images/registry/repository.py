"""One repository of a registry, read by the OCI distribution specification 1.1: manifests and config blobs.

A blob counts by its own sha256, never by a header. Without the four media types in `Accept`, registry 2.x answers with
a schema 1 manifest and another digest.
"""

from dataclasses import dataclass
from typing import Final

from jenkins_scan.errors import ImageError, RegistryRefused, UnreadableImage
from jenkins_scan.images import fields, manifests
from jenkins_scan.images.interface import Platform
from jenkins_scan.images.manifests import Config, Descriptor, Index, Manifest
from jenkins_scan.images.reference import ImageReference
from jenkins_scan.images.registry import faults
from jenkins_scan.images.registry.access import Access
from jenkins_scan.images.registry.address import address_of
from jenkins_scan.images.registry.auth import Authenticator
from jenkins_scan.images.registry.http import Answer, RegistryHttp

MOST_REDIRECTS: Final = 3
DEEPEST: Final = 3
"""Indexes on the way to an image."""
_ACCEPT: Final = ", ".join((*manifests.MANIFEST_TYPES, *manifests.INDEX_TYPES))
_SCHEMA_1: Final = "application/vnd.docker.distribution.manifest.v1+"
_OK: Final = 200
_REDIRECTS: Final = (301, 302, 303, 307, 308)


@dataclass(frozen=True, slots=True)
class RemoteImage:
    """The image of one platform in a registry."""

    digest: str
    """Of its manifest."""
    manifest: Manifest
    named: str
    """The digest of what the reference names: an index, or the manifest itself."""

    @property
    def index_digest(self) -> str | None:
        """The digest of the index that the reference names; None when it names the manifest."""
        return None if self.named == self.digest else self.named


class Repository:
    """The repository that a reference names, in its registry."""

    def __init__(
        self,
        reference: ImageReference,
        access: Access,
    ) -> None:
        self._reference = reference
        self._address = address_of(reference)
        self._access = access
        self._http = RegistryHttp(self._address, access)
        self._authenticator = Authenticator(self._address, self._http, access)
        self._authorization: str | None = None

    def named_digest(self) -> str:
        """The digest of the manifest or index that the tag means now. Raises `errors.ImageError` (13)."""
        return self._head() or manifests.digest_of(self._manifest(self._tag).body)

    def image(self, platform: Platform | None) -> RemoteImage:
        """The image that the reference means, for `platform`.

        Raises `errors.ImageError` (13), `errors.UsageError` (2) where `platform` has to choose among several.
        """
        asked = self._reference.digest or self._head()
        # What HEAD named is asked for by its digest: so a tag that moves in between cannot lead to something else.
        answer = self._manifest(asked or self._tag)
        named = self._checked_digest(answer, asked)
        found, digest = manifests.parse_manifest(answer.body, answer.media_type or None), named
        for _ in range(DEEPEST):
            if isinstance(found, Manifest):
                return RemoteImage(digest, found, named)
            chosen = manifests.choose(found.manifests, platform, f"The index {digest} of {self._reference.canonical}")
            found, digest = self._child(chosen), chosen.digest
        if isinstance(found, Manifest):
            return RemoteImage(digest, found, named)
        raise UnreadableImage(
            f"{self._reference.canonical} is an index of indexes, {DEEPEST} deep and more.",
            remedy="Push the image itself, or one index of images.",
        )

    def config(self, manifest: Manifest) -> Config:
        """The config of an image, checked by its digest. Raises `errors.ImageError` (13)."""
        descriptor = manifest.config
        _require_small(descriptor, manifests.LARGEST_CONFIG, "config")
        content = self._blob(descriptor, manifests.LARGEST_CONFIG)
        return manifests.parse_config(manifests.checked(content, descriptor, "The config"), manifest)

    @property
    def _tag(self) -> str:
        return self._reference.tag or "latest"

    def _head(self) -> str | None:
        """The digest that the registry gives for the tag; None where it has no HEAD or gives no sha256 digest."""
        answer = self._ask("HEAD", f"manifests/{self._tag}", _ACCEPT, manifests.LARGEST_MANIFEST)
        digest = answer.headers.get("docker-content-digest", "")
        # Every failure is left to GET, whose answer says in its body why.
        return digest if answer.status == _OK and fields.SHA256.fullmatch(digest) else None

    def _manifest(self, name: str) -> Answer:
        answer = self._ask("GET", f"manifests/{name}", _ACCEPT, manifests.LARGEST_MANIFEST)
        if answer.status in _REDIRECTS:
            raise RegistryRefused(
                f"The registry {self._address.name} sends us elsewhere for a manifest; only blobs may lie elsewhere.",
                remedy="Name the registry that holds the image itself.",
            )
        if answer.status != _OK:
            raise self._failed(answer, f"manifest {name}")
        if answer.media_type.startswith(_SCHEMA_1):
            raise UnreadableImage(
                f"The registry {self._address.name} has only a schema 1 manifest of {self._reference.canonical}, which "
                "names no config.",
                remedy="Push the image anew with a current Docker: schema 1 has been given up since 2019.",
            )
        if answer.media_type == "text/html":
            raise faults.no_registry(self._address.host, "it answered with a web page")
        return answer

    def _checked_digest(self, answer: Answer, asked: str | None) -> str:
        """The digest of the manifest in `answer`, which has to be the one asked for."""
        found = manifests.digest_of(answer.body)
        claimed = answer.headers.get("docker-content-digest", "")
        promised = asked or (claimed if fields.SHA256.fullmatch(claimed) else found)
        if found != promised:
            raise UnreadableImage(
                f"The registry {self._address.name} gave a manifest of the digest {found} for {promised}.",
                remedy="Its store or something on the way is damaged: push the image again, and look for a proxy.",
            )
        return found

    def _child(self, descriptor: Descriptor) -> Manifest | Index:
        _require_small(descriptor, manifests.LARGEST_MANIFEST, "manifest")
        answer = self._manifest(descriptor.digest)
        content = manifests.checked(answer.body, descriptor, "The manifest")
        return manifests.parse_manifest(content, descriptor.media_type)

    def _blob(self, descriptor: Descriptor, limit: int) -> bytes:
        answer = self._ask("GET", f"blobs/{descriptor.digest}", "*/*", limit)
        own = True
        for _ in range(MOST_REDIRECTS):
            if answer.status not in _REDIRECTS:
                break
            url = self._http.followed(answer.headers.get("location", ""), "the place of a blob", answer.url)
            self._access.redact(url.query.decode())  # it is signed: whoever has it can read the blob
            own = own and self._http.is_own(url)
            headers = {"accept": "*/*"} | (self._credentials if own else {})
            answer = self._http.ask("GET", url, headers=headers, limit=limit)
        if answer.status in _REDIRECTS:
            raise RegistryRefused(
                f"The registry {self._address.name} redirects more than {MOST_REDIRECTS} times.",
                remedy="Repair the registry's settings for the place of its blobs.",
            )
        if answer.status != _OK:
            raise self._failed(answer, f"config {descriptor.digest}")
        return answer.body

    def _ask(self, method: str, what: str, accept: str, limit: int) -> Answer:
        """The answer to a request for a part of this repository, with credentials once the registry asked for them."""
        url, headers = self._http.url(f"/v2/{self._address.path}/{what}"), {"accept": accept}
        answer = self._http.ask(method, url, headers=headers | self._credentials, limit=limit)
        if answer.status == faults.UNAUTHORIZED:  # at first, and when a token has expired
            self._authorization = self._authenticator.authorization(answer)
            answer = self._http.ask(method, answer.url, headers=headers | self._credentials, limit=limit)
            if answer.status == faults.UNAUTHORIZED:  # the same once more could lock the account
                raise self._failed(answer, "the image")
        return answer

    @property
    def _credentials(self) -> dict[str, str]:
        return {} if self._authorization is None else {"authorization": self._authorization}

    def _failed(self, answer: Answer, what: str) -> ImageError:
        return faults.failed(answer, self._address, what, self._authenticator.tried)


def _require_small(descriptor: Descriptor, limit: int, what: str) -> None:
    if descriptor.size > limit:
        raise UnreadableImage(
            f"The {what} {descriptor.digest} has {descriptor.size} bytes; at most {limit} are read.",
            remedy="No builder writes such an image: look at how it was made.",
        )
