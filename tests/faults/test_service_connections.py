"""Connections to the service that break: refused, reset, silent and slow, at each stage of a scan."""

from dataclasses import dataclass

import pytest

from jenkins_scan.security_center.client import CREATE
from tests.faults import spoilt
from tests.faults.bed import broken_promises, kept
from tests.faults.faulty_service import DIGEST, EVERY, INSTANCES, LIST, POLLS, QUOTA, FaultyService, Spoil, scanned

GROUP = "The service: connections"
NOTHING, MAYBE, TASK = "nothing was opened", "that a task may exist", "the task's id"
SLOW = pytest.mark.slow


@dataclass(frozen=True)
class Case:
    """A fault of one operation and what it ends in."""

    fault: str
    spoil: Spoil
    code: int = 0
    kept: str = TASK
    tasks: int = 1
    arguments: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.fault


def create(fault, how, *, code=15, kept=MAYBE, tasks=1, arguments=()):
    return Case(f"at the create, {fault}", Spoil(CREATE, how, EVERY), code, kept, tasks, arguments)


def once(fault, how, *operations):
    """A read is asked again, and the image passes."""
    words = {QUOTA: "quota", INSTANCES: "first poll", LIST: "list of findings"}
    return [Case(f"at the {words[each]}, {fault}, once", Spoil(each, how)) for each in operations]


READS = (QUOTA, INSTANCES, LIST)
CASES = [
    create("the connection is reset before the service read the request", spoilt.reset_without_effect, tasks=0),
    create("the connection is reset after the task was opened", spoilt.reset_after_effect),
    create("the connection is closed after the task was opened", spoilt.closed_after_effect),
    create("the connection is reset in the head of the answer", spoilt.reset_in_the_head),
    create("the connection is reset in the body of the answer", spoilt.reset_in_the_body),
    create("nobody answers (black hole)", spoilt.black_hole, tasks=0),
    create("the first byte comes after 12 s", spoilt.late(spoilt.BEYOND)),
    create("the first byte comes after 3 s", spoilt.late(spoilt.WITHIN), code=0, kept=TASK),
    pytest.param(create("the answer comes at a byte a second", spoilt.a_byte_a_second), marks=SLOW),
    create(
        "the answer is lost, and the task is found by its digest",
        spoilt.reset_after_effect,
        code=0,
        kept=TASK,
        arguments=("--digest", DIGEST),
    ),
    pytest.param(
        create(
            "nobody answers, and no task is found by its digest",
            spoilt.black_hole,
            tasks=0,
            arguments=("--digest", DIGEST),
        ),
        marks=SLOW,
    ),
    *once("the connection is reset before the service read the request", spoilt.reset_without_effect, *READS),
    *once("the connection is reset in the body of the answer", spoilt.reset_in_the_body, *READS),
    *once("the first byte comes after 3 s", spoilt.late(spoilt.WITHIN), LIST),
    *(pytest.param(case, marks=SLOW) for case in once("nobody answers (black hole)", spoilt.black_hole, QUOTA, LIST)),
    *(
        pytest.param(case, marks=SLOW)
        for case in once("the answer comes at a byte a second", spoilt.a_byte_a_second, QUOTA, LIST)
    ),
    pytest.param(
        Case(
            "at the quota, every connection is reset", Spoil(QUOTA, spoilt.reset_without_effect, EVERY), 15, NOTHING, 0
        ),
        marks=SLOW,
    ),
    pytest.param(
        Case("at the quota, nobody answers at all", Spoil(QUOTA, spoilt.black_hole, EVERY), 15, NOTHING, 0), marks=SLOW
    ),
    pytest.param(
        Case("at the list of findings, every connection is reset", Spoil(LIST, spoilt.reset_without_effect, EVERY), 15),
        marks=SLOW,
    ),
    pytest.param(
        Case("at the list of findings, nobody answers at all", Spoil(LIST, spoilt.black_hole, EVERY), 15), marks=SLOW
    ),
    pytest.param(
        Case(
            "at every poll, the connection is reset",
            Spoil(POLLS, spoilt.reset_without_effect, EVERY),
            15,
            arguments=("--timeout", "5s"),
        ),
        marks=SLOW,
    ),
    pytest.param(
        Case(
            "at every poll, nobody answers", Spoil(POLLS, spoilt.black_hole, EVERY), 15, arguments=("--timeout", "5s")
        ),
        marks=SLOW,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_connection_that_breaks_ends_as_the_contract_says(case, tmp_path, note):
    with FaultyService([case.spoil]) as service:
        done = scanned(service, tmp_path, *case.arguments)
        opened, creates = service.opened, service.asked(CREATE)
    note(case.fault, done, opened)
    assert (done.code, len(opened), kept(done, opened)) == (case.code, case.tasks, case.kept), done.said[-3000:]
    assert creates == (0 if case.tasks == 0 and case.kept == NOTHING else 1)


@pytest.mark.slow
def test_nobody_listens(tmp_path, note):
    with FaultyService() as service:
        service.refuse()
        done = scanned(service, tmp_path)
        assert service.seen == []
    note("from the beginning on, connections are refused", done)
    assert (done.code, kept(done)) == (15, NOTHING)


@pytest.mark.parametrize(
    ("operation", "fault", "code", "remains"),
    [
        (QUOTA, "from the create on, connections are refused", 15, NOTHING),
        pytest.param(CREATE, "from the first poll on, connections are refused", 15, TASK, marks=SLOW),
        pytest.param(INSTANCES, "after the first poll, connections are refused", 16, TASK, marks=SLOW),
        pytest.param(LIST, "after the first list of findings, connections are refused", 15, TASK, marks=SLOW),
    ],
)
def test_the_service_goes_away_in_the_middle(operation, fault, code, remains, tmp_path, note):
    with FaultyService(refused_after=operation) as service:
        done = scanned(service, tmp_path, "--timeout", "5s")
        opened = service.opened
    note(fault, done, opened)
    assert (done.code, kept(done, opened)) == (code, remains), done.said[-3000:]
    assert len(opened) == (0 if operation == QUOTA else 1)


@pytest.mark.parametrize(
    ("number", "fault"),
    [
        (0, "the connection for the quota is reset as soon as it is there, once"),
        (2, "the connection for the first poll is reset as soon as it is there, once"),
    ],
)
def test_a_connection_is_reset_before_the_request(number, fault, tmp_path, note):
    with FaultyService(reset_at=number) as service:
        done = scanned(service, tmp_path)
        opened = service.opened
    note(fault, done, opened)
    assert (done.code, kept(done, opened), len(opened)) == (0, TASK, 1), done.said[-3000:]


def test_a_create_whose_connection_is_reset_is_sent_again_only_if_nothing_was_sent(tmp_path):
    with FaultyService(reset_at=1) as service:
        done = scanned(service, tmp_path)
        opened = service.opened
    assert broken_promises(done, opened) == []
    # The RST may come before the tool has sent anything, which it knows then, or after it.
    assert (done.code, kept(done, opened), len(opened)) in {(0, TASK, 1), (15, MAYBE, 0)}, done.said[-3000:]
