"""The labelled facts of a run and its images, which the pages for people show."""

from dataclasses import replace
from datetime import timedelta

import pytest

from jenkins_scan.images.interface import SizeSemantics
from jenkins_scan.jenkins.environment import read_build
from jenkins_scan.report.facts import (
    Quoted,
    build_facts,
    identity_facts,
    is_judged,
    policy_facts,
    run_facts,
    sentence,
    shortened,
    task_facts,
)
from jenkins_scan.report.result import ImageTask, Policy, QuotaEntry, RegistryEntry, ServiceEntry, TaskEntry
from tests.support.images import identity, pushed
from tests.support.results import NOW, POLICY, every_ending, image, policy_reason, result, unjudged

ENDINGS = every_ending()


def told(known):
    """Each label with its text, foreign parts in angle brackets."""
    return {label: " ".join(f"<{part.text}>" if isinstance(part, Quoted) else str(part) for part in parts)
            for label, parts in known}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("pass", "The image has passed the gate."),
        ("submitted", "The image has NOT been judged."),
        ("fail", "The image must not ship."),
        ("several", "Not every image may ship."),
        ("quota", "The quota does not allow this scan; the image has not been judged."),
    ],
)
def test_the_meaning_is_a_sentence(name, meaning):
    assert sentence(ENDINGS[name]) == meaning


def test_of_several_images_it_is_told_whether_some_were_judged():
    late = unjudged("timeout", 16, "INCOMPLETE")
    some = result(image(), late, exit_code=16, reason="timeout")
    assert sentence(some) == "The scan goes on; not every image has been judged."
    assert sentence(result(late, late, exit_code=16, reason="timeout")).endswith("; the images have not been judged.")
    assert sentence(result(image(), image())) == "The images have passed the gate."


@pytest.mark.parametrize(
    ("changes", "judged"),
    [
        ({}, True),
        ({"reasons": (policy_reason(),)}, True),
        ({"reasons": (policy_reason(), policy_reason("interrupted", 143))}, False),
        ({"proof": None}, False),
        ({"counts": {}}, False),
    ],
)
def test_judged_is_what_findings_with_proof_decided(changes, judged):
    assert is_judged(image(**changes)) is judged


def test_the_build_of_a_pull_request_is_named_with_its_change():
    environ = {"JENKINS_URL": "https://j/", "CHANGE_ID": "7", "CHANGE_TITLE": "Mend it", "BRANCH_NAME": "PR-7"}
    told_of = result(image(), build=read_build({**environ, "JOB_NAME": "a/PR%2F7", "BUILD_NUMBER": "3"}))
    assert told(build_facts(told_of)) == {
        "Job": "<a/PR/7>",
        "Build": "<#3>",
        "Change": "<7> <Mend it>",
        "Branch": "<PR-7>",
    }


def test_without_jenkins_that_is_said():
    assert told(build_facts(result(image(), build=read_build({})))) == {"Jenkins": "not run by Jenkins"}


def test_what_is_not_known_of_service_and_quota_is_said():
    nothing = QuotaEntry(capacity=None, used=None, remaining=None, minimum=None, source=None)
    facts = told(run_facts(result(image(), quota=nothing, service=ServiceEntry(endpoint=None, region=None))))
    assert (facts["Service"], facts["Quota"], "Region" in facts) == ("not known", "not known", False)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"finished": 1, "total": 2, "progress": 50}, "1 of 2 images, 50 %"),
        ({"progress": 50}, "50 %"),
        ({"finished": 1}, ""),
    ],
)
def test_a_scan_of_registries_tells_its_filter_and_tasks(changes, text):
    registry = RegistryEntry(filter={"tags": ("1", "2")}, need_auth_count=None, scan_image_count=2, max_images=5)
    task = TaskEntry(id="t", operation="o", status="INIT", **changes)
    facts = told(run_facts(result(image(), registry=registry, tasks=(task,))))
    assert facts["Filter tags"] == "<1> <2>"
    assert facts["Images in registries"] == "2, at most 5 asked for"
    assert facts["Task"] == f"<t> <INIT> {text}"


def test_images_that_nobody_counted_are_not_known():
    registry = RegistryEntry(filter={}, need_auth_count=None, scan_image_count=None, max_images=5)
    facts = told(run_facts(result(image(), registry=registry, tasks=())))
    assert facts["Images in registries"] == "not known, at most 5 asked for"


def test_gates_of_one_level_are_one_word_and_others_are_told_kind_by_kind():
    assert told(policy_facts(POLICY)) == {
        "Fails at": "high",
        "Warns at": "medium",
        "Least quota": "1",
        "Waits": "at most 900 s",
    }
    assert told(
        policy_facts(
            Policy(
                min_quota=0,
                soft=("quota", "service"),
                fail_on={"vulnerability": "high", "build-risk": None},
                warn_on={"vulnerability": None},
                fixable_only=True,
                deny=("CVE-1",),
            )
        )
    ) == {
        "Fails at": "vulnerability: high, build risk: no gate",
        "Warns at": "no gate",
        "Counts": "only what can be fixed",
        "Denied always": "<CVE-1>",
        "Least quota": "no gate",
        "Softened to a warning": "quota, service",
    }


def test_without_waiting_there_was_no_gate():
    assert told(policy_facts(Policy(min_quota=None, soft=()))) == {
        "Fails at": "no gate: nobody waited for findings",
        "Warns at": "no gate: nobody waited for findings",
    }


def identified(found=None, **changes):
    return told(identity_facts(image(identity=found or pushed(), **changes)))


def test_the_identity_tells_each_digest_and_where_it_came_from():
    facts = identified()
    assert facts["Config digest"] == f"<sha256:{'c' * 64}>"
    assert facts["Digest sent"] == f"<sha256:{'cd' * 32}> from <registry_head>"
    assert facts["Full name"].endswith("/team/sub/app:1.0>")
    assert facts["Platform"] == "<linux/amd64>"
    assert facts["Engine"] == "<docker 20.10.24> at <unix:///var/run/docker.sock> by <default>"


def test_what_is_not_known_of_the_identity_is_said():
    sent = image().sent
    bare = identity(config_digest=None, platform=None, size=None, engine=None, canonical=None)
    facts = told(identity_facts(image(identity=bare, sent=replace(sent, digest=None))))
    assert facts == {
        "Config digest": "not known",
        "Digest sent": "not known",
        "Platform": "not known",
        "Size": "not known",
        "Store": "graphdriver",
    }
    assert identified(sent=None)["Digest sent"] == "none: nothing was sent"
    assert told(identity_facts(image(identity=None))) == {"Identity": "not known"}


def test_of_an_image_that_is_a_digest_in_a_registry_nobody_saw_the_config():
    facts = told(identity_facts(image(identity=identity(registry_digest_from="listed", engine=None))))
    assert set(facts) == {"Full name", "Digest sent"}


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes, counted as archive"),
        (1023, "1,023 bytes, counted as archive"),
        (1_982_256, "1,982,256 bytes (1.9 MiB), counted as archive"),
        (5 * 1024**5, "5,629,499,534,213,120 bytes (5120.0 TiB), counted as archive"),
    ],
)
def test_sizes_are_told_in_bytes_and_rounded(size, text):
    assert identified(identity(size=size, size_semantics=SizeSemantics.ARCHIVE))["Size"] == text


def task(**changes):
    known = {"id": "t", "status": "succeeded", "opened_at": NOW}
    return told(task_facts(image(task=ImageTask(**{**known, **changes}), proof=None)))


@pytest.mark.parametrize(
    ("status", "words"),
    [("submitted", "is open"), ("running", "still runs"), ("succeeded", "has ended"), ("failed", "has failed")],
)
def test_a_task_tells_how_far_it_is(status, words):
    assert task(status=status)["Task"] == f"<t> {words}"


def test_a_task_tells_its_times_and_whose_clock_it_was():
    facts = task(opened_by_service=False, finished_at=NOW + timedelta(seconds=5), word="SUCCESS")
    assert facts["Opened"] == f"{NOW} by this machine's clock"
    assert facts["Ended"] == str(NOW + timedelta(seconds=5))
    assert facts["Last word"] == "<SUCCESS>"
    assert task(opened_by_service=True)["Opened"].endswith("by the service's clock")


def test_a_task_that_may_exist_is_no_task_that_was_opened():
    facts = task(id=None, status="unknown")
    assert facts["Task"].startswith("one may exist")
    assert "Opened" not in facts
    assert facts["Sent"] == str(NOW)


def test_without_a_task_and_a_proof_that_is_said():
    assert told(task_facts(image(task=None, proof=None, request_id=None))) == {
        "Task": "none was opened",
        "Proof": "none: nothing shows that this very image was scanned",
    }
    assert told(task_facts(image(proof="image_id")))["Proof"].startswith("the service lists this config digest")


def test_only_a_digest_is_shortened():
    assert shortened("sha256:" + "ab" * 32) == "sha256:abababababab…"
    assert shortened("ab" * 32) == "abababababab…"
    assert shortened("sha256:abc") == "sha256:abc"
    assert shortened("a" * 65) == "a" * 65
