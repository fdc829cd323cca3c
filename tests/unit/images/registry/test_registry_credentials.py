import base64
import json
import os

import pytest

from jenkins_scan.errors import ConfigurationError, RegistryRefused, UsageError
from jenkins_scan.images.reference import parse_reference
from jenkins_scan.images.registry.address import address_of
from jenkins_scan.images.registry.credential_helper import LARGEST_ANSWER, ask_helper
from jenkins_scan.images.registry.credentials import find_login
from tests.support.canned_registry import PASSWORD, TOKEN, USER, login_file

BASIC = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
OTHER = base64.b64encode(b"other:canary-other").decode()


def find(environ, name="registry.example.com/team/sub/app", secrets=None):
    secrets = [] if secrets is None else secrets
    return find_login(address_of(parse_reference(name)), environ, secrets.append)


@pytest.fixture
def docker(tmp_path):
    """Writes config.json; gives the environment that leads to it."""

    def write(content, folder="docker"):
        place = tmp_path / folder
        place.mkdir()
        text = content if isinstance(content, str) else json.dumps(content)
        (place / "config.json").write_text(text)
        return {"DOCKER_CONFIG": str(place)}

    return write


@pytest.fixture
def helper(tmp_path):
    """Writes a credential helper; gives the PATH that leads to it."""

    def write(script, name="test"):
        place = tmp_path / "bin"
        place.mkdir(exist_ok=True)
        program = place / f"docker-credential-{name}"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        return {"PATH": f"relative::{place}:/usr/bin:/bin"}

    return write


def says(**body):
    return f"cat >/dev/null; echo '{json.dumps(body)}'"


def test_a_login_is_found_under_the_host_and_its_secrets_are_told(docker):
    secrets = []
    login = find(docker(login_file()), secrets=secrets).login
    assert (login.username, login.password) == (USER, PASSWORD)
    assert set(secrets) == {BASIC, PASSWORD}
    assert PASSWORD not in repr(login)


@pytest.mark.parametrize(
    "key",
    [
        "registry.example.com",
        "https://registry.example.com",
        "https://registry.example.com/v1/",
        "registry.example.com/team",
    ],
)
def test_a_host_may_be_filed_as_a_url_or_with_a_part_of_the_path(docker, key):
    assert find(docker(login_file(key=key))).login.username == USER


@pytest.mark.parametrize("key", ["registry.example.com:5000", "example.com", "registry.example.com/other", "team"])
def test_another_registry_s_login_is_never_taken(docker, key):
    assert find(docker(login_file(key=key))).login is None


def test_the_most_special_login_wins(docker):
    auths = {"registry.example.com": {"auth": OTHER}, "registry.example.com/team/sub": {"auth": BASIC}}
    assert find(docker({"auths": auths})).login.username == USER


@pytest.mark.parametrize("key", ["https://index.docker.io/v1/", "docker.io", "index.docker.io", "registry-1.docker.io"])
def test_docker_hub_has_several_names(docker, key):
    assert find(docker(login_file(key=key)), "nginx").login.username == USER


@pytest.mark.parametrize(
    ("entry", "username", "password"),
    [
        ({"username": "u", "password": "p"}, "u", "p"),
        ({"auth": base64.b64encode(b"u:p:with:colons").decode()}, "u", "p:with:colons"),
        ({"auth": base64.b64encode(b"u:padded\0\0").decode()}, "u", "padded"),
    ],
)
def test_a_login_has_several_forms(docker, entry, username, password):
    login = find(docker(login_file(entry))).login
    assert (login.username, login.password) == (username, password)


@pytest.mark.parametrize("entry", [{}, {"email": "x@example.com"}, {"username": "u"}, {"auth": ""}, None])
def test_an_empty_entry_is_no_login(docker, entry):
    assert find(docker({"auths": {"registry.example.com": entry}})).login is None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "it is not JSON"),
        ("[]", "it is not a JSON object"),
        ({"auths": []}, "auths is not a JSON object"),
        ({"auths": {"registry.example.com": "x"}}, "auths of registry.example.com is not a JSON object"),
        (login_file({"auth": 1}), "a value in auths of 'registry.example.com' is not a text"),
        (login_file({"identitytoken": ["canary"]}), "is not a text"),
        (login_file({"auth": "canary!"}), "the auth of 'registry.example.com' is not Base64"),
        (login_file({"auth": base64.b64encode(b"\xff\xfe").decode()}), "is not Base64 of a text"),
        (login_file({"auth": base64.b64encode(b"canary").decode()}), "is not USER:PASSWORD"),
        ({"credHelpers": "x"}, "credHelpers is not a JSON object"),
        ({"credsStore": 1}, "the name of a credential helper is not a text"),
        (" " * (1 << 20) + "{}", "it is larger than 1048576 bytes"),
    ],
)
def test_a_broken_login_file_is_named_and_never_taken_for_an_empty_one(docker, content, words):
    with pytest.raises(ConfigurationError, match=words) as caught:
        find(docker(content))
    assert "config.json" in caught.value.message
    assert "canary" not in caught.value.message


def test_a_login_file_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "config.json").mkdir()
    with pytest.raises(ConfigurationError, match="Is a directory"):
        find({"DOCKER_CONFIG": str(tmp_path)})


@pytest.mark.parametrize("variable", ["DOCKER_CONFIG", "REGISTRY_AUTH_FILE"])
def test_a_relative_path_would_be_in_the_workspace_and_is_refused(variable):
    with pytest.raises(UsageError, match=f"{variable} 'here' is not an absolute path"):
        find({variable: "here"})


@pytest.mark.parametrize(
    ("variable", "value", "place"),
    [
        ("REGISTRY_AUTH_FILE", "file.json", "file.json"),
        ("XDG_RUNTIME_DIR", "", "containers/auth.json"),
        ("XDG_CONFIG_HOME", "", "containers/auth.json"),
        ("HOME", "", ".config/containers/auth.json"),
    ],
)
def test_podman_s_login_is_found_where_docker_has_none(docker, tmp_path, variable, value, place):
    path = tmp_path / "podman" / place
    path.parent.mkdir(parents=True)
    path.write_text(login_file())
    environ = docker(" ") | {variable: str(tmp_path / "podman" / value)}
    found = find(environ)
    assert (found.login.origin, found.looked_in) == (str(path), (str(path),))


def test_a_named_file_takes_the_place_of_podman_s_own(tmp_path):
    path = tmp_path / "containers" / "auth.json"
    path.parent.mkdir()
    path.write_text(login_file())
    environ = {"XDG_RUNTIME_DIR": str(tmp_path), "REGISTRY_AUTH_FILE": str(tmp_path / "none.json")}
    assert find(environ).looked_in == ()


def test_docker_s_login_comes_before_podman_s(docker, tmp_path):
    (tmp_path / "auth.json").write_text(login_file({"auth": OTHER}))
    environ = docker(login_file()) | {"REGISTRY_AUTH_FILE": str(tmp_path / "auth.json")}
    assert find(environ).login.username == USER


def test_nothing_is_looked_for_without_a_home():
    found = find({"XDG_RUNTIME_DIR": "relative"})
    assert (found.login, str(found)) == (None, "without credentials, as there are none for it in any login file")


@pytest.mark.parametrize(
    ("settings", "name", "asked"),
    [
        ({"credsStore": "test"}, "registry.example.com:5000/app", "registry.example.com:5000"),
        ({"credsStore": "test"}, "nginx", "https://index.docker.io/v1/"),
        ({"credHelpers": {"registry.example.com": "test"}}, "registry.example.com/app", "registry.example.com"),
        ({"credHelpers": {"registry.example.com": "test"}, "credsStore": "none"}, "registry.example.com/app", None),
    ],
)
def test_a_helper_is_asked_for_the_server_by_docker_s_name(docker, helper, tmp_path, settings, name, asked):
    answer = json.dumps({"Username": "u", "Secret": PASSWORD})
    environ = docker(settings) | helper(f"cat >{tmp_path}/asked; echo $1 >{tmp_path}/verb; echo '{answer}'")
    secrets = []
    login = find(environ, name, secrets).login
    assert (login.username, login.password, secrets) == ("u", PASSWORD, [PASSWORD])
    assert login.origin.startswith("docker-credential-test, which /")
    assert (tmp_path / "asked").read_text() == (asked or "registry.example.com")
    assert (tmp_path / "verb").read_text() == "get\n"


def test_a_helper_may_give_an_identity_token(docker, helper):
    environ = docker({"credsStore": "test"}) | helper(says(Username="<token>", Secret=TOKEN))
    login = find(environ).login
    assert (login.identity_token, login.password, login.username) == (TOKEN, None, None)


@pytest.mark.parametrize(
    "script", ["echo 'credentials not found in native keychain'; exit 1", says(Username="", Secret="")]
)
def test_a_helper_that_knows_nothing_leaves_it_to_the_file(docker, helper, script):
    environ = docker(login_file(credsStore="test")) | helper(script)
    assert find(environ).login.username == USER


def test_an_empty_name_turns_the_common_helper_off(docker):
    settings = login_file(credsStore="missing", credHelpers={"registry.example.com": ""})
    assert find(docker(settings)).login.username == USER


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo canary-secret; exit 3", "it ended with 3"),
        ("kill -9 $$", "it ended with -9"),
        ("echo canary-secret", "its answer is not JSON"),
        ("echo '[]'", "its answer lacks Username or Secret"),
        (says(Username=1, Secret="canary-secret"), "its answer lacks Username or Secret"),
        (says(Username="u"), "its answer lacks Username or Secret"),
        (f"head -c {LARGEST_ANSWER + 1} /dev/zero", "or too much"),
        ("cat /dev/zero", "or too much"),
    ],
)
def test_a_helper_that_fails_is_named_and_what_it_wrote_is_not_shown(helper, script, words):
    with pytest.raises(RegistryRefused, match=f"docker-credential-'test' gave no credentials: .*{words}") as caught:
        ask_helper("test", "registry.example.com", helper(script))
    assert caught.value.exit_code == 13
    assert "canary" not in caught.value.message


@pytest.mark.parametrize("script", ["sleep 600", "exec sleep 600 >/dev/null"])
def test_a_helper_that_does_not_end_is_killed(helper, script):
    with pytest.raises(RegistryRefused, match="did not answer within 0 s"):
        ask_helper("test", "registry.example.com", helper(script), longest=0)


def test_a_helper_that_closes_its_answer_and_stays_is_killed(helper):
    with pytest.raises(RegistryRefused, match="did not answer within"):
        ask_helper("test", "registry.example.com", helper("exec >&-; exec sleep 600"), longest=0.05)


def test_a_helper_in_the_workspace_is_never_run(helper, tmp_path, monkeypatch):
    helper("touch ran")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RegistryRefused, match="not in an absolute folder of PATH"):
        ask_helper("test", "x", {"PATH": os.pathsep.join(["bin", "./bin", "", "/nonexistent"])})
    assert not (tmp_path / "bin" / "ran").exists()


@pytest.mark.parametrize("name", ["../test", "a/b", "a b", "", "x" * 101, "té"])
def test_a_helper_s_name_is_no_path(helper, name):
    with pytest.raises(RegistryRefused, match="this is no name of a helper"):
        ask_helper(name, "x", helper("exit 0"))


def test_a_helper_without_permission_is_missing(helper, tmp_path):
    environ = helper("exit 0")
    (tmp_path / "bin" / "docker-credential-test").chmod(0o644)
    with pytest.raises(RegistryRefused, match="not in an absolute folder"):
        ask_helper("test", "x", environ)


def test_a_helper_that_cannot_start_is_named(helper, tmp_path):
    environ = helper("exit 0")
    (tmp_path / "bin" / "docker-credential-test").write_bytes(b"\x7fELF no program")
    with pytest.raises(RegistryRefused, match="it cannot be started"):
        ask_helper("test", "x", environ)


def test_a_helper_runs_outside_of_the_workspace_and_need_not_read(helper):
    environ = helper('exec <&-; printf \'{"Username": "%s", "Secret": "s"}\' "$PWD"')
    assert ask_helper("test", "x" * 200, environ).username == "/"
