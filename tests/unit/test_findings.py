"""What a finding is: the service's words mapped, an unknown one never below high, and what makes it the same again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jenkins_scan.findings import Finding, Kind, Severity, severity_of
from tests.support.findings import finding

WORDS = {
    "asap": "high",
    "later": "medium",
    "nntf": "low",
    "serious": "critical",
    "suspicious": "high",
    "remind": "low",
    "critical": "critical",
    "high": "high",
    "medium": "medium",
    "low": "low",
}
ORDER = [Severity.LOW, Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL]


@pytest.mark.parametrize(("word", "severity"), WORDS.items())
def test_a_word_of_the_service_means_one_severity(word, severity):
    assert severity_of(word) is severity_of(f" {word.upper()} ") is Severity(severity)


@pytest.mark.parametrize("word", [None, "", "  ", "unknown", "none", "0", "negligible", "高"])
def test_any_other_word_is_unknown(word):
    assert severity_of(word) is Severity.UNKNOWN


@given(st.text())
def test_no_word_is_without_a_severity(word):
    assert severity_of(word) is Severity(WORDS.get(word.strip().lower(), "unknown"))


@pytest.mark.parametrize("severity", ORDER)
@pytest.mark.parametrize("gate", ORDER)
def test_severities_are_in_order(severity, gate):
    assert severity.is_at_least(gate) == (ORDER.index(severity) >= ORDER.index(gate))


@pytest.mark.parametrize("gate", ORDER)
def test_an_unknown_severity_counts_as_high(gate):
    assert Severity.UNKNOWN.is_at_least(gate) == Severity.HIGH.is_at_least(gate)
    assert gate.is_at_least(Severity.UNKNOWN) == gate.is_at_least(Severity.HIGH)


@pytest.mark.parametrize(
    "other", [{"version": "2"}, {"layer": "abc"}, {"severity": Severity.LOW}, {"fixable": True}, {"title": "renamed"}]
)
def test_it_is_the_same_finding_in_another_build(other):
    assert finding(**other).fingerprint == finding().fingerprint


@pytest.mark.parametrize(
    "other", [{"kind": Kind.BASELINE}, {"id": "CVE-2024-0002"}, {"package": None}, {"path": "/usr/lib/x.so"}]
)
def test_it_is_another_finding(other):
    assert finding(**other).fingerprint != finding().fingerprint


def test_what_is_not_known_of_a_finding_is_none():
    bare = Finding(kind=Kind.BUILD_RISK, id="no_user", severity=Severity.MEDIUM, title="Runs as root")
    assert bare.fingerprint == ("build-risk", "no_user", "", "")
    assert (bare.fixable, bare.package, bare.path, bare.layer, bare.aliases) == (None, None, None, None, ())
