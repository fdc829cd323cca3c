"""Every test runs in the same bare surroundings: no network but loopback, no settings of this machine, an empty folder.

Fixtures of a wider scope, such as a started engine, are set up outside of this and pass their sockets explicitly.
"""

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
import pytest_socket

from jenkins_scan.jenkins.environment import NOT_REPORTED, VARIABLES

# Enough examples to notice a regression; a longer search is a run of its own, as `--hypothesis-profile=default` does.
hypothesis.settings.register_profile("quick", max_examples=20, deadline=None)
hypothesis.settings.load_profile("quick")

# nohup and `&` leave signals ignored, and every process that a test starts would inherit that.
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.SIG_DFL)

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1", socket.gethostname()})
CLEARED_PREFIXES = (
    "JENKINS_SCAN_",
    "ALIBABA_CLOUD_",
    "ALICLOUD_",
    "DOCKER_",
    "CONTAINER_",
    "GIT_",
    "SSL_CERT_",
    "REQUESTS_",
)
CLEARED = frozenset({*VARIABLES, *NOT_REPORTED, "CURL_CA_BUNDLE", "COLUMNS", "LINES"})
CLEARED |= {"NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "TTY_COMPATIBLE", "TTY_INTERACTIVE"}


def is_cleared(variable: str) -> bool:
    """Whether no test may inherit this variable."""
    named = variable in CLEARED or variable.startswith(CLEARED_PREFIXES)
    return named or variable.lower().endswith("_proxy")


@pytest.fixture(scope="session")
def empty_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The working folder of tests that ask for none: a folder for each of thousands would take seconds."""
    return tmp_path_factory.mktemp("empty")


@pytest.fixture(autouse=True)
def bare_surroundings(
    request: pytest.FixtureRequest, empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """A home that does not exist, an empty working folder, and none of this machine's settings."""
    for variable in filter(is_cleared, list(os.environ)):
        monkeypatch.delenv(variable)
    monkeypatch.setenv("HOME", "/nonexistent/home")
    monkeypatch.setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")
    own = "tmp_path" in request.fixturenames
    monkeypatch.chdir(request.getfixturevalue("tmp_path") if own else empty_folder)
    yield
    assert own or not list(empty_folder.iterdir()), "a test that writes files asks for tmp_path"


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections reach this machine alone, and no name is looked up elsewhere: unknown names are just that.

    pytest-socket lifts its restriction at the end of each test.
    """
    pytest_socket.socket_allow_hosts(["127.0.0.0/8", "::1", "localhost"], allow_unix_socket=True)
    look_up = socket.getaddrinfo

    def look_up_loopback(host, *args, **kwargs):
        name = host.decode() if isinstance(host, bytes) else host
        if name in LOOPBACK_NAMES or name is None or pytest_socket.is_ipaddress(name):
            return look_up(host, *args, **kwargs)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", look_up_loopback)
