"""What is read from an answer: strict where something was promised, lenient beside it, and plain in its errors."""

import httpx
import pytest

from jenkins_scan import errors
from jenkins_scan.security_center.interface import CreatedTask, Quota, ScanRequest
from tests.support.center import (
    NOON,
    REQUEST_ID,
    TASK_ID,
    TOKEN,
    Canned,
    Replies,
    as_json,
    ask_quota,
    create,
    created,
    html,
    listed,
    quota,
    refused,
)


def test_the_task_has_every_part_of_the_answer(clock):
    data = {
        "Uuid": "6690a46c-0edb-4663-a641-3629d1a9c0de",
        "RepoRegionId": "cn-hangzhou",
        "RepoInstanceId": "cri-0gkaatghnmnt0001",
        "RepoId": "crr-upze3gcopm9c0001",
    }
    answer = create(Replies(created(**data)), clock)
    assert answer.value == CreatedTask(
        TASK_ID, data["Uuid"], 100, "cn-hangzhou", data["RepoInstanceId"], data["RepoId"]
    )
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
    understood = {"many": "many", "\ud800": "\ufffd"} if name != "ImageScanCapacity" else {}
    assert read[name] == (understood.get(odd) if isinstance(odd, str) else None)


@pytest.mark.parametrize("odd", ["a b", "a\x1b[31mb", "a\nb", "\u202e", "a" * 201])
def test_a_task_id_that_no_line_can_show_is_none(odd, clock):
    with pytest.raises(errors.FateUnknown, match=r"task_id|TaskId"):
        create(Replies(created(odd)), clock)


@pytest.mark.parametrize("odd", [10**400, -(10**400), 2**64, True, "x", None])
def test_a_time_out_of_range_is_not_known(odd, clock):
    client = Replies(listed({"TaskId": TASK_ID, "StartTime": odd})).client(clock)
    (task,) = client.tasks.latest("d", deadline=clock.monotonic() + 30).value
    assert task.started_at is None


@pytest.mark.parametrize(
    "scan", [{"ImageScanCapacity": True, "ScanCount": 1}, {"ImageScanCapacity": 1, "ScanCount": False}]
)
def test_a_truth_value_is_no_number(scan, clock):
    with pytest.raises(errors.AnswerNotUnderstood):
        Replies(as_json({"ImageScan": scan})).client(clock).describe_image_scan_auth_count(
            deadline=clock.monotonic() + 30
        )


def test_unknown_fields_and_white_space_around_the_id_do_no_harm(clock):
    body = {"Data": {"TaskId": f" {TASK_ID}\n", "New": {"a": [1]}}, "Also": 1, "RequestId": {"odd": 1}}
    answer = create(Replies(as_json(body)), clock)
    assert (answer.value.task_id, answer.request_id) == (TASK_ID, None)


@pytest.mark.parametrize(
    "scan",
    [{}, {"ImageScanCapacity": -1, "ScanCount": 0}, {"ImageScanCapacity": 100}, {"ImageScanCapacity": "x"}, None],
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
        create(Replies(html(407, "<h1>Proxy\x1b[2J login</h1> " + "x" * 5000)), clock)
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
