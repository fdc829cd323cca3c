"""What each answer leads to: the error, its exit code, how many requests were sent, and whether a task may exist."""

from dataclasses import dataclass

import pytest

from jenkins_scan import errors
from jenkins_scan.security_center.interface import CreatedTask, ListedTask, Quota, ScanRequest
from tests.support.center import (
    CLOSED,
    CONNECT_ERROR,
    CONNECT_TIMEOUT,
    DIGEST,
    NOON,
    READ_TIMEOUT,
    REQUEST_ID,
    RESET,
    TASK_ID,
    TOKEN,
    Canned,
    FakeClock,
    Replies,
    as_json,
    created,
    html,
    listed,
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
    "Forbidden": Row(refused("Forbidden.RAM", 403), errors.CredentialsRefused, **REFUSED_ONCE),
    "MissingDigest": Row(refused("MissingDigest"), errors.ServiceFault, **REFUSED_ONCE),
    "404 InvalidApi": Row(refused("InvalidApi.NotFound", 404), errors.ServiceFault, **REFUSED_ONCE),
    "TASK_NOT_SUPPORT_REGION": Row(refused("TASK_NOT_SUPPORT_REGION"), errors.RegionNotSupported, **REFUSED_ONCE),
    "unknown code": Row(refused("SomethingNew"), errors.ServiceFault, **REFUSED_ONCE),
    "400 without a code": Row(refused(None, 400), errors.ServiceFault, **REFUSED_ONCE),
    "500 with a code of a request": Row(
        refused("InvalidParameter", 500), errors.ServiceFault, tries=1, may_have_run=True, request_id=REQUEST_ID
    ),
    "lower case": Row(
        as_json({"code": "BeyondQuata", "message": "m", "requestId": REQUEST_ID}, 400), errors.QuotaSpent, **REFUSED_ONCE
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
    "truncated": Row(Canned(200, b'{"Data":{"TaskId":"a'), errors.AnswerNotUnderstood, 4, may_have_run=True),
    "not UTF-8": Row(Canned(200, b'{"Data":"\xff\xfe"}'), errors.AnswerNotUnderstood, 4, may_have_run=True),
    "empty": Row(Canned(200, b""), errors.AnswerNotUnderstood, 4, may_have_run=True),
    "a list": Row(as_json([1, 2]), errors.AnswerNotUnderstood, 4, may_have_run=True),
    "null": Row(as_json(None), errors.AnswerNotUnderstood, 4, may_have_run=True),
    "deep": Row(Canned(200, b'{"a":' + b"[" * 100_000), errors.AnswerNotUnderstood, 4, may_have_run=True),
    "no data": Row(
        as_json({"RequestId": REQUEST_ID}), errors.AnswerNotUnderstood, tries=1, may_have_run=True, request_id=REQUEST_ID
    ),
}
rows = pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())


@pytest.fixture
def clock():
    return FakeClock()


def create(replies, clock):
    return replies.client(clock).create_jenkins_image_scan_task(
        ScanRequest(digest=DIGEST), deadline=clock.monotonic() + 30
    )


def ask_quota(replies, clock, seconds=30):
    return replies.client(clock).describe_image_scan_auth_count(deadline=clock.monotonic() + seconds)


@rows
def test_a_read_that_keeps_failing_ends_with_its_error(row, clock):
    replies = Replies(row.answer, forever=True)
    with pytest.raises(errors.ScanError) as caught:
        ask_quota(replies, clock)
    assert type(caught.value) is row.error
    assert caught.value.request_id == row.request_id
    assert len(replies.requests) == row.tries
    for sleep, least in zip(clock.sleeps, (1, 3, 9), strict=False):
        assert least <= sleep <= least * 1.1


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


def test_the_task_has_every_part_of_the_answer(clock):
    data = {
        "Uuid": "6690a46c-0edb-4663-a641-3629d1a9c0de",
        "RepoRegionId": "cn-hangzhou",
        "RepoInstanceId": "cri-0gkaatghnmnt0001",
        "RepoId": "crr-upze3gcopm9c0001",
    }
    answer = create(Replies(created(**data)), clock)
    assert answer.value == CreatedTask(TASK_ID, data["Uuid"], 100, "cn-hangzhou", data["RepoInstanceId"], data["RepoId"])
    assert (answer.request_id, answer.server_time) == (REQUEST_ID, NOON)


@pytest.mark.parametrize("code", ["200", "OK", "ok", "success", "SUCCESS", 200, "", None])
def test_an_envelope_of_success_is_success(code, clock):
    body = {"Code": code, "Success": True, "Message": "successful", "HttpStatusCode": 200, "TimeCost": 3}
    assert create(Replies(as_json({**body, "Data": {"TaskId": TASK_ID}})), clock).value.task_id == TASK_ID


@pytest.mark.parametrize("task_id", ["", "  ", None, 17, ["a"], {"a": 1}, "x" * 201, "\ud800"])
@pytest.mark.parametrize("others", [{}, {"ImageScanCapacity": 100}], ids=["alone", "with a capacity"])
def test_without_a_task_id_the_fate_is_unknown(task_id, others, clock):
    replies = Replies(as_json({"RequestId": REQUEST_ID, "Data": {"TaskId": task_id, **others}}))
    with pytest.raises(errors.FateUnknown, match=r"Data\.TaskId") as caught:
        create(replies, clock)
    assert caught.value.request_id == REQUEST_ID


@pytest.mark.parametrize("data", [None, [], "text", {}, {"TaskID": TASK_ID}])
def test_data_of_another_form_is_an_unknown_fate(data, clock):
    with pytest.raises(errors.FateUnknown):
        create(Replies(as_json({"Data": data})), clock)


@pytest.mark.parametrize("name", ["Uuid", "RepoRegionId", "RepoInstanceId", "RepoId", "ImageScanCapacity"])
@pytest.mark.parametrize("odd", [None, [], {}, "", "  ", "many", 1.5, ["100"], "y" * 300, "\ud800"])
def test_an_odd_optional_field_never_costs_the_task_id(name, odd, clock):
    answer = create(Replies(created(**{"ImageScanCapacity": None, name: odd})), clock)
    value = answer.value
    assert value.task_id == TASK_ID
    assert value.capacity is None
    read = {
        "Uuid": value.uuid,
        "RepoRegionId": value.repo_region_id,
        "RepoInstanceId": value.repo_instance_id,
        "RepoId": value.repo_id,
        "ImageScanCapacity": None,
    }
    assert read[name] == ("many" if odd == "many" and name != "ImageScanCapacity" else None)


def test_unknown_fields_and_white_space_around_the_id_do_no_harm(clock):
    body = {"Data": {"TaskId": f" {TASK_ID}\n", "New": {"a": [1]}}, "Also": 1, "RequestId": {"odd": 1}}
    answer = create(Replies(as_json(body)), clock)
    assert (answer.value.task_id, answer.request_id) == (TASK_ID, None)


@pytest.mark.parametrize(
    "scan", [{}, {"ImageScanCapacity": -1, "ScanCount": 0}, {"ImageScanCapacity": 100}, {"ImageScanCapacity": "x"}, None]
)
def test_a_quota_that_is_not_whole_is_not_understood(scan, clock):
    replies = Replies(as_json({"ImageScan": scan, "RequestId": REQUEST_ID}))
    with pytest.raises(errors.AnswerNotUnderstood) as caught:
        ask_quota(replies, clock)
    assert caught.value.request_id == REQUEST_ID


def test_the_quota_may_be_numbers_in_text_and_what_remains_is_never_negative(clock):
    answer = ask_quota(Replies(as_json({"ImageScan": {"ImageScanCapacity": "15340", "ScanCount": 15400}})), clock)
    assert answer.value == Quota(15340, 15400)
    assert answer.value.remaining == 0


def test_the_listed_tasks_are_those_that_have_an_id(clock):
    replies = Replies(
        listed(
            {"TaskId": TASK_ID, "Status": "SUCCESS", "StartTime": 1735787046000, "Id": 1},
            {"TaskId": "b", "Status": None, "StartTime": ""},
            {"Status": "INIT"},
            {"TaskId": " "},
        )
    )
    answer = replies.client(clock).describe_image_latest_scan_task(DIGEST, deadline=clock.monotonic() + 30)
    assert answer.value == (ListedTask(TASK_ID, "SUCCESS", 1735787046.0), ListedTask("b", "", None))


def test_a_missing_action_is_named_with_its_remedy(clock):
    detail = {"AuthAction": "yundun-sas:DescribeImageScanAuthCount2", "NoPermissionType": "ImplicitDeny"}
    replies = Replies(refused("NoPermission", 403, "caller has no permission", AccessDeniedDetail=detail))
    with pytest.raises(errors.PermissionDenied) as caught:
        ask_quota(replies, clock)
    assert "missing action yundun-sas:DescribeImageScanAuthCount2" in caught.value.message
    assert "Grant yundun-sas:DescribeImageScanAuthCount2" in caught.value.remedy
    assert caught.value.exit_code == 14


@pytest.mark.parametrize("detail", [None, "text", {}, {"AuthAction": None}, {"AuthAction": ["a"]}, {"AuthAction": ""}])
def test_a_missing_action_that_is_not_told_is_the_operations_own(detail, clock):
    replies = Replies(refused("NoPermission", 403, AccessDeniedDetail=detail))
    with pytest.raises(errors.PermissionDenied) as caught:
        create(replies, clock)
    assert "Grant yundun-sas:CreateJenkinsImageScanTask" in caught.value.remedy


def test_a_service_that_is_not_bought_is_told_apart_from_a_missing_action(clock):
    with pytest.raises(errors.ServiceNotActivated) as caught:
        create(Replies(refused("NoPermission", 400, "no permission")), clock)
    assert "buy it" in caught.value.remedy
    assert "Grant" not in caught.value.remedy
    assert caught.value.service_code == "NoPermission"


def test_control_characters_of_a_stranger_stay_out_of_the_message(clock):
    replies = Replies(refused("Evil\x1b[31m", 400, "one\ntwo\u202ethree"))
    with pytest.raises(errors.ServiceFault) as caught:
        create(replies, clock)
    assert "Evil (one two three), HTTP 400" in caught.value.message


def test_a_foreign_page_shows_its_status_type_and_beginning(clock):
    with pytest.raises(errors.AnswerNotUnderstood) as caught:
        create(Replies(html(407, "<h1>Proxy\x1b[2J login</h1>" + "x" * 5000)), clock)
    assert "HTTP 407, text/html" in caught.value.message
    assert "<h1>Proxy login</h1>" in caught.value.message
    assert len(caught.value.message) < 400


@pytest.mark.parametrize("before", range(60, 130))
def test_no_part_of_a_token_that_a_foreign_page_echoes_is_left_by_the_cut(before, clock):
    page = html(404, "<p>" + "a b" * (before // 3) + "-" * (before % 3) + f' "Token": "{TOKEN}" </p>')
    with pytest.raises(errors.AnswerNotUnderstood) as caught:
        create(Replies(page), clock)
    assert TOKEN[:6] not in caught.value.message.replace(TOKEN, "****")


@pytest.mark.parametrize(
    ("problem", "hint"),
    [
        ("[SSL: CERTIFICATE_VERIFY_FAILED] self signed", "--ca-bundle"),
        ("[Errno -2] Name or service not known", "DNS"),
        ("", "DNS"),
    ],
)
def test_a_connection_that_fails_says_what_to_check(problem, hint, clock):
    import httpx

    with pytest.raises(errors.ServiceUnreachable) as caught:
        create(Replies(httpx.ConnectError(problem), forever=True), clock)
    assert hint in caught.value.remedy
    assert (problem or "ConnectError") in caught.value.message


def test_a_sandbox_gives_itself_away(clock):
    stamped = created()
    replies = Replies(quota(), Canned(200, stamped.body, {"x-jenkins-scan-sandbox": "1"}), quota())
    client = replies.client(clock)
    client.describe_image_scan_auth_count(deadline=clock.monotonic() + 30)
    assert not client.is_sandbox
    client.create_jenkins_image_scan_task(ScanRequest(), deadline=clock.monotonic() + 30)
    client.describe_image_scan_auth_count(deadline=clock.monotonic() + 30)
    assert client.is_sandbox
