"""The default chain of alibabacloud-credentials in its child process, fed by a credentials URI on loopback."""

import threading
from pathlib import Path

import pytest

from jenkins_scan.errors import CredentialsMissing
from jenkins_scan.security_center import ram_credentials
from jenkins_scan.security_center.ram_credentials import from_default_chain
from tests.support.center import Canned, as_json
from tests.support.loopback_servers import loopback_servers

CANARY = "canary-0123456789"
FOUND = {
    "Code": "Success",
    "AccessKeyId": "STS.temporary",
    "AccessKeySecret": CANARY,
    "SecurityToken": "token-of-sts",
    "Expiration": "2099-01-01T00:00:00Z",
}
EACH = "EnvironmentVariable, CLIProfile, Profile, URL"
CHAIN = "the default chain of alibabacloud-credentials"
REPOSITORY = Path(ram_credentials.__file__).parents[2]


@pytest.fixture
def serve():
    """Starts a loopback server with a canned answer."""
    with loopback_servers() as start:
        yield start


@pytest.fixture
def credentials_uri(serve, monkeypatch):
    """Makes the chain ask a server that answers so, and nobody else."""

    def ask(answer):
        server = serve(answer)
        monkeypatch.setenv("ALIBABA_CLOUD_CREDENTIALS_URI", f"{server.url}/credentials")
        monkeypatch.setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")
        monkeypatch.setenv("ALIBABA_CLOUD_CLI_PROFILE_DISABLED", "true")
        monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
        return server

    return ask


def test_temporary_credentials_come_back_from_the_chain(credentials_uri):
    server = credentials_uri(as_json(FOUND))
    found = from_default_chain()
    assert found.secrets() == ("STS.temporary", CANARY, "token-of-sts")
    assert found.provider == "default/credential_uri"
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("answer", "tried"),
    [
        pytest.param(Canned(403, f"no, and {CANARY}".encode()), EACH, id="refused"),
        pytest.param(as_json({**FOUND, "AccessKeyId": None}), CHAIN, id="no key"),
        pytest.param(as_json({**FOUND, "AccessKeySecret": f"{CANARY}\nx-evil: 1"}), CHAIN, id="line break"),
    ],
)
def test_a_failing_chain_names_its_providers_and_nothing_that_they_heard(credentials_uri, answer, tried, capfd):
    credentials_uri(answer)
    with pytest.raises(CredentialsMissing) as caught:
        from_default_chain()
    assert caught.value.exit_code == 14
    assert f"no credentials in the environment, nor from {tried}" in caught.value.message
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert CANARY not in caught.value.message + caught.value.remedy + "".join(capfd.readouterr())


def test_a_chain_that_gives_no_answer_is_ended(credentials_uri):
    done = threading.Event()
    credentials_uri(lambda _connection: done.wait(10))
    try:
        with pytest.raises(CredentialsMissing, match="gave no answer within 0 s"):
            from_default_chain(longest_wait=0.05)
    finally:
        done.set()


def test_without_the_library_the_pair_is_asked_for():
    with pytest.raises(CredentialsMissing, match="nor their _FILE variants are set") as caught:
        from_default_chain(library="a_library_that_is_not_there")
    assert "jenkins-scan[ram]" in caught.value.remedy
