"""A clock that moves only when somebody sleeps, and lists of findings from canned answers."""

import pytest

from tests.support.center import FakeClock, Replies
from tests.support.finding_answers import BOTH


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def fetch(clock):
    """Fetches one list from these answers."""

    def fetch(source, *answers, image=BOTH):
        replies = answers[0] if isinstance(answers[0], Replies) else Replies(*answers)
        return replies.client(clock).results.findings(source, image, deadline=clock.monotonic() + 300)

    return fetch
