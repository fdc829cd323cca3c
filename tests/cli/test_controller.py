"""`--describe-build` and `--baseline jenkins` against a controller on loopback that behaves like Jenkins."""

import base64
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from jenkins_scan.cli.app import App
from jenkins_scan.cli.controller import baseline_of_controller, describe_build
from jenkins_scan.cli.signals import Interruptions
from jenkins_scan.cli.terminal import Terminal
from jenkins_scan.config.file import FileSettings
from tests.support import results
from tests.support.center import Canned, FakeClock
from tests.support.controller import (
    TOKEN,
    USER,
    Answer,
    Build,
    error,
    redirect,
    serving,
)
from tests.support.images import write_docker_archive
from tests.support.loopback_servers import loopback_servers
from tests.support.results import text_of

pytestmark = pytest.mark.slow

GATE = ("--endpoint", "sandbox", "--fail-on", "high")
FOUND = (*GATE, "--scenario", "vulnerable")
WARNED = ("--endpoint", "sandbox", "--scenario", "vulnerable", "--warn-on", "high")
JOB = "team/app/main"
PLACE = "scan-report/result.json"
ALL_COUNT = "Every finding counts as new."
VALUES = {"ca_bundle": None, "report_dir": "scan-report"}
JUDGED = text_of("json", results.result(results.image())).encode()


@pytest.fixture
def server():
    with serving() as controller:
        yield controller


@pytest.fixture
def build(server):
    server.jobs[JOB] = {9: Build()}
    return server.jobs[JOB][9]


@pytest.fixture
def app():
    """The running command line as those two ways see it, in this environment."""

    def of(environ):
        terminal = Terminal()
        return App(terminal, environ, Interruptions(), FileSettings(), FakeClock())

    return of


def warnings(run):
    return [line for line in run.err.splitlines() if line.startswith("warning: ")]


def shows_no_secret(run):
    written = "".join(path.read_text() for path in run.folder.rglob("*") if path.is_file())
    pair = base64.b64encode(f"{USER}:{TOKEN}".encode()).decode()
    return not any(secret in run.out + run.err + written for secret in (USER, TOKEN, pair))


# --describe-build


@pytest.mark.parametrize(("scenario", "code"), [("clean", 0), ("vulnerable", 10), ("scan-failed", 17)])
def test_the_build_is_described_by_the_line_of_the_summary(cli, archive, server, build, scenario, code):
    run = cli("-vv", "scan", archive, *GATE, "--scenario", scenario, "--describe-build", env=server.environ(JOB))
    assert (run.code, build.description) == (code, (run.folder / "summary.txt").read_text().strip())
    assert run.last_line.endswith(f"(exit {code})")
    assert len(warnings(run)) == 1
    assert "travel to 127.0.0.1 in clear text" in warnings(run)[0]
    assert shows_no_secret(run)


def test_the_token_is_hidden_always_and_the_users_id_never(cli, archive, server, build):
    env = server.environ(JOB, STAGE_NAME=f"{TOKEN} and {USER}")
    for asking in ((), ("--baseline", "jenkins")):
        run = cli("scan", archive, *GATE, *asking, env=env)
        assert run.result["build"]["stage"] == f"**** and {USER}"


def test_nothing_is_sent_unless_it_was_asked_for(cli, archive, server, build):
    assert cli("scan", archive, *GATE, env=server.environ(JOB)).code == 0
    assert server.asked == []


def test_a_later_wait_describes_its_own_build_too(cli, archive, server, build):
    state = ("--endpoint", "sandbox", "--state", "s.db")
    cli("scan", archive, *state)
    run = cli("wait", PLACE, *state, "--describe-build", env=server.environ(JOB))
    assert (run.code, build.description) == (0, (run.folder / "summary.txt").read_text().strip())
    env = server.environ(JOB, JENKINS_SCAN_DESCRIBE_BUILD="true")
    refused = cli("scan-registry", "--endpoint", "sandbox", "--digest", "x", env=env)
    assert (refused.code, build.description) == (2, (refused.folder / "summary.txt").read_text().strip())


def test_the_account_may_come_from_files(cli, archive, server, build, tmp_path):
    env = server.environ(JOB, JENKINS_USER_ID="", JENKINS_API_TOKEN="")
    for name, value in (("JENKINS_USER_ID", USER), ("JENKINS_API_TOKEN", TOKEN)):
        (tmp_path / name).write_text(f"{value}\n")
        env[f"{name}_FILE"] = str(tmp_path / name)
    run = cli("-vv", "scan", archive, *GATE, "--describe-build", env=env)
    assert build.description.startswith("PASS: ")
    assert shows_no_secret(run)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"CHANGE_FORK": "stranger"}, "the build of a fork: nothing is sent"),
        ({"JENKINS_URL": ""}, "JENKINS_URL is not set"),
        ({"BUILD_URL": ""}, "BUILD_URL is not set"),
        ({"BUILD_URL": "https://evil.example.com/job/x/1/"}, "is no build below JENKINS_URL"),
        ({"BUILD_URL": "{root}"}, "is no build below"),
        ({"BUILD_URL": "{root}job/app/"}, "is no build below"),
        ({"BUILD_URL": "{root}%2e%2e/job/app/7/"}, "is no build below"),
        ({"BUILD_URL": "{root}..;/job/app/7/"}, "is no build below"),
        ({"BUILD_URL": "{root}/job/app/7/"}, "is no build below"),
        ({"BUILD_URL": "{root}x%2Fy/job/app/7/"}, "is no build below"),
        ({"JENKINS_URL": "http://127.0.0.1:85543/"}, "no http or https address"),
        ({"JENKINS_URL": "https://u:sesame-word@ci.example.com/"}, "user information"),
        ({"JENKINS_USER_ID": ""}, "neither JENKINS_USER_ID nor JENKINS_USER_ID_FILE is set"),
        ({"JENKINS_API_TOKEN": ""}, "neither JENKINS_API_TOKEN nor JENKINS_API_TOKEN_FILE is set"),
        ({"JENKINS_API_TOKEN": "a token"}, "JENKINS_API_TOKEN: the value holds a space"),
        ({"JENKINS_API_TOKEN": "", "JENKINS_API_TOKEN_FILE": "/nonexistent"}, "the file it names cannot be read"),
    ],
)
def test_where_it_may_not_be_sent_a_warning_says_why(app, capsys, server, changes, said):
    environ = {name: value.replace("{root}", server.url) for name, value in changes.items()}
    describe_build(app(server.environ(JOB, **environ)), VALUES, "PASS\n", said=())
    line = capsys.readouterr().err
    assert line.startswith("warning: the build description is not set: ")
    assert said in line
    assert line.count("\n") == 1
    assert "sesame" not in line
    assert server.asked == []


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (error(403, "scan-bot is missing the Run/Update permission"), "Give it the permission Run/Update"),
        (error(500, f"the header was {TOKEN}"), "It says: HTTP ERROR 500 the header was ****"),
        (redirect("/jenkins/login"), "a redirect to a sign-in page"),
    ],
)
def test_what_the_controller_refuses_is_a_warning_and_the_verdict_stays(cli, archive, server, build, answer, said):
    server.answers["job/team/job/app/job/main/9/submitDescription"] = answer
    run = cli("scan", archive, *FOUND, "--describe-build", env=server.environ(JOB))
    assert (run.code, run.result["verdict"]) == (10, "FAIL")
    assert said in warnings(run)[-1]
    assert run.last_line.endswith("(exit 10)")
    assert shows_no_secret(run)


def test_a_bug_in_here_is_a_warning_and_no_verdict(app, server, capsys):
    said = []
    describe_build(app(server.environ(JOB)), {}, "PASS", said=said)  # no option is there that it reads
    assert baseline_of_controller(app(server.environ(JOB)), {}, said, sandbox=True) is None
    assert "the build description is not set: KeyError" in capsys.readouterr().err
    assert said == [f"--baseline jenkins: KeyError. {ALL_COUNT}"]


def test_after_a_signal_nothing_is_sent(cli, archive, server, build):
    class Aborted(FakeClock):
        def sleep(self, seconds):
            os.kill(os.getpid(), signal.SIGTERM)
            super().sleep(seconds)

    run = cli("scan", archive, *GATE, "--scenario", "slow", "--describe-build", env=server.environ(JOB), at=Aborted())
    assert (run.code, server.asked, build.description) == (143, [], None)


def test_a_file_of_the_workspace_never_turns_sending_on(cli, archive, server, build, tmp_path):
    (tmp_path / ".jenkins-scan.toml").write_text("describe-build = true\n")
    run = cli("scan", archive, *GATE, env=server.environ(JOB))
    assert (run.code, server.asked) == (2, [])
    assert "may not be set by a file found in the workspace" in run.err


# --baseline jenkins


@pytest.fixture
def earlier(cli, archive):
    """The result of a run that only warned of what the next one will find."""
    run = cli("scan", archive, *WARNED, "--report-dir", "earlier", report="earlier")
    assert run.code == 11
    return (run.folder / "result.json").read_bytes()


def numbers(run):
    (image,) = run.result["images"]
    return image["new"], image["known"]


def test_only_what_is_new_since_the_last_successful_build_is_gated(cli, archive, server, earlier):
    server.jobs[JOB] = {8: Build({"scan-report/result.json": earlier, "b/result.json": b"{}"}), 7: Build()}
    run = cli("scan", archive, *FOUND, "--baseline", "jenkins", env=server.environ(JOB))
    assert (run.code, numbers(run)) == (0, (0, 11))
    assert f"baseline    compared with {JOB} #8 ({PLACE})" in run.err.splitlines()
    assert {method for method, _ in server.asked} == {"GET"}
    assert shows_no_secret(run)


@pytest.mark.parametrize("softened", [(), ("--soft", "policy")])
def test_what_failed_an_image_is_never_known_although_its_build_went_on(cli, archive, server, softened):
    failed = (cli("scan", archive, *FOUND, *softened).folder / "result.json").read_bytes()
    server.jobs[JOB] = {8: Build({PLACE: failed})}
    run = cli("scan", archive, *FOUND, "--baseline", "jenkins", env=server.environ(JOB))
    assert (run.code, numbers(run)) == (10, (None, None))
    assert "judged by its findings and let through there" in run.result["warnings"][1]


@pytest.mark.parametrize("target", ["PR-5", "PR-6", "mr-7-merge"])
def test_the_job_of_a_pull_request_is_no_target(cli, archive, server, earlier, target):
    server.jobs[f"team/app/{target}"] = {8: Build({PLACE: earlier})}
    env = server.environ("team/app/PR-5", CHANGE_ID="5", CHANGE_TARGET=target)
    run = cli("scan", archive, *FOUND, "--baseline", "jenkins", env=env)
    assert (run.code, server.asked) == (10, [])
    assert "named like a pull request's job" in run.result["warnings"][0]


def test_a_pull_request_is_compared_with_its_target_branch(cli, archive, server, earlier, tmp_path):
    server.jobs["team/app/release%2F1"] = {3: Build({"sub/scan-report/result.json": earlier})}
    change = {"CHANGE_ID": "7", "CHANGE_TARGET": "release/1", "WORKSPACE": str(tmp_path.parent)}
    run = cli("scan", archive, *FOUND, "--baseline", "jenkins", env=server.environ("team/app/PR-7", 1, **change))
    assert (run.code, numbers(run)) == (0, (0, 11))
    assert "compared with team/app/release%2F1 #3 (sub/scan-report/result.json)" in run.err
    assert server.asked[0] == ("GET", "/jenkins/job/team/job/app/job/release%252F1/api/json?depth=0")


def test_a_file_of_the_workspace_may_ask_for_it_and_a_name_with_a_path_is_a_file(
    cli, archive, server, earlier, tmp_path
):
    server.jobs[JOB] = {8: Build({PLACE: earlier})}
    (tmp_path / ".jenkins-scan.toml").write_text('baseline = "jenkins"\n')
    assert cli("scan", archive, *FOUND, env=server.environ(JOB)).code == 0
    server.asked.clear()
    (tmp_path / "jenkins").write_bytes(earlier)
    assert cli("scan", archive, *FOUND, "--baseline", "./jenkins", env=server.environ(JOB)).code == 0
    (tmp_path / "jenkins").write_bytes(b"{")
    assert cli("scan", archive, *FOUND, "--baseline", "./jenkins", env=server.environ(JOB)).code == 2
    assert server.asked == []


def test_without_a_gate_it_is_two_and_nothing_is_asked(cli, archive, server):
    run = cli("scan", archive, "--endpoint", "sandbox", "--baseline", "jenkins", env=server.environ(JOB))
    assert (run.code, server.asked) == (2, [])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"CHANGE_FORK": "stranger"}, "the build of a fork"),
        ({"JENKINS_API_TOKEN": ""}, "neither JENKINS_API_TOKEN"),
        ({"JENKINS_URL": ""}, "JENKINS_URL is not set"),
        ({"JOB_NAME": ""}, "JOB_NAME is not set"),
        ({"CHANGE_ID": "7"}, "CHANGE_TARGET"),
    ],
)
def test_where_it_cannot_be_asked_there_is_none(app, server, changes, said):
    assert said in refused(app(server.environ(JOB, **changes)))
    assert server.asked == []


def refused(app):
    """The last warning where there is no baseline to be had."""
    warnings = []
    assert baseline_of_controller(app, VALUES, warnings, sandbox=True) is None
    assert warnings[-1].startswith("--baseline jenkins: ")
    assert warnings[-1].endswith(ALL_COUNT)
    return warnings[-1]


def changed(content, **fields):
    return json.dumps({**json.loads(content), **fields}).encode()


@pytest.mark.parametrize(
    ("artifact", "said"),
    [
        (None, "it archived no result.json"),
        (lambda _: b"<html>not JSON</html>", "not JSON"),
        (lambda _: b"[]", "its schema is"),
        (lambda _: b"[" * 10_000, "not JSON"),
        (lambda content: changed(content, schema="other/1"), "its schema is 'other/1'"),
        (lambda content: changed(content, images=[]), "no image was judged"),
        (lambda content: content.replace(b'"PASS"', b'"SUBMITTED"'), "no image was judged by its findings"),
        (lambda _: error(500, "Oops"), "HTTP 500"),
        (lambda _: redirect("/jenkins/login"), "sign-in page"),
        (lambda _: Answer(length=64 * 1024**2 + 1), "larger than 16 MiB"),
    ],
)
def test_what_is_no_baseline_is_none(app, server, artifact, said):
    content = None if artifact is None else artifact(JUDGED)
    server.jobs[JOB] = {8: Build({} if content is None else {PLACE: content if isinstance(content, bytes) else b""})}
    if isinstance(content, Answer):
        server.answers[f"job/team/job/app/job/main/8/artifact/{PLACE}"] = content
    assert said in refused(app(server.environ(JOB)))


def test_with_no_baseline_everything_counts(cli, archive, server):
    run = cli("scan", archive, *FOUND, "--baseline", "jenkins", env=server.environ(JOB))
    assert (run.code, numbers(run)) == (10, (None, None))
    assert "not found (HTTP 404)" in run.result["warnings"][1]


def test_an_image_that_the_earlier_build_did_not_have_counts_in_full(cli, archive, server, earlier, tmp_path):
    server.jobs[JOB] = {8: Build({PLACE: earlier})}
    write_docker_archive(tmp_path / "other.tar", "registry.example.com/other:1")
    other = f"docker-archive://{tmp_path}/other.tar"
    run = cli("scan", other, *FOUND, "--baseline", "jenkins", env=server.environ(JOB))
    assert (run.code, numbers(run)) == (10, (None, None))
    (warning,) = [text for text in run.result["warnings"] if "of the baseline" in text or "the baseline of" in text]
    assert "not of registry.example.com/other. " + ALL_COUNT in warning


def test_a_baseline_of_the_sandbox_is_no_known_ground_for_the_service(cli, archive, server, earlier):
    server.jobs[JOB] = {8: Build({PLACE: earlier})}
    keys = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "made-up-id", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "made-up-secret"}
    env = server.environ(JOB, **keys, JENKINS_SCAN_TOKEN="made-up-token", HTTPS_PROXY="http://127.0.0.1:1")
    run = cli("scan", archive, "--region", "cn-hangzhou", "--fail-on", "high", "--baseline", "jenkins", env=env)
    assert run.code == 15
    assert any("the sandbox made it" in text and text.endswith(ALL_COUNT) for text in run.result["warnings"])


def test_both_of_them_say_once_that_the_way_is_not_encrypted(cli, archive, server, earlier):
    server.jobs[JOB] = {9: Build({PLACE: earlier})}
    run = cli("scan", archive, *FOUND, "--baseline", "jenkins", "--describe-build", env=server.environ(JOB))
    assert run.code == 0
    assert run.err.count("in clear text") == 1
    assert server.jobs[JOB][9].description.startswith("PASS: ")


def test_credentials_never_reach_another_host(cli, archive, server, build):
    with loopback_servers() as start:
        elsewhere = start(Canned(200, b"{}"))
        server.answers["crumbIssuer/api/json"] = redirect(f"{elsewhere.url}/x")
        server.answers["job/team/job/app/job/main/api/json"] = redirect(f"{elsewhere.url}/y", 308)
        run = cli("scan", archive, *FOUND, "--baseline", "jenkins", "--describe-build", env=server.environ(JOB))
        assert run.code == 10
        assert run.err.count(f"a redirect to {elsewhere.url}, which is not followed") == 2
        assert elsewhere.requests == []


PROGRAM = """
import json, sys
from jenkins_scan.cli.main import main
from tests.support.center import FakeClock
loaded = []
for options in (["--describe-build"], ["--baseline", "jenkins"]):
    main([*sys.argv[1:], *options], FakeClock())
    loaded.append(sorted({"jenkins", "requests"} & set(sys.modules)))
print()
print(json.dumps(loaded))
"""


@pytest.mark.slow
def test_python_jenkins_is_loaded_for_the_baseline_alone(archive, server, build):
    environ = {"HOME": "/nonexistent", "PYTHONPATH": str(Path(__file__).parents[2]), **server.environ(JOB)}
    command = [sys.executable, "-c", PROGRAM, "-q", "scan", archive, *GATE]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environ)
    assert json.loads(done.stdout.splitlines()[-1]) == [[], ["jenkins", "requests"]]
    assert build.description.startswith("PASS: ")
