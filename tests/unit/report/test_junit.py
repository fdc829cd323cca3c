"""What the test tab of Jenkins shows of a run."""

import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from jenkins_scan.report.result import ReasonEntry
from tests.support.images import pushed
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
from tests.support.schemas import junit_complaints

CLASS = "image-scan.registry-example-com-team-app"


def tree(run):
    return ET.fromstring(text_of("junit", run))  # noqa: S314  our own report


def cases(run):
    return tree(run).findall(".//testcase")


def verdict_case(run):
    return next(case for case in cases(run) if case.get("name") == "gate.verdict")


def outcomes(case):
    return [(child.tag, child.get("type")) for child in case if child.tag != "system-out"]


def test_every_report_is_valid_by_the_schema_of_the_xunit_plugin(tmp_path):
    reports = {name: text_of("junit", run) for name, run in every_ending().items()}
    reports |= {f"hostile {number}": text_of("junit", hostile(text)) for number, text in enumerate(HOSTILE_TEXTS)}
    assert junit_complaints(reports, tmp_path) == ""


def test_the_schema_check_notices_what_is_not_valid(tmp_path):
    assert "failures" in junit_complaints({"bad": '<testsuite name="x" tests="1" errors="0"/>'}, tmp_path)


@pytest.mark.parametrize(
    ("ending", "expected"),
    [
        ("pass", []),
        ("clean", []),
        ("fail", [("failure", "policy")]),
        ("baseline", [("failure", "policy")]),
        ("warn", [("failure", "warn")]),
        ("submitted", [("skipped", None)]),
        ("quota", [("error", "quota")]),
        ("softened", [("error", "quota")]),
        ("timeout", [("error", "timeout")]),
        ("usage", [("error", "usage")]),
        ("interrupted", [("error", "interrupted")]),
    ],
)
def test_the_verdict_case_tells_findings_from_trouble(ending, expected):
    assert outcomes(verdict_case(every_ending()[ending])) == expected


def test_an_image_that_was_only_checked_here_is_skipped():
    submitted = every_ending()["submitted"]
    checked = tuple(replace(each, verdict="CHECKED") for each in submitted.images)
    assert outcomes(verdict_case(replace(submitted, images=checked))) == [("skipped", None)]


def test_a_verdict_without_a_reason_does_not_pass():
    assert outcomes(verdict_case(result(unjudged("none", 17, "INCOMPLETE", reasons=())))) == [("error", "incomplete")]


def test_a_softened_policy_is_a_warning():
    soft = image(FINDINGS[1], verdict="WARN", reasons=(policy_reason(),))
    assert outcomes(verdict_case(result(soft))) == [("failure", "warn")]


def test_trouble_beside_findings_is_an_error_that_tells_both():
    stopped = ReasonEntry(slug="interrupted", code=143, message="SIGTERM arrived.", remedy="Run it again.")
    both = image(FINDINGS[1], verdict="INCOMPLETE", reasons=(policy_reason(), stopped))
    case = verdict_case(result(both))
    assert outcomes(case) == [("error", "interrupted")]
    assert "at or above the gate" in case[0].text
    assert "SIGTERM arrived." in case[0].text


def test_the_verdict_case_says_what_happened_what_was_tried_and_what_to_do():
    why = ReasonEntry(
        slug="image", code=13, message="No engine.", remedy="Start one.", request_id="REQ", tried=("docker", "podman")
    )
    element = verdict_case(result(unjudged("image", 13, reasons=(why,))))[0]
    assert element.get("message") == "ERROR image: No engine."
    assert element.text.splitlines() == [
        "image: No engine.",
        "tried docker",
        "tried podman",
        "-> Start one.",
        "request id REQ",
    ]


def test_a_list_that_could_not_be_read_and_a_stand_in_are_told_also_where_the_image_passes():
    case = verdict_case(result(image(not_fetched=("baseline",)), sandbox=True))
    assert outcomes(case) == []
    assert "baseline" in case.findtext("system-out")
    assert "SANDBOX" in case.findtext("system-out")


def test_findings_at_a_gate_fail_waived_ones_are_skipped_and_others_are_not_there():
    found = {case.get("name"): case for case in cases(every_ending()["fail"])[1:]}
    assert {name: outcomes(case) for name, case in found.items()} == {
        "malicious-file: malware/xmrig in /usr/local/bin/updater": [("failure", "policy")],
        "vulnerability: CVE-2024-5535 in openssl": [("failure", "policy")],
        "sensitive-file: ak_leak in /app/.env": [("failure", "policy")],
        "vulnerability: CVE-2023-45853 in zlib1g": [("failure", "warn")],
        "vulnerability: CVE-2022-0001 in busybox": [("skipped", None)],
    }
    assert found["vulnerability: CVE-2022-0001 in busybox"][0].get("message") == (
        "waived until 2026-06-30: not reachable here"
    )
    assert "fix: apt-get install openssl=3.0.14-1" in found["vulnerability: CVE-2024-5535 in openssl"][0].text


def test_the_history_of_a_test_survives_another_tag_and_another_version():
    def named(tag, version):
        reference = f"registry.example.com/team/app:{tag}"
        row = {**stored(FINDINGS[1]), "version": version}
        run = result(image(findings=(row,), reference=reference, verdict="FAIL", reasons=(policy_reason(),)))
        return [(case.get("classname"), case.get("name")) for case in cases(run)]

    assert named("1", "3.0.11-1") == named("2", "3.0.12-1")


def test_class_names_have_one_dot_since_jenkins_splits_packages_there():
    assert {case.get("classname") for case in cases(every_ending()["fail"])} == {CLASS}
    assert [case.get("classname") for case in cases(every_ending()["usage"])] == ["image-scan.no-name"]


def test_no_two_cases_have_one_name_also_over_the_images_of_a_repository():
    names = [(case.get("classname"), case.get("name")) for case in cases(every_ending()["several"])]
    assert len(set(names)) == len(names)
    assert {name for group, name in names if group == CLASS} >= {"gate.verdict", "gate.verdict #2"}


def test_a_name_that_looks_numbered_collides_with_none():
    rows = [{**stored(FINDINGS[1]), "package": name, "path": path} for name, path in [("a", "1"), ("a", "2")]]
    rows.append({**stored(FINDINGS[1]), "package": "a #2"})
    names = [case.get("name") for case in cases(result(image(findings=tuple(rows), verdict="FAIL")))]
    assert len(set(names)) == len(names) == 4


def test_repositories_that_differ_in_signs_alone_are_still_told_apart():
    def of(name):
        return image(reference=name, identity=pushed(reference=name, canonical=name))

    names = [(case.get("classname"), case.get("name")) for case in cases(result(of("r.io/a/b:1"), of("r.io/a-b:1")))]
    assert len(set(names)) == 2


@pytest.mark.parametrize("ending", every_ending())
def test_the_counts_are_those_of_the_tree(ending):
    root = tree(every_ending()[ending])
    for element in (root, *root.findall("testsuite")):
        for name, tag in {"tests": "testcase", "failures": "failure", "errors": "error"}.items():
            assert element.get(name) == str(len(element.findall(f".//{tag}")))
    assert len(root.findall("testsuite")) == len(every_ending()[ending].images)


def test_a_suite_is_named_by_the_image_and_labelled():
    suite = tree(every_ending()["fail"]).find("testsuite")
    assert suite.get("name") == "registry.example.com/team/app:1"
    assert {each.get("name"): each.get("value") for each in suite.find("properties")} == {
        "verdict": "FAIL",
        "task": "task-1",
        "sandbox": "false",
        "build": "jenkins-team-app-7",
    }


def test_thousands_of_findings_of_one_name_are_numbered_through():
    row = stored(FINDINGS[1])
    run = result(image(findings=tuple({**row, "path": f"/{number:05}"} for number in range(3000)), verdict="FAIL"))
    names = [case.get("name") for case in tree(run).iter("testcase")]
    assert len(set(names)) == 3001
    assert "vulnerability: CVE-2024-5535 in openssl #3000" in names
