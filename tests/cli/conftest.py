"""The command line, run in this process with its own environment, clock and folder."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from jenkins_scan.cli.main import main
from jenkins_scan.clock import Clock
from tests.support.center import FakeClock
from tests.support.images import write_docker_archive
from tests.support.watched import _collector, _installed, _watched  # noqa: F401  every test here is watched

REFERENCE = "registry.example.com:5000/team/app:1"


@dataclass(frozen=True)
class Outcome:
    """What a run left behind."""

    code: int
    out: str
    err: str
    folder: Path

    @property
    def result(self) -> dict[str, Any]:
        return json.loads((self.folder / "result.json").read_text(encoding="ascii"))

    @property
    def has_result(self) -> bool:
        return (self.folder / "result.json").exists()

    @property
    def last_line(self) -> str:
        return self.err.splitlines()[-1]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def cli(capsys, tmp_path, clock, monkeypatch, leaks) -> Callable[..., Outcome]:
    """Runs `jenkins-scan ARGUMENTS` in the test's folder."""

    def run(
        *arguments: str, env: Mapping[str, str] | None = None, report: str = "scan-report", at: Clock = clock
    ) -> Outcome:
        with monkeypatch.context() as surroundings:
            for name, value in (env or {}).items():
                surroundings.setenv(name, value)
            with leaks.run():
                code = main(arguments, clock=at)
        said = capsys.readouterr()
        for stream in said:
            assert "Traceback" not in stream
            assert "\r" not in stream
            assert "\x1b" not in stream
        return Outcome(code, said.out, said.err, tmp_path / report)

    return run


@pytest.fixture
def archive(tmp_path) -> str:
    """The reference of an image in an archive."""
    path = tmp_path / "app.tar"
    write_docker_archive(path, REFERENCE)
    return f"docker-archive://{path}"
