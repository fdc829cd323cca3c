"""The official SDK as a client of the sandbox on a loopback port.

It takes a second to import: only the worker that runs these tests does so.
"""

import os
from urllib.parse import urlsplit

import pytest

from jenkins_scan import sandbox
from jenkins_scan.sandbox.conditions import Clock
from jenkins_scan.sandbox.scenarios import SCENARIOS
from jenkins_scan.sandbox.server import SandboxServer
from jenkins_scan.sandbox.service import SandboxService
from jenkins_scan.sandbox.state import State


@pytest.fixture
def state():
    with State() as state:
        yield state


@pytest.fixture
def connect(state, monkeypatch):
    """An SDK client of a sandbox under a ready-made scenario, with keys of its own: never the default chain."""
    from alibabacloud_sas20181203.client import Client
    from alibabacloud_tea_openapi.models import Config

    monkeypatch.setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")
    monkeypatch.setenv("SSL_CERT_FILE", os.devnull)  # the SDK loads its CAs for each request, over plain HTTP too
    servers = []

    def start(scenario="clean", *, clock=None, **credentials):
        played = SCENARIOS[scenario]
        if clock is not None:
            played = played.model_copy(update={"clock": Clock(**clock)})
        server = SandboxServer(SandboxService(played, state))
        servers.append(server.__enter__())
        keys = {"access_key_id": sandbox.ACCESS_KEY_ID, "access_key_secret": sandbox.ACCESS_KEY_SECRET} | credentials
        return Client(Config(**keys, endpoint=urlsplit(server.url).netloc, protocol="http"))

    yield start
    for server in servers:
        server.__exit__(None, None, None)
