from dataclasses import dataclass

import pytest

from jenkins_scan.doctor import controller
from jenkins_scan.errors import CredentialsMissing

LOGIN = {
    "JENKINS_URL": "https://user:canary-pw@ci.example.com/jenkins/",
    "JENKINS_USER_ID": "ann",
    "JENKINS_API_TOKEN": "canary-token",
}


@dataclass(frozen=True)
class Who:
    name: str = "ann"
    version: str | None = "2.541"


class Jenkins:
    def __init__(self, who):
        self.who = who

    def who_am_i(self):
        return self.who


@pytest.fixture
def secrets():
    return []


@pytest.fixture
def check(secrets):
    def check(environ, jenkins=None):
        outcome = controller.check(environ, secrets.append, jenkins)
        assert "canary" not in outcome.seen + outcome.remedy
        return outcome

    return check


def test_the_controller_says_who_the_token_belongs_to(check, secrets):
    outcome = check(LOGIN, Jenkins(Who()))
    assert outcome.status == "OK"
    assert outcome.seen == "https://ci.example.com/jenkins/ answers: Jenkins 2.541, the token belongs to ann."
    assert secrets == ["canary-token"]


def test_a_controller_that_does_not_answer_is_a_warning_as_no_verdict_depends_on_it(check):
    class Silent:
        def who_am_i(self):
            raise controller.NoAnswer("HTTP 401.", remedy="Make a new token.")

    outcome = check(LOGIN, Silent())
    assert (outcome.status, outcome.code, outcome.remedy) == ("WARN", 11, "Make a new token.")
    assert outcome.seen == "https://ci.example.com/jenkins/: HTTP 401."


def test_a_controller_without_a_version_is_told(check):
    assert "of an unknown version" in check(LOGIN, Jenkins(Who(version=None))).seen


def test_without_anyone_to_ask_the_variables_alone_are_looked_at(check):
    assert check(LOGIN).seen.endswith("the controller itself was not asked.")


@pytest.mark.parametrize(
    ("changed", "status", "seen"),
    [
        ({"JENKINS_URL": ""}, "SKIP", "JENKINS_URL is not set"),
        ({"JENKINS_URL": "ftp://x/"}, "WARN", "no URL that can be read"),
        ({"JENKINS_USER_ID": "", "JENKINS_API_TOKEN": ""}, "SKIP", "is not asked"),
        ({"JENKINS_USER_ID": ""}, "WARN", "JENKINS_USER_ID is not set"),
        ({"JENKINS_API_TOKEN": ""}, "WARN", "JENKINS_API_TOKEN is not set"),
        ({"JENKINS_URL": "http://ci.example.com/"}, "WARN", "It is plain http"),
        ({"JENKINS_URL": "http://127.0.0.1:8080/"}, "OK", "http://127.0.0.1:8080/"),
    ],
)
def test_the_variables_decide(check, changed, status, seen):
    outcome = check({**LOGIN, **changed})
    assert outcome.status == status
    assert seen in outcome.seen


def test_a_token_comes_from_a_file_too_and_has_to_fit_a_header(check, tmp_path):
    path = tmp_path / "token"
    path.write_text("canary-token\n")
    environ = {**LOGIN, "JENKINS_API_TOKEN": "", "JENKINS_API_TOKEN_FILE": str(path)}
    assert check(environ).status == "OK"
    path.write_text("canary token")
    with pytest.raises(CredentialsMissing, match="JENKINS_API_TOKEN_FILE"):
        check(environ)
