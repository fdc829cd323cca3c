"""What is read from the answers about images in registries: lenient beside the task id, never a task out of nothing."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jenkins_scan import errors
from jenkins_scan.security_center.registry_scans import ImageFilter, PreCheck
from tests.support.center import DIGEST, TASK_ID, Canned, Replies, as_json, refused

WANTED = ImageFilter(digests=(DIGEST,))
FIELDS = {
    "TotalCount": ("total", 1, 1),
    "FinishCount": ("finished", 0, 0),
    "Progress": ("progress", 40, 40),
    "CollectTime": ("collected_at", 1735787045500, 1735787045.5),
    "ExecTime": ("executed_at", 1735787046000, 1735787046.0),
    "Status": ("status", "INIT", "INIT"),
    "Result": ("result", "TASK_NOT_SUPPORT_REGION", "TASK_NOT_SUPPORT_REGION"),
    "CanCreate": ("can_create", "true", True),
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5) | st.just(TASK_ID),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(max_size=5), parts, max_size=3),
    max_leaves=6,
)


def create(*answers):
    registries = Replies(*answers).client().registries
    return registries.create(WANTED, deadline=1030, on_the_way=lambda _: None).value


def precheck(*answers):
    return Replies(*answers).client().registries.precheck(WANTED, deadline=1030).value


def regions(*answers):
    return Replies(*answers).client().registries.regions(deadline=1030).value


@pytest.mark.parametrize("name", FIELDS)
def test_every_field_is_read(name):
    attribute, sent, read = FIELDS[name]
    assert getattr(create(as_json({"Data": {"TaskId": TASK_ID, name: sent}})), attribute) == read


@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize("odd", [None, [], {}, "", "  ", 1.5, ["100"], 10**400, "\x1b[0m"])
def test_an_odd_optional_field_is_not_known_and_never_costs_the_task_id(name, odd):
    task = create(as_json({"Data": {"TaskId": TASK_ID, name: odd}}))
    assert task.task_id == TASK_ID
    assert getattr(task, FIELDS[name][0]) is None


@pytest.mark.parametrize("name", ["TotalCount", "FinishCount", "Progress"])
def test_a_count_below_zero_is_none(name):
    assert getattr(create(as_json({"Data": {"TaskId": TASK_ID, name: -1}})), FIELDS[name][0]) is None


def test_words_of_a_stranger_fit_on_one_line():
    task = create(as_json({"Data": {"TaskId": f" {TASK_ID}\n", "Status": "a\x1b[31m\nb", "Result": "\u202ex"}}))
    assert (task.task_id, task.status, task.result) == (TASK_ID, "a b", "x")


@given(st.dictionaries(st.sampled_from([*FIELDS, "TaskId", "taskId", "Data"]), JSON, max_size=6) | JSON)
def test_any_data_is_a_task_with_its_id_or_no_task_or_an_unknown_fate(data):
    try:
        task = create(Canned(200, json.dumps({"Data": data}).encode()))
    except errors.FateUnknown:
        return
    if task.task_id is None:
        assert data["CanCreate"] is False or data["CanCreate"].strip().lower() == "false"
        assert not (data.get("TaskId") or "").strip()
    else:
        assert task.task_id == data["TaskId"].strip()


@given(JSON)
def test_any_body_of_a_create_is_a_task_or_an_error(body):
    try:
        task = create(Canned(200, json.dumps(body).encode()))
    except errors.ScanError:
        return
    assert body["Data"]["TaskId"].strip() == task.task_id


@pytest.mark.parametrize(
    ("data", "needed"),
    [
        ({"NeedAuthCount": 1, "ScanImageCount": 3}, 3),
        ({"NeedAuthCount": 4, "ScanImageCount": 3}, 4),
        ({"NeedAuthCount": 0, "ScanImageCount": 0}, 0),
        ({"NeedAuthCount": "2", "ScanImageCount": None}, 2),
        ({"ScanImageCount": 5}, 5),
        ({"NeedAuthCount": True, "ScanImageCount": 1}, 1),
        ({"NeedAuthCount": -3, "ScanImageCount": 1}, 1),
    ],
)
def test_a_precheck_counts_what_it_can_read(data, needed):
    assert precheck(as_json({"Data": data})).needed == needed


@pytest.mark.parametrize(
    "data", [None, [], "text", {}, {"NeedAuthCount": None}, {"NeedAuthCount": "many", "ScanImageCount": -1}]
)
def test_a_precheck_without_a_count_is_not_understood(data):
    with pytest.raises(errors.AnswerNotUnderstood, match="Data"):
        precheck(as_json({"Data": data}))


@given(JSON | st.dictionaries(st.sampled_from(["NeedAuthCount", "ScanImageCount"]), JSON))
def test_any_precheck_is_a_count_or_an_error(data):
    try:
        found = precheck(Canned(200, json.dumps({"Data": data}).encode()))
    except errors.ScanError:
        return
    assert found.needed >= 0


def test_a_precheck_is_tried_again_and_its_quota_refusal_is_one_of_quota():
    data = as_json({"Data": {"NeedAuthCount": 1, "ScanImageCount": 1}})
    assert precheck(refused("ServerError", 500), refused("Throttling"), data) == PreCheck(1, 1)
    with pytest.raises(errors.QuotaSpent):
        precheck(refused("BeyondQuata"))


@pytest.mark.parametrize("ask", [precheck, regions])
def test_a_missing_action_is_named(ask):
    with pytest.raises(errors.PermissionDenied) as caught:
        ask(refused("NoPermission", 403))
    operation = {precheck: "PublicPreCheckImageScanTask", regions: "ListImageRegistryRegion"}[ask]
    assert f"Grant yundun-sas:{operation} " in caught.value.remedy


@pytest.mark.parametrize(
    ("rows", "names"),
    [
        ([], {}),
        ([{"RegionId": "cn-hangzhou", "RegionName": "China (Hangzhou)"}], {"cn-hangzhou": "China (Hangzhou)"}),
        ([{"RegionId": " cn-hangzhou "}], {"cn-hangzhou": "cn-hangzhou"}),
        ([{"RegionId": "us-east-1", "RegionName": ["x"]}], {"us-east-1": "us-east-1"}),
        ([{"RegionId": "us-east-1", "RegionName": "US\n(Virginia)"}], {"us-east-1": "US (Virginia)"}),
        ([None, 5, "text", [], {}, {"RegionId": None}, {"RegionId": "a b"}, {"RegionId": 7}], {}),
    ],
)
def test_regions_are_names_by_id(rows, names):
    assert regions(as_json({"Regions": rows})) == names


@pytest.mark.parametrize("body", [{}, {"Regions": None}, {"Regions": {}}, {"Regions": "cn-hangzhou"}])
def test_regions_that_are_missing_are_not_none_at_all(body):
    with pytest.raises(errors.AnswerNotUnderstood, match="Regions"):
        regions(as_json(body))


@given(JSON)
def test_any_regions_are_names_or_an_error(rows):
    try:
        found = regions(Canned(200, json.dumps({"Regions": rows}).encode()))
    except errors.ScanError:
        return
    assert all(region.isprintable() and name.isprintable() for region, name in found.items())
