"""The operations that list tasks: words by the clock, by digest and by TaskId."""

import pytest

from jenkins_scan.sandbox.scenarios import SCENARIOS

DIGEST = "a" * 64
LATEST, LEAF, UNFINISHED = "DescribeImageLatestScanTask", "DescribeOnceTaskLeafRecordPage", "ListUnfinishedOnceTask"
PAGE = {"TaskType": "IMAGE_SCAN", "CurrentPage": "1", "PageSize": "20", "RelateInfo": "True"}
DAY = 24 * 60 * 60


def leaf(here, **query):
    return here.ask(LEAF, **(PAGE | query)).body["OnceTasks"]


def unfinished(here, **query):
    return here.ask(UNFINISHED, **({"TaskType": "IMAGE_SCAN", "Target": DIGEST} | query)).body["OnceTasks"]


def test_a_task_goes_through_its_words_by_the_clock(bench, clock):
    here = bench(clock={"finish_after": 4})
    task_id = here.create().body["Data"]["TaskId"]
    seen = []
    for _ in range(5):
        row = here.tasks()[0]
        assert row["TaskId"] == task_id
        seen.append((row["Status"], row["Finish"], row.get("FinishTime")))
        clock.now += 1
    end = int(clock.now - 1) * 1000
    assert seen == [("INIT", 0, None)] * 2 + [("PRE_ANALYZER", 0, None)] * 2 + [("SUCCESS", 1, end)]


def test_a_known_digest_lists_its_tasks_newest_first_and_an_older_success_last(bench, clock):
    here = bench()
    first = here.create().body["Data"]["TaskId"]
    clock.now += 100
    second = here.create().body["Data"]["TaskId"]
    rows = here.tasks()
    assert [row["TaskId"] for row in rows[:2]] == [second, first]
    earlier = rows[2]
    assert (earlier["Status"], len(rows)) == ("SUCCESS", 3)
    assert earlier["StartTime"] == rows[1]["StartTime"] - 24 * 3600 * 1000
    assert earlier["TaskId"] not in {task.task_id for task in here.state.tasks()}
    assert here.tasks() == rows


def test_a_task_row_has_the_fields_of_its_page(bench, clock):
    here = bench()
    here.create()
    clock.now += 5
    row = here.tasks()[0]
    assert row | {"Id": 0, "TaskId": ""} == {
        "Id": 0,
        "TaskId": "",
        "Status": "SUCCESS",
        "Name": "IMAGE_SCAN",
        "TaskType": "IMAGE_SCAN",
        "Target": DIGEST,
        "TargetType": "IMAGE",
        "Source": "openapi",
        "Create": "2025-01-02 20:00:00",
        "Modified": "2025-01-02 20:00:01",
        "StartTime": 1_735_819_200_000,
        "FinishTime": 1_735_819_201_000,
        "Finish": 1,
    }


@pytest.mark.parametrize("digest", ["f" * 64, f"sha256:{DIGEST}", "latest"])
def test_an_unknown_digest_and_one_with_a_prefix_find_nothing(bench, digest):
    here = bench()
    here.create()
    here.create(Digest=f"sha256:{DIGEST}")
    assert here.tasks(digest) == []


@pytest.mark.parametrize("query", [{}, {"Digest": ""}, {"digest": DIGEST}])
def test_the_status_operation_needs_a_digest(bench, plan, query):
    answer = bench().send(plan(action="DescribeImageLatestScanTask", query=query))
    assert answer.refusal == (400, "MissingDigest")


def test_a_running_word_is_told_in_each_operations_vocabulary(bench, clock):
    here = bench(clock={"finish_after": 4}, task={"words": ["INIT", "DOWNLOAD", "PROCESSING", "ACTIVE"]})
    here.create()
    seen = []
    for _ in range(4):
        seen.append((here.tasks()[0]["Status"], leaf(here)[0]["StatusText"], unfinished(here)[0]["StatusText"]))
        clock.now += 1
    assert seen == [
        ("INIT", "INIT", "INIT"),
        ("PROCESSING", "START", "START"),
        ("PROCESSING", "START", "START"),
        ("ACTIVE", "ACTIVE", "ACTIVE"),
    ]
    assert leaf(here)[0]["StatusText"] == "SUCCESS"
    assert unfinished(here) == []


@pytest.mark.parametrize(
    ("end", "latest", "once"),
    [("FAIL", "FAIL", "FAIL"), ("TIMOUT", "TIMOUT", "TIMEOUT"), ("TIMEOUT", "TIMOUT", "TIMEOUT")],
)
def test_a_bad_end_is_told_in_each_operations_spelling(bench, clock, end, latest, once):
    here = bench(task={"end": end, "result": "TASK_NOT_SUPPORT_REGION"})
    here.create()
    assert leaf(here)[0]["ResultInfo"] == ""
    clock.now += 1
    row = leaf(here)[0]
    assert here.tasks()[0]["Status"] == latest
    assert (row["StatusText"], row["Finish"], row["ResultInfo"]) == (once, 1, "TASK_NOT_SUPPORT_REGION")


def test_a_clock_that_was_set_back_shows_the_first_word(bench, clock):
    here = bench()
    here.create()
    clock.now -= 3600
    assert here.tasks()[0]["Status"] == "INIT"


def test_a_leaf_record_has_the_fields_of_its_page(bench, clock):
    here = bench()
    here.create(Digest=DIGEST, ImageId="b" * 64, Namespace="ns", RepoName="app", Tag="1.0")
    clock.now += 5
    row = leaf(here)[0]
    assert row | {"TaskId": ""} == {
        "TaskId": "",
        "TaskName": "IMAGE_SCAN",
        "TaskType": "IMAGE_SCAN",
        "Status": "0",
        "StatusText": "SUCCESS",
        "Finish": 1,
        "Progress": 100,
        "FinishCount": "1",
        "TotalCount": "1",
        "StartTime": 1_735_819_200_000,
        "EndTime": 1_735_819_201_000,
        "RealRunTime": 1000,
        "ResultInfo": "",
        "Target": DIGEST,
        "TargetType": "IMAGE",
        "TaskImageInfo": {
            "RegistryType": "CI/CD",
            "Digest": DIGEST,
            "Image": "ns/app:1.0",
            "RepoName": "app",
            "RepoNamespace": "ns",
            "Tag": "1.0",
            "RepoId": "crr-sandbox",
            "RepoRegionId": "cn-hangzhou",
            "RegionId": "cn-hangzhou",
            "CostTimeInfo": '{"vul": 1735819201000}',
        },
    }
    assert "TaskImageInfo" not in leaf(here, RelateInfo="false")[0]


def test_a_task_without_a_digest_is_found_by_its_id(bench):
    here = bench()
    task_id = here.create(ImageId="b" * 64, RepoName="app").body["Data"]["TaskId"]
    (row,) = leaf(here, TaskId=task_id)
    assert (row["TaskId"], row["Target"], row["TaskImageInfo"]["Image"]) == (task_id, "", "app")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, 4),
        ({"TaskId": "no-such-task"}, 0),
        ({"Source": "console_batch"}, 0),
        ({"StatusList.1": "INIT", "StatusList.2": "START"}, 1),
        ({"StatusList.1": "SUCCESS"}, 3),
        ({"StartTime": "1735819200000"}, 2),
        ({"StartTime": "1735819200001"}, 1),
        ({"EndTime": "1735819199999"}, 2),
        ({"TaskType": "IMAGE_REGISTRY_PULL"}, 0),
    ],
)
def test_the_filters_of_leaf_records(bench, clock, query, found):
    here = bench()
    here.create()
    clock.now += 60
    here.create(Digest="c" * 64)
    answer = here.ask(LEAF, **(PAGE | query)).body
    assert len(answer["OnceTasks"]) == answer["PageInfo"]["TotalCount"] == answer["PageInfo"]["Count"] == found


def test_leaf_records_come_newest_first(bench, clock):
    here = bench()
    here.create()
    clock.now += 60
    newest = here.create(Digest="c" * 64).body["Data"]["TaskId"]
    rows = leaf(here)
    assert rows[0]["TaskId"] == newest
    assert [row["StartTime"] for row in rows] == sorted((row["StartTime"] for row in rows), reverse=True)


@pytest.mark.parametrize(
    ("action", "query", "code"),
    [
        (LEAF, PAGE | {"TaskType": "VIRUS_SCAN"}, "InvalidTaskType"),
        (LEAF, PAGE | {"PageSize": "0"}, "InvalidPageSize"),
        (LEAF, PAGE | {"CurrentPage": "x"}, "InvalidCurrentPage"),
        (LEAF, PAGE | {"StartTime": "yesterday"}, "InvalidStartTime"),
        (UNFINISHED, {"TaskType": "IMAGE_SCAN"}, "-101"),
        (UNFINISHED, {"TaskType": "IMAGE", "Target": DIGEST}, "InvalidTaskType"),
    ],
)
def test_a_wrong_parameter_is_refused(bench, action, query, code):
    here = bench()
    here.create()
    assert here.ask(action, **query).refusal == (400, code)


def test_an_unfinished_task_is_listed_by_its_digest_with_numbers_as_numbers(bench, clock):
    here = bench()
    task_id = here.create().body["Data"]["TaskId"]
    clock.now += 0.5
    (row,) = unfinished(here)
    assert (row["TaskId"], row["Progress"], row["RealRunTime"]) == (task_id, 50, 500)
    assert (row["Status"], row["FinishCount"], row["TotalCount"]) == (0, 0, 1)
    assert {"RegistryType", "CostTimeInfo"}.isdisjoint(row["TaskImageInfo"])
    assert "EndTime" not in row


@pytest.mark.parametrize(
    "query", [{"Target": f"sha256:{DIGEST}"}, {"Target": "e" * 64}, {"TaskType": "IMAGE_REGISTRY_PULL"}]
)
def test_nothing_unfinished_is_listed_for_another_digest_or_type(bench, query):
    here = bench()
    here.create()
    assert unfinished(here, **query) == []


def test_a_stale_sandbox_knows_an_older_success_only_for_an_hour(ready_made, clock):
    here = ready_made("stale")
    task_id = here.create().body["Data"]["TaskId"]
    clock.now += 3599
    (row,) = here.tasks()
    assert (row["Status"], row["StartTime"]) == ("SUCCESS", int(clock.now - 3599 - DAY) * 1000)
    assert leaf(here, TaskId=task_id) == unfinished(here) == []
    assert [one["TaskId"] for one in leaf(here)] == [row["TaskId"]]
    clock.now += 1
    assert [one["Status"] for one in here.tasks()] == ["SUCCESS", "SUCCESS"]
    assert here.tasks()[0]["TaskId"] == task_id


def test_a_slow_task_does_not_end_within_ten_minutes_and_shows_many_words(ready_made, clock):
    here = ready_made("slow")
    here.create()
    words = set()
    for _ in range(60):
        words.add(here.tasks()[0]["Status"])
        clock.now += 10
    assert words == {"INIT", "START"}
    assert SCENARIOS["slow"].clock.finish_after == 3600


def test_the_scenario_that_is_asked_says_what_becomes_of_a_task(ready_made, clock):
    here = ready_made("slow")
    here.create()
    clock.now += 2
    assert here.tasks()[0]["Status"] == "INIT"
    ready_made("scan-failed", here)
    assert here.tasks()[0]["Status"] == "FAIL"


def test_a_denied_poll_names_the_action(ready_made):
    here = ready_made("poll-denied")
    assert here.create().status == 200
    for action, query in (
        (LATEST, {"Digest": DIGEST}),
        (LEAF, PAGE),
        (UNFINISHED, {"TaskType": "IMAGE_SCAN"}),
        ("DescribeImageInstances", {}),
    ):
        answer = here.ask(action, **query)
        assert answer.refusal == (403, "NoPermission")
        assert answer.body["AccessDeniedDetail"]["AuthAction"] == f"yundun-sas:{action}"
