"""What every test of the bed needs."""

from collections.abc import Sequence

import pytest

from tests.faults.bed import Done, Note, broken_promises, write_note
from tests.support.watched import _collector, _installed, _watched  # noqa: F401  every test here is watched


@pytest.fixture
def note(request: pytest.FixtureRequest) -> Note:
    """Holds the promises against a run, and makes it a row of the table, in the group that its module names."""

    def noted(fault: str, done: Done, opened: Sequence[str] = (), *, kept: str | None = None) -> None:
        assert broken_promises(done, opened) == [], done.said[-3000:]
        write_note(request.module.GROUP, fault, done, opened, kept)

    return noted
