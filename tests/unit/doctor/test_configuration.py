from pathlib import Path

import pytest

from jenkins_scan.config.file import FileSettings
from jenkins_scan.config.settings import ServiceSettings
from jenkins_scan.doctor import configuration
from jenkins_scan.errors import ConfigurationError, OutputError
from jenkins_scan.gate.policy import Policy, policy_from
from jenkins_scan.security_center.endpoints import Endpoint

CLOUD = ServiceSettings(endpoint=Endpoint("https://tds.cn-shanghai.aliyuncs.com"), region="cn-hangzhou")
PLACE = Path("ci.toml")


@pytest.mark.parametrize(
    ("file", "settings", "policy", "seen"),
    [
        (
            FileSettings(),
            CLOUD,
            Policy(),
            f"no configuration file is used; endpoint {CLOUD.endpoint.url} for region cn-hangzhou; no gate.",
        ),
        (
            FileSettings(PLACE, {"region": "x"}),
            ServiceSettings(endpoint=Endpoint("http://127.0.0.1:1")),
            policy_from({"vulnerability": {"fail_on": "high"}}),
            "ci.toml (named by --config); endpoint http://127.0.0.1:1; gates on vulnerability.",
        ),
        (
            FileSettings(PLACE, {}, found=True),
            ServiceSettings(endpoint=None, scenario="slow"),
            Policy(),
            "ci.toml (found in the working folder); the sandbox in this process, scenario slow; no gate.",
        ),
    ],
)
def test_a_configuration_that_is_right_is_told(file, settings, policy, seen):
    outcome = configuration.check([], file, settings, policy)
    assert (outcome.status, outcome.seen) == ("OK", seen)


def test_the_file_of_a_fork_that_is_ignored_is_a_warning():
    outcome = configuration.check([], FileSettings(PLACE, {}, ("it is a fork's.",)), None, Policy())
    assert (outcome.status, outcome.code) == ("WARN", 11)
    assert outcome.seen.startswith("no configuration file is used; the sandbox in this process; no gate.")
    assert outcome.seen.endswith("it is a fork's.")


def test_all_problems_are_told_at_once_with_the_code_of_the_first():
    problems = [OutputError("one.", remedy="A."), ConfigurationError("two.", remedy="B."), OutputError("one.")]
    outcome = configuration.check(problems, FileSettings(), None, Policy())
    assert (outcome.status, outcome.code, outcome.seen, outcome.remedy) == ("FAIL", 2, "one. Also: two.", "A. B.")
