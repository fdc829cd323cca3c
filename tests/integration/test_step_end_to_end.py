"""The step as an agent runs it: whole processes, a real engine, a real registry, and the sandbox behind HTTP."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support import engines
from tests.support.served_sandbox import served

CANARIES = {
    "ALIBABA_CLOUD_ACCESS_KEY_ID": "canary-key-id-000001",
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "canary/secret+with=odd%signs",
    "JENKINS_SCAN_TOKEN": "canary-token-000001",
}


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str
    result: dict[str, Any]

    @property
    def image(self) -> dict[str, Any]:
        return self.result["images"][0]


@pytest.fixture
def sandbox() -> Iterator[dict[str, str]]:
    """`jenkins-scan sandbox serve` in a process of its own: the environment that leads to it."""
    with served() as environ:
        yield environ


@pytest.fixture
def step(docker_engine, tmp_path) -> Callable[..., Done]:
    """Runs `jenkins-scan` on the real engine."""

    def run(*arguments: str, **environ: str) -> Done:
        base = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "DOCKER_HOST": docker_engine.host_url}
        done = subprocess.run(
            [sys.executable, "-m", "jenkins_scan", *arguments],
            env={**base, **environ},
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Traceback" not in done.stderr
        return Done(done.returncode, done.stdout, done.stderr, json.loads(Path("scan-report/result.json").read_text()))

    return run


def test_build_scan_push_and_scan_again(step, sandbox, registry, client):
    name = f"{registry.address}/team/app:1"
    image_id = engines.build_scratch_image(client, name, {"hello": b"end to end"})
    before = step("scan", name, **sandbox)
    assert (before.code, before.result["verdict"], before.image["identity"]["config_digest"]) == (
        0,
        "SUBMITTED",
        image_id,
    )
    assert before.image["sent"]["digest"] is None
    assert "no registry digest" in before.err

    list(client.push(name, stream=True))
    after = step("scan", name, **sandbox)
    assert after.code == 0
    assert after.image["sent"]["digest"] == registry.manifest_digest("team/app", "1").removeprefix("sha256:")
    assert after.image["sent"]["digest_from"] == "graphdriver_repo_digest"
    assert after.image["sent"]["namespace"] == "team"
    assert after.image["task"]["id"] != before.image["task"]["id"]
    assert after.result["warnings"] == []
    assert after.result["sandbox"] is True


def test_in_process_and_over_http_the_same_is_sent(step, sandbox, client):
    engines.build_scratch_image(client, "same/app:1", {"hello": b"same"})
    over_http = step("scan", "same/app:1", **sandbox)
    in_process = step("scan", "same/app:1", "--endpoint", "sandbox")
    assert over_http.image["sent"] == in_process.image["sent"]
    assert over_http.image["identity"] == in_process.image["identity"]


@pytest.mark.parametrize(
    ("arguments", "environ", "code", "says"),
    [
        (["nosuch/app:1"], {}, 13, "No image"),
        (["same/app:1"], {"DOCKER_HOST": "unix:///nonexistent/docker.sock"}, 13, "No engine"),
        (["same/app:1", "--platform", "linux/s390x"], {}, 13, "s390x"),
        (["same/app:1", "--min-quota", "1000"], {}, 12, "1000"),
        (["same/app:1"], {"JENKINS_SCAN_TOKEN": ""}, 14, "no CI/CD token"),
        (["same/app:1"], {"ALIBABA_CLOUD_ACCESS_KEY_SECRET": "canary-wrong-secret"}, 14, "SignatureDoesNotMatch"),
        (["same/app:1"], {"ALIBABA_CLOUD_ACCESS_KEY_ID": "canary-wrong-id"}, 14, "InvalidAccessKeyId"),
        (["same/app:1"], {"JENKINS_SCAN_TOKEN": "canary-wrong-token"}, 15, "InvalidToken"),
    ],
)
def test_what_fails_has_its_code_and_opens_no_task(step, sandbox, client, arguments, environ, code, says):
    engines.build_scratch_image(client, "same/app:1", {"hello": b"same"})
    done = step("-vv", "scan", *arguments, **{**sandbox, **environ})
    assert done.code == code
    assert says in done.err
    assert done.result["tasks"] == []
    assert "canary" not in done.err + done.out + json.dumps(done.result)


def test_no_secret_in_any_output_or_report(step, client, tmp_path):
    engines.build_scratch_image(client, "same/app:1", {"hello": b"same"})
    done = step("-vv", "scan", "same/app:1", "--endpoint", "http://127.0.0.1:1", "-o", "table", **CANARIES)
    assert done.code == 15
    written = "".join(path.read_text() for path in tmp_path.rglob("*") if path.is_file())
    for secret in CANARIES.values():
        assert secret not in done.out + done.err + written
