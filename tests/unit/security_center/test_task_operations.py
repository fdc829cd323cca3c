"""The status operations: what each asks for, how it reads its pages, and what it makes of odd rows."""

import json
from urllib.parse import parse_qsl

import pytest

from jenkins_scan import errors
from jenkins_scan.security_center.interface import Phase
from jenkins_scan.security_center.task_operations import MOST_PAGES
from tests.support.center import DIGEST, TASK_ID, UUID, Replies, as_json, listed, page, refused

INSTANCES = "ImageInstanceList"
IMAGE_ID = "b10ef7b245c34a0822055c74fc4a0e8b5baf0279306316b2c517a501ed250b1e"
NOTHING = {
    "latest": listed(),
    "of_image": page(INSTANCES),
    "by_id": page("OnceTasks"),
    "unfinished": page("OnceTasks"),
}
KEYS = {
    "latest": {"digest": DIGEST},
    "of_image": {"digest": DIGEST},
    "by_id": {"task_id": TASK_ID},
    "unfinished": {"digest": DIGEST},
}
PAGING = {"CurrentPage": "1", "PageSize": "100"}
ASKED = {
    "latest": ("DescribeImageLatestScanTask", {"Digest": DIGEST}),
    "of_image": ("DescribeImageInstances", {"Criteria": f'[{{"name":"digest","value":"{DIGEST}"}}]', **PAGING}),
    "by_id": (
        "DescribeOnceTaskLeafRecordPage",
        {"TaskType": "IMAGE_SCAN", "TaskId": TASK_ID, "RelateInfo": "true", **PAGING},
    ),
    "unfinished": ("ListUnfinishedOnceTask", {"TaskType": "IMAGE_SCAN", "Target": DIGEST}),
}


@pytest.fixture
def ask(clock):
    """Asks one status operation, gets these answers, and returns the statuses."""

    def ask(method, replies, **key):
        tasks = replies.client(clock).tasks
        return getattr(tasks, method)(**(key or KEYS[method]), deadline=clock.monotonic() + 30).value

    return ask


@pytest.mark.parametrize("method", ASKED)
def test_an_operation_asks_by_its_page_and_may_know_nothing(method, ask):
    replies = Replies(NOTHING[method])
    assert ask(method, replies) == ()
    operation, query = ASKED[method]
    assert replies.asked == [operation]
    assert dict(parse_qsl(replies.requests[0].url.query.decode(), strict_parsing=True)) == query


def test_an_image_without_a_digest_is_asked_for_by_its_config_digest(ask):
    replies = Replies(page(INSTANCES))
    ask("of_image", replies, image_id=IMAGE_ID)
    sent = dict(parse_qsl(replies.requests[0].url.query.decode()))
    assert json.loads(sent["Criteria"]) == [{"name": "imageId", "value": IMAGE_ID}]


def test_no_operation_asks_for_every_image(ask):
    with pytest.raises(ValueError, match="every image"):
        ask("of_image", Replies(), digest=None)


@pytest.mark.parametrize("method", ASKED)
def test_a_missing_action_is_named(method, ask):
    with pytest.raises(errors.PermissionDenied) as caught:
        ask(method, Replies(refused("NoPermission", 403)))
    assert f"Grant yundun-sas:{ASKED[method][0]}" in caught.value.remedy


@pytest.mark.parametrize("method", ["of_image", "by_id"])
def test_every_page_is_read(method, ask):
    name = INSTANCES if method == "of_image" else "OnceTasks"
    replies = Replies(page(name, {}, {}, total=3), page(name, {}, total=3))
    assert len(ask(method, replies)) == 3
    assert [dict(request.url.params)["CurrentPage"] for request in replies.requests] == ["1", "2"]


def test_an_endless_list_ends_after_some_pages(ask):
    replies = Replies(page(INSTANCES, {}, total=10**6), forever=True)
    with pytest.raises(errors.AnswerNotUnderstood, match=f"counts 1000000 rows, and {MOST_PAGES} could be read"):
        ask("of_image", replies)
    assert len(replies.requests) == MOST_PAGES


def test_a_list_ends_at_an_empty_page_or_where_no_total_is_told(ask):
    with pytest.raises(errors.AnswerNotUnderstood, match="counts 9 rows, and 1 could be read"):
        ask("of_image", Replies(page(INSTANCES, {}, total=9), page(INSTANCES, total=9)))
    assert len(ask("of_image", Replies(as_json({INSTANCES: [{}]})))) == 1


@pytest.mark.parametrize("row", [None, 5, "text", [], {}, {"ScaStatus": None}, {"ScaStatus": ["SUCCESS"]}])
def test_a_row_that_cannot_be_read_is_an_unknown_status(row, ask):
    (status,) = ask("of_image", Replies(page(INSTANCES, row)))
    assert (status.phase, status.word) == (Phase.UNKNOWN, "")


@pytest.mark.parametrize("result", [0, 1, [], {}, True, ["TASK_NOT_EXISTS"]])
@pytest.mark.parametrize("method", ["of_image", "by_id"])
def test_a_result_that_is_no_text_is_not_taken_for_none(method, result, ask):
    row = {"ScaStatus": "SUCCESS", "ScaResult": result, "StatusText": "SUCCESS", "ResultInfo": result}
    (status,) = ask(method, Replies(page(INSTANCES if method == "of_image" else "OnceTasks", row)))
    assert (status.phase, status.result) == (Phase.UNKNOWN, "unreadable")


@pytest.mark.parametrize("result", ["", "  ", None])
def test_an_empty_result_is_none(result, ask):
    (status,) = ask("of_image", Replies(page(INSTANCES, {"ScaStatus": "SUCCESS", "ScaResult": result})))
    assert (status.phase, status.result) == (Phase.GOOD, None)


def test_a_row_tells_which_image_was_scanned_and_when(ask):
    row = {
        "ScaStatus": "SUCCESS",
        "ScaResult": "forbid_create_repeat_task",
        "LastScanTime": 1735787160500,
        "Digest": f" sha256:{DIGEST.upper()}",
        "ImageId": "SHA256:AB",
        "Uuid": UUID,
    }
    (status,) = ask("of_image", Replies(page(INSTANCES, row)))
    assert (status.phase, status.scanned_at, status.digest, status.image_id, status.uuid) == (
        Phase.GOOD,
        1735787160.5,
        DIGEST,
        "ab",
        UUID,
    )


def test_the_digest_of_a_one_time_task_is_its_images_else_its_target(ask):
    rows = [{"Target": "aa", "TaskImageInfo": {"Digest": "bb"}}, {"Target": "aa"}, {"TaskImageInfo": []}]
    assert [status.digest for status in ask("unfinished", Replies(page("OnceTasks", *rows)))] == ["bb", "aa", None]


@pytest.mark.parametrize(("method", "name"), [("latest", "Task"), ("by_id", "OnceTasks"), ("of_image", INSTANCES)])
@pytest.mark.parametrize("body", [{}, {"{}": None}, {"{}": {}}, {"{}": "x"}, {"PageInfo": {"TotalCount": 1}}])
def test_a_list_that_is_missing_is_not_an_empty_one(method, name, body, ask):
    with pytest.raises(errors.AnswerNotUnderstood, match=f"{name}|rows"):
        ask(method, Replies(as_json({key.format(name): value for key, value in body.items()})))


@pytest.mark.parametrize("rows", [{}, {INSTANCES: None}])
def test_a_list_may_be_missing_where_the_total_is_zero(rows, ask):
    assert ask("of_image", Replies(as_json({"PageInfo": {"TotalCount": 0}, **rows}))) == ()
