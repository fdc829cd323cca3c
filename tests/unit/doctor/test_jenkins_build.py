import pytest

from jenkins_scan.doctor import jenkins_build
from jenkins_scan.jenkins.environment import read_build

BUILD = {
    "JENKINS_URL": "https://ci.example.com/",
    "JOB_NAME": "team/app",
    "BUILD_NUMBER": "7",
    "BUILD_URL": "https://ci.example.com/job/team/job/app/7/",
}


@pytest.fixture
def check(tmp_path):
    def check(**changed):
        named = {**BUILD, "WORKSPACE": str(tmp_path), **changed}
        environ = {name: value for name, value in named.items() if value is not None}
        return jenkins_build.check(read_build(environ), environ)

    return check


def test_outside_of_jenkins_there_is_nothing_to_look_at():
    assert jenkins_build.check(read_build({}), {}).status == "SKIP"


def test_a_build_with_all_its_variables_is_well(check):
    outcome = check()
    assert outcome.status == "OK"
    assert outcome.seen.startswith("freestyle-or-pipeline: JOB_NAME team/app, BUILD_NUMBER 7, BUILD_URL https://")
    assert outcome.seen.endswith("the workspace can be written.")


def test_a_fork_is_named(check):
    assert "pull-request of a fork" in check(CHANGE_ID="3", CHANGE_FORK="stranger").seen


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"BUILD_URL": None}, "BUILD_URL is not set"),
        ({"BUILD_NUMBER": "seven"}, "BUILD_NUMBER is not set, or not usable"),
        ({"WORKSPACE": None}, "WORKSPACE is not set"),
        ({"WORKSPACE": "/nonexistent/workspace"}, "/nonexistent/workspace is not there or cannot be written"),
    ],
)
def test_what_is_missing_is_a_warning_with_a_remedy(check, changed, problem):
    outcome = check(**changed)
    assert (outcome.status, outcome.code) == ("WARN", 11)
    assert problem in outcome.seen
    assert outcome.remedy


def test_a_build_without_any_label_is_told_as_such():
    environ = {"JENKINS_URL": "https://ci.example.com/"}
    assert "no label" in jenkins_build.check(read_build(environ), environ).seen
