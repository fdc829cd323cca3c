"""The official SDK scans images in registries: its three `Public*` calls, and what the other operations know then."""

import json
import socket
import subprocess
import sys

import pytest

from tests.integration.sdk.sdk_calls import by_sdk, mistyped, raw

# The SDK asks for the time in a way that Python 3.12 and later warn of; every other warning stays an error.
pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")

DIGESTS = ("a8c9f3765684cd8d9053db9523eab58878e99a199217500efd9ae2a860a7e01e", "b" * 64)
FILTER = {
    "registry_types": "acr",
    "region_ids": "cn-shanghai",
    "instance_ids": "cri-1",
    "repo_namespaces": "team",
    "repo_ids": "crr-1",
    "repo_names": "app",
    "digests": ",".join(DIGESTS),
    "tags": "1.0",
    "source_ip": "192.0.2.1",
}
IMAGES = (
    '[{"registryType":"acr","repoId":"crr-red9kgqqi0fh75d5","instanceId":"cri-1x2qtjd75ofqvfa8","repoNamespace":"1125",'
    '"regionId":"cn-hangzhou","repoName":"script1","digest":"b1064a5007786b6f82a50772858e8156bc1e5fbddb7dd20af6922761'
    'ad197fe4","tag":"v0113-ver2","createTime":1641267666666,"updateTime":1641267909090}]'
)
"""The value that the page of PublicSyncAndCreateImageScanTask shows."""
PAGE = {"task_type": "IMAGE_SCAN", "current_page": 1, "page_size": 20, "relate_info": True}
SYNC = "PublicSyncAndCreateImageScanTask"


def of_digest(digest):
    return {"criteria": json.dumps([{"name": "digest", "value": digest}]), "current_page": 1, "page_size": 20}


@pytest.fixture
def client(connect):
    """The SDK under `vulnerable`, where a task is over at once."""
    return connect("vulnerable", clock={"finish_after": 0})


@pytest.mark.parametrize(
    ("action", "fields"),
    [
        ("PublicPreCheckImageScanTask", FILTER),
        ("PublicCreateImageScanTask", FILTER),
        (SYNC, {"images": IMAGES, "source_ip": "192.0.2.1"}),
        ("ListImageRegistryRegion", {"lang": "en"}),
    ],
)
def test_the_sdk_reads_every_field_with_its_type(client, action, fields):
    body, sent = by_sdk(client, action, fields), raw(client, action, fields)
    assert mistyped(body) == []
    ours = {"TaskId", "CollectTime", "ExecTime"}
    told, known = (one.get("Data", one) for one in (sent, body.to_map()))
    assert set(told) == set(known)
    assert {name: told[name] for name in told if name not in {*ours, "RequestId"}} == {
        name: known[name] for name in known if name not in {*ours, "RequestId"}
    }


def test_the_sdk_prechecks_creates_and_follows_each_image(client):
    precheck = by_sdk(client, "PublicPreCheckImageScanTask", FILTER).data
    assert (precheck.need_auth_count, precheck.scan_image_count) == (2, 2)
    task = by_sdk(client, "PublicCreateImageScanTask", FILTER).data
    assert (task.total_count, task.finish_count, task.status, task.progress) == (2, 2, "SUCCESS", 100)
    assert (task.result, task.can_create) == ("SUCCESS", True)
    leaves = by_sdk(client, "DescribeOnceTaskLeafRecordPage", PAGE | {"task_id": task.task_id}).once_tasks
    assert {row.target for row in leaves} == set(DIGESTS)
    assert {(row.total_count, row.finish_count) for row in leaves} == {("2", "2")}
    for digest in DIGESTS:
        (row,) = by_sdk(client, "DescribeImageInstances", of_digest(digest)).image_instance_list
        assert (row.registry_type, row.region_id, row.instance_id, row.repo_id) == (
            "acr",
            "cn-shanghai",
            "cri-1",
            "crr-1",
        )
        assert (row.sca_status, row.repo_namespace, row.repo_name, row.tag) == ("SUCCESS", "team", "app", "1.0")
        newest, *_ = by_sdk(client, "DescribeImageLatestScanTask", {"digest": digest}).task
        assert (newest.task_id, newest.status) == (task.task_id, "SUCCESS")
        found = by_sdk(client, "DescribeImageVulList", {"type": "cve", "uuids": row.uuid, "lang": "en"})
        assert found.total_count == 4


def test_the_sdk_synchronises_an_image_and_finds_it(connect):
    client = connect("not-synced", clock={"finish_after": 0})
    (image,) = json.loads(IMAGES)
    named = {"digests": image["digest"]}
    assert by_sdk(client, "PublicPreCheckImageScanTask", named).data.scan_image_count == 0
    assert by_sdk(client, SYNC, {"images": IMAGES}).data.total_count == 1
    (row,) = by_sdk(client, "DescribeImageInstances", of_digest(image["digest"])).image_instance_list
    assert (row.repo_name, row.tag, row.sca_status) == ("script1", "v0113-ver2", "SUCCESS")
    assert by_sdk(client, "PublicPreCheckImageScanTask", named).data.need_auth_count == 1


def test_the_sdk_reads_that_no_slot_is_free(connect):
    task = by_sdk(connect("busy"), "PublicCreateImageScanTask", FILTER).data
    assert (task.can_create, task.task_id) == (False, None)


@pytest.mark.parametrize(
    ("scenario", "action", "fields", "code"),
    [
        ("quota-exhausted", "PublicCreateImageScanTask", FILTER, "BeyondQuata"),
        ("quota-exhausted", SYNC, {"images": IMAGES}, "BeyondQuata"),
        ("no-permission", "PublicPreCheckImageScanTask", FILTER, "NoPermission"),
        ("not-activated", "PublicCreateImageScanTask", FILTER, "NoPermission"),
        ("server-error", "PublicCreateImageScanTask", FILTER, "ServerError"),
        ("clean", SYNC, {}, "MissingImages"),
    ],
)
def test_the_sdk_understands_the_errors(connect, state, scenario, action, fields, code):
    with pytest.raises(Exception, match=code) as caught:
        by_sdk(connect(scenario), action, fields)
    assert caught.value.code == code
    assert state.tasks() == ()


def test_the_command_line_hands_the_url_of_a_registry_on():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    refused = subprocess.run(
        [*(sys.executable, "-m", "jenkins_scan", "sandbox", "serve"), "--registry-url", f"http://10.0.0.1:{port}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert refused.returncode == 2
    assert "loopback only" in refused.stderr
