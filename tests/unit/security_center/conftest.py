"""A clock that moves only when somebody sleeps."""

import pytest

from tests.support.center import FakeClock


@pytest.fixture
def clock():
    return FakeClock()
