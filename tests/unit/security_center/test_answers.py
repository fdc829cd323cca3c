"""What each answer leads to: the error, its exit code, how many requests were sent, and whether a task may exist."""

from dataclasses import dataclass

import pytest

from jenkins_scan import errors
from jenkins_scan.security_center.interface import CreatedTask, Quota
from tests.support.center import (
    CLOSED,
    CONNECT_ERROR,
    CONNECT_TIMEOUT,
    READ_TIMEOUT,
    REQUEST_ID,
    RESET,
    TASK_ID,
    TOKEN,
    Canned,
    Replies,
    as_json,
    ask_quota,
    create,
    created,
    html,
    quota,
    refused,
)

XML = Canned(
    403, b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", {"content-type": "text/xml;charset=utf-8"}
)
REDIRECT = Canned(302, b"", {"location": "https://elsewhere.example/"})
SOFT = as_json({"Success": False, "Code": "1011", "Message": "soft", "RequestId": REQUEST_ID})
SOFT_WITH_TASK = as_json({"Success": False, "Code": "1011", "Data": {"TaskId": TASK_ID}, "RequestId": REQUEST_ID})


@dataclass(frozen=True)
class Row:
    """One kind of answer. A create that surely did not run is tried again if a read is, else it never is."""

    answer: Canned | Exception
    error: type[errors.ScanError]
    tries: int
    """How often a read is sent when the answer stays the same."""
    may_have_run: bool = False
    request_id: str | None = None


REFUSED_ONCE = {"tries": 1, "request_id": REQUEST_ID}
FAILED = {"tries": 4, "may_have_run": True, "request_id": REQUEST_ID}
BUSY = {"tries": 4, "request_id": REQUEST_ID}
ROWS = {
    "connection refused": Row(CONNECT_ERROR, errors.ServiceUnreachable, 4),
    "connect timeout": Row(CONNECT_TIMEOUT, errors.ServiceUnreachable, 4),
    "read timeout": Row(READ_TIMEOUT, errors.ServiceUnreachable, 4, may_have_run=True),
    "reset": Row(RESET, errors.ServiceUnreachable, 4, may_have_run=True),
    "closed without an answer": Row(CLOSED, errors.ServiceUnreachable, 4, may_have_run=True),
    "500 ServerError": Row(refused("ServerError", 500), errors.ServiceFault, **FAILED),
    "500 InternalError": Row(refused("InternalError", 500), errors.ServiceFault, **FAILED),
    "502 unknown code": Row(refused("Strange", 502), errors.ServiceFault, **FAILED),
    "500 without a code": Row(refused(None, 500), errors.ServiceFault, **FAILED),
    "503 ServiceUnavailable": Row(refused("ServiceUnavailable", 503), errors.ServiceFault, **BUSY),
    "400 Throttling": Row(refused("Throttling"), errors.ServiceThrottled, **BUSY),
    "400 Throttling.User": Row(refused("Throttling.User"), errors.ServiceThrottled, **BUSY),
    "429 Throttling.Api": Row(refused("Throttling.Api", 429), errors.ServiceThrottled, **BUSY),
    "503 Throttling": Row(refused("Throttling", 503), errors.ServiceThrottled, **BUSY),
    "400 Rejected.Throttling": Row(refused("Rejected.Throttling"), errors.ServiceThrottled, **BUSY),
    "429 without a code": Row(refused(None, 429), errors.ServiceThrottled, **BUSY),
    "429 HTML": Row(html(429), errors.AnswerNotUnderstood, 4),
    "SignatureNonceUsed": Row(
        refused("SignatureNonceUsed"), errors.ServiceFault, tries=2, may_have_run=True, request_id=REQUEST_ID
    ),
    "400 NoPermission": Row(refused("NoPermission"), errors.ServiceNotActivated, **REFUSED_ONCE),
    "403 NoPermission": Row(refused("NoPermission", 403), errors.PermissionDenied, **REFUSED_ONCE),
    "BeyondQuata": Row(refused("BeyondQuata"), errors.QuotaSpent, **REFUSED_ONCE),
    "BeyondQuata in a 200": Row(refused("BeyondQuata", 200), errors.QuotaSpent, **REFUSED_ONCE),
    "InvalidTimeStamp.Expired": Row(refused("InvalidTimeStamp.Expired"), errors.ClockSkew, **REFUSED_ONCE),
    "SignatureDoesNotMatch": Row(refused("SignatureDoesNotMatch"), errors.CredentialsRefused, **REFUSED_ONCE),
    "404 InvalidAccessKeyId": Row(
        refused("InvalidAccessKeyId.NotFound", 404), errors.CredentialsRefused, **REFUSED_ONCE
    ),
    "InvalidSecurityToken": Row(
        refused("InvalidSecurityToken.Expired", 403), errors.CredentialsRefused, **REFUSED_ONCE
    ),
    "Forbidden": Row(refused("Forbidden.RAM", 403), errors.PermissionDenied, **REFUSED_ONCE),
    "MissingDigest": Row(refused("MissingDigest"), errors.ServiceFault, **REFUSED_ONCE),
    "404 InvalidApi": Row(refused("InvalidApi.NotFound", 404), errors.ServiceFault, **REFUSED_ONCE),
    "TASK_NOT_SUPPORT_REGION": Row(refused("TASK_NOT_SUPPORT_REGION"), errors.RegionNotSupported, **REFUSED_ONCE),
    "unknown code": Row(refused("SomethingNew"), errors.ServiceFault, **REFUSED_ONCE),
    "400 without a code": Row(refused(None, 400), errors.ServiceFault, **REFUSED_ONCE),
    "500 with a code of a request": Row(
        refused("InvalidParameter", 500), errors.ServiceFault, tries=1, may_have_run=True, request_id=REQUEST_ID
    ),
    "lower case": Row(
        as_json({"code": "BeyondQuata", "message": "m", "requestId": REQUEST_ID}, 400),
        errors.QuotaSpent,
        **REFUSED_ONCE,
    ),
    "soft failure": Row(SOFT, errors.ServiceFault, **REFUSED_ONCE),
    "soft failure in text": Row(
        as_json({"success": "False", "RequestId": REQUEST_ID}), errors.ServiceFault, **REFUSED_ONCE
    ),
    "code alone": Row(as_json({"Code": 1011, "RequestId": REQUEST_ID}), errors.ServiceFault, **REFUSED_ONCE),
    "soft failure with a task": Row(
        SOFT_WITH_TASK, errors.ServiceFault, tries=1, may_have_run=True, request_id=REQUEST_ID
    ),
    "202 in place of 200": Row(
        as_json({"Data": {"TaskId": TASK_ID}}, 202), errors.ServiceFault, tries=1, may_have_run=True
    ),
    "200 HTML": Row(html(200), errors.AnswerNotUnderstood, 4, may_have_run=True),
    "502 HTML": Row(html(502), errors.AnswerNotUnderstood, 4, may_have_run=True),
    "503 HTML": Row(html(503), errors.AnswerNotUnderstood, 4, may_have_run=True),
    "404 HTML": Row(html(404), errors.AnswerNotUnderstood, 1),
    "403 XML": Row(XML, errors.AnswerNotUnderstood, 1),
    "redirect": Row(REDIRECT, errors.AnswerNotUnderstood, 1),
    "308 elsewhere": Row(Canned(308, b""), errors.AnswerNotUnderstood, 1),
    "303 see the result": Row(Canned(303, b""), errors.AnswerNotUnderstood, 1, may_have_run=True),
    "304 not modified": Row(Canned(304, b""), errors.AnswerNotUnderstood, 1, may_have_run=True),
    "truncated": Row(Canned(200, b'{"Data":{"TaskId":"a'), errors.AnswerNotUnderstood, 4, may_have_run=True),
    "not UTF-8": Row(Canned(200, b'{"Data":"\xff\xfe"}'), errors.AnswerNotUnderstood, 4, may_have_run=True),
    "empty": Row(Canned(200, b""), errors.AnswerNotUnderstood, 4, may_have_run=True),
    "a list": Row(as_json([1, 2]), errors.AnswerNotUnderstood, 4, may_have_run=True),
    "null": Row(as_json(None), errors.AnswerNotUnderstood, 4, may_have_run=True),
    "deep": Row(Canned(200, b'{"a":' + b"[" * 100_000), errors.AnswerNotUnderstood, 4, may_have_run=True),
    "no data": Row(
        as_json({"RequestId": REQUEST_ID}),
        errors.AnswerNotUnderstood,
        tries=1,
        may_have_run=True,
        request_id=REQUEST_ID,
    ),
}
rows = pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())


@rows
def test_a_read_that_keeps_failing_ends_with_its_error(row, clock):
    replies = Replies(row.answer, forever=True)
    with pytest.raises(errors.ScanError) as caught:
        ask_quota(replies, clock)
    assert type(caught.value) is row.error
    assert caught.value.request_id == row.request_id
    assert len(replies.requests) == row.tries
    throttled = row.error is errors.ServiceThrottled
    for sleep, about in zip(clock.sleeps, (4, 7, 12.25) if throttled else (1, 3, 9), strict=False):
        assert about * (0.5 if throttled else 1) <= sleep <= about * (1.5 if throttled else 1.1)


@rows
def test_a_create_is_repeated_only_while_it_surely_did_not_run(row, clock):
    replies = Replies(row.answer, forever=True)
    with pytest.raises(errors.ScanError) as caught:
        create(replies, clock)
    if row.may_have_run:
        assert type(caught.value) is errors.FateUnknown
        assert (len(replies.requests), clock.sleeps) == (1, [])
        assert "may exist" in caught.value.message
        assert caught.value.sent_on == 1000.0
        assert caught.value.exit_code == 15
    else:
        assert type(caught.value) is row.error
        assert len(replies.requests) == row.tries
    assert caught.value.request_id == row.request_id


@rows
def test_a_read_succeeds_when_the_failure_passes(row, clock):
    if row.tries == 1:
        replies = Replies(row.answer)
        with pytest.raises(row.error):
            ask_quota(replies, clock)
    else:
        replies = Replies(row.answer, quota(100, 10))
        assert ask_quota(replies, clock).value == Quota(100, 10)
        assert len(replies.requests) == 2


@rows
def test_an_error_is_one_plain_sentence_with_a_remedy_and_without_the_token(row, clock):
    with pytest.raises(errors.ScanError) as caught:
        create(Replies(row.answer, forever=True), clock)
    assert caught.value.message.isprintable()
    assert caught.value.remedy
    assert TOKEN not in caught.value.message + caught.value.remedy


def test_a_later_try_of_a_create_opens_the_task(clock):
    replies = Replies(CONNECT_ERROR, refused("Throttling.User"), refused("ServiceUnavailable", 503), created())
    answer = create(replies, clock)
    assert answer.value == CreatedTask(TASK_ID, capacity=100)
    assert len(replies.requests) == 4


def test_the_nonce_error_is_retried_once_even_after_other_failures(clock):
    replies = Replies(READ_TIMEOUT, refused("SignatureNonceUsed"), quota(100, 10))
    assert ask_quota(replies, clock).value.capacity == 100
