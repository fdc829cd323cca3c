"""Runs worth recording: what fails an image, one thing at a time, and what passes."""

from datetime import date
from typing import Any

from jenkins_scan.gate.baseline import Baseline, BaselineImage
from jenkins_scan.gate.image import Judging
from jenkins_scan.gate.policy import policy_from
from jenkins_scan.gate.waivers import Waiver
from jenkins_scan.images.interface import Store
from jenkins_scan.sandbox.conditions import ListedFinding, Lists
from jenkins_scan.sandbox.scenarios import SCENARIOS, Fault, Scenario
from jenkins_scan.security_center.client import CREATE
from jenkins_scan.security_center.finding_lists import COUNTS, LISTS, PLACES
from jenkins_scan.security_center.interface import Source
from tests.faults.recorded_runs import TIMEOUT, Scene
from tests.support.changed_answers import FINDINGS, STATUS, SUBMIT
from tests.support.images import MANIFEST, identity, resolved

LISTS_OF = {
    source.value: frozenset({COUNTS, LISTS[source].name, *([PLACES.name] if source is Source.MALICIOUS_FILE else [])})
    for source in Source
}
"""The operations that tell findings, by the kind of list."""
EVERYTHING = SUBMIT | STATUS | FINDINGS
BEFORE = SUBMIT | STATUS


def listed(kind: str, severity: str, id: str = "CVE-2024-0001", **fields: Any) -> ListedFinding:  # noqa: A002  the field's own name
    fields = {"package": "libexample", "path": "/usr/lib/example"} | fields
    return ListedFinding(kind=kind, severity=severity, id=id, **fields)


def scenario(*findings: ListedFinding, **conditions: Any) -> Scenario:
    return Scenario(name="changed", finding=findings, **conditions)


def judging(table: dict[str, Any] | None = None, fail_on: str = "high", **parts: Any) -> Judging:
    return Judging(**{"policy": policy_from(table or {}, fail_on=fail_on), "timeout": TIMEOUT, **parts})


WORST = {
    "cve": ("asap", "nntf"),
    "sca": ("asap", "nntf"),
    "baseline": ("high", "low"),
    "malicious-file": ("serious", "remind"),
    "sensitive-file": ("high", "low"),
    "build-risk": ("high", "low"),
}
"""A word above the gate and one below it, by the kind of list."""
ONE_CVE = scenario(listed("cve", "asap"))
BY_IMAGE_ID = resolved(identity())
BY_DIGEST = resolved(
    identity(
        store=Store.CONTAINERD,
        config_digest=None,
        image_id=MANIFEST,
        registry_digest=MANIFEST,
        registry_digest_from="registry",
    )
)
KNOWN = frozenset({("vulnerability", "cve-2024-0001", "libexample", "/usr/lib/example")})


FAILING = (
    Scene(name="vulnerable", scenario=SCENARIOS["vulnerable"], operations=FINDINGS),
    Scene(name="proved by both", scenario=ONE_CVE, operations=EVERYTHING),
    *(
        Scene(
            name=f"one {kind}",
            scenario=scenario(listed(kind, worst), listed(kind, mild, "CVE-2024-0002")),
            operations=LISTS_OF[kind],
        )
        for kind, (worst, mild) in WORST.items()
    ),
    Scene(name="unknown severity", scenario=SCENARIOS["unknown-severity"], operations=LISTS_OF["cve"]),
    Scene(
        name="two pages",
        scenario=scenario(listed("baseline", "low", "mild_{n}", repeat=100), listed("baseline", "high", "bad")),
        operations=LISTS_OF["baseline"],
    ),
    Scene(
        name="a row that moves between pages",
        scenario=scenario(
            listed("baseline", "high", "bad"),
            listed("baseline", "low", "mild_{n}", repeat=100),
            lists=Lists(moving=True),
        ),
        operations=frozenset({LISTS[Source.BASELINE].name}),
    ),
    Scene(name="proved by ImageId", scenario=ONE_CVE, image=BY_IMAGE_ID, operations=BEFORE),
    Scene(name="proved by a pushed digest", scenario=ONE_CVE, image=BY_DIGEST, operations=BEFORE),
    Scene(
        name="a lost answer",
        scenario=scenario(
            listed("cve", "asap"), fault=(Fault(operation=CREATE, times=1, after_effect=True, drop=True),)
        ),
        operations=STATUS,
    ),
    Scene(
        name="a fix that is there",
        scenario=scenario(listed("cve", "asap"), listed("sca", "asap")),
        judging=judging({"fixable_only": True}),
        operations=LISTS_OF["cve"] | LISTS_OF["sca"],
    ),
    Scene(
        name="denied",
        scenario=scenario(listed("cve", "nntf"), listed("baseline", "low", "ak_leak")),
        judging=judging({"deny": ["CVE-2024-0001"]}),
        operations=LISTS_OF["cve"] | LISTS_OF["baseline"],
    ),
    Scene(
        name="critical",
        scenario=scenario(listed("malicious-file", "serious")),
        judging=judging(fail_on="critical"),
        operations=LISTS_OF["malicious-file"],
    ),
    Scene(
        name="one waived, one not",
        scenario=scenario(listed("cve", "asap"), listed("cve", "asap", "CVE-2024-0002")),
        judging=judging(waivers=(Waiver(id="CVE-2024-0001", reason="accepted", expires=date(2030, 1, 1)),)),
        operations=LISTS_OF["cve"],
    ),
    Scene(
        name="one known, one new",
        scenario=scenario(listed("cve", "asap"), listed("cve", "asap", "CVE-2024-0002")),
        judging=judging(
            baseline=Baseline("b", (BaselineImage("registry.example.com:5000/team/sub/app", "FAIL", KNOWN),))
        ),
        operations=LISTS_OF["cve"],
    ),
)
"""Each ends in FAIL (10)."""

UNFINISHED = (
    *(Scene(name=name, scenario=SCENARIOS[name], operations=STATUS) for name in ("scan-failed", "scan-timeout")),
    Scene(name="stale", scenario=SCENARIOS["stale"], judging=judging(timeout=6.0), operations=STATUS),
    Scene(name="wrong-image", scenario=SCENARIOS["wrong-image"], image=BY_IMAGE_ID, operations=STATUS),
    Scene(name="partial", scenario=SCENARIOS["partial"], operations=LISTS_OF["cve"]),
)
"""Each ends in INCOMPLETE."""
TRUTHFUL = {
    # More rows than announced, then an empty page: the service has sent all that it has, which is one low finding.
    ("partial", "DescribeImageVulList, every answer: 0 for TotalCount"),
}
"""Changes of these that make an answer as true as the recorded one, by which the image passes."""

PASSING = (
    Scene(name="clean", scenario=SCENARIOS["clean"], operations=EVERYTHING),
    Scene(name="clean, proved by ImageId", scenario=SCENARIOS["clean"], image=BY_IMAGE_ID, operations=BEFORE),
    Scene(name="clean, proved by a pushed digest", scenario=SCENARIOS["clean"], image=BY_DIGEST, operations=BEFORE),
    Scene(name="an unknown status", scenario=SCENARIOS["unknown-status"], operations=STATUS),
    Scene(
        name="only mild findings",
        scenario=scenario(*(listed(kind, mild) for kind, (_, mild) in WORST.items())),
        operations=FINDINGS,
    ),
)
"""Each ends in PASS (0)."""
