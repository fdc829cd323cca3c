"""Which images a registry scan is of: named by reference, by digest, or by tags that the service has to look up."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from jenkins_scan.errors import ConfigurationError, IncompleteError, InternalError
from jenkins_scan.images.interface import ImageIdentity, RegistryDigestFrom, ResolvedImage, Store
from jenkins_scan.images.registry.acr import acr_host
from jenkins_scan.security_center.interface import ImageList, ScanRequest
from jenkins_scan.security_center.registry_scans import ImageFilter, RegistryImage
from jenkins_scan.step.record import ImageRun
from jenkins_scan.step.submission import NAMED, Submission

ACR: Final = "acr"


@dataclass(frozen=True, slots=True)
class Place:
    """Where an image lies, in the words of Security Center."""

    registry_type: str | None
    region_id: str | None
    namespace: str | None
    repo_name: str
    tag: str | None
    digest: str
    """64 hex digits."""


def place_of(found: ResolvedImage, wanted: ImageFilter) -> Place:
    """Where this image of a registry lies; `wanted` is what options say of it.

    The first part of the path is the namespace (ACR), project (Harbor) or organisation (Quay), the rest the repository.
    Raises `ConfigurationError` (2) when the host says another type or region.
    """
    name, digest = found.name, found.identity.registry_digest
    if name is None or digest is None:
        raise InternalError("an image was found in a registry without a name or a digest.")
    host, types, regions = acr_host(name.registry), wanted.registry_types, wanted.region_ids
    if host is not None and types and ACR not in types:
        raise ConfigurationError(
            f"--registry-type {types[0]}: {name.registry} is a host of ACR.", remedy="Leave --registry-type out."
        )
    if host is not None and regions and host.region not in regions:
        raise ConfigurationError(
            f"--region-id {regions[0]}: {name.registry} is in {host.region}.", remedy="Leave --region-id out."
        )
    only = types[0] if len(types) == 1 else None
    namespace, _, repo_name = name.path.partition("/")
    return Place(
        registry_type=only if host is None else ACR,
        region_id=None if host is None else host.region,
        namespace=namespace if repo_name else None,
        repo_name=repo_name or namespace,
        tag=name.sent_tag or name.tag,
        digest=digest.removeprefix("sha256:"),
    )


def submission_of(place: Place, found: ResolvedImage) -> Submission:
    """What names this image to the service: its registry has said the digest.

    The tag does not: the service may list the digest under another one, and it is the same image. Nor do the names
    where the kind of the registry is not known: the service may have names of its own for them.
    """
    config = found.identity.config_digest
    request = ScanRequest(
        namespace=place.namespace if place.registry_type else None,
        repo_name=place.repo_name if place.registry_type else None,
        digest=place.digest,
        image_id=None if config is None else config.removeprefix("sha256:"),
    )
    return Submission(request, found.identity.registry_digest_from)


def filter_of(places: Sequence[Place], wanted: ImageFilter) -> ImageFilter:
    """The filter that means these images, narrowed by what options say; without images that of the options alone.

    Names are sent only where the kind of every registry is known: what is a namespace differs between kinds.
    """
    if not places:
        return wanted
    known = all(place.registry_type for place in places)
    return ImageFilter(
        registry_types=wanted.registry_types or _of_all(place.registry_type for place in places),
        region_ids=wanted.region_ids or (_of_all(place.region_id for place in places) if known else ()),
        instance_ids=wanted.instance_ids,
        repo_namespaces=_of_all(place.namespace for place in places) if known else (),
        repo_ids=wanted.repo_ids,
        repo_names=_of_all(place.repo_name for place in places) if known else (),
        digests=_of_all(place.digest for place in places),
        source_ip=wanted.source_ip,
    )


def images_named(wanted: ImageFilter) -> list[ImageRun]:
    """The images that options name by digest; else one that stands for all that the filter means."""
    if not wanted.digests:
        return [ImageRun(label_of(wanted))]
    place = ScanRequest(
        namespace=_only(wanted.repo_namespaces), repo_name=_only(wanted.repo_names), tag=_only(wanted.tags)
    )
    return [_named(place, digest, NAMED) for digest in wanted.digests]


def images_listed(listed: ImageList, how: RegistryDigestFrom) -> list[ImageRun]:
    """The images as the service lists them. Raises `IncompleteError` (17) where it lists not all of them by digest."""
    runs = []
    for each in listed.images:
        name, digest = each.status.name, each.status.digest
        if digest is not None and name is not None:
            place = ScanRequest(namespace=name.namespace, repo_name=name.repo_name, tag=name.tag)
            runs.append(_named(place, digest, how))
    if runs and listed.complete and len(runs) == len(listed.images):
        return runs
    why = " ".join(listed.complaints) or f"{len(runs)} of {len(listed.images)} are listed with name and digest."
    raise IncompleteError(f"which images these filters mean is not known: {why}", remedy="Name the images by --digest.")


def for_sync(places: Sequence[Place], wanted: ImageFilter) -> RegistryImage:
    """The one image of `--sync` with its place in full. Raises `ConfigurationError` (2) for what is not known."""
    place = places[0] if places else None
    return RegistryImage(
        registry_type=_required("registry-type", wanted.registry_types),
        region_id=_required("region-id", wanted.region_ids),
        instance_id=_required("instance-id", wanted.instance_ids),
        repo_namespace=_required("repo-namespace", wanted.repo_namespaces if place is None else [place.namespace]),
        repo_id=_required("repo-id", wanted.repo_ids),
        repo_name=_required("repo-name", wanted.repo_names if place is None else [place.repo_name]),
        digest=_required("digest", wanted.digests),
        tag=_required("tag", wanted.tags if place is None else [place.tag]),
    )


def different(images: Sequence[ImageRun]) -> int:
    """How many images these are by digest: several of them may be names of one."""
    return len({None if image.submission is None else image.submission.request.digest for image in images})


def label_of(wanted: ImageFilter) -> str:
    """The filter as a report shows it: `repoNamespace=team repoName=app tag=1,2`."""
    return " ".join(f"{name}={','.join(values)}" for name, values in wanted.named.items()) or "every image"


def _named(place: ScanRequest, digest: str, how: RegistryDigestFrom) -> ImageRun:
    repository = "/".join(part for part in (place.namespace, place.repo_name) if part)
    tag = f":{place.tag}" if place.tag and repository else ""
    label = f"{repository}{tag}@sha256:{digest}" if repository else f"sha256:{digest}"
    identity = ImageIdentity(
        reference=label,
        canonical=None,
        image_id=None,
        store=Store.UNKNOWN,
        registry_digest=f"sha256:{digest}",
        registry_digest_from=how,
    )
    request = ScanRequest(namespace=place.namespace, repo_name=place.repo_name, tag=place.tag, digest=digest)
    return ImageRun(label, identity=identity, submission=Submission(request, how))


def _of_all(values: Iterable[str | None]) -> tuple[str, ...]:
    """Each value once; none where one is not known, as the filter would leave that image out."""
    every = dict.fromkeys(values)
    return () if None in every else tuple(value for value in every if value)


def _only(values: Sequence[str]) -> str | None:
    return values[0] if len(values) == 1 else None


def _required(option: str, values: Sequence[str | None]) -> str:
    value = values[0] if len(values) == 1 else None
    if value is None:
        raise ConfigurationError(
            f"--sync needs the place of the image in full, and its {option.replace('-', ' ')} is not known.",
            remedy=f"Add --{option}, or, for a tag, name the image with it.",
        )
    return value
