"""Results of whole runs, as the reports get them: one for each way in which a run can end, and a hostile one."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from types import MappingProxyType
from typing import Any

from jenkins_scan.findings import Finding, Kind, Severity
from jenkins_scan.gate.policy import judge_findings, policy_from
from jenkins_scan.jenkins.environment import read_build
from jenkins_scan.report.formats import renderer_of
from jenkins_scan.report.result import (
    ImageResult,
    ImageTask,
    Policy,
    QuotaEntry,
    ReasonEntry,
    Result,
    Sent,
    ServiceEntry,
    TaskEntry,
    ToolEntry,
)
from tests.support.images import pushed

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
BUILD = read_build(
    {
        "JENKINS_URL": "https://jenkins.example.com/",
        "BUILD_URL": "https://jenkins.example.com/job/team/job/app/7/",
        "JOB_NAME": "team/app",
        "BUILD_NUMBER": "7",
        "BUILD_TAG": "jenkins-team-app-7",
        "GIT_COMMIT": "4f0c2a9d1e7b4c55a1d2f3e4b5c6d7e8f9a0b1c2",
        "GIT_BRANCH": "main",
    }
)
FINDINGS = (
    Finding(
        kind=Kind.MALICIOUS_FILE,
        id="malware/xmrig",
        severity=Severity.CRITICAL,
        title="Mining program",
        path="/usr/local/bin/updater",
        layer="sha256:" + "ab" * 32,
        source="malicious-file",
    ),
    Finding(
        kind=Kind.VULNERABILITY,
        id="CVE-2024-5535",
        severity=Severity.HIGH,
        title="openssl: buffer over-read in SSL_select_next_proto",
        package="openssl",
        version="3.0.11-1",
        fixable=True,
        fix="apt-get install openssl=3.0.14-1",
        aliases=("DSA-5741-1",),
        source="cve",
    ),
    Finding(
        kind=Kind.VULNERABILITY,
        id="CVE-2023-45853",
        severity=Severity.MEDIUM,
        title="zlib: integer overflow in MiniZip",
        package="zlib1g",
        version="1:1.2.13",
        fixable=False,
        source="cve",
    ),
    Finding(kind=Kind.SENSITIVE_FILE, id="ak_leak", severity=Severity.UNKNOWN, title="AccessKey", path="/app/.env"),
    Finding(kind=Kind.BUILD_RISK, id="root-user", severity=Severity.LOW, title="Runs as root"),
)
LOOKED_AT = (Kind.BUILD_RISK, Kind.SENSITIVE_FILE)
LOCAL = Finding(
    kind=Kind.BUILD_RISK,
    id="local/unpinned-install",
    severity=Severity.LOW,
    title="Installed without a version: curl",
    path="RUN apt-get install curl && curl -O https://example.com/../tool",
    fixable=True,
    fix="Name what it has to be.",
    layer="history line 4",
    source="local",
)
WAIVED = Finding(
    kind=Kind.VULNERABILITY,
    id="CVE-2022-0001",
    severity=Severity.HIGH,
    title="busybox: something accepted",
    package="busybox",
    version="1.35",
    fixable=False,
    source="cve",
)
WAIVER = {"id": "CVE-2022-0001", "reason": "not reachable here", "expires": "2026-06-30", "owner": "sec@example.com"}
POLICY = Policy(
    min_quota=1,
    soft=(),
    fail_on=dict.fromkeys((kind.value for kind in Kind), "high"),
    warn_on=dict.fromkeys((kind.value for kind in Kind), "medium"),
    fixable_only=False,
    deny=(),
    timeout=900.0,
)


def stored(finding: Finding, *, known: bool | None = None) -> dict[str, Any]:
    """The finding as result.json has it, judged by fail-on high and warn-on medium."""
    judged = judge_findings([finding], policy_from({}, "high", "medium"))
    gate = "fail" if judged.failing else "warn" if judged.warning else None
    fields = {name: getattr(finding, name) for name in Finding.__slots__}
    return {**fields, "aliases": list(finding.aliases), "gate": None if known else gate, "known": known}


def image(
    *findings: Finding,
    verdict: str = "PASS",
    reasons: tuple[ReasonEntry, ...] = (),
    reference: str = "registry.example.com/team/app:1",
    **changes: Any,
) -> ImageResult:
    """A judged image with these open findings."""
    rows = [stored(each) for each in findings]
    counts = {kind.value: {level.value: 0 for level in Severity} for kind in Kind}
    for row in rows:
        counts[row["kind"]][row["severity"]] += 1
    known = {
        "reference": reference,
        "identity": pushed(reference=reference, canonical=reference),
        "sent": Sent(
            namespace="team",
            repo_name="app",
            tag="1",
            digest="cd" * 32,
            digest_from="registry_head",
            image_id="sha256:" + "ef" * 32,
            image_size=1000,
            image_create=None,
            image_update=None,
            uuid=None,
            source_ip=None,
            jenkins_env=None,
        ),
        "request_id": "REQ-1",
        "task": ImageTask(id="task-1", status="succeeded", opened_at=NOW, opened_by_service=True, finished_at=NOW),
        "verdict": verdict,
        "reasons": reasons,
        "proof": "digest",
        "counts": counts,
        "not_fetched": (),
        "findings": tuple(rows),
    }
    return ImageResult(**{**known, **changes})


def result(*images: ImageResult, exit_code: int = 0, reason: str | None = None, **changes: Any) -> Result:
    """The result of a run over these images; its verdict is that of the first."""
    known = {
        "tool": ToolEntry(version="0.1.0"),
        "started_at": NOW,
        "finished_at": NOW,
        "verdict": images[0].verdict,
        "reason": reason,
        "exit_code": exit_code,
        "sandbox": False,
        "build": BUILD,
        "service": ServiceEntry(endpoint="https://tds.cn-hangzhou.aliyuncs.com", region="cn-hangzhou"),
        "policy": POLICY,
        "quota": QuotaEntry(
            capacity=100, used=40, remaining=60, minimum=1, returned_capacity=100, source="DescribeImageScanAuthCount"
        ),
        "images": images,
        "tasks": tuple(
            TaskEntry(id=each.task.id, operation="CreateJenkinsImageScanTask", status=each.task.status)
            for each in images
            if each.task is not None and each.task.id is not None
        ),
        "warnings": (),
    }
    return Result(**{**known, **changes})


def unjudged(slug: str, code: int, verdict: str = "ERROR", **changes: Any) -> ImageResult:
    """An image of which nothing was found out."""
    why = ReasonEntry(slug=slug, code=code, message=f"what happened: {slug}", remedy="what to do about it")
    nothing: dict[str, Any] = {
        "reasons": (why,),
        "proof": None,
        "counts": {},
        "not_fetched": None,
        "task": None,
        "request_id": None,
    }
    return image(verdict=verdict, **{**nothing, **changes})


def policy_reason(slug: str = "policy", code: int = 10) -> ReasonEntry:
    """Why findings decided."""
    return ReasonEntry(
        slug=slug, code=code, message="3 findings at or above the gate (high).", remedy="Mend or waive them."
    )


@cache
def every_ending() -> Mapping[str, Result]:
    """A result for each way in which a run can end, by name. Made once: hundreds of tests ask for it."""
    failing = image(
        *FINDINGS,
        verdict="FAIL",
        reasons=(policy_reason(),),
        waived=({**stored(WAIVED), "gate": None, "waiver": WAIVER},),
    )
    compared = image(
        verdict="FAIL",
        reasons=(policy_reason(),),
        findings=(stored(FINDINGS[0], known=False), stored(FINDINGS[1], known=True)),
        counts={kind.value: {level.value: 0 for level in Severity} for kind in Kind}
        | {"malicious-file": {"critical": 1, "high": 0, "medium": 0, "low": 0, "unknown": 0}}
        | {"vulnerability": {"critical": 0, "high": 1, "medium": 0, "low": 0, "unknown": 0}},
        new=1,
        known=1,
        fixed=2,
    )
    opened: dict[str, Any] = {"task": ImageTask(id="task-1", status="submitted", opened_at=NOW), "request_id": "REQ-1"}
    running = replace(opened["task"], status="running")
    submitted = unjudged("none", 0, "SUBMITTED", reasons=(), **opened)
    endings = {
        "pass": result(image(FINDINGS[4])),
        "clean": result(image(), sandbox=True, service=ServiceEntry(endpoint="sandbox", region=None)),
        "fail": result(failing, exit_code=10, reason="policy", warnings=("the waiver of CVE-2022-0001 ends soon.",)),
        "baseline": result(compared, exit_code=10, reason="policy"),
        "warn": result(
            image(FINDINGS[2], verdict="WARN", reasons=(policy_reason("warn", 11),)), exit_code=11, reason="warn"
        ),
        "submitted": result(submitted),
        "quota": result(unjudged("quota", 12, "FAIL"), exit_code=12, reason="quota"),
        "softened": result(unjudged("quota", 12, "WARN"), exit_code=11, reason="warn"),
        "timeout": result(
            unjudged(
                "timeout",
                16,
                "INCOMPLETE",
                request_id="REQ-1",
                task=running,
            ),
            exit_code=16,
            reason="timeout",
        ),
        "usage": result(unjudged("usage", 2, reference="", identity=None, sent=None), exit_code=2, reason="usage"),
        "partial": result(
            image(FINDINGS[1], verdict="FAIL", reasons=(policy_reason(),), not_fetched=("baseline",)),
            exit_code=10,
            reason="policy",
        ),
        "several": result(
            failing,
            image(
                FINDINGS[1],
                verdict="FAIL",
                reasons=(policy_reason(),),
                reference="registry.example.com/team/app:2",
            ),
            unjudged("image", 13, reference="worker:1", identity=None, sent=None),
            exit_code=10,
            reason="policy",
        ),
        "checked": result(
            image(
                LOCAL,
                verdict="CHECKED",
                sent=None,
                task=None,
                request_id=None,
                proof="bytes",
                counts={kind.value: {level.value: 0 for level in Severity} for kind in LOOKED_AT}
                | {"build-risk": {level.value: int(level is LOCAL.severity) for level in Severity}},
                not_fetched=tuple(kind.value for kind in Kind if kind not in LOOKED_AT),
            ),
            local=True,
            service=ServiceEntry(endpoint=None, region=None),
            quota=QuotaEntry(capacity=None, used=None, remaining=None, minimum=None, source=None),
            policy=replace(POLICY, min_quota=None, timeout=None),
            notes=("no registry digest yet: a push gives the image one.",),
        ),
        "interrupted": result(unjudged("interrupted", 143, "INCOMPLETE"), exit_code=143, reason="interrupted"),
    }
    return MappingProxyType(endings)


HOSTILE_TEXTS = (
    "<script>alert(1)</script>",
    "]]><x>&amp;",
    "${jndi:ldap://127.0.0.1/x}",
    "\x1b[31mred\x1b]0;title\x07",
    "nul\x00 in \x0b the middle",
    "\u202egnp.exe\u2066",
    "=cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd",
    "+1\t-1",
    "a" * 100_000,
    "half \ud800 a pair \udfff",
    "line\r\nPASS (exit 0)\u2028end",
    "`code` | pipe | [link](http://127.0.0.1/) ![x](x) **b** <!-- -->",
    "\"quoted\" 'twice' \\ back",
    "\ufffe\uffff non-characters \U0001f4a9",
)


def hostile(text: str) -> Result:
    """A failed run in which strangers wrote this wherever they can write."""
    bad = Finding(
        kind=Kind.VULNERABILITY,
        id=text,
        severity=Severity.HIGH,
        title=text,
        package=text,
        version=text,
        path=text,
        fix=text,
        layer=text,
        aliases=(text,),
        source="cve",
    )
    row = stored(bad)
    why = ReasonEntry(slug="policy", code=10, message=text, remedy=text, request_id=text, tried=(text,))
    one = image(
        verdict="FAIL",
        reasons=(why,),
        reference=text,
        identity=pushed(reference=text, canonical=text),
        findings=(row, row),
        waived=({**row, "gate": None, "waiver": {"id": text, "reason": text, "expires": "2026-06-30", "owner": text}},),
        counts={"vulnerability": {level.value: 2 for level in Severity}},
    )
    build = read_build({"JOB_NAME": text, "BUILD_TAG": text, "BUILD_URL": f"https://jenkins.example.com/{text}"})
    return result(one, exit_code=10, reason="policy", warnings=(text,), build=build)


def hostile_mixture() -> Result:
    """One image with a finding for each hostile text, the endless one left out."""
    texts = [text for text in HOSTILE_TEXTS if len(text) < 1000]
    rows = [
        stored(Finding(kind=Kind.VULNERABILITY, id=text, severity=Severity.HIGH, title=text, package=text))
        for text in texts
    ]
    counts = {"vulnerability": {level.value: 0 for level in Severity} | {"high": len(rows)}}
    return result(
        image(verdict="FAIL", reasons=(policy_reason(),), findings=tuple(rows), counts=counts),
        exit_code=10,
        reason="policy",
        warnings=tuple(texts),
    )


def text_of(name: str, result: Result) -> str:
    """The whole report of this format."""
    return "".join(renderer_of(name)(result))
