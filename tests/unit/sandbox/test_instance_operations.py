"""DescribeImageInstances finds an image by what was submitted, and tells what was scanned and when."""

import json

import pytest

DIGEST, IMAGE_ID = "a" * 64, "b" * 64
NOON_MS = 1_735_819_200_000
DAY_MS = 24 * 60 * 60 * 1000
EARLIER_END_MS = NOON_MS - DAY_MS + 120_000


def instances(here, *criteria, **query):
    text = json.dumps([{"name": name, "value": value} for name, value in criteria])
    return here.ask("DescribeImageInstances", Criteria=text, **query).body["ImageInstanceList"]


def create(here, **more):
    named = {"Digest": DIGEST, "ImageId": IMAGE_ID, "Namespace": "ns", "RepoName": "app", "Tag": "1.0"}
    return here.create(**(named | more)).body["Data"]


def test_a_row_has_the_fields_of_its_page(ready_made, clock):
    here = ready_made("vulnerable")
    uuid = create(here)["Uuid"]
    clock.now += 5
    (row,) = instances(here, ("digest", DIGEST))
    assert row == {
        "Uuid": uuid,
        "Digest": DIGEST,
        "ImageId": IMAGE_ID,
        "Tag": "1.0",
        "RepoName": "app",
        "RepoNamespace": "ns",
        "RepoId": "crr-sandbox",
        "InstanceId": "cri-sandbox",
        "RegionId": "cn-hangzhou",
        "RegistryType": "CI/CD",
        "RepoType": "private",
        "ScaStatus": "SUCCESS",
        "ScaProgress": 100,
        "ScaResult": "",
        "LastScanTime": NOON_MS + 1000,
        "VulCount": 5,
        "VulStatus": "YES",
        "AlarmCount": 2,
        "AlarmStatus": "YES",
        "HcCount": 2,
        "HcStatus": "YES",
        "RiskStatus": "YES",
        "Deployed": 0,
        "ImageSize": "5",
        "ImageCreate": str(NOON_MS),
        "ImageUpdate": str(NOON_MS),
        "Status": "NORMAL",
    }


def test_the_scan_time_is_that_of_the_day_before_until_the_task_ends(bench, clock):
    here = bench(clock={"finish_after": 4}, task={"result": "TASK_NOT_SUPPORT_REGION"})
    create(here)
    seen = []
    for _ in range(3):
        (row,) = instances(here)
        seen.append((row["ScaStatus"], row["ScaProgress"], row["ScaResult"], row["LastScanTime"], row["RiskStatus"]))
        clock.now += 2
    assert seen == [
        ("INIT", 0, "", EARLIER_END_MS, "NO"),
        ("PRE_ANALYZER", 50, "", EARLIER_END_MS, "NO"),
        ("SUCCESS", 100, "TASK_NOT_SUPPORT_REGION", NOON_MS + 4000, "NO"),
    ]


def test_a_stale_row_is_the_older_success(ready_made, clock):
    here = ready_made("stale")
    create(here)
    clock.now += 600
    (row,) = instances(here, ("digest", DIGEST))
    assert (row["ScaStatus"], row["ScaProgress"], row["LastScanTime"]) == ("SUCCESS", 100, EARLIER_END_MS)


@pytest.mark.parametrize(("scenario", "word"), [("scan-failed", "FAIL"), ("scan-timeout", "TIMEOUT")])
def test_a_bad_end_is_told_in_the_words_of_the_page(ready_made, clock, scenario, word):
    here = ready_made(scenario)
    create(here)
    clock.now += 1
    assert instances(here)[0]["ScaStatus"] == word


def test_the_row_of_a_wrong_image_is_found_and_names_another(ready_made, clock):
    here = ready_made("wrong-image")
    create(here)
    clock.now += 1
    for criterion in (("digest", DIGEST), ("imageId", IMAGE_ID)):
        (row,) = instances(here, criterion)
        assert row["Digest"] != DIGEST
        assert row["ImageId"] != IMAGE_ID
        assert len(row["Digest"]) == len(row["ImageId"]) == 64
        assert row["ScaStatus"] == "SUCCESS"


def test_a_word_that_no_page_lists_lasts_three_seconds(ready_made, clock):
    here = ready_made("unknown-status")
    create(here)
    words = []
    for _ in range(4):
        words.append(instances(here)[0]["ScaStatus"])
        clock.now += 1
    assert words == ["ACTIVE", "ACTIVE", "ACTIVE", "SUCCESS"]


@pytest.mark.parametrize(
    ("criteria", "query", "found"),
    [
        ([], {}, ["app", "web"]),
        ([("digest", DIGEST)], {}, ["app"]),
        ([("digest", f"sha256:{DIGEST}")], {}, []),
        ([("imageId", "c" * 64)], {}, ["web"]),
        ([("imageId", "sha256:" + "c" * 64)], {}, []),
        ([("repoName", "web"), ("tag", "1.0")], {}, ["web"]),
        ([("repoName", "web"), ("repoName", "app")], {}, []),
        ([("repoName", "web"), ("digest", DIGEST)], {"LogicalExp": "OR"}, ["app", "web"]),
        ([("repoNamespace", "ns"), ("registryType", "CI/CD"), ("regionId", "cn-hangzhou")], {}, ["app", "web"]),
        ([("riskStatus", "YES")], {}, []),
        ([("repoId", "crr-sandbox"), ("instanceId", "cri-sandbox")], {"Scanned": "true"}, ["app", "web"]),
        ([], {"Scanned": "False"}, []),
    ],
)
def test_an_image_is_found_by_what_was_submitted(bench, criteria, query, found):
    here = bench()
    create(here)
    create(here, Digest="", ImageId="c" * 64, RepoName="web")
    assert sorted(row["RepoName"] for row in instances(here, *criteria, **query)) == found


def test_a_prefixed_digest_that_was_submitted_is_not_found_either(bench):
    here = bench()
    create(here, Digest=f"sha256:{DIGEST}")
    assert instances(here, ("digest", f"sha256:{DIGEST}")) == instances(here, ("digest", DIGEST)) == []


def test_an_image_scanned_twice_is_one_row_with_its_newest_names(bench, clock):
    here = bench()
    create(here)
    clock.now += 60
    create(here, Tag="2.0")
    (row,) = instances(here)
    assert (row["Tag"], row["ScaStatus"], row["LastScanTime"]) == ("2.0", "INIT", NOON_MS + 1000)


def test_images_come_in_pages_the_newest_first(bench):
    here = bench()
    for number in range(3):
        create(here, Digest=str(number) * 64, RepoName=f"app{number}")
    body = here.ask("DescribeImageInstances", CurrentPage="2", PageSize="2").body
    assert [row["RepoName"] for row in body["ImageInstanceList"]] == ["app0"]
    assert body["PageInfo"] == {"CurrentPage": 2, "PageSize": 2, "TotalCount": 3, "Count": 1}
    assert here.ask("DescribeImageInstances").body["PageInfo"]["PageSize"] == 20


@pytest.mark.parametrize(
    "criteria",
    [
        *("digest", "7", "{}", '["digest"]', '[{"name":"digest"}]', '[{"name":"digest","value":1}]'),
        *('[{"name":"uuid","value":"u"}]', "[" * 20_000),
    ],
)
def test_criteria_that_cannot_be_met_are_refused(bench, criteria):
    here = bench()
    create(here)
    assert here.ask("DescribeImageInstances", Criteria=criteria).refusal == (400, "InvalidCriteria")
