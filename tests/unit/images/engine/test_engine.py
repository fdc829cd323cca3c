import json
import os
import socket
import threading
from contextlib import suppress
from pathlib import Path

import pytest
import trustme

from jenkins_scan.errors import (
    EngineAbsent,
    EngineSettingsError,
    EngineTLSError,
    EngineUnreachable,
    ImageMoved,
    ImageNotFound,
    UnreadableImage,
    WrongPlatform,
)
from jenkins_scan.images.engine.connection import LARGEST_ANSWER, Limits
from jenkins_scan.images.engine.endpoint import EngineEndpoint
from jenkins_scan.images.engine.faults import explain
from jenkins_scan.images.engine.source import EngineSource
from jenkins_scan.images.interface import Platform, Store, parse_platform
from jenkins_scan.images.reference import parse_reference
from tests.support.canned_engine import engine_on_port, engine_on_socket
from tests.support.engine_certificates import EngineCertificates

HEX, OTHER = "ab" * 32, "cd" * 32
VERSION = {"Version": "20.10.24", "ApiVersion": "1.41", "MinAPIVersion": "1.12", "Components": [{"Name": "Engine"}]}
INFO = {"Driver": "overlay2", "DriverStatus": [["Backing Filesystem", "extfs"]]}
IMAGE = {"Id": f"sha256:{HEX}", "RepoTags": ["app:1"], "Os": "linux", "Architecture": "amd64", "Size": 5}
MODERN = VERSION | {"Version": "29.7.2", "ApiVersion": "1.55", "MinAPIVersion": "1.40"}
DESCRIPTOR = {"digest": f"sha256:{HEX}", "mediaType": "application/vnd.oci.image.index.v1+json"}
ARM64 = "%7B%22os%22%3A+%22linux%22%2C+%22architecture%22%3A+%22arm64%22%7D"


def answers(image=IMAGE, version=VERSION, info=INFO, name="app:1", api=None):
    api = api or version["ApiVersion"]
    return {"/version": version, f"/v{api}/info": info, f"/v{api}/images/{name}/json": image}


@pytest.fixture
def ask(tmp_path):
    """Resolves a reference against canned answers; returns the image and what was requested."""

    def resolve(canned, reference="app:1", platform=None):
        with engine_on_socket(tmp_path / "e.sock", canned) as engine:
            endpoint = EngineEndpoint(engine.url, "DOCKER_HOST")
            source = EngineSource(parse_reference(reference), endpoint, platform and parse_platform(platform))
            return source.resolve(), engine.requests

    return resolve


def resolve_at(endpoint, limits=None):
    return EngineSource(parse_reference("app:1"), endpoint, limits=limits).resolve()


def test_an_image_is_identified_with_three_small_requests(ask):
    found, requests = ask(answers())
    assert requests == ["/version", "/v1.41/images/app:1/json", "/v1.41/info"]
    identity = found.identity
    assert (identity.store, identity.config_digest, identity.size) == (Store.GRAPHDRIVER, f"sha256:{HEX}", 5)
    assert identity.reference == str(found.name) == "app:1"
    assert identity.canonical == "docker.io/library/app:1"
    assert (identity.engine.name, identity.engine.version) == ("docker", "20.10.24")
    assert (identity.engine.api_version, identity.engine.endpoint_from) == ("1.41", "DOCKER_HOST")
    assert found.warnings == ()


def test_info_is_not_asked_where_a_descriptor_tells_the_store(ask):
    found, requests = ask(answers(IMAGE | {"Descriptor": DESCRIPTOR}, MODERN))
    assert requests == ["/version", "/v1.55/images/app:1/json"]
    assert (found.identity.store, found.identity.manifest_kind) == (Store.CONTAINERD, "index")


def test_info_is_not_asked_of_podman(ask):
    podman = VERSION | {"Components": [{"Name": "Podman Engine"}], "Version": "4.3.1"}
    found, requests = ask(answers(version=podman))
    assert requests == ["/version", "/v1.41/images/app:1/json"]
    assert (found.identity.store, found.identity.engine.name) == (Store.PODMAN, "podman")


@pytest.mark.parametrize(
    ("stated", "least", "spoken"),
    [("1.41", "1.12", "1.41"), ("1.60", "1.44", "1.55"), ("1.70", "1.58", "1.58"), ("1.43", None, "1.43")],
)
def test_the_api_version_is_one_that_both_sides_know(ask, stated, least, spoken):
    version = VERSION | {"ApiVersion": stated, "MinAPIVersion": least}
    found, requests = ask(answers(version=version, api=spoken))
    assert found.identity.engine.api_version == spoken
    assert requests[1].startswith(f"/v{spoken}/")


@pytest.mark.parametrize("info", [(403, {"message": "no"}), (500, b""), {"Driver": None}, []])
def test_without_info_the_store_is_unknown_and_nothing_is_proved(ask, info):
    found, _ = ask(answers(IMAGE | {"RepoDigests": [f"app@sha256:{OTHER}"]}, info=info))
    identity = found.identity
    assert (identity.store, identity.config_digest, identity.registry_digest) == (Store.UNKNOWN, None, None)
    assert "does not say which image store" in found.warnings[0]


def test_an_engine_under_another_name_keeps_it(ask):
    found, _ = ask(answers(version=VERSION | {"Components": [{"Name": "nerdctl"}]}))
    assert (found.identity.engine.name, found.identity.store) == ("nerdctl", Store.UNKNOWN)


def test_the_warnings_of_the_endpoint_come_first(tmp_path):
    with engine_on_socket(tmp_path / "e.sock", answers(info=(403, {}))) as engine:
        found = resolve_at(EngineEndpoint(engine.url, "x", warnings=("first",)))
    assert found.warnings[0] == "first"
    assert len(found.warnings) == 2


def test_an_image_id_is_asked_for_whole_and_has_no_name(ask):
    found, requests = ask(answers(name=f"sha256:{HEX}"), HEX)
    assert requests[1] == f"/v1.41/images/sha256:{HEX}/json"
    assert (found.name, found.identity.canonical) == (None, None)
    assert found.identity.reference == f"sha256:{HEX}"


def test_an_unknown_image_is_not_found_and_nothing_is_pulled(ask):
    with pytest.raises(
        ImageNotFound, match=r"No image app:1 in docker 20\.10\.24 at unix://.* \(from DOCKER_HOST\)"
    ) as caught:
        ask({"/version": VERSION})
    assert caught.value.exit_code == 13
    assert "never pulls" in caught.value.remedy


def test_a_modern_engine_is_asked_for_the_platform(ask):
    canned = answers(name=f"app:1/json?platform={ARM64}", version=MODERN)
    canned = {key.removesuffix("/json") if "?" in key else key: value for key, value in canned.items()}
    canned[f"/v1.55/images/app:1/json?platform={ARM64}"] = IMAGE | {"Architecture": "arm64", "Variant": "v8"}
    found, requests = ask(canned, platform="linux/arm64")
    assert found.identity.platform == Platform("linux", "arm64", "v8")
    assert requests[1] == f"/v1.55/images/app:1/json?platform={ARM64}"


@pytest.mark.parametrize("version", [VERSION, MODERN])
def test_another_platform_is_an_error_that_names_what_is_there(ask, version):
    with pytest.raises(WrongPlatform, match=r"asked for as linux/arm64; at .* there is linux/amd64") as caught:
        ask(answers(version=version), platform="linux/arm64")
    assert caught.value.exit_code == 13


def test_an_image_that_does_not_say_its_platform_is_not_the_one_asked_for(ask):
    with pytest.raises(WrongPlatform, match="does not say its platform"):
        ask(answers(IMAGE | {"Os": ""}), platform="linux/amd64")


def test_an_unknown_image_stays_unknown_whatever_the_platform(ask):
    with pytest.raises(ImageNotFound):
        ask({"/version": MODERN}, platform="linux/arm64")


def test_without_a_manifest_for_this_platform_the_platforms_are_asked_for_and_named(ask):
    empty = IMAGE | {"Os": "", "Architecture": "", "Descriptor": DESCRIPTOR}
    listed = [{"Kind": "image", "ImageData": {"Platform": {"os": "linux", "architecture": "riscv64"}}}]
    canned = answers(empty, MODERN) | {"/v1.55/images/app:1/json?manifests=1": empty | {"Manifests": listed}}
    with pytest.raises(WrongPlatform, match="it has linux/riscv64"):
        ask(canned)
    with pytest.raises(WrongPlatform, match="does not say"):
        ask(answers(empty, MODERN))


def test_an_older_engine_cannot_be_asked_for_the_platforms(ask):
    info = {"Driver": "overlayfs", "DriverStatus": [["driver-type", "io.containerd.snapshotter.v1"]]}
    with pytest.raises(WrongPlatform, match="does not say"):
        ask(answers(IMAGE | {"Os": ""}, info=info))


def test_an_answer_without_an_end_is_no_engines(ask):
    with pytest.raises(EngineUnreachable, match="does not end"):
        ask(answers(b" " * (LARGEST_ANSWER + 1)))


@pytest.mark.parametrize("image", [b"<html>", b"", [], "text", {"Id": 5}, {}, b"[" * 100_000])
def test_an_answer_that_is_no_image_is_unreadable(ask, image):
    with pytest.raises(UnreadableImage) as caught:
        ask(answers(image))
    assert caught.value.exit_code == 13


@pytest.mark.parametrize(
    "version",
    [(404, b""), b"<html>hello</html>", [], {}, {"ApiVersion": None}, {"ApiVersion": 1.41}, {"ApiVersion": "new"}],
)
def test_what_gives_no_api_version_is_no_engine(ask, version):
    with pytest.raises(EngineUnreachable, match="is no container engine"):
        ask({"/version": version})


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (500, {"message": "disk\x1b[31m full"}, r"HTTP 500: disk\\x1b\[31m full\."),
        (503, b"", "HTTP 503: no reason given"),
        (500, [], r"HTTP 500: \[\]"),
        (500, {}, r"HTTP 500: \{\}"),
        (500, b"x" * 10_000, "x{300}\\."),
    ],
)
def test_a_refusal_is_told_with_the_engines_own_reason_bounded_and_escaped(ask, status, body, said):
    for canned in ({"/version": (status, body)}, answers((status, body))):
        with pytest.raises(EngineUnreachable, match=said):
            ask(canned)


def test_a_refusal_by_a_socket_proxy_tells_what_to_let_pass(ask):
    with pytest.raises(EngineUnreachable, match="HTTP 403") as caught:
        ask(answers((403, b"Forbidden")))
    assert "socket proxy" in caught.value.remedy


def test_an_engine_that_sends_elsewhere_is_not_followed(ask):
    with pytest.raises(EngineUnreachable, match="cannot be asked: Exceeded 0 redirects"):
        ask({"/version": (302, b"/elsewhere"), "/elsewhere": VERSION})


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return EngineCertificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def tls_server(made):
    return made.server()


@pytest.fixture(scope="module")
def tls(made):
    return made.client()


def test_tls_is_verified_against_the_engines_own_authority(tls_server, tls):
    with engine_on_port(answers(), tls_server.context()) as engine:
        assert resolve_at(EngineEndpoint(engine.url, "DOCKER_HOST", tls=tls)).identity.image_id == f"sha256:{HEX}"


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_authorities_of_the_environment_are_not_for_the_engine(tls_server, tls, monkeypatch, tmp_path, variable):
    other = tmp_path / "company.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    monkeypatch.setenv(variable, str(other))
    with engine_on_port(answers(), tls_server.context()) as engine:
        assert resolve_at(EngineEndpoint(engine.url, "DOCKER_HOST", tls=tls)).name is not None


def test_an_authority_of_the_environment_does_not_vouch_for_the_engine(made, tls, monkeypatch, tmp_path):
    other = trustme.CA()
    other.cert_pem.write_to_path(str(tmp_path / "other.pem"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "other.pem"))
    server = made.server(name="other", issuer=other)
    with engine_on_port(answers(), server.context()) as engine, pytest.raises(EngineTLSError, match="signed by"):
        resolve_at(EngineEndpoint(engine.url, "DOCKER_HOST", tls=tls))


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"])
@pytest.mark.parametrize("secure", [False, True])
def test_a_proxy_of_the_environment_is_not_for_the_engine(tls_server, tls, monkeypatch, variable, secure):
    monkeypatch.setenv(variable, "http://127.0.0.1:1")
    with engine_on_port(answers(), tls_server.context() if secure else None) as engine:
        endpoint = EngineEndpoint(engine.url, "DOCKER_HOST", tls=tls if secure else None)
        assert resolve_at(endpoint).name is not None


def test_passwords_of_a_netrc_are_not_sent_to_the_engine(monkeypatch, tmp_path):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password hunter2\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    with engine_on_port(answers()) as engine:
        resolve_at(EngineEndpoint(engine.url, "DOCKER_HOST"))
    assert not any("Authorization" in headers for headers in engine.headers)


def test_plain_http_to_a_tls_port_tells_which_variables_to_set(tmp_path):
    said = b"Client sent an HTTP request to an HTTPS server.\n"
    with (
        engine_on_port({"/version": (400, said)}) as engine,
        pytest.raises(EngineTLSError, match="plain HTTP") as caught,
    ):
        resolve_at(EngineEndpoint(engine.url, "DOCKER_HOST"))
    assert "DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH" in caught.value.remedy


def test_a_missing_socket_tells_the_endpoint_and_its_reason():
    with pytest.raises(EngineAbsent, match=r"No engine at unix:///nowhere \(from DOCKER_HOST\)"):
        resolve_at(EngineEndpoint("unix:///nowhere", "DOCKER_HOST"))


def test_a_socket_of_another_user_tells_about_the_group():
    # Root, as whom these tests may run, is never refused: the system's error is made here.
    error = explain(PermissionError(13, "Permission denied"), EngineEndpoint("unix:///x", "default"), 10)
    assert type(error) is EngineUnreachable
    assert "permission denied" in str(error)
    assert "group that owns the socket" in error.remedy


def test_a_socket_that_nobody_listens_on_is_a_refused_connection(tmp_path):
    path = tmp_path / "dead.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    with pytest.raises(EngineAbsent, match="Nobody listens") as caught:
        resolve_at(EngineEndpoint(f"unix://{path}", "x"))
    assert "docker info" in caught.value.remedy


def test_a_socket_path_that_is_too_long_is_told():
    with pytest.raises(EngineUnreachable, match="AF_UNIX path too long"):
        resolve_at(EngineEndpoint(f"unix:///{'x' * 200}", "x"))


def test_a_port_that_nobody_listens_on_is_a_refused_connection():
    with pytest.raises(EngineAbsent, match=r"Nobody listens at tcp://127\.0\.0\.1:1 ") as caught:
        resolve_at(EngineEndpoint("tcp://127.0.0.1:1", "x"))
    assert "--engine-wait" in caught.value.remedy


def test_a_host_that_does_not_resolve_is_told():
    with pytest.raises(EngineUnreachable, match="does not resolve") as caught:
        resolve_at(EngineEndpoint("tcp://docker.invalid:2375", "x"))
    assert "alias" in caught.value.remedy


def test_a_silent_engine_is_given_up_after_the_limit(tmp_path):
    path = tmp_path / "silent.sock"
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(path))
        silent.listen()
        with pytest.raises(EngineUnreachable, match=r"no answer within 0\.05 s"):
            resolve_at(EngineEndpoint(f"unix://{path}", "x"), Limits(step=0.05))


def test_an_engine_whose_headers_do_not_end_is_given_up_after_the_limit():
    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def dribble():
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                connection.sendall(b"HTTP/1.1 200 OK\r\n")
                while not done.wait(0.005):
                    connection.sendall(b"X: y\r\n")

        thread = threading.Thread(target=dribble)
        thread.start()
        try:
            endpoint = EngineEndpoint(f"tcp://127.0.0.1:{listener.getsockname()[1]}", "x")
            with pytest.raises(EngineUnreachable, match=r"no whole answer to /version within 0\.05 s"):
                resolve_at(endpoint, Limits(step=5, whole=0.05))
        finally:
            done.set()
            thread.join()


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"", "broke before an answer"),
        (b"SSH-2.0-OpenSSH\r\n", "does not speak HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", "broke"),
    ],
)
def test_a_listener_that_is_no_engine_is_told(said, why):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer():
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(said)

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(EngineUnreachable, match=why):
            resolve_at(EngineEndpoint(f"tcp://127.0.0.1:{listener.getsockname()[1]}", "x"))
        thread.join()


@pytest.mark.parametrize("content", ["[]", json.dumps({"auths": {"r.io": []}}), "[" * 100_000])
def test_client_settings_the_sdk_cannot_read_are_a_settings_error(monkeypatch, tmp_path, content):
    (tmp_path / "config.json").write_text(content)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    refused = pytest.raises(EngineSettingsError, match="Docker SDK cannot work with the client's settings")
    with engine_on_port(answers()) as engine, refused:
        resolve_at(EngineEndpoint(engine.url, "x"))


def test_a_credentials_helper_of_the_client_settings_is_not_run(monkeypatch, tmp_path):
    helper = tmp_path / "docker-credential-canary"
    helper.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    helper.chmod(0o755)
    (tmp_path / "config.json").write_text(json.dumps({"credsStore": "canary"}))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with engine_on_port(answers()) as engine:
        resolve_at(EngineEndpoint(engine.url, "x"))
    assert not Path(tmp_path, "ran").exists()


@pytest.fixture
def look_again(tmp_path):
    """Resolves `reference` against one set of answers and looks again at another; returns what was requested."""

    def look(before, after, reference="app:1", platform=None):
        def source(engine):
            chosen = platform and parse_platform(platform)
            return EngineSource(parse_reference(reference), EngineEndpoint(engine.url, "DOCKER_HOST"), chosen)

        with engine_on_socket(tmp_path / "e.sock", before) as engine:
            identity = source(engine).resolve().identity
        with engine_on_socket(tmp_path / "e.sock", after) as engine:
            source(engine).look_again(identity)
            return engine.requests

    return look


def test_a_second_look_at_the_same_image_takes_two_small_requests(look_again):
    assert look_again(answers(), answers()) == ["/version", "/v1.41/images/app:1/json"]


def test_a_name_that_moved_is_told_with_both_ids(look_again):
    moved = answers(IMAGE | {"Id": f"sha256:{OTHER}"})
    with pytest.raises(ImageMoved, match=f"app:1 was sha256:{HEX} .* is sha256:{OTHER} now at unix://") as caught:
        look_again(answers(), moved)
    assert caught.value.exit_code == 17


def test_a_name_that_points_at_another_manifest_moved_too(look_again):
    before = answers(IMAGE | {"Descriptor": DESCRIPTOR}, MODERN)
    after = answers(IMAGE | {"Descriptor": DESCRIPTOR | {"digest": f"sha256:{OTHER}"}}, MODERN)
    assert look_again(before, before)[0] == "/version"
    with pytest.raises(ImageMoved, match=f"was sha256:{HEX} .* is sha256:{OTHER}"):
        look_again(before, after)


def test_a_name_that_is_gone_at_the_second_look_is_not_found(look_again):
    with pytest.raises(ImageNotFound):
        look_again(answers(), {"/version": VERSION})


def test_an_answer_without_an_id_at_the_second_look_is_unreadable(look_again):
    with pytest.raises(UnreadableImage, match="no Id"):
        look_again(answers(), answers({}))


def test_an_image_id_is_not_asked_for_again(look_again):
    assert look_again(answers(name=f"sha256:{HEX}"), {}, HEX) == []


def test_the_second_look_asks_for_the_same_platform(look_again):
    canned = {"/version": MODERN, f"/v1.55/images/app:1/json?platform={ARM64}": IMAGE | {"Architecture": "arm64"}}
    canned["/v1.55/info"] = INFO
    assert look_again(canned, canned, platform="linux/arm64") == ["/version", list(canned)[1]]
