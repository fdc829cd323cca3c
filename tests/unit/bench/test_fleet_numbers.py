"""The numbers by which a fleet is judged, on queues that can be counted by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench.fleet_agents import Permits
from tests.bench.fleet_clock import Dead, Sleeper, VirtualTime
from tests.bench.fleet_numbers import Turn, ideal, jain, overtaken, percentile


def test_the_ideal_queue_serves_who_came_first_as_soon_as_a_slot_is_free():
    served = ideal([Turn(0, 0, 10), Turn(1, 30, 4), Turn(2, 12, 5)], slots=1)
    assert [(turn.arrived, turn.opened, turn.length) for turn in served] == [(0, 0, 10), (1, 10, 5), (2, 15, 4)]


def test_jains_index_is_one_for_equals_and_a_share_for_one_who_has_all():
    assert (jain([3, 3, 3]), jain([8, 0, 0, 0]), jain([0, 0])) == (1, 0.25, 1)


def test_a_percentile_is_one_of_the_values():
    assert [percentile([*range(1, 101)], share) for share in (0.99, 0.5, 0.0)] == [99, 50, 1]


@given(st.lists(st.integers(0, 50), min_size=2, max_size=40, unique=True))
def test_who_is_overtaken_is_counted_pair_by_pair(opened):
    turns = [Turn(arrived, at, 1) for arrived, at in enumerate(opened)]
    pairs = [(one, two) for place, one in enumerate(opened) for two in opened[place + 1 :]]
    assert overtaken(turns) == pytest.approx(sum(one > two for one, two in pairs) / len(pairs))


def test_sleepers_take_turns_in_the_order_of_their_times():
    world, said = VirtualTime(0.0), []

    def life(name, *sleeps):
        def work():
            for seconds in sleeps:
                sleepers[name].sleep(seconds)
                said.append((name, world.time))

        return work

    sleepers = {name: Sleeper(world, life(name, *sleeps)) for name, sleeps in {"a": (3, 3), "b": (2, 2)}.items()}
    for sleeper in sleepers.values():
        world.at(0.0, sleeper.start)
    world.run()
    assert said == [("b", 2.0), ("a", 3.0), ("b", 4.0), ("a", 6.0)]


def test_a_permit_of_an_agent_that_died_in_the_queue_goes_to_the_next():
    world, said = VirtualTime(0.0), []
    permits = Permits(world, 1)

    def life(name):
        def work():
            try:
                permits.take(sleepers[name])
                sleepers[name].sleep(5)
                permits.give_back()
                said.append((name, world.time))
            except Dead:
                said.append((name, "dead"))

        return work

    until = {"a": 99.0, "b": 3.0, "c": 99.0}
    sleepers = {name: Sleeper(world, life(name), until=end) for name, end in until.items()}
    for place, sleeper in enumerate(sleepers.values()):
        world.at(float(place), sleeper.start)
    world.run()
    assert said == [("a", 5.0), ("b", "dead"), ("c", 10.0)]
