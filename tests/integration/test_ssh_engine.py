"""Engines behind ssh, spoken to with the real client of the extra `ssh`, against a host in this process."""

import paramiko
import pytest

from jenkins_scan.errors import EngineUnreachable
from jenkins_scan.images.engine.endpoint import choose_endpoint
from jenkins_scan.images.engine.source import EngineSource
from jenkins_scan.images.reference import parse_reference
from tests.support.canned_engine import engine_on_socket
from tests.support.ssh_host import COMMAND, ssh_host

ID = f"sha256:{'ab' * 32}"
VERSION = {"Version": "20.10.24", "ApiVersion": "1.41", "MinAPIVersion": "1.12", "Components": [{"Name": "Engine"}]}
ANSWERS = {
    "/version": VERSION,
    "/v1.41/info": {"Driver": "overlay2", "DriverStatus": []},
    "/v1.41/images/app:1/json": {"Id": ID, "RepoTags": ["app:1"], "Os": "linux", "Architecture": "amd64"},
}


@pytest.fixture(scope="module")
def user_key():
    return paramiko.RSAKey.generate(2048)


@pytest.fixture
def home(tmp_path, monkeypatch, user_key):
    (tmp_path / ".ssh").mkdir(mode=0o700)
    user_key.write_private_key_file(str(tmp_path / ".ssh" / "id_rsa"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return tmp_path


@pytest.fixture
def host(user_key, home):
    with engine_on_socket(home / "e.sock", ANSWERS), ssh_host(user_key, home / "e.sock") as running:
        (home / ".ssh" / "known_hosts").write_text(running.known_hosts_line())
        yield running


def resolve(host):
    endpoint = choose_endpoint(f"ssh://builder@127.0.0.1:{host.port}", {})
    return EngineSource(parse_reference("app:1"), endpoint).resolve()


def test_an_engine_behind_ssh_is_asked_through_dial_stdio(host):
    identity = resolve(host).identity
    assert (identity.image_id, identity.engine.name) == (ID, "docker")
    assert identity.engine.endpoint == f"ssh://builder@127.0.0.1:{host.port}"
    assert set(host.commands) == {COMMAND}
    assert set(host.users) == {"builder"}


def test_a_host_that_is_not_known_is_refused(host, home):
    (home / ".ssh" / "known_hosts").write_text("")
    with pytest.raises(EngineUnreachable, match="host key is not in ~/"):
        resolve(host)
    assert host.users == []


def test_settings_of_the_user_do_not_turn_the_check_of_host_keys_off(host, home):
    (home / ".ssh" / "known_hosts").write_text("")
    (home / ".ssh" / "config").write_text("Host *\n  StrictHostKeyChecking no\n")
    with pytest.raises(EngineUnreachable, match="known_hosts"):
        resolve(host)


def test_a_host_that_shows_another_key_is_refused(host, home):
    (home / ".ssh" / "known_hosts").write_text(host.known_hosts_line(paramiko.RSAKey.generate(2048)))
    with pytest.raises(EngineUnreachable, match="another host key"):
        resolve(host)


def test_a_user_whose_key_is_not_accepted_is_told_and_never_asked_for_a_password(host, home):
    paramiko.RSAKey.generate(2048).write_private_key_file(str(home / ".ssh" / "id_rsa"))
    with pytest.raises(EngineUnreachable, match="none of this user's keys"):
        resolve(host)


def test_an_encrypted_key_is_told_and_nobody_is_asked(host, home, user_key):
    user_key.write_private_key_file(str(home / ".ssh" / "id_rsa"), password="hunter2")
    with pytest.raises(EngineUnreachable, match="encrypted") as caught:
        resolve(host)
    assert "hunter2" not in str(caught.value)


def test_a_host_without_the_docker_command_is_told(host, monkeypatch):
    monkeypatch.setattr("tests.support.ssh_host.COMMAND", b"nothing")
    with pytest.raises(EngineUnreachable) as caught:
        resolve(host)
    assert "dial-stdio" in caught.value.remedy


def test_a_port_without_sshd_is_told(home):
    (home / ".ssh" / "known_hosts").write_text("")
    endpoint = choose_endpoint("ssh://127.0.0.1:1", {})
    with pytest.raises(EngineUnreachable, match=r"nobody accepts the connection|Nobody listens"):
        EngineSource(parse_reference("app:1"), endpoint).resolve()
