"""Who waits for a slot asks patiently, and more seldom while the account is throttled."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jenkins_scan import errors
from jenkins_scan.security_center.registry_scans import ImageFilter
from jenkins_scan.step.opening import SUBMIT_BUDGET, Opening
from jenkins_scan.step.patience import (
    CROWD,
    FIRST_PAUSE,
    GROWTH,
    JITTER,
    LONGEST_IN_A_CROWD,
    LONGEST_PAUSE,
    RELIEF,
    Patience,
    Tries,
)
from jenkins_scan.step.record import ImageRun, Run
from jenkins_scan.step.registry_task import CREATE, NOTICE, Slots
from jenkins_scan.step.voice import Silence
from tests.support.center import FakeClock, Replies, as_json, refused
from tests.support.registry_center import NO_SLOT, TASK, RegistryCenter, opened

THROTTLED = errors.ServiceThrottled("the API rate limit of the account is reached")


def pauses(*failed: int) -> list[float]:
    patience = Patience(lambda: 0.5)
    return [patience.pause(each) for each in failed]


def test_without_a_crowd_the_pauses_grow_to_their_bound():
    told = pauses(*[0] * 9)
    assert told[0] == FIRST_PAUSE
    assert all(later == min(LONGEST_PAUSE, GROWTH * pause) for pause, later in itertools.pairwise(told))


def test_each_failed_try_makes_the_next_pause_longer():
    plain = pauses(0, 0, 0, 0, 0, 0)[-1]
    assert [pauses(0, 0, 0, 0, 0, failed)[-1] / plain for failed in (1, 2)] == pytest.approx([CROWD, CROWD**2])


def test_the_crowd_is_forgotten_bit_by_bit():
    told = pauses(0, 0, 0, 0, 0, 2, 0, 0)
    assert [later / pause for pause, later in itertools.pairwise(told[5:])] == pytest.approx([RELIEF, RELIEF])


@given(failed=st.lists(st.integers(0, 4), max_size=60), spread=st.floats(0, 1))
def test_no_pause_is_shorter_than_the_first_one_or_longer_than_the_bound(failed, spread):
    patience = Patience(lambda: spread)
    told = [patience.pause(each) for each in failed]
    least, most = FIRST_PAUSE * (1 - JITTER), LONGEST_IN_A_CROWD * (1 + JITTER)
    assert all(least - 1e-9 <= pause <= most + 1e-9 for pause in told)


def test_a_build_that_throttled_every_time_asks_but_a_few_times_in_an_hour():
    """The budget of calls of one build in the worst crowd: the account's rate is for all of them together."""
    patience, waited, asked = Patience(lambda: 0.5), 0.0, 0
    while waited < 3600:
        waited += patience.pause(4)
        asked += 1
    assert asked <= 12


def test_the_tries_of_one_create_are_counted_and_told_on():
    told, tries = [], Tries()

    def create(until, on_the_way):
        for time in (1.0, None, 2.0):
            on_the_way(time)
        return "answer"

    assert tries.counted(create, 30.0, told.append) == "answer"
    assert (tries.count, told) == (2, [1.0, None, 2.0])


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def open_slot(clock):
    """Opens a task where the service says this."""

    def opens(*says, timeout=600.0):
        center = RegistryCenter(clock)
        center.says["create"] = list(says)
        opening = Opening(center, clock, CREATE, sandbox_allowed=True)
        slots, image, began = Slots(Run(0.0, []), opening, clock, Silence(), lambda: 0.5), ImageRun("a"), 1000.0

        def create(until, note):
            return center.create(None, deadline=until, on_the_way=note)

        return slots.open([image], create, budget=began + SUBMIT_BUDGET, deadline=began + timeout)

    return opens


def test_who_is_throttled_waits_on_like_anybody_without_a_slot(open_slot, clock):
    assert open_slot(THROTTLED, NO_SLOT, THROTTLED, opened()).task_id == TASK
    first, second, *third = clock.sleeps
    assert sum(third) > second > first > FIRST_PAUSE
    assert max(third) <= NOTICE


@pytest.mark.parametrize(("says", "error"), [(THROTTLED, errors.ServiceThrottled), (NO_SLOT, errors.NoFreeSlot)])
def test_at_the_deadline_the_last_answer_is_the_reason(open_slot, clock, says, error):
    with pytest.raises(error):
        open_slot(*[says] * 40, timeout=100.0)
    assert clock.monotonic() <= 1100.0


class _Service:
    """The real client against a service that answers each create by the time, in seconds from the beginning."""

    def __init__(self, clock, answer):
        self.sent = []
        self._clock, self._began, self._answer = clock, clock.monotonic(), answer
        self.client = Replies(self._say, forever=True).client(clock)
        self.said = []

    def _say(self, _request):
        at = self._clock.monotonic() - self._began
        self.sent.append(at)
        self._clock.advance(0.1)
        return self._answer(at)

    def open(self, timeout):
        opening = Opening(self.client, self._clock, CREATE, sandbox_allowed=True)
        slots = Slots(Run(0.0, []), opening, self._clock, self, lambda: 0.5)
        wanted = ImageFilter(digests=("a" * 64,))

        def create(until, note):
            return self.client.registries.create(wanted, deadline=until, on_the_way=note)

        deadlines = {"budget": self._began + SUBMIT_BUDGET, "deadline": self._began + timeout}
        return slots.open([ImageRun("a")], create, **deadlines)

    def note(self, text):
        self.said.append((self._clock.monotonic() - self._began, text))

    def show(self, text): ...


REFUSED = refused("Throttling.User", 429)
FREE = as_json({"Data": {"TaskId": TASK, "CanCreate": True, "TotalCount": 1}})


@pytest.mark.parametrize("timeout", [10, 60])
def test_no_try_of_a_create_is_begun_at_the_deadline(clock, timeout):
    service = _Service(clock, lambda at: REFUSED if at < timeout else FREE)
    with pytest.raises(errors.ServiceThrottled):
        service.open(timeout)
    assert max(service.sent) < timeout


def test_the_wait_is_as_long_as_the_service_asks_for(clock):
    service = _Service(clock, lambda at: FREE if at >= 300 else refused("Throttling.User", 429, after="300000"))
    assert service.open(900).task_id == TASK
    assert len(service.sent) == 2
    assert service.sent[1] >= 300


def test_who_is_asked_to_wait_beyond_the_deadline_ends_at_once(clock):
    service = _Service(clock, lambda _: refused("Throttling.User", 429, after="300000"))
    with pytest.raises(errors.ServiceThrottled):
        service.open(200)
    assert service.sent == [0.0]
    assert not clock.sleeps


def test_a_long_pause_gives_a_sign_of_life_every_half_minute(clock):
    service = _Service(clock, lambda at: REFUSED if at < 1500 else FREE)
    assert service.open(3600).task_id == TASK
    moments = [at for at, _ in service.said]
    tries = 30  # within one call, whose tries take that long, nobody speaks
    assert max(later - sooner for sooner, later in itertools.pairwise(moments)) <= NOTICE + tries
    assert all("It is asked again in" in text for _, text in service.said)
