"""The baseline: an earlier result tells what is known, and is refused where it cannot."""

import json
from dataclasses import fields
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jenkins_scan.errors import ConfigurationError
from jenkins_scan.findings import Kind, Severity
from jenkins_scan.gate.baseline import SCHEMA, Compared, compare, parse_baseline, read_baseline
from jenkins_scan.gate.stored import finding_from_dict, finding_to_dict, waived_to_dict
from jenkins_scan.gate.waivers import Waiver
from jenkins_scan.report import result as report
from tests.support.findings import finding, findings

REPOSITORY = "docker.io/library/app"
ONE, TWO = finding(), finding("CVE-2024-0002", path="/usr/lib/x.so", aliases=("GHSA-1",), fixable=False)
ACCEPTED = Waiver(id="CVE-2024-0002", reason="not reachable", expires=date(2025, 6, 30), owner="team-a")


def image(found=(), **fields):
    return {
        "identity": {"canonical": "docker.io/library/app:1"},
        "sent": None,
        "verdict": "FAIL",
        "reasons": [{"slug": "policy"}],
        "findings": [finding_to_dict(each) for each in found],
        "waived": [],
        **fields,
    }


def result(*images, **fields):
    return {"schema": SCHEMA, "sandbox": False, "images": list(images), **fields}


@pytest.fixture
def read(tmp_path):
    """Reads a baseline with this content; without one this run is real."""

    def read_it(content, *, sandbox=False, local=False):
        path = tmp_path / "result.json"
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return read_baseline(path, sandbox=sandbox, local=local)

    return read_it


@pytest.fixture
def refusal(read):
    """What a baseline is refused with, after its name."""

    def read_it(content, **options):
        with pytest.raises(ConfigurationError) as caught:
            read(content, **options)
        assert caught.value.exit_code == 2
        assert "--baseline" in caught.value.remedy
        return caught.value.message.partition("result.json: ")[2]

    return read_it


def complaint(path):
    """What the file is refused with, None if it is not."""
    try:
        read_baseline(path, sandbox=False).known(REPOSITORY)
    except ConfigurationError as exc:
        return exc.message
    return None


@pytest.mark.parametrize(("verdict", "local"), [("CHECKED", True), ("FAIL", True), ("PASS", False)])
def test_a_check_and_a_scan_are_no_baseline_of_each_other(read, refusal, verdict, local):
    earlier = {**result(image([ONE], verdict=verdict)), "local": local}
    assert read(earlier, local=local).known(REPOSITORY) == {ONE.fingerprint}
    assert "made it, which finds other things than" in refusal(earlier, local=not local)
    with pytest.raises(ConfigurationError) as refused:
        read(earlier, local=not local)
    wanted = "scan" if local else "check"
    assert refused.value.remedy.startswith(f"Name the result.json of an earlier {wanted} of the same image")


def test_a_baseline_that_is_no_file_is_read_from_its_bytes():
    content = json.dumps(result(image([ONE], verdict="WARN", reasons=[{"slug": "warn"}]))).encode()
    baseline = parse_baseline(content, "the baseline of app #3", sandbox=False, optional=True)
    assert baseline.known(REPOSITORY) == {ONE.fingerprint}
    assert baseline.optional
    with pytest.raises(ConfigurationError, match=r"\Athe baseline of app #3: not JSON"):
        parse_baseline(b"{", "the baseline of app #3", sandbox=False)


def test_the_schema_is_the_one_that_is_written():
    assert next(each.default for each in fields(report.Result) if each.name == "schema") == SCHEMA


def test_what_was_found_and_what_was_waived_is_known(read):
    waived = image([ONE], waived=[waived_to_dict(TWO, ACCEPTED)])
    assert read(result(waived)).known(REPOSITORY) == {ONE.fingerprint, TWO.fingerprint}


def test_several_images_of_one_repository_are_taken_together(read):
    other = image([TWO], identity={"canonical": "docker.io/library/app@sha256:" + "a" * 64})
    submitted = image(verdict="SUBMITTED", reasons=[])
    baseline = read(result(image([ONE]), other, submitted, image(identity={"canonical": "docker.io/library/web:1"})))
    assert baseline.known(REPOSITORY) == {ONE.fingerprint, TWO.fingerprint}
    assert baseline.known("docker.io/library/web") == frozenset()


def test_an_image_without_a_name_is_known_by_what_was_sent(read):
    nameless = image([ONE], identity={"canonical": None}, sent={"namespace": "team", "repo_name": "app"})
    assert read(result(nameless)).known("team/app") == {ONE.fingerprint}


@pytest.mark.parametrize(
    ("verdict", "slugs"), [("PASS", []), ("WARN", ["warn"]), ("WARN", ["policy"]), ("FAIL", ["policy", "warn"])]
)
def test_a_run_that_was_judged_by_its_findings_is_a_baseline(read, verdict, slugs):
    judged = image([ONE], verdict=verdict, reasons=[{"slug": slug} for slug in slugs])
    assert read(result(judged)).known(REPOSITORY) == {ONE.fingerprint}


@pytest.mark.parametrize(
    ("verdict", "slugs", "ended"),
    [
        ("SUBMITTED", [], "SUBMITTED"),
        ("INCOMPLETE", ["timeout"], "INCOMPLETE (timeout)"),
        ("ERROR", ["access"], "ERROR (access)"),
        ("FAIL", ["quota"], "FAIL (quota)"),
        ("WARN", ["incomplete", "warn"], "WARN (incomplete, warn)"),
        ("PASS", [None], "PASS (unknown)"),
        (None, [], "without a verdict"),
    ],
)
def test_a_run_that_was_not_judged_by_its_findings_is_none(refusal, read, verdict, slugs, ended):
    unjudged = image([ONE], verdict=verdict, reasons=[{"slug": slug} for slug in slugs])
    assert refusal(result(unjudged)).startswith(f"no image was judged by its findings there ({ended})")
    web = image(identity={"canonical": "docker.io/library/web:1"})
    with pytest.raises(ConfigurationError, match="no image was judged"):
        read(result(unjudged, web)).known(REPOSITORY)


@pytest.mark.parametrize(("repository", "asked"), [("ghcr.io/app", "ghcr.io/app"), (None, "an image without a name")])
def test_a_baseline_of_another_repository_is_refused(read, repository, asked):
    with pytest.raises(ConfigurationError, match=f"it is of docker.io/library/app, not of {asked}") as caught:
        read(result(image([ONE]), image(identity=None))).known(repository)
    assert caught.value.exit_code == 2


def test_images_without_a_name_are_no_repository(read):
    with pytest.raises(ConfigurationError, match="it is of an image without a name, not of app"):
        read(result(image(identity=None))).known("app")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not JSON: "),
        (b"{", "not JSON: "),
        (b"\xff", "not JSON: "),
        (b"[" * 100_000, "not JSON: "),
        (b"[]", "its schema is 'None', not 'jenkins-scan/result/1'."),
        (result(schema="jenkins-scan/result/2"), "its schema is 'jenkins-scan/result/2', not 'jenkins-scan/result/1'."),
        (result(image(), sandbox=True), "the sandbox made it, which says nothing about a real image."),
        (result(image(), sandbox=None), "the sandbox made it"),
        (result(), "no image was judged by its findings there (no images)"),
        (result(images=None), "the result has no list of images."),
        (result("x"), "images[0] is not an object."),
        (result(image(), image(identity=1)), "images[1].identity is not an object."),
        (result(image(identity={"canonical": 1})), "canonical in images[0] is not a text."),
        (result(image(verdict=1)), "verdict in images[0] is not a text."),
        (result(image(reasons=None)), "images[0] has no list of reasons."),
        (result(image(reasons=["policy"])), "images[0] is not an object."),
        (result(image(findings={})), "images[0] has no list of findings."),
        (result(image(findings=[1])), "a row of images[0].findings is no finding: it is not an object."),
        (result(image(waived=[{}])), "a row of images[0].waived is no finding: kind is none of vulnerability"),
    ],
)
def test_what_is_no_result_of_a_real_run_is_refused(refusal, content, message):
    assert refusal(content).startswith(message)


def test_the_sandbox_may_be_compared_with_anything(read):
    for made_by in (True, False):
        assert read(result(image([ONE]), sandbox=made_by), sandbox=True).known(REPOSITORY) == {ONE.fingerprint}


def test_a_file_that_is_absent_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match=r"baseline .*absent: cannot be read: No such file"):
        read_baseline(tmp_path / "absent", sandbox=False)


def test_a_finding_is_known_by_kind_id_package_and_path():
    again = finding(version="2", layer="abc", severity=Severity.CRITICAL)
    new = [finding(kind=Kind.BASELINE), finding("CVE-2024-0003"), finding(package="zlib"), finding(path="/x")]
    assert compare([again, *new], frozenset([ONE.fingerprint])) == Compared(new=tuple(new), known=(again,), fixed=0)


def test_what_is_gone_was_fixed_if_its_list_is_there():
    known = frozenset([ONE.fingerprint, TWO.fingerprint, finding(kind=Kind.BASELINE).fingerprint])
    assert compare([TWO], known).fixed == 2
    assert compare([TWO], known, fetched=[Kind.VULNERABILITY]).fixed == 1
    assert compare([], known, fetched=[]).fixed == 0


@pytest.mark.parametrize("name", ["unreadable-row-1", ""])
def test_a_row_that_could_not_be_understood_is_never_known(name):
    one = finding(name, Severity.UNKNOWN)
    assert compare([one], frozenset([one.fingerprint])).new == (one,)


@given(findings())
def test_a_finding_comes_back_from_json_as_it_was(found):
    stored = json.loads(json.dumps([finding_to_dict(each) for each in found]))
    assert [finding_from_dict(row) for row in stored] == found


def test_a_waived_finding_shows_its_waiver_and_is_the_same_finding():
    row = json.loads(json.dumps(waived_to_dict(TWO, ACCEPTED)))
    assert row["waiver"] == {
        "id": "CVE-2024-0002",
        "reason": "not reachable",
        "expires": "2025-06-30",
        "owner": "team-a",
    }
    assert finding_from_dict(row) == TWO


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"kind": "virus"}, "kind is none of vulnerability"),
        ({"severity": "asap"}, "severity is none of critical, high"),
        ({"severity": None}, "severity is none of"),
        ({"id": 1}, "id is not a text"),
        ({"title": None}, "title is not a text"),
        ({"source": 1}, "source is not a text"),
        ({"package": 1}, "package is not a text"),
        ({"layer": []}, "layer is not a text"),
        ({"fixable": "yes"}, "fixable is not true, false or null"),
        ({"aliases": "GHSA"}, "aliases is not a list of texts"),
        ({"aliases": [1]}, "aliases is not a list of texts"),
    ],
)
def test_a_stored_finding_of_another_type_is_refused(changed, message):
    with pytest.raises(ValueError, match=message):
        finding_from_dict({**finding_to_dict(ONE), **changed})


def test_a_later_version_may_add_keys_and_leave_out_what_is_not_known():
    row = {"kind": "vulnerability", "id": "CVE-1", "severity": "unknown", "title": "", "later": {}}
    assert finding_from_dict(row) == finding("CVE-1", Severity.UNKNOWN, title="", package=None)


@given(st.recursive(st.none() | st.booleans() | st.text(max_size=3) | st.integers(), st.lists, max_leaves=5))
def test_any_change_of_one_field_gives_a_baseline_or_a_reason(tmp_path_factory, value):
    path = tmp_path_factory.getbasetemp() / "result.json"
    whole = result(image([ONE]))
    changed = [{**whole, key: value} for key in whole]
    changed += [result(image([ONE], **{key: value})) for key in image()]
    changed += [result(image(findings=[{**finding_to_dict(ONE), key: value}])) for key in finding_to_dict(ONE)]
    for content in changed:
        path.write_text(json.dumps(content), encoding="utf-8")
        assert complaint(path) is None or "result.json: " in complaint(path)
