"""The policy: what stops an image, how two policies become one, and how it is written down."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jenkins_scan.errors import ConfigurationError
from jenkins_scan.findings import Kind, Severity
from jenkins_scan.gate.policy import (
    Effect,
    Gate,
    Judged,
    Policy,
    gates_never_met,
    judge_findings,
    policy_from,
    stricter,
)
from tests.support.findings import finding, findings

LEVELS = ["critical", "high", "medium", "low", "none"]
SECTION = st.fixed_dictionaries(
    {},
    optional={
        "fail_on": st.sampled_from(LEVELS),
        "warn_on": st.sampled_from(LEVELS),
        "fixable_only": st.booleans(),
    },
)
TABLES = st.tuples(
    SECTION,
    st.dictionaries(st.sampled_from([*map(str, Kind)]), SECTION, max_size=3),
    st.fixed_dictionaries({}, optional={"deny": st.lists(st.sampled_from(["CVE-2024-*", "ghsa-1", "AK_leak"]))}),
).map(lambda parts: {**parts[0], **parts[1], **parts[2]})
POLICIES = TABLES.map(policy_from)


def failing(found, policy):
    return set(judge_findings(found, policy).failing)


def stopped(found, policy):
    judged = judge_findings(found, policy)
    return {*judged.failing, *judged.warning}


@pytest.mark.parametrize(
    ("gate", "stops"),
    [
        ("critical", {"critical"}),
        ("high", {"critical", "high", "unknown"}),
        ("medium", {"critical", "high", "unknown", "medium"}),
        ("low", {"critical", "high", "unknown", "medium", "low"}),
        ("none", set()),
    ],
)
def test_a_gate_stops_what_is_at_or_above_it(gate, stops):
    found = [finding(severity=severity) for severity in Severity]
    assert {each.severity.value for each in failing(found, policy_from({}, gate))} == stops


def test_what_fails_does_not_warn_as_well_and_the_order_stays():
    low, high, medium = (finding(severity=severity) for severity in (Severity.LOW, Severity.HIGH, Severity.MEDIUM))
    judged = judge_findings([low, high, medium, high], policy_from({}, "high", "medium"))
    assert judged == Judged(failing=(high, high), warning=(medium,))


@pytest.mark.parametrize(("fixable", "stops"), [(True, True), (False, False), (None, True)])
def test_fixable_only_lets_through_what_is_known_to_have_no_fix(fixable, stops):
    one = finding(fixable=fixable)
    assert (one in failing([one], policy_from({}, "high", fixable_only=True))) is stops
    assert failing([one], policy_from({}, "high")) == {one}


@pytest.mark.parametrize(
    ("deny", "stops"),
    [
        ("CVE-2024-0001", True),
        ("cve-2024-*", True),
        ("CVE-2024-000[12]", True),
        ("GHSA-aaaa", True),
        ("*", True),
        ("CVE-2024", False),
        ("CVE-2024-00011", False),
        ("ghsa-a", False),
    ],
)
def test_the_deny_list_fails_an_id_or_alias_whatever_its_severity(deny, stops):
    policy = policy_from({"deny": ["other", deny]}, fixable_only=True)
    low = finding(severity=Severity.LOW, fixable=False, aliases=("GHSA-AAAA",))
    assert (low in failing([low], policy)) is stops


def test_a_kind_may_have_gates_of_its_own():
    policy = policy_from(
        {
            "fail_on": "high",
            "warn_on": "low",
            "vulnerability": {"fail_on": "medium", "fixable_only": True},
            "build-risk": {"fail_on": "none"},
        }
    )
    assert policy.fail_on == {
        Kind.VULNERABILITY: Severity.MEDIUM,
        Kind.BASELINE: Severity.HIGH,
        Kind.MALICIOUS_FILE: Severity.HIGH,
        Kind.SENSITIVE_FILE: Severity.HIGH,
        Kind.BUILD_RISK: None,
    }
    assert set(policy.warn_on.values()) == {Severity.LOW}
    assert Gate(Kind.VULNERABILITY, Effect.FAIL, Severity.MEDIUM, fixable_only=True) in policy.gates
    assert Gate(Kind.BASELINE, Effect.FAIL, Severity.HIGH) in policy.gates
    assert policy.gated_kinds == set(Kind)
    assert not policy.fixable_only


def test_an_option_wins_over_the_table_for_all_kinds():
    policy = policy_from(
        {"warn_on": "low", "fixable_only": True, "vulnerability": {"fail_on": "low", "fixable_only": True}},
        fail_on="critical",
        warn_on="none",
        fixable_only=False,
    )
    assert policy == Policy(frozenset(Gate(kind, Effect.FAIL, Severity.CRITICAL) for kind in Kind))


@pytest.mark.parametrize(
    ("policy", "kinds"),
    [
        (Policy(), set()),
        (policy_from({}, "none", "none", fixable_only=True), set()),
        (policy_from({"vulnerability": {"warn_on": "low"}}), {Kind.VULNERABILITY}),
        (policy_from({"deny": ["CVE-1"]}), set(Kind)),
        (policy_from({}, "high", fixable_only=True), set(Kind)),
    ],
)
def test_a_policy_knows_which_lists_it_needs(policy, kinds):
    assert policy.gated_kinds == kinds
    assert policy.has_gate is bool(kinds)


def test_the_stricter_of_two_stops_what_either_stops():
    flags = policy_from({}, "high", fixable_only=True)
    file = policy_from({"vulnerability": {"fail_on": "critical"}, "baseline": {"fail_on": "low"}, "deny": ["GHSA-1"]})
    both = stricter(flags, file)
    assert both == stricter(file, flags)
    assert both.fail_on[Kind.VULNERABILITY] is Severity.HIGH
    assert both.fail_on[Kind.BASELINE] is Severity.LOW
    assert both.fail_on[Kind.BUILD_RISK] is Severity.HIGH
    unfixable = finding(fixable=False)
    assert failing([unfixable], both) == set()
    assert failing([finding(severity=Severity.CRITICAL, fixable=False)], both)
    assert failing([finding(severity=Severity.LOW, aliases=("GHSA-1",))], both)
    assert flags.fixable_only
    assert not both.fixable_only


def test_critical_where_the_service_knows_none_warns_once():
    (warning,) = gates_never_met(policy_from({}, "critical", "critical"))
    assert "vulnerability, baseline, sensitive-file, build-risk" in warning
    assert "malicious-file" not in warning
    assert warning.endswith("gate them at high.")


@pytest.mark.parametrize(
    "policy",
    [
        Policy(),
        policy_from({}, "high", "low"),
        policy_from({"malicious-file": {"fail_on": "critical"}}),
        stricter(policy_from({}, "critical"), policy_from({}, "high")),
    ],
)
def test_a_gate_that_can_be_met_warns_of_nothing(policy):
    assert gates_never_met(policy) == ()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"fail-on": "high"}, "[policy]: unknown key 'fail-on'; did you mean 'fail_on'?"),
        ({"Vulnerabilities": {}}, "[policy]: unknown key 'Vulnerabilities'; did you mean 'vulnerability'?"),
        ({"zzz": 1}, "[policy]: unknown key 'zzz'."),
        ({"baseline": {"deny": []}}, "[policy] baseline: unknown key 'deny'."),
        ({"baseline": "high"}, "[policy] baseline: must be a table."),
        ("high", "[policy]: must be a table."),
        (
            {"vulnerability": {"fail_on": "hihg"}},
            f"[policy] vulnerability: fail_on must be one of {', '.join(LEVELS)}, not 'hihg'; did you mean 'high'?",
        ),
        ({"warn_on": "unknown"}, "[policy]: warn_on must be one of critical, high, medium, low, none, not 'unknown'."),
        ({"warn_on": 1}, "[policy]: warn_on must be one of critical, high, medium, low, none, not '1'."),
        ({"fail_on": ["high"]}, "[policy]: fail_on must be one of critical, high, medium, low, none, not \"['high']\""),
        ({"fixable_only": "yes"}, "[policy]: fixable_only must be true or false."),
        ({"deny": "CVE-1"}, "[policy]: deny must be a list of ids, each of 1 to 200 characters."),
        ({"deny": ["CVE-1", 2]}, "[policy]: deny must be a list of ids"),
        ({"deny": [" "]}, "[policy]: deny must be a list of ids"),
        ({"deny": ["x" * 201]}, "[policy]: deny must be a list of ids"),
    ],
)
def test_a_policy_that_cannot_be_meant_is_refused(table, message):
    with pytest.raises(ConfigurationError) as caught:
        policy_from(table)
    assert caught.value.message.startswith(message)
    assert caught.value.exit_code == 2
    assert "sensitive-file" in caught.value.remedy


def test_an_option_that_cannot_be_meant_is_refused():
    with pytest.raises(ConfigurationError, match=r"the options: fail_on must be one of .* did you mean 'medium'"):
        policy_from({}, fail_on="medum")


@given(found=findings(), one=POLICIES, other=POLICIES)
def test_a_stricter_policy_never_removes_a_failure(found, one, other):
    both = stricter(one, other)
    assert failing(found, one) | failing(found, other) == failing(found, both)
    assert stopped(found, one) | stopped(found, other) == stopped(found, both)


@given(found=findings(), kinds=st.sets(st.sampled_from(Kind)), low=st.integers(0, 3), high=st.integers(0, 3))
def test_a_lower_threshold_never_removes_a_failure(found, kinds, low, high):
    low, high = max(low, high), min(low, high)
    at = [policy_from({kind: {"fail_on": LEVELS[level]} for kind in kinds}) for level in (low, high)]
    assert failing(found, at[0]) >= failing(found, at[1])


@given(found=findings(), policy=POLICIES)
def test_letting_the_unfixable_through_never_adds_a_failure(found, policy):
    relaxed = Policy(
        frozenset(Gate(g.kind, g.effect, g.severity, fixable_only=True) for g in policy.gates), policy.deny
    )
    assert failing(found, relaxed) <= failing(found, policy)


@given(found=findings(), gate=st.sampled_from(["high", "medium", "low"]))
def test_an_unknown_severity_never_passes_a_gate_at_high_or_below(found, gate):
    assert {each for each in found if each.severity is Severity.UNKNOWN} <= failing(found, policy_from({}, gate))


@given(found=findings(), policy=POLICIES, random=st.randoms(use_true_random=False))
def test_the_order_of_findings_does_not_matter(found, policy, random):
    shuffled = random.sample(found, len(found))
    assert failing(shuffled, policy) == failing(found, policy)
    assert stopped(shuffled, policy) == stopped(found, policy)
