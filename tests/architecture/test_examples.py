"""What the docs tell people to run exists in this version, and so do the files they name."""

import re
from pathlib import Path

import pytest

from jenkins_scan.config.options import GLOBAL_OPTIONS, OPTIONS
from jenkins_scan.errors import Reason
from jenkins_scan.security_center.variables import SECRET_VARIABLES

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ["Jenkinsfile.example", "docs/jenkins.md", "docker/README.md", "README.md"]
STEP = ROOT / "vars/jenkinsScan.groovy"
COMMAND = re.compile(r"jenkins-scan ((?:--?[a-z]+ )*)(scan-registry|scan|wait|inspect|quota)\b([^'`\n|]*)")
FLAG = re.compile(r"(?<!\S)(--[a-z-]+|-[a-z])\b")


def commands(name: str) -> list[tuple[str, str]]:
    """The verb and the arguments of each `jenkins-scan` line in an example."""
    return [(verb, options) for _, verb, options in COMMAND.findall((ROOT / name).read_text(encoding="utf-8"))]


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_option_in_an_example_is_one_of_its_verb(name: str) -> None:
    for verb, arguments in commands(name):
        mine = [option for option in OPTIONS if verb in option.commands]
        known = {f"--{option.name}" for option in mine} | {option.short for option in mine} | {"--help"}
        assert set(FLAG.findall(arguments)) <= known


def test_the_examples_hold_commands_at_all() -> None:
    assert [verb for verb, _ in commands("Jenkinsfile.example")] == ["scan"]
    assert len(commands("docs/jenkins.md")) >= 5


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_variable_in_an_example_is_one_that_is_read(name: str) -> None:
    known = {option.variable for option in (*OPTIONS, *GLOBAL_OPTIONS)}
    known |= {variable for secret in SECRET_VARIABLES for variable in (secret, f"{secret}_FILE")}
    named = re.findall(r"\b(?:JENKINS_SCAN|ALIBABA_CLOUD)_[A-Z_]+\b", (ROOT / name).read_text(encoding="utf-8"))
    assert set(named) <= known


def test_the_jenkinsfile_and_the_library_step_map_the_one_unstable_code() -> None:
    assert f"code == {Reason.WARN.code}" in (ROOT / "Jenkinsfile.example").read_text(encoding="utf-8")
    assert f"exitCode == {Reason.WARN.code} " in STEP.read_text(encoding="utf-8")


def options_of_the_step() -> dict[str, str]:
    """The arguments of the library step that are options, each with the end of its variable's name."""
    method = re.search(r"Map optionsOfTheTool\(\) \{(.*?)\}", STEP.read_text(encoding="utf-8"), re.DOTALL)
    assert method is not None
    return dict(re.findall(r"(\w+): '(\w+)'", method[1]))


def test_each_argument_of_the_library_step_that_is_an_option_sets_the_variable_of_one() -> None:
    known = {option.variable for option in (*OPTIONS, *GLOBAL_OPTIONS)}
    for argument, variable in options_of_the_step().items():
        assert f"JENKINS_SCAN_{variable}" in known
        assert re.sub("([A-Z])", r"_\1", argument).upper() == variable


def test_the_help_of_the_library_step_lists_every_argument_and_no_other() -> None:
    text = STEP.read_text(encoding="utf-8")
    lists = re.findall(r"(?:flags|texts) = \[([^\]]*)\]", text)
    known = {name for names in lists for name in re.findall(r"'(\w+)'", names)} | options_of_the_step().keys()
    listed = re.findall(r"<dt>(.*?)</dt>", STEP.with_suffix(".txt").read_text(encoding="utf-8"))
    assert sorted(re.findall(r"<code>(\w+)</code>", "".join(listed))) == sorted(known)


def test_the_library_step_keeps_values_out_of_scripts_and_state_out_of_fields() -> None:
    text = STEP.read_text(encoding="utf-8")
    scripts = re.findall(r"script: (.{3})", text)
    assert scripts == ["'''"] * 2
    assert "@Field" not in text
    assert not re.search(r"^[a-z]\w* = ", text, re.MULTILINE)


METHOD = re.compile(r"^(@NonCPS\n)?(?!return)\w+ (\w+)\([^\n]*\) \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
CALLED = re.compile(r"""(?<![.\w'"])([a-z]\w*)(?: *[({]| +['"])""")


def calls_that_non_cps_methods_must_not_make(text: str) -> list[tuple[str, str]]:
    """Each call of a step, or of a method that is not @NonCPS itself, in one that is: Jenkins loses its way there."""
    methods = METHOD.findall(text)
    known = (ROOT / "tests/groovy/Known.groovy").read_text(encoding="utf-8")
    forbidden = {name for annotation, name, _ in methods if not annotation}
    forbidden |= set(re.findall(r"^        (\w+): ", known, re.MULTILINE))
    return [
        (name, called)
        for annotation, name, body in methods
        if annotation
        for called in CALLED.findall(body)
        if called in forbidden
    ]


def test_what_jenkins_runs_in_one_go_calls_nothing_that_it_has_to_store() -> None:
    text = STEP.read_text(encoding="utf-8")
    assert calls_that_non_cps_methods_must_not_make(text) == []
    assert text.count("@NonCPS\n") == sum(bool(annotation) for annotation, _, _ in METHOD.findall(text))
    assert len(re.findall(r"^\w+ \w+\(.*\) \{$", text, re.MULTILINE)) == len(METHOD.findall(text))


@pytest.mark.parametrize(
    "call", ["echo('x')", "echo 'x'", "sh(script: 'true')", "b()", "x << b()", "withEnv(['A=b']) { }", "node { }"]
)
def test_a_call_that_must_not_be_made_there_is_seen(call: str) -> None:
    text = f"@NonCPS\nString a(Map args) {{\n    {call}\n}}\n\nvoid b() {{\n    echo('x')\n    a([:])\n}}\n"
    assert [name for name, _ in calls_that_non_cps_methods_must_not_make(text)] == ["a"]


def test_the_library_step_uses_what_the_sandbox_of_jenkins_lets_through() -> None:
    text = STEP.read_text(encoding="utf-8")
    assert re.findall(r"^import (.*)$", text, re.MULTILINE) == ["groovy.json.JsonSlurper"]
    assert not [line for line in text.splitlines() if re.search(r"\bin\b", line.partition("//")[0]) and " if " in line]
    assert ".split(" not in text


def test_no_example_lets_groovy_see_a_value_of_the_environment() -> None:
    for name in EXAMPLES:
        text = (ROOT / name).read_text(encoding="utf-8")
        assert not re.search(r"""\bsh\b[^\n]*"[^"\n]*\$\{?(?!\{)[^"\n]*"[^\n]*jenkins-scan""", text)
        assert 'script: "' not in text


def test_the_architecture_page_names_every_file_and_no_other() -> None:
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    named = [path for row in re.findall(r"^\| (`[^|]*`) \|", page, re.MULTILINE) for path in files_of(row)]
    package = ROOT / "jenkins_scan"
    present = [path.relative_to(package).as_posix() for path in package.rglob("*.py")]
    present = [path for path in present if not path.endswith("/__init__.py")]
    assert sorted(named) == sorted([*present, "sandbox/ready_made.toml"])


def files_of(row: str) -> list[str]:
    """The files of one row; the later ones lie in the folder of the first."""
    names = re.findall(r"`([\w/]+\.\w+)`", row)
    folder = names[0].rpartition("/")[0] if names else ""
    return [name if "/" in name or not folder else f"{folder}/{name}" for name in names]
