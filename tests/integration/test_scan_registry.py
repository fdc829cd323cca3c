"""Registry scans: images pushed to a real registry, judged by digest over a served sandbox; and many runs at once."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from jenkins_scan.sandbox.state import State
from tests.support.docker_archives import archive, packed_image
from tests.support.served_sandbox import served

RUNS = 30
LIMIT = 10
"""Running tasks of an account; in the sandbox a task takes a second."""
VULNERABLE = """
[[finding]]
kind = "cve"
id = "CVE-2024-0001"
severity = "asap"
package = "libexample"
image = "team/bad:*"
"""


def scan_registry(folder, environ, *arguments):
    """The finished process and its result.json."""
    run = subprocess.run(
        [sys.executable, "-m", "jenkins_scan", "scan-registry", *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=150,
    )
    assert "Traceback" not in run.stderr
    return run, json.loads((folder / "scan-report" / "result.json").read_text())


@pytest.fixture(scope="module")
def pushed(registry, tmp_path_factory):
    """Two images in the registry: the digest of each by name."""
    folder, digests = tmp_path_factory.mktemp("pushed"), {}
    for name in ("good", "bad"):
        (folder / name).write_bytes(archive(packed_image([f"{name}:1"], layers=[name.encode()])))
        place = f"docker://{registry.address}/team/{name}:1"
        copy = ["skopeo", "copy", "--quiet", "--dest-tls-verify=false", "--digestfile", str(folder / "digest")]
        subprocess.run([*copy, f"docker-archive:{folder / name}", place], check=True)
        digests[name] = (folder / "digest").read_text().strip()
    return digests


@pytest.fixture(scope="module")
def environ(registry, tmp_path_factory):
    """A sandbox that reads this registry, in which one image has a finding."""
    folder = tmp_path_factory.mktemp("sandbox")
    (folder / "findings.toml").write_text(VULNERABLE)
    with served("--scenario", str(folder / "findings.toml"), "--registry-url", f"http://{registry.address}") as environ:
        yield environ


@pytest.mark.parametrize(("name", "code", "verdict"), [("good", 0, "PASS"), ("bad", 10, "FAIL")])
def test_what_was_pushed_is_judged_by_its_digest(environ, pushed, tmp_path, name, code, verdict):
    run, result = scan_registry(
        tmp_path, environ, "--registry-type", "harbor", "--digest", pushed[name], "--fail-on", "high"
    )
    (image,) = result["images"]
    assert (run.returncode, result["verdict"], image["proof"]) == (code, verdict, "digest"), run.stderr
    assert image["identity"]["registry_digest"] == pushed[name]


def test_names_are_resolved_at_the_registry_and_each_image_has_its_own_verdict(registry, environ, pushed, tmp_path):
    names = [f"{registry.address}/team/{name}:1" for name in ("good", "bad")]
    run, result = scan_registry(tmp_path, environ, *names, "--registry-type", "harbor", "--fail-on", "high")
    assert run.returncode == 10, run.stderr
    assert [image["verdict"] for image in result["images"]] == ["PASS", "FAIL"]
    assert [image["identity"]["registry_digest"] for image in result["images"]] == list(pushed.values())
    (task,) = result["tasks"]
    assert (task["operation"], task["total"], task["finished"]) == ("PublicCreateImageScanTask", 2, 2)


def test_a_name_that_was_never_pushed_is_thirteen(registry, environ, tmp_path):
    run, _ = scan_registry(tmp_path, environ, f"{registry.address}/team/good:9", "--fail-on", "high")
    assert run.returncode == 13


def test_many_runs_at_once_share_ten_slots_and_none_is_lost(tmp_path):
    with served("--state", str(tmp_path / "state.db")) as environ:

        def one(number):
            folder = tmp_path / str(number)
            folder.mkdir()
            return scan_registry(folder, environ, "--digest", f"{number:064x}", "--fail-on", "high", "--timeout", "2m")

        with ThreadPoolExecutor(RUNS) as runs:
            ended = list(runs.map(one, range(1, RUNS + 1)))
        with State(tmp_path / "state.db") as state:
            tasks = state.tasks()
    assert [(run.returncode, result["verdict"]) for run, result in ended] == [(0, "PASS")] * RUNS
    opened = [result["tasks"][0]["id"] for _, result in ended]
    assert sorted(opened) == sorted(task.task_id for task in tasks)  # none lost, none twice
    assert len(set(opened)) == RUNS
    assert max(sum(0 <= task.opened_at - other.opened_at < 1.0 for other in tasks) for task in tasks) <= LIMIT
