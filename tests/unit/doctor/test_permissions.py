import pytest

from jenkins_scan.doctor import permissions, quota
from jenkins_scan.errors import (
    ConfigurationError,
    CredentialsRefused,
    ServiceFault,
    ServiceNotActivated,
    ServiceUnreachable,
)
from jenkins_scan.findings import Kind
from jenkins_scan.gate.policy import Policy, policy_from
from jenkins_scan.security_center.finding_lists import LISTS
from tests.support.center import CONNECT_ERROR, Replies, refused
from tests.support.center import quota as quota_answer

GATE = policy_from({}, fail_on="high")
VULNERABILITIES = policy_from({"vulnerability": {"fail_on": "high"}})


def look(service, policy=GATE, *, allowed=True):
    return permissions.check(service, policy, sandbox_allowed=allowed)


def test_every_read_of_a_gate_on_all_kinds_is_tried(service):
    outcome = look(service())
    assert outcome.status == "OK"
    assert outcome.seen.startswith("12 reads allowed (DescribeImageScanAuthCount, DescribeImageLatestScanTask, ")
    assert all(operation.name in outcome.seen for operation in LISTS.values())
    assert outcome.seen.endswith("CreateJenkinsImageScanTask cannot be tried without using quota.")


def test_only_the_lists_of_the_gated_kinds_are_tried(service):
    seen = look(service(), VULNERABILITIES).seen
    assert "DescribeImageVulList, DescribeImageGroupedVulList" in seen
    assert "SensitiveFile" not in seen
    assert {Kind.VULNERABILITY} == VULNERABILITIES.gated_kinds


def test_without_a_gate_only_what_a_submit_reads_is_tried(service):
    seen = look(service(), Policy()).seen
    assert seen.startswith(
        "3 reads allowed (DescribeImageScanAuthCount, DescribeImageLatestScanTask, ListUnfinishedOnceTask);"
    )


def test_no_task_is_opened_and_no_quota_used(service):
    made = service()
    look(made)
    assert made.quota().used == 10


@pytest.mark.parametrize(
    ("scenario", "denied"),
    [
        ("no-permission", ["DescribeImageScanAuthCount"]),
        (
            "poll-denied",
            [
                *("DescribeImageLatestScanTask", "ListUnfinishedOnceTask"),
                *("DescribeOnceTaskLeafRecordPage", "DescribeImageInstances"),
            ],
        ),
    ],
)
def test_what_is_denied_is_told_with_the_actions_to_add(service, scenario, denied):
    outcome = look(service(scenario))
    assert (outcome.status, outcome.code) == ("FAIL", 14)
    assert outcome.seen.startswith(f"{len(denied)} of 12 reads refused with HTTP 403: {', '.join(denied)}.")
    assert outcome.remedy.endswith(": " + ", ".join(f"yundun-sas:{name}" for name in denied) + ".")


def test_when_nothing_is_allowed_that_is_said(canned):
    outcome = look(canned(refused("NoPermission", 403), forever=True), Policy())
    assert "3 of 3 reads refused" in outcome.seen
    assert "none allowed" in outcome.seen


def test_a_service_that_was_not_bought_is_another_reason(service):
    with pytest.raises(ServiceNotActivated):
        look(service("not-activated"))


def test_an_operation_that_does_not_like_the_image_of_nobody_let_us_in(canned):
    made = canned(quota_answer(), refused("InvalidDigest", 400), forever=True)
    made.quota()
    assert look(made, Policy()).status == "OK"


def test_a_read_that_got_no_answer_in_time_is_not_known_and_no_failure(canned):
    made = canned(quota_answer(), CONNECT_ERROR, forever=True)
    made.quota()
    outcome = look(made, Policy())
    assert (outcome.status, outcome.code) == ("WARN", 11)
    assert "1 read allowed (DescribeImageScanAuthCount); not known of DescribeImageLatestScanTask" in outcome.seen
    assert "Connection refused" in outcome.remedy


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refused("InternalError", 500), ServiceFault),
        (refused("InvalidAccessKeyId.NotFound", 404), CredentialsRefused),
        (CONNECT_ERROR, ServiceUnreachable),
    ],
)
def test_what_says_nothing_about_permissions_is_its_own_failure(canned, answer, error):
    with pytest.raises(error):
        look(canned(answer, forever=True), Policy())


def test_a_throttled_read_is_tried_again(service):
    assert look(service("throttled"), Policy()).status == "OK"


def test_a_sandbox_that_a_jenkins_build_did_not_name_is_a_failure_of_settings(service):
    with pytest.raises(ConfigurationError, match="answers as a sandbox"):
        look(service(), allowed=False)


def test_a_service_that_is_no_sandbox_need_not_be_named(clock, canned):
    with pytest.raises(ServiceFault):
        look(canned(refused("InternalError", 500), forever=True), Policy(), allowed=False)


class TestQuota:
    @pytest.mark.parametrize(
        ("scenario", "minimum", "status", "code"),
        [
            ("clean", 90, "OK", 0),
            ("clean", 91, "FAIL", 12),
            ("quota-low", 1, "OK", 0),
            ("quota-exhausted", 1, "FAIL", 12),
            ("quota-exhausted", 0, "WARN", 11),
            ("no-permission", 1, "SKIP", 0),
            ("not-activated", 1, "SKIP", 0),
        ],
    )
    def test_what_remains_is_held_against_the_least(self, service, scenario, minimum, status, code):
        outcome = quota.check(service(scenario), minimum)
        assert (outcome.status, outcome.code) == (status, code)
        if status != "SKIP":
            assert "of 100 image scans remain" in outcome.seen

    def test_a_service_that_is_lost_is_a_failure(self, canned):
        with pytest.raises(ServiceUnreachable):
            quota.check(canned(CONNECT_ERROR, forever=True), 1)


def test_the_image_of_nobody_is_never_left_out_of_a_list(clock):
    replies = Replies(refused("NoPermission", 403), forever=True)
    for source in LISTS:
        with pytest.raises(Exception, match="NoPermission"):
            replies.client(clock).results.findings(source, permissions.NOBODY, deadline=clock.monotonic() + 4)
    assert len(replies.asked) == len(LISTS)
    for request in replies.requests:
        assert {*request.url.params.values()} & {permissions.NOBODY.uuid, permissions.NOBODY.digest}
