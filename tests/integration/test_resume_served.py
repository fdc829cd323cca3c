"""`scan --no-wait` and then `wait` says what `scan --wait` says, against `sandbox serve` in a process of its own."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from jenkins_scan.cli.main import main
from tests.support.images import write_docker_archive

OWN = re.compile(
    r"\b[0-9a-f]{32}\b|\b[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}\b|\d{4}-\d\d-\d\d[T ][\d:.]+Z?"
)
"""Task ids, request ids and times: what two runs never have in common."""
OF_IMAGE = ("reference", "identity", "verdict", "proof", "counts", "findings", "waived", "new", "known", "fixed")
WAIVERS = """
[[waiver]]
id = "CVE-2024-0001"
reason = "not reachable"
expires = 2999-12-31
[[waiver]]
id = "miner"
reason = "over"
expires = 2020-01-01
[[waiver]]
id = "CVE-1999-0001"
reason = "never met"
expires = 2999-12-31
"""


@contextmanager
def served(scenario: str) -> Iterator[dict[str, str]]:
    """The environment that leads to a sandbox with this scenario."""
    command = [sys.executable, "-m", "jenkins_scan", "sandbox", "serve", "--scenario", scenario]
    environ = {"PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environ) as server:
        try:
            ready = json.loads(server.stdout.readline())
            yield {
                "ALIBABA_CLOUD_ACCESS_KEY_ID": ready["access_key_id"],
                "ALIBABA_CLOUD_ACCESS_KEY_SECRET": ready["access_key_secret"],
                "JENKINS_SCAN_TOKEN": ready["token"],
                "JENKINS_SCAN_ENDPOINT": ready["url"],
            }
        finally:
            server.terminate()


@pytest.fixture
def run(tmp_path, monkeypatch) -> Callable[..., dict[str, Any]]:
    """Runs the command line in the test's folder; returns its result.json."""

    def run(environ: Mapping[str, str], folder: str, *arguments: str) -> dict[str, Any]:
        with monkeypatch.context() as surroundings:
            for name, value in environ.items():
                surroundings.setenv(name, value)
            code = main((*arguments, "--report-dir", folder))
        result: dict[str, Any] = json.loads((tmp_path / folder / "result.json").read_text())
        assert result["exit_code"] == code
        return result

    return run


@pytest.fixture
def image(tmp_path) -> str:
    write_docker_archive(tmp_path / "app.tar", "registry.example.com/team/app:1")
    return f"docker-archive://{tmp_path}/app.tar"


def said(result: Mapping[str, Any]) -> dict[str, Any]:
    """What a run says of its image, without what is its own."""
    images = [
        {key: each[key] for key in OF_IMAGE}
        | {"task": {key: each["task"][key] for key in ("status", "word", "uuid")}}
        | {"reasons": [each | {"request_id": None} for each in each["reasons"]]}
        for each in result["images"]
    ]
    whole = {key: result[key] for key in ("verdict", "reason", "exit_code", "sandbox", "service")}
    gates = {key: value for key, value in result["policy"].items() if key != "min_quota"}
    comparable: dict[str, Any] = json.loads(OWN.sub("…", json.dumps({**whole, "policy": gates, "images": images})))
    return comparable


def warnings(*results: Mapping[str, Any]) -> set[str]:
    return {OWN.sub("…", warning) for result in results for warning in result["warnings"]}


@pytest.mark.parametrize(
    ("scenario", "code"),
    [
        ("vulnerable", 10),
        ("clean", 0),
        ("paged", 10),
        ("wrong-image", 17),
        ("scan-failed", 17),
        ("unknown-severity", 10),
        ("unknown-status", 0),
        ("contradictory", 17),
        ("partial", 17),
        ("poll-denied", 14),
    ],
)
def test_submitted_and_then_waited_for_is_scanned(run, image, scenario, code):
    with served(scenario) as service:
        submitted = run(service, "first", "scan", image, "--no-wait")
        waited = run(service, "second", "wait", "first/result.json", "--fail-on", "high")
        whole = run(service, "whole", "scan", image, "--wait", "--fail-on", "high")
    assert (submitted["verdict"], waited["exit_code"]) == ("SUBMITTED", code)
    assert said(waited) == said(whole)
    assert waited["tasks"][0]["id"] == submitted["tasks"][0]["id"] != whole["tasks"][0]["id"]
    assert warnings(submitted, waited) == warnings(whole)


def test_the_options_of_a_gate_mean_the_same(run, image, tmp_path):
    (tmp_path / "w.toml").write_text(WAIVERS)
    policies = [
        (("--warn-on", "low"), 11),
        (("--fail-on", "critical", "--warn-on", "medium"), 10),
        (("--fail-on", "high", "--fixable-only"), 10),
        (("--fail-on", "medium", "--waivers", "w.toml"), 10),
        (("--fail-on", "high", "--baseline", "known.json"), 10),
        (("--fail-on", "low", "--fixable-only", "--waivers", "w.toml", "--baseline", "known.json"), 10),
        (("--fail-on", "high", "--soft", "policy"), 11),
        ((), 10),
    ]
    with served("vulnerable") as service:
        known = run(service, "known", "scan", image, "--fail-on", "high")
        del known["images"][0]["findings"][::2]
        (tmp_path / "known.json").write_text(json.dumps(known))
        submitted = run(service, "first", "scan", image, "--no-wait")
        for options, code in policies:
            waited = run(service, "second", "wait", "first/result.json", *options)
            whole = run(service, "whole", "scan", image, "--wait", *options)
            assert waited["exit_code"] == code, options
            assert said(waited) == said(whole), options
            assert warnings(submitted, waited) == warnings(whole), options


def test_several_images_and_one_that_was_never_opened(run, image, tmp_path):
    write_docker_archive(tmp_path / "again.tar", "registry.example.com/team/app:2")
    images = (image, "docker-archive:///no/such.tar", f"docker-archive://{tmp_path}/again.tar")
    with served("clean") as service:
        submitted = run(service, "first", "scan", *images, "--no-wait")
        waited = run(service, "second", "wait", "first/result.json")
        whole = run(service, "whole", "scan", *images, "--wait")
    assert [each["verdict"] for each in submitted["images"]] == ["SUBMITTED", "ERROR", "SUBMITTED"]
    assert [each["verdict"] for each in waited["images"]] == ["PASS", "INCOMPLETE", "PASS"]
    assert [each["verdict"] for each in whole["images"]] == ["PASS", "ERROR", "PASS"]
    assert [each["proof"] for each in waited["images"]] == [each["proof"] for each in whole["images"]]


def test_a_server_that_is_started_anew_with_the_same_state_knows_the_task(run, image, tmp_path):
    state = str(tmp_path / "s.db")
    place = ("--endpoint", "sandbox", "--state", state, "--scenario", "vulnerable")
    submitted = run({}, "first", "scan", image, "--no-wait", *place)
    waited = run({}, "second", "wait", "first/result.json", *place)
    assert waited["tasks"][0]["id"] == submitted["tasks"][0]["id"]
    assert waited["exit_code"] == 10
