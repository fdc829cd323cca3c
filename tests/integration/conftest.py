"""Engines and a registry of one's own, started once for all integration tests; without their binaries these fail."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

import docker
import pytest

from tests.support import engines
from tests.support.watched import _collector, _installed, _watched  # noqa: F401  every test here is watched

Engine = TypeVar("Engine", engines.DockerEngine, engines.Registry)


@pytest.fixture(scope="session")
def engines_folder() -> Iterator[Path]:
    """A folder with a short path, as the path of a socket has at most 107 characters."""
    folder = Path(tempfile.mkdtemp(prefix="js-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def registry(engines_folder: Path) -> Iterator[engines.Registry]:
    """A registry on loopback."""
    with _started(engines.running_registry(engines_folder / "registry")) as running:
        yield running


@pytest.fixture(scope="session")
def docker_engine(engines_folder: Path) -> Iterator[engines.DockerEngine]:
    """A dockerd on its own socket."""
    with _started(engines.running_dockerd(engines_folder / "docker")) as running:
        yield running


@pytest.fixture
def client(docker_engine: engines.DockerEngine) -> Iterator[docker.APIClient]:
    """The Docker SDK on that dockerd."""
    client = docker_engine.client()
    yield client
    client.close()


@contextmanager
def _started(running: AbstractContextManager[Engine]) -> Iterator[Engine]:
    with ExitStack() as stack:
        try:
            engine = stack.enter_context(running)
        except engines.EngineDidNotStart as exc:
            pytest.fail(str(exc))
        yield engine
