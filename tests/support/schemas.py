"""The schemas of others that reports are held against, and the tools that do it.

The schema files are not ours to publish. CI has them; a plain clone may lack them, and then says so instead of passing.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

ROOT = Path(__file__).resolve().parents[2]
NAMED = os.environ.get("JENKINS_SCAN_TEST_DATA")
"""The folder of the schemas; read before the tests clear this project's variables."""
CI = os.environ.get("CI") == "true"


def schema_file(name: str) -> Path:
    """A file of the schema folder beside the checkout. Skips the test where there is none, and fails it in CI."""
    folders = [Path(NAMED)] if NAMED else [checkout.parent / "shared" / "data" for checkout in _checkouts()]
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    _absent(f"{name} is not in {' or '.join(map(str, folders))}: name its folder in JENKINS_SCAN_TEST_DATA.")
    raise AssertionError


@cache
def _checkouts() -> tuple[Path, ...]:
    """This checkout, and the one on this machine that it was cloned from."""
    command = ["git", "-C", ROOT, "config", "--get", "remote.origin.url"]
    origin = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20).stdout.strip()
    return (ROOT, Path(origin)) if origin.startswith("/") else (ROOT,)


@cache
def sarif_validator() -> Any:
    """What holds a report against the SARIF 2.1.0 schema of OASIS.

    One edition keeps the rules for the whole document in a definition that nothing refers to: by itself it takes any
    JSON for a valid report.
    """
    schema = json.loads(schema_file("sarif-schema-2.1.0.json").read_text(encoding="utf-8"))
    rules = (
        schema if "properties" in schema else {**schema["definitions"]["Root"], "definitions": schema["definitions"]}
    )
    return jsonschema.Draft7Validator(rules, format_checker=jsonschema.FormatChecker())


def junit_complaints(reports: Mapping[str, str], folder: Path) -> str:
    """What xmllint has against these reports by the schema of Jenkins' xUnit plugin; empty when all are valid."""
    schema = schema_file("junit-10.xsd")
    if shutil.which("xmllint") is None:
        _absent("xmllint is not here: install libxml2-utils.")
    paths = [folder / f"{number}.xml" for number in range(len(reports))]
    for path, text in zip(paths, reports.values(), strict=True):
        path.write_text(text, encoding="utf-8", newline="")
    command = ["xmllint", "--nonet", "--noout", "--schema", schema, *paths]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    complaints = [line for line in ended.stderr.splitlines() if not line.endswith(" validates")]
    return "\n".join(complaints) or ("" if ended.returncode == 0 else f"xmllint ended with {ended.returncode}")


def _absent(what: str) -> None:
    if CI:
        pytest.fail(what)
    pytest.skip(what)
