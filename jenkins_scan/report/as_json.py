"""`result.json`: the whole result."""

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from jenkins_scan.report.json_stream import document
from jenkins_scan.report.result import ImageResult, Result


def render(result: Result) -> Iterator[str]:
    """The result as indented JSON, finding by finding."""
    images = (
        {**_fields(image), "findings": iter(image.findings), "waived": iter(image.waived)} for image in result.images
    )
    return document({**_fields(result), "images": images})


def _fields(part: Result | ImageResult) -> dict[str, Any]:
    return {each.name: getattr(part, each.name) for each in fields(part)}
