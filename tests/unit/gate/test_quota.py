"""The quota gate: before the task by what remains, after it by the total."""

import pytest

from jenkins_scan.errors import QuotaTooLow
from jenkins_scan.gate.quota import require_capacity, require_remaining
from jenkins_scan.security_center.interface import Quota


@pytest.mark.parametrize(
    ("capacity", "used", "minimum"), [(100, 99, 1), (100, 0, 100), (100, 100, 0), (0, 0, 0), (10, 50, 0)]
)
def test_enough_remains(capacity, used, minimum):
    require_remaining(Quota(capacity, used), minimum)


@pytest.mark.parametrize(("capacity", "used", "minimum"), [(100, 100, 1), (100, 91, 10), (10, 50, 1), (0, 0, 1)])
def test_too_little_remains(capacity, used, minimum):
    with pytest.raises(QuotaTooLow, match=f"--min-quota {minimum}; no task was opened") as caught:
        require_remaining(Quota(capacity, used), minimum)
    assert caught.value.exit_code == 12
    assert f"of {capacity} image scans remain" in caught.value.message


@pytest.mark.parametrize(("used", "before", "lower"), [(98, 0, True), (98, 1, True), (98, 2, False), (100, 0, False)])
def test_a_lower_minimum_is_offered_only_where_something_is_left(used, before, lower):
    with pytest.raises(QuotaTooLow) as caught:
        require_remaining(Quota(100, used), 5, before=before)
    assert ("or lower --min-quota" in caught.value.remedy) == lower
    assert "Buy more" in caught.value.remedy


@pytest.mark.parametrize(("capacity", "minimum"), [(None, 1), (None, 0), (1, 1), (0, 0), (100, 5)])
def test_a_total_that_is_large_enough_or_not_told_proves_nothing(capacity, minimum):
    require_capacity(capacity, minimum)


@pytest.mark.parametrize(("capacity", "minimum"), [(0, 1), (4, 5)])
def test_a_total_below_the_minimum_says_that_the_task_was_opened(capacity, minimum):
    with pytest.raises(QuotaTooLow, match=f"total of {capacity} .* the task was opened"):
        require_capacity(capacity, minimum)
