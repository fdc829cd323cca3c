"""Ways that are closed to all Python here: shells, unsafe loaders, code from text, unverified TLS, XML by hand.

Ruff's rules S (flake8-bandit) see most of these too; these rules cannot be switched off by a `noqa`, hold for tests and
scripts as well, and say what they mean.
"""

import ast
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("jenkins_scan", "scripts", "tests")
LOADERS = {"pickle", "_pickle", "cPickle", "marshal", "shelve", "dill", "cloudpickle", "jsonpickle", "joblib"}
CODE = {"eval", "exec", "builtins.eval", "builtins.exec"}
SHELLS = {"os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput", "pty.spawn"}
UNVERIFIED = {"ssl._create_unverified_context", "ssl._create_stdlib_context", "ssl._create_default_https_context"}
YAML = {
    "yaml.load",
    "yaml.load_all",
    "yaml.unsafe_load",
    "yaml.unsafe_load_all",
    "yaml.full_load",
    "yaml.full_load_all",
}
TAG = re.compile(r"</[A-Za-z]|<[A-Za-z][\w:.-]*(\s+[\w:-]+=[\"'{]|\s*/>)|<\?xml|<!DOCTYPE (?!html>)|<!\[CDATA\[")
"""An end tag, a tag with an attribute, an empty one, a declaration: `<name>` alone is how messages name a part."""


SUSPICIOUS = re.compile(
    r"\b(shell|system|popen|getoutput|getstatusoutput|spawn|yaml|eval|exec|verify|check_hostname|mktemp|tmpnam|tempnam"
    rf"|ruamel|_create_\w+|{'|'.join(LOADERS)})\b|{TAG.pattern}"
)
"""A file without any of these words breaks no rule: it need not be parsed, which is what costs."""


@cache
def sources() -> dict[str, ast.Module]:
    """Every Python file here that may break a rule, by its path from the root; parsed when a test asks."""
    return {
        path.relative_to(ROOT).as_posix(): ast.parse(text)
        for folder in FOLDERS
        for path in sorted((ROOT / folder).rglob("*.py"))
        if SUSPICIOUS.search(text := path.read_text(encoding="utf-8"))
    }


@cache
def nodes(tree: ast.Module) -> list[ast.AST]:
    """The whole tree, in a row."""
    return list(ast.walk(tree))


def dotted(node: ast.AST) -> str:
    """The name as it is written; empty for what is none."""
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return before and f"{before}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


@cache
def uses(tree: ast.Module) -> frozenset[str]:
    """Every dotted name that is used or imported, with imported names written out."""
    full: dict[str, str] = {}
    names: set[str] = set()
    for node in nodes(tree):
        if isinstance(node, ast.ImportFrom):
            full |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
            names |= {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            full |= {alias.asname: alias.name for alias in node.names if alias.asname}
            names |= {alias.name for alias in node.names}
        elif name := dotted(node):
            names.add(name)
    written_out = ((full.get(first, first), rest) for first, _, rest in (name.partition(".") for name in names))
    return frozenset(names | {f"{first}.{rest}" if rest else first for first, rest in written_out})


def used(tree: ast.Module, names: set[str]) -> list[str]:
    """Those of the names that are used, or that something below is."""
    return sorted(each for each in uses(tree) if each in names or each.partition(".")[0] in names)


def keywords(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """Every keyword of every call."""
    yield from ((node.arg, node.value) for node in nodes(tree) if isinstance(node, ast.keyword) and node.arg)


def entries(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """Every entry of a dictionary, as it may become a keyword."""
    for node in nodes(tree):
        for key, value in zip(node.keys, node.values, strict=True) if isinstance(node, ast.Dict) else ():
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield key.value, value


def shells(tree: ast.Module) -> list[str]:
    """A shell that reads a text: by a keyword that is not False, or by a function that always has one."""
    asked = ["shell=" for name, value in keywords(tree) if name == "shell" and not _is(value, False)]
    asked += ["'shell':" for name, value in entries(tree) if name == "shell" and _is(value, True)]
    return [*asked, *used(tree, SHELLS)]


def unsafe_loaders(tree: ast.Module) -> list[str]:
    """Loaders that run what they load."""
    return used(tree, LOADERS | YAML)


def code_from_text(tree: ast.Module) -> list[str]:
    """Text that is run as Python."""
    return used(tree, CODE)


def unverified_tls(tree: ast.Module) -> list[str]:
    """TLS that believes any certificate."""
    named = (*keywords(tree), *entries(tree))
    off = [f"{name}=" for name, value in named if name in ("verify", "check_hostname") and _is(value, False)]
    return [*off, *used(tree, UNVERIFIED)]


def guessable_names(tree: ast.Module) -> list[str]:
    """Temporary files whose name another process can take first."""
    return used(tree, {"tempfile.mktemp", "os.tmpnam", "os.tempnam"})


def xml_by_hand(tree: ast.Module) -> list[str]:
    """Texts with a tag in them that are not documentation."""
    documentation = {
        id(node.value) for node in nodes(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    return [
        node.value
        for node in nodes(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in documentation
        and TAG.search(node.value)
    ]


def yaml_of_any_kind(tree: ast.Module) -> list[str]:
    """The library itself."""
    return used(tree, {"yaml", "ruamel"})


ESCAPED_HTML = {"jenkins_scan/report/issues.py": ["</ul>", "</li>", "</p>"]}
"""No XML: Jenkins shows these pieces as HTML, and every value in them goes through `html.escape`, quotes included.

ElementTree would leave quotes; `tests/unit/report/test_issues.py` holds it."""


def _is(value: ast.expr, constant: object) -> bool:
    return isinstance(value, ast.Constant) and value.value is constant


EVERYWHERE = [shells, unsafe_loaders, code_from_text, unverified_tls, guessable_names]
IN_THE_PACKAGE = [xml_by_hand, yaml_of_any_kind]


@pytest.mark.parametrize("rule", EVERYWHERE, ids=lambda rule: rule.__name__)
def test_no_line_here_takes_a_dangerous_way(rule: Callable[[ast.Module], list[str]]) -> None:
    assert {path: found for path, tree in sources().items() if (found := rule(tree))} == {}


@pytest.mark.parametrize("rule", IN_THE_PACKAGE, ids=lambda rule: rule.__name__)
def test_the_package_reads_no_yaml_and_writes_xml_by_a_library_alone(rule: Callable[[ast.Module], list[str]]) -> None:
    package = {path: tree for path, tree in sources().items() if path.startswith("jenkins_scan/")}
    found = {path: broken for path, tree in package.items() if (broken := rule(tree))}
    assert found == (ESCAPED_HTML if rule is xml_by_hand else {})


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        (shells, "import subprocess\nsubprocess.run('ls', shell=True)"),
        (shells, "import subprocess\nsubprocess.run('ls', shell=asked)"),
        (shells, "import subprocess\nsubprocess.run('ls', **{'shell': True})"),
        (shells, "import os\nos.system('ls')"),
        (shells, "from os import system as run\nrun('ls')"),
        (shells, "import os as o\no.popen('ls')"),
        (shells, "import subprocess\nsubprocess.getoutput('ls')"),
        (unsafe_loaders, "import pickle"),
        (unsafe_loaders, "from marshal import loads"),
        (unsafe_loaders, "def late():\n import shelve as store"),
        (unsafe_loaders, "import yaml\nyaml.load(text, Loader=yaml.Loader)"),
        (unsafe_loaders, "from yaml import load"),
        (unsafe_loaders, "import yaml\nyaml.unsafe_load(text)"),
        (code_from_text, "eval('1')"),
        (code_from_text, "run = exec"),
        (code_from_text, "import builtins\nbuiltins.eval('1')"),
        (unverified_tls, "import httpx\nhttpx.get(url, verify=False)"),
        (unverified_tls, "context.update(verify=False)"),
        (unverified_tls, "options = {'verify': False}"),
        (unverified_tls, "httpx.get(url, **{'verify': False})"),
        (unverified_tls, "import ssl\nssl._create_unverified_context()"),
        (unverified_tls, "from ssl import _create_unverified_context as trusting"),
        (guessable_names, "import tempfile\ntempfile.mktemp()"),
        (guessable_names, "from tempfile import mktemp"),
        (xml_by_hand, "text = '<testcase name=\"' + name + '\"/>'"),
        (xml_by_hand, "text = f'<testcase name=\"{name}\"/>'"),
        (xml_by_hand, "text = f'<b>{name}</b>'"),
        (xml_by_hand, "head = '<?xml version=\"1.0\"?>'"),
        (yaml_of_any_kind, "import yaml"),
    ],
)
def test_each_of_these_rules_notices_a_planted_line(rule: Callable[[ast.Module], list[str]], source: str) -> None:
    assert SUSPICIOUS.search(source)
    assert rule(ast.parse(source))


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        (shells, "import subprocess\nsubprocess.run(['ls'], shell=False)"),
        (unsafe_loaders, "import yaml\nyaml.safe_load(text)"),
        (code_from_text, "import re\nre.compile('x')\nliteral_eval('1')\nmodel.exec_module(x)"),
        (unverified_tls, "import httpx\nhttpx.get(url, verify=context)"),
        (guessable_names, "import tempfile\ntempfile.mkdtemp()"),
        (xml_by_hand, "'''Writes <b>.'''\ntext = 'a < b > c'"),
    ],
)
def test_none_of_them_forbids_the_good_way(rule: Callable[[ast.Module], list[str]], source: str) -> None:
    assert rule(ast.parse(source)) == []


def test_every_dependency_is_locked_by_hash():
    for lock in ROOT.glob("requirements*.lock"):
        blocks = re.split(r"^(?=[a-zA-Z0-9])", lock.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
        assert blocks, lock.name
        for block in blocks:
            assert re.match(r"[\w.\[\]-]+==\S+", block), block[:80]
            assert re.search(r"--hash=sha256:[0-9a-f]{64}", block), block[:80]


def test_the_audit_asks_about_all_that_is_locked():
    audited = {"requirements-extras.lock", "requirements-dev.lock", "requirements-audit.lock"}
    locked = {path.name: set(_pins(path)) for path in ROOT.glob("requirements*.lock")}
    assert locked["requirements.lock"] <= locked["requirements-extras.lock"]
    assert audited | {"requirements.lock"} == locked.keys()


def _pins(lock: Path) -> Iterator[str]:
    yield from re.findall(r"^([\w.-]+(?:\[[^\]]*\])?==\S+)", lock.read_text(encoding="utf-8"), re.MULTILINE)
