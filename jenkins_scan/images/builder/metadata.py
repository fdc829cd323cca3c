"""What a builder wrote about the image it built: `--build-metadata FILE`.

Understood, and told apart by their content:

- buildx `--metadata-file`, of `build` and of `bake`, and buildctl's: JSON with `containerimage.config.digest`,
  `containerimage.digest` and `image.name` (docs.docker.com, "docker buildx build", "Write build result metadata");
- one line `sha256:HEX`: `--iidfile` of docker, buildah and podman, `--digest-file` of kaniko, `--digestfile` of podman
  and buildah;
- lines `REPOSITORY[:TAG]@sha256:HEX`: kaniko's `--image-name-with-digest-file` and `--image-name-tag-with-digest-file`.

Such a file lies in the workspace and may be of an earlier build. It can contradict an image (17), and it can name a
registry digest, which stays a claim; it proves nothing.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from jenkins_scan.errors import ConfigurationError, InvalidReference, UnreadableImage
from jenkins_scan.images import fields
from jenkins_scan.images.archive.regular_file import open_regular
from jenkins_scan.images.builder.claims import Build, BuildMetadata, BuildxMetadata, DigestFile, NamedDigests
from jenkins_scan.images.reference import ImageReference, parse_reference, parse_references

_LARGEST: Final = 16 * 1024**2
"""Bytes; buildx may put a whole provenance into its file."""
_MOST_LINES: Final = 1000
_CONFIG: Final = "containerimage.config.digest"
_TARGET: Final = "containerimage.digest"
_NAMES: Final = "image.name"
_FORMATS: Final = (
    "Understood are the JSON of buildx --metadata-file (build and bake), one line sha256:HEX (--iidfile, --digestfile, "
    "--digest-file), and lines REPOSITORY[:TAG]@sha256:HEX (kaniko)."
)


def read_build_metadata(path: Path) -> BuildMetadata:
    """What the file at `path` says. Raises `errors.ConfigurationError` (2) for a file that is none of those above."""
    try:
        with open_regular(path) as file:
            content = file.read(_LARGEST + 1)
    except OSError as exc:
        raise _refused(path, f"cannot be read: {exc.strerror}") from exc
    if len(content) > _LARGEST:
        raise _refused(path, f"has more than {_LARGEST} bytes")
    try:
        return _buildx(content) if content.lstrip()[:1] == b"{" else _lines(content.decode("ascii"))
    except UnreadableImage as exc:
        raise _refused(path, f"is not understood: {exc.message.rstrip('.')}") from exc
    except (InvalidReference, UnicodeDecodeError) as exc:
        raise _refused(path, "is not understood") from exc


def _buildx(content: bytes) -> BuildMetadata:
    body = fields.as_object(fields.parse_json(content, "The metadata"), "The metadata")
    if any(key.startswith("containerimage.") or key == _NAMES for key in body):
        return BuildxMetadata((_build(body),))
    # Bake's own entries stand beside its targets: buildx.build.warnings.
    targets = {name: target for name, target in body.items() if not name.startswith("buildx.")}
    builds = tuple(_build(fields.as_object(target, f"The target {name[:80]!a}")) for name, target in targets.items())
    if not any(build.config_digest or build.target_digest for build in builds):
        raise UnreadableImage("It names no image.")
    return BuildxMetadata(builds)


def _build(body: Mapping[str, Any]) -> Build:
    names = (fields.text(body, _NAMES) or "").split(",")
    return Build(
        config_digest=_digest(body, _CONFIG),
        target_digest=_digest(body, _TARGET),
        names=tuple(parse_references(name.strip() for name in names)),
    )


def _digest(body: Mapping[str, Any], key: str) -> str | None:
    value = fields.text(body, key)
    if value is not None and not fields.SHA256.fullmatch(value):
        raise UnreadableImage(f"{key} is not a sha256 digest.")
    return value


def _lines(text: str) -> BuildMetadata:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) == 1 and fields.SHA256.fullmatch(lines[0]):
        return DigestFile(lines[0])
    if not 0 < len(lines) <= _MOST_LINES:
        raise UnreadableImage(f"It has {len(lines)} lines.")
    return NamedDigests(tuple(map(_named_digest, lines)))


def _named_digest(line: str) -> ImageReference:
    name = parse_reference(line)
    if not isinstance(name, ImageReference) or name.digest is None or not fields.SHA256.fullmatch(name.digest):
        raise UnreadableImage("A line names no sha256 digest of a repository.")
    return name


def _refused(path: Path, why: str) -> ConfigurationError:
    return ConfigurationError(f"--build-metadata {str(path)!r} {why}.", remedy=_FORMATS)
