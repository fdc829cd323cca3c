"""A service behind the doctor's questions: the sandbox under a scenario, or canned answers."""

import pytest
from pydantic import SecretStr

from jenkins_scan import sandbox
from jenkins_scan.doctor.service import Service
from jenkins_scan.sandbox.scenarios import load_scenario
from jenkins_scan.sandbox.service import SandboxService
from jenkins_scan.sandbox.state import State
from jenkins_scan.sandbox.transport import SandboxTransport
from jenkins_scan.security_center.client import SecurityCenterClient
from jenkins_scan.security_center.connect import connect
from jenkins_scan.security_center.credentials import Credentials
from jenkins_scan.security_center.endpoints import Endpoint
from tests.support.center import KEYS, FakeClock, Replies

ENDPOINT = Endpoint("http://127.0.0.1:1")
RIGHT = Credentials(sandbox.ACCESS_KEY_ID, SecretStr(sandbox.ACCESS_KEY_SECRET))


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def service(clock):
    """The sandbox under a scenario, asked with these keys."""
    with State() as state:

        def make(scenario="clean", keys=RIGHT):
            server = SandboxService(load_scenario(scenario), state, now=clock.now)

            def client(credentials):
                transport = SandboxTransport(server)
                http = connect(ENDPOINT, credentials, ca_bundle=None, environ={}, transport=transport, now=clock.now)
                return SecurityCenterClient(http, ENDPOINT, None, clock)

            return Service(clock, lambda: keys, client)

        yield make


@pytest.fixture
def canned(clock):
    """A service that gives these answers, in order."""

    def make(*answers, forever=False):
        replies = Replies(*answers, forever=forever)
        return Service(clock, lambda: KEYS, lambda _: replies.client(clock, token=None))

    return make
