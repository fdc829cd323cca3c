"""The official SDK reads from the sandbox what it sent: every field is known to its models, with its type."""

import pytest

from jenkins_scan import sandbox
from tests.integration.sdk.sdk_calls import by_sdk, mistyped, raw

# The SDK asks for the time in a way that Python 3.12 and later warn of; every other warning stays an error.
pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")

DIGEST = "a8c9f3765684cd8d9053db9523eab58878e99a199217500efd9ae2a860a7e01e"
UUID = "6690a46c-0edb-4663-a641-3629d1a9c0de"

CALLS = (
    ("DescribeImageLatestScanTask", {"digest": DIGEST}),
    (
        "DescribeImageInstances",
        {"criteria": f'[{{"name":"digest","value":"{DIGEST}"}}]', "current_page": 1, "page_size": 20},
    ),
    (
        "DescribeOnceTaskLeafRecordPage",
        {"task_type": "IMAGE_SCAN", "current_page": 1, "page_size": 20, "relate_info": True},
    ),
    ("DescribeImageSecurityScanCount", {"image_uuid": UUID}),
    ("DescribeImageVulList", {"type": "cve", "uuids": UUID, "lang": "en"}),
    ("DescribeImageGroupedVulList", {"type": "sca", "image_digest": DIGEST, "lang": "en"}),
    ("DescribeImageBaselineCheckResult", {"image_uuid": UUID, "lang": "en"}),
    ("DescribeImageBaselineItemList", {"image_uuid": UUID, "lang": "en"}),
    ("DescribeImageSensitiveFileList", {"image_uuid": UUID, "lang": "en"}),
    ("DescribeImageSensitiveFileByKey", {"image_uuid": UUID, "sensitive_file_key": "npm_token", "lang": "en"}),
    ("DescribeGroupedMaliciousFiles", {"image_digest": DIGEST, "current_page": 1, "page_size": "20", "lang": "en"}),
    (
        "DescribeAffectedMaliciousFileImages",
        {"image_digest": DIGEST, "current_page": 1, "page_size": "20", "lang": "en"},
    ),
    ("DescribeImageBuildRiskByKey", {"image_uuid": UUID, "lang": "en"}),
)
ENVELOPE = {
    "RequestId",
    "PageInfo",
    "Code",
    "Success",
    "Message",
    "HttpStatusCode",
    "CurrentPage",
    "PageSize",
    "TotalCount",
}


def create(client, **fields):
    """A task of the image, opened by the SDK."""
    from alibabacloud_sas20181203 import models

    request = models.CreateJenkinsImageScanTaskRequest(
        token=sandbox.TOKEN, digest=DIGEST, image_id="b" * 64, repo_name="app", tag="1.0", uuid=UUID, **fields
    )
    return client.create_jenkins_image_scan_task(request).body.data


@pytest.fixture
def client(connect):
    """The SDK after a task under `vulnerable` has come to its end."""
    client = connect("vulnerable", clock={"finish_after": 0})
    create(client)
    return client


@pytest.mark.parametrize(("action", "fields"), CALLS, ids=[action for action, _ in CALLS])
def test_the_sdk_reads_every_field_with_its_type(client, action, fields):
    body, sent = by_sdk(client, action, fields), raw(client, action, fields)
    assert body.to_map() == sent | {"RequestId": body.request_id}
    assert mistyped(body) == []
    (values,) = [value for name, value in sent.items() if name not in ENVELOPE]
    assert values


def test_the_sdk_reads_a_running_task(connect):
    client = connect("slow")
    task_id = create(client).task_id
    fields = {"task_type": "IMAGE_SCAN", "target": DIGEST}
    body = by_sdk(client, "ListUnfinishedOnceTask", fields)
    assert mistyped(body) == []
    (task,) = body.once_tasks
    assert (task.task_id, task.status_text, task.finish) == (task_id, "INIT", 0)
    assert set(task.to_map()) == set(raw(client, "ListUnfinishedOnceTask", fields)["OnceTasks"][0])


def test_the_sdk_finds_a_task_by_its_id_and_a_list_parameter(client):
    (task,) = by_sdk(client, "DescribeImageLatestScanTask", {"digest": DIGEST}).task[:1]
    page = {"task_type": "IMAGE_SCAN", "current_page": 1, "page_size": 20, "relate_info": False}
    found = by_sdk(client, "DescribeOnceTaskLeafRecordPage", page | {"task_id": task.task_id})
    assert [row.task_id for row in found.once_tasks] == [task.task_id]
    running = by_sdk(client, "DescribeOnceTaskLeafRecordPage", page | {"status_list": ["INIT", "START"]})
    assert running.once_tasks == []


def test_the_sdk_reads_the_findings_and_their_severities(client):
    records = by_sdk(client, "DescribeImageVulList", {"type": "cve", "digest": DIGEST, "lang": "en"})
    assert records.total_count == len(records.vul_records) == 4
    assert [(one.related, one.necessity, one.can_fix) for one in records.vul_records] == [
        ("CVE-2024-0001", "asap", "yes"),
        ("CVE-2024-0002", "later", "no"),
        ("CVE-2024-0003", "nntf", "yes"),
        ("CVE-2023-0009", "asap", "yes"),
    ]
    files = by_sdk(
        client, "DescribeGroupedMaliciousFiles", {"image_digest": DIGEST, "current_page": 1, "page_size": "5"}
    )
    assert [one.level for one in files.grouped_malicious_file_response] == ["serious", "suspicious"]


@pytest.mark.parametrize(
    ("action", "fields", "code"),
    [
        ("ListUnfinishedOnceTask", {"task_type": "IMAGE_SCAN"}, "-101"),
        ("DescribeImageVulList", {}, "MissingType"),
        ("DescribeImageBaselineCheckResult", {}, "MissingImageUuid"),
    ],
)
def test_the_sdk_understands_what_is_missing(client, action, fields, code):
    with pytest.raises(Exception, match=code) as caught:
        by_sdk(client, action, fields)
    assert caught.value.code == code
