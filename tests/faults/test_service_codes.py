"""Every error code that the tool knows, as the gateway sends it: at the quota, at the create, and at the polls.

What each ends in is the table "Service codes" of the contract, written down here once more.
"""

from fnmatch import fnmatchcase

import pytest

from jenkins_scan.security_center.client import CREATE
from jenkins_scan.security_center.codes import CODES, look_up
from tests.faults import spoilt
from tests.faults.bed import kept
from tests.faults.faulty_service import EVERY, LIST, POLLS, QUOTA, FaultyService, Spoil, scanned

GROUP = "The service: codes"
NOTHING, MAYBE, TASK = "nothing was opened", "that a task may exist", "the task's id"
SLOW = pytest.mark.slow
CONTRACT = {
    "BeyondQuata": 12,
    "NoPermission": 14,
    "SignatureDoesNotMatch": 14,
    "IncompleteSignature": 14,
    "InvalidAccessKeyId.*": 14,
    "InvalidSecurityToken.*": 14,
    "Forbidden*": 14,
    "InvalidTimeStamp.*": 14,
    "TASK_NOT_SUPPORT_REGION": 17,
    "*": 15,
}
"""The first pattern that fits says how a run ends that meets the code."""
LATER = {"Throttling*", "Rejected.Throttling", "ServiceUnavailable"}
"""Those after which a create is sent again: it has not run."""
MAY_HAVE_RUN = {"SignatureNonceUsed", "ServerError", "InternalError"}
RETRIED = LATER | MAY_HAVE_RUN
"""Those after which a read is asked again."""
IN_CI = {"BeyondQuata", "NoPermission", "InvalidTimeStamp.Expired", "InvalidParameter", "SomeNewCode"}
"""What the quota is refused with there; at the create it is every code but those that are waited after."""
STATUS = {
    "InvalidAccessKeyId.*": 404,
    "Throttling*": 429,
    "Rejected.Throttling": 429,
    "ServiceUnavailable": 503,
    "ServerError": 500,
    "InternalError": 500,
}
"""400 for every other one."""
SAMPLES = {
    "InvalidAccessKeyId.*": "InvalidAccessKeyId.Inactive",
    "InvalidSecurityToken.*": "InvalidSecurityToken.Expired",
    "InvalidTimeStamp.*": "InvalidTimeStamp.Expired",
    "Forbidden*": "Forbidden.RAM",
    "Throttling*": "Throttling.User",
    "Missing*": "MissingParameter",
    "Invalid*": "InvalidParameter",
}
"""A code of each family."""
MORE = [("SomeNewCode", 400), ("SomeNewCode", 409), ("Throttling", 400), ("InvalidSecurityToken.Mismatch", 403)]
ENTRIES = [
    *((SAMPLES.get(entry.pattern, entry.pattern), entry.status or STATUS.get(entry.pattern, 400)) for entry in CODES),
    *MORE,
]


def family(code):
    return next((pattern for pattern in RETRIED if fnmatchcase(code, pattern)), None)


def ends_with(code):
    return next(end for pattern, end in CONTRACT.items() if fnmatchcase(code, pattern))


def cases(quick):
    """Each code with its status; CI runs those that are quick."""
    return [
        pytest.param(code, status, marks=[] if quick(code) else [SLOW], id=f"{code} {status}")
        for code, status in ENTRIES
    ]


def test_every_code_that_the_tool_knows_is_sent():
    assert {look_up(code, status) for code, status in ENTRIES} >= set(CODES)


@pytest.mark.parametrize(
    ("code", "status"),
    cases(lambda code: family(code) not in LATER and code not in {"MissingToken", "MissingParameter"}),
)
def test_at_the_create(code, status, tmp_path, note):
    with FaultyService([Spoil(CREATE, spoilt.refusal(status, code), EVERY)]) as service:
        done = scanned(service, tmp_path)
        assert service.opened == []
        assert service.asked(CREATE) == (4 if family(code) in LATER else 1)
    note(f"at the create, {code} ({status})", done)
    remains = MAYBE if family(code) in MAY_HAVE_RUN else NOTHING
    assert (done.code, kept(done)) == (ends_with(code), remains), done.said[-3000:]


@pytest.mark.parametrize(("code", "status"), cases(lambda code: code in IN_CI))
def test_at_the_quota(code, status, tmp_path, note):
    goes_on = status == 403  # the quota may be refused to a user who may scan; whoever may not is refused the create
    with FaultyService([Spoil(QUOTA, spoilt.refusal(status, code), EVERY)]) as service:
        done = scanned(service, tmp_path)
        opened = service.opened
    note(f"at the quota, {code} ({status})", done, opened)
    expected = (0, TASK) if goes_on else (ends_with(code), NOTHING)
    assert (done.code, kept(done, opened)) == expected, done.said[-3000:]


@pytest.mark.parametrize(("code", "status"), cases(lambda _: False))
def test_at_every_poll(code, status, tmp_path, note):
    with FaultyService([Spoil(POLLS, spoilt.refusal(status, code), EVERY)]) as service:
        done = scanned(service, tmp_path, "--timeout", "4s")
        (task,) = service.opened
    note(f"at every poll, {code} ({status})", done, [task])
    assert (done.code, kept(done, [task])) == (ends_with(code), TASK), done.said[-3000:]


@pytest.mark.parametrize(
    ("code", "status", "operations", "at"),
    [
        ("Throttling.User", 429, CREATE, "create"),
        ("ServiceUnavailable", 503, QUOTA, "quota"),
        ("Throttling.User", 429, POLLS, "first poll"),
        pytest.param("ServiceUnavailable", 503, CREATE, "create", marks=SLOW),
        pytest.param("Throttling.User", 429, QUOTA, "quota", marks=SLOW),
        pytest.param("ServiceUnavailable", 503, POLLS, "first poll", marks=SLOW),
    ],
)
def test_once_and_then_no_more(code, status, operations, at, tmp_path, note):
    with FaultyService([Spoil(operations, spoilt.refusal(status, code))]) as service:
        done = scanned(service, tmp_path)
        opened = service.opened
    note(f"at the {at}, {code} ({status}), once", done, opened)
    assert (done.code, kept(done, opened), len(opened)) == (0, TASK, 1), done.said[-3000:]


@pytest.mark.parametrize(
    ("code", "status", "end"),
    [
        ("NoPermission", 403, 14),
        pytest.param("SignatureDoesNotMatch", 400, 14, marks=SLOW),
        ("InvalidParameter", 400, 15),
    ],
)
def test_at_a_list_of_findings_that_is_gated(code, status, end, tmp_path, note):
    with FaultyService([Spoil(LIST, spoilt.refusal(status, code), EVERY)]) as service:
        done = scanned(service, tmp_path)
        opened = service.opened
    note(f"at a list of findings that is gated, {code} ({status})", done, opened)
    assert (done.code, kept(done, opened), len(opened)) == (end, TASK, 1), done.said[-3000:]
