"""What the issues tab of Jenkins shows of a run, by the rules of its strict reader."""

import json

import pytest

from jenkins_scan.report.result import ReasonEntry
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

FIELDS = {
    *("fileName", "category", "type", "severity", "message", "description", "packageName", "moduleName"),
    *("fingerprint", "additionalProperties"),
}
RESULTS = {**every_ending(), **{f"hostile-{number}": hostile(text) for number, text in enumerate(HOSTILE_TEXTS)}}


def issues_of(run):
    content = json.loads(text_of("issues", run))
    assert content.keys() == {"issues"}
    return content["issues"]


@pytest.mark.parametrize("name", RESULTS)
def test_the_reader_of_jenkins_gets_nothing_that_it_refuses(name):
    issues = issues_of(RESULTS[name])
    for issue in issues:
        assert issue.keys() <= FIELDS
        assert {"fileName", "category", "type", "severity", "message", "moduleName", "fingerprint"} <= issue.keys()
        assert all(isinstance(text, str) and text for text in issue.values())
        assert issue["severity"] in {"ERROR", "HIGH", "NORMAL", "LOW"}
    prints = [issue["fingerprint"] for issue in issues]
    assert len(set(prints)) == len(prints)


def test_five_severities_become_four():
    assert [(issue["type"], issue["severity"]) for issue in issues_of(every_ending()["fail"])] == [
        ("malware/xmrig", "ERROR"),
        ("CVE-2024-5535", "HIGH"),
        ("ak_leak", "HIGH"),
        ("CVE-2023-45853", "NORMAL"),
        ("root-user", "LOW"),
    ]


def test_a_finding_is_an_issue_of_the_image_in_its_package():
    issue = next(issue for issue in issues_of(every_ending()["baseline"]) if issue["type"] == "CVE-2024-5535")
    assert len(issue.pop("fingerprint")) == 32
    assert issue == {
        "fileName": "openssl",
        "category": "vulnerability",
        "type": "CVE-2024-5535",
        "severity": "HIGH",
        "message": "CVE-2024-5535 openssl 3.0.11-1 openssl: buffer over-read in SSL_select_next_proto",
        "description": "<ul><li>Title: openssl: buffer over-read in SSL_select_next_proto</li>"
        "<li>Installed: 3.0.11-1</li><li>Fix: apt-get install openssl=3.0.14-1</li>"
        "<li>Also known as: DSA-5741-1</li></ul>",
        "packageName": "openssl",
        "moduleName": "registry.example.com/team/app:1",
        "additionalProperties": "known",
    }


def test_a_finding_tells_its_gate_and_whether_it_is_new():
    assert [issue.get("additionalProperties") for issue in issues_of(every_ending()["baseline"])] == [
        "gate:fail new",
        "known",
    ]


def test_the_fingerprint_survives_another_tag_and_another_version():
    def fingerprint(tag, version):
        reference = f"registry.example.com/team/app:{tag}"
        (issue,) = issues_of(
            result(image(findings=({**stored(FINDINGS[1]), "version": version},), reference=reference))
        )
        return issue["fingerprint"]

    assert fingerprint("1", "3.0.11-1") == fingerprint("2", "3.0.12-1")


def test_waived_findings_are_left_out_since_every_issue_counts():
    assert "CVE-2022-0001" not in text_of("issues", every_ending()["fail"])


@pytest.mark.parametrize(
    ("ending", "slug", "severity"),
    [
        ("submitted", "submitted", "NORMAL"),
        ("quota", "quota", "ERROR"),
        ("softened", "quota", "ERROR"),
        ("timeout", "timeout", "ERROR"),
        ("usage", "usage", "ERROR"),
        ("interrupted", "interrupted", "ERROR"),
        ("clean", "sandbox", "LOW"),
    ],
)
def test_an_image_that_was_not_judged_never_has_an_empty_list(ending, slug, severity):
    (issue,) = issues_of(every_ending()[ending])
    assert (issue["category"], issue["type"], issue["severity"]) == ("scan", slug, severity)


def test_a_list_that_was_not_read_stands_beside_the_findings():
    assert [(issue["category"], issue["type"]) for issue in issues_of(every_ending()["partial"])] == [
        ("scan", "not-fetched:baseline"),
        ("vulnerability", "CVE-2024-5535"),
    ]


def test_a_judged_image_without_findings_has_an_empty_list():
    assert issues_of(result(image())) == []


def test_reasons_that_are_findings_are_no_issues_of_their_own():
    found = issues_of(result(image(FINDINGS[1], verdict="FAIL", reasons=(policy_reason(),))))
    assert [issue["type"] for issue in found] == ["CVE-2024-5535"]


def test_images_of_one_repository_that_lack_the_same_have_fingerprints_of_their_own():
    first, second = issues_of(result(unjudged("quota", 12, "FAIL"), unjudged("quota", 12, "FAIL")))
    assert first["fingerprint"] != second["fingerprint"]


def test_what_jenkins_shows_as_html_is_escaped():
    bad = "<img src=x onerror=alert(1)>&\"'"
    row = {**stored(FINDINGS[1]), "title": bad, "fix": bad, "path": bad, "version": bad, "aliases": [bad]}
    why = ReasonEntry(slug="image", code=13, message=bad, remedy=bad)
    descriptions = [issue["description"] for issue in issues_of(result(image(findings=(row,), reasons=(why,))))]
    for text in descriptions:
        assert "<img" not in text
        assert "&lt;img src=x onerror=alert(1)&gt;&amp;&quot;&#x27;" in text
