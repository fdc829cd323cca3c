"""Who waits for a slot asks patiently, and more seldom while the account is throttled."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jenkins_scan import errors
from jenkins_scan.step.opening import Opening
from jenkins_scan.step.patience import (
    CROWD,
    FIRST_PAUSE,
    GROWTH,
    JITTER,
    LEAST_LEFT,
    LONGEST_IN_A_CROWD,
    LONGEST_PAUSE,
    RELIEF,
    SUBMIT_BUDGET,
    Asking,
    Patience,
    Tries,
)
from jenkins_scan.step.record import ImageRun, Run
from jenkins_scan.step.registry_task import CREATE, Slots
from jenkins_scan.step.voice import Silence
from tests.support.center import FakeClock
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


class Throttling:
    """An account that throttles until this many seconds have passed; each question takes the client's four tries."""

    def __init__(self, clock, seconds):
        self.clock, self.until, self.asked = clock, clock.monotonic() + seconds, []

    def __call__(self, until):
        self.asked.append((self.clock.monotonic(), until))
        self.clock.advance(13)
        if self.clock.monotonic() < self.until:
            raise THROTTLED
        return "heard"


class Notes(Silence):
    """What was noted."""

    def __init__(self):
        self.noted = []

    def note(self, text):
        self.noted.append(text)


@given(
    throttled=st.floats(0, 8000),
    timeout=st.floats(0, 7200),
    spread=st.floats(0, 1),
    budget=st.floats(LEAST_LEFT, SUBMIT_BUDGET),
)
def test_a_throttled_question_is_asked_until_the_deadline_and_a_bounded_number_of_times(
    throttled, timeout, spread, budget
):
    clock, notes = FakeClock(), Notes()
    began = clock.monotonic()
    account = Throttling(clock, throttled)
    asking = Asking(Patience(lambda: spread), clock, notes, began + budget, began + timeout)
    try:
        heard = asking.until_heard(account)
    except errors.ServiceThrottled:
        heard = None
    starts, budgets = zip(*account.asked, strict=True)
    assert budgets == (began + budget, *(start + SUBMIT_BUDGET for start in starts[1:]))
    assert all(start < began + timeout for start in starts[1:])
    assert len(starts) <= 8 + timeout / (LONGEST_IN_A_CROWD * (1 - JITTER))
    assert len(notes.noted) == len(clock.sleeps) == len(starts) - 1
    assert asking.paused == pytest.approx(sum(clock.sleeps))
    # Who gives up has tried until less than what a pause and a submit need was left.
    assert heard or clock.monotonic() > began + timeout - LEAST_LEFT


def test_the_next_question_has_a_budget_of_its_own_after_a_pause(clock):
    asking = Asking(Patience(lambda: 0.5), clock, Silence(), 1000.0 + SUBMIT_BUDGET, 4600.0)
    asking.until_heard(Throttling(clock, 60))
    assert asking.budget - clock.monotonic() == pytest.approx(SUBMIT_BUDGET - 13)


@pytest.mark.parametrize(("timeout", "given"), [(0.0, 6.0), (3600.0, SUBMIT_BUDGET)])
def test_what_throttled_questions_used_up_is_given_anew_to_who_has_a_time_out(clock, timeout, given):
    asking = Asking(Patience(lambda: 0.5), clock, Silence(), 1006.0, 1000.0 + timeout)
    assert asking.until_heard(lambda until: until - clock.monotonic()) == given


@pytest.fixture
def open_slot(clock):
    """Opens a task where the service says this."""

    def opens(*says, timeout=600.0):
        center = RegistryCenter(clock)
        center.says["create"] = list(says)
        opening = Opening(center, clock, CREATE, sandbox_allowed=True)
        asking = Asking(Patience(lambda: 0.5), clock, Silence(), 1000.0 + SUBMIT_BUDGET, 1000.0 + timeout)

        def create(until, note):
            return center.create(None, deadline=until, on_the_way=note)

        return Slots(Run(0.0, []), opening, asking).open([ImageRun("a")], create)

    return opens


def test_who_is_throttled_waits_on_like_anybody_without_a_slot(open_slot, clock):
    assert open_slot(THROTTLED, NO_SLOT, THROTTLED, opened()).task_id == TASK
    assert len(clock.sleeps) == 3
    assert clock.sleeps[2] > clock.sleeps[1] > clock.sleeps[0] > FIRST_PAUSE


@pytest.mark.parametrize(("says", "error"), [(THROTTLED, errors.ServiceThrottled), (NO_SLOT, errors.NoFreeSlot)])
def test_at_the_deadline_the_last_answer_is_the_reason(open_slot, clock, says, error):
    with pytest.raises(error):
        open_slot(*[says] * 40, timeout=100.0)
    assert clock.monotonic() <= 1100.0
