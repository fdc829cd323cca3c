from dataclasses import dataclass

import pytest

from jenkins_scan.doctor import controller
from jenkins_scan.jenkins.access import Access, ControllerFailed

LOGIN = {"JENKINS_URL": "https://ci.example.com/", "JENKINS_USER_ID": "ann", "JENKINS_API_TOKEN": "canary-token"}


@dataclass(frozen=True)
class Who:
    name: str = "ann"
    version: str | None = "2.541"


@dataclass
class Jenkins:
    """A controller that answers, or fails."""

    answer: Who | ControllerFailed = Who()
    url: str = "https://ci.example.com/"
    asked: int = 0

    def access(self):
        return Access(self.url, "ann", "canary-token")

    def who_am_i(self, access):
        self.asked += 1
        if isinstance(self.answer, ControllerFailed):
            raise self.answer
        return self.answer


def test_the_controller_says_who_the_token_belongs_to():
    outcome = controller.check(LOGIN, Jenkins())
    assert outcome.status == "OK"
    assert outcome.seen == "https://ci.example.com/ answers: Jenkins 2.541, the token belongs to ann."


def test_a_controller_that_does_not_answer_is_a_warning_as_no_verdict_depends_on_it():
    outcome = controller.check(LOGIN, Jenkins(ControllerFailed("HTTP 401.", remedy="Make a new token.")))
    assert (outcome.status, outcome.code, outcome.seen) == ("WARN", 11, "HTTP 401.")
    assert outcome.remedy == "Make a new token."


def test_a_controller_without_a_version_is_told():
    assert "of an unknown version" in controller.check(LOGIN, Jenkins(Who(version=None))).seen


def test_plain_http_is_a_warning_that_names_the_host():
    outcome = controller.check(LOGIN, Jenkins(url="http://ci.example.com/"))
    assert outcome.status == "WARN"
    assert "travel to ci.example.com in clear text" in outcome.seen
    assert "canary" not in outcome.seen + outcome.remedy


@pytest.mark.parametrize(
    ("environ", "seen"),
    [
        ({}, "JENKINS_URL is not set"),
        ({**LOGIN, "JENKINS_URL": ""}, "JENKINS_URL is not set"),
        ({"JENKINS_URL": "https://u:canary-pw@ci.example.com/"}, "https://ci.example.com/ is not asked"),
    ],
)
def test_a_controller_that_nobody_wants_asked_is_not_asked(environ, seen):
    jenkins = Jenkins()
    outcome = controller.check(environ, jenkins)
    assert (outcome.status, jenkins.asked) == ("SKIP", 0)
    assert seen in outcome.seen
    assert "canary" not in outcome.seen


@pytest.mark.parametrize(
    "name", ["JENKINS_USER_ID", "JENKINS_USER_ID_FILE", "JENKINS_API_TOKEN", "JENKINS_API_TOKEN_FILE"]
)
def test_half_an_account_is_enough_to_look(name):
    jenkins = Jenkins()
    controller.check({"JENKINS_URL": "https://ci.example.com/", name: "x"}, jenkins)
    assert jenkins.asked == 1
