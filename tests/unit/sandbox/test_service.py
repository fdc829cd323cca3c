"""A scenario changes what the sandbox answers, never whether it says that it is the sandbox."""

import pytest

from jenkins_scan.sandbox.messages import Reply
from jenkins_scan.sandbox.scenarios import SCENARIOS
from jenkins_scan.sandbox.service import SandboxService

CREATE = "CreateJenkinsImageScanTask"
QUOTA = "DescribeImageScanAuthCount"
STATUS = "DescribeImageLatestScanTask"


@pytest.mark.parametrize(
    ("scenario", "expected", "tasks"),
    [
        ("clean", (200, None), 1),
        ("vulnerable", (200, None), 1),
        ("quota-low", (200, None), 1),
        ("quota-exhausted", (400, "BeyondQuata"), 0),
        ("no-permission", (403, "NoPermission"), 0),
        ("not-activated", (400, "NoPermission"), 0),
        ("server-error", (500, "ServerError"), 0),
        ("throttled", (400, "Throttling.User"), 0),
        ("soft-failure", (200, "1011"), 0),
        ("clock-skew", (400, "InvalidTimeStamp.Expired"), 0),
        ("slow", (200, None), 1),
        ("stale", (200, None), 1),
        ("scan-failed", (200, None), 1),
        ("scan-timeout", (200, None), 1),
        ("partial", (200, None), 1),
        ("contradictory", (200, None), 1),
        ("wrong-image", (200, None), 1),
        ("unknown-status", (200, None), 1),
        ("unknown-severity", (200, None), 1),
        ("poll-denied", (200, None), 1),
        ("paged", (200, None), 1),
        ("quota-runs-out", (200, None), 1),
        ("busy", (200, None), 1),
        ("unsupported-region", (200, None), 1),
        ("not-synced", (200, None), 1),
    ],
)
def test_the_first_create_under_each_scenario(ready_made, scenario, expected, tasks):
    here = ready_made(scenario)
    answer = here.create()
    assert (answer.status, answer.body.get("Code")) == expected
    assert len(here.state.tasks()) == tasks
    assert answer.reply.headers["x-jenkins-scan-sandbox"] == "1"


@pytest.mark.parametrize(("scenario", "left"), [("clean", 90), ("quota-low", 5), ("quota-exhausted", 0)])
def test_the_quota_that_a_scenario_leaves(ready_made, scenario, left):
    quota = ready_made(scenario).quota()
    assert quota["ImageScanCapacity"] - quota["ScanCount"] == left


def test_a_denial_names_the_missing_action(ready_made, plan):
    here = ready_made("no-permission")
    for action in (CREATE, QUOTA):
        body = here.send(plan(action=action)).body
        assert body["Message"] == "caller has no permission"
        assert body["AccessDeniedDetail"]["AuthAction"] == f"yundun-sas:{action}"
    assert here.tasks() == []


def test_not_activated_hits_only_operations_whose_page_lists_it(ready_made, plan):
    here = ready_made("not-activated")
    assert here.send(plan(action=QUOTA)).body["Message"] == "no permission"
    assert here.tasks() == []


def test_throttling_ends_after_two_calls_of_each_operation(ready_made, plan):
    here = ready_made("throttled")
    for action in (CREATE, QUOTA):
        answers = [here.send(plan(action=action)) for _ in range(2)]
        assert {answer.refusal for answer in answers} == {(400, "Throttling.User")}
        assert {answer.reply.headers["x-acs-retry-after"] for answer in answers} == {"300"}
    assert here.create().status == 200
    assert here.quota()["ScanCount"] == 11


def test_an_html_page_of_a_proxy_is_stamped_too(ready_made):
    here = ready_made("html-503")
    answer = here.create()
    assert (answer.status, answer.reply.headers["content-type"]) == (503, "text/html")
    assert b"<h1>Service Unavailable</h1>" in answer.reply.body
    assert answer.reply.headers["x-jenkins-scan-sandbox"] == "1"
    assert here.state.tasks() == ()


def test_a_soft_failure_is_an_envelope_without_a_host(ready_made):
    body = ready_made("soft-failure").create().body
    assert set(body) == {"Success", "Code", "Message", "RequestId"}
    assert body["Success"] is False


def test_a_lost_answer_has_opened_its_task_and_is_lost_once(ready_made):
    here = ready_made("lost-answer")
    create = here.plan_create()
    assert here.drops(create)
    (task,) = here.state.tasks()
    assert here.tasks()[0]["TaskId"] == task.task_id
    assert here.send(create).refusal == (400, "SignatureNonceUsed")
    assert here.create().status == 200
    assert here.quota()["ScanCount"] == 11


def test_a_drop_before_the_effect_opens_nothing(bench):
    here = bench(fault=[{"operation": CREATE, "drop": True}])
    assert here.drops(here.plan_create())
    assert here.state.tasks() == ()


def test_an_effect_that_is_refused_stays_refused_behind_the_fault(bench):
    here = bench(
        quota={"used": 100}, fault=[{"operation": "*", "status": 500, "code": "ServerError", "after_effect": True}]
    )
    assert here.create().refusal == (500, "ServerError")
    assert here.state.tasks() == ()


def test_faults_strike_in_their_order(bench):
    faults = [
        {"operation": CREATE, "times": 1, "code": "Throttling.Api"},
        {"operation": QUOTA, "code": "Never"},
        {"operation": "*", "times": 1, "body": '{"RequestId":"cut', "status": 200},
    ]
    here = bench(fault=faults)
    assert here.create().refusal == (400, "Throttling.Api")
    assert here.create().reply.body == b'{"RequestId":"cut'
    assert here.create().status == 200


def test_a_request_that_is_not_authentic_does_not_use_up_a_fault(bench, plan):
    here = bench(fault=[{"operation": "*", "times": 1, "code": "Throttling"}])
    assert here.send(plan(secret="wrong")).refusal == (400, "SignatureDoesNotMatch")
    assert here.create().refusal == (400, "Throttling")


def test_a_fault_can_set_headers_but_not_take_the_stamp_off(bench):
    headers = {"Date": "Thu, 01 Jan 1970 00:00:00 GMT", "X-Jenkins-Scan-Sandbox": "0"}
    here = bench(fault=[{"operation": "*", "code": "Odd", "headers": headers}])
    answer = here.create()
    assert answer.reply.headers["date"] == headers["Date"]
    assert answer.reply.headers["x-jenkins-scan-sandbox"] == "1"


def test_the_date_and_the_tasks_are_on_the_servers_clock(bench, clock, plan):
    here = bench(clock={"skew_seconds": 1200, "finish_after": 0})
    answer = here.send(plan(action=QUOTA, date="2025-01-02T12:20:00Z"))
    assert answer.reply.headers["date"] == "Thu, 02 Jan 2025 12:20:00 GMT"
    create = here.plan_create()
    create.date = "2025-01-02T12:20:00Z"
    here.send(create)
    row = here.send(plan(action=STATUS, date=create.date, query={"Digest": "a" * 64})).body["Task"][0]
    assert row["StartTime"] == row["FinishTime"] == (1_735_819_200 + 1200) * 1000


def test_the_true_time_is_the_default_clock(bench):
    service = SandboxService(SCENARIOS["clean"], bench().state)
    reply = service.handle("GET", "/", {}, b"")
    assert isinstance(reply, Reply)
    assert reply.headers["date"].endswith("GMT")


@pytest.mark.parametrize("secret", ["sandbox-token", "sandbox-access-key-secret"])
def test_no_reply_repeats_a_secret(bench, secret):
    here = bench()
    replies = [here.create(), here.create(Digest="x", Tag="t"), here.create(ImageSize="x")]
    assert all(secret.encode() not in answer.reply.body for answer in replies)
