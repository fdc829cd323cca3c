import hashlib
import json
from pathlib import Path

import pytest

from jenkins_scan.errors import EngineSettingsError, EngineTLSError
from jenkins_scan.images.engine.endpoint import EngineTLS, choose_endpoint

TCP = "tcp://docker:2376"


class Folder:
    """A Docker configuration folder under construction."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)

    @property
    def environ(self):
        return {"DOCKER_CONFIG": str(self.path)}

    def config(self, body):
        (self.path / "config.json").write_text(body if isinstance(body, str) else json.dumps(body))
        return self

    def context(self, name, host, *, tls=(), meta=None, **endpoint):
        key = hashlib.sha256(name.encode()).hexdigest()
        place = self.path / "contexts" / "meta" / key
        place.mkdir(parents=True, exist_ok=True)
        body = {"Name": name, "Metadata": {}, "Endpoints": {"docker": {"Host": host, **endpoint}}}
        (place / "meta.json").write_text(json.dumps(body) if meta is None else meta)
        self.tls_files(self.path / "contexts" / "tls" / key / "docker", tls)
        return self

    @staticmethod
    def tls_files(place, names=("ca.pem", "cert.pem", "key.pem")):
        place.mkdir(parents=True, exist_ok=True)
        for name in names:
            (place / name).write_text("PEM")
        return place


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path / "config")


def test_the_default_is_the_default_socket():
    endpoint = choose_endpoint(None, {})
    assert (endpoint.url, endpoint.reason, endpoint.context) == ("unix:///var/run/docker.sock", "default", None)
    assert endpoint.socket == Path("/var/run/docker.sock")
    assert str(endpoint) == "unix:///var/run/docker.sock (the default)"


def test_each_setting_wins_over_those_behind_it(folder):
    folder.config({"currentContext": "current"}).context("current", "unix:///current").context("ci", "unix:///ci")
    environ = {**folder.environ, "DOCKER_HOST": "unix:///host", "DOCKER_CONTEXT": "ci"}
    assert choose_endpoint("unix:///flag", environ).url == "unix:///flag"
    assert choose_endpoint(None, environ).url == "unix:///host"
    del environ["DOCKER_HOST"]
    assert choose_endpoint(None, environ).url == "unix:///ci"
    del environ["DOCKER_CONTEXT"]
    endpoint = choose_endpoint(None, environ)
    assert (endpoint.url, endpoint.context) == ("unix:///current", "current")
    assert endpoint.reason == f"currentContext of {folder.path}/config.json"
    assert str(endpoint).endswith("config.json, context 'current')")


@pytest.mark.parametrize("variable", ["DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG"])
def test_an_empty_variable_counts_as_unset(variable):
    assert choose_endpoint(None, {variable: ""}).reason == "default"


def test_the_configuration_in_home_is_read(tmp_path):
    Folder(tmp_path / ".docker").config({"currentContext": "ci"}).context("ci", "unix:///ci")
    assert choose_endpoint(None, {"HOME": str(tmp_path)}).url == "unix:///ci"


@pytest.mark.parametrize("home", ["/nonexistent", "/dev/null", "relative"])
def test_a_home_that_holds_nothing_means_the_default(home):
    assert choose_endpoint(None, {"HOME": home}).reason == "default"


def test_the_context_called_default_is_the_default_socket(folder):
    endpoint = choose_endpoint(None, {**folder.environ, "DOCKER_CONTEXT": "default"})
    assert (endpoint.url, endpoint.reason) == ("unix:///var/run/docker.sock", "DOCKER_CONTEXT")
    folder.config({"currentContext": "default"})
    assert choose_endpoint(None, folder.environ).url == "unix:///var/run/docker.sock"


def test_a_missing_context_is_an_error_with_its_name_and_origin(folder):
    with pytest.raises(EngineSettingsError, match=r"'gone' not found \(name from DOCKER_CONTEXT\)") as caught:
        choose_endpoint(None, {**folder.environ, "DOCKER_CONTEXT": "gone"})
    assert caught.value.exit_code == 2
    folder.config({"currentContext": "gone"})
    with pytest.raises(EngineSettingsError, match=r"'gone' not found \(name from currentContext of .*config\.json\)"):
        choose_endpoint(None, folder.environ)


def test_a_context_in_the_working_folder_is_never_followed(tmp_path):
    Folder(tmp_path).context("ci", "tcp://attacker.example:2375")
    with pytest.raises(EngineSettingsError, match="neither DOCKER_CONFIG nor HOME"):
        choose_endpoint(None, {"DOCKER_CONTEXT": "ci"})


@pytest.mark.parametrize("docker_host", [None, "unix:///flag"])
def test_a_relative_configuration_folder_is_refused(docker_host):
    with pytest.raises(EngineSettingsError, match="DOCKER_CONFIG 'config' is not an absolute path"):
        choose_endpoint(docker_host, {"DOCKER_CONFIG": "config"})


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "not a JSON object"),
        ("\0", "not JSON"),
        ('{"currentContext": 1}', "currentContext is not a text"),
        ('{"x": "' + "y" * 1024 * 1024 + '"}', "larger than"),
    ],
)
def test_a_broken_config_json_is_an_error_that_names_the_file(folder, content, why):
    with pytest.raises(EngineSettingsError, match=rf"config\.json cannot be read: .*{why}") as caught:
        choose_endpoint(None, folder.config(content).environ)
    assert "--docker-host" in caught.value.remedy


def test_a_config_json_that_is_a_folder_is_an_error(folder):
    (folder.path / "config.json").mkdir()
    with pytest.raises(EngineSettingsError, match="Is a directory"):
        choose_endpoint(None, folder.environ)


def test_a_broken_config_json_does_not_matter_once_the_engine_is_named(folder):
    folder.config("{")
    assert choose_endpoint(None, {**folder.environ, "DOCKER_HOST": "unix:///host"}).url == "unix:///host"


@pytest.mark.parametrize(
    ("meta", "why"),
    [
        ("{", "not JSON"),
        ('"text"', "not a JSON object"),
        ("{}", "another context"),
        ('{"Name": "other"}', "another context"),
        ('{"Name": "ci"}', "no docker endpoint"),
        ('{"Name": "ci", "Endpoints": []}', "no docker endpoint"),
        ('{"Name": "ci", "Endpoints": {"docker": 1}}', "no docker endpoint"),
        ('{"Name": "ci", "Endpoints": {"docker": {}}}', "no docker endpoint"),
        ('{"Name": "ci", "Endpoints": {"docker": {"Host": ""}}}', "no docker endpoint"),
        ('{"Name": "ci", "Endpoints": {"docker": {"Host": 5}}}', "no docker endpoint"),
    ],
)
def test_broken_metadata_of_a_context_is_an_error_that_names_the_file(folder, meta, why):
    folder.context("ci", "", meta=meta)
    with pytest.raises(EngineSettingsError, match=rf"meta\.json cannot be read: .*{why}"):
        choose_endpoint(None, {**folder.environ, "DOCKER_CONTEXT": "ci"})


@pytest.mark.parametrize("name", ["../../etc", "a/b", "\ud800", "x" * 5000, "\x1b[31m"])
def test_a_strange_context_name_is_looked_up_by_its_hash_and_shown_escaped(folder, name):
    with pytest.raises(EngineSettingsError, match="not found") as caught:
        choose_endpoint(None, {**folder.environ, "DOCKER_CONTEXT": name})
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("unix:///run/user/1000/docker.sock", "unix:///run/user/1000/docker.sock"),
        ("unix://run/docker.sock", "unix:///run/docker.sock"),
        ("unix:///home/job@2/docker.sock", "unix:///home/job@2/docker.sock"),
        ("tcp://docker:2375", "tcp://docker:2375"),
        ("TCP://docker:2375/", "tcp://docker:2375"),
        ("tcp://[::1]:2375", "tcp://[::1]:2375"),
        ("127.0.0.1:2375", "tcp://127.0.0.1:2375"),
        ("ssh://host", "ssh://host"),
        ("SSH://builder@host:2222/", "ssh://builder@host:2222"),
        ("ssh://builder@[::1]:22", "ssh://builder@[::1]:22"),
        ("ssh://[::1]", "ssh://[::1]"),
    ],
)
def test_an_address_is_written_in_one_form(text, url):
    assert choose_endpoint(text, {}).url == url
    assert choose_endpoint(None, {"DOCKER_HOST": text}).url == url


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "port is required"),
        ("unix://", "no socket file"),
        ("unix:///", "no socket file"),
        ("unix:///x?y", "no socket file"),
        ("tcp://docker", "a port is required"),
        ("tcp://docker:0", "a port is required"),
        ("tcp://docker:99999", "not a URL with a valid port"),
        ("tcp://docker:x", "not a URL with a valid port"),
        ("tcp://[::1:2375", "not a URL"),
        ("tcp://:2375", "has to be tcp://HOST:PORT"),
        ("tcp://docker:2375/path", "has to be tcp://HOST:PORT"),
        ("tcp://docker:2375?x=1", "has to be tcp://HOST:PORT"),
        ("tcp://doc ker:2375", "has to be tcp://HOST:PORT"),
        ("tcp://docker:2375\n", "control characters"),
        ("tcp://-host:2375", "has to be tcp://HOST:PORT"),
        ("ssh://", "has to be ssh://"),
        ("ssh://:22", "has to be ssh://"),
        ("ssh://host:0", "has to be ssh://"),
        ("ssh://host:x", "not a URL with a valid port"),
        ("ssh://host:", "has to be ssh://"),
        ("ssh://@host", "has to be ssh://"),
        ("ssh://-oProxyCommand=x", "has to be ssh://"),
        ("ssh://-l@host", "has to be ssh://"),
        ("ssh://host?x=1", "has to be ssh://"),
        ("ssh://host/run/docker.sock", "takes no path"),
        ("ssh://user:hunter2@host", "a password has no place in it"),
        ("http://docker:2375", "tcp://HOST:PORT"),
        ("https://docker:2376", "DOCKER_TLS_VERIFY=1"),
        ("fd://3", "only unix://, tcp:// and ssh://"),
        ("npipe:////./pipe/docker", "only unix://, tcp:// and ssh://"),
        ("/var/run/docker.sock", "unix:///PATH"),
        ("./docker.sock", "only unix://, tcp:// and ssh://"),
    ],
)
def test_an_address_that_cannot_be_used_is_an_error_that_says_why(text, why):
    with pytest.raises(EngineSettingsError, match="from --docker-host cannot be used: .*" + why) as caught:
        choose_endpoint(text, {})
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    "text", ["tcp://user:hunter2@docker:2376", "ssh://user:hunter2@host", "tcp://docker:1?p=hunter2"]
)
def test_user_information_is_refused_and_not_shown(text):
    for docker_host, environ in ((text, {}), (None, {"DOCKER_HOST": text})):
        with pytest.raises(EngineSettingsError) as caught:
            choose_endpoint(docker_host, environ)
        assert "hunter2" not in f"{caught.value}{caught.value.remedy}"


def test_the_address_of_a_context_is_checked_too(folder):
    folder.context("ci", "tcp://u:hunter2@docker:1")
    with pytest.raises(EngineSettingsError, match="from DOCKER_CONTEXT, context 'ci' cannot be used") as caught:
        choose_endpoint(None, {**folder.environ, "DOCKER_CONTEXT": "ci"})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("verify", ["1", "0", "false", "no"])
def test_any_text_in_docker_tls_verify_means_yes(tmp_path, verify):
    place = Folder.tls_files(tmp_path / "certs")
    endpoint = choose_endpoint(TCP, {"DOCKER_TLS_VERIFY": verify, "DOCKER_CERT_PATH": str(place)})
    assert endpoint.tls == EngineTLS(place / "ca.pem", place / "cert.pem", place / "key.pem")
    assert endpoint.warnings == ()


def test_a_certificate_path_alone_means_verified_tls_with_a_warning(tmp_path):
    place = Folder.tls_files(tmp_path / "certs")
    endpoint = choose_endpoint(TCP, {"DOCKER_CERT_PATH": str(place)})
    assert endpoint.tls is not None
    assert "without DOCKER_TLS_VERIFY" in endpoint.warnings[0]


@pytest.mark.parametrize("variable", ["DOCKER_CONFIG", "HOME"])
def test_without_a_certificate_path_the_configuration_folder_holds_the_files(tmp_path, variable):
    place = Folder.tls_files(tmp_path / ".docker")
    environ = {"DOCKER_CONFIG": str(place)} if variable == "DOCKER_CONFIG" else {"HOME": str(tmp_path)}
    assert choose_endpoint(TCP, {**environ, "DOCKER_TLS_VERIFY": "1"}).tls.ca == place / "ca.pem"


@pytest.mark.parametrize("environ", [{"DOCKER_TLS_VERIFY": "1"}, {"DOCKER_CERT_PATH": "certs"}])
def test_a_certificate_folder_that_is_not_known_or_relative_is_refused(environ):
    with pytest.raises(EngineSettingsError, match="TLS files of the engine cannot be found"):
        choose_endpoint(TCP, environ)


@pytest.mark.parametrize("missing", ["ca.pem", "cert.pem", "key.pem"])
def test_a_missing_tls_file_is_named(tmp_path, missing):
    place = Folder.tls_files(tmp_path)
    (place / missing).unlink()
    with pytest.raises(EngineTLSError, match=f"{missing} of the engine from DOCKER_HOST cannot be read") as caught:
        choose_endpoint(None, {"DOCKER_HOST": TCP, "DOCKER_CERT_PATH": str(place)})
    assert caught.value.exit_code == 13
    assert "--engine-wait" in caught.value.remedy


def test_tls_settings_do_not_matter_for_a_socket(folder):
    environ = {"DOCKER_CERT_PATH": "/nowhere", "DOCKER_TLS_VERIFY": "1"}
    assert choose_endpoint("unix:///x", environ).tls is None
    assert choose_endpoint(None, environ).tls is None
    folder.context("ci", "unix:///x", tls=["cert.pem"], SkipTLSVerify=True)
    endpoint = choose_endpoint(None, {**folder.environ, **environ, "DOCKER_CONTEXT": "ci"})
    assert (endpoint.tls, endpoint.warnings) == (None, ())


def test_plain_tcp_has_no_tls(folder):
    assert choose_endpoint("tcp://docker:2376", {}).tls is None
    folder.context("ci", "tcp://docker:2375")
    assert choose_endpoint(None, {**folder.environ, "DOCKER_CONTEXT": "ci"}).tls is None


@pytest.mark.parametrize(
    ("files", "kept"),
    [
        (["ca.pem", "cert.pem", "key.pem"], ["ca.pem", "cert.pem", "key.pem"]),
        (["ca.pem"], ["ca.pem", None, None]),
        (["cert.pem", "key.pem"], [None, "cert.pem", "key.pem"]),
    ],
)
def test_the_tls_files_of_a_context_are_used_even_without_a_client_certificate(folder, files, kept):
    folder.context("ci", TCP, tls=files)
    endpoint = choose_endpoint(None, {**folder.environ, "DOCKER_CONTEXT": "ci"})
    assert [None if path is None else path.name for path in endpoint.tls.paths] == kept
    assert all(path is None or path.is_absolute() for path in endpoint.tls.paths)


@pytest.mark.parametrize(("files", "missing"), [(["cert.pem"], "key.pem"), (["ca.pem", "key.pem"], "cert.pem")])
def test_half_a_client_certificate_of_a_context_is_an_error(folder, files, missing):
    folder.context("ci", TCP, tls=files)
    with pytest.raises(EngineTLSError, match=missing):
        choose_endpoint(None, {**folder.environ, "DOCKER_CONTEXT": "ci"})


def test_skip_tls_verify_of_a_context_is_ignored_with_a_warning(folder):
    folder.context("ci", TCP, SkipTLSVerify=True)
    endpoint = choose_endpoint(None, {**folder.environ, "DOCKER_CONTEXT": "ci"})
    assert endpoint.tls == EngineTLS(None, None, None)
    assert "SkipTLSVerify of context 'ci' is ignored" in endpoint.warnings[0]
    folder.context("ci", TCP, tls=["ca.pem"], SkipTLSVerify="yes")
    assert choose_endpoint(None, {**folder.environ, "DOCKER_CONTEXT": "ci"}).warnings == ()


def test_a_context_may_name_an_engine_behind_ssh(folder):
    folder.context("ci", "ssh://builder@host", tls=["ca.pem"], SkipTLSVerify=True)
    endpoint = choose_endpoint(None, {**folder.environ, "DOCKER_CONTEXT": "ci"})
    assert (endpoint.url, endpoint.tls, endpoint.warnings) == ("ssh://builder@host", None, ())
    assert (endpoint.is_ssh, endpoint.is_tcp, endpoint.socket) == (True, False, None)


def test_an_engine_is_named_by_each_setting_and_not_by_the_default(folder):
    folder.config({"currentContext": "ci"}).context("ci", "unix:///ci")
    named = [("unix:///x", {}), (None, {"DOCKER_HOST": "unix:///x"}), (None, {"DOCKER_CONTEXT": "default"})]
    assert all(choose_endpoint(*each).is_named for each in [*named, (None, folder.environ)])
    assert not choose_endpoint(None, {}).is_named


@pytest.mark.parametrize(("url", "place"), [(TCP, ("docker", 2376)), ("tcp://[::1]:1", ("::1", 1))])
def test_host_and_port_of_an_address(url, place):
    assert choose_endpoint(url, {}).host_and_port == place
