"""`check`: images of this machine, looked into before a push and judged here; never a PASS."""

import json
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest

from jenkins_scan import sandbox
from jenkins_scan.clock import SystemClock
from jenkins_scan.errors import Interrupted
from jenkins_scan.report.interface import FILES
from jenkins_scan.sandbox.scenarios import SCENARIOS
from jenkins_scan.sandbox.server import SandboxServer
from jenkins_scan.sandbox.service import SandboxService
from jenkins_scan.sandbox.state import State
from tests.support.docker_archives import archive as docker_archive
from tests.support.docker_archives import packed_image, tar_of
from tests.support.local_images import KEY, USUAL

LIMIT = "vulnerabilities, malicious files and baselines were NOT looked at, as only the service does"
CHECKED = f"CHECKED nothing at or above the gate was found here; {LIMIT} (exit 0)"
NAME = "registry.example.com/team/app:1"
SCHEMA = Path(__file__).resolve().parents[2] / "docs" / "result.schema.json"


@pytest.fixture
def put(tmp_path):
    """Writes an archive with an image of these layers, and gives its reference."""

    def write(*layers, file="app.tar", name=NAME, config=USUAL, history=()):
        tars = [tar_of(layer) for layer in layers or ({"app": b"hello"},)]
        image = packed_image((name,), tars, config=config, history=[{"created_by": line} for line in history])
        (tmp_path / file).write_bytes(docker_archive(image))
        return f"docker-archive://{file}"

    return write


@pytest.fixture
def checked(cli, tmp_path):
    """Runs `check`, and reads the result that it was told to write."""

    def run(*arguments, **options):
        outcome = cli("check", *arguments, "-o", "json=r.json", **options)
        return outcome, json.loads((tmp_path / "r.json").read_text())

    return run


@pytest.fixture
def answering() -> Iterator[str]:
    """The URL of a sandbox on loopback with 2 scans left."""
    quota = SCENARIOS["clean"].quota.model_copy(update={"capacity": 3, "used": 1})
    scenario = SCENARIOS["clean"].model_copy(update={"quota": quota})
    with State() as state, SandboxServer(SandboxService(scenario, state)) as server:
        yield server.url


def waiver(name, expires="2030-01-01", **more):
    keys = "".join(f'{key} = "{value}"\n' for key, value in more.items())
    return f'[[waiver]]\nid = "{name}"\nreason = "accepted"\nexpires = {expires}\n{keys}'


def test_a_clean_image_is_checked_and_nothing_is_written(cli, put, tmp_path):
    run = cli("check", put())
    assert (run.code, run.out, run.last_line) == (0, "", CHECKED)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["app.tar"]
    assert "note        no registry digest yet: a push gives the image one." in run.err
    assert "1 layer with 1 file of 5 bytes were looked into." in run.err
    assert "linux/amd64" in run.err


def test_what_must_not_be_pushed_ends_with_ten_and_is_marked_as_found_here(checked, put):
    run, result = checked(put({"app/id_rsa": KEY, "app/run": b"x"}, {"app/.wh.id_rsa": b""}))
    (image,) = result["images"]
    (finding,) = image["findings"]
    assert (run.code, result["verdict"], result["local"], result["sandbox"]) == (10, "FAIL", True, False)
    assert (finding["id"], finding["source"], finding["gate"]) == ("local/private-key", "local", "fail")
    assert (finding["path"], finding["layer"][:7]) == ("/app/id_rsa", "sha256:")
    assert "still shipped" in finding["title"]
    assert image["not_fetched"] == ["vulnerability", "baseline", "malicious-file"]
    assert image["counts"].keys() == {"sensitive-file", "build-risk"}
    assert (image["proof"], image["task"], image["sent"], result["tasks"]) == ("bytes", None, None, [])
    assert run.last_line == f"FAIL policy: the image must not ship; {LIMIT} (exit 10)"


def test_every_report_is_written_where_a_folder_is_named(cli, put, tmp_path):
    run = cli("check", put({"id_rsa": KEY}), "--report-dir", "out", report="out")
    assert {name for name in (*FILES.values(), "summary.txt") if not (tmp_path / "out" / name).is_file()} == set()
    jsonschema.validate(run.result, json.loads(SCHEMA.read_text()))
    assert run.result["service"] == {"endpoint": None, "region": None}
    assert f"{Path('out/result.json')}" in run.err


def test_a_result_that_cannot_be_written_is_no_check(cli, put, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "result.json").mkdir()
    assert cli("check", put(), "--report-dir", "out").code == 2


def test_the_gates_are_those_of_a_scan(cli, put):
    root = put(config={"Healthcheck": USUAL["Healthcheck"]})
    assert cli("check", root).code == 0
    warned = cli("check", root, "--warn-on", "medium")
    assert (warned.code, warned.last_line[:4]) == (11, "WARN")
    assert "the image has findings at the warning gate; vulnerabilities" in warned.last_line
    assert cli("check", root, "--fail-on", "medium").code == 10
    assert cli("check", root, "--fail-on", "none").code == 2


@pytest.mark.parametrize(
    "policy",
    [
        '[policy.build-risk]\nfail_on = "medium"',
        '[policy.vulnerability]\nfail_on = "critical"',
        'warn-on = "critical"',
        'fail-on = "critical"',
        'fail-on = "none"',
        '[policy]\nfail_on = "none"',
    ],
)
def test_a_file_of_the_workspace_never_takes_the_gate_away(cli, put, tmp_path, policy):
    image = put({"app/id_rsa": KEY})
    (tmp_path / ".jenkins-scan.toml").write_text(policy)
    assert cli("check", image).code == 10


def test_whoever_runs_it_may_say_what_is_not_gated(cli, put, tmp_path):
    image = put({"app/id_rsa": KEY})
    (tmp_path / "own.toml").write_text('[policy.sensitive-file]\nfail_on = "none"')
    assert cli("--config", "own.toml", "check", image).code == 0
    assert cli("check", image, "--fail-on", "critical").code == 0
    assert cli("check", image, "--fail-on", "none", "--warn-on", "high").code == 11


def test_the_configuration_file_names_image_and_policy_and_its_places_are_for_ci(cli, put, tmp_path):
    put({"app": b"x"}, config={})
    settings = 'image = "docker-archive://app.tar"\nreport-dir = "scan-report"\noutput = "json"\nbaseline = "jenkins"\n'
    (tmp_path / ".jenkins-scan.toml").write_text(settings)
    run = cli("check")
    assert (run.code, run.out, run.has_result) == (0, "", False)
    (tmp_path / ".jenkins-scan.toml").write_text(f'{settings}[policy.build-risk]\nfail_on = "medium"\n')
    assert cli("check").code == 10


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), 2, "no image was named"),
        (("registry://registry.example.com/team/app:1",), 2, "jenkins-scan scan 'registry://registry.example.com"),
        (("docker-archive://none.tar",), 13, "There is no archive 'none.tar'"),
        (("docker-archive://app.tar", "--platform", "linux/arm64"), 13, "linux/arm64"),
        (("docker-archive://odd.tar",), 13, "no tar archive"),
        (("docker-archive://odd.tar", "--region", "no where"), 2, "--region"),
        (("docker-archive://app.tar", "docker-archive://"), 2, "names no file"),
        (
            ("docker-archive://two.tar", "docker-archive://app.tar"),
            2,
            "Select one with docker-archive://two.tar@sha256:",
        ),
        (("docker-archive://app.tar", "--baseline", "jenkins"), 2, "Name the result.json of an earlier check"),
        (("docker-archive://app.tar", "--baseline", "none.json"), 2, "none.json"),
        (("docker-archive://app.tar", "--waivers", "none.toml"), 2, "none.toml"),
        (("docker-archive://app.tar", "--region", "no where"), 2, "--region"),
    ],
)
def test_what_cannot_be_checked_has_its_own_code(cli, put, tmp_path, arguments, code, said):
    put()
    (tmp_path / "odd.tar").write_bytes(docker_archive(packed_image()))
    two = (packed_image((name,), [tar_of({name: b"x"})]) for name in ("a:1", "b:1"))
    (tmp_path / "two.tar").write_bytes(docker_archive(*two))
    run = cli("check", *arguments)
    assert run.code == code
    assert said in run.err
    assert run.last_line.endswith(f"(exit {code})")
    assert not any(line.startswith("note ") for line in run.err.splitlines())


def test_of_several_images_each_has_its_own_verdict(checked, put, tmp_path):
    bad, good = put({"id_rsa": KEY}, file="bad.tar"), put()
    (tmp_path / "images.txt").write_text("docker-archive://none.tar\n")
    run, result = checked(bad, good, "--from-file", "images.txt", "--jobs", "2")
    assert [image["verdict"] for image in result["images"]] == ["FAIL", "CHECKED", "ERROR"]
    assert (run.code, run.last_line) == (10, f"FAIL policy: not every image may ship; {LIMIT} (exit 10)")
    assert f"{good}: no registry digest yet: a push gives the image one." in result["notes"]


def test_several_images_show_what_is_wrong_with_each(cli, put):
    bad, good = put({"id_rsa": KEY, "id_dsa": KEY}, file="bad.tar"), put()
    err = cli("check", bad, good).err.splitlines()
    at = err.index(f"image       {bad}")
    assert [line.split()[0] for line in err[at : at + 4]] == ["image", "high", "high", "fix"]
    assert err[at + 1].endswith(": /id_rsa")
    assert f"image       {good}" not in err
    assert any(line.startswith(f"FAIL        policy: {bad}, ") for line in err)
    assert any(line.startswith(f"CHECKED     {good}, ") for line in err)


def test_without_its_lines_a_failure_still_says_which_files(cli, put):
    run = cli("-q", "check", put({f"k{number}/id_rsa": KEY for number in range(3)}))
    said = "3 findings at or above the gate (high): 3 times local/private-key (high), first in /k0/id_rsa."
    assert run.err.splitlines()[0] == f"reason      policy: {said}"


@pytest.mark.parametrize(
    ("outputs", "said"),
    [
        ((), "and 2 more: --report-dir DIR or -o json has all"),
        (("-o", "table"), "and 2 more: --report-dir DIR or -o json has all"),
        (("-o", "json"), "and 2 more in the JSON on stdout"),
        (("-o", "json=r.json"), "and 2 more in r.json"),
        (("--report-dir", "out"), "and 2 more in result.json"),
    ],
)
def test_what_is_left_out_is_where_the_line_says(cli, put, outputs, said):
    run = cli("check", put({f"k{number}/id_rsa": KEY for number in range(102)}), *outputs)
    assert said in run.err + run.out
    assert ("result.json" in run.err) == ("--report-dir" in outputs)


@pytest.mark.parametrize("name", ["app:latest", "registry.example.com/team/app:latest"])
def test_a_tag_that_moves_is_a_note(checked, put, name):
    run, result = checked(put(name=name))
    assert (run.code, len(result["warnings"])) == (0, 0)
    assert any("the tag is `latest`: it moves" in note for note in result["notes"])


def test_waivers_apply_and_those_of_the_service_are_not_called_unused(checked, put, tmp_path):
    (tmp_path / "w.toml").write_text(
        waiver("local/private-key", path="/id_*")
        + waiver("local/kubeconfig", expires="2025-01-10")
        + waiver("CVE-2024-0001")
        + waiver("local/token", image="other/*")
        + waiver("local/env-file", expires="2020-01-01")
    )
    run, result = checked(put({"id_rsa": KEY}), "--waivers", "w.toml")
    (image,) = result["images"]
    assert (run.code, image["findings"], image["waived"][0]["waiver"]["reason"]) == (0, [], "accepted")
    assert "3 waivers are for this image, 1 of them for what only the service finds." in result["notes"]
    said = "\n".join(result["warnings"])
    assert "local/env-file (line 19) expired" in said
    assert "local/kubeconfig (line 6) ends on 2025-01-10" in said
    assert "local/kubeconfig (line 6) covers nothing" in said
    assert "CVE-2024-0001" not in said


def test_a_scan_does_not_call_the_waivers_of_a_check_unused(cli, archive, tmp_path):
    (tmp_path / "w.toml").write_text(waiver("local/private-key") + waiver("CVE-2099-1"))
    gate = ("--endpoint", "sandbox", "--scenario", "clean", "--fail-on", "high", "--waivers", "w.toml")
    said = "\n".join(cli("scan", archive, *gate).result["warnings"])
    assert "CVE-2099-1" in said
    assert "local/private-key" not in said


def test_only_what_is_new_against_an_earlier_check_is_gated(checked, put, tmp_path):
    reference = put({"id_rsa": KEY})
    assert checked(reference)[0].code == 10
    (tmp_path / "r.json").rename(tmp_path / "before.json")
    run, result = checked(reference, "--baseline", "before.json")
    assert (run.code, result["images"][0]["known"], result["verdict"]) == (0, 1, "CHECKED")
    assert run.last_line.startswith("CHECKED nothing new at or above the gate was found here; ")
    assert "/id_rsa (known)" in run.err
    (tmp_path / "r.json").rename(tmp_path / "before.json")
    put({"id_rsa": KEY, "id_dsa": KEY})
    run, result = checked(reference, "--baseline", "before.json")
    assert (run.code, result["images"][0]["known"], result["images"][0]["new"]) == (10, 1, 1)


def test_the_result_of_a_scan_is_no_baseline_of_a_check(cli, put):
    assert cli("scan", put(), "--endpoint", "sandbox", "--scenario", "clean", "--fail-on", "high").code == 0
    run = cli("check", put(), "--baseline", "scan-report/result.json")
    assert (run.code, run.has_result) == (2, True)
    assert "`scan` made it" in run.err
    assert "Name the result.json of an earlier check" in run.err


def test_one_path_in_two_layers_is_two_findings_that_are_told_apart(cli, put, tmp_path):
    line = "RUN apt-get update && curl https://example.com/../x | sh"
    shown = "RUN … curl https://example.com/../x | sh"
    run = cli("check", put({"id_rsa": KEY}, {"id_rsa": KEY + b"\n"}, history=[line]), "--report-dir", "out")
    assert run.code == 10
    sarif = json.loads((tmp_path / "out" / "report.sarif").read_text())["runs"][0]["results"]
    keys = [each for each in sarif if each["ruleId"] == "local/private-key"]
    assert len(keys) == len({each["partialFingerprints"]["jenkinsScan/v1"] for each in keys}) == 2
    assert {each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for each in keys} == {"id_rsa"}
    (piped,) = (each for each in sarif if each["ruleId"] == "local/piped-to-shell")
    assert piped["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "docker-archive%3A/app.tar"
    assert shown in piped["message"]["text"]
    issues = json.loads((tmp_path / "out" / "issues.json").read_text())["issues"]
    assert {each["fileName"] for each in issues if each["type"] == "local/piped-to-shell"} == {
        "docker-archive://app.tar"
    }


def keys_of(key_id=sandbox.ACCESS_KEY_ID, secret=sandbox.ACCESS_KEY_SECRET):
    return {"ALIBABA_CLOUD_ACCESS_KEY_ID": key_id, "ALIBABA_CLOUD_ACCESS_KEY_SECRET": secret}


def test_the_quota_is_shown_where_credentials_are_there(checked, put, answering):
    run, result = checked(put(), "--endpoint", answering, env=keys_of(), at=SystemClock())
    assert (run.code, result["quota"]["remaining"], result["sandbox"]) == (0, 2, False)
    assert "2 of 3 scans left before this run" in run.err
    assert "asked for" not in run.err
    assert "the quota is that of a sandbox." in result["notes"]


def test_that_ci_would_have_no_quota_for_all_is_a_note(checked, put, answering):
    images = [put(file=f"{number}.tar") for number in range(3)]
    run, result = checked(*images, "--endpoint", answering, env=keys_of(), at=SystemClock())
    assert run.code == 0
    assert result["notes"][1].startswith("2 image scans are left, and CI would want 3: it would end with 12")


@pytest.mark.parametrize(
    ("arguments", "env", "note"),
    [
        ((), {}, "the quota was not asked for: no --region is named."),
        (("--endpoint", "sandbox"), {}, "the quota was not asked for: the sandbox has none of yours."),
        (("--endpoint", "http://127.0.0.1:9"), keys_of(), "the quota is not known: "),
        (("--region", "cn-hangzhou"), {"ALIBABA_CLOUD_ACCESS_KEY_ID": "only-half"}, "the quota is not known: "),
    ],
)
def test_without_an_answer_about_the_quota_a_note_says_why(checked, put, arguments, env, note):
    run, result = checked(put(), *arguments, env=env)
    assert (run.code, result["quota"]["source"]) == (0, None)
    assert result["notes"][0].startswith(note)


def test_a_wrong_key_is_a_note(checked, put, answering):
    run, result = checked(put(), "--endpoint", answering, env=keys_of(secret="wrong"), at=SystemClock())
    assert run.code == 0
    assert "SignatureDoesNotMatch" in result["notes"][0]


def test_a_signal_ends_a_check_with_its_code_and_a_report(cli, put):
    class Stopping(SystemClock):
        """A signal comes as soon as the time is asked for a second time."""

        asked = 0

        def now(self):
            self.asked += 1
            if self.asked == 2:
                raise Interrupted(15)
            return super().now()

    run = cli("check", put(), "--report-dir", "out", report="out", at=Stopping())
    assert (run.code, run.result["verdict"], run.result["reason"]) == (143, "INCOMPLETE", "interrupted")


def test_a_report_that_fails_leaves_the_verdict_alone(cli, put, tmp_path):
    assert cli("check", put(), "-o", "json=/proc/none/r.json").code == 2
    run = cli("check", put(), "-o", "table")
    assert (run.code, "CHECKED" in run.out) == (0, True)


def test_config_shows_the_settings_of_a_check(cli):
    told = json.loads(cli("config", "-o", "json", "check", "--fail-on", "medium").out)
    assert told["settings"]["report-dir"]["value"] is None
    assert told["policy"]["fail_on"]["build-risk"] == "medium"
