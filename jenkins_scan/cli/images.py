"""Which images a verb was given, and where it may look for them."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click

from jenkins_scan.cli.app import App
from jenkins_scan.config.images import named_images
from jenkins_scan.config.settings import origin_of
from jenkins_scan.images.engine.order import parse_engines
from jenkins_scan.images.interface import parse_platform
from jenkins_scan.images.resolve import Places

ENGINE_WAIT_IN_JENKINS: Final = 10.0
"""Seconds: a Docker-in-Docker sidecar starts together with the agent."""


def images_of(app: App, context: click.Context, values: Mapping[str, Any]) -> tuple[str, ...]:
    """The images as typed. Raises `ConfigurationError` (2)."""
    return named_images(
        values,
        image_origin=origin_of(context, "image"),
        from_workspace=app.file.found,
        stdin=None if sys.stdin is None else sys.stdin.buffer,
    )


def places_of(app: App, values: Mapping[str, Any]) -> Places:
    """Where images are looked for. Raises `ConfigurationError` (2)."""
    wait = values["engine_wait"]
    if wait is None:
        wait = ENGINE_WAIT_IN_JENKINS if app.build.on_jenkins else 0.0
    return Places(
        environ=app.environ,
        clock=app.clock,
        redact=app.terminal.redact.add,
        engines=parse_engines(values["image_src"]),
        docker_host=values["docker_host"],
        engine_wait=wait,
        platform=None if values["platform"] is None else parse_platform(values["platform"]),
        ca_bundle=values["ca_bundle"] or None,
        build_metadata=Path(values["build_metadata"]) if values["build_metadata"] else None,
        pushed=values["pushed"],
    )
