"""The documentation check notices what is no longer true, and mends it when asked."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "check_docs.py"


@pytest.fixture
def check_docs() -> ModuleType:
    spec = importlib.util.spec_from_file_location("check_docs", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write(root: Path, text: str, check_docs: ModuleType) -> Path:
    """A project with one document and a true schema."""
    (root / "docs").mkdir()
    (root / check_docs.SCHEMA).write_text(check_docs.schema())
    (root / "README.md").write_text(text)
    return root / "README.md"


def test_a_table_that_is_out_of_date_is_shown_and_then_renewed(tmp_path: Path, check_docs: ModuleType) -> None:
    readme = write(tmp_path, "# Codes\n\n<!-- exit-codes -->\nold\n<!-- /exit-codes -->\n\nEnd.\n", check_docs)
    (difference,) = check_docs.check(tmp_path, write=False)
    assert "-old" in difference
    assert "+| 12 | `quota` |" in difference
    assert list(check_docs.check(tmp_path, write=True)) == []
    assert list(check_docs.check(tmp_path, write=False)) == []
    assert readme.read_text().endswith("<!-- /exit-codes -->\n\nEnd.\n")


def test_a_help_block_holds_what_the_tool_prints(tmp_path: Path, check_docs: ModuleType) -> None:
    readme = write(tmp_path, "<!-- help: scan -->\n```text\nold\n```\n\n<!-- help -->\n\n```\n```\n", check_docs)
    assert list(check_docs.check(tmp_path, write=True)) == []
    text = readme.read_text()
    assert "```text\nUsage: jenkins-scan scan [OPTIONS]" in text
    assert "```\nUsage: jenkins-scan [OPTIONS] COMMAND" in text
    options = text.partition("Options:")[2].partition("```")[0]
    assert max(map(len, options.splitlines())) in range(check_docs.WIDTH - 20, check_docs.WIDTH + 1)


@pytest.mark.parametrize("block", ["options: scan", "options: global", "scenarios"])
def test_each_table_comes_from_the_tool(tmp_path: Path, check_docs: ModuleType, block: str) -> None:
    readme = write(tmp_path, f"<!-- {block} -->\n<!-- /{block.partition(':')[0]} -->\n", check_docs)
    assert list(check_docs.check(tmp_path, write=True)) == []
    assert readme.read_text().count("\n|") >= 3


def test_a_pipe_in_a_cell_does_not_end_it(check_docs: ModuleType) -> None:
    assert check_docs.row("`auto|never`", "x") == "| `auto\\|never` | x |\n"


def test_a_schema_that_is_out_of_date_is_noticed(tmp_path: Path, check_docs: ModuleType) -> None:
    write(tmp_path, "", check_docs)
    (tmp_path / check_docs.SCHEMA).write_text(json.dumps({}))
    assert "result.schema.json" in next(check_docs.check(tmp_path, write=False))


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("[there](docs/result.schema.json) [anchor](#x) [web](https://example.org/x)", []),
        ("[part](docs/result.schema.json#definitions)", []),
        ("[gone](docs/gone.md)", ["no such file: docs/gone.md"]),
        ("```\n[gone](docs/gone.md)\n```\n", []),
        ("<!-- exit-codes -->\nno end", ["a quoted part has no end"]),
    ],
)
def test_links_lead_somewhere_and_parts_have_an_end(
    tmp_path: Path, check_docs: ModuleType, text: str, problems: list[str]
) -> None:
    write(tmp_path, text, check_docs)
    found = list(check_docs.check(tmp_path, write=False))
    assert [problem.partition(": ")[2] for problem in found] == problems
