"""Jenkinsfile.example, every block of docs/jenkins.md and the shared library step, run by Groovy 2.4.

Real are the shell, the tool in processes of its own, dockerd, buildah, skopeo, the registry, and Groovy. Stand-ins are
the sandbox for Security Center, kaniko (it writes an archive), and the steps in `tests/groovy` for Jenkins: no live
controller is asked. Debian: groovy, default-jre-headless, buildah, skopeo, docker.io, docker-registry; root is needed.
"""

import json
import re
from pathlib import Path

import pytest

from tests.support import engines
from tests.support.engine_certificates import EngineCertificates
from tests.support.jenkins_builds import CREDENTIALS, SECRETS, prepare_agent, run
from tests.support.jenkinsfiles import OUTCOMES, PAGE, SHELL, SNIPPETS, jobs
from tests.support.snippets import blocks
from tests.support.step_builds import (
    CONTRADICTED,
    LARGE,
    LOST,
    NAMES,
    NO_JUDGEMENT,
    NOTHING_WRITTEN,
    REFUSED,
    STEP,
)


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
        assert secrets_go_to(build) == {"the tool"}


@pytest.mark.parametrize("name", SNIPPETS)
def test_what_is_shown_archives_the_result_whatever_it_is(builds, name):
    for word, outcome in OUTCOMES.items():
        assert outcome.code in {result["exit_code"] for result in results(builds[f"{name}: {word}"])}


def leaks(build):
    told = build.everything_told()
    return [secret for secret in SECRETS if secret in told]


def secrets_go_to(build):
    """Who has a secret in its environment, of all commands that ran."""
    commands = build.told["commands"]
    return {"the tool" if command in build.scans() else command["script"] for command in commands if command["secrets"]}


def results(build):
    """Every archived result.json."""
    return [json.loads(Path(path).read_text()) for path in build.told["archived"] if path.endswith("/result.json")]


@pytest.mark.parametrize("name", LOST)
def test_the_example_stops_when_the_tool_is_lost_and_takes_no_old_report_for_this_run_s(builds, name):
    build = builds[f"Jenkinsfile.example, {name}"]
    assert (build.result, build.stage("Image scan"), build.stage("Push")) == ("FAILURE", "FAILURE", None)
    assert f"image scan: exit code {build.scans()[0]['code']}, " in build.told["error"]
    assert (build.told["archived"], build.told["description"], build.docker_calls()) == ([], None, ["build"])


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
    assert build.docker_calls() == ["build", "push"]
    assert build.stage("Image scan") is None
    assert builds["Jenkinsfile.example, Docker-in-Docker: fail"].docker_calls() == ["build"]


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


def test_nothing_for_arguments_is_refused_like_an_unknown_one(builds):
    build = builds["step: nothing"]
    assert (build.result, build.stage("Push"), build.scans()) == ("FAILURE", None, [])
    assert "jenkinsScan: no argument is called null; these are: archive, " in build.told["error"]


@pytest.mark.parametrize("name", STEP)
def test_the_step_hands_secrets_to_the_tool_alone(builds, name):
    build = builds[f"step: {name}"]
    assert secrets_go_to(build) == ({"the tool"} if build.scans() else set())
    assert leaks(build) == []


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
    assert results(builds["step: aborted while scanning"])[0]["exit_code"] == 143


@pytest.mark.parametrize("where", ["readFile", "sh: size of result.json"])
def test_an_abort_before_the_reports_are_published_keeps_the_ids_of_tasks(builds, where):
    build = builds[f"step: aborted in {where}"]
    assert (build.result, build.stage("Push")) == ("ABORTED", None)
    assert [result["tasks"] for result in results(build)] == [[{"id": "17"}]]


def test_a_result_that_cannot_be_read_confirms_nothing(builds):
    build = builds["step: unreadable"]
    assert (build.result, build.stage("Push"), build.calls("junit")) == ("FAILURE", None, [])
    assert "jenkinsScan: result.json failed: groovy.json.JsonException" in build.console


@pytest.mark.parametrize("name", [*NOTHING_WRITTEN, "wait, and a tool that does nothing"])
def test_a_code_that_no_result_of_this_run_confirms_is_an_error(builds, name):
    build = builds[f"step: {name}"]
    assert (build.result, build.stage("Push"), returned(build)) == ("FAILURE", None, None)
    assert "result.json does not say so" in build.told["error"]
    assert build.told["archived"] == []
    assert build.told["description"] == f"ERROR: image scan, exit code {build.scans()[0]['code']}"


@pytest.mark.parametrize("name", CONTRADICTED)
def test_a_result_that_contradicts_the_code_is_an_error(builds, name):
    build = builds[f"step: contradicted: {name}"]
    assert (build.result, build.stage("Push"), returned(build)) == ("FAILURE", None, None)
    assert "result.json does not say so" in build.told["error"]
    assert build.told["description"] == f"ERROR: image scan, exit code {build.scans()[0]['code']}"
    assert [Path(path).name for path in build.told["archived"]] == ["result.json", "summary.txt"]


@pytest.mark.parametrize("name", NO_JUDGEMENT)
def test_a_task_that_was_only_opened_is_no_answer_where_a_judgement_was_asked_for(builds, name):
    build = builds[f"step: no judgement: {name}"]
    assert (build.result, build.stage("Push"), returned(build)) == ("FAILURE", None, None)
    assert "image scan: a judgement was asked for, and there is none: SUBMITTED: app" in build.told["error"]


def test_none_is_no_gate(builds):
    build = builds["step: no gate"]
    assert (build.result, build.stage("Push"), returned(build)["verdict"]) == ("SUCCESS", "SUCCESS", "SUBMITTED")
    assert returned(build)["taskIds"] == ["17"]


def test_a_run_whose_options_are_wrong_leaves_no_older_report_behind(builds):
    build = builds["step: wrong options"]
    assert ([scan["code"] for scan in build.scans()], build.told["archived"]) == ([2], [])
    assert "an old one" not in build.everything_told()


def test_a_baseline_may_lie_in_the_report_folder(builds):
    build = builds["step: a baseline in the report folder"]
    assert ([scan["code"] for scan in build.scans()], build.result) == ([11, 0], "UNSTABLE")
    assert [line.partition(":")[0] for line in build.told["description"].splitlines()] == ["WARN", "PASS"]


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


def test_every_name_has_an_id_of_its_own_that_the_plugin_takes(builds):
    build = builds["step: names"]
    ids = [call["tool"]["id"] for call in build.calls("recordIssues")]
    assert build.result == "SUCCESS"
    assert len(set(ids)) == len(ids) == 1 + len(NAMES)
    assert all(re.fullmatch(r"[a-z][a-z0-9-]*", each) for each in ids)


# The harness itself: what is asserted above can fail


def test_a_jenkinsfile_that_swallows_the_exit_code_is_seen_to_push(builds):
    build = builds["harness: swallows the exit code"]
    assert (build.result, build.went_on(), build.stage("Push")) == ("SUCCESS", True, "SUCCESS")
    assert build.docker_calls() == ["build", "push"]


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
