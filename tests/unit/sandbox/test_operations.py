"""The table of operations, and the two that open a task and tell the quota."""

import re
import threading

import pytest

from jenkins_scan import sandbox
from jenkins_scan.sandbox.images import Image
from jenkins_scan.sandbox.operations import OPERATIONS

DIGEST = "a" * 64
HEX_32 = re.compile("[0-9a-f]{32}")
UUID = re.compile("[0-9A-F]{8}-([0-9A-F]{4}-){3}[0-9A-F]{12}")


def test_the_table_holds_the_operations_of_this_version():
    assert set(OPERATIONS) == {
        "CreateJenkinsImageScanTask",
        "PublicPreCheckImageScanTask",
        "PublicCreateImageScanTask",
        "PublicSyncAndCreateImageScanTask",
        "ListImageRegistryRegion",
        "DescribeImageScanAuthCount",
        "DescribeImageLatestScanTask",
        "DescribeImageInstances",
        "DescribeOnceTaskLeafRecordPage",
        "ListUnfinishedOnceTask",
        "DescribeImageSecurityScanCount",
        "DescribeImageVulList",
        "DescribeImageGroupedVulList",
        "DescribeImageBaselineCheckResult",
        "DescribeImageBaselineItemList",
        "DescribeImageSensitiveFileList",
        "DescribeImageSensitiveFileByKey",
        "DescribeGroupedMaliciousFiles",
        "DescribeAffectedMaliciousFileImages",
        "DescribeImageBuildRiskByKey",
    }


LEAF = {"TaskType": "IMAGE_SCAN", "CurrentPage": "1", "PageSize": "20", "RelateInfo": "true"}


@pytest.mark.parametrize(
    ("action", "query"),
    [
        ("DescribeOnceTaskLeafRecordPage", LEAF),
        ("ListUnfinishedOnceTask", {"TaskType": "IMAGE_SCAN"}),
        ("PublicSyncAndCreateImageScanTask", {"Images": "[]"}),
        ("DescribeImageVulList", {"Type": "cve"}),
        ("DescribeImageBaselineCheckResult", {"ImageUuid": "u"}),
        ("DescribeImageBaselineItemList", {"ImageUuid": "u"}),
        ("DescribeGroupedMaliciousFiles", {"CurrentPage": "1", "PageSize": "20"}),
        ("DescribeAffectedMaliciousFileImages", {"CurrentPage": "1", "PageSize": "20"}),
    ],
)
def test_each_required_parameter_is_missed(bench, action, query):
    here = bench()
    for name in query:
        given = {other: value for other, value in query.items() if other != name}
        assert here.ask(action, **given).refusal == (400, f"Missing{name}")
        assert here.ask(action, **given, **{name: ""}).refusal == (400, f"Missing{name}")


def test_a_create_answers_with_the_fields_of_its_page(bench):
    answer = bench().create(
        Digest=DIGEST, ImageId="b" * 64, Namespace="ns", RepoName="app", Tag="1.0", ImageSize="6120340"
    )
    assert set(answer.body) == {"RequestId", "Data"}
    assert UUID.fullmatch(answer.body["RequestId"])
    data = answer.body["Data"]
    assert set(data) == {"TaskId", "Uuid", "ImageScanCapacity", "RepoRegionId", "RepoInstanceId", "RepoId"}
    assert HEX_32.fullmatch(data["TaskId"])
    assert data["ImageScanCapacity"] == 100


def test_what_a_create_sent_is_in_the_ledger(bench, clock):
    here = bench()
    sent = here.create(Digest=DIGEST, ImageId="b" * 64, Namespace="ns", RepoName="app", Tag="1.0", Uuid="known-asset")
    (task,), (scan,) = here.state.tasks(), here.state.scans()
    assert scan.task == task
    assert scan.image == Image(DIGEST, "b" * 64, "ns", "app", "1.0", "known-asset", registry_type="CI/CD")
    assert (task.task_id, task.action, task.total) == (sent.body["Data"]["TaskId"], "CreateJenkinsImageScanTask", 1)
    assert task.opened_at == clock()


def test_the_same_image_keeps_its_asset_uuid(bench):
    here = bench()
    first, second, other = here.create(), here.create(), here.create(Digest="c" * 64)
    assert first.body["Data"]["Uuid"] == second.body["Data"]["Uuid"] != other.body["Data"]["Uuid"]
    assert first.body["Data"]["TaskId"] != second.body["Data"]["TaskId"]


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"Token": "", "Digest": DIGEST}, "MissingToken"),
        ({"Token": "not-the-token", "Digest": DIGEST}, "InvalidToken"),
        ({"Token": "tökén", "Digest": DIGEST}, "InvalidToken"),
        ({"Tag": "latest"}, "MissingDigest"),
        ({"Digest": DIGEST, "ImageSize": "6 MB"}, "InvalidImageSize"),
        ({"Digest": DIGEST, "ImageCreate": "-1"}, "InvalidImageCreate"),
        ({"Digest": DIGEST, "ImageUpdate": "²"}, "InvalidImageUpdate"),
    ],
)
def test_a_create_with_a_wrong_parameter_opens_nothing(bench, form, code):
    here = bench()
    assert here.create(**form).refusal == (400, code)
    assert here.state.tasks() == ()


def test_a_token_in_the_query_is_a_missing_token(bench, plan):
    here = bench()
    in_query = plan(query={"Token": sandbox.TOKEN}, form={"Digest": DIGEST})
    assert here.send(in_query).refusal == (400, "MissingToken")


def test_a_body_that_is_no_form_has_no_parameters(bench):
    here = bench()
    create = here.plan_create()
    create.extra_headers = {"content-type": "application/json"}
    assert here.send(create).refusal == (400, "MissingToken")


@pytest.mark.parametrize(("value", "status"), [("", 200), ("release", 200), ("debug", 400)])
def test_jenkins_env_is_empty_or_release(bench, value, status):
    create = bench().plan_create()
    create.query = {"JenkinsEnv": value}
    assert bench().send(create).status == status


def test_the_quota_counts_a_new_image_once(bench):
    here = bench()
    assert here.quota() == {"ScanCount": 10, "ImageScanCapacity": 100, "InstanceId": "sas-sandbox"}
    for _ in range(3):
        here.create()
    assert here.quota()["ScanCount"] == 11
    here.create(Digest="c" * 64)
    assert here.quota()["ScanCount"] == 12


@pytest.mark.parametrize(
    ("one", "other", "images"),
    [
        ({"Digest": DIGEST, "ImageId": "1"}, {"Digest": DIGEST, "ImageId": "2"}, 1),
        ({"ImageId": "1", "Tag": "a"}, {"ImageId": "1", "Tag": "b"}, 1),
        ({"RepoName": "app", "Tag": "a"}, {"RepoName": "app", "Tag": "a"}, 1),
        ({"RepoName": "app", "Tag": "a"}, {"RepoName": "app", "Tag": "b"}, 2),
        ({"RepoName": "app", "Namespace": "x"}, {"RepoName": "app", "Namespace": "y"}, 2),
        ({"Digest": "1"}, {"ImageId": "1"}, 2),
    ],
)
def test_an_image_is_its_digest_else_its_id_else_its_name(bench, one, other, images):
    here = bench()
    here.create(**one)
    here.create(**other)
    assert here.state.paid_images() == images


def test_a_spent_quota_refuses_new_images_and_lets_paid_ones_be_scanned_again(bench):
    here = bench(quota={"capacity": 1, "used": 0})
    assert here.create().status == 200
    assert here.create(Digest="c" * 64).refusal == (400, "BeyondQuata")
    assert here.create().status == 200
    assert len(here.state.tasks()) == 2
    assert here.quota() == {"ScanCount": 1, "ImageScanCapacity": 1, "InstanceId": "sas-sandbox"}


def test_concurrent_creates_of_one_image_pay_once_and_the_last_unit_is_spent_once(bench):
    here = bench(quota={"capacity": 5, "used": 0})
    digests = [digest * 64 for digest in "abcdefgh" for _ in range(4)]
    start = threading.Barrier(8, timeout=30)
    statuses = []

    def create(some):
        start.wait()
        statuses.extend(here.create(Digest=digest).status for digest in some)

    threads = [threading.Thread(target=create, args=(digests[number::8],)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert here.quota()["ScanCount"] == 5
    assert len(here.state.tasks()) == statuses.count(200) == 20
    assert statuses.count(400) == 12
