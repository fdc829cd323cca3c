import pytest
from pydantic import SecretStr

from jenkins_scan import sandbox
from jenkins_scan.doctor import credentials
from jenkins_scan.doctor.service import Service
from jenkins_scan.errors import CredentialsMissing
from jenkins_scan.security_center.credentials import Credentials
from tests.support.center import CONNECT_ERROR, quota, refused

KEY = "LTAI5tCanaryCanaryWXYZ"
IN_VARIABLES = {"ALIBABA_CLOUD_ACCESS_KEY_ID": KEY}
WRONG = Credentials(sandbox.ACCESS_KEY_ID, SecretStr("canary-secret"))


def keys(key=KEY, provider="environment", token=None):
    return Credentials(key, SecretStr("canary-secret"), None if token is None else SecretStr(token), provider)


@pytest.mark.parametrize(
    ("found", "environ", "seen"),
    [
        (keys(), IN_VARIABLES, "from environment, key id …WXYZ;"),
        (keys(), {"ALIBABA_CLOUD_ACCESS_KEY_ID_FILE": "/run/secrets/id"}, "from files, key id …WXYZ;"),
        (keys(provider="ecs_ram_role", token="canary-sts"), {}, "from ecs_ram_role, key id …WXYZ, with an STS token;"),
        (keys("short"), IN_VARIABLES, "key id too short to be shown;"),
    ],
)
def test_provider_and_the_end_of_the_key_id_are_told(clock, found, environ, seen):
    outcome = credentials.check(environ, Service(clock, lambda: found, pytest.fail), reachable=False)
    assert outcome.status == "OK"
    assert seen in outcome.seen
    assert "anary" not in outcome.seen
    assert "not reached" in outcome.seen


def test_no_credentials_are_a_failure(clock):
    def find():
        raise CredentialsMissing("none.")

    with pytest.raises(CredentialsMissing):
        credentials.check({}, Service(clock, find, pytest.fail), reachable=True)


def test_keys_that_are_taken_are_told_so(service):
    assert credentials.check({}, service(), reachable=True).seen.endswith("the service takes the signature.")


@pytest.mark.parametrize(
    ("scenario", "found", "cause"),
    [
        ("clean", WRONG, "the AccessKey secret does not belong to the key id"),
        ("clean", keys("NoSuchKeyAtAll"), "the AccessKey id is unknown or inactive"),
        ("clock-skew", None, "the agent's clock differs"),
    ],
)
def test_keys_that_are_refused_are_a_failure_that_says_why(service, scenario, found, cause):
    made = service(scenario) if found is None else service(scenario, found)
    outcome = credentials.check({}, made, reachable=True)
    assert (outcome.status, outcome.code) == ("FAIL", 14)
    assert outcome.seen.startswith("from files, key id …")
    assert cause in outcome.seen


@pytest.mark.parametrize("scenario", ["no-permission", "not-activated"])
def test_keys_that_may_not_do_it_were_taken_all_the_same(service, scenario):
    assert credentials.check({}, service(scenario), reachable=True).status == "OK"


def test_a_service_that_is_lost_in_between_is_a_warning(canned):
    outcome = credentials.check({}, canned(CONNECT_ERROR, forever=True), reachable=True)
    assert outcome.status == "WARN"
    assert "not known" in outcome.seen


def test_the_quota_is_asked_once_whoever_wants_it(canned):
    made = canned(quota(used=98))
    assert made.quota() is made.quota()
    assert not made.is_sandbox


def test_a_refusal_is_asked_for_once_too(canned):
    made = canned(refused("NoPermission", 403))
    for _ in range(2):
        assert "was not refused" in credentials.check({}, made, reachable=True).seen


@pytest.mark.parametrize(
    ("value", "status"), [("c3de8326-273e-11fc-a0e3-d012435canry", "OK"), ("canary1", "WARN"), ("x" * 200, "WARN")]
)
def test_the_token_is_measured_and_never_told(value, status, tmp_path):
    outcome = credentials.check_token({"JENKINS_SCAN_TOKEN": value}, in_process=False)
    assert outcome.status == status
    assert f"from JENKINS_SCAN_TOKEN, {len(value)} characters" in outcome.seen
    assert value not in outcome.seen + outcome.remedy
    (tmp_path / "token").write_text(f"{value}\n")
    named = {"JENKINS_SCAN_TOKEN_FILE": str(tmp_path / "token")}
    assert f"from JENKINS_SCAN_TOKEN_FILE, {len(value)}" in credentials.check_token(named, in_process=False).seen


def test_no_token_is_a_failure():
    with pytest.raises(CredentialsMissing, match="no CI/CD token"):
        credentials.check_token({}, in_process=False)


def test_the_sandbox_in_this_process_has_a_token_of_its_own():
    assert credentials.check_token({}, in_process=True).seen == "the sandbox's own."
