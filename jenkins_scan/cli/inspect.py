"""`jenkins-scan inspect`: which image is this, by its bytes? No cloud call."""

import json
from typing import Any

import click

from jenkins_scan.cli.app import App
from jenkins_scan.config.options import options_of

OWN = frozenset(("store", "size_semantics", "manifest_kind", "registry_digest_from"))
"""Fields of the identity that hold words of ours."""


@click.command("inspect", short_help="Show an image's identity; asks no cloud.")
@click.argument("image", required=False)
@options_of("inspect")
@click.pass_context
def command(context: click.Context, /, **values: Any) -> int:
    """Show which image IMAGE is: every digest by its own name, and where each came from. Asks no cloud."""
    from pydantic import TypeAdapter

    from jenkins_scan.errors import ConfigurationError
    from jenkins_scan.images.interface import ImageIdentity, parse_platform
    from jenkins_scan.images.resolve import resolve_image
    from jenkins_scan.redaction import redacted

    app = App.of(context)
    outputs = app.outputs(values["output"])
    if not values["image"]:
        raise ConfigurationError("no image was named.", remedy="Name it: jenkins-scan inspect HOST/team/app:1.")
    image = resolve_image(
        values["image"],
        docker_host=values["docker_host"],
        environ=app.environ,
        platform=None if values["platform"] is None else parse_platform(values["platform"]),
    )
    for warning in image.warnings:
        app.terminal.line(f"warning: {warning}")
    identity = redacted(TypeAdapter(ImageIdentity).dump_python(image.identity, mode="json"), app.terminal.redact, OWN)
    app.deliver(outputs, {output.format: _render(output.format, identity) for output in outputs})
    return 0


def _render(name: str, identity: dict[str, Any]) -> str:
    if name == "json":
        return json.dumps({"images": [identity]}, indent=2) + "\n"
    from jenkins_scan.report.table import tabulate

    return tabulate(
        (key, "not known" if value is None else value if isinstance(value, str) else json.dumps(value))
        for key, value in identity.items()
    )
