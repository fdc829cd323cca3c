"""From an engine's answer to the identity record: what the answer proves about the name that was asked for."""

from collections.abc import Iterable
from dataclasses import dataclass

from jenkins_scan.errors import UnreadableImage
from jenkins_scan.images.engine.inspect_body import InspectedImage
from jenkins_scan.images.fields import SHA256
from jenkins_scan.images.interface import EngineInfo, ImageIdentity, ResolvedImage, Store
from jenkins_scan.images.reference import ImageId, ImageReference, parse_references


@dataclass(frozen=True, slots=True)
class RegistryDigest:
    """The digest that a registry is known to hold for a repository; else None, with a warning where one helps."""

    digest: str | None
    warning: str | None = None


def identify(
    image: InspectedImage,
    reference: ImageReference | ImageId,
    *,
    typed: str,
    store: Store,
    engine: EngineInfo,
) -> ResolvedImage:
    """The identity of `image`, which an engine gave for `reference`; `typed` is what the user wrote.

    Raises `errors.UnreadableImage` (13) for an image that does not have the id that was asked for.
    """
    name, doubt = _name(image, reference, store)
    registry = RegistryDigest(None)
    if name is not None and store is Store.GRAPHDRIVER:
        registry = registry_digest(name, image.repo_digests)
    identity = ImageIdentity(
        reference=typed,
        canonical=None if name is None else name.canonical,
        image_id=image.image_id,
        store=store,
        config_digest=image.config_digest,
        manifest_digest=image.manifest_digest,
        manifest_kind=image.manifest_kind,
        repo_digests=image.repo_digests,
        registry_digest=registry.digest,
        registry_digest_from=None if registry.digest is None else "graphdriver_repo_digest",
        diff_ids=image.diff_ids,
        platform=image.platform,
        created=image.created,
        last_tagged=image.last_tagged,
        size=image.size,
        size_semantics=image.size_semantics,
        engine=engine,
    )
    return ResolvedImage(identity, name, tuple(text for text in (doubt, registry.warning) if text is not None))


def registry_digest(reference: ImageReference, repo_digests: Iterable[str]) -> RegistryDigest:
    """What `RepoDigests` of the graphdriver store proves for the repository of `reference`, and for no other.

    Only there an entry means a push or a pull; containerd and podman fill the field before either (moby/moby#45122).
    """
    name = reference.repository_name
    own = (entry.digest for entry in parse_references(repo_digests) if entry.repository_name == name)
    known = {digest for digest in own if digest is not None and SHA256.fullmatch(digest)}
    if reference.digest is not None:
        return RegistryDigest(reference.digest if reference.digest in known else None)
    if len(known) > 1:
        listed = ", ".join(sorted(known))
        return RegistryDigest(None, f"{name} has several digests here ({listed}): the registry digest is not known.")
    return RegistryDigest(next(iter(known), None))


def is_named(reference: ImageReference, image: InspectedImage, store: Store) -> bool:
    """Whether the image carries the name that was asked for, and was not found under an id or another name."""
    own = {reference.repository_name}
    if store is Store.PODMAN and reference.typed_registry is None:
        own.add(f"localhost/{reference.path}")  # podman's own place for names without a registry
    if reference.digest is not None:
        return any(entry.repository_name in own for entry in parse_references(image.repo_digests))
    tags = parse_references(image.repo_tags)
    return any(entry.repository_name in own and entry.sent_tag == reference.sent_tag for entry in tags)


def _name(
    image: InspectedImage, reference: ImageReference | ImageId, store: Store
) -> tuple[ImageReference | None, str | None]:
    """The name to keep, and a warning where the engine answered with something else than that name."""
    if isinstance(reference, ImageId):
        other = image.image_id != reference.digest
        if other and reference.digest not in _digests(image):
            raise UnreadableImage(
                f"The engine was asked for {reference} and answered with another image, {image.image_id}.",
                remedy="Ask with `docker image inspect` what it knows, or name the image instead of its id.",
            )
        return None, f"The engine answered {reference} with the image {image.image_id}." if other else None
    if is_named(reference, image, store):
        return reference, None
    prefix = reference.id_prefix
    if prefix is not None and image.image_id.startswith(f"sha256:{prefix}"):
        return None, f"{reference} is no name here but the beginning of the image id {image.image_id}."
    listed = ", ".join(image.repo_tags) or "an image without a name"
    return reference, f"The engine answered {reference} with what it lists as {listed}."


def _digests(image: InspectedImage) -> set[str | None]:
    """All that the image may be asked for by: its parts', and those that a push or a pull gave it."""
    listed = {entry.digest for entry in parse_references(image.repo_digests)}
    return {image.config_digest, image.manifest_digest, *listed}
