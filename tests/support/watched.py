"""Fixtures that a folder of tests imports into its conftest.py, to have every test watched for leaked secrets."""

import logging
import subprocess
from collections.abc import Iterator
from functools import wraps
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from _pytest.capture import MultiCapture

from jenkins_scan.cli.terminal import _TerminalHandler
from jenkins_scan.sandbox.service import SandboxService
from tests.support import loopback_servers
from tests.support.leak_collector import Collector, popen_seen_by

PACKAGE = "jenkins_scan"


def install(collector: Collector, patch: pytest.MonkeyPatch) -> None:
    """Lets `collector` see what leaves the tool, by wrapping the ways out."""
    patch.setattr(subprocess, "Popen", popen_seen_by(collector))
    _see_captures(collector, patch)
    _see_servers(collector, patch)
    _see_records(collector, patch)


@pytest.fixture(scope="module")
def _collector() -> Iterator[Collector]:
    """The collector of a module: what its own fixtures do is seen too, and held against its first test."""
    with pytest.MonkeyPatch.context() as patch:
        collector = Collector()
        install(collector, patch)
        yield collector


@pytest.fixture(scope="module", autouse=True)
def _installed(_collector: Collector) -> None:
    """In place before any other fixture of the module."""


@pytest.fixture(autouse=True, name="leaks")
def _watched(request: pytest.FixtureRequest, _collector: Collector) -> Iterator[Collector]:
    """Ends each test with a search for its secrets in all that left the tool."""
    folder = request.getfixturevalue("tmp_path") if "tmp_path" in request.fixturenames else None
    _collector.folder, _collector.bare = folder, request.node.get_closest_marker("without_secrets") is not None
    yield _collector
    found = _collector.leaks()
    _collector.begin(None)
    if found:
        pytest.fail("\n".join(found), pytrace=False)


def _see_captures(collector: Collector, patch: pytest.MonkeyPatch) -> None:
    read = MultiCapture.readouterr

    @wraps(read)
    def readouterr(self: Any) -> Any:
        said = read(self)
        collector.saw("stdout", said.out)
        collector.saw("stderr", said.err)
        return said

    patch.setattr(MultiCapture, "readouterr", readouterr)


def _see_servers(collector: Collector, patch: pytest.MonkeyPatch) -> None:
    parse, handle, read = BaseHTTPRequestHandler.parse_request, SandboxService.handle, loopback_servers._read_request

    def parse_request(self: BaseHTTPRequestHandler) -> bool:
        good = parse(self)
        collector.saw("an address that a server was asked for", getattr(self, "path", ""))
        return good

    @wraps(handle)
    def handled(self: SandboxService, method: str, target: str, *others: Any) -> Any:
        collector.saw("an address that the sandbox was asked for", target)
        return handle(self, method, target, *others)

    def read_request(connection: Any) -> bytes:
        request = read(connection)
        collector.saw("an address that a server was asked for", request.partition(b"\r\n")[0])
        return request

    patch.setattr(BaseHTTPRequestHandler, "parse_request", parse_request)
    patch.setattr(SandboxService, "handle", handled)
    patch.setattr(loopback_servers, "_read_request", read_request)


def _as_written(record: logging.LogRecord) -> str:
    """The record as `-vv` shows it, and what a formatter would add of a traceback: both redacted."""
    text = logging.Formatter().format(record)
    for handler in logging.getLogger(PACKAGE).handlers:
        if isinstance(handler, _TerminalHandler):
            text = handler._terminal.redact(text)
    return text


def _see_records(collector: Collector, patch: pytest.MonkeyPatch) -> None:
    """Every record of the package is made, whatever the verbosity; only those it asks for go on to its handlers."""
    is_enabled, call = logging.Logger.isEnabledFor, logging.Logger.callHandlers

    def is_enabled_for(self: logging.Logger, level: int) -> bool:
        return self.name.partition(".")[0] == PACKAGE or is_enabled(self, level)

    def call_handlers(self: logging.Logger, record: logging.LogRecord) -> None:
        if self.name.partition(".")[0] == PACKAGE:
            collector.saw(f"a record of {self.name}", _as_written(record))
        if is_enabled(self, record.levelno):
            call(self, record)

    patch.setattr(logging.Logger, "isEnabledFor", is_enabled_for)
    patch.setattr(logging.Logger, "callHandlers", call_handlers)
