"""The package's shape, by its syntax trees: arrows point one way, libraries have one home, only the edge speaks.

A module that does not exist yet breaks no rule; a rule is changed here, on purpose, when the design changes.
"""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "jenkins_scan"

THREADS = ("side_by_side", "time_limit")
FLOOR = (
    "errors",
    "findings",
    "plain_text",
    "untrusted_json",
    "spelling",
    "redaction",
    "secret_forms",
    "clock",
    *THREADS,
    "loopback",
    "causes",
    "certificate_file",
)
SEAMS = (
    *("images.interface", "security_center.interface", "security_center.registry_scans"),
    *("gate.verdict", "report.interface", "jenkins.environment"),
)
"""Modules of types: neighbours meet there, never in each other's rooms."""
ARROWS = {
    "__main__": ("cli",),
    "cli": (
        *("step", "config", "sandbox", "doctor", "explanations", "local.checks"),
        *("images", "security_center", "gate", "report", "jenkins"),
        *FLOOR,
    ),
    "doctor": (
        *("config.file", "config.settings", "gate.policy", "report.outputs"),
        *("images.engine", "images.interface", "security_center", "jenkins"),
        *FLOOR,
    ),
    "step": (
        *("config", "images", "local", "gate", "jenkins"),
        *("security_center.polling", "security_center.status_words", "security_center.regions"),
        *SEAMS,
        *FLOOR,
    ),
    "images": (*SEAMS, *FLOOR),
    "local": ("images", *SEAMS, *FLOOR),
    "security_center": ("sandbox", *SEAMS, *FLOOR),
    "gate": (*SEAMS, *FLOOR),
    "report": (
        "step.record",
        "step.submission",
        "gate.stored",
        "gate.names",
        "gate.given_file",
        "config.settings",
        "config.options",
        *SEAMS,
        *FLOOR,
    ),
    "jenkins": (*SEAMS, *FLOOR),
    "config": (
        *("images.reference", "gate.image", "security_center.endpoints", "security_center.variables"),
        *SEAMS,
        *FLOOR,
    ),
    "sandbox": ("security_center.signing", "security_center.credentials", *FLOOR),
    "findings": ("errors",),
    "explanations": ("errors", "security_center.codes", "local.checks", "gate.verdict"),
    "errors": (),
    "plain_text": (),
    "redaction": ("secret_forms",),
    "secret_forms": (),
    "clock": (),
    "untrusted_json": (),
    "spelling": (),
    "side_by_side": (),
    "time_limit": (),
    "loopback": (),
    "causes": (),
    "certificate_file": (),
}
"""What each part may import beside itself and the package's version."""

HOMES = {
    "click": ("cli/", "config/"),
    "docker": ("images/engine/connection.py", "images/engine/docker_sdk.py"),
    "requests": ("images/engine/connection.py", "images/engine/faults.py"),
    "urllib3": ("images/engine/connection.py", "images/engine/faults.py"),
    "paramiko": (),
    "detect_secrets": ("local/tokens.py", "local/more_detectors.py"),
    "zstandard": ("images/archive/compression.py",),
    "httpx": ("security_center/", "sandbox/transport.py", "images/registry/", "jenkins/exchange.py"),
    "tenacity": ("security_center/",),
    "alibabacloud_credentials": ("security_center/",),
    "jenkins": ("jenkins/controller.py",),
    "rich": ("cli/terminal.py", "report/table.py"),
    "pydantic": (
        *(
            "config/",
            "security_center/",
            "report/result.py",
            "report/earlier.py",
            "sandbox/scenarios.py",
            "sandbox/conditions.py",
            "sandbox/instance_operations.py",
        ),
        *("cli/inspect.py", "cli/service.py"),
    ),
}
READS_ENVIRONMENT = ("config/", "jenkins/environment.py", "cli/main.py")
SPEAKS = ("__main__.py", "cli/", "security_center/ram_credentials.py")
"""The last one answers its parent process, over a pipe."""
VAGUE_NAMES = {"util", "utils", "helper", "helpers", "manager", "managers", "base", "common", "misc"}


@dataclass(frozen=True)
class Module:
    """One source file of the package."""

    path: str
    """Relative to the package, with `/`."""
    tree: ast.Module

    @property
    def part(self) -> str:
        """The first name under the package, such as `images`; empty for the package itself."""
        first = self.path.split("/")[0].removesuffix(".py")
        return "" if first == "__init__" else first


@dataclass(frozen=True)
class Import:
    """One imported module, and whether that happens as soon as the importing module is."""

    name: str
    at_once: bool


@cache
def modules() -> list[Module]:
    """All of the package; parsed when a test asks, as every worker of a test run collects this file."""
    return [
        Module(path.relative_to(PACKAGE).as_posix(), ast.parse(path.read_text(encoding="utf-8")))
        for path in sorted(PACKAGE.rglob("*.py"))
    ]


@cache
def imports(module: Module) -> list[Import]:
    """Everything that is imported, as dotted names."""
    return list(_imports(module))


def _imports(module: Module) -> Iterator[Import]:
    functions = [node for node in ast.walk(module.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    lazy = {id(node) for function in functions for node in ast.walk(function)}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, id(node) not in lazy) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (Import(f"{node.module}.{alias.name}", id(node) not in lazy) for alias in node.names)


def own_imports(module: Module) -> Iterator[Import]:
    """The imports from this package, without its name."""
    for each in imports(module):
        if leads_to(each.name, "jenkins_scan"):
            yield Import(each.name.removeprefix("jenkins_scan."), each.at_once)


def lies_in(path: str, homes: tuple[str, ...]) -> bool:
    """Whether the file is one of these, or in one of these folders."""
    return any(path == home or (home.endswith("/") and path.startswith(home)) for home in homes)


def leads_to(name: str, target: str) -> bool:
    """Whether the dotted name is the target or below it."""
    return name == target or name.startswith(f"{target}.")


def wrong_arrows(module: Module) -> list[str]:
    """Imports from parts of the package that this part must not know."""
    allowed = (module.part, "__version__", *ARROWS.get(module.part, ()))
    imported = [] if module.part == "" else own_imports(module)
    return [each.name for each in imported if not any(leads_to(each.name, target) for target in allowed)]


def strayed_libraries(module: Module) -> list[str]:
    """Imports of a library outside of its home."""
    return [
        each.name
        for each in imports(module)
        for library, homes in HOMES.items()
        if leads_to(each.name, library) and not lies_in(module.path, homes)
    ]


def early_sandbox(module: Module) -> list[str]:
    """Imports of the sandbox as soon as another part is imported."""
    if module.part == "sandbox":
        return []
    return [each.name for each in own_imports(module) if leads_to(each.name, "sandbox") and each.at_once]


def relative_imports(module: Module) -> list[str]:
    """Imports that start with a dot."""
    return [
        f"line {node.lineno}" for node in ast.walk(module.tree) if isinstance(node, ast.ImportFrom) and node.level > 0
    ]


def uses_of(module: Module, names: set[str]) -> list[str]:
    """Uses and imports of these dotted or built-in names."""
    return [name for name in names_in(module) if name in names]


@cache
def names_in(module: Module) -> list[str]:
    """Every dotted name that is used or imported."""
    found = [ast.unparse(node) for node in ast.walk(module.tree) if isinstance(node, ast.Name | ast.Attribute)]
    return [*found, *(each.name for each in imports(module))]


def environment_reads(module: Module) -> list[str]:
    """Reads of the process's own environment outside of the two places for it."""
    names = {"os.environ", "os.environb", "os.getenv", "os.getenvb"}
    return [] if lies_in(module.path, READS_ENVIRONMENT) else uses_of(module, names)


def speech(module: Module) -> list[str]:
    """Printing and exiting outside of the command line."""
    names = {"print", "exit", "quit", "SystemExit", "os._exit", "click.echo", "click.secho"}
    names |= {"sys.stdout", "sys.stderr", "sys.__stdout__", "sys.__stderr__", "sys.exit"}
    return [] if lies_in(module.path, SPEAKS) else uses_of(module, names)


def vague_names(module: Module) -> list[str]:
    """Names of the file and its folders that say nothing."""
    return sorted(VAGUE_NAMES.intersection(module.path.removesuffix(".py").split("/")))


def undocumented(module: Module) -> list[str]:
    """The module and its public classes, methods and functions without a docstring."""

    def within(node: ast.Module | ast.ClassDef) -> Iterator[str]:
        for child in node.body:
            if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and child.name[0] != "_":
                if ast.get_docstring(child) is None:
                    yield child.name
                if isinstance(child, ast.ClassDef):
                    yield from within(child)

    return [*([] if ast.get_docstring(module.tree) else [module.path]), *within(module.tree)]


RULES = [
    wrong_arrows,
    strayed_libraries,
    early_sandbox,
    relative_imports,
    environment_reads,
    speech,
    vague_names,
    undocumented,
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_module_keeps_the_rule(rule: Callable[[Module], list[str]]) -> None:
    assert {module.path: broken for module in modules() if (broken := rule(module))} == {}


def test_every_part_of_the_package_has_its_arrows() -> None:
    assert {module.part for module in modules()} - {""} <= ARROWS.keys()


@pytest.mark.parametrize(
    ("rule", "path", "source"),
    [
        (wrong_arrows, "images/engine/source.py", "from jenkins_scan.report.result import Result"),
        (wrong_arrows, "images/engine/source.py", "from jenkins_scan import report"),
        (wrong_arrows, "errors.py", "import jenkins_scan.findings"),
        (wrong_arrows, "report/table.py", "def late():\n from jenkins_scan.images import engine"),
        (strayed_libraries, "images/archive/path.py", "import docker.errors"),
        (strayed_libraries, "report/table.py", "from httpx import Client"),
        (early_sandbox, "cli/main.py", "from jenkins_scan.sandbox.service import SandboxService"),
        (relative_imports, "images/engine/source.py", "from .interface import Store"),
        (environment_reads, "images/engine/endpoint.py", "import os\nhome = os.environ['HOME']"),
        (environment_reads, "images/engine/endpoint.py", "from os import getenv"),
        (speech, "step/scan.py", "print('done')"),
        (speech, "step/scan.py", "import sys\nsys.stderr.write('x')"),
        (speech, "step/scan.py", "raise SystemExit(2)"),
        (vague_names, "images/utils.py", ""),
        (undocumented, "step/scan.py", "'''Doc.'''\nclass Step:\n '''Doc.'''\n def run(self): ..."),
        (undocumented, "step/scan.py", "def _run(): ..."),
    ],
)
def test_each_rule_notices_its_breach(rule: Callable[[Module], list[str]], path: str, source: str) -> None:
    assert rule(Module(path, ast.parse(source)))


@pytest.mark.parametrize(
    ("rule", "path", "source"),
    [
        (
            wrong_arrows,
            "report/result.py",
            "from jenkins_scan.images.interface import ImageIdentity",
        ),
        (wrong_arrows, "report/result.py", "from jenkins_scan import __version__"),
        (wrong_arrows, "images/resolve.py", "from jenkins_scan.images import engine"),
        (strayed_libraries, "jenkins/environment.py", "from jenkins_scan.jenkins import environment"),
        (early_sandbox, "cli/main.py", "def late():\n from jenkins_scan.sandbox.service import SandboxService"),
        (environment_reads, "config/settings.py", "import os\nhome = os.environ"),
        (speech, "cli/terminal.py", "print('done')"),
        (undocumented, "step/scan.py", "'''Doc.'''\ndef _run(): ..."),
    ],
)
def test_no_rule_forbids_what_the_design_allows(rule: Callable[[Module], list[str]], path: str, source: str) -> None:
    assert rule(Module(path, ast.parse(source))) == []
