"""The judgement of one image over a service that says what the test wants."""

from datetime import date

import pytest

from jenkins_scan import errors
from jenkins_scan.findings import Kind, Severity
from jenkins_scan.gate.baseline import Baseline, BaselineImage
from jenkins_scan.gate.image import Judging, judge_image
from jenkins_scan.gate.names import repository_of
from jenkins_scan.gate.policy import policy_from
from jenkins_scan.security_center.interface import Answer, CreatedTask, FindingList, Phase, ScanRequest, TaskStatus
from jenkins_scan.step.jury import LEAST_READING, Jury, baseline_of, require_policy, warn
from jenkins_scan.step.record import ImageRun, TaskRecord
from jenkins_scan.step.submission import Submission
from tests.support.center import NOON, FakeClock
from tests.support.findings import finding
from tests.support.images import CONFIG, MANIFEST, NAME, pushed

REQUEST = ScanRequest(
    repo_name="app", tag="1", digest=MANIFEST.removeprefix("sha256:"), image_id=CONFIG.removeprefix("sha256:")
)


class Center:
    """One task that has ended well; every list is empty. Each answer takes a while."""

    def __init__(self, clock, *, is_sandbox=False, takes=0.0):
        self.clock, self.is_sandbox, self.takes = clock, is_sandbox, takes
        self.tasks = self.results = self
        self.deadlines = []

    def latest(self, digest, *, deadline):
        self.clock.advance(self.takes)
        row = TaskStatus(source="op", phase=Phase.GOOD, word="SUCCESS", task_id="OURS", digest=digest)
        return Answer((row,), None, None)

    def of_image(self, *, digest=None, image_id=None, deadline):
        return Answer((), None, None)

    by_id = latest

    def findings(self, source, image, *, deadline):
        self.deadlines.append(deadline)
        return FindingList(source=source, findings=(), complete=True, total=0, received=0)

    def counts(self, image, *, deadline):
        return Answer({}, None, None)


@pytest.fixture
def image():
    return ImageRun(
        NAME,
        identity=pushed(),
        submission=Submission(REQUEST, "registry"),
        task=TaskRecord(CreatedTask("OURS"), NOON, by_service=True),
    )


def judging(baseline=None, timeout=600.0):
    return Judging(policy=policy_from({}, fail_on="high"), timeout=timeout, waivers=(), baseline=baseline)


@pytest.mark.parametrize("is_sandbox", [True, False])
def test_a_baseline_of_the_sandbox_is_refused_when_the_answers_turn_out_to_be_real(image, is_sandbox):
    """The address alone does not tell: a tunnel to the service may end on this machine."""
    known = BaselineImage(repository_of(NAME, None, "app"), "PASS", frozenset())
    clock = FakeClock()
    jury = Jury(
        judging(Baseline("baseline b.json", (known,), by_sandbox=True)), Center(clock, is_sandbox=is_sandbox), clock
    )
    if is_sandbox:
        jury.judge(image)
        assert image.judgement is not None
        return
    with pytest.raises(errors.ConfigurationError, match="the sandbox made it"):
        jury.judge(image)
    assert (image.judgement, image.proof) == (None, None)


@pytest.mark.parametrize(
    ("by_sandbox", "repository", "said"),
    [(True, "app", "the sandbox made it"), (False, "web", "not of "), (False, "app", None)],
)
def test_an_optional_baseline_that_does_not_fit_is_left_out_and_said_once(image, by_sandbox, repository, said):
    known = BaselineImage(repository_of(NAME.replace("app", repository), None, repository), "PASS", frozenset())
    clock = FakeClock()
    judged_by = judging(Baseline("the baseline of app #3", (known,), by_sandbox=by_sandbox, optional=True))
    assert (baseline_of(judged_by, image, real=True) is None) == (said is not None)
    Jury(judged_by, Center(clock), clock).judge(image)
    assert (image.judgement.compared is None) == (said is not None)
    told = [warning for warning in image.warnings if warning.endswith("Every finding counts as new.")]
    assert len(told) == (said is not None)
    assert all(said in warning and "the baseline of app #3" in warning for warning in told)


@pytest.mark.parametrize(("takes", "left"), [(0.0, 600.0), (590.0, LEAST_READING), (610.0, LEAST_READING)])
def test_one_deadline_holds_for_everything_but_a_last_reading(image, takes, left):
    clock = FakeClock()
    center = Center(clock, takes=takes)
    Jury(judging(timeout=600.0), center, clock).judge(image)
    read_at = {deadline - clock.monotonic() for deadline in center.deadlines}
    assert max(read_at) <= left
    assert min(read_at) > left - 5  # the looks for the image's own row take two seconds
    assert image.judgement.judged.failing == ()


KEYS = [
    finding(
        "local/private-key",
        kind=Kind.SENSITIVE_FILE,
        package=None,
        path=f"/app/k{number}/id_rsa",
        source="local",
        layer="sha256:ab",
    )
    for number in range(30)
]
IN_BUILD = finding(
    "local/secret-in-env",
    kind=Kind.BUILD_RISK,
    package=None,
    path="ENV TOKEN=****",
    source="local",
    layer="history line 3",
)


@pytest.mark.parametrize(
    ("table", "found", "said"),
    [
        (
            {"fail_on": "high"},
            [IN_BUILD, *KEYS],
            (
                "31 findings at or above the gate (high): local/secret-in-env (high) in history line 3 "
                "(ENV TOKEN=****); 30 times local/private-key (high), first in /app/k0/id_rsa."
            ),
        ),
        (
            {"fail_on": "high", "build-risk": {"fail_on": "medium"}},
            [KEYS[0], IN_BUILD],
            (
                "2 findings at or above the gate (sensitive-file: high, build-risk: medium): local/private-key (high) "
                "in /app/k0/id_rsa; local/secret-in-env (high) in history line 3 (ENV TOKEN=****)."
            ),
        ),
        (
            {"deny": ["cve-*"]},
            [finding(version="3.0.11", severity=Severity.LOW)],
            "1 finding denied by the policy: CVE-2024-0001 (low) in openssl 3.0.11.",
        ),
        (
            {"fail_on": "high", "deny": ["*-0001"]},
            [finding(severity=Severity.LOW), finding("root", Severity.CRITICAL, package=None)],
            "2 findings at or above the gate (high), or denied: root (critical); CVE-2024-0001 (low) in openssl.",
        ),
        (
            {"fail_on": "low"},
            [finding("same", package=None)] * 2,
            "2 findings at or above the gate (low): 2 times same (high).",
        ),
        (
            {"fail_on": "low"},
            [finding(f"CVE-{number}", package=None) for number in range(7)],
            (
                "7 findings at or above the gate (low): CVE-0 (high); CVE-1 (high); CVE-2 (high); CVE-3 (high); "
                "CVE-4 (high); and 2 more."
            ),
        ),
    ],
)
def test_a_failure_says_what_where_and_by_which_gate(table, found, said):
    policy = policy_from(table)
    judgement = judge_image(found, policy, today=date(2026, 1, 1), image_names=())
    with pytest.raises(errors.PolicyFailed) as failed:
        require_policy(judgement, policy)
    assert failed.value.message == said


def test_a_warning_names_the_gate_that_warns():
    by = Judging(policy=policy_from({}, fail_on="critical", warn_on="medium"), timeout=None)
    judgement = judge_image([KEYS[0]], by.policy, today=date(2026, 1, 1), image_names=())
    require_policy(judgement, by.policy)
    image = ImageRun(NAME, judgement=judgement)
    warn(image, by)
    assert image.error.message == (
        "1 finding at or above the warning gate (medium): local/private-key (high) in /app/k0/id_rsa."
    )
