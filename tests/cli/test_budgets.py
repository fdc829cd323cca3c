"""What a run may cost, counted in modules and calls: time is for the benchmark."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.support.canned_engine import engine_on_socket

HEAVY = {
    "docker",
    "requests",
    "httpx",
    "pydantic",
    "rich",
    "tenacity",
    "sqlite3",
    "asyncio",
    "alibabacloud_credentials",
}
KEYS = {
    "ALIBABA_CLOUD_ACCESS_KEY_ID": "canary-id",
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "canary-secret",
    "JENKINS_SCAN_TOKEN": "canary-token",
}
MOST_OWN_MODULES = 110
"""Each costs half a millisecond to find and read."""
MOST_MODULES = 700
"""With the libraries, at the end of a submit through an engine; paramiko alone would bring two hundred."""
UNUSED_BY_HELP = {
    *("jenkins_scan.secret_forms", "jenkins_scan.config.settings", "jenkins_scan.step"),
    *("difflib", "tomllib", "html", "secrets"),
}
PROGRAM = """
import json, sys
from jenkins_scan.cli.main import main
code = main(sys.argv[1:])
print()
print(json.dumps({"code": code, "modules": sorted(sys.modules)}))
"""


def modules_of(*arguments):
    """The modules that a run has loaded at its end."""
    command = [sys.executable, "-c", PROGRAM, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={"HOME": "/nonexistent"})
    loaded = json.loads(done.stdout.splitlines()[-1])
    assert loaded["code"] == 0
    return set(loaded["modules"])


@pytest.mark.without_secrets
@pytest.mark.parametrize("arguments", [["--help"], ["scan", "--help"], ["--version"]])
def test_help_loads_no_heavy_library(arguments):
    loaded = modules_of(*arguments)
    assert loaded & (HEAVY | UNUSED_BY_HELP) == set()
    assert not {name for name in loaded if name.startswith("jenkins_scan.sandbox")}


def test_a_real_scan_carries_no_stand_in_and_an_archive_no_docker(cli, archive):
    code = (
        "import sys; from jenkins_scan.cli.main import main; from tests.support.center import FakeClock; "
        "main(['-q', 'scan', sys.argv[1], '--endpoint', 'http://127.0.0.1:1'], FakeClock()); print(sorted(sys.modules))"
    )
    environ = {**KEYS, "JENKINS_SCAN_MIN_QUOTA": "0", "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", code, archive], capture_output=True, text=True, check=True, env=environ
    )
    loaded = set(json.loads(done.stdout.replace("'", '"')))
    assert "jenkins_scan.security_center.client" in loaded
    assert loaded.isdisjoint({"docker", "rich", "pygments"})
    assert not {name for name in loaded if name.startswith(("jenkins_scan.sandbox", "alibabacloud"))}


def test_a_scan_through_an_engine_carries_no_ssh(tmp_path):
    answers = {
        "/version": {"ApiVersion": "1.41", "Components": [{"Name": "Engine"}]},
        "/v1.41/info": {"Driver": "vfs"},
        "/v1.41/images/app:1/json": {"Id": f"sha256:{'a' * 64}", "RepoTags": ["app:1"]},
    }
    with engine_on_socket(tmp_path / "e.sock", answers):
        code = (
            "import sys; from jenkins_scan.cli.main import main; from tests.support.center import FakeClock; "
            "main(['-q', 'scan', 'app:1', '--endpoint', 'http://127.0.0.1:1'], FakeClock()); print(sorted(sys.modules))"
        )
        here = {"DOCKER_HOST": f"unix://{tmp_path}/e.sock", "PYTHONPATH": str(Path(__file__).parents[2])}
        environ = {**KEYS, **here, "JENKINS_SCAN_MIN_QUOTA": "0"}
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environ, cwd=tmp_path
        )
    loaded = set(json.loads(done.stdout.replace("'", '"')))
    assert len(loaded) <= MOST_MODULES
    assert "docker.transport.unixconn" in loaded
    assert loaded.isdisjoint({"paramiko", "invoke", "asyncio", "unittest.mock", "docker.transport.sshconn"})


def test_a_submit_carries_nothing_that_judges_waits_or_reads_findings(archive):
    code = (
        "import sys; from jenkins_scan.cli.main import main; from tests.support.center import FakeClock; "
        "main(['-q', 'scan', sys.argv[1], '--endpoint', 'http://127.0.0.1:1'], FakeClock()); print(sorted(sys.modules))"
    )
    environ = {**KEYS, "JENKINS_SCAN_MIN_QUOTA": "0", "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", code, archive], capture_output=True, text=True, check=True, env=environ
    )
    own = {name for name in json.loads(done.stdout.replace("'", '"')) if name.startswith("jenkins_scan.")}
    assert "jenkins_scan.report.sarif" in own, "it went the whole way"
    judging = {"step.jury", "step.waiting", "step.proof", "gate.image", "gate.baseline", "gate.waivers"}
    reading = {"security_center.wire_status", "security_center.wire_findings", "security_center.registry_scans"}
    assert own.isdisjoint(f"jenkins_scan.{name}" for name in judging | reading)
    assert len(own) <= MOST_OWN_MODULES


def test_a_plain_scan_asks_the_service_twice(cli, archive):
    said = cli("-vv", "scan", archive, "--endpoint", "sandbox").err
    assert said.count("asking http://sandbox") == 2


def test_an_image_is_asked_for_twice_and_what_its_engine_is_once(cli, tmp_path):
    """What it is, and before the verdict whether its name still means it; each time the engine may be another one."""
    names = ("app", "worker", "web")
    inspects = {
        f"/v1.41/images/{name}:1/json": {"Id": f"sha256:{digit * 64}", "RepoTags": [f"{name}:1"]}
        for name, digit in zip(names, "abc", strict=True)
    }
    about = {"/version": {"ApiVersion": "1.41", "Components": [{"Name": "Engine"}]}, "/v1.41/info": {"Driver": "vfs"}}
    with engine_on_socket(tmp_path / "e.sock", {**about, **inspects}) as engine:
        images = [f"{name}:1" for name in names]
        run = cli("scan", *images, "--endpoint", "sandbox", "--docker-host", engine.url, "--jobs", "1")
    assert run.code == 0
    assert Counter(engine.requests) == {**dict.fromkeys(inspects, 2), "/version": 3, "/v1.41/info": 3}
