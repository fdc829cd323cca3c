"""Jenkinsfile.example, every block of docs/jenkins.md and the shared library step, run by Groovy 2.4 with steps of our own.

Real are the shell, the tool in processes of its own, dockerd, buildah, the registry, and Groovy. Stand-ins are the sandbox for Security
Center, kaniko (it writes an archive), and the steps in `tests/groovy` for Jenkins: no live controller is asked.
"""

import json
import subprocess
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from tests.support import engines
from tests.support.engine_certificates import EngineCertificates
from tests.support.jenkins_builds import CREDENTIALS, ROOT, SECRETS, Job, prepare_agent, run
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
MANY = """
[[finding]]
kind = "cve"
id = "CVE-2024-1{n}"
severity = "asap"
title = "%s"
package = "%s"
repeat = 5000
""" % ("long " * 80, "p" * 200)
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
            f"{GATED}, warnOn: 'low', fixableOnly: false, pushed: false, minQuota: 1, timeout: '5m', soft: ['quota', 'service'],"
            " platform: 'linux/amd64', options: ['--jobs', '2'], reportDir: 'reports/app', name: 'The app', wait: true"
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
    "aborted while scanning": Job(script=step(GATED), harness={"aborted": "sh of the tool"}),
    "aborted while publishing": Job(script=step(GATED), harness={"aborted": "junit"}),
    "lost": Job(script=step(GATED), files=OLD, variables={"TOOL_ENDS_WITH": "0"}, harness={"lost": -1}),
    "never started": Job(script=step(GATED), files=OLD, variables={"TOOL_ENDS_WITH": "0"}, harness={"lost": -2}),
    "killed": Job(script=step(GATED), files=OLD, variables={"TOOL_ENDS_WITH": "137"}),
    "not installed": Job(script=step(GATED), files=OLD, variables={"TOOL_ENDS_WITH": "127"}),
    "a lie": Job(script=step(GATED), files=OLD, variables={"TOOL_ENDS_WITH": "0"}),
    "an unfounded warning": Job(script=step(GATED), files=OLD, variables={"TOOL_ENDS_WITH": "11"}),
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
    % "withCredentials([string(credentialsId: 'aliyun-image-scan-token', variable: 'T')]) { sh 'echo \"jenkins-scan $T\"' }"
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


def jobs():
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


@pytest.fixture(scope="module")
def agent(engines_folder, registry, tmp_path_factory):
    """An agent with a dockerd that listens on a socket, and over TLS for Docker-in-Docker."""
    made = EngineCertificates(tmp_path_factory.mktemp("certificates"))
    port = engines.free_port()
    with engines.running_dockerd(engines_folder / "jenkins", made.server().dockerd(port)) as engine:
        addresses = {
            "tcp://docker:2376": f"tcp://127.0.0.1:{port}",
            "tcp://localhost:2376": f"tcp://127.0.0.1:{port}",
            "/certs/client": str(made.client().ca.parent),
        }
        yield prepare_agent(engines_folder / "agent", engine.host_url, registry.address, addresses)


@pytest.fixture(scope="module")
def builds(agent):
    """All builds, run in one JVM."""
    return run(agent, dict(jobs()))


def images(name):
    """How many images a snippet scans."""
    return 2 if "matrix and parallel" in name else 1


@pytest.mark.parametrize("word", OUTCOMES)
@pytest.mark.parametrize("name", SNIPPETS)
def test_what_is_shown_stops_or_goes_on_as_it_should(builds, name, word):
    build, outcome = builds[f"{name}: {word}"], OUTCOMES[word]
    assert build.result == outcome.result, build.console
    assert outcome.code in {scan["code"] for scan in build.scans()}
    assert build.went_on() is outcome.goes_on
    scanned = {scan["stage"] for scan in build.scans()}
    results = [build.stage(stage) for stage in scanned]
    assert outcome.result in results
    assert set(results) <= {outcome.result, "SUCCESS"}
    assert build.tasks == (images(name) if outcome.tasks else 0)


@pytest.mark.parametrize("name", SNIPPETS)
def test_what_is_shown_leaks_no_secret_and_hands_it_to_the_tool_alone(builds, name):
    for word in OUTCOMES:
        build = builds[f"{name}: {word}"]
        assert build.told["archived"]
        assert leaks(build) == []
        assert {tells_of_the_tool(command) for command in build.told["commands"] if command["secrets"]} == {True}


@pytest.mark.parametrize("name", SNIPPETS)
def test_what_is_shown_archives_the_result_whatever_it_is(builds, name):
    for word, outcome in OUTCOMES.items():
        assert outcome.code in {result["exit_code"] for result in results(builds[f"{name}: {word}"])}


def leaks(build):
    told = build.everything_told()
    return [secret for secret in SECRETS if secret in told]


def tells_of_the_tool(command):
    return "jenkins-scan" in command["script"] or "result.json" in command["script"]


def results(build):
    """Every archived result.json."""
    return [json.loads(Path(path).read_text()) for path in build.told["archived"] if path.endswith("/result.json")]


def test_the_page_and_the_example_name_no_sandbox():
    assert not [name for name, job in SNIPPETS.items() if "sandbox" in job.script.lower()]


def test_every_block_of_the_page_is_run():
    assert len(blocks(PAGE, "groovy")) + len(SHELL) == PAGE.count("```") // 2
    assert len(SHELL) == 1


@pytest.mark.parametrize("word", OUTCOMES)
@pytest.mark.parametrize("name", SHELL)
def test_a_shell_step_of_a_freestyle_job_ends_with_the_code_that_the_page_maps(builds, name, word):
    build, outcome = builds[f"shell, {name}: {word}"], OUTCOMES[word]
    assert [scan["code"] for scan in build.scans()] == [outcome.code]
    assert build.tasks == outcome.tasks
    assert leaks(build) == []


def test_the_reports_are_published_where_the_page_says(builds):
    for name in ("Reports: fail", "Jenkinsfile.example: fail", "Shared library: fail"):
        build = builds[name]
        assert build.calls("junit")[-1] == {
            "testResults": "scan-report/junit.xml",
            "skipMarkingBuildUnstable": True,
            "allowEmptyResults": True,
        }
        issues = build.calls("recordIssues")[-1]
        assert issues["enabledForFailure"] is True
        assert issues["tool"] == {
            "$symbol": "issues",
            "pattern": "scan-report/issues.json",
            "reportEncoding": "UTF-8",
            "id": "image-scan",
            "name": "Image scan",
        }
        page = build.calls("publishHTML")[-1]["target"]
        assert (page["reportDir"], page["reportFiles"], page["allowMissing"]) == (
            "scan-report/html",
            "index.html",
            True,
        )


def test_the_description_is_the_summary(builds):
    for name in ("Jenkinsfile.example: fail", "Shared library: fail"):
        build = builds[name]
        assert build.told["description"] == (build.workspace / "scan-report/summary.txt").read_text().strip()
        assert build.told["description"].startswith("FAIL: ")


def test_parallel_branches_do_not_mix_their_results(builds):
    build = builds["Several images: matrix and parallel 3: pass"]
    told = {result["images"][0]["reference"].rpartition("/")[2]: result["tasks"][0]["id"] for result in results(build)}
    assert set(told) == {"app:1.0", "worker:1.0"}
    lines = build.told["description"].splitlines()
    assert all(any(f"{image}, task {task} " in line for line in lines) for image, task in told.items())
    assert len({call["tool"]["id"] for call in build.calls("recordIssues")}) == 2


def test_docker_in_docker_is_asked_over_tls_and_pushes_what_passed(builds):
    build = builds["Jenkinsfile.example, Docker-in-Docker: pass"]
    assert results(build)[0]["images"][0]["identity"]["engine"]["endpoint"].startswith("tcp://127.0.0.1:")
    assert [call.partition(" ")[0] for call in build.docker_calls] == ["build", "push"]
    assert build.stage("Image scan") is None
    assert [call.partition(" ")[0] for call in builds["Jenkinsfile.example, Docker-in-Docker: fail"].docker_calls] == [
        "build"
    ]


# The step itself


def returned(build):
    """What the step handed back; None when it did not come to that."""
    lines = [line.removeprefix("returned ") for line in build.console.splitlines() if line.startswith("returned ")]
    return json.loads(lines[0]) if lines else None


@pytest.mark.parametrize("name", REFUSED)
def test_a_wrong_argument_is_refused_before_anything_runs(builds, name):
    build = builds[f"step: refused: {name}"]
    assert (build.result, build.stage("Push"), build.scans()) == ("FAILURE", None, [])
    assert "jenkinsScan: " in build.told["error"]
    assert REFUSED[name][1] in build.told["error"]


def test_every_argument_reaches_the_tool(builds):
    build = builds["step: every argument"]
    (result,) = results(build)
    assert build.result == "SUCCESS"
    assert result["policy"]["fail_on"]["vulnerability"] == "high"
    assert build.calls("recordIssues")[0]["tool"]["id"] == "the-app"
    assert build.calls("publishHTML")[0]["target"]["reportName"] == "The app"
    assert returned(build) == {
        "exitCode": 0,
        "verdict": "PASS",
        "reason": None,
        "images": [
            {"reference": result["images"][0]["reference"], "verdict": "PASS", "taskId": result["tasks"][0]["id"]}
        ],
        "taskIds": [result["tasks"][0]["id"]],
        "reportDir": "reports/app",
        "agreed": True,
        "summary": build.told["description"],
    }


def test_a_task_that_was_only_opened_is_said_to_be_so(builds):
    build = builds["step: submitted"]
    assert (build.result, build.tasks, returned(build)["verdict"]) == ("SUCCESS", 1, "SUBMITTED")
    assert "image scan: SUBMITTED. The task is open, the image has NOT been judged." in build.console
    assert build.told["description"].startswith("SUBMITTED: ")


def test_each_report_can_be_switched_off(builds):
    build = builds["step: all off"]
    assert build.result == "SUCCESS"
    assert [build.calls(step) for step in ("archiveArtifacts", "junit", "recordIssues", "publishHTML")] == [[]] * 4
    assert build.told["description"] is None


@pytest.mark.parametrize("name", ["an option for a name", "a name with a space"])
def test_an_image_is_never_an_option_or_a_command(builds, name):
    build = builds[f"step: {name}"]
    assert (build.result, build.tasks, build.stage("Push")) == ("FAILURE", 0, None)
    assert not (build.workspace / "hacked").exists()


def test_a_missing_plugin_is_named_and_changes_nothing(builds):
    build = builds["step: no plugins"]
    assert (build.result, build.stage("Push")) == ("SUCCESS", "SUCCESS")
    for plugin in ("JUnit", "Warnings Next Generation", "HTML Publisher"):
        assert f"without the plugin {plugin}: install it" in build.console


def test_a_report_that_cannot_be_published_changes_no_verdict(builds):
    assert builds["step: broken plugins"].result == "SUCCESS"
    assert "jenkinsScan: recordIssues failed: " in builds["step: broken plugins"].console
    failed = builds["step: broken plugins, findings"]
    assert (failed.result, failed.stage("Push")) == ("FAILURE", None)
    assert "image scan: FAIL: " in failed.told["error"]


def test_an_abort_is_never_swallowed_and_keeps_the_ids_of_tasks(builds):
    for name in ("aborted while scanning", "aborted while publishing"):
        build = builds[f"step: {name}"]
        assert (build.result, build.stage("Push")) == ("ABORTED", None)
        assert len(results(build)[0]["tasks"]) == 1


@pytest.mark.parametrize("name", ["lost", "never started", "killed", "not installed", "a lie", "an unfounded warning"])
def test_a_code_that_no_result_of_this_run_confirms_is_an_error(builds, name):
    build = builds[f"step: {name}"]
    assert (build.result, build.stage("Push"), returned(build)) == ("FAILURE", None, None)
    assert "result.json does not say so" in build.told["error"]
    assert build.told["archived"] == []
    assert build.told["description"] == f"ERROR: image scan, exit code {build.scans()[0]['code']}"


def test_a_run_whose_options_are_wrong_leaves_no_older_report_behind(builds):
    build = builds["step: wrong options"]
    assert ([scan["code"] for scan in build.scans()], build.told["archived"]) == ([2], [])
    assert "an old one" not in build.everything_told()


def test_a_large_result_does_not_pass_through_the_controller(builds):
    build = builds["step: large"]
    assert build.result == "UNSTABLE"
    assert (build.workspace / "scan-report/result.json").stat().st_size > LARGE
    assert [call["file"] for call in build.calls("readFile")] == ["scan-report/summary.txt"]
    assert (returned(build)["verdict"], returned(build)["images"]) == ("WARN", [])


def test_each_scan_of_a_build_has_its_line_in_the_description(builds):
    build = builds["step: two lines of description"]
    assert [line.partition(":")[0] for line in build.told["description"].splitlines()] == ["PASS", "PASS"]
    assert [call["tool"]["id"] for call in build.calls("recordIssues")] == [
        "image-scan",
        "image-scan-again",
    ]


# The harness itself: what is asserted above can fail


def test_a_jenkinsfile_that_swallows_the_exit_code_is_seen_to_push(builds):
    build = builds["harness: swallows the exit code"]
    assert (build.result, build.went_on(), build.stage("Push")) == ("SUCCESS", True, "SUCCESS")
    assert any(call.startswith("push ") for call in build.docker_calls)


def test_a_secret_on_a_command_line_is_seen(builds):
    assert leaks(builds["harness: leaks"]) == [CREDENTIALS["aliyun-image-scan-token"]["secret"]]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("an unknown step", "No such DSL method 'archiveArtefacts'"),
        ("an unknown parameter", "returnsStatus"),
        ("an unknown credential", "'x'"),
        ("an unknown library", "[other]"),
        ("no library", "No such DSL method 'jenkinsScan'"),
        ("code among steps", "Expected a step"),
        ("an unknown section", "stepps"),
        ("nothing to archive", "No artifacts found"),
        ("no test results", "No test report files"),
        ("a step in NonCPS", "step echo is called in the @NonCPS method go"),
        ("no node", "outside of a node"),
        ("twice the same issues", "ID issues is already used"),
    ],
)
def test_what_jenkins_refuses_the_harness_refuses(builds, name, says):
    build = builds[f"harness: {name}"]
    assert (build.result, build.stage("Push")) == ("FAILURE", None)
    assert says in build.told["error"]


def test_results_follow_the_rules_of_jenkins(builds):
    assert builds["harness: no page"].result == "FAILURE"
    assert builds["harness: no page"].stage("Push") == "SUCCESS"
    caught = builds["harness: caught"]
    assert (caught.result, caught.stage("Image scan"), caught.stage("Push")) == ("UNSTABLE", "FAILURE", "SUCCESS")
