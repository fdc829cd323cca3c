"""What a builder's file claims, held against the image that was found.

A claim that contradicts the image ends the run (17): the file is of another build, or the name means another image by
now. One that agrees is no proof: whoever can write the workspace can write the file. A registry digest from such a file
is sent like `--digest`, and counts only when the service's own record has the image's config digest.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import ClassVar, Protocol

from jenkins_scan.errors import IncompleteError, UsageError
from jenkins_scan.images.interface import ImageIdentity, RegistryDigestFrom, ResolvedImage
from jenkins_scan.images.reference import ImageReference

_REMEDY = "Give the file that the build of this very image wrote, or leave --build-metadata out."


class BuildMetadata(Protocol):
    """A builder's file, read."""

    names_images: ClassVar[bool]
    """Whether it says which image is meant; one that does not cannot be held against several."""

    def applied_to(self, image: ResolvedImage) -> ResolvedImage:
        """The image with what the file adds to it.

        Raises `errors.IncompleteError` (17) when the file is not of this image, `errors.UsageError` (2) when it cannot
        be told which of its builds is.
        """
        ...


@dataclass(frozen=True, slots=True)
class Build:
    """One build, as buildx reports it."""

    config_digest: str | None
    """Of the image config. Missing for several platforms at once."""
    target_digest: str | None
    """Of the manifest or index that was exported."""
    names: tuple[ImageReference, ...]


@dataclass(frozen=True, slots=True)
class BuildxMetadata:
    """The builds of one run of buildx: one, or one for each target of bake."""

    names_images: ClassVar[bool] = True
    builds: tuple[Build, ...]

    def applied_to(self, image: ResolvedImage) -> ResolvedImage:
        """The image with the digest of the exported manifest as a claim, where the build has a name of its repository.

        The config digest has to be the image's. buildx writes the same file whether it pushed, loaded or did neither,
        and what it loads may differ from what it pushes (docker/build-push-action#770): so the digest is no proof.
        """
        build = self._choose(image)
        identity = image.identity
        if build.config_digest is not None and identity.config_digest is not None:
            if build.config_digest != identity.config_digest:
                raise _contradiction(image, f"the config {build.config_digest}", identity.config_digest)
            agreed = True
        else:
            agreed = build.target_digest is not None and build.target_digest in _own_digests(identity)
        ours = _of_repository(build.names, image.name)
        if not agreed and not ours:
            raise IncompleteError(
                f"The build metadata says nothing of {identity.reference!a}: neither a digest nor a name in it is of "
                "this image.",
                remedy=_REMEDY,
            )
        warnings = () if agreed else (_unconfirmed(build, identity),)
        if build.target_digest is not None and ours:
            image = _claimed(image, build.target_digest, "buildx_metadata")
        return replace(image, warnings=(*image.warnings, *warnings))

    def _choose(self, image: ResolvedImage) -> Build:
        if len(self.builds) == 1:
            return self.builds[0]
        name = image.name
        same_tag = [build for build in self.builds if any(_same(other, name, tag=True) for other in build.names)]
        fitting = same_tag or [build for build in self.builds if _of_repository(build.names, name)]
        if not fitting and image.identity.config_digest is not None:
            fitting = [build for build in self.builds if build.config_digest == image.identity.config_digest]
        if len(fitting) == 1:
            return fitting[0]
        listed = ", ".join(str(other) for build in self.builds[:20] for other in build.names) or "no name"
        if fitting:
            raise UsageError(
                f"Several targets of the build metadata are {_label(image)}.",
                remedy="Give each target its own tag.",
            )
        raise IncompleteError(
            f"No target of the build metadata is {_label(image)}, but: {listed}.",
            remedy=_REMEDY,
        )


@dataclass(frozen=True, slots=True)
class DigestFile:
    """A file with a digest and nothing else.

    It does not say whether that is an image id (`--iidfile`) or the digest of a push (`--digestfile`), nor of which
    repository. It can agree with the image; it cannot contradict it, except where the registry's digest is known.
    """

    names_images: ClassVar[bool] = False
    digest: str

    def applied_to(self, image: ResolvedImage) -> ResolvedImage:
        """The image as it is when this is one of its digests; else with it as a claim of a push."""
        if self.digest in _own_digests(image.identity):
            return image
        claimed = _claimed(image, self.digest, "digest_file")
        warning = (
            f"The build metadata holds {self.digest}, which is none of the image's own digests: it is taken for "
            "the one that a push gave."
        )
        return claimed if claimed is image else replace(claimed, warnings=(*claimed.warnings, warning))


@dataclass(frozen=True, slots=True)
class NamedDigests:
    """The digests that a push gave, each with its repository."""

    names_images: ClassVar[bool] = True
    names: tuple[ImageReference, ...]

    def applied_to(self, image: ResolvedImage) -> ResolvedImage:
        """The image with the digest of its own repository as a claim."""
        same_tag = {name.digest for name in self.names if _same(name, image.name, tag=True)}
        digests = same_tag or {name.digest for name in _of_repository(self.names, image.name)}
        if len(digests) != 1:
            found = "several digests" if digests else "no digest"
            listed = ", ".join(map(str, self.names[:20]))
            raise IncompleteError(
                f"The build metadata has {found} for {_label(image)}: {listed}.",
                remedy=_REMEDY,
            )
        (digest,) = digests
        return image if digest is None else _claimed(image, digest, "digest_file")


def _label(image: ResolvedImage) -> str:
    return ascii(image.identity.reference) if image.name is None else str(image.name)


def _claimed(image: ResolvedImage, digest: str, source: RegistryDigestFrom) -> ResolvedImage:
    known = image.identity.registry_digest
    # buildx names the index that it pushed, in which the image of each platform has a digest of its own.
    if digest in (known, image.identity.index_digest):
        return image
    if known is not None:
        raise _contradiction(image, f"the registry digest {digest}", known)
    identity = replace(image.identity, registry_digest=digest, registry_digest_from=source)
    return replace(image, identity=identity)


def _contradiction(image: ResolvedImage, said: str, known: str) -> IncompleteError:
    return IncompleteError(
        f"The build metadata names {said}, but {image.identity.reference!a} has {known}.", remedy=_REMEDY
    )


def _unconfirmed(build: Build, identity: ImageIdentity) -> str:
    own = ", ".join(sorted(_own_digests(identity))) or "none that is known"
    return (
        f"The build metadata ({build.target_digest or build.config_digest}) cannot be compared with the image's "
        f"digests ({own}): it may be of another build."
    )


def _own_digests(identity: ImageIdentity) -> set[str]:
    own = (identity.config_digest, identity.image_id, identity.manifest_digest, identity.index_digest)
    return {digest for digest in own if digest is not None}


def _of_repository(names: Iterable[ImageReference], wanted: ImageReference | None) -> list[ImageReference]:
    return [name for name in names if _same(name, wanted)]


def _same(name: ImageReference, wanted: ImageReference | None, *, tag: bool = False) -> bool:
    if wanted is None or name.repository_name != wanted.repository_name:
        return False
    return not tag or (name.tag or "latest") == (wanted.tag or "latest")
