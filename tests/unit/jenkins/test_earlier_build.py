"""Which build a run is compared with, and which artifact is its result."""

from pathlib import Path

import pytest

from jenkins_scan.jenkins.earlier_build import job_of_branch, job_to_compare, places_in_archive, result_among


@pytest.mark.parametrize(
    ("branch", "job"),
    [
        ("main", "main"),
        ("feature/login", "feature%2Flogin"),
        ("a#b%c?d[e]f\\g", "a%23b%25c%3Fd%5Be%5Df%5Cg"),
        ("with space+and:ünïcode", "with space+and:ünïcode"),
        (".", "%2E"),
        ("..", "%2E."),
        ("", "%00"),
        ("...", "..."),
    ],
)
def test_a_branch_is_encoded_as_the_branch_api_plugin_does(branch, job):
    assert job_of_branch(branch) == job


@pytest.mark.parametrize(
    ("environ", "job"),
    [
        ({"JOB_NAME": "app"}, "app"),
        ({"JOB_NAME": "team/app/feature%2Flogin"}, "team/app/feature%2Flogin"),
        ({"JOB_NAME": "team/app/PR-7", "CHANGE_ID": "7", "CHANGE_TARGET": "main"}, "team/app/main"),
        ({"JOB_NAME": "team/app/PR-7", "CHANGE_ID": "7", "CHANGE_TARGET": "release/1"}, "team/app/release%2F1"),
        ({"JOB_NAME": "app/PR-7", "CHANGE_ID": "7", "CHANGE_TARGET": ".."}, "app/%2E."),
    ],
)
def test_it_is_this_job_or_the_one_of_the_target_branch(environ, job):
    assert job_to_compare(environ) == job


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({}, "JOB_NAME is not set"),
        ({"JOB_NAME": "team/../x"}, "not the full name"),
        ({"JOB_NAME": "team//x"}, "not the full name"),
        ({"JOB_NAME": "/x"}, "not the full name"),
        ({"JOB_NAME": "a\nb"}, "not the full name"),
        ({"JOB_NAME": "a" * 1001}, "not the full name"),
        ({"JOB_NAME": "app/PR-7", "CHANGE_ID": "7"}, "CHANGE_TARGET"),
        ({"JOB_NAME": "PR-7", "CHANGE_ID": "7", "CHANGE_TARGET": "main"}, "CHANGE_TARGET"),
    ],
)
def test_what_the_variables_do_not_tell_is_not_guessed(failure, environ, said):
    assert said in failure(lambda: job_to_compare(environ)).message


@pytest.mark.parametrize(
    ("report", "folder", "workspace", "places"),
    [
        ("scan-report", "/ws", "/ws", ("scan-report/result.json",)),
        ("scan-report", "/ws/sub", "/ws", ("sub/scan-report/result.json", "scan-report/result.json")),
        ("/ws/out", "/ws/sub", "/ws", ("out/result.json",)),
        ("scan-report", "/elsewhere", "", ("scan-report/result.json",)),
        (".", "/ws", "/ws", ("result.json",)),
        ("/elsewhere/out", "/ws", "/ws", ()),
    ],
)
def test_a_report_is_archived_by_its_place_in_the_workspace(report, folder, workspace, places):
    assert places_in_archive(report, folder=Path(folder), workspace=workspace) == places


@pytest.mark.parametrize(
    ("artifacts", "path"),
    [
        (["scan-report/result.json", "b/result.json"], "scan-report/result.json"),
        (["b/result.json", "app.jar", "my-result.json"], "b/result.json"),
        (["result.json"], "result.json"),
    ],
)
def test_the_result_is_the_one_at_its_place_or_the_only_one(artifacts, path):
    assert result_among(artifacts, ["scan-report/result.json"]) == path


@pytest.mark.parametrize(
    ("artifacts", "said"),
    [
        ([], "it archived no result.json"),
        (["a/result.json", "b/result.json"], "2 result.json, and none at scan-report/result.json"),
        (["../x/result.json"], "1 result.json, and none"),
    ],
)
def test_no_result_is_guessed(failure, artifacts, said):
    assert said in failure(lambda: result_among(artifacts, ["scan-report/result.json"])).message
