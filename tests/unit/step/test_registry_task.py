"""What a task in registries has to be: what was named, within the quota, and what the precheck counted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jenkins_scan import errors
from jenkins_scan.config.settings import ServiceSettings
from jenkins_scan.security_center.interface import CreatedTask, Quota, ScanRequest
from jenkins_scan.security_center.registry_scans import ImageFilter
from jenkins_scan.step.opening import SUBMIT_BUDGET, Opening
from jenkins_scan.step.patience import FIRST_PAUSE, JITTER, LONGEST_PAUSE
from jenkins_scan.step.record import ImageRun, Run
from jenkins_scan.step.registry_task import (
    CREATE,
    Slots,
    require_count,
    require_listed,
    require_quota,
    require_total,
)
from jenkins_scan.step.submission import Submission
from jenkins_scan.step.voice import Silence
from tests.support.center import FakeClock
from tests.support.registry_center import HEX, NO_SLOT, TASK, RegistryCenter, opened

counts = st.integers(0, 5)


@given(needed=counts, digests=counts, most=st.integers(1, 5))
def test_exactly_a_count_from_what_was_named_to_what_is_meant_goes_on(needed, digests, most):
    wanted = ImageFilter(digests=HEX[:digests])
    try:
        require_count(needed, wanted, most)
        ended = None
    except errors.ScanError as error:
        ended = error.exit_code
    if needed < max(1, digests):
        assert ended == 13
    else:
        assert ended == (2 if needed > most else None)


@given(remaining=counts, needed=counts, minimum=counts)
def test_exactly_a_rest_that_is_enough_for_both_goes_on(remaining, needed, minimum):
    try:
        require_quota(Quota(5, 5 - remaining), needed, minimum)
        enough = True
    except errors.QuotaTooLow as low:
        enough = False
        assert f"{remaining} of 5 image scans remain" in low.message  # noqa: PT017  not every example raises
        assert ("or lower --min-quota" in low.remedy) == (remaining >= needed)  # noqa: PT017
    assert enough == (remaining >= needed and remaining >= minimum)


@given(total=st.none() | counts, needed=counts, known=counts, listed=st.booleans())
def test_exactly_a_total_from_what_is_known_to_what_was_counted_goes_on(total, needed, known, listed):
    try:
        doubt = require_total(opened(total), needed, known, listed=listed)
        fits = True
    except errors.IncompleteError as error:
        doubt, fits = None, False
        assert TASK in error.message  # noqa: PT017  not every example raises
    # Of images that were named the digest is a bound as well; those of a list are bound by the number alone.
    assert fits == (not listed if total is None else known <= total <= needed)
    assert (doubt is not None) == (total is None and not listed)


@given(rows=st.lists(st.sampled_from(HEX), min_size=1, max_size=4), needed=counts)
def test_images_that_are_listed_have_to_be_as_many_as_are_counted(rows, needed):
    """One that is counted and not listed would be scanned and paid for, and never judged."""
    images = [
        ImageRun("x", submission=Submission(ScanRequest(digest=digest, tag=str(number)), "listed"))
        for number, digest in enumerate(rows)
    ]
    try:
        require_listed(images, needed)
        fits = True
    except errors.IncompleteError:
        fits = False
    assert fits == (needed in (len(rows), len(set(rows))))


def test_a_region_that_is_not_scanned_beats_any_total():
    for total in (None, 0, 1):
        with pytest.raises(errors.RegionNotSupported, match=TASK):
            require_total(opened(total, result="TASK_NOT_SUPPORT_REGION"), 1, 1, listed=True)


def test_of_nothing_that_was_opened_nothing_is_said():
    assert require_total(None, 1, 1, listed=True) is None


class TestSlots:
    """Slots of the account, asked for until the deadline."""

    @staticmethod
    def slots(clock, center, spread):
        allowed = ServiceSettings(endpoint=None).sandbox_allowed
        opening = Opening(center, clock, CREATE, sandbox_allowed=allowed)
        return Slots(Run(0.0, []), opening, clock, Silence(), spread)

    @staticmethod
    def create(center):
        wanted = ImageFilter(digests=HEX[:1])
        return lambda until, note: center.create(wanted, deadline=until, on_the_way=note)

    def open(self, clock, center, spread, timeout):
        images = [ImageRun("a"), ImageRun("b")]
        began = clock.monotonic()
        try:
            told = self.slots(clock, center, spread).open(
                images, self.create(center), budget=began + SUBMIT_BUDGET, deadline=began + timeout
            )
        except errors.NoFreeSlot:
            return images, None
        return images, told

    @given(spread=st.floats(0, 1), timeout=st.floats(1, 3600))
    def test_however_it_is_spread_nothing_is_asked_after_the_deadline_and_never_in_a_tight_loop(self, spread, timeout):
        clock = FakeClock()
        center = RegistryCenter(clock)
        center.says["create"] = NO_SLOT
        images, told = self.open(clock, center, lambda: spread, timeout)
        assert (told, [image.task for image in images]) == (None, [None, None])
        asked = [at - 1000.0 for _, at in center.asked]
        assert max(asked) <= timeout + 1e-6
        least = [FIRST_PAUSE * (1 - JITTER)] * (len(asked) - 2)
        assert all(pause >= shortest - 1e-6 for pause, shortest in zip(clock.sleeps, least, strict=False))
        assert max(clock.sleeps, default=0.0) <= LONGEST_PAUSE * (1 + JITTER)
        assert len(asked) <= 9 + timeout / (LONGEST_PAUSE * (1 - JITTER))

    @given(refusals=st.integers(0, 20))
    def test_the_first_free_slot_is_every_images(self, refusals):
        clock = FakeClock()
        center = RegistryCenter(clock)
        center.says["create"] = [*[NO_SLOT] * refusals, opened(2)]
        images, told = self.open(clock, center, lambda: 0.5, 3600.0)
        assert told == opened(2)
        assert [image.task.task for image in images] == [CreatedTask(TASK)] * 2
        assert len(center.asked) == refusals + 1
