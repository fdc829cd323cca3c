"""Compare what README and docs quote with the tool itself: help texts, tables, the JSON Schema, relative links.

Quoted parts stand between comments, such as `<!-- help: scan -->` and the end of the fenced block behind it, or
`<!-- exit-codes -->` and `<!-- /exit-codes -->`. `--write` renews them; without it a difference ends with 1.
"""

import argparse
import difflib
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core.core_schema import DataclassSchema

from jenkins_scan.config.options import GLOBAL_OPTIONS, OPTIONS
from jenkins_scan.errors import Reason
from jenkins_scan.explanations import FOREIGN, explanation_of, service_codes
from jenkins_scan.report.result import Result
from jenkins_scan.sandbox.scenarios import scenario_table
from jenkins_scan.security_center.regions import REGIONS

ROOT = Path(__file__).resolve().parents[1]
SCHEMA = Path("docs/result.schema.json")
WIDTH = 100
"""Columns of a help text."""

HELP = re.compile(
    r"""(?P<open><!--\ help(?::\ (?P<of>[\w\ -]+))?\ -->\n+```\w*\n)
        (?P<body>.*?)
        (?P<close>^```$)""",
    re.DOTALL | re.MULTILINE | re.VERBOSE,
)
TABLE = re.compile(
    r"""(?P<open><!--\ (?P<kind>exit-codes|options|scenarios|regions|reasons|service-codes)
        (?::\ (?P<of>[\w\ -]+))?\ -->\n)
        (?P<body>.*?)
        (?P<close><!--\ /(?P=kind)\ -->)""",
    re.DOTALL | re.VERBOSE,
)
OPENED = re.compile(r"^<!-- (?:help|exit-codes|options|scenarios|regions|reasons|service-codes)\b", re.MULTILINE)
FENCED = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\((?![a-z]+:)(?P<path>[^)#\s]+)[^)]*\)")


def help_text(command: str) -> str:
    """What `jenkins-scan COMMAND --help` prints on a terminal of `WIDTH` columns; without a command, of the tool."""
    code = "from jenkins_scan.__main__ import run; run()"
    arguments = [sys.executable, "-c", code, *command.split(), "--help"]
    environ = {"COLUMNS": str(WIDTH), "PYTHONPATH": str(ROOT)}
    run = subprocess.run(arguments, env=environ, stdin=subprocess.DEVNULL, capture_output=True, check=False)  # noqa: S603  ours
    if run.returncode != 0:
        raise SystemExit(f"jenkins-scan {command} --help ended with {run.returncode}:\n{run.stderr.decode()}")
    return run.stdout.decode()


def row(*cells: str) -> str:
    """A line of a Markdown table."""
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |\n"


def linked(text: str) -> str:
    """The text with the other documents that it names as links to them."""
    return re.sub(r"docs/([\w-]+\.md)", r"[\1](\1)", text)


def exit_code_table() -> str:
    """The exit codes with reason and meaning, as Markdown."""
    rows = [row(", ".join(map(str, reason.codes)), f"`{reason.slug}`", reason.meaning) for reason in Reason]
    passed = row("0", "", "PASS, SUBMITTED, or CHECKED (local check only): the last line and `result.json` say which")
    return row("code", "reason", "meaning") + "|---|---|---|\n" + passed + "".join(rows)


def option_table(command: str) -> str:
    """The options of a command, or with `global` those before it, as Markdown."""
    options = (
        GLOBAL_OPTIONS if command == "global" else [each.of(command) for each in OPTIONS if command in each.commands]
    )
    rows = [
        row(
            f"`{each.flags}`",
            f"`{each.variable}`",
            f"`{each.default_text}`" if each.default_text else "",
            "yes" if each.in_found_file else "",
            each.help,
        )
        for each in options
    ]
    return (
        row("option", "variable", "default", "in a found file", "what it does")
        + "|---|---|---|---|---|\n"
        + "".join(rows)
    )


def region_table() -> str:
    """The regions of the API page, as Markdown."""
    rows = [row(f"`{each.id}`", each.name, each.city) for each in REGIONS]
    return row("region", "name", "city") + "|---|---|---|\n" + "".join(rows)


def reason_tables(_of: str) -> str:
    """Every reason with what leads to it and what to do, as Markdown sections."""
    parts = []
    for reason in Reason:
        rows = [row(f"`{cause.name}`", cause.what, linked(cause.remedy)) for cause in explanation_of(reason).causes]
        title = f"### {', '.join(map(str, reason.codes))} {reason.slug}\n\n"
        title += f"{reason.meaning[0].upper()}{reason.meaning[1:]}.\n\n"
        parts.append(title + row("error", "what it is", "what to do") + "|---|---|---|\n" + "".join(rows) + "\n")
    foreign = "".join(row(f"{code}", meaning) for code, meaning in FOREIGN.items())
    return (
        "".join(parts) + "### Codes that are not the tool's\n\n" + row("code", "what it is") + "|---|---|\n" + foreign
    )


def code_cell(name: str) -> str:
    """A service code as code, and in words what else its name says."""
    code, where, status = name.partition(" with ")
    return f"{code if code.startswith('every') else f'`{code}`'}{where}{status}"


def service_code_table(_of: str) -> str:
    """Every error code of the service that is known, as Markdown."""
    rows = [
        row(
            code_cell(each.title.partition(" (of the service)")[0]),
            each.title.rpartition("ends with ")[2],
            cause.what,
            linked(cause.remedy),
        )
        for each in service_codes()
        for cause in each.causes
    ]
    return row("service code", "ends with", "what it is", "what to do") + "|---|---|---|---|\n" + "".join(rows)


TABLES: dict[str, Callable[[str], str]] = {
    "exit-codes": lambda _of: exit_code_table(),
    "options": option_table,
    "scenarios": lambda _of: scenario_table(),
    "regions": lambda _of: region_table(),
    "reasons": reason_tables,
    "service-codes": service_code_table,
}


def schema() -> str:
    """The JSON Schema of `result.json`."""
    return json.dumps(TypeAdapter(Result).json_schema(schema_generator=_Closed), indent=2) + "\n"


class _Closed(GenerateJsonSchema):
    """Objects without any other field than those of their dataclass."""

    def dataclass_schema(self, schema: DataclassSchema) -> JsonSchemaValue:
        return {"additionalProperties": False, **super().dataclass_schema(schema)}


def renewed(text: str) -> str:
    """The document with every quoted part as the tool has it now."""

    def fenced(found: re.Match[str]) -> str:
        return found["open"] + help_text(found["of"] or "").rstrip("\n") + "\n" + found["close"]

    def table(found: re.Match[str]) -> str:
        return found["open"] + TABLES[found["kind"]](found["of"] or "").rstrip("\n") + "\n" + found["close"]

    return TABLE.sub(table, HELP.sub(fenced, text))


def broken_parts(path: Path, text: str) -> Iterator[str]:
    """Links that lead nowhere and quoted parts without an end."""
    for found in LINK.finditer(FENCED.sub("", text)):
        if not (path.parent / found["path"]).exists():
            yield f"{path}: no such file: {found['path']}"
    ended = len(HELP.findall(text)) + len(TABLE.findall(text))
    if ended != len(OPENED.findall(text)):
        yield f"{path}: a quoted part has no end"


def documents(root: Path) -> list[Path]:
    """The Markdown files of the project."""
    return sorted(
        [*root.glob("*.md"), *(path for folder in ("docs", "docker") for path in root.glob(f"{folder}/**/*.md"))]
    )


def check(root: Path, *, write: bool) -> Iterator[str]:
    """Every difference and every broken part; with `write` the differences are put right instead."""
    expected: dict[Path, str] = {}
    for path in documents(root):
        text = path.read_text(encoding="utf-8")
        yield from broken_parts(path, text)
        expected[path] = renewed(text)
    expected[root / SCHEMA] = schema()
    for path, wanted in expected.items():
        present = path.read_text(encoding="utf-8") if path.exists() else ""
        if wanted == present:
            continue
        if write:
            path.write_text(wanted, encoding="utf-8")
            continue
        names = (str(path.relative_to(root)), "what the tool says")
        yield "".join(difflib.unified_diff(present.splitlines(keepends=True), wanted.splitlines(keepends=True), *names))


def main() -> None:
    """Exit with 1 when a document is not true."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="renew the quoted parts and the schema in place")
    problems = list(check(ROOT, write=parser.parse_args().write))
    print("\n".join(problems) if problems else "README and docs say what the tool does.")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
