"""The sandbox as an httpx transport answers the project's own signer, in process."""

import httpx
import pytest
from pydantic import SecretStr

from jenkins_scan import sandbox
from jenkins_scan.sandbox.scenarios import SCENARIOS
from jenkins_scan.sandbox.service import SandboxService
from jenkins_scan.sandbox.transport import SandboxTransport
from jenkins_scan.security_center.credentials import Credentials
from jenkins_scan.security_center.signing import AcsV3Auth

PERMANENT = Credentials(sandbox.ACCESS_KEY_ID, SecretStr(sandbox.ACCESS_KEY_SECRET), None)
TEMPORARY = Credentials(
    sandbox.STS_ACCESS_KEY_ID, SecretStr(sandbox.STS_ACCESS_KEY_SECRET), SecretStr(sandbox.STS_SECURITY_TOKEN)
)
HEADERS = {"x-acs-action": "CreateJenkinsImageScanTask", "x-acs-version": "2018-12-03"}


def client(state, clock, scenario="clean", credentials=PERMANENT):
    """An httpx client of the sandbox that signs every request."""
    service = SandboxService(SCENARIOS[scenario], state, now=clock)
    auth = AcsV3Auth(credentials, now=clock)
    return httpx.Client(base_url="http://sandbox.invalid", transport=SandboxTransport(service), auth=auth)


@pytest.mark.parametrize("credentials", [PERMANENT, TEMPORARY])
def test_a_signed_create_opens_a_task(state, clock, credentials):
    with client(state, clock, credentials=credentials) as http:
        form = {"Token": sandbox.TOKEN, "RepoName": "a b*c~d/e+中"}
        reply = http.post("/?JenkinsEnv=release", headers=HEADERS, data=form)
    assert reply.status_code == 200
    assert reply.headers["x-jenkins-scan-sandbox"] == "1"
    (scan,) = state.scans()
    assert (scan.task.task_id, scan.image.repo_name) == (reply.json()["Data"]["TaskId"], form["RepoName"])


def test_a_dropped_connection_is_the_error_of_a_real_one(state, clock):
    with client(state, clock, "lost-answer") as http, pytest.raises(httpx.RemoteProtocolError):
        http.post("/", headers=HEADERS, data={"Token": sandbox.TOKEN, "Digest": "a" * 64})
    assert len(state.tasks()) == 1
