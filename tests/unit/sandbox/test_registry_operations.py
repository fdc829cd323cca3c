"""Images in registries: precheck, create, synchronise and create, and what the other operations know of them then."""

import json
import re

import pytest

PRECHECK, CREATE = "PublicPreCheckImageScanTask", "PublicCreateImageScanTask"
SYNC = "PublicSyncAndCreateImageScanTask"
A, B, C, D, E = (letter * 64 for letter in "abcde")
NOON_MS = 1_735_819_200_000
LEAF = {"TaskType": "IMAGE_SCAN", "CurrentPage": "1", "PageSize": "100", "RelateInfo": "true"}
REGISTRIES = [
    {
        "type": "acr",
        "region_id": "cn-shanghai",
        "instance_id": "cri-1",
        "repository": [
            {"namespace": "team", "name": "app", "id": "crr-1", "tags": {"1.0": A, "1.1": B, "latest": B}},
            {"namespace": "team", "name": "web", "id": "crr-2", "tags": {"1.0": {"digest": C, "image_id": "1" * 64}}},
        ],
    },
    {"type": "harbor", "instance_id": "h-1", "repository": [{"name": "app", "id": "r-1", "tags": {"1.0": D}}]},
]
IMAGE = {
    "registryType": "acr",
    "repoId": "crr-red9kgqqi0fh75d5",
    "instanceId": "cri-1x2qtjd75ofqvfa8",
    "repoNamespace": "1125",
    "regionId": "cn-hangzhou",
    "repoName": "script1",
    "digest": A,
    "tag": "v0113-ver2",
    "createTime": 1641267666666,
    "updateTime": 1641267909090,
}
"""The official example of `Images`, with a digest of ours."""


def data(here, action, **query):
    answer = here.ask(action, **query)
    assert answer.status == 200, answer.body
    return answer.body["Data"]


def sync(here, *images):
    return here.ask(SYNC, Images=json.dumps(images))


def scanned(here):
    """The digests of all scans so far."""
    return [scan.image.digest for scan in here.state.scans()]


def instances(here, *criteria, **query):
    text = json.dumps([{"name": name, "value": value} for name, value in criteria])
    return here.ask("DescribeImageInstances", Criteria=text, **query).body["ImageInstanceList"]


def leaves(here, task_id):
    return here.ask("DescribeOnceTaskLeafRecordPage", TaskId=task_id, **LEAF).body["OnceTasks"]


def test_a_create_answers_with_the_fields_of_its_page(bench):
    body = bench().ask(CREATE, Digests=A).body
    assert set(body) == {"RequestId", "Data"}
    assert re.fullmatch("[0-9a-f]{32}", body["Data"].pop("TaskId"))
    assert body["Data"] == {
        "TotalCount": 1,
        "FinishCount": 0,
        "CollectTime": NOON_MS,
        "ExecTime": NOON_MS,
        "Status": "INIT",
        "Progress": 0,
        "Result": "",
        "CanCreate": True,
    }


@pytest.mark.parametrize(
    ("task", "told"),
    [
        ({}, ("SUCCESS", "SUCCESS", 100, 2)),
        ({"end": "FAIL"}, ("FAIL", "", 100, 2)),
        ({"result": "TASK_NOT_SUPPORT_REGION"}, ("SUCCESS", "TASK_NOT_SUPPORT_REGION", 100, 2)),
    ],
)
def test_a_task_that_takes_no_time_is_told_to_be_over(bench, task, told):
    opened = data(bench(clock={"finish_after": 0}, task=task), CREATE, Digests=f"{A},{B}")
    assert tuple(opened[name] for name in ("Status", "Result", "Progress", "FinishCount")) == told


def test_a_first_word_that_the_page_does_not_list_is_pre_analyzer(bench):
    assert data(bench(task={"words": ["DOWNLOAD"]}), CREATE, Digests=A)["Status"] == "PRE_ANALYZER"


def test_a_stale_create_tells_of_an_earlier_run(ready_made):
    here = ready_made("stale")
    opened = data(here, CREATE, Digests=A)
    assert (opened["Status"], opened["Progress"], opened["FinishCount"]) == ("SUCCESS", 100, 1)
    assert leaves(here, opened["TaskId"]) == []
    assert [row["TaskId"] != opened["TaskId"] for row in here.tasks(A)] == [True]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, [A, B, C, D]),
        ({"Digests": ""}, [A, B, C, D]),
        ({"SourceIp": "192.0.2.1"}, [A, B, C, D]),
        ({"RegistryTypes": "acr"}, [A, B, C]),
        ({"RegistryTypes": "acr, harbor"}, [A, B, C, D]),
        ({"RegistryTypes": "quay"}, []),
        ({"RegionIds": "cn-hangzhou"}, [D]),
        ({"InstanceIds": "cri-1"}, [A, B, C]),
        ({"RepoNamespaces": "team"}, [A, B, C]),
        ({"RepoIds": "crr-2,r-1"}, [C, D]),
        ({"RepoNames": "app"}, [A, B, D]),
        ({"RepoNames": "app", "Tags": "1.0"}, [A, D]),
        ({"RepoNames": "app", "RepoNamespaces": "team", "Tags": "1.0"}, [A]),
        ({"Tags": "1.1,latest"}, [B]),
        ({"Digests": f"{D},{A},{E}"}, [A, D]),
        ({"Digests": f"sha256:{A}"}, []),
        ({"Digests": A, "Tags": "1.1"}, []),
        ({"Digests": A.upper()}, []),
    ],
)
def test_what_the_filters_select_from_the_registries_of_a_scenario(bench, query, found):
    here = bench(registry=REGISTRIES)
    assert data(here, PRECHECK, **query) == {"NeedAuthCount": len(found), "ScanImageCount": len(found)}
    assert data(here, CREATE, **query)["TotalCount"] == len(found)
    assert scanned(here) == found


def test_an_image_keeps_its_place_in_every_row(bench, clock):
    here = bench(registry=REGISTRIES)
    task_id = data(here, CREATE, Digests=C)["TaskId"]
    clock.now += 1
    (row,) = instances(here, ("digest", C))
    place = {
        "RegistryType": "acr",
        "RegionId": "cn-shanghai",
        "InstanceId": "cri-1",
        "RepoId": "crr-2",
        "RepoNamespace": "team",
        "RepoName": "web",
        "Tag": "1.0",
        "ImageId": "1" * 64,
    }
    assert row | place == row
    (leaf,) = leaves(here, task_id)
    assert leaf["TaskImageInfo"] == {
        "RegistryType": "acr",
        "Digest": C,
        "Image": "team/web:1.0",
        "RepoName": "web",
        "RepoNamespace": "team",
        "Tag": "1.0",
        "RepoId": "crr-2",
        "RepoRegionId": "cn-shanghai",
        "RegionId": "cn-shanghai",
        "CostTimeInfo": f'{{"vul": {NOON_MS + 1000}}}',
    }
    for name in ("regionId", "instanceId", "repoId", "registryType"):
        assert [one["Digest"] for one in instances(here, ("digest", C), (name, row[name[0].upper() + name[1:]]))] == [C]


def test_what_a_registry_holds_is_listed_before_anybody_scanned_it(bench, clock):
    here = bench(registry=REGISTRIES)
    rows = instances(here)
    assert [row["Digest"] for row in rows] == [A, B, C, D]
    assert not any(name.startswith("Sca") or name in {"LastScanTime", "ImageCreate"} for row in rows for name in row)
    assert {row["RiskStatus"] for row in rows} == {"NO"}
    data(here, CREATE, Digests=B)
    clock.now += 1
    assert [row["Digest"] for row in instances(here)] == [B, A, C, D]
    assert [row["Digest"] for row in instances(here, Scanned="true")] == [B]
    assert [row["Digest"] for row in instances(here, Scanned="False")] == [A, C, D]


def test_an_image_with_two_tags_is_one_row_found_by_either(bench, clock):
    here = bench(registry=REGISTRIES)
    data(here, CREATE, Digests=B)
    clock.now += 1
    for tag in ("1.1", "latest"):
        (row,) = instances(here, ("repoName", "app"), ("tag", tag))
        assert (row["Digest"], row["Tag"], row["ScaStatus"]) == (B, tag, "SUCCESS")


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, ("sandbox-namespace", "sandbox-repo", "latest", "acr", "cn-hangzhou", "cri-sandbox", "crr-sandbox")),
        (
            {
                "RepoNamespaces": "team,other",
                "RepoNames": "app",
                "Tags": "1.0,1.1",
                "RegistryTypes": "harbor",
                "RegionIds": "cn-beijing",
                "InstanceIds": "h-1",
                "RepoIds": "r-1",
            },
            ("team", "app", "1.0", "harbor", "cn-beijing", "h-1", "r-1"),
        ),
    ],
)
def test_without_registries_each_digest_that_is_asked_for_exists(bench, query, names):
    here = bench()
    asked = {"Digests": f"{A},{B},{A},sha256:{C}", **query}
    assert data(here, PRECHECK, **asked)["NeedAuthCount"] == 2
    assert data(here, CREATE, **asked)["TotalCount"] == 2
    assert scanned(here) == [A, B]
    images = {scan.image for scan in here.state.scans()}
    assert {
        (one.namespace, one.repo_name, one.tag, one.registry_type, one.region_id, one.instance_id, one.repo_id)
        for one in images
    } == {names}


def test_without_registries_a_tag_has_a_made_up_digest_that_stays(bench):
    here = bench()
    names = {"RepoNamespaces": "team", "RepoNames": "app"}
    data(here, CREATE, Tags="1.0,1.1", **names)
    first, second = scanned(here)
    assert first != second
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in (first, second))
    data(here, CREATE, Tags="1.0", **names)
    assert scanned(here) == [first, second, first]
    assert data(here, PRECHECK, Tags="1.0", **names) == {"NeedAuthCount": 1, "ScanImageCount": 0}
    assert data(here, PRECHECK, Tags="1.0", **names | {"RepoNames": "web"}) == {
        "NeedAuthCount": 1,
        "ScanImageCount": 1,
    }


def test_without_registries_a_tag_is_the_image_that_had_it_last(bench):
    here = bench()
    names = {"RepoNamespaces": "team", "RepoNames": "app", "Tags": "1.0"}
    for digest in (A, B):
        data(here, CREATE, Digests=digest, **names)
    data(here, CREATE, **names)
    assert scanned(here) == [A, B, B]
    assert data(here, PRECHECK, Digests=f"{A},{B}")["NeedAuthCount"] == 2
    data(here, CREATE, Digests=A)
    assert here.state.scans()[-1].image.reference == "team/app:1.0"


def test_an_unfiltered_create_selects_every_image_of_a_registry_and_none_of_a_build(bench):
    here = bench()
    here.create(Digest=C)
    data(here, CREATE, Digests=f"{A},{B}")
    assert sorted([A, B]) == sorted(scanned(here)[1:])
    assert data(here, CREATE)["TotalCount"] == 2
    assert data(here, CREATE, RegistryTypes="harbor")["TotalCount"] == 0


def test_nothing_found_is_a_task_of_nothing_that_is_over(bench):
    here = bench(limit={"tasks": 1})
    for _ in range(2):
        opened = data(here, CREATE, Digests=f"sha256:{A}")
        assert opened["TaskId"]
        assert (opened["TotalCount"], opened["Status"], opened["Progress"]) == (0, "SUCCESS", 100)
        assert opened["CanCreate"]
        assert leaves(here, opened["TaskId"]) == []
    assert here.quota()["ScanCount"] == 10


def test_a_task_of_four_images_is_done_one_by_one_in_the_second_half_of_its_time(bench, clock):
    here = bench(clock={"finish_after": 8}, registry=REGISTRIES)
    task_id = data(here, CREATE)["TaskId"]
    seen = []
    for _ in range(9):
        rows = leaves(here, task_id)
        assert {row["TotalCount"] for row in rows} == {"4"}
        (finished,) = {int(row["FinishCount"]) for row in rows}
        assert finished == sum(row["Finish"] for row in rows) == [row["StatusText"] for row in rows].count("SUCCESS")
        seen.append((finished, min(row["Progress"] for row in rows)))
        clock.now += 1
    assert seen == [(0, 0), (0, 12), (0, 25), (0, 37), (0, 50), (1, 62), (2, 75), (3, 87), (4, 100)]


def test_every_status_operation_knows_each_image_of_a_task(bench, clock):
    here = bench(clock={"finish_after": 8}, registry=REGISTRIES)
    task_id = data(here, CREATE)["TaskId"]
    clock.now += 6
    for digest, word in ((A, "SUCCESS"), (B, "SUCCESS"), (C, "PROCESSING"), (D, "PROCESSING")):
        newest = here.tasks(digest)[0]
        assert (newest["TaskId"], newest["Status"]) == (task_id, word if word == "SUCCESS" else "PRE_ANALYZER")
        running = here.ask("ListUnfinishedOnceTask", TaskType="IMAGE_SCAN", Target=digest).body["OnceTasks"]
        assert [(row["TaskId"], row["FinishCount"], row["TotalCount"]) for row in running] == (
            [] if word == "SUCCESS" else [(task_id, 2, 4)]
        )
    assert len({here.tasks(digest)[0]["Id"] for digest in (A, B, C, D)}) == 4


def test_the_findings_of_each_image_of_a_task_are_listed(ready_made, clock):
    here = ready_made("vulnerable")
    data(here, CREATE, Digests=f"{A},{B}")
    clock.now += 1
    for digest in (A, B):
        records = here.ask("DescribeImageVulList", Type="cve", Digest=digest).body["VulRecords"]
        assert {row["ImageDigest"] for row in records} == {digest}
        (uuid,) = {row["Uuid"] for row in records}
        assert instances(here, ("digest", digest))[0]["Uuid"] == uuid
        assert here.ask("DescribeGroupedMaliciousFiles", ImageDigest=digest, CurrentPage="1", PageSize="20").body[
            "GroupedMaliciousFileResponse"
        ]


def test_the_quota_counts_each_digest_once(bench):
    here = bench(registry=REGISTRIES)
    assert data(here, PRECHECK, Digests=f"{A},{B}") == {"NeedAuthCount": 2, "ScanImageCount": 2}
    data(here, CREATE, Digests=f"{A},{B}")
    assert here.quota()["ScanCount"] == 12
    assert data(here, PRECHECK) == {"NeedAuthCount": 4, "ScanImageCount": 2}
    data(here, CREATE)
    here.create(Digest=A)
    assert here.quota()["ScanCount"] == 14


def test_a_create_of_paid_images_needs_no_quota(bench):
    here = bench(quota={"capacity": 1, "used": 0})
    data(here, CREATE, Digests=A)
    assert here.ask(CREATE, Digests=f"{A},{B}").refusal == (400, "BeyondQuata")
    assert sync(here, IMAGE | {"digest": B}).refusal == (400, "BeyondQuata")
    assert data(here, CREATE, Digests=A)["TotalCount"] == 1
    assert len(here.state.tasks()) == 2


def rows_of(here, task_id):
    """Digest, word and result of each image of a task."""
    return {
        row["Target"]: (row["StatusText"], row["ResultInfo"], row["FinishCount"], row["TotalCount"])
        for row in leaves(here, task_id)
    }


def test_a_task_that_the_quota_is_too_small_for_is_stopped_where_it_ends(bench, clock):
    here = bench(quota={"capacity": 12, "used": 10})
    data(here, CREATE, Digests=B)
    opened = data(here, CREATE, Digests=f"{A},{C},{B},{D}")
    clock.now += 1
    done, stopped = ("SUCCESS", "", "2", "4"), ("FAIL", "BeyondQuata", "2", "4")
    assert rows_of(here, opened["TaskId"]) == {A: done, B: done, C: stopped, D: stopped}
    assert here.quota()["ScanCount"] == 12
    assert here.ask(CREATE, Digests=C).refusal == (400, "BeyondQuata")


def test_the_quota_runs_out_in_the_middle_of_a_task(ready_made, clock):
    here = ready_made("quota-runs-out")
    assert data(here, PRECHECK, Digests=f"{A},{B},{C}")["NeedAuthCount"] == 3
    task_id = data(here, CREATE, Digests=f"{A},{B},{C}")["TaskId"]
    assert here.quota()["ScanCount"] == 11
    assert here.ask(CREATE, Digests=D).status == 200
    clock.now += 1
    done, stopped = ("SUCCESS", "", "1", "3"), ("FAIL", "BeyondQuata", "1", "3")
    assert rows_of(here, task_id) == {A: done, B: stopped, C: stopped}
    assert here.quota()["ScanCount"] == 100
    assert here.ask(CREATE, Digests=E).refusal == (400, "BeyondQuata")
    assert instances(here, ("digest", B))[0]["ScaResult"] == "BeyondQuata"


def test_a_single_image_gets_no_scan_when_the_quota_runs_out(ready_made, clock):
    here = ready_made("quota-runs-out")
    task_id = data(here, CREATE, Digests=A)["TaskId"]
    clock.now += 1
    assert rows_of(here, task_id) == {A: ("FAIL", "BeyondQuata", "0", "1")}


def test_an_image_is_unknown_until_it_is_synchronised(ready_made, clock):
    here = ready_made("not-synced")
    assert data(here, PRECHECK, Digests=A) == {"NeedAuthCount": 0, "ScanImageCount": 0}
    assert data(here, CREATE, Digests=A)["TotalCount"] == 0
    assert instances(here) == []
    opened = sync(here, IMAGE).body["Data"]
    assert (opened["TotalCount"], opened["CanCreate"], opened["Status"]) == (1, True, "INIT")
    clock.now += 1
    (row,) = instances(here, ("digest", A), ("repoName", "script1"), ("instanceId", IMAGE["instanceId"]))
    assert row["ScaStatus"] == "SUCCESS"
    assert data(here, PRECHECK, Digests=A) == {"NeedAuthCount": 1, "ScanImageCount": 0}
    assert data(here, PRECHECK, Digests=B)["NeedAuthCount"] == 0


def test_an_unsynchronised_registry_shows_nothing(bench):
    here = bench(registry=REGISTRIES, account={"synchronised": False})
    assert instances(here) == []
    assert data(here, PRECHECK)["NeedAuthCount"] == 0
    web = IMAGE | {"repoNamespace": "team", "repoName": "web", "digest": C}
    assert sync(here, web, IMAGE, web | {"digest": A}, web).body["Data"]["TotalCount"] == 1
    (scan,) = here.state.scans()
    assert (scan.image.digest, scan.image.image_id, scan.image.tag) == (C, "1" * 64, IMAGE["tag"])
    assert data(here, PRECHECK)["NeedAuthCount"] == 1


@pytest.mark.parametrize("spelling", [str, lambda name: name[0].upper() + name[1:]])
def test_a_synchronised_image_has_the_names_it_was_given(bench, spelling):
    here = bench()
    answer = sync(here, {spelling(name): value for name, value in IMAGE.items()})
    assert answer.body["Data"]["TotalCount"] == 1
    (scan,) = here.state.scans()
    assert (scan.image.namespace, scan.image.repo_name, scan.image.tag) == ("1125", "script1", "v0113-ver2")
    assert (scan.image.repo_id, scan.image.instance_id) == (IMAGE["repoId"], IMAGE["instanceId"])
    assert (scan.image.region_id, scan.image.registry_type, scan.image.digest) == ("cn-hangzhou", "acr", A)


def test_times_may_be_left_out_and_a_prefixed_digest_is_no_image(bench):
    here = bench()
    timeless = {name: value for name, value in IMAGE.items() if not name.endswith("Time")}
    assert sync(here, timeless, timeless | {"digest": f"sha256:{B}"}).body["Data"]["TotalCount"] == 1


@pytest.mark.parametrize(
    "text",
    [
        *("{", "7", "[]", "[7]", "{}", "[" * 5000, json.dumps([IMAGE] * 1001)),
        *(json.dumps([{**IMAGE, name: ""}]) for name in ("registryType", "repoId", "repoName", "digest", "tag")),
        *(json.dumps([IMAGE, {**IMAGE, name: 7}]) for name in ("regionId", "instanceId", "repoNamespace")),
        *(json.dumps([{**IMAGE, "createTime": time}]) for time in ("1641267666666", True, 1.5, None)),
        json.dumps([{**IMAGE, "registryType": "CI/CD"}]),
    ],
)
def test_images_that_cannot_be_read_are_refused(bench, text):
    here = bench()
    assert here.ask(SYNC, Images=text).refusal == (400, "InvalidImages")
    assert here.state.tasks() == ()


@pytest.mark.parametrize("action", [PRECHECK, CREATE])
@pytest.mark.parametrize("kind", ["CI/CD", "acr,dockerhub", "ACR"])
def test_an_unknown_registry_type_is_refused(bench, action, kind):
    assert bench().ask(action, RegistryTypes=kind).refusal == (400, "InvalidRegistryTypes")


@pytest.mark.parametrize("action", [PRECHECK, CREATE, SYNC])
def test_who_may_not_or_did_not_pay_is_told_so(ready_made, action):
    images = {"Images": json.dumps([IMAGE])}
    answer = ready_made("no-permission").ask(action, **images)
    assert answer.refusal == (403, "NoPermission")
    assert answer.body["AccessDeniedDetail"]["AuthAction"] == f"yundun-sas:{action}"
    assert ready_made("not-activated").ask(action, **images).refusal == (400, "NoPermission")


@pytest.mark.parametrize("query", [{"Digests": A}, {"Images": json.dumps([IMAGE])}])
def test_a_fault_of_the_create_strikes_the_creates_of_registry_images_too(ready_made, plan, query):
    action = CREATE if "Digests" in query else SYNC
    here = ready_made("server-error")
    assert here.ask(action, **query).refusal == (500, "ServerError")
    assert ready_made("html-503", here).ask(action, **query).status == 503
    assert ready_made("soft-failure", here).ask(action, **query).body["Success"] is False
    assert here.state.tasks() == ()
    assert ready_made("lost-answer", here).drops(plan(action=action, query=query))
    assert len(here.state.tasks()) == 1
    assert here.ask(action, **query).status == 200


@pytest.mark.parametrize(("lang", "name"), [("en", "China (Hangzhou)"), ("zh", "华东1"), (None, "华东1")])
def test_the_regions_are_those_of_the_page(bench, lang, name):
    regions = bench().ask("ListImageRegistryRegion", **({"Lang": lang} if lang else {})).body["Regions"]
    assert regions[0]["RegionId"] == "cn-hangzhou"
    assert regions[0]["RegionName"].startswith(name)
    assert len({row["RegionId"] for row in regions}) == len(regions) == 14


def test_the_region_is_listed_and_not_supported_all_the_same(ready_made, clock):
    here = ready_made("unsupported-region")
    listed = here.ask("ListImageRegistryRegion").body["Regions"]
    assert "cn-beijing" in {row["RegionId"] for row in listed}
    task_id = data(here, CREATE, Digests=A, RegionIds="cn-beijing")["TaskId"]
    clock.now += 1
    assert rows_of(here, task_id) == {A: ("SUCCESS", "TASK_NOT_SUPPORT_REGION", "1", "1")}


def test_a_region_that_is_not_listed_is_not_supported(bench, clock):
    here = bench()
    data(here, CREATE, Digests=A, RegionIds="ap-south-1")
    clock.now += 1
    (row,) = instances(here, ("digest", A))
    assert (row["ScaStatus"], row["ScaResult"], row["RegionId"]) == ("SUCCESS", "TASK_NOT_SUPPORT_REGION", "ap-south-1")


def test_the_row_of_a_wrong_image_has_another_digest(ready_made, clock):
    here = ready_made("wrong-image")
    task_id = data(here, CREATE, Digests=A)["TaskId"]
    clock.now += 1
    (row,) = instances(here, ("digest", A))
    assert row["Digest"] != A
    assert leaves(here, task_id)[0]["Target"] == A
