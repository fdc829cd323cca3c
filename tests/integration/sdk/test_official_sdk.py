"""The official SDK, another client and another signer, works against the sandbox on a loopback port."""

import pytest

from jenkins_scan import sandbox

# The SDK asks for the time in a way that Python 3.12 and later warn of; every other warning stays an error.
pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")

DIGEST = "a8c9f3765684cd8d9053db9523eab58878e99a199217500efd9ae2a860a7e01e"


def create_request(**fields):
    """A create as the API page shows it, with characters that have to be encoded."""
    from alibabacloud_sas20181203 import models

    return models.CreateJenkinsImageScanTaskRequest(
        **({"token": sandbox.TOKEN, "digest": DIGEST, "jenkins_env": "release", "tag": "a b*c~d/e+中"} | fields)
    )


@pytest.mark.parametrize(
    "credentials",
    [
        {},
        {
            "access_key_id": sandbox.STS_ACCESS_KEY_ID,
            "access_key_secret": sandbox.STS_ACCESS_KEY_SECRET,
            "security_token": sandbox.STS_SECURITY_TOKEN,
        },
    ],
    ids=["permanent key", "temporary key"],
)
def test_the_sdk_creates_a_task_reads_the_quota_and_sees_the_task(connect, state, credentials):
    from alibabacloud_sas20181203 import models

    client = connect(**credentials)
    created = client.create_jenkins_image_scan_task(create_request())
    assert created.headers["x-jenkins-scan-sandbox"] == "1"
    data = created.body.data
    assert (data.image_scan_capacity, data.repo_region_id) == (100, "cn-hangzhou")

    quota = client.describe_image_scan_auth_count().body.image_scan
    assert (quota.image_scan_capacity, quota.scan_count) == (100, 11)

    listed = client.describe_image_latest_scan_task(models.DescribeImageLatestScanTaskRequest(digest=DIGEST)).body.task
    assert [row.task_id == data.task_id for row in listed] == [True, False]
    assert listed[1].status == "SUCCESS"

    (scan,) = state.scans()
    assert (scan.task.task_id, scan.image.tag) == (data.task_id, "a b*c~d/e+中")


@pytest.mark.parametrize(
    ("scenario", "fields", "code"),
    [
        ("no-permission", {}, "NoPermission"),
        ("quota-exhausted", {}, "BeyondQuata"),
        ("server-error", {}, "ServerError"),
        ("clock-skew", {}, "InvalidTimeStamp.Expired"),
        ("clean", {"token": None}, "MissingToken"),
        ("clean", {"token": "someone else's"}, "InvalidToken"),
    ],
)
def test_the_sdk_understands_the_sandboxs_errors(connect, state, scenario, fields, code):
    with pytest.raises(Exception, match=code) as caught:
        connect(scenario).create_jenkins_image_scan_task(create_request(**fields))
    assert caught.value.code == code
    assert state.tasks() == ()


def test_the_sdk_with_a_wrong_secret_is_refused(connect):
    with pytest.raises(Exception, match="SignatureDoesNotMatch"):
        connect(access_key_secret="wrong").describe_image_scan_auth_count()
