"""The settings of `scan-registry`: which images are meant, and that no more can be meant than were named."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from jenkins_scan.config.images import MOST_IMAGES
from jenkins_scan.config.origin import Origin
from jenkins_scan.config.settings import RunSettings, service_settings
from jenkins_scan.config.values import address, digest, label, region, soft_reasons
from jenkins_scan.errors import ConfigurationError
from jenkins_scan.gate.image import Judging
from jenkins_scan.security_center.registry_scans import ImageFilter

_OF_THE_IMAGE: Final = ("digest", "tag", "repo_namespace", "repo_name")
"""Filters that a named image says itself."""
_CHECKED: Final[Mapping[str, Callable[[str, str | None], str | None]]] = {
    "registry_type": label,
    "region_id": region,
    "instance_id": label,
    "repo_namespace": label,
    "repo_id": label,
    "repo_name": label,
    "digest": digest,
    "tag": label,
}
"""The filters, each with what checks a value of it. `--sync` needs one value of every one."""
_WIDE: Final = (
    "Name the image, or --digest, or --tag with --repo-id (or with --repo-namespace and --repo-name). "
    "To scan more on purpose: --all-images --max-images N."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrySettings(RunSettings):
    """Everything that `scan-registry` was asked for."""

    images: tuple[str, ...]
    """As typed, in order; their digests are asked of their registries."""
    wanted: ImageFilter
    """By options."""
    max_images: int | None
    """None: as many as are named."""
    everything: bool
    """Whether more than named images may be meant."""
    sync: bool
    timeout: float
    """Seconds for a free slot and the scan together."""


def registry_settings(
    values: Mapping[str, Any],
    images: Sequence[str],
    judging: Judging | None,
    *,
    endpoint_origin: Origin,
    in_jenkins: bool,
) -> RegistrySettings:
    """The settings of `scan-registry` from its click parameters. Raises `ConfigurationError` (2)."""
    if len(images) + len(values["digest"]) > MOST_IMAGES:
        raise ConfigurationError(f"more than {MOST_IMAGES} images were named.", remedy="Split them over several steps.")
    given = {name: _each(name, values[name], checked) for name, checked in _CHECKED.items()}
    if images and (said_twice := [name for name in _OF_THE_IMAGE if given[name]]):
        raise ConfigurationError(
            f"{_flag(said_twice[0])} beside an image: the image says that itself.",
            remedy=f"Leave out {_flag(said_twice[0])} (and JENKINS_SCAN_{said_twice[0].upper()}), or the image.",
        )
    wanted = ImageFilter(
        **{f"{name}s": each for name, each in given.items()}, source_ip=address("--source-ip", values["source_ip"])
    )
    everything = values["all_images"]
    if everything and values["max_images"] is None:
        raise ConfigurationError(
            "--all-images without --max-images: nobody would know how many scans it costs.",
            remedy="Add --max-images N with the largest number that you mean.",
        )
    if not everything and not images:
        _require_narrow(wanted)
    if values["sync"]:
        _require_one_place(given, images)
    return RegistrySettings(
        service=service_settings(values, endpoint_origin=endpoint_origin, in_jenkins=in_jenkins),
        images=tuple(images),
        wanted=wanted,
        max_images=values["max_images"],
        everything=everything,
        sync=values["sync"],
        timeout=values["timeout"],
        min_quota=values["min_quota"],
        soft=soft_reasons(values["soft"]),
        judging=judging,
    )


def _each(name: str, values: Sequence[str], checked: Callable[[str, str | None], str | None]) -> tuple[str, ...]:
    """The values of a repeatable option, each once. An empty one is refused: left out, it would mean more images."""
    texts = [checked(_flag(name), text) for text in values]
    for text in texts:
        if not text:
            raise ConfigurationError(
                f"{_flag(name)} is empty, and without it the filters may mean more images.",
                remedy=f"Name a value, or leave {_flag(name)} out; is the variable set that it comes from?",
            )
        if "," in text or any(character.isspace() for character in text):
            raise ConfigurationError(
                f"{_flag(name)}: {text[:80]!a} has a comma or a space, and would be several values.",
                remedy=f"Repeat {_flag(name)} instead.",
            )
    return tuple(dict.fromkeys(text for text in texts if text))


def _require_narrow(wanted: ImageFilter) -> None:
    if wanted.digests or (wanted.tags and (wanted.repo_ids or (wanted.repo_namespaces and wanted.repo_names))):
        return
    if wanted.is_empty:
        raise ConfigurationError(
            "no image was named: without a filter every image of the account would be scanned, each on your quota.",
            remedy=_WIDE,
        )
    raise ConfigurationError(
        "these filters mean more than one named image, each on your quota; nothing was sent.", remedy=_WIDE
    )


def _require_one_place(given: Mapping[str, Sequence[str]], images: Sequence[str]) -> None:
    """A synchronisation needs the place of one image in full."""
    if len(images) > 1:
        raise ConfigurationError("--sync is for one image at a time.", remedy="Take a step for each image.")
    several = [name for name, values in given.items() if len(values) > 1]
    if several:
        raise ConfigurationError(
            f"--sync is for one image at a time, and {_flag(several[0])} was given more than once.",
            remedy="Take a step for each image.",
        )
    missing = [_flag(name) for name, values in given.items() if not values and not (images and name in _OF_THE_IMAGE)]
    derived = {"--registry-type", "--region-id"} if images else set()  # a host of ACR tells these
    if lacking := [flag for flag in missing if flag not in derived]:
        raise ConfigurationError(
            f"--sync needs the place of the image in full: {', '.join(lacking)} {'is' if len(lacking) == 1 else 'are'} "
            "missing.",
            remedy="Name them; the console of the registry shows instance and repository id.",
        )


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"
