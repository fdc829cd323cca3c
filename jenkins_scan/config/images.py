"""Which images are meant: those of the command line, else of the configuration file, and those of `--from-file`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final

from jenkins_scan.config.origin import Origin
from jenkins_scan.errors import ConfigurationError

STDIN: Final = "-"
MOST_IMAGES: Final = 1000
_LARGEST_LIST: Final = 1024 * 1024
_REGISTRY: Final = "registry://"


def named_images(
    values: Mapping[str, Any], *, image_origin: Origin, from_workspace: bool, from_fork: bool, stdin: BinaryIO | None
) -> tuple[str, ...]:
    """The images, each once, in the order in which they were named. Raises `ConfigurationError` (2).

    `from_workspace` tells that the configuration file was found, not named. A file that was found must not make a
    request leave for a host of its choice, so its images are looked up on this agent alone; the same holds for a list
    in the build of a fork, whose author may have written it.
    """
    images = list(values["image"])
    if image_origin is Origin.FILE and values["from_file"]:
        images = []  # the list was asked for; the file only says what to do when nothing is
    if image_origin is Origin.FILE and from_workspace:
        _stay_on_this_agent(images, "a file found in the workspace", pushed=values.get("pushed", False))
    if values["from_file"]:
        listed = _listed(values["from_file"], stdin)
        if from_fork:
            _stay_on_this_agent(listed, "--from-file in the build of a fork", pushed=values.get("pushed", False))
        images += listed
    images = list(dict.fromkeys(images))
    if not images:
        raise ConfigurationError(
            "no image was named.",
            remedy="Name it behind the command: HOST/team/app:1 (or `image` in the configuration, or --from-file).",
        )
    if len(images) > MOST_IMAGES:
        raise ConfigurationError(
            f"{len(images)} images were named; at most {MOST_IMAGES} belong to one run.", remedy="Split the list."
        )
    return tuple(images)


def _stay_on_this_agent(images: Sequence[str], who: str, *, pushed: bool) -> None:
    for image in images:
        if pushed or image.lower().startswith(_REGISTRY):
            raise ConfigurationError(
                f"{who} names the image {image[:200]!a}, for which a registry would be asked.",
                remedy="Name the image on the command line, or the file with --config if you trust it.",
            )


def _listed(place: str, stdin: BinaryIO | None) -> list[str]:
    """The lines of the list that are neither empty nor a comment."""
    shown = "standard input" if place == STDIN else place
    try:
        if place == STDIN:
            content = b"" if stdin is None else stdin.read(_LARGEST_LIST + 1)
        else:
            with Path(place).open("rb") as file:
                content = file.read(_LARGEST_LIST + 1)
    except (OSError, ValueError) as exc:
        why = exc.strerror if isinstance(exc, OSError) else "it is no path"
        raise ConfigurationError(
            f"--from-file {shown}: cannot be read: {why}.", remedy="Name a text file with one image a line, or `-`."
        ) from exc
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise ConfigurationError(f"--from-file {shown}: not UTF-8 text.", remedy="Write one image a line.") from exc
    lines = [line.strip() for line in text.splitlines()]
    images = [line for line in lines if line and not line.startswith("#")]
    if len(content) > _LARGEST_LIST or not images:
        what = "larger than 1 MiB" if images else "no image in it"
        raise ConfigurationError(f"--from-file {shown}: {what}.", remedy="Write one image a line; # begins a comment.")
    return images
