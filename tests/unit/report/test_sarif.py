"""What readers of SARIF get, among them violations-lib in Jenkins."""

import json
import re

import pytest

from tests.support.results import (
    FINDINGS,
    HOSTILE_TEXTS,
    every_ending,
    hostile,
    image,
    policy_reason,
    result,
    stored,
    text_of,
    unjudged,
)
from tests.support.schemas import sarif_validator

RELATIVE_REFERENCE = re.compile(r"(?!/)(?:[A-Za-z0-9._~!$&'()*+,;=@/-]|%[0-9A-F]{2})+")
"""A path without a colon, by RFC 3986."""


def run_of(outcome):
    (run,) = json.loads(text_of("sarif", outcome))["runs"]
    return run


def results_of(outcome):
    return run_of(outcome)["results"]


def notifications(outcome):
    return run_of(outcome)["invocations"][0]["toolConfigurationNotifications"]


def failing(*rows):
    return result(image(findings=rows, verdict="FAIL", reasons=(policy_reason(),)), exit_code=10, reason="policy")


@pytest.mark.parametrize("ending", every_ending())
def test_every_ending_is_valid_by_the_schema_of_oasis(ending):
    sarif_validator().validate(json.loads(text_of("sarif", every_ending()[ending])))


@pytest.mark.parametrize("text", HOSTILE_TEXTS, ids=range(len(HOSTILE_TEXTS)))
def test_hostile_texts_are_valid_by_the_schema_of_oasis(text):
    sarif_validator().validate(json.loads(text_of("sarif", hostile(text))))


def spoil_level(report):
    report["runs"][0]["results"][0]["level"] = "terrible"


def spoil_names(report):
    report["runs"][0]["tool"]["driver"]["nickname"] = "js"


def spoil_runs(report):
    del report["runs"]


def spoil_results(report):
    report["runs"][0]["results"] = [None]


@pytest.mark.parametrize("spoil", [spoil_level, spoil_names, spoil_runs, spoil_results])
def test_the_schema_check_notices_what_is_not_valid(spoil):
    report = json.loads(text_of("sarif", every_ending()["fail"]))
    assert sarif_validator().is_valid(report)
    spoil(report)
    assert not sarif_validator().is_valid(report)


@pytest.mark.parametrize("ending", every_ending())
def test_every_result_finds_its_rule_by_name_and_by_number(ending):
    run = run_of(every_ending()[ending])
    rules = run["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    assert isinstance(run["results"], list)
    for each in run["results"]:
        assert rules[each["ruleIndex"]]["id"] == each["ruleId"]


def test_severities_become_levels_and_scores():
    run = run_of(every_ending()["fail"])
    rules = run["tool"]["driver"]["rules"]
    said = {
        each["properties"]["severity"]: (
            each["level"],
            rules[each["ruleIndex"]]["defaultConfiguration"]["level"],
            rules[each["ruleIndex"]]["properties"]["security-severity"],
        )
        for each in run["results"]
    }
    assert said == {
        "critical": ("error", "error", "9.5"),
        "high": ("error", "error", "8.0"),
        "unknown": ("error", "error", "8.0"),
        "medium": ("warning", "warning", "5.5"),
        "low": ("note", "note", "2.0"),
    }


def test_a_rule_is_as_bad_as_its_worst_finding_and_has_the_kinds_of_all():
    mild = {**stored(FINDINGS[1]), "severity": "low", "kind": "build-risk", "aliases": ["GHSA-1"]}
    (rule,) = run_of(failing(mild, stored(FINDINGS[1])))["tool"]["driver"]["rules"]
    assert rule["defaultConfiguration"] == {"level": "error"}
    assert rule["properties"] == {"tags": ["security", "vulnerability", "build-risk"], "security-severity": "8.0"}
    assert rule["help"]["text"].splitlines() == [
        "openssl: buffer over-read in SSL_select_next_proto",
        "Fix: apt-get install openssl=3.0.14-1",
        "Also known as: DSA-5741-1, GHSA-1",
    ]
    assert rule["helpUri"].endswith("/CVE-2024-5535")


def test_a_link_is_there_only_for_what_is_surely_a_cve():
    (rule,) = run_of(failing({**stored(FINDINGS[1]), "id": "CVE-2024-1/../x"}))["tool"]["driver"]["rules"]
    assert "helpUri" not in rule


def test_the_message_has_all_that_tells_one_result_from_another():
    messages = [each["message"]["text"] for each in results_of(every_ending()["several"])]
    assert len(set(messages)) == len(messages)
    assert (
        "CVE-2024-5535: openssl: buffer over-read in SSL_select_next_proto in openssl 3.0.11-1 "
        "of image registry.example.com/team/app:2 (high)"
    ) in messages


def test_a_message_holds_no_link_to_click_on():
    (each,) = results_of(failing({**stored(FINDINGS[1]), "title": "[good](http://127.0.0.1/)"}))
    assert "](" not in each["message"]["text"]


@pytest.mark.parametrize(
    ("changes", "uri"),
    [
        ({"path": "/usr/bin/x"}, "usr/bin/x"),
        ({"path": "//host/share"}, "host/share"),
        ({"path": "../../etc/./passwd"}, "etc/passwd"),
        ({"path": "/"}, "image"),
        ({"path": "a b%41#?é"}, "a%20b%2541%23%3F%C3%A9"),
        ({"path": None, "package": "javascript:alert(1)"}, "javascript%3Aalert%281%29"),
        ({"path": None, "package": "@scope/name"}, "%40scope/name"),
        ({"path": None, "package": None}, "registry.example.com/team/app%3A1"),
    ],
)
def test_a_location_is_a_relative_reference_with_a_line(changes, uri):
    (each,) = results_of(failing({**stored(FINDINGS[1]), **changes}))
    (location,) = each["locations"]
    assert location["physicalLocation"] == {"artifactLocation": {"uri": uri}, "region": {"startLine": 1}}


@pytest.mark.parametrize("text", HOSTILE_TEXTS, ids=range(len(HOSTILE_TEXTS)))
def test_no_location_leads_elsewhere(text):
    for each in results_of(hostile(text)):
        assert RELATIVE_REFERENCE.fullmatch(each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"])


@pytest.mark.parametrize("ending", every_ending())
def test_every_result_has_a_fingerprint_of_its_own(ending):
    prints = [each["partialFingerprints"]["jenkinsScan/v1"] for each in results_of(every_ending()[ending])]
    assert len(set(prints)) == len(prints)


def test_waived_findings_are_suppressed_with_the_reason():
    suppressed = [each["suppressions"] for each in results_of(every_ending()["fail"]) if "suppressions" in each]
    why = "until 2026-06-30: not reachable here (sec@example.com)"
    assert suppressed == [[{"kind": "external", "status": "accepted", "justification": why}]]


def test_a_waiver_without_an_owner_names_none():
    row = {**stored(FINDINGS[1]), "waiver": {"id": "x", "reason": "why", "expires": "2026-06-30", "owner": None}}
    (each,) = results_of(result(image(waived=(row,))))
    assert each["suppressions"][0]["justification"] == "until 2026-06-30: why"


def test_a_baseline_tells_new_from_unchanged_and_without_one_neither_is_said():
    assert [each["baselineState"] for each in results_of(every_ending()["baseline"])] == ["new", "unchanged"]
    assert all("baselineState" not in each for each in results_of(every_ending()["fail"]))


def test_the_run_tells_its_code_and_times_and_labels():
    run = run_of(every_ending()["fail"])
    (invocation,) = run["invocations"]
    assert invocation == {
        "executionSuccessful": True,
        "exitCode": 10,
        "exitCodeDescription": "policy",
        "startTimeUtc": "2026-03-01T12:00:00Z",
        "endTimeUtc": "2026-03-01T12:00:00Z",
        "toolConfigurationNotifications": [],
    }
    assert run["properties"] == {
        "verdict": "FAIL",
        "sandbox": False,
        "build": "jenkins-team-app-7",
        "buildUrl": "https://jenkins.example.com/job/team/job/app/7/",
        "commit": "4f0c2a9d1e7b4c55a1d2f3e4b5c6d7e8f9a0b1c2",
    }


@pytest.mark.parametrize(
    ("ending", "level", "text"),
    [
        ("quota", "error", "registry.example.com/team/app:1: quota: what happened: quota what to do about it"),
        ("softened", "error", "registry.example.com/team/app:1: quota: what happened: quota what to do about it"),
        ("usage", "error", "no image: usage: what happened: usage what to do about it"),
        ("interrupted", "error", "app:1: interrupted: what happened"),
        ("submitted", "warning", "NOT been judged"),
        ("partial", "warning", "baseline could not be read"),
        ("clean", "note", "SANDBOX"),
        ("several", "error", "worker:1: image: what happened: image"),
    ],
)
def test_what_was_not_judged_is_notified(ending, level, text):
    (notice,) = notifications(every_ending()[ending])
    assert notice["level"] == level
    assert text in notice["message"]["text"]
    descriptors = run_of(every_ending()[ending])["tool"]["driver"]["notifications"]
    assert notice["descriptor"] in descriptors


@pytest.mark.parametrize(
    ("ending", "expected"), [("pass", True), ("submitted", True), ("fail", True), ("quota", False), ("several", False)]
)
def test_a_run_was_successful_when_nothing_stopped_it(ending, expected):
    assert run_of(every_ending()[ending])["invocations"][0]["executionSuccessful"] is expected


def test_each_result_of_a_stand_in_says_so():
    (each,) = results_of(result(image(FINDINGS[4]), sandbox=True))
    assert each["message"]["text"].endswith("[SANDBOX]")


def test_labels_that_are_not_known_are_left_out():
    build = every_ending()["usage"].build.__class__()
    outcome = result(unjudged("usage", 2, reference=""), build=build)
    assert run_of(outcome)["properties"] == {"verdict": "ERROR", "sandbox": False}
