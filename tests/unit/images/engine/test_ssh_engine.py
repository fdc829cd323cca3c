import sys
import threading

import docker.api.client
import docker.errors
import pytest
from docker.transport import UnixHTTPAdapter

from jenkins_scan.errors import EngineSettingsError, EngineUnreachable
from jenkins_scan.images.engine.connection import Limits
from jenkins_scan.images.engine.endpoint import EngineEndpoint
from jenkins_scan.images.engine.source import EngineSource
from jenkins_scan.images.reference import parse_reference
from tests.support.canned_engine import engine_on_socket

ID = f"sha256:{'ab' * 32}"
ENDPOINT = EngineEndpoint("ssh://builder@host:22", "DOCKER_HOST")
PODMAN = {"Version": "5", "ApiVersion": "1.41", "Components": [{"Name": "Podman Engine"}]}


def paramiko_error(name, *parents):
    """An error class as paramiko has it, which is told by its name."""
    return type(name, parents or (Exception,), {"__module__": "paramiko.ssh_exception"})


SSHException = paramiko_error("SSHException")
AuthenticationException = paramiko_error("AuthenticationException", SSHException)
REFUSED = paramiko_error("NoValidConnectionsError", OSError)


class Adapter(UnixHTTPAdapter):
    """Stands for the SDK's ssh transport: it leads to a socket, or fails."""

    socket_path = ""
    login_fails: Exception | None = None
    request_fails: Exception | None = None

    def __init__(self, base_url, timeout, pool_connections, max_pool_size, *, shell_out):
        assert base_url == "ssh://builder@host:22"
        assert shell_out is False
        if self.login_fails is not None:
            raise self.login_fails
        super().__init__(f"http+unix://{self.socket_path}", timeout, pool_connections, max_pool_size)

    def send(self, *args, **kwargs):
        if self.request_fails is not None:
            raise self.request_fails
        return super().send(*args, **kwargs)


@pytest.fixture
def transport(monkeypatch):
    """The SDK with such a transport, whether or not paramiko is installed."""

    def install(**attributes):
        kind = type("Adapter", (Adapter,), attributes)
        monkeypatch.setattr(docker.api.client, "SSHHTTPAdapter", kind, raising=False)

    return install


def resolve(limits=None):
    return EngineSource(parse_reference("app:1"), ENDPOINT, limits=limits).resolve()


def test_an_engine_behind_ssh_is_asked_like_any_other(transport, tmp_path):
    image = {"Id": ID, "RepoTags": ["docker.io/library/app:1"], "Os": "linux", "Architecture": "amd64"}
    with engine_on_socket(tmp_path / "e.sock", {"/version": PODMAN, "/v1.41/images/app:1/json": image}):
        transport(socket_path=str(tmp_path / "e.sock"))
        identity = resolve().identity
    assert (identity.image_id, identity.engine.endpoint) == (ID, "ssh://builder@host:22")


def test_without_the_extra_the_error_says_how_to_install_it(monkeypatch):
    monkeypatch.delattr(docker.api.client, "SSHHTTPAdapter", raising=False)
    monkeypatch.setitem(sys.modules, "docker.transport.sshconn", None)
    with pytest.raises(EngineSettingsError, match=r"ssh://builder@host:22 \(from DOCKER_HOST\) needs") as caught:
        resolve()
    assert caught.value.exit_code == 2
    assert "pip install 'jenkins-scan[ssh]'" in caught.value.remedy


@pytest.mark.parametrize(
    ("error", "said", "remedy"),
    [
        (SSHException("Server '[host]:22' not found in known_hosts"), "is not in ~/.ssh/known_hosts", "ssh-keyscan"),
        (paramiko_error("BadHostKeyException", SSHException)(), "another host key", "Somebody may listen in between"),
        (AuthenticationException("no"), "none of this user's keys", "authorized_keys"),
        (paramiko_error("PasswordRequiredException", AuthenticationException)(), "key is encrypted", "agent"),
        (REFUSED(None, "Unable"), "nobody accepts the connection", "sshd"),
        (SSHException("odd\nthing"), "odd thing", "dial-stdio"),
        (SSHException(), "SSHException", "dial-stdio"),
        (docker.errors.DockerException("odd"), "cannot be asked: odd", "docker version"),
        (EOFError(), "cannot be asked: EOFError", "docker version"),
    ],
)
@pytest.mark.parametrize("when", ["login_fails", "request_fails"])
def test_a_failure_of_ssh_is_told_in_words(transport, tmp_path, when, error, said, remedy):
    if when == "request_fails" and isinstance(error, docker.errors.DockerException):
        error = EOFError("odd")
    transport(socket_path=str(tmp_path / "none.sock"), **{when: error})
    with pytest.raises(EngineUnreachable) as caught:
        resolve()
    assert said in caught.value.message
    assert "ssh://builder@host:22 (from DOCKER_HOST)" in caught.value.message
    assert remedy in caught.value.remedy


def test_a_connection_that_breaks_tells_what_has_to_work_on_that_host(transport):
    transport(socket_path="/x", request_fails=ConnectionResetError())
    with pytest.raises(EngineUnreachable, match="broke before an answer") as caught:
        resolve()
    assert "docker system dial-stdio" in caught.value.remedy


def test_a_bug_is_not_taken_for_a_broken_connection(transport):
    transport(socket_path="/x", request_fails=ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        resolve()


def test_a_login_that_does_not_end_is_given_up_after_the_limit(transport):
    release = threading.Event()

    class Hanging(Adapter):
        def __init__(self, *args, **kwargs):
            release.wait()
            raise EOFError

    transport(__init__=Hanging.__init__)
    try:
        with pytest.raises(EngineUnreachable, match=r"no whole answer to the ssh login within 0\.01 s"):
            resolve(Limits(whole=0.01))
    finally:
        release.set()
