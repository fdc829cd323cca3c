"""`scan-registry` against the sandbox: what is refused, created, waited for and judged."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import jsonschema
import pytest

from tests.support.canned_registry import CannedRegistry, serving

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SCHEMA = jsonschema.Draft202012Validator(json.loads((ROOT / "docs/result.schema.json").read_text(encoding="utf-8")))
ONE, OTHER = "a" * 64, "b" * 64
SANDBOX = ("--endpoint", "sandbox")
DIGEST = ("--digest", ONE)
TAG = ("--tag", "1", "--repo-id", "crr-1")
APP, WEB = ("--tag", "1", "--repo-id", "r1"), ("--tag", "1", "--repo-id", "r2")
BOTH = (*DIGEST, "--digest", OTHER)
GATE = ("--fail-on", "high")
PLACE = (
    *("--registry-type", "acr", "--region-id", "cn-hangzhou", "--instance-id", "cri-1", "--repo-id", "crr-1"),
    *("--repo-namespace", "team", "--repo-name", "app", "--tag", "1"),
)
BUSY = ("--scenario", "busy", "--timeout", "1m")
CREATE, SYNC = "PublicCreateImageScanTask", "PublicSyncAndCreateImageScanTask"


DECLARED = f"""
[[registry]]
type = "harbor"
region_id = "cn-hangzhou"
instance_id = "harbor-1"
[[registry.repository]]
namespace = "team"
name = "app"
id = "r1"
[registry.repository.tags]
"1" = "{ONE}"
"latest" = "{ONE}"
[[registry.repository]]
namespace = "team"
name = "web"
id = "r2"
[registry.repository.tags]
"1" = "{OTHER}"
[[finding]]
kind = "cve"
id = "CVE-2024-0009"
severity = "asap"
package = "p"
image = "team/web:*"
"""
"""A scenario that says what the registries hold: one image of two names, and another one with a finding."""


@pytest.fixture
def registry_scan(cli):
    """Runs it against the sandbox."""
    return lambda *arguments: cli("-vv", "scan-registry", *SANDBOX, *arguments)


def asked(run):
    """The operations that the service was asked, in order."""
    return re.findall(r"asking \S+: (\w+)$", run.err, re.MULTILINE)


def verdicts(run):
    return [image["verdict"] for image in run.result["images"]]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "every image of the account"),
        (("--digest", ""), "--digest is empty"),
        (("--registry-type", "acr"), "more than one named image"),
        (("--tag", "1"), "more than one named image"),
        (("--all-images",), "without --max-images"),
        (("--digest", f"{ONE},{OTHER}"), "--digest: not a SHA-256 digest"),
        (("--tag", "1,2", "--repo-id", "crr-1"), "--tag: '1,2' has a comma"),
        (("registry.example.com/team/app:1", *DIGEST), "--digest beside an image"),
        (("--sync", *DIGEST), "--registry-type, --region-id"),
        (("--sync", *DIGEST, *PLACE, "--instance-id", "cri-2"), "--instance-id was given more than once"),
        (("--sync", *DIGEST, *PLACE[:4], "--instance-id", "", *PLACE[6:]), "--instance-id is empty"),
        (("docker-archive:///app.tar",), "not an image reference"),
        ((f"registry://{ONE}",), "image id"),
        ((*DIGEST, "--platform", "linux"), "is not a platform"),
        ((*DIGEST, "--no-wait", *GATE), "--no-wait and a gate"),
        ((*DIGEST, "--registry-url", "http://192.0.2.1:5000"), "on loopback only"),
    ],
)
def test_what_cannot_be_meant_is_two_and_nothing_is_sent(registry_scan, arguments, said):
    run = registry_scan(*arguments)
    assert (run.code, run.result["tasks"], asked(run)) == (2, [], [])
    assert said in run.err


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (DIGEST, 0, None),
        ((*DIGEST, "--scenario", "vulnerable"), 10, "policy"),
        ((*DIGEST, "--scenario", "slow", "--timeout", "20s"), 16, "timeout"),
        ((*DIGEST, "--scenario", "wrong-image"), 17, "incomplete"),
        ((*DIGEST, "--scenario", "scan-failed"), 17, "incomplete"),
        ((*DIGEST, "--scenario", "unsupported-region"), 17, "incomplete"),
        ((*DIGEST, "--scenario", "poll-denied"), 14, "access"),
        ((*DIGEST, "--scenario", "lost-answer"), 0, None),
        ((*DIGEST, "--scenario", "quota-runs-out"), 17, "incomplete"),
        ((*DIGEST, "--scenario", "busy-then-free"), 0, None),
        ((*DIGEST, *PLACE, "--sync", "--scenario", "not-synced"), 0, None),
    ],
    ids=lambda value: " ".join(value).replace(ONE, "HEX") if isinstance(value, tuple) else None,
)
def test_each_scenario_ends_with_its_code_and_one_create(registry_scan, arguments, code, reason):
    run = registry_scan(*arguments, *GATE)
    assert (run.code, run.result["reason"]) == (code, reason)
    (task,) = run.result["tasks"]
    (image,) = run.result["images"]
    assert (task["id"], image["sent"]["digest_from"]) == (image["task"]["id"], "named")
    created = [name for name in asked(run) if name in (CREATE, SYNC)]
    assert set(created) == {task["operation"]}
    assert len(created) == 1 or "busy-then-free" in arguments
    assert run.last_line.endswith(f"(exit {code})")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((*DIGEST, *BUSY), 12, "no task slot was free"),
        ((*DIGEST, "--scenario", "quota-exhausted"), 12, "0 of 100 image scans remain"),
        ((*DIGEST, "--scenario", "quota-exhausted", "--min-quota", "0"), 12, "BeyondQuata"),
        ((*DIGEST, "--min-quota", "91"), 12, "90 of 100"),
        ((*DIGEST, "--scenario", "not-synced"), 13, "--sync"),
        ((*DIGEST, "--scenario", "no-permission"), 14, "yundun-sas:PublicPreCheckImageScanTask"),
        ((*DIGEST, "--scenario", "not-activated"), 14, "not active"),
        ((*DIGEST, "--scenario", "server-error"), 15, "a task may exist"),
        ((*DIGEST, "--scenario", "soft-failure"), 15, "1011"),
        ((*DIGEST, "--region-id", "cn-nowhere"), 17, "eu-west-1 UK (London)"),
    ],
    ids=lambda value: " ".join(value).replace(ONE, "HEX") if isinstance(value, tuple) else None,
)
def test_where_nothing_is_opened_the_image_and_the_reason_are_named(registry_scan, arguments, code, said):
    run = registry_scan(*arguments)
    assert (run.code, run.result["tasks"]) == (code, [])
    assert said in run.err
    SCHEMA.validate(run.result)
    assert run.result["images"][0]["reference"] == f"sha256:{ONE}"
    assert len(asked(run)) < 20


def test_busy_then_free_waits_with_growing_pauses(registry_scan, clock):
    run = registry_scan(*DIGEST, "--scenario", "busy-then-free")
    assert run.code == 0
    assert 2 <= asked(run).count(CREATE) <= 4
    assert min(clock.sleeps) >= 1.5
    assert "no task slot is free" in run.err


def test_what_is_asked_for_is_narrow_on_the_wire_and_its_answer_in_the_result(registry_scan):
    run = registry_scan(*DIGEST, *PLACE, "--source-ip", "192.0.2.1")
    assert asked(run) == [
        "ListImageRegistryRegion",
        "PublicPreCheckImageScanTask",
        "DescribeImageScanAuthCount",
        CREATE,
    ]
    assert run.result["registry"] == {
        "filter": {
            "digest": [ONE],
            "repoId": ["crr-1"],
            "tag": ["1"],
            "repoName": ["app"],
            "repoNamespace": ["team"],
            "instanceId": ["cri-1"],
            "regionId": ["cn-hangzhou"],
            "registryType": ["acr"],
        },
        "need_auth_count": 1,
        "scan_image_count": 1,
        "max_images": 1,
    }
    SCHEMA.validate(run.result)
    (task,) = run.result["tasks"]
    assert {name: task[name] for name in ("operation", "status", "result", "progress", "total", "finished")} == {
        "operation": CREATE,
        "status": "INIT",
        "result": None,
        "progress": 0,
        "total": 1,
        "finished": 0,
    }
    assert task["can_create"] is True
    assert task["collected_at"] == task["executed_at"] == "2025-01-02T12:00:00Z"
    assert run.result["images"][0]["request_id"]
    assert (run.result["verdict"], run.result["quota"]["remaining"]) == ("SUBMITTED", 90)
    assert "precheck: 1 image to scan" in run.err


def test_every_operation_of_a_judged_run_is_one_that_the_documentation_asks_to_be_granted(registry_scan, tmp_path):
    granted = (ROOT / "docs/registry.md").read_text(encoding="utf-8") + (ROOT / "docs/gate.md").read_text(
        encoding="utf-8"
    )
    (tmp_path / "s.toml").write_text(DECLARED)
    run = registry_scan(*WEB, "--region-id", "cn-hangzhou", *GATE, "--scenario", "s.toml")
    assert run.code == 10
    assert set(asked(run)) == {name for name in set(asked(run)) if f"`{name}`" in granted}


def test_the_example_of_the_documentation_fails_as_it_should(cli):
    text = (ROOT / "docs/registry.md").read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if "--scenario vulnerable" in line)
    example = shlex.split(line.replace("\"$(printf 'a%.0s' {1..64})\"", ONE))
    assert example[0] == "jenkins-scan"
    assert cli(*example[1:]).code == 10


def test_each_digest_is_judged_by_its_own_findings(registry_scan, tmp_path):
    (tmp_path / "s.toml").write_text(
        f'[[finding]]\nkind = "cve"\nid = "CVE-2024-0009"\nseverity = "asap"\npackage = "p"\nimage = "{OTHER}"\n'
    )
    run = registry_scan(*BOTH, *GATE, "--scenario", "s.toml")
    SCHEMA.validate(run.result)
    assert (run.code, verdicts(run)) == (10, ["PASS", "FAIL"])
    assert [image["proof"] for image in run.result["images"]] == ["digest", "digest"]
    assert [len(image["findings"]) for image in run.result["images"]] == [0, 1]
    (task,) = run.result["tasks"]
    assert (task["total"], task["finished"]) == (2, 2)


def test_half_of_the_images_stay_unscanned_when_the_quota_runs_out(registry_scan):
    run = registry_scan(*BOTH, *GATE, "--scenario", "quota-runs-out")
    assert (run.code, verdicts(run)) == (17, ["PASS", "INCOMPLETE"])
    assert "ended with FAIL" in run.result["images"][1]["reasons"][0]["message"]


def test_a_tag_without_a_gate_is_submitted(registry_scan):
    run = registry_scan(*TAG)
    assert (run.code, run.result["verdict"]) == (0, "SUBMITTED")


class TestDeclared:
    """Registries of which the scenario says what they hold: one image of two names, and another one."""

    @pytest.fixture
    def scan(self, registry_scan, tmp_path):
        (tmp_path / "s.toml").write_text(DECLARED)
        return lambda *arguments: registry_scan(*arguments, "--scenario", "s.toml")

    def test_all_images_are_judged_each(self, scan):
        run = scan("--all-images", "--max-images", "2", *GATE)
        assert (run.code, sorted(verdicts(run))) == (10, ["FAIL", "PASS"])
        assert run.result["tasks"][0]["total"] == 2

    def test_more_than_the_bound_are_not_created(self, scan):
        run = scan("--all-images", "--max-images", "1")
        assert (run.code, run.result["tasks"], CREATE in asked(run)) == (2, [], False)

    def test_a_digest_that_nobody_holds_takes_the_other_along(self, scan):
        run = scan(*DIGEST, "--digest", "c" * 64)
        assert (run.code, CREATE in asked(run)) == (13, False)
        assert [image["reference"] for image in run.result["images"]] == [f"sha256:{ONE}", f"sha256:{'c' * 64}"]

    @pytest.mark.parametrize(
        ("arguments", "code", "reference"),
        [
            (WEB, 10, f"team/web:1@sha256:{OTHER}"),
            (APP, 17, f"team/app:1@sha256:{ONE}"),
            (("--tag", "1", "--repo-namespace", "team", "--repo-name", "app"), 17, f"team/app:1@sha256:{ONE}"),
        ],
    )
    def test_a_tag_means_what_is_listed_under_it_and_never_passes(self, scan, arguments, code, reference):
        run = scan(*arguments, *GATE)
        (image,) = run.result["images"]
        assert (run.code, image["reference"], image["sent"]["digest_from"]) == (code, reference, "listed_tag")
        assert (image["proof"], asked(run).count(CREATE)) == ("digest", 1)
        assert scan(*arguments).result["verdict"] == "SUBMITTED"

    @pytest.mark.parametrize(("image", "waived"), [("team/web*", True), ("team/app*", False)])
    def test_a_waiver_for_an_image_is_for_that_one(self, scan, tmp_path, image, waived):
        (tmp_path / "w.toml").write_text(
            f'[[waiver]]\nid = "CVE-2024-0009"\nreason = "accepted"\nexpires = 2030-01-01\nimage = "{image}"\n'
        )
        run = scan("--digest", OTHER, "--repo-namespace", "team", "--repo-name", "web", *GATE, "--waivers", "w.toml")
        assert (run.code, len(run.result["images"][0]["waived"])) == ((0, 1) if waived else (10, 0))

    def test_only_what_is_new_against_a_baseline_is_gated(self, scan):
        web = ("--digest", OTHER, "--repo-namespace", "team", "--repo-name", "web", *GATE)
        assert scan(*web, "--report-dir", "scan-report").code == 10
        again = scan(*web, "--baseline", "scan-report/result.json")
        assert (again.code, again.result["images"][0]["known"]) == (0, 1)
        other = scan(
            *DIGEST, "--repo-namespace", "team", "--repo-name", "app", *GATE, "--baseline", "scan-report/result.json"
        )
        assert (other.code, CREATE in asked(other)) == (2, False)


class TestWait:
    """`wait` takes up a task of images in registries."""

    MEMORY = (*SANDBOX, "--state", "s.db")

    def wait(self, cli, *arguments):
        run = cli("-vv", "wait", "scan-report/result.json", *self.MEMORY, *GATE, *arguments)
        SCHEMA.validate(run.result)
        return run

    @pytest.mark.parametrize(
        ("arguments", "scenario", "code", "words"),
        [
            (BOTH, "clean", 0, ["PASS", "PASS"]),
            (DIGEST, "lost-answer", 0, ["PASS"]),
            (APP, "s.toml", 17, ["INCOMPLETE"]),
            (WEB, "s.toml", 10, ["FAIL"]),
        ],
    )
    def test_it_is_judged_as_it_would_have_been(self, cli, registry_scan, tmp_path, arguments, scenario, code, words):
        (tmp_path / "s.toml").write_text(DECLARED)
        first = registry_scan(*arguments, "--state", "s.db", "--scenario", scenario)
        assert first.result["verdict"] == "SUBMITTED"
        run = self.wait(cli, "--scenario", scenario)
        assert (run.code, verdicts(run)) == (code, words)
        ((before,), (after,)) = first.result["tasks"], run.result["tasks"]
        for name in ("id", "operation", "total", "can_create", "collected_at", "executed_at"):
            assert after[name] == before[name]
        assert after["finished"] == len(words)
        assert not {name for name in asked(run) if name.startswith("Public")}

    def test_again_and_again(self, cli, registry_scan):
        registry_scan(*BOTH, "--state", "s.db", "--scenario", "slow")
        for _ in range(2):
            run = self.wait(cli, "--scenario", "slow", "--timeout", "5s")
            assert (run.code, run.result["tasks"][0]["total"]) == (16, 2)


class TestReferences:
    """Images by name, in a registry on loopback."""

    @pytest.fixture
    def registry(self):
        return CannedRegistry()

    @pytest.fixture
    def host(self, registry):
        with serving(registry) as host:
            yield host

    def test_the_registry_says_the_digest(self, registry_scan, registry, host):
        pushed = registry.push("1")
        run = registry_scan(f"{host}/team/app:1", "--registry-type", "harbor", *GATE)
        (image,) = run.result["images"]
        assert (run.code, image["proof"], image["sent"]["digest_from"]) == (0, "digest", "registry")
        assert image["identity"]["registry_digest"] == pushed.digest
        assert run.result["registry"]["filter"] == {
            "digest": [pushed.digest.removeprefix("sha256:")],
            "repoName": ["app"],
            "repoNamespace": ["team"],
            "registryType": ["harbor"],
        }

    def test_two_names_of_one_image_cost_one_scan(self, registry_scan, registry, host):
        registry.push("1")
        registry.push("latest")
        run = registry_scan(f"{host}/team/app:1", f"registry://{host}/team/app", f"{host}/team/app:1", *GATE)
        assert (run.code, verdicts(run)) == (0, ["PASS", "PASS"])
        assert [task["total"] for task in run.result["tasks"]] == [1]

    def test_one_that_is_not_there_does_not_take_the_other_along(self, registry_scan, registry, host):
        registry.push("1")
        run = registry_scan(f"{host}/team/app:1", f"{host}/team/app:2", *GATE)
        assert (run.code, verdicts(run)) == (13, ["PASS", "ERROR"])
        assert len(run.result["registry"]["filter"]["digest"]) == 1

    def test_none_there_asks_the_service_nothing(self, registry_scan, host):
        run = registry_scan(f"{host}/team/app:2")
        assert (run.code, asked(run)) == (13, [])

    @pytest.mark.parametrize("gate", [GATE, ()])
    def test_a_tag_that_moved_meanwhile_is_seventeen(self, registry_scan, registry, host, gate):
        pushed = registry.push("1")
        config = registry.blobs[pushed.config]

        def moving(request):
            registry.push("1", layers=(b"another",))
            return httpx.Response(200, content=config)

        registry.spoil("GET", f"blobs/{pushed.config}", moving)
        run = registry_scan(f"{host}/team/app:1", *gate)
        assert (run.code, len(run.result["tasks"])) == (17, 1)
        assert "names sha256:" in run.err

    def test_an_index_needs_a_platform_and_is_scanned_by_it(self, registry_scan, registry, host):
        amd, arm = registry.push(None), registry.push(None, layers=(b"arm",), architecture="arm64")
        registry.push_index(
            "1",
            amd.descriptor(platform={"os": "linux", "architecture": "amd64"}),
            arm.descriptor(platform={"os": "linux", "architecture": "arm64"}),
        )
        assert registry_scan(f"{host}/team/app:1").code == 2
        run = registry_scan(f"{host}/team/app:1", "--platform", "linux/arm64", *GATE)
        assert (run.code, run.result["images"][0]["identity"]["registry_digest"]) == (0, arm.digest)

    def test_a_platform_is_checked(self, registry_scan, registry, host):
        registry.push("1")
        assert registry_scan(f"{host}/team/app:1", "--platform", "nonsense").code == 2
        assert registry_scan(f"{host}/team/app:1", "--platform", "linux/arm64").code == 13


@contextmanager
def holding_the_create():
    """A service whose answer to the create does not come; `(url, event)` of it."""
    holding, over = threading.Event(), threading.Event()
    answers = {
        "PublicPreCheckImageScanTask": {"Data": {"NeedAuthCount": 2, "ScanImageCount": 2}},
        "DescribeImageScanAuthCount": {"ImageScan": {"ImageScanCapacity": 100, "ScanCount": 1}},
    }

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            operation = self.headers["x-acs-action"]
            if operation == CREATE:
                holding.set()
                over.wait(20)
            body = json.dumps({"RequestId": "R", **answers.get(operation, {})}).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda request, client_address: None
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", holding
    finally:
        over.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.slow
def test_a_create_in_flight_when_the_signal_comes_may_have_opened_a_task(tmp_path):
    """Without a CI/CD token: this verb needs none."""
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
        "ALIBABA_CLOUD_ACCESS_KEY_ID": "canary-key-id",
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "canary-key-secret",
    }
    with holding_the_create() as (url, holding):
        command = [sys.executable, "-m", "jenkins_scan", "scan-registry", *BOTH, "--endpoint", url]
        with subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True) as process:
            assert holding.wait(20)
            process.send_signal(signal.SIGTERM)
            _, err = process.communicate(timeout=20)
    result = json.loads((tmp_path / "scan-report/result.json").read_text())
    SCHEMA.validate(result)
    assert (process.returncode, result["exit_code"], result["tasks"]) == (143, 143, [])
    assert [(image["task"]["id"], image["task"]["status"]) for image in result["images"]] == [(None, "unknown")] * 2
    assert "2 more may exist" in err.splitlines()[-1]
    assert "canary" not in err


def test_only_the_command_line_may_widen_a_scan(cli):
    """A variable of a whole folder must not have every step scan every image of the account."""
    env = {"JENKINS_SCAN_ALL_IMAGES": "true", "JENKINS_SCAN_MAX_IMAGES": "100000"}
    run = cli("-vv", "scan-registry", "--endpoint", "sandbox", env=env)
    assert run.code == 2
    assert "--all-images comes from the environment" in run.err
    assert "asking" not in run.err
    assert cli("scan-registry", "--endpoint", "sandbox", "--all-images", "--max-images", "3").code == 13
