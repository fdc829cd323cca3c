"""Every check comes in its place, with its code; a request that is wrong in two ways gets the earlier one."""

import itertools
import json
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jenkins_scan import sandbox
from jenkins_scan.sandbox.messages import Dropped
from jenkins_scan.sandbox.scenarios import Scenario
from jenkins_scan.sandbox.service import SandboxService
from jenkins_scan.sandbox.state import State

CREATE = "CreateJenkinsImageScanTask"
USED_NONCE = "0123456789abcdef0123456789abcdef"
ARBITRARY = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])

CHECKS = (
    ("method", (404, "InvalidApi.NotFound"), {"method": "PUT"}),
    ("version", (400, "InvalidVersion"), {"version": "2016-08-08"}),
    ("action", (404, "InvalidApi.NotFound"), {"action": "DeleteEverything"}),
    ("signed headers", (400, "IncompleteSignature"), {"unsigned": {"x-acs-action"}}),
    ("key", (404, "InvalidAccessKeyId.NotFound"), {"key_id": "nobody"}),
    ("date", (400, "InvalidTimeStamp.Expired"), {"date": "2025-01-02T11:44:59Z"}),
    ("body", (400, "SignatureDoesNotMatch"), {"received_body": b"Digest=other"}),
    ("nonce", (400, "SignatureNonceUsed"), {"nonce": USED_NONCE}),
    ("security token", (400, "InvalidSecurityToken.Expired"), {"security_token": "stale"}),
    ("permission", (403, "NoPermission"), {"scenario": {"denied": [CREATE]}}),
    ("service", (400, "NoPermission"), {"scenario": {"account": {"activated": False}}}),
    ("parameters", (400, "MissingToken"), {"form": {"Digest": "a" * 64}}),
    ("quota", (400, "BeyondQuata"), {"scenario": {"quota": {"used": 100}}}),
)
PAIRS = list(itertools.combinations(CHECKS, 2))


def refusal(bench, plan, *wrongs):
    """The answer to a create that is wrong in all these ways; the nonce USED_NONCE was used before."""
    scenario = {key: value for wrong in wrongs for key, value in wrong.get("scenario", {}).items()}
    here = bench(**scenario)
    here.state.use_nonce(sandbox.ACCESS_KEY_ID, USED_NONCE, here.clock())
    changes = {key: value for wrong in wrongs for key, value in wrong.items() if key != "scenario"}
    form = {"Token": sandbox.TOKEN, "Digest": "a" * 64}
    return here.send(replace(plan(form=form), **changes))


@pytest.mark.parametrize(("expected", "wrong"), [row[1:] for row in CHECKS], ids=[row[0] for row in CHECKS])
def test_each_check_answers_with_its_own_code(bench, plan, expected, wrong):
    answer = refusal(bench, plan, wrong)
    assert answer.refusal == expected
    assert answer.body["HostId"] == "sandbox"
    assert answer.body["RequestId"] == answer.body["RequestId"].upper()
    assert answer.reply.headers["x-jenkins-scan-sandbox"] == "1"


@pytest.mark.parametrize(
    ("first", "second"),
    PAIRS,
    ids=[f"{first[0]} before {second[0]}" for first, second in PAIRS],
)
def test_of_two_wrongs_the_earlier_check_answers(bench, plan, first, second):
    assert refusal(bench, plan, first[2], second[2]).refusal == first[1]


@pytest.mark.parametrize(
    ("expected", "changes"),
    [
        ((404, "InvalidApi.NotFound"), {"path": "/v2"}),
        ((404, "InvalidApi.NotFound"), {"path": "http://127.0.0.1:8080/"}),
        ((404, "InvalidApi.NotFound"), {"action": ""}),
        ((400, "InvalidVersion"), {"version": ""}),
        ((400, "InvalidAccessKeyId.Inactive"), {"key_id": sandbox.INACTIVE_ACCESS_KEY_ID}),
        ((400, "InvalidTimeStamp.Expired"), {"date": "2025-01-02T12:15:01Z"}),
        ((400, "InvalidTimeStamp.Format"), {"date": "2025-01-02 12:00:00"}),
        ((400, "InvalidTimeStamp.Format"), {"date": "2025-1-2T12:00:00Z"}),
        ((400, "InvalidTimeStamp.Format"), {"date": "2025-01-02T12:00:00+00:00"}),
        ((400, "SignatureDoesNotMatch"), {"secret": "not-the-secret"}),
        ((400, "SignatureDoesNotMatch"), {"received_headers": {"host": "127.0.0.1:9090"}}),
        ((400, "SignatureDoesNotMatch"), {"received_headers": {"host": "127.0.0.1"}}),
        ((400, "SignatureDoesNotMatch"), {"received_headers": {"x-acs-signature-nonce": "another"}}),
        ((400, "SignatureDoesNotMatch"), {"received_headers": {"x-acs-content-sha256": "é"}}),
        ((400, "IncompleteSignature"), {"received_headers": {"x-acs-added-on-the-way": "1"}}),
        ((400, "IncompleteSignature"), {"received_headers": {"authorization": "Basic c2FuZGJveA=="}}),
        ((400, "IncompleteSignature"), {"received_headers": {"authorization": ""}}),
        ((400, "IncompleteSignature"), {"unsigned": {"host"}}),
        ((400, "IncompleteSignature"), {"unsigned": {"content-type"}}),
        ((400, "IncompleteSignature"), {"unsigned": {"x-acs-signature-nonce"}}),
        ((400, "InvalidSecurityToken.Expired"), {"security_token": sandbox.STS_SECURITY_TOKEN}),
    ],
)
def test_variants_of_these_wrongs(bench, plan, expected, changes):
    assert refusal(bench, plan, changes).refusal == expected


@pytest.mark.parametrize("header", ["host", "x-acs-date", "x-acs-signature-nonce", "x-acs-content-sha256"])
def test_a_header_that_is_not_there_cannot_be_left_unsigned(bench, plan, header):
    answer = refusal(bench, plan, {"left_out": {header}})
    assert answer.refusal == (400, "IncompleteSignature")
    assert header in answer.body["Message"]


@pytest.mark.parametrize("seconds", [-900, 900])
def test_a_date_fifteen_minutes_off_is_still_good(bench, clock, seconds):
    good = bench().plan_create()
    clock.now += seconds
    assert bench().send(good).status == 200


@pytest.mark.parametrize(
    ("signed", "part"),
    [
        (lambda names: names[::-1], "sorted"),
        (lambda names: [names[0], *names], "different"),
        (lambda names: [*names, "x-acs-zebra"], "x-acs-zebra"),
        (lambda names: [name.upper() for name in names], "not received"),
    ],
)
def test_the_list_of_signed_headers_has_to_fit_the_request(bench, signed, part):
    here = bench()
    method, target, headers, body = here.plan_create().request()
    names = headers["authorization"].split("SignedHeaders=")[1].split(",")[0]
    changed = headers["authorization"].replace(names, ";".join(signed(names.split(";"))))
    reply = here.service.handle(method, target, headers | {"authorization": changed}, body)
    body = json.loads(reply.body)
    assert (reply.status, body["Code"]) == (400, "IncompleteSignature")
    assert part in body["Message"]


def test_a_client_that_signs_more_headers_is_welcome(bench):
    good = bench().plan_create()
    good.extra_headers = {"user-agent": "any/1.0"}
    assert bench().send(good).status == 200


def test_header_names_are_read_in_any_case(bench):
    here = bench()
    method, target, headers, body = here.plan_create().request()
    assert (
        here.service.handle(method, target, {name.title(): text for name, text in headers.items()}, body).status == 200
    )


def test_a_temporary_key_needs_its_token(bench):
    here = bench()
    sts = {"key_id": sandbox.STS_ACCESS_KEY_ID, "secret": sandbox.STS_ACCESS_KEY_SECRET}
    with_token = replace(here.plan_create(), **sts, security_token=sandbox.STS_SECURITY_TOKEN)
    without = replace(here.plan_create(), **sts)
    assert here.send(with_token).status == 200
    assert here.send(without).refusal == (400, "InvalidSecurityToken.Expired")


def test_a_nonce_is_good_once_and_again_when_the_window_is_over(bench, plan, clock):
    here = bench()
    good = here.plan_create()
    assert here.send(good).status == 200
    assert here.send(good).refusal == (400, "SignatureNonceUsed")
    clock.now += 2 * 15 * 60 + 1
    assert here.send(replace(here.plan_create(), nonce=good.nonce)).status == 200


def test_a_request_dated_ahead_cannot_be_replayed_while_its_date_is_good(bench, clock):
    here = bench()
    ahead = replace(here.plan_create(), date="2025-01-02T12:15:00Z")
    assert here.send(ahead).status == 200
    clock.now += 2 * 15 * 60
    assert here.send(ahead).refusal == (400, "SignatureNonceUsed")


def test_a_stranger_cannot_use_up_a_nonce(bench):
    here = bench()
    good = here.plan_create()
    assert here.send(replace(good, secret="guessed")).refusal == (400, "SignatureDoesNotMatch")
    assert here.send(good).status == 200


def test_two_keys_do_not_share_nonces(bench):
    here = bench()
    sts = {
        "key_id": sandbox.STS_ACCESS_KEY_ID,
        "secret": sandbox.STS_ACCESS_KEY_SECRET,
        "security_token": sandbox.STS_SECURITY_TOKEN,
    }
    good = here.plan_create()
    assert here.send(good).status == 200
    assert here.send(replace(good, **sts)).status == 200


@ARBITRARY
@given(st.dictionaries(st.text(max_size=8), st.text(max_size=20), max_size=4), st.booleans())
def test_it_does_not_matter_how_the_client_wrote_the_query(bench, plan, query, plus):
    """A space as + or as %20: the query is decoded and encoded again."""
    here = bench()
    method, target, headers, body = plan(action="DescribeImageScanAuthCount", query=query).request()
    written = target.replace("%20", "+") if plus else target
    assert here.service.handle(method, written, headers, body).status == 200


@ARBITRARY
@given(st.data())
def test_a_changed_byte_of_the_body_is_noticed(bench, data):
    here = bench()
    method, target, headers, body = here.plan_create().request()
    place = data.draw(st.integers(0, len(body) - 1))
    changed = bytearray(body)
    changed[place] ^= data.draw(st.integers(1, 255))
    reply = here.service.handle(method, target, headers, bytes(changed))
    assert json.loads(reply.body)["Code"] == "SignatureDoesNotMatch"
    assert here.state.tasks() == ()


@ARBITRARY
@given(
    st.sampled_from(["POST", "GET", ""]),
    st.text(max_size=30) | st.text(max_size=30).map("/?{}".format),
    st.dictionaries(
        st.sampled_from(["x-acs-action", "x-acs-version", "authorization", "x-acs-date", "Host", "content-type"]),
        st.text(max_size=30) | st.sampled_from([CREATE, "2018-12-03"]),
    ),
    st.binary(max_size=40),
)
def test_whatever_arrives_gets_a_stamped_refusal(method, target, headers, body):
    with State() as state:
        service = SandboxService(Scenario(name="any"), state)
        answer = service.handle(method, target, headers, body)
    assert not isinstance(answer, Dropped)
    assert answer.status >= 400
    assert answer.headers["x-jenkins-scan-sandbox"] == "1"
    assert json.loads(answer.body)["HostId"] == "sandbox"
