"""The images in the registries of the account, and which of them a call is about."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from typing import Final

from jenkins_scan.sandbox.assets import Asset, assets
from jenkins_scan.sandbox.call import Call, RegistryUnreadable
from jenkins_scan.sandbox.images import CI_CD, INSTANCE_ID, REGION, REPO_ID, Image, bare, made_up_digest
from jenkins_scan.sandbox.messages import Refused

TYPES: Final = ("acr", "harbor", "quay")
FILTERS: Final[Mapping[str, Callable[[Image], str]]] = {
    "RegistryTypes": lambda image: image.registry_type,
    "RegionIds": lambda image: image.region_id,
    "InstanceIds": lambda image: image.instance_id,
    "RepoNamespaces": lambda image: image.namespace,
    "RepoIds": lambda image: image.repo_id,
    "RepoNames": lambda image: image.repo_name,
    "Digests": lambda image: image.digest,
    "Tags": lambda image: image.tag,
}
"""The request parameters of the precheck and of the create, and what they are compared with."""


def selected_images(call: Call) -> tuple[Image, ...]:
    """The images that the filters of a precheck or create admit, each once; all there are when there is no filter.

    Raises `Refused`: an unknown registry type (a choice of the sandbox), or a registry that cannot be read.
    """
    if unknown := [word for word in call.values("RegistryTypes") if word not in TYPES]:
        raise Refused(400, "InvalidRegistryTypes", f"Specified RegistryTypes is not valid: {unknown[0]!r}.")
    digests = call.values("Digests")
    if call.conditions.account.synchronised and has_registries(call):
        return once(admitted(call, held_images(call, digests)))
    known = admitted(call, known_images(call))
    if call.values("Tags") and not digests:
        known = newest_in_each_place(known)
    if call.conditions.account.synchronised:
        known = [*known, *asked_for(call, known)]
    return once(known)


def admitted(call: Call, images: Iterable[Image]) -> list[Image]:
    """Those that every filter of the call lets through."""
    return [image for image in images if all(call.allows(name, of(image)) for name, of in FILTERS.items())]


def once(images: Iterable[Image]) -> tuple[Image, ...]:
    """Each image by the first of its names."""
    found: dict[str, Image] = {}
    for image in images:
        found.setdefault(image.key, image)
    return tuple(found.values())


def has_registries(call: Call) -> bool:
    """Whether it is known what the account's registries hold; else an image that is asked for exists."""
    return bool(call.conditions.registry) or call.registry is not None


def held_images(call: Call, digests: Iterable[str] = ()) -> tuple[Image, ...]:
    """What the registries of the scenario and the real one hold, by each name. Raises `Refused`.

    An image without a tag is known to the real one alone, and only if it is among `digests`.
    """
    declared = tuple(image for registry in call.conditions.registry for image in registry.images)
    if call.registry is None:
        return declared
    try:
        return declared + call.registry.images(frozenset(digests))
    except RegistryUnreadable as exc:
        raise Refused(500, "ServerError", f"ServerError: {exc}") from exc


def known_images(call: Call) -> list[Image]:
    """The images in registries that tasks were opened for, the newest first; of a call with digests only theirs."""
    found = assets(call, digests=call.values("Digests"))
    return [asset.image for asset in found if asset.image.registry_type != CI_CD]


def newest_in_each_place(images: Iterable[Image]) -> list[Image]:
    """Without those whose tag a newer one has."""
    found: dict[tuple[str, ...], Image] = {}
    for image in images:
        found.setdefault(image.place, image)
    return list(found.values())


def asked_for(call: Call, known: Iterable[Image]) -> list[Image]:
    """One image for each digest that is named, else for each tag that none of `known` has.

    The first value of each other filter is its name there, and a tag alone gets a digest that stays the same.
    """
    if digests := call.values("Digests"):
        return [image_named(call, digest=digest) for digest in digests if bare(digest)]
    tagged = {image.tag for image in known}
    images = [image_named(call, tag=tag) for tag in call.values("Tags") if tag not in tagged]
    return [made_up_digest(image) for image in images]


def image_named(call: Call, *, digest: str = "", tag: str | None = None) -> Image:
    """An image by the first values of the filters, with names of the sandbox for what is not filtered."""

    def first(name: str, default: str) -> str:
        return next(iter(call.values(name)), default)

    return Image(
        digest=digest,
        namespace=first("RepoNamespaces", "sandbox-namespace"),
        repo_name=first("RepoNames", "sandbox-repo"),
        tag=first("Tags", "latest") if tag is None else tag,
        registry_type=first("RegistryTypes", "acr"),
        region_id=first("RegionIds", REGION),
        instance_id=first("InstanceIds", INSTANCE_ID),
        repo_id=first("RepoIds", REPO_ID),
    )


def listed_assets(call: Call, digests: Collection[str] = ()) -> tuple[Asset, ...]:
    """The images with a scan, the newest first, and then what the account knows of its registries, by each name.

    With `digests` at least those that have one of them. Raises `Refused`, as `held_images` does.
    """
    scanned = assets(call, digests=digests)
    if not call.conditions.account.synchronised:
        return scanned
    by_uuid = {asset.image.asset_uuid: asset for asset in scanned}
    held = (replace(by_uuid.get(image.asset_uuid, Asset(image)), image=image) for image in held_images(call))
    return *scanned, *held


def synchronised_images(call: Call, named: Iterable[Image]) -> tuple[Image, ...]:
    """Those of the named images that are where they are said to be, each once. Raises `Refused`, as `held_images` does.

    That is all of them where it is not known what the registries hold; none with a prefix such as `sha256:`.
    """
    found = [image for image in named if bare(image.digest)]
    if has_registries(call):
        held = {
            (image.digest, image.namespace, image.repo_name): image
            for image in held_images(call, [image.digest for image in found])
        }
        pairs = [(image, held.get((image.digest, image.namespace, image.repo_name))) for image in found]
        found = [replace(image, image_id=there.image_id) for image, there in pairs if there is not None]
    return once(found)
