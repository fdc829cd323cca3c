"""A list in pages, under everything that may happen to it while it is read: whole, or plainly not whole."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jenkins_scan import errors
from jenkins_scan.findings import Finding, Kind, Severity
from jenkins_scan.security_center.pages import MOST_PAGES, READINGS, Page, Row, collect

SIZE = 10


def row(number: int, *, is_open: bool = True) -> Row:
    finding = Finding(kind=Kind.BASELINE, id=f"F{number}", severity=Severity.HIGH, title="")
    return Row(key=str(number), findings=(finding,), is_open=is_open)


class Shelf:
    """A list on a server. `order` tells its rows at each call, counted from 0; `total` what `TotalCount` says."""

    def __init__(self, order: Callable[[int], list[int]], total: Callable[[int], int | None] | None = None) -> None:
        self.order = order
        self.total = total or (lambda call: len(order(call)))
        self.calls: list[int] = []

    def __call__(self, number: int) -> Page:
        call = len(self.calls)
        self.calls.append(number)
        rows = self.order(call)[(number - 1) * SIZE : number * SIZE]
        return Page(tuple(row(each) for each in rows), self.total(call))


def numbers(collected):
    return sorted(int(each.key) for each in collected.rows)


def still(count):
    return lambda call: list(range(count))


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 100, 101])
def test_a_list_that_stays_as_it_is_is_read_once(count):
    shelf = Shelf(still(count))
    collected = collect(shelf)
    assert (collected.complete, collected.complaints, collected.total) == (True, (), count)
    assert numbers(collected) == list(range(count))
    assert shelf.calls == list(range(1, max(1, -(-count // SIZE)) + 1))


def test_a_row_that_moves_to_a_page_already_read_is_met_in_the_next_reading():
    before, after = list(range(35)), [*range(1, 15), 0, *range(15, 35)]
    shelf = Shelf(lambda call: before if call == 0 else after)
    collected = collect(shelf)
    assert (collected.complete, collected.complaints) == (True, ())
    assert numbers(collected) == before
    assert shelf.calls == [1, 2, 3, 4, 5, 1]


def test_a_row_that_is_added_meanwhile_is_met_in_the_next_reading():
    shelf = Shelf(lambda call: list(range(25 if call < 2 else 26)))
    collected = collect(shelf)
    assert collected.complete
    assert numbers(collected) == list(range(26))


def test_a_row_added_in_front_meanwhile_is_met_in_the_next_reading():
    collected = collect(Shelf(lambda call: list(range(25)) if call < 2 else [99, *range(25)]))
    assert collected.complete
    assert 99 in numbers(collected)


def test_a_row_that_is_gone_meanwhile_stays_a_finding():
    collected = collect(Shelf(lambda call: list(range(25)) if call < 1 else list(range(1, 25))))
    assert collected.complete
    assert numbers(collected) == list(range(25))


def test_a_total_larger_than_the_rows_ever_sent_is_not_whole():
    shelf = Shelf(still(15), lambda call: 20)
    collected = collect(shelf)
    assert not collected.complete
    assert collected.complaints == ("TotalCount says 20, rows received: 15",)
    assert shelf.calls == [1, 2, 3] * READINGS


def test_an_empty_page_before_the_total_is_not_whole():
    assert not collect(Shelf(still(0), lambda call: 1)).complete


def test_a_page_that_repeats_is_not_whole_and_not_read_for_ever():
    shelf = Shelf(still(30))
    collected = collect(lambda number: shelf(1))
    assert (collected.complete, len(shelf.calls)) == (False, 2 * READINGS)


@pytest.mark.parametrize("ignored", [3, 25, 1000])
def test_another_page_size_than_asked_for_does_no_harm(ignored):
    rows = tuple(row(each) for each in range(25))
    collected = collect(lambda number: Page(rows[(number - 1) * ignored : number * ignored], 25))
    assert collected.complete
    assert numbers(collected) == list(range(25))


def test_without_a_total_nothing_is_whole():
    collected = collect(Shelf(still(25), lambda call: None))
    assert not collected.complete
    assert numbers(collected) == list(range(25))
    assert "says nothing" in collected.complaints[0]


def test_a_total_missing_on_one_page_alone_is_not_whole():
    assert not collect(Shelf(still(25), lambda call: None if call == 1 else 25)).complete


@pytest.mark.parametrize("total", [0, 5, 24])
def test_more_rows_than_the_total_are_all_read_and_both_numbers_told(total):
    collected = collect(Shelf(still(25), lambda call: total))
    assert collected.complete
    assert numbers(collected) == list(range(25))
    assert collected.complaints == (f"TotalCount says {total}, rows received: 25",)


def test_a_total_that_never_stays_the_same_is_not_whole():
    collected = collect(Shelf(still(25), lambda call: 25 + call % 2))
    assert not collected.complete
    assert collected.complaints == ("TotalCount says 25 and 26, rows received: 25",)


def test_an_endless_list_ends_and_is_not_whole():
    collected = collect(lambda number: Page((row(number),), 10**9))
    assert (collected.complete, collected.received) == (False, MOST_PAGES)
    assert f"more than {MOST_PAGES} pages" in collected.complaints[0]


def test_a_first_page_that_cannot_be_read_raises():
    def read(number):
        raise errors.PermissionDenied("no")

    with pytest.raises(errors.PermissionDenied):
        collect(read)


@pytest.mark.parametrize("breaks_at", [1, 2, 3])
def test_a_later_page_that_cannot_be_read_leaves_what_was_received(breaks_at):
    shelf = Shelf(still(25), lambda call: 26)

    def read(number):
        if len(shelf.calls) == breaks_at:
            raise errors.ServiceFault("it failed.")
        return shelf(number)

    collected = collect(read)
    assert not collected.complete
    assert collected.received == min(25, breaks_at * SIZE)
    assert "could not be read: it failed; " in collected.complaints[0]


def test_handled_rows_are_counted_and_open_again_if_a_later_page_says_so():
    pages = [Page((row(0, is_open=False), row(1, is_open=False)), 3), Page((row(0),), 3), Page((row(2),), 3)]
    collected = collect(lambda number: pages.pop(0))
    assert (collected.complete, collected.received, collected.handled) == (True, 3, 1)


@given(st.data())
def test_what_is_whole_holds_every_row_whatever_moves(data):
    count = data.draw(st.integers(0, 34))
    orders = data.draw(st.lists(st.permutations(range(count)), min_size=1, max_size=8))
    collected = collect(Shelf(lambda call: list(orders[min(call, len(orders) - 1)])))
    assert set(numbers(collected)) <= set(range(count))
    assert not collected.complete or numbers(collected) == list(range(count))
    assert collected.complete or collected.complaints
