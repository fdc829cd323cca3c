"""A controller, and an account on it."""

from collections.abc import Callable, Iterator

import pytest

from jenkins_scan.jenkins.access import Access, ControllerFailed
from tests.support.controller import TOKEN, USER, FakeController, serving


@pytest.fixture
def server() -> Iterator[FakeController]:
    with serving() as controller:
        yield controller


@pytest.fixture
def access(server) -> Access:
    return Access(server.url, USER, TOKEN)


@pytest.fixture
def failure() -> Callable[[Callable[[], object]], ControllerFailed]:
    """What doing it fails with; no message shows a secret or more than a line of the answer."""

    def of(do: Callable[[], object]) -> ControllerFailed:
        with pytest.raises(ControllerFailed) as caught:
            do()
        assert TOKEN not in str(caught.value)
        assert "<" not in str(caught.value).replace("<unreadable>", "")
        assert len(str(caught.value)) < 450
        assert caught.value.remedy
        return caught.value

    return of
