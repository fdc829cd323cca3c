"""An image in a registry: `registry://NAME`, and the proof that an image from elsewhere was pushed.

Three or four small reads: the digest of the tag, its manifest, for an index the platform's manifest, and the config.
No layer is fetched.
"""

from dataclasses import replace
from typing import Final

from jenkins_scan.errors import ImageMoved, ImageNotFound, IncompleteError, UsageError, WrongPlatform
from jenkins_scan.images import fields, manifests
from jenkins_scan.images.interface import ImageIdentity, Platform, ResolvedImage, SizeSemantics, Store
from jenkins_scan.images.manifests import Config
from jenkins_scan.images.reference import ImageReference
from jenkins_scan.images.registry.access import Access
from jenkins_scan.images.registry.repository import RemoteImage, Repository

_PUSH: Final = "Push this very image under this name first; nothing may build or tag it anew in between."


class RegistrySource:
    """An image as its registry knows it."""

    def __init__(
        self,
        reference: ImageReference,
        access: Access,
        platform: Platform | None = None,
        *,
        typed: str,
    ) -> None:
        _require_sha256(reference)
        self._reference = reference
        self._platform = platform
        self._typed = typed
        self._repository = Repository(reference, access)

    def resolve(self) -> ResolvedImage:
        """The image's identity.

        Raises `errors.ImageError` (13); `errors.UsageError` (2) where a choice is missing or a login file is broken.
        """
        image = self._repository.image(self._platform)
        config = self._repository.config(image.manifest)
        manifests.require_platform(config.platform, self._platform, self._typed)
        identity = ImageIdentity(
            reference=self._typed,
            canonical=self._reference.canonical,
            image_id=None,
            store=Store.UNKNOWN,
            config_digest=config.digest,
            manifest_digest=image.digest,
            manifest_kind="manifest",
            index_digest=image.index_digest,
            registry_digest=image.digest,
            registry_digest_from="registry",
            diff_ids=config.diff_ids,
            platform=config.platform,
            created=config.created,
            size=image.manifest.config.size + sum(layer.size for layer in image.manifest.layers),
            size_semantics=SizeSemantics.COMPRESSED_CONTENT,
        )
        return ResolvedImage(identity, self._reference, _of_index(self._reference, image, config.platform))

    def look_again(self, identity: ImageIdentity) -> None:
        """Nothing, while the tag still names what `identity` says; a digest cannot come to mean anything else.

        Raises `errors.ImageMoved` (17) when it names another manifest or index, `errors.ImageError` (13) when the
        registry cannot be asked or has it no more.
        """
        if self._reference.digest is not None:
            return
        before, now = identity.index_digest or identity.registry_digest, self._repository.named_digest()
        if before != now:
            raise ImageMoved(f"{self._typed} named {before} when it was identified, and names {now} now.")


def confirm_push(image: ResolvedImage, access: Access) -> ResolvedImage:
    """`image` with the digest that its registry holds it by.

    The proof is an equal config digest, else equal diff ids: a push from the containerd store names no config digest
    here, and one that converts the format writes a new config. Raises `errors.UsageError` (2) for an image without a
    name, `errors.IncompleteError` (17) when the registry has no such image or another one, `errors.RegistryRefused`
    and other `errors.ImageError` (13) when it cannot be asked or its answer cannot be understood.
    """
    name, identity = image.name, image.identity
    if name is None:
        raise UsageError(
            f"{identity.reference} has no name: --pushed cannot tell which registry to ask.",
            remedy="Name the image as it was pushed: HOST/PATH:TAG.",
        )
    _require_sha256(name)
    if identity.config_digest is None and not identity.diff_ids:
        raise IncompleteError(
            f"Of {identity.reference} neither its config digest nor its layers are known: a push cannot be confirmed.",
            remedy="Ask the engine that built it, or scan the pushed image itself with registry://NAME.",
        )
    repository = Repository(name, access)
    try:
        remote = repository.image(identity.platform)
    except ImageNotFound as exc:
        raise IncompleteError(f"{name.canonical} was not pushed: {exc.message}", remedy=_PUSH) from exc
    except (WrongPlatform, UsageError) as exc:
        if not isinstance(exc, WrongPlatform) and type(exc) is not UsageError:  # a login file that cannot be read
            raise
        raise IncompleteError(f"{name.canonical} was not pushed for one platform: {exc.message}", remedy=_PUSH) from exc
    warnings = (*image.warnings, *_of_index(name, remote, identity.platform))
    if identity.config_digest != remote.manifest.config.digest:
        config = repository.config(remote.manifest)
        _require_same_layers(name, identity, remote, config)
        if identity.config_digest is not None:
            warnings = (*warnings, _converted(name, identity.config_digest, config))
    confirmed = replace(
        identity,
        registry_digest=remote.digest,
        registry_digest_from="registry",
        index_digest=remote.index_digest or identity.index_digest,
    )
    return replace(image, identity=confirmed, warnings=warnings)


def _require_same_layers(name: ImageReference, identity: ImageIdentity, remote: RemoteImage, config: Config) -> None:
    if identity.diff_ids and identity.diff_ids == config.diff_ids:
        return
    local = identity.config_digest or identity.image_id or "no digest known"
    raise IncompleteError(
        f"{name.canonical} in the registry is another image: its config is {config.digest} (manifest {remote.digest}), "
        f"the local image is {local}, and their layers differ.",
        remedy=_PUSH,
    )


def _converted(name: ImageReference, local: str, config: Config) -> str:
    return (
        f"{name.canonical} in the registry has the same layers, but the config {config.digest} instead of {local}: the "
        "push converted its format, or changed its settings."
    )


def _of_index(name: ImageReference, image: RemoteImage, platform: Platform | None) -> tuple[str, ...]:
    if image.index_digest is None:
        return ()
    of_platform = "" if platform is None else f" of {platform}"
    return (
        f"{name.canonical} names the index {image.index_digest}; looked at is its image {image.digest}{of_platform}.",
    )


def _require_sha256(reference: ImageReference) -> None:
    if reference.digest is not None and not fields.SHA256.fullmatch(reference.digest):
        raise UsageError(
            f"{reference} has a digest other than sha256, which cannot be asked for.",
            remedy="Name the image by its tag, or by its sha256 digest.",
        )
