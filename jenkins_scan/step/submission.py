"""What is sent about an image: its identity and name turned into the parameters of CreateJenkinsImageScanTask."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from jenkins_scan.config.settings import Overrides
from jenkins_scan.images.interface import ImageIdentity, ResolvedImage, Store
from jenkins_scan.security_center.interface import ScanRequest

CLAIMED = "--digest"
PROVISIONAL = "containerd_target_provisional"
NAMED: Final = "named"
"""The digest itself is what was asked about, so that nothing else can be meant."""
LISTED: Final = "listed"
"""Security Center listed the image among all that were asked for."""
LISTED_TAG: Final = "listed_tag"
"""Security Center listed it under the tag that was asked for; whether the tag still means it nobody here has seen."""
EVIDENCE = frozenset(("distribution", "registry", "push_output", "graphdriver_repo_digest", NAMED, LISTED, LISTED_TAG))
"""Where a digest comes from that is no claim: a registry gave it, or it is the question itself. Every other one is
sent, and proves nothing."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Submission:
    """A request with where its digest came from, and what its reader should know."""

    request: ScanRequest
    digest_from: str | None
    """Where the digest came from: a word of `EVIDENCE`, or a claim."""
    warnings: tuple[str, ...] = ()

    @property
    def is_confirmed(self) -> bool:
        """Whether a registry is known to hold the image under the digest that is sent."""
        return self.request.digest is not None and self.digest_from in EVIDENCE


def prepare(image: ResolvedImage, overrides: Overrides) -> Submission:
    """The submission for an image. Values that are not known are left out, each with a warning where it matters."""
    identity, name, warnings = image.identity, image.name, []
    digest, digest_from = _digest(identity, overrides)
    if digest is None:
        warnings.append(
            "no registry digest is known for this image, so a lost answer could not be traced to its task; "
            "push it first, or give --digest."
        )
    elif digest_from == CLAIMED and identity.registry_digest not in (None, f"sha256:{digest}"):
        warnings.append(
            f"--digest differs from the digest that the engine knows for this repository: {identity.registry_digest}."
        )
    if identity.config_digest is None:
        warnings.append(f"ImageId is not sent: the {identity.store} store does not tell the config digest.")
    repo_name = overrides.repo or (name.repository if name is not None else None)
    if repo_name is None:
        warnings.append("no name is known for this image, so the service lists it without one. Give --repo and --tag.")
    return Submission(
        request=ScanRequest(
            namespace=overrides.namespace or (name.namespace if name is not None else None),
            repo_name=repo_name,
            tag=overrides.tag or (name.sent_tag if name is not None else None),
            digest=digest,
            image_id=_bare(identity.config_digest),
            image_size=identity.size,
            image_create=_milliseconds(identity.created),
            image_update=_milliseconds(identity.last_tagged),
            uuid=overrides.uuid,
            source_ip=overrides.source_ip,
            jenkins_env=overrides.jenkins_env,
        ),
        digest_from=digest_from,
        warnings=tuple(warnings),
    )


def _digest(identity: ImageIdentity, overrides: Overrides) -> tuple[str | None, str | None]:
    if overrides.digest is not None:
        return overrides.digest, CLAIMED
    if identity.registry_digest is not None:
        return _bare(identity.registry_digest), identity.registry_digest_from
    if identity.store is Store.CONTAINERD and identity.manifest_digest is not None:
        return _bare(identity.manifest_digest), PROVISIONAL
    return None, None


def _bare(digest: str | None) -> str | None:
    return None if digest is None else digest.removeprefix("sha256:")


def _milliseconds(time: datetime | None) -> int | None:
    # Whole numbers all the way: a float of seconds times 1000 can end a millisecond too early.
    return None if time is None else (time - _EPOCH) // timedelta(milliseconds=1)
