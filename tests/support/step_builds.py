"""The builds of tests/integration/test_groovy.py that try the library step."""

import json
from collections.abc import Mapping
from typing import Any

from tests.support.jenkins_builds import Job
from tests.support.snippets import AROUND, LIBRARY, STEPS

KEYS = "region: 'cn-hangzhou', credentialsId: 'aliyun-image-scan', tokenCredentialsId: 'aliyun-image-scan-token'"


def step(arguments: str, after: str = "") -> str:
    """A Jenkinsfile whose scan is the step with these arguments."""
    call = f"""
      def done = jenkinsScan({KEYS}, {arguments})
      echo 'returned ' + groovy.json.JsonOutput.toJson(done)
      {after}"""
    return LIBRARY + AROUND % (STEPS % call)


def fake(arguments: str, tool: str, *, after: str = "", files: Mapping[str, str] | None = None, **harness: Any) -> Job:
    """A build with a tool that is this shell script; neither an engine nor a service is asked."""
    variables = {"FAKE_TOOL": tool, **NO_ENGINE}
    return Job(
        script=step(arguments, after),
        scenario=None,
        variables=variables,
        files={} if files is None else files,
        harness=harness,
    )


def writes(code: Any, verdict: str, *, summary: str = "PASS: a task", ends: int = 0, blanks: int = 0) -> str:
    """A tool that writes a result and a summary of its choice, and ends with a code of its choice."""
    result = json.dumps({"exit_code": code, "verdict": verdict, "tasks": [{"id": "17"}]}, indent=2)
    return f"""
        mkdir -p "$JENKINS_SCAN_REPORT_DIR"
        cd "$JENKINS_SCAN_REPORT_DIR"
        {{ echo '{result}'; head -c {blanks} /dev/zero | tr '\\0' ' '; }} > result.json
        echo '{summary}' > summary.txt
        exit {ends}"""


NO_ENGINE = {"NO_ENGINE": "yes"}
IMAGE = "image: env.IMAGE"
GATED = f"{IMAGE}, failOn: 'high'"
MANY = f"""
[[finding]]
kind = "cve"
id = "CVE-2024-1{{n}}"
severity = "asap"
title = "{"long " * 80}"
package = "{"p" * 200}"
repeat = 5000
"""
LARGE = 4_000_000
"""Bytes of a result.json from which on the step reads summary.txt alone."""
OLD = {
    "scan-report/result.json": '{"exit_code": 0, "verdict": "PASS"}',
    "scan-report/summary.txt": "PASS: an old one\n",
}
REFUSED = {
    "mistyped": (f"{IMAGE}, failOnn: 'high'", "no argument is called failOnn; these are: archive, "),
    "null": (f"{IMAGE}, failOn: env.NOT_SET", "failOn is null"),
    "empty": (f"{IMAGE}, failOn: ''", "failOn is empty"),
    "no image": ("failOn: 'high'", "image or images is needed"),
    "both": (f"{IMAGE}, images: ['a']", "exclude each other"),
    "text for a switch": (f"{GATED}, fixableOnly: 'false'", "fixableOnly is true or false"),
    "two lines": ("image: 'app:1\\n--soft=policy', failOn: 'high'", "more than one line"),
    "no images": ("images: [], failOn: 'high'", "images is empty"),
    "a map": (f"{IMAGE}, failOn: [a: 1]", "neither text nor a number"),
    "command": (f"{IMAGE}, command: 'scna'", "no command is called scna"),
    "wait without a file": ("command: 'wait'", "takes result"),
    "wait with quota": ("command: 'wait', result: 'a', minQuota: 3", "has no minQuota"),
    "outside": (f"{GATED}, reportDir: '../elsewhere'", "reportDir is a folder in the workspace"),
    "absolute": (f"{GATED}, reportDir: '/tmp/x'", "reportDir is a folder in the workspace"),
    "the workspace": (f"{GATED}, reportDir: '.'", "of no . or .. alone"),
    "the workspace with a folder": (f"{GATED}, reportDir: './x'", "of no . or .. alone"),
    "the folder above the report folder": (f"{GATED}, reportDir: 'x/..'", "of no . or .. alone"),
    "patterns": (f"{GATED}, reportDir: 'a,**'", "reportDir is a folder in the workspace"),
    "report-dir": (f"{GATED}, options: '--report-dir=x'", "named by reportDir"),
}
NAMES = ("扫描镜像", "镜像 app", "扫描 app", "app", "a/b", "a-b")
WAITS = "command: 'wait', result: 'scan-report/result.json', failOn: 'high'"
SUBMITS = writes(0, "SUBMITTED", summary="SUBMITTED: app, task 17 is open")
LOST: dict[str, tuple[str, dict[str, Any]]] = {
    "lost": ("exit 0", {"lost": -1}),
    "never started": ("exit 0", {"lost": -2}),
    "killed": ("exit 137", {}),
    "not installed": ("exit 127", {}),
}
"""What the tool does, and what Jenkins makes of it, where the exit code is not one of the tool's own."""
NOTHING_WRITTEN = {**LOST, "a lie": ("exit 0", {}), "an unfounded warning": ("exit 11", {})}
CONTRADICTED = {
    "a failure that ends with 0": writes(10, "FAIL"),
    "a failure that ends with 0, and says so": writes(10, "FAIL", summary="FAIL: app (exit 10)"),
    "an unknown verdict": writes(0, "FINE"),
    "no judgement at all": writes(0, "ERROR"),
    "a failure for a warning": writes(11, "FAIL", ends=11),
    "a pass that ends with 10": writes(10, "PASS", ends=10),
    "a warning that ends with 10": writes(10, "WARN", ends=10),
    "a code in quotes": writes("0", "PASS"),
    "a large failure that ends with 0": writes(10, "FAIL", blanks=LARGE),
    "a large pass that is summed up as a failure": writes(0, "PASS", summary="FAIL: app (exit 10)", blanks=LARGE),
}
NO_JUDGEMENT = {
    "failOn": GATED,
    "warnOn": f"{IMAGE}, warnOn: 'low', failOn: 'none'",
    "wait": f"{IMAGE}, wait: true",
    "the command wait": "command: 'wait', result: 'scan-task/result.json'",
}
STEP = {
    "every argument": Job(
        script=step(
            f"{GATED}, warnOn: 'low', fixableOnly: false, pushed: false, minQuota: 1, timeout: '5m',"
            " soft: ['quota', 'service'], platform: 'linux/amd64', options: ['--jobs', '2'], wait: true,"
            " reportDir: 'reports/app', name: 'The app'"
        )
    ),
    "submitted": Job(script=step(IMAGE)),
    "all off": Job(script=step(f"{GATED}, archive: false, junit: false, issues: false, html: false, describe: false")),
    "an option for a name": Job(script=step("image: '--soft=image,policy', failOn: 'high'")),
    "a name with a space": Job(script=step("""images: ['a b; touch hacked', '$(touch hacked)'], failOn: 'high'""")),
    "no plugins": Job(script=step(GATED), harness={"without": ["junit", "issues", "recordIssues", "publishHTML"]}),
    "broken plugins": Job(
        script=step(GATED), harness={"broken": ["junit", "recordIssues", "publishHTML", "archiveArtifacts"]}
    ),
    "broken plugins, findings": Job(
        script=step(GATED), scenario="vulnerable", harness={"broken": ["junit", "archiveArtifacts"]}
    ),
    "aborted while scanning": Job(
        script=step(GATED),
        scenario="slow",
        variables={"TOOL_FLAGS": "-v"},
        harness={"aborted": "sh of the tool", "abortedAt": " is open"},
    ),
    "aborted while publishing": Job(script=step(GATED), harness={"aborted": "junit"}),
    "wrong options": Job(script=step(f"{GATED}, options: ['--no-such-option']"), files=OLD),
    "large": Job(script=step(f"{GATED}, soft: 'policy'"), scenario=MANY),
    "two lines of description": Job(script=step(GATED, f"jenkinsScan({GATED}, {KEYS}, reportDir: 'again')")),
    "a baseline in the report folder": Job(
        script=step(
            f"{GATED}, soft: 'policy'",
            f"jenkinsScan({GATED}, {KEYS}, name: 'Again', baseline: 'scan-report/result.json')",
        ),
        scenario="vulnerable",
    ),
    "names": fake(
        f"{GATED}, name: '镜像扫描'",
        writes(0, "PASS"),
        after="\n".join(f"jenkinsScan({KEYS}, {GATED}, name: '{name}')" for name in NAMES),
    ),
    "nothing": Job(script=LIBRARY + AROUND % (STEPS % "jenkinsScan(null)"), scenario=None, variables=NO_ENGINE),
    **{
        f"refused: {name}": Job(script=step(arguments), scenario=None, variables=NO_ENGINE)
        for name, (arguments, _) in REFUSED.items()
    },
    **{name: fake(GATED, tool, files=OLD, **harness) for name, (tool, harness) in NOTHING_WRITTEN.items()},
    **{f"contradicted: {name}": fake(GATED, tool) for name, tool in CONTRADICTED.items()},
    **{f"no judgement: {name}": fake(arguments, SUBMITS) for name, arguments in NO_JUDGEMENT.items()},
    "no gate": fake(f"{IMAGE}, failOn: 'none', warnOn: 'NONE', wait: false", SUBMITS),
    "wait, and a tool that does nothing": fake(WAITS, "exit 0", files=OLD),
    "unreadable": fake(GATED, writes(0, "PASS").replace("}'; head", "'; head")),
    **{
        f"aborted in {name}": fake(GATED, writes(0, "PASS"), aborted=name)
        for name in ("readFile", "sh: size of result.json")
    },
}
