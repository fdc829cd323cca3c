"""The builds of tests/integration/test_groovy.py: what is shown, the library step, what a harness has to notice."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from tests.support.jenkins_builds import ROOT, Job
from tests.support.snippets import AROUND, LIBRARY, STEPS, blocks, jenkinsfile

PAGE = (ROOT / "docs/jenkins.md").read_text(encoding="utf-8")
EXAMPLE = (ROOT / "Jenkinsfile.example").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Outcome:
    """What the service finds, and what has to become of the build."""

    scenario: str
    code: int
    result: str
    tasks: bool
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def goes_on(self) -> bool:
        return self.result in ("SUCCESS", "UNSTABLE")


OUTCOMES = {
    "pass": Outcome("clean", 0, "SUCCESS", tasks=True),
    "fail": Outcome("vulnerable", 10, "FAILURE", tasks=True),
    "unstable": Outcome("vulnerable", 11, "UNSTABLE", tasks=True, variables={"JENKINS_SCAN_SOFT": "policy"}),
    "quota": Outcome("quota-exhausted", 12, "FAILURE", tasks=False),
    "error": Outcome("no-permission", 14, "FAILURE", tasks=False),
}
SNIPPETS = {
    **{name: Job(script=jenkinsfile(block)) for name, block in blocks(PAGE, "groovy").items()},
    "Jenkinsfile.example": Job(script=EXAMPLE),
    "Jenkinsfile.example, Docker-in-Docker": Job(script=EXAMPLE, parameters={"DOCKER_IN_DOCKER": True}),
}


KEYS = "region: 'cn-hangzhou', credentialsId: 'aliyun-image-scan', tokenCredentialsId: 'aliyun-image-scan-token'"
FREESTYLE = """
node {
  checkout scm
  sh 'docker build -t registry.example.com/team/app:1.0 .'
  withCredentials([
    usernamePassword(credentialsId: 'aliyun-image-scan', usernameVariable: 'ALIBABA_CLOUD_ACCESS_KEY_ID',
                     passwordVariable: 'ALIBABA_CLOUD_ACCESS_KEY_SECRET'),
    string(credentialsId: 'aliyun-image-scan-token', variable: 'JENKINS_SCAN_TOKEN')
  ]) {
    sh(returnStatus: true, script: '''
%s''')
  }
  archiveArtifacts 'scan-report/**'
}
"""
"""What a freestyle job does around its shell step; its field "unstable" makes of the exit code what the page says."""
SHELL = blocks(PAGE, "sh")


def step(arguments: str, after: str = "") -> str:
    """A Jenkinsfile whose scan is the step with these arguments."""
    call = f"""
      def done = jenkinsScan({KEYS}, {arguments})
      echo 'returned ' + groovy.json.JsonOutput.toJson(done)
      {after}"""
    return LIBRARY + AROUND % (STEPS % call)


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
    "patterns": (f"{GATED}, reportDir: 'a,**'", "reportDir is a folder in the workspace"),
    "report-dir": (f"{GATED}, options: '--report-dir=x'", "named by reportDir"),
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
    "lost": Job(script=step(GATED), files=OLD, variables={"TOOL_ENDS_WITH": "0"}, harness={"lost": -1}),
    "never started": Job(script=step(GATED), files=OLD, variables={"TOOL_ENDS_WITH": "0"}, harness={"lost": -2}),
    "killed": Job(script=step(GATED), files=OLD, variables={"TOOL_ENDS_WITH": "137"}),
    "not installed": Job(script=step(GATED), files=OLD, variables={"TOOL_ENDS_WITH": "127"}),
    "a lie": Job(script=step(GATED), files=OLD, variables={"TOOL_ENDS_WITH": "0"}),
    "an unfounded warning": Job(script=step(GATED), files=OLD, variables={"TOOL_ENDS_WITH": "11"}),
    "unreadable": Job(
        script=step("command: 'wait', result: 'scan-report/result.json', failOn: 'high'"),
        files={**OLD, "scan-report/result.json": '{"exit_code": 0, '},
        variables={"TOOL_ENDS_WITH": "0"},
    ),
    "wrong options": Job(script=step(f"{GATED}, options: ['--no-such-option']"), files=OLD),
    "large": Job(script=step(f"{GATED}, soft: 'policy'"), scenario=MANY),
    "two lines of description": Job(script=step(GATED, f"jenkinsScan({GATED}, {KEYS}, reportDir: 'again')")),
    **{f"refused: {name}": Job(script=step(arguments), scenario=None) for name, (arguments, _) in REFUSED.items()},
}
SWALLOWS = AROUND % (
    STEPS % "sh(returnStatus: true, script: 'jenkins-scan scan \"$IMAGE\" --region cn-hangzhou --fail-on high')"
)
LEAKS = AROUND % (
    STEPS
    % "withCredentials([string(credentialsId: 'aliyun-image-scan-token', variable: 'T')]) { sh 'echo jenkins-scan $T' }"
)
HARNESS = {
    "swallows the exit code": Job(script=SWALLOWS, scenario="vulnerable"),
    "leaks": Job(script=LEAKS),
    "an unknown step": Job(script=AROUND % (STEPS % "archiveArtefacts 'x'")),
    "an unknown parameter": Job(script=AROUND % (STEPS % "sh(script: 'true', returnsStatus: true)")),
    "an unknown credential": Job(
        script=AROUND % (STEPS % "withCredentials([string(credentialsId: 'x', variable: 'Y')]) { }")
    ),
    "an unknown library": Job(script="@Library('other') _\n" + AROUND % (STEPS % "echo 'x'")),
    "no library": Job(script=AROUND % (STEPS % "jenkinsScan(image: 'a', failOn: 'high')")),
    "code among steps": Job(script=AROUND % "stage('Image scan') { steps { if (true) { echo 'x' } } }"),
    "an unknown section": Job(script=AROUND % "stage('Image scan') { stepps { echo 'x' } }"),
    "nothing to archive": Job(script=AROUND % (STEPS % "archiveArtifacts 'nothing/**'")),
    "no test results": Job(script=AROUND % (STEPS % "junit 'nothing.xml'")),
    "no page": Job(
        script=AROUND % (STEPS % "publishHTML target: [reportDir: 'no', reportFiles: 'i', reportName: 'n']")
    ),
    "a step in NonCPS": Job(script="@NonCPS def go() { echo 'x' }\n" + AROUND % (STEPS % "go()")),
    "no node": Job(script="sh 'true'"),
    "twice the same issues": Job(script=AROUND % (STEPS % "2.times { recordIssues tool: issues(pattern: 'x') }")),
    "caught": Job(
        script=AROUND % (STEPS % "catchError(buildResult: 'UNSTABLE', stageResult: 'FAILURE') { sh 'exit 3' }")
    ),
}


def jobs() -> Iterator[tuple[str, Job]]:
    """Every build of this file by its name."""
    for name, job in SNIPPETS.items():
        for word, outcome in OUTCOMES.items():
            yield f"{name}: {word}", replace(job, scenario=outcome.scenario, variables=outcome.variables)
    for name, text in SHELL.items():
        for word, outcome in OUTCOMES.items():
            job = Job(script=FREESTYLE % text, scenario=outcome.scenario, variables=outcome.variables)
            yield f"shell, {name}: {word}", job
    yield from ((f"step: {name}", job) for name, job in STEP.items())
    yield from ((f"harness: {name}", job) for name, job in HARNESS.items())
