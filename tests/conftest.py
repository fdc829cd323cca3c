"""Every test runs in the same bare surroundings: no network but loopback, no settings of this machine, an empty folder.

Fixtures of a wider scope, such as a started engine, are set up outside of this and pass their sockets explicitly.
"""

import gc
import logging
import os
import signal
import socket
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import hypothesis
import pytest
import pytest_socket

from jenkins_scan.jenkins.environment import NOT_REPORTED, VARIABLES

# `make test` searches enough to notice a regression. `make coverage`, which CI runs too, searches on: it asks for
# `--hypothesis-profile=thorough`.
hypothesis.settings.register_profile("quick", max_examples=10, deadline=None)
hypothesis.settings.register_profile("thorough", max_examples=25, deadline=None)
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
    "JENKINS_USER_ID",
    "JENKINS_API_",
)
CLEARED = frozenset({*VARIABLES, *NOT_REPORTED, "CURL_CA_BUNDLE", "COLUMNS", "LINES"})
CLEARED |= {"NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "TTY_COMPATIBLE", "TTY_INTERACTIVE"}
look_up = socket.getaddrinfo


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """What is imported and collected lives as long as the run: the garbage collector need not look at it again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(700, 10, 50)  # the passes over all objects are what costs; young ones are seen as ever
        gc.enable()


@cache
def is_cleared(variable: str) -> bool:
    """Whether no test may inherit this variable."""
    named = variable in CLEARED or variable.startswith(CLEARED_PREFIXES)
    return named or variable.lower().endswith("_proxy")


@pytest.fixture(scope="session")
def empty_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The working folder of tests that ask for none: a folder for each of thousands would take seconds."""
    return tmp_path_factory.mktemp("empty")


@pytest.fixture(autouse=True)
def bare_surroundings(request: pytest.FixtureRequest, empty_folder: Path) -> Iterator[None]:
    """A home that does not exist, an empty working folder, none of this machine's settings, and loopback alone.

    One fixture that needs few others: each costs time, thousands of times.
    """
    own = "tmp_path" in request.fixturenames
    folder = request.getfixturevalue("tmp_path") if own else empty_folder
    with pytest.MonkeyPatch.context() as surroundings:
        for variable in filter(is_cleared, list(os.environ)):
            surroundings.delenv(variable)
        surroundings.setenv("HOME", "/nonexistent/home")
        surroundings.setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")
        surroundings.chdir(folder)
        surroundings.setattr(socket, "getaddrinfo", look_up_loopback)
        socket.socket.connect = connect_to_loopback()  # pytest-socket lifts its restriction at the end of each test
        yield
    log = logging.getLogger("jenkins_scan")  # a run of the command line sets it up for its terminal
    log.setLevel(logging.NOTSET)
    log.propagate = True
    log.handlers.clear()
    assert own or not any(empty_folder.iterdir()), "a test that writes files asks for tmp_path"


@cache
def connect_to_loopback() -> Callable[..., None]:
    """`socket.socket.connect` that reaches this machine alone, as pytest-socket puts it in place."""
    pytest_socket.socket_allow_hosts(["127.0.0.0/8", "::1", "localhost"], allow_unix_socket=True)
    return socket.socket.connect


def look_up_loopback(host, *args, **kwargs):
    """`socket.getaddrinfo` that looks no name up elsewhere: unknown names are just that."""
    name = host.decode() if isinstance(host, bytes) else host
    if name in LOOPBACK_NAMES or name is None or pytest_socket.is_ipaddress(name):
        return look_up(host, *args, **kwargs)
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
