"""Real servers on loopback that answer as a test says, down to the byte."""

import pytest

from tests.support.loopback_servers import loopback_servers


@pytest.fixture
def serve():
    """Starts a loopback server: a canned answer, or a function that speaks over the connection."""
    with loopback_servers() as start:
        yield start
