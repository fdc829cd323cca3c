"""`doctor` as a user meets it: every line, the exit codes, and set-ups that are broken for real."""

import json
import os
import re
import signal
import ssl
from email.utils import formatdate
from pathlib import Path

import pytest
import trustme

from jenkins_scan import sandbox
from jenkins_scan.sandbox.scenarios import load_scenario
from jenkins_scan.sandbox.server import SandboxServer
from jenkins_scan.sandbox.service import SandboxService
from jenkins_scan.sandbox.state import State
from tests.support.canned_engine import engine_on_port
from tests.support.center import NOON, Canned, as_json
from tests.support.controller import TOKEN, USER, serving
from tests.support.engine_certificates import LONG_AGO, PAST
from tests.support.loopback_servers import loopback_servers

SANDBOX = ("--endpoint", "sandbox")
NAMES = [
    *("configuration", "jenkins", "controller", "reports", "engine", "proxy", "network", "clock", "credentials"),
    *("token", "permissions", "quota", "image"),
]
OF_THE_SERVICE = NAMES[5:12]
KEYS = {
    "ALIBABA_CLOUD_ACCESS_KEY_ID": "canary-key-id-WXYZ",
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "canary-key-secret",
    "JENKINS_SCAN_TOKEN": "canary-token-canary",
}
NO_ENGINE = {"DOCKER_HOST": "tcp://127.0.0.1:1"}
VERSION = {"Version": "29.7.2", "ApiVersion": "1.55", "MinAPIVersion": "1.40", "Components": [{"Name": "Engine"}]}
ENGINE = {"/version": VERSION, "/v1.55/info": {"Driver": "overlay2"}}


@pytest.fixture
def engine():
    with engine_on_port(ENGINE) as there:
        yield there.url


@pytest.fixture
def doctor(cli, engine):
    """The lines by name, and the code; with an engine that is well unless the environment names another one."""

    def run(*arguments, env=None, **named):
        outcome = cli("doctor", *arguments, "-o", "json", env={"DOCKER_HOST": engine, **(env or {})}, **named)
        told = json.loads(outcome.out)
        assert told["exit_code"] == outcome.code
        assert [check["name"] for check in told["checks"]] == NAMES
        assert "canary" not in outcome.out + outcome.err
        for check in told["checks"]:
            assert bool(check["remedy"]) == (check["status"] != "OK")
        assert list(outcome.folder.parent.iterdir()) == []
        return {check["name"]: check for check in told["checks"]}, outcome.code

    return run


def test_a_set_up_that_is_well_ends_with_zero_and_every_line_of_the_service_says_sandbox(doctor):
    lines, code = doctor(*SANDBOX, "--fail-on", "high")
    assert code == 0
    assert {name for name in NAMES if lines[name]["status"] == "SKIP"} == {"jenkins", "controller", "image"}
    for name in NAMES:
        assert lines[name]["seen"].startswith("SANDBOX: ") == (name in OF_THE_SERVICE)
    assert "store graphdriver" in lines["engine"]["seen"]
    assert "gates on" in lines["configuration"]["seen"]


def test_the_table_is_on_stdout_with_a_remedy_below_each_line_that_needs_one(cli, engine):
    run = cli("doctor", *SANDBOX, env={"DOCKER_HOST": engine})
    assert run.code == 0
    assert run.err == ""
    assert [line.split()[1] for line in run.out.splitlines() if line[0].isalpha()] == NAMES
    assert run.out.splitlines()[-1] == "10 OK, 3 SKIP (exit 0)"


def test_a_report_goes_into_a_file_when_one_is_named(cli, engine, tmp_path):
    assert cli("doctor", *SANDBOX, "-o", "json=d.json", env={"DOCKER_HOST": engine}).out == ""
    assert json.loads((tmp_path / "d.json").read_text())["sandbox"] is True
    assert cli("doctor", "-o", "xml").code == 2


@pytest.mark.parametrize(
    ("scenario", "name", "code", "word"),
    [
        ("no-permission", "permissions", 14, "yundun-sas:DescribeImageScanAuthCount"),
        ("poll-denied", "permissions", 14, "yundun-sas:DescribeImageInstances"),
        ("not-activated", "permissions", 14, "not active"),
        ("clock-skew", "clock", 14, "1200 s behind"),
        ("quota-exhausted", "quota", 12, "0 of 100"),
        ("nope", "configuration", 2, "nope"),
    ],
)
def test_what_is_broken_in_the_service_is_named(doctor, scenario, name, code, word):
    lines, ended = doctor(*SANDBOX, "--scenario", scenario, "--fail-on", "high")
    assert (lines[name]["status"], lines[name]["code"], ended) == ("FAIL", code, code)
    assert word in lines[name]["seen"] + lines[name]["remedy"]
    assert [each for each in NAMES if lines[each]["status"] == "FAIL"] == [name]


def test_a_gate_of_the_configuration_file_decides_what_is_asked(cli, engine, tmp_path):
    (tmp_path / ".jenkins-scan.toml").write_text('[policy.sensitive-file]\nfail_on = "high"\n')
    run = cli("doctor", *SANDBOX, env={"DOCKER_HOST": engine})
    assert "gates on sensitive-file." in run.out
    assert "DescribeImageSensitiveFileList" in run.out
    assert "DescribeImageVulList" not in run.out


def test_everything_that_is_wrong_with_the_configuration_is_told_at_once(doctor):
    lines, code = doctor("--image-src", "dokcer", env={"JENKINS_SCAN_MIN_QOTA": "1", **KEYS})
    assert code == 2
    seen = lines["configuration"]["seen"]
    assert "JENKINS_SCAN_MIN_QUOTA" in seen
    assert "no region was named" in seen
    assert "'dokcer'" in seen
    assert lines["token"]["status"] == "OK"
    for name in ("proxy", "network", "clock", "credentials", "permissions", "quota"):
        assert lines[name]["status"] == "SKIP"


def test_the_first_line_that_fails_gives_the_code(doctor):
    lines, code = doctor(*SANDBOX, "--scenario", "quota-exhausted", env=NO_ENGINE)
    assert (lines["engine"]["code"], lines["quota"]["code"], code) == (13, 12, 13)
    assert "Nobody listens at tcp://127.0.0.1:1 (from DOCKER_HOST)" in lines["engine"]["seen"]


def test_an_engine_that_was_stopped_is_named(doctor):
    with engine_on_port(ENGINE) as gone:
        pass
    lines, code = doctor(*SANDBOX, "--docker-host", gone.url)
    assert code == 13
    assert f"{gone.url} (from --docker-host): connection refused" in lines["engine"]["seen"]


def test_warnings_alone_end_with_eleven(doctor):
    lines, code = doctor(*SANDBOX, "--scenario", "quota-exhausted", "--min-quota", "0")
    assert (lines["quota"]["status"], code) == ("WARN", 11)


def test_a_closed_endpoint_leaves_the_rest_out(doctor):
    lines, code = doctor("--endpoint", "http://127.0.0.1:1", env=KEYS)
    assert code == 15
    assert "TCP: no connection to 127.0.0.1 port 1: Connection refused" in lines["network"]["seen"]
    assert "because `network` did not succeed" in lines["clock"]["seen"]
    assert lines["credentials"]["seen"].startswith("from environment, key id …WXYZ; not shown")
    assert lines["permissions"]["status"] == lines["quota"]["status"] == "SKIP"


@pytest.mark.without_secrets
def test_without_a_whole_pair_of_keys_nobody_asks_for_permissions(doctor):
    half = {"ALIBABA_CLOUD_ACCESS_KEY_ID": KEYS["ALIBABA_CLOUD_ACCESS_KEY_ID"]}
    with loopback_servers() as start:
        server = start(as_json({"Code": "IncompleteSignature"}, 400, {"date": formatdate(NOON, usegmt=True)}))
        lines, code = doctor("--endpoint", server.url, env=half)
    assert code == 14
    assert lines["clock"]["status"] == "OK"
    assert (lines["credentials"]["status"], lines["token"]["status"]) == ("FAIL", "FAIL")
    assert "half an AccessKey pair" in lines["credentials"]["seen"]
    assert "because `credentials` did not succeed" in lines["permissions"]["seen"]


def test_a_skewed_clock_of_a_server_is_told_before_its_signatures_fail(doctor):
    with loopback_servers() as start:
        server = start(Canned(400, b"{}", {"date": formatdate(NOON + 1200, usegmt=True)}))
        lines, code = doctor("--endpoint", server.url, env=KEYS)
    assert (code, lines["clock"]["code"]) == (14, 14)
    assert lines["quota"]["status"] == "SKIP"


def test_an_expired_certificate_is_named(doctor, tmp_path_factory):
    authority = trustme.CA()
    bundle = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", not_before=LONG_AGO, not_after=PAST).configure_cert(context)
    with loopback_servers() as start:
        server = start(Canned(), context)
        lines, code = doctor("--endpoint", server.url, "--ca-bundle", str(bundle), env=KEYS)
    assert code == 15
    assert "expired on 2024-01-01" in lines["network"]["seen"]


def test_a_proxy_that_is_not_there_is_named_without_its_password(doctor):
    proxy = {"HTTPS_PROXY": "http://canary-user:canary-pw@127.0.0.1:1"}
    lines, code = doctor("--region", "cn-hangzhou", env={**KEYS, **proxy})
    assert code == 15
    assert "proxy http://127.0.0.1:1 from HTTPS_PROXY (user information hidden)" in lines["proxy"]["seen"]
    assert "cannot be reached or gives no tunnel: Connection refused" in lines["network"]["seen"]


def test_a_proxy_that_cannot_be_followed_is_a_matter_of_settings(doctor):
    lines, code = doctor("--region", "cn-hangzhou", env={**KEYS, "ALL_PROXY": "socks5://127.0.0.1:1"})
    assert (code, lines["proxy"]["code"], lines["network"]["status"]) == (2, 2, "SKIP")


def test_an_image_is_looked_for_where_it_would_be(cli, engine, archive):
    there = cli("doctor", *SANDBOX, archive, env=NO_ENGINE)
    assert there.code == 0
    assert f"{archive} for linux/amd64 is there: sha256:" in there.out
    assert "not in an engine" in there.out
    gone = cli("doctor", *SANDBOX, "app:1", env={"DOCKER_HOST": engine})
    assert gone.code == 13
    assert "No image docker.io/library/app:1" in gone.out or "No image app:1" in gone.out
    assert cli("doctor", *SANDBOX, "Bad Name", env={"DOCKER_HOST": engine}).code == 2


def test_an_image_without_a_name_is_a_warning(cli, engine, tmp_path):
    from tests.support.images import write_docker_archive

    write_docker_archive(tmp_path / "nameless.tar")
    run = cli("doctor", *SANDBOX, "docker-archive://nameless.tar", env={"DOCKER_HOST": engine})
    assert run.code == 11


def test_the_state_of_the_sandbox_is_read_and_left_as_it_is(cli, engine, archive, tmp_path):
    env = {"DOCKER_HOST": engine}
    assert cli("doctor", *SANDBOX, "--state", "s.db", env=env).code == 0
    assert not (tmp_path / "s.db").exists()
    assert cli("scan", archive, *SANDBOX, "--state", "s.db").code == 0
    before = (tmp_path / "s.db").read_bytes()
    assert "89 of 100" in cli("doctor", *SANDBOX, "--state", "s.db", env=env).out
    assert (tmp_path / "s.db").read_bytes() == before


def test_in_a_jenkins_build_its_labels_and_its_controller_are_looked_at(doctor, tmp_path):
    with serving() as controller:
        build = {
            "JENKINS_URL": controller.url,
            "JOB_NAME": "app",
            "BUILD_NUMBER": "1",
            "BUILD_URL": f"{controller.url}job/app/1/",
            "WORKSPACE": str(tmp_path),
            "JENKINS_USER_ID": USER,
            "JENKINS_API_TOKEN": TOKEN,
        }
        lines, code = doctor(*SANDBOX, env=build)
        refused, _ = doctor(*SANDBOX, env={**build, "JENKINS_API_TOKEN": "canary-wrong"})
    assert lines["jenkins"]["status"] == "OK"
    assert (lines["controller"]["status"], code) == ("WARN", 11)  # it is plain http
    assert f"the token belongs to {USER}" in lines["controller"]["seen"]
    assert "does not know these credentials" in refused["controller"]["seen"]
    named = {**build, "JENKINS_SCAN_ENDPOINT": "sandbox"}
    assert doctor(env=named)[1] == 2


@pytest.fixture
def running(clock):
    """The environment that leads to a sandbox on a loopback port."""
    with State() as state, SandboxServer(SandboxService(load_scenario("clean"), state, now=clock.now)) as server:
        yield {
            "ALIBABA_CLOUD_ACCESS_KEY_ID": sandbox.ACCESS_KEY_ID,
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": sandbox.ACCESS_KEY_SECRET,
            "JENKINS_SCAN_TOKEN": sandbox.TOKEN,
            "JENKINS_SCAN_ENDPOINT": server.url,
        }


def test_a_wrong_key_is_named(doctor, running):
    wrong = {**running, "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "canary-key-secret"}
    lines, code = doctor(env=wrong)
    assert code == 14
    assert lines["credentials"]["seen"].startswith("SANDBOX: from environment, key id …y-id: ")
    assert "the AccessKey secret does not belong to the key id" in lines["credentials"]["seen"]


def test_a_sandbox_behind_a_port_is_told_as_one_and_in_jenkins_has_to_be_named_by_the_flag(doctor, running):
    lines, code = doctor(env=running)
    assert code == 0
    assert all(lines[name]["seen"].startswith("SANDBOX: ") for name in OF_THE_SERVICE)
    in_jenkins = {**running, "JENKINS_URL": "https://ci.example.com/"}
    lines, code = doctor(env=in_jenkins)
    assert code == 2
    assert "answers as a sandbox" in lines["permissions"]["seen"]


def test_an_interruption_ends_with_its_signal(cli):
    with loopback_servers() as start:
        server = start(lambda _: os.kill(os.getpid(), signal.SIGINT))
        run = cli("doctor", "--endpoint", server.url, env={**KEYS, **NO_ENGINE})
    assert (run.code, run.out) == (130, "")
    assert "interrupted by SIGINT" in run.err


def test_the_example_in_the_docs_is_what_the_tool_says(cli):
    page = (Path(__file__).parents[2] / "docs/doctor.md").read_text(encoding="utf-8")
    found = re.search(r"```console\n\$ jenkins-scan (?P<arguments>.*)\n(?P<said>(?:.+\n)+)```", page)
    run = cli(*found["arguments"].split())
    told, said = (
        [line for line in text.splitlines() if not line.startswith("OK    reports")]
        for text in (run.out, found["said"])
    )
    assert said == told
    assert len(said) == len(found["said"].splitlines()) - 1
