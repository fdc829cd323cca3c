"""The gate for one image: waivers and a baseline only ever take failures away, and the deny-list yields to neither."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from jenkins_scan.findings import Kind, Severity
from jenkins_scan.gate.image import judge_image
from jenkins_scan.gate.policy import Judged, policy_from
from jenkins_scan.gate.waivers import Waiver
from tests.support.findings import finding, findings

TODAY = date(2025, 3, 14)
HIGH = policy_from({}, "high")
LEVELS = st.sampled_from(["critical", "high", "medium", "low", "none"])
POLICIES = st.builds(
    lambda fail_on, warn_on, deny, fixable_only: policy_from({"deny": deny}, fail_on, warn_on, fixable_only),
    LEVELS,
    LEVELS,
    st.lists(st.sampled_from(["CVE-2024-0001", "GHSA-*"]), max_size=1),
    st.booleans(),
)
WAIVERS = st.lists(
    st.builds(
        Waiver,
        id=st.sampled_from(["CVE-2024-0001", "cve-2024-0002", "AK_LEAK", "unreadable-row-1"]),
        reason=st.just("accepted"),
        expires=st.sampled_from([TODAY - timedelta(days=1), TODAY, TODAY + timedelta(days=400)]),
        kind=st.sampled_from([None, *Kind]),
        package=st.sampled_from([None, "open*"]),
        path=st.sampled_from([None, "/usr/*"]),
        image=st.sampled_from([None, "app:*", "web:*"]),
    ),
    max_size=4,
)


def judgement(found, policy=HIGH, *, waivers=(), known=None, **options):
    return judge_image(found, policy, today=TODAY, image_names=("app:1",), waivers=waivers, known=known, **options)


def fingerprints(found):
    return frozenset(each.fingerprint for each in found)


def waiver(name, **fields):
    return Waiver(id=name, reason="accepted", expires=TODAY, **fields)


def test_without_waivers_and_baseline_every_finding_is_open():
    low, high = finding(severity=Severity.LOW), finding("CVE-2024-0002")
    result = judgement([low, high])
    assert (result.judged, result.compared) == (Judged((high,), ()), None)
    assert (result.waived.open, result.waived.waived) == ((low, high), ())


def test_only_what_is_new_and_open_is_gated():
    old, waived, new = finding("CVE-1"), finding("CVE-2"), finding("CVE-3")
    gone = finding("CVE-4").fingerprint
    result = judgement([old, waived, new], waivers=[waiver("CVE-2")], known=fingerprints([old]) | {gone})
    assert result.judged.failing == (new,)
    assert result.waived.open == (old, new)
    assert (result.compared.new, result.compared.known, result.compared.fixed) == ((waived, new), (old,), 1)


def test_what_the_deny_list_names_fails_though_it_is_waived_and_known():
    denied = finding("CVE-1", Severity.LOW, fixable=False)
    policy = policy_from({"deny": ["cve-1"]}, "high", fixable_only=True)
    result = judgement([denied], policy, waivers=[waiver("CVE-1")], known=fingerprints([denied]))
    assert result.judged.failing == result.waived.open == (denied,)
    assert result.waived.waived == ()
    assert result.waived.unused == (waiver("CVE-1"),)


def test_a_list_that_is_not_there_proves_no_fix():
    assert judgement([], known=fingerprints([finding()]), fetched=[Kind.BASELINE]).compared.fixed == 0


@given(found=findings(), policy=POLICIES, some=WAIVERS, more=WAIVERS, known=findings(), also=findings())
def test_a_waiver_or_a_baseline_never_adds_a_failure(found, policy, some, more, known, also):
    bare = judgement(found, policy)
    fewer = judgement(found, policy, waivers=some, known=fingerprints(known))
    fewest = judgement(found, policy, waivers=[*some, *more], known=fingerprints([*known, *also]))
    for effect in ("failing", "warning"):
        counted = [set(getattr(result.judged, effect)) for result in (bare, fewer, fewest)]
        assert counted[0] >= counted[1] >= counted[2]


@given(found=findings(), waivers=WAIVERS, known=findings())
def test_no_finding_is_lost(found, waivers, known):
    result = judgement(found, waivers=waivers, known=fingerprints(known))
    waived = [each for each, _ in result.waived.waived]
    assert sorted([*waived, *result.waived.open], key=repr) == sorted(found, key=repr)
    assert len(result.compared.new) + len(result.compared.known) == len(found)


@given(found=findings(), waivers=WAIVERS, known=findings())
def test_a_row_that_could_not_be_understood_passes_no_high_gate(found, waivers, known):
    row = finding("unreadable-row-7", Severity.UNKNOWN)
    result = judgement([*found, row], waivers=waivers, known=fingerprints([*known, row]))
    assert row in result.judged.failing


@given(found=findings(), policy=POLICIES, waivers=WAIVERS, known=findings(), random=st.randoms(use_true_random=False))
def test_the_order_of_findings_does_not_matter(found, policy, waivers, known, random):
    one = judgement(found, policy, waivers=waivers, known=fingerprints(known))
    other = judgement(random.sample(found, len(found)), policy, waivers=waivers, known=fingerprints(known))
    assert set(one.judged.failing) == set(other.judged.failing)
    assert set(one.judged.warning) == set(other.judged.warning)
    assert set(one.waived.waived) == set(other.waived.waived)
    assert (one.waived.unused, one.compared.fixed) == (other.waived.unused, other.compared.fixed)
