"""Which images a verb was given, and where it may look for them."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from jenkins_scan.cli.app import App
from jenkins_scan.config.images import named_images
from jenkins_scan.config.origin import origin_of
from jenkins_scan.errors import ConfigurationError
from jenkins_scan.images.engine.kept import KeptConnections
from jenkins_scan.images.engine.order import Patience, parse_engines
from jenkins_scan.images.interface import parse_platform
from jenkins_scan.images.resolve import Places

if TYPE_CHECKING:
    from jenkins_scan.images.builder.claims import BuildMetadata

ENGINE_WAIT_IN_JENKINS: Final = 10.0
"""Seconds: a Docker-in-Docker sidecar starts together with the agent."""


def images_of(app: App, context: click.Context, values: Mapping[str, Any]) -> tuple[str, ...]:
    """The images as typed. Raises `ConfigurationError` (2)."""
    return named_images(
        values,
        image_origin=origin_of(context, "image"),
        from_workspace=app.file.found,
        from_fork=app.build.from_fork,
        stdin=None if sys.stdin is None else sys.stdin.buffer,
    )


def places_of(
    app: App, values: Mapping[str, Any], images: Sequence[str], kept: KeptConnections | None = None
) -> Places:
    """Where these images are looked for. Raises `ConfigurationError` (2)."""
    wait = values["engine_wait"]
    if wait is None:
        wait = ENGINE_WAIT_IN_JENKINS if app.build.on_jenkins else 0.0
    return Places(
        environ=app.environ,
        clock=app.clock,
        redact=app.terminal.redact.add,
        engines=parse_engines(values["image_src"]),
        docker_host=values["docker_host"],
        patience=Patience(wait, app.clock),
        kept=kept,
        platform=None if values["platform"] is None else parse_platform(values["platform"]),
        ca_bundle=values["ca_bundle"] or None,
        build_metadata=_build_metadata(values.get("build_metadata"), images),
        pushed=values.get("pushed", False),
    )


def _build_metadata(named: str | None, images: Sequence[str]) -> "BuildMetadata | None":
    if not named:
        return None
    from jenkins_scan.images.builder.metadata import read_build_metadata

    metadata = read_build_metadata(Path(named))
    if len(images) > 1 and not metadata.names_images:
        raise ConfigurationError(
            f"--build-metadata {named!r} holds one digest and no name, and {len(images)} images were named.",
            remedy="Scan that image in a step of its own, or hand in a file that names its images (buildx, kaniko).",
        )
    return metadata
