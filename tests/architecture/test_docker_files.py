"""The agent image's Dockerfile and the compose files, read as text: what has to hold before anything is built."""

import re
from pathlib import Path

import pytest

from jenkins_scan import __version__
from jenkins_scan.security_center.variables import SECRET_VARIABLES

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "docker/Dockerfile").read_text(encoding="utf-8")
COMPOSE = (ROOT / "docker/compose.yaml").read_text(encoding="utf-8")
SECRETS = (ROOT / "docker/compose.secrets.yaml").read_text(encoding="utf-8")


def instructions() -> list[tuple[str, str]]:
    """Each instruction of the Dockerfile with its arguments on one line."""
    lines = [line for line in DOCKERFILE.splitlines() if not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [
        (word, " ".join(rest.split()))
        for word, _, rest in (line.partition(" ") for line in joined.splitlines() if line)
    ]


def given(word: str) -> list[str]:
    """The arguments of each instruction of that name."""
    return [arguments for instruction, arguments in instructions() if instruction == word]


def last_stage() -> list[tuple[str, str]]:
    """The instructions that make the image itself."""
    everything = instructions()
    start = max(number for number, (word, _) in enumerate(everything) if word == "FROM")
    return everything[start:]


def service(text: str, name: str) -> str:
    """The block of a service in a compose file."""
    found = re.search(rf"^  {name}:\n((?:    .*\n|\n)+)", text, re.MULTILINE)
    assert found is not None
    return found[1]


def test_only_plain_instructions_are_used_so_that_every_builder_takes_them():
    assert {word for word, _ in instructions()} == {"ARG", "FROM", "WORKDIR", "COPY", "RUN", "USER", "CMD", "LABEL"}
    assert not re.search(r"^# *syntax=|<<|--mount|--chmod|--link", DOCKERFILE, re.MULTILINE)


def test_no_entry_point_swallows_the_command_of_jenkins():
    assert given("ENTRYPOINT") == []


def test_the_last_user_is_a_number_and_not_root():
    (user,) = [arguments for word, arguments in last_stage() if word == "USER"]
    assert re.fullmatch(r"[1-9][0-9]*:[1-9][0-9]*", user)


@pytest.mark.parametrize(
    "image", re.findall(r"(?:PYTHON_IMAGE=|DIND_IMAGE:-|PYTHON_IMAGE:-)([^\s}]+)", DOCKERFILE + COMPOSE)
)
def test_every_base_has_a_tag_that_is_not_latest(image):
    name, _, tag = image.partition(":")
    assert name
    assert tag not in {"", "latest"}


def test_both_stages_start_from_the_same_base():
    assert given("FROM") == ["${PYTHON_IMAGE} AS build", "${PYTHON_IMAGE}"]


def test_every_library_is_installed_by_its_hash_and_the_tool_without_asking_an_index():
    libraries, tool = re.findall(r"pip install (.*)", "\n".join(given("RUN")).replace("&&", "\n"))
    assert "--require-hashes -r" in libraries
    assert {"--no-deps", "--no-build-isolation", "."} <= set(tool.split())


def test_the_last_stage_installs_nothing_from_an_index():
    assert "pip install" not in " ".join(arguments for _, arguments in last_stage())


def test_nothing_is_fetched_by_the_builder_and_no_secret_is_an_argument():
    assert given("ADD") == []
    names = [argument.partition("=")[0] for argument in given("ARG")]
    assert set(names) == {"PYTHON_IMAGE", "VERSION", "LOCK", "PIP_INDEX_URL", "REVISION", "SOURCE"}
    assert "PIP_INDEX_URL" not in [arguments for _, arguments in last_stage()]


def test_the_version_is_the_package_s_and_the_build_compares_them():
    assert f"VERSION={__version__}" in given("ARG")
    assert any('"${found}" = "jenkins-scan ${VERSION}"' in arguments for arguments in given("RUN"))


def test_the_labels_are_those_of_the_image_specification():
    (labels,) = given("LABEL")
    named = re.findall(r"org\.opencontainers\.image\.([a-z.]+)=", labels)
    assert named == ["title", "description", "version", "revision", "source", "base.name"]


def test_the_build_context_holds_only_what_is_copied():
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == [
        *("*", "!jenkins_scan", "!pyproject.toml", "!README.md", "!requirements*.lock", "**/__pycache__"),
    ]


def test_the_engine_makes_its_certificates_where_the_agent_finds_them():
    engine, agent = service(COMPOSE, "docker"), service(COMPOSE, "agent")
    assert "privileged: true" in engine
    assert "DOCKER_TLS_CERTDIR: /certs\n" in engine
    assert {"certs-ca:/certs/ca", "certs-client:/certs/client"} <= set(re.findall(r"- (certs-\S+)", engine))
    assert re.findall(r"- (certs-\S+)", agent) == ["certs-client:/certs/client:ro"]
    assert "DOCKER_HOST: tcp://docker:2376\n" in agent
    assert 'DOCKER_TLS_VERIFY: "1"\n' in agent
    assert "DOCKER_CERT_PATH: /certs/client\n" in agent
    assert "dockerfile: docker/Dockerfile\n" in agent


def test_the_agent_waits_for_the_engine_and_no_port_is_published():
    assert "condition: service_healthy\n" in service(COMPOSE, "agent")
    assert "healthcheck:" in service(COMPOSE, "docker")
    assert "ports:" not in COMPOSE


def test_secrets_come_from_files_by_names_that_are_read():
    named = re.findall(r"^ +((?:ALIBABA_CLOUD|JENKINS_SCAN)_[A-Z_]+_FILE): /run/secrets/(\S+)$", SECRETS, re.MULTILINE)
    assert {variable.removesuffix("_FILE") for variable, _ in named} == set(SECRET_VARIABLES) - {
        "ALIBABA_CLOUD_SECURITY_TOKEN"
    }
    declared = re.findall(r"^  (\S+):\n    file: \$\{SECRETS[^}]*\}/\1$", SECRETS, re.MULTILINE)
    assert declared == [name for _, name in named]
    assert not set(SECRET_VARIABLES) & set(re.findall(r"\b[A-Z_]+\b", COMPOSE + SECRETS + DOCKERFILE))
