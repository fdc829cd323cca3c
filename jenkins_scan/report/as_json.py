"""`result.json`: the whole result, ASCII only, because Jenkins reads files in the encoding of its agent."""

import json

from jenkins_scan.report.result import Result


def render(result: Result) -> str:
    """The result as indented JSON."""
    return json.dumps(result.model_dump(mode="json", by_alias=True), indent=2, ensure_ascii=True) + "\n"
