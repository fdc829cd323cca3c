"""The builds of tests/integration/test_groovy.py: what is shown, and what a harness has to notice."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from tests.support.jenkins_builds import ROOT, Job
from tests.support.snippets import AROUND, STEPS, blocks, jenkinsfile
from tests.support.step_builds import LOST, NO_ENGINE, OLD, STEP

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
    for name, (tool, harness) in LOST.items():
        variables = {"FAKE_TOOL": tool, **NO_ENGINE}
        job = Job(script=EXAMPLE, scenario=None, variables=variables, files=OLD, harness=harness)
        yield f"Jenkinsfile.example, {name}", job
    yield from ((f"harness: {name}", job) for name, job in HARNESS.items())
