"""`jenkins-scan inspect`: which image is this, by its bytes? No cloud call."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from jenkins_scan.cli.app import App
from jenkins_scan.cli.completion import images, option_completion
from jenkins_scan.config.options import options_of

if TYPE_CHECKING:
    from jenkins_scan.errors import ScanError
    from jenkins_scan.images.interface import ResolvedImage

OWN = frozenset(("store", "size_semantics", "manifest_kind", "registry_digest_from"))
"""Fields of the identity that hold words of ours."""


@dataclass
class _Looked:
    """One image, and what came of it."""

    text: str
    image: "ResolvedImage | None" = None
    error: "ScanError | None" = None


@click.command("inspect")
@click.argument("image", nargs=-1, shell_complete=images)
@options_of("inspect", option_completion)
@click.pass_context
def command(context: click.Context, /, **values: Any) -> int:
    """Show which image each IMAGE is: every digest by its own name, and where each came from. Asks no cloud."""
    from jenkins_scan.cli.images import images_of, places_of
    from jenkins_scan.errors import InternalError, ScanError
    from jenkins_scan.gate.verdict import judge
    from jenkins_scan.images.engine.kept import KeptConnections
    from jenkins_scan.images.reference import as_label
    from jenkins_scan.images.resolve import image_source
    from jenkins_scan.side_by_side import SideBySide

    app = App.of(context)
    outputs = app.outputs(values["output"])
    names = images_of(app, context, values)
    looked = [_Looked(text) for text in names]
    connections = KeptConnections(app.clock)
    places = places_of(app, values, names, connections)

    def look(each: _Looked) -> None:
        try:
            each.image = image_source(each.text, places).resolve()
        except ScanError as error:
            each.error = error
        except Exception as problem:  # noqa: BLE001  one image's bug must not hide the others
            each.error = InternalError.of(problem)

    with connections:
        SideBySide(look, looked, jobs=values["jobs"]).finish()
    for each in looked:
        label = f"{as_label(each.text)}: " if len(looked) > 1 else ""
        for warning in () if each.image is None else each.image.warnings:
            app.terminal.line(f"warning: {label}{warning}")
        if isinstance(each.error, InternalError):
            app.terminal.bug(each.error.__cause__ or each.error)
        if each.error is not None:
            app.terminal.error(each.error)
    found = [each.image for each in looked if each.image is not None]
    if found:
        identities = [_redacted(app, image) for image in found]
        for output in outputs:
            app.deliver(output, [_render(output.format, identities)])
    failed = [each.error.reason for each in looked if each.error is not None]
    return judge(failed).exit_code


def _redacted(app: App, image: "ResolvedImage") -> dict[str, Any]:
    from pydantic import TypeAdapter

    from jenkins_scan.images.interface import ImageIdentity
    from jenkins_scan.redaction import redacted

    identity: dict[str, Any] = redacted(
        TypeAdapter(ImageIdentity).dump_python(image.identity, mode="json"), app.terminal.redact, OWN
    )
    return identity


def _render(name: str, identities: Sequence[dict[str, Any]]) -> str:
    if name == "json":
        return json.dumps({"images": identities}, indent=2) + "\n"
    from jenkins_scan.report.table import tabulate

    return "".join(tabulate(_pairs(identity)) for identity in identities)


def _pairs(identity: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (key, "not known" if value is None else value if isinstance(value, str) else json.dumps(value))
        for key, value in identity.items()
    ]
