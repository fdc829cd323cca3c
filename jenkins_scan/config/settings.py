"""The settings of one run: validated, frozen, and each value's origin known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jenkins_scan.config.origin import Origin
from jenkins_scan.config.values import address, digest, label, soft_reasons
from jenkins_scan.config.values import region as region_id
from jenkins_scan.errors import ConfigurationError, Reason
from jenkins_scan.security_center.endpoints import Endpoint, endpoint_of_region, endpoint_of_url

if TYPE_CHECKING:
    from jenkins_scan.gate.image import Judging

SANDBOX = "sandbox"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSettings:
    """Which service is asked, and through what."""

    endpoint: Endpoint | None
    """None: the in-process sandbox."""
    region: str | None = None
    ca_bundle: str | None = None
    scenario: str | None = None
    state: str | None = None
    registry_url: str | None = None
    sandbox_allowed: bool = True
    """False in a Jenkins build whose endpoint was not named by a flag: there a stand-in must not answer unnoticed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """What the user says about the image, in place of what was found. Digests are 64 hex digits."""

    namespace: str | None = None
    repo: str | None = None
    tag: str | None = None
    digest: str | None = None
    uuid: str | None = None
    source_ip: str | None = None
    jenkins_env: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedSettings:
    """What every run that reports was asked for."""

    service: ServiceSettings | None = None
    """None: only this machine looks at the images."""
    min_quota: int | None = None
    soft: frozenset[Reason] = frozenset()
    judging: "Judging | None" = None
    """None: the tasks are opened, and nobody waits for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSettings(ReportedSettings):
    """What every run was asked for that asks the service."""

    service: ServiceSettings
    min_quota: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanSettings(RunSettings):
    """Everything that `scan` was asked for."""

    images: tuple[str, ...]
    """As typed, in order."""
    overrides: Overrides
    jobs: int = 1
    """How many images are worked on at once."""


ONE_IMAGE = ("namespace", "repo", "tag", "digest", "uuid")
"""Options that say something of one image."""


def scan_settings(
    values: Mapping[str, Any],
    images: Sequence[str],
    judging: "Judging | None" = None,
    *,
    endpoint_origin: Origin,
    in_jenkins: bool,
) -> ScanSettings:
    """The settings of `scan` from its click parameters, for these images. Raises `ConfigurationError` (2)."""
    for name in ONE_IMAGE:
        if len(images) > 1 and values.get(name):
            raise ConfigurationError(
                f"--{name} says something of one image, and {len(images)} were named.",
                remedy=f"Leave --{name} out, or scan that image in a step of its own.",
            )
    return ScanSettings(
        images=tuple(images),
        service=service_settings(values, endpoint_origin=endpoint_origin, in_jenkins=in_jenkins),
        overrides=Overrides(
            namespace=label("--namespace", values.get("namespace")),
            repo=label("--repo", values.get("repo")),
            tag=label("--tag", values.get("tag")),
            digest=digest("--digest", values.get("digest")),
            uuid=label("--uuid", values.get("uuid")),
            source_ip=address("--source-ip", values.get("source_ip")),
            jenkins_env=values.get("jenkins_env") or None,
        ),
        min_quota=values["min_quota"],
        soft=soft_reasons(values.get("soft")),
        jobs=values["jobs"],
        judging=judging,
    )


def wait_settings(
    values: Mapping[str, Any], judging: "Judging | None", *, endpoint_origin: Origin, in_jenkins: bool
) -> RunSettings:
    """The settings of `wait`: nothing is submitted, so no quota is asked for. Raises `ConfigurationError` (2)."""
    return RunSettings(
        service=service_settings(values, endpoint_origin=endpoint_origin, in_jenkins=in_jenkins),
        min_quota=0,
        soft=soft_reasons(values.get("soft")),
        judging=judging,
    )


def service_settings(values: Mapping[str, Any], *, endpoint_origin: Origin, in_jenkins: bool) -> ServiceSettings:
    """The settings of the service from click parameters. Raises `ConfigurationError` (2)."""
    named, region, vpc = values.get("endpoint"), region_id("--region", values.get("region")), values.get("vpc", False)
    allowed = not in_jenkins or endpoint_origin is Origin.FLAG
    for name in ("scenario", "state", "registry_url"):
        if named != SANDBOX and values.get(name):
            raise ConfigurationError(
                f"--{name.replace('_', '-')} belongs to --endpoint sandbox alone.",
                remedy="Add --endpoint sandbox, or leave it out.",
            )
    if named == SANDBOX and not allowed:
        raise ConfigurationError(
            f"--endpoint sandbox comes from the {endpoint_origin}: in a Jenkins build only the flag may name it.",
            remedy="Write --endpoint sandbox on the command line if you mean it; it judges nothing real.",
        )
    if named and vpc:
        raise ConfigurationError(
            "--vpc chooses a region's endpoint, and --endpoint names one.", remedy="Use one of the two."
        )
    if named == SANDBOX:
        return ServiceSettings(
            endpoint=None,
            region=region,
            scenario=values.get("scenario"),
            state=values.get("state"),
            registry_url=values.get("registry_url"),
        )
    if named:
        endpoint = endpoint_of_url(named, region)
    elif region:
        endpoint = endpoint_of_region(region, vpc=vpc)
    else:
        raise ConfigurationError(
            "no region was named, and the service is another one at each site.",
            remedy="Name your site with --region cn-hangzhou or --region ap-southeast-1 (or JENKINS_SCAN_REGION); "
            "to try without an account, --endpoint sandbox.",
        )
    bundle = values.get("ca_bundle") or None
    return ServiceSettings(endpoint=endpoint, region=region, ca_bundle=bundle, sandbox_allowed=allowed)
