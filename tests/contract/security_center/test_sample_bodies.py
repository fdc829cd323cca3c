"""The bodies that the API pages of the status and findings operations show, read to the right values."""

import pytest

from jenkins_scan.findings import Finding, Kind, Severity
from jenkins_scan.security_center.interface import ImageKey, ListedName, Phase, Source, TaskStatus
from tests.support.center import DIGEST, SAMPLES, TASK_ID, UUID, FakeClock, Replies, as_json

IMAGE_ID = "b10ef7b245c34a0822055c74fc4a0e8b5baf0279306316b2c517a501ed250b1e"
LAYER = "6ec898e6274f942e0e4a053eff1c3119026a6704e56cff206b2cec71f6360001"
MD5 = "d836968041f7683b5459fedfe1d2ee9b"
IMAGE = ImageKey(UUID, DIGEST)
DEADLINE = FakeClock().monotonic() + 30


def client(*operations: str):
    return Replies(*(as_json(SAMPLES[operation]) for operation in operations)).client()


def test_describe_image_latest_scan_task():
    answer = client("DescribeImageLatestScanTask").tasks.latest(DIGEST, deadline=DEADLINE)
    assert answer.value == (
        TaskStatus(
            source="DescribeImageLatestScanTask",
            phase=Phase.GOOD,
            word="SUCCESS",
            task_id=TASK_ID,
            started_at=1735787046.0,
            finished_at=1735787160.0,
            digest=DIGEST,
        ),
    )
    assert answer.request_id == "0B48AB3C-84FC-424D-A01D-B9270EF40001"


def test_describe_image_instances():
    answer = client("DescribeImageInstances").tasks.of_image(digest=DIGEST, deadline=DEADLINE)
    assert answer.value == (
        TaskStatus(
            source="DescribeImageInstances",
            phase=Phase.GOOD,
            word="SUCCESS",
            progress=100,
            scanned_at=1735787160.0,
            image_id=IMAGE_ID,
            digest=DIGEST,
            uuid=UUID,
            name=ListedName("ns", "app", "1.0"),
        ),
    )


def test_describe_once_task_leaf_record_page():
    answer = client("DescribeOnceTaskLeafRecordPage").tasks.by_id(TASK_ID, deadline=DEADLINE)
    assert answer.value == (
        TaskStatus(
            source="DescribeOnceTaskLeafRecordPage",
            phase=Phase.RUNNING,
            word="START",
            task_id=TASK_ID,
            progress=40,
            started_at=1735787046.0,
            digest=DIGEST,
        ),
    )


def test_list_unfinished_once_task():
    answer = client("ListUnfinishedOnceTask").tasks.unfinished(DIGEST, deadline=DEADLINE)
    assert answer.value == (
        TaskStatus(
            source="ListUnfinishedOnceTask",
            phase=Phase.RUNNING,
            word="INIT",
            task_id=TASK_ID,
            progress=0,
            started_at=1735787046.0,
            digest=DIGEST,
        ),
    )


def test_describe_image_security_scan_count():
    counts = client("DescribeImageSecurityScanCount").results.counts(IMAGE, deadline=DEADLINE).value
    assert counts == {Source.CVE: 2, Source.SCA: 1, Source.BASELINE: 1, Source.MALICIOUS_FILE: 0}


FINDINGS = {
    Source.CVE: (
        ("DescribeImageVulList",),
        Finding(
            kind=Kind.VULNERABILITY,
            source="cve",
            id="CVE-2024-0001",
            aliases=("debian:12:CVE-2024-0001",),
            severity=Severity.HIGH,
            title="CVE-2024-0001 on Debian Linux 12",
            package="libexample",
            version="1.2.3-1",
            path="/usr/lib/libexample.so",
            fixable=True,
            fix="apt-get install --only-upgrade libexample",
            layer=LAYER,
        ),
    ),
    Source.SCA: (
        ("DescribeImageGroupedVulList",),
        Finding(
            kind=Kind.VULNERABILITY,
            source="sca",
            id="CVE-2024-0002",
            aliases=("SCA:ACSV-2024-000001",),
            severity=Severity.HIGH,
            title="example-lib remote code execution",
            fixable=False,
        ),
    ),
    Source.BASELINE: (
        ("DescribeImageBaselineCheckResult",),
        Finding(kind=Kind.BASELINE, source="baseline", id="ak_leak", severity=Severity.HIGH, title="AccessKey leak"),
    ),
    Source.MALICIOUS_FILE: (
        ("DescribeGroupedMaliciousFiles", "DescribeAffectedMaliciousFileImages"),
        Finding(
            kind=Kind.MALICIOUS_FILE,
            source="malicious-file",
            id="miner",
            aliases=(MD5,),
            severity=Severity.CRITICAL,
            title="Mining program",
            path="/opt/x/miner",
            layer=LAYER,
        ),
    ),
    Source.SENSITIVE_FILE: (
        ("DescribeImageSensitiveFileList",),
        Finding(
            kind=Kind.SENSITIVE_FILE,
            source="sensitive-file",
            id="npm_token",
            severity=Severity.HIGH,
            title="NPM access token",
            fix="Remove the file and revoke the token",
        ),
    ),
    Source.BUILD_RISK: (
        ("DescribeImageBuildRiskByKey",),
        Finding(
            kind=Kind.BUILD_RISK,
            source="build-risk",
            id="no_user",
            severity=Severity.MEDIUM,
            title="Runs as root",
            fix="do not use the root user",
            layer=LAYER,
        ),
    ),
}


@pytest.mark.parametrize("source", Source)
def test_each_list_of_findings(source):
    operations, finding = FINDINGS[source]
    listed = client(*operations).results.findings(source, IMAGE, deadline=DEADLINE)
    assert listed.findings == (finding,)
    assert (listed.complete, listed.total, listed.received, listed.handled, listed.unreadable) == (True, 1, 1, 0, 0)
    assert listed.complaints == ()
