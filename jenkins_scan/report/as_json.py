"""`result.json`: the whole result."""

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from jenkins_scan.report.json_stream import document
from jenkins_scan.report.result import ImageResult, Result


def render(result: Result) -> Iterator[str]:
    """The result as indented JSON, finding by finding."""
    return document({**_fields(result), "images": map(_image, result.images)})


def _image(image: ImageResult) -> ImageResult | dict[str, Any]:
    if not image.findings and not image.waived:
        return image
    return {**_fields(image), "findings": iter(image.findings), "waived": iter(image.waived)}


def _fields(part: Result | ImageResult) -> dict[str, Any]:
    return {each.name: getattr(part, each.name) for each in fields(part)}
