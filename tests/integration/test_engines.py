"""Real engines in each of the places where a build may find one: behind TLS, still starting, not allowed, podman."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import trustme

from jenkins_scan.clock import SystemClock
from jenkins_scan.errors import EngineAbsent, EngineTLSError, ImageMoved, ImageNotFound
from jenkins_scan.images.engine.order import EngineOrder, Patience
from jenkins_scan.images.engine.places import DefaultPlaces
from jenkins_scan.images.interface import Store
from jenkins_scan.images.reference import parse_reference
from tests.support import engines
from tests.support.docker_archives import tar_of
from tests.support.engine_certificates import LONG_AGO, PAST, EngineCertificates

HOSTILE = {
    "HTTP_PROXY": "http://127.0.0.1:1",
    "HTTPS_PROXY": "http://127.0.0.1:1",
    "ALL_PROXY": "socks5://127.0.0.1:1",
    "REQUESTS_CA_BUNDLE": "/nonsense.pem",
    "CURL_CA_BUNDLE": "/nonsense.pem",
    "SSL_CERT_FILE": "/nonsense.pem",
}
NOBODY = 65534
PACKAGE = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return EngineCertificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def tls_address(engines_folder, made):
    """A dockerd that demands TLS on loopback, with the image `app:1`."""
    port = engines.free_port()
    with engines.running_dockerd(engines_folder / "tls", made.server().dockerd(port)) as engine:
        client = engine.client()
        engines.build_scratch_image(client, "app:1", {"a": b"1"})
        client.close()
        yield f"tcp://127.0.0.1:{port}"


@pytest.fixture
def nowhere(tmp_path):
    """Default places where nothing is."""
    return DefaultPlaces(tmp_path / "docker.sock", tmp_path / "podman.sock", tmp_path / "run", user_id=0)


def order(environ, reference="app:1", engines_=("docker", "podman"), *, wait=0.0, places=None, docker_host=None):
    return EngineOrder(
        parse_reference(reference),
        engines_,
        typed=reference,
        docker_host=docker_host,
        environ=environ,
        platform=None,
        patience=Patience(wait, SystemClock()),
        places=places,
    )


def settings(address, tls):
    return {"DOCKER_HOST": address, "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(tls.ca.parent)}


def refusal(environ):
    with pytest.raises(EngineTLSError) as caught:
        order(environ).resolve()
    assert caught.value.exit_code == 13
    assert "from DOCKER_HOST" in caught.value.message
    return caught.value.message


def test_the_right_certificates_work_whatever_else_the_agent_has_set(tls_address, made, monkeypatch):
    for name, value in HOSTILE.items():
        monkeypatch.setenv(name, value)
        monkeypatch.setenv(name.lower(), value)
    found = order(settings(tls_address, made.client())).resolve()
    assert found.identity.store is Store.GRAPHDRIVER
    assert found.identity.engine.endpoint_from == "DOCKER_HOST"


def test_each_way_to_have_wrong_certificates_is_told_by_its_own_words(tls_address, made, tmp_path):
    other = EngineCertificates(tmp_path)
    assert "; " + f"{tmp_path}/client/ca.pem holds O=trustme" in refusal(settings(tls_address, other.client()))

    foreign = made.client(name="foreign", issuer=trustme.CA())
    assert f"refuses the client certificate {foreign.cert}" in refusal(settings(tls_address, foreign))

    old = made.client(name="old", not_before=LONG_AGO, not_after=PAST)
    assert f"client certificate {old.cert} expired on 2024-01-01" in refusal(settings(tls_address, old))

    localhost = tls_address.replace("127.0.0.1", "localhost")
    assert "not for the host localhost; it is for 127.0.0.1" in refusal(settings(localhost, made.client()))

    assert "refused plain HTTP" in refusal({"DOCKER_HOST": tls_address})


def test_a_client_without_a_certificate_is_told_so(tls_address, made, tmp_path):
    # Only a Docker context can have an authority and no client certificate.
    name = "2a59fe53ae5a2f0a9a5ff8d6f8a3fd0d"
    environ = context_with_authority_alone(tmp_path, name, tls_address, made.client().ca)
    with pytest.raises(EngineTLSError, match="demands a client certificate, and there is none"):
        order(environ).resolve()


def context_with_authority_alone(folder, name, host, ca):
    key = hashlib.sha256(name.encode()).hexdigest()
    meta, tls = folder / "contexts/meta" / key, folder / "contexts/tls" / key / "docker"
    for place in (meta, tls):
        place.mkdir(parents=True)
    (meta / "meta.json").write_text(json.dumps({"Name": name, "Endpoints": {"docker": {"Host": host}}}))
    (tls / "ca.pem").write_bytes(ca.read_bytes())
    return {"DOCKER_CONFIG": str(folder), "DOCKER_CONTEXT": name}


def test_an_engine_whose_certificate_expired_is_told_with_the_date(engines_folder, made):
    port = engines.free_port()
    expired = made.server(name="expired", not_before=LONG_AGO, not_after=PAST)
    with engines.running_dockerd(engines_folder / "expired", expired.dockerd(port)):
        said = refusal(settings(f"tcp://127.0.0.1:{port}", made.client()))
    assert "the engine's certificate expired on 2024-01-01 00:00 UTC" in said


def test_an_engine_that_starts_later_than_the_step_is_waited_for(engines_folder, made):
    port = engines.free_port()
    environ = settings(f"tcp://127.0.0.1:{port}", made.client())
    with pytest.raises(EngineAbsent, match=r"connection refused\.$") as caught:
        order(environ).resolve()
    assert "--engine-wait" in caught.value.remedy

    asked, answers = order(environ, "no/such:1", wait=30), []

    def ask():
        try:
            asked.resolve()
        except Exception as exc:  # noqa: BLE001  judged below
            answers.append(exc)

    waiting = threading.Thread(target=ask)
    waiting.start()
    waiting.join(3)  # the engine is late on purpose
    assert waiting.is_alive()
    with engines.running_dockerd(engines_folder / "late", made.server().dockerd(port)):
        waiting.join()
    assert [type(answer) for answer in answers] == [ImageNotFound]


def test_an_engine_that_never_comes_is_given_up_with_what_was_waited():
    with pytest.raises(EngineAbsent, match=r"It was waited for 0\.5 s"):
        order({"DOCKER_HOST": f"tcp://127.0.0.1:{engines.free_port()}"}, wait=0.5).resolve()


def test_a_user_who_may_not_use_the_socket_is_told_about_the_group(docker_engine):
    # Root is never refused: another process asks as nobody, through folders that it may pass.
    folder = docker_engine.socket.parent
    for place in (folder, folder.parent):
        place.chmod(0o711)
    docker_engine.socket.chmod(0o660)
    said = asked_as_nobody({"DOCKER_HOST": docker_engine.host_url})
    assert f"This user may not use the engine at {docker_engine.host_url} (from DOCKER_HOST): permission denied" in said
    assert "group that owns the socket" in said


def asked_as_nobody(environ):
    """What an error says to a user without rights."""
    program = (
        "import os, sys, json\n"
        "from jenkins_scan.images.engine.source import EngineSource\n"
        "from jenkins_scan.images.engine.endpoint import choose_endpoint\n"
        "from jenkins_scan.images.reference import parse_reference\n"
        "from jenkins_scan.errors import ScanError\n"
        f"os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})\n"
        "try:\n"
        "    EngineSource(parse_reference('app:1'), choose_endpoint(None, json.loads(sys.argv[1]))).resolve()\n"
        "except ScanError as exc:\n"
        "    print(type(exc).__name__, exc.exit_code, exc.message, exc.remedy)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, json.dumps(environ)],
        cwd=PACKAGE,
        env={"PATH": os.defpath},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return ran.stdout


@pytest.fixture(scope="module")
def podman_engine(engines_folder):
    """Podman's service with the image `localhost/team/app:1`."""
    folder = engines_folder / "podman"
    folder.mkdir()
    layer = folder / "layer.tar"
    layer.write_bytes(tar_of({"a": b"1"}))
    command = [*engines.podman(folder), "import", str(layer), "team/app:1"]
    subprocess.run(command, env=engines.clean_environment(folder), check=True, capture_output=True, timeout=60)
    with engines.running_podman(folder) as engine:
        yield engine


def test_an_image_in_podman_is_identified(podman_engine):
    found = order({"CONTAINER_HOST": podman_engine.host_url}, "team/app:1", ("podman",)).resolve()
    identity = found.identity
    assert (identity.store, identity.engine.name) == (Store.PODMAN, "podman")
    assert identity.config_digest == identity.image_id
    assert (identity.registry_digest, found.warnings) == (None, ())


def test_podman_is_found_at_its_usual_place_when_there_is_no_docker(podman_engine, nowhere, tmp_path):
    runtime = tmp_path / "run" / "podman"
    runtime.mkdir(parents=True)
    (runtime / "podman.sock").symlink_to(podman_engine.socket)
    environ = {"XDG_RUNTIME_DIR": str(tmp_path / "run")}
    identity = order(environ, "team/app:1", places=nowhere).resolve().identity
    assert identity.engine.endpoint_from == "default of rootless podman"

    with pytest.raises(EngineAbsent) as caught:
        order(environ, "team/app:1", ("docker",), places=nowhere).resolve()
    assert len(caught.value.tried) == 2


def test_podman_is_not_asked_for_what_docker_does_not_have(podman_engine, docker_engine, tmp_path):
    places = DefaultPlaces(docker_engine.socket, podman_engine.socket, tmp_path, user_id=0)
    with pytest.raises(ImageNotFound, match="in docker"):
        order({}, "team/app:1", places=places).resolve()
    assert order({}, "team/app:1", ("podman", "docker"), places=places).resolve().identity.store is Store.PODMAN


def test_a_tag_that_moves_between_two_looks_is_told(docker_engine, client):
    first = engines.build_scratch_image(client, "moving:1", {"a": b"first"})
    source = order({"DOCKER_HOST": docker_engine.host_url}, "moving:1")
    identity = source.resolve().identity
    source.look_again(identity)
    second = engines.build_scratch_image(client, "moving:1", {"a": b"second"})
    with pytest.raises(ImageMoved, match=f"was {first} when it was identified, and is {second} now"):
        source.look_again(identity)
    by_id = order({"DOCKER_HOST": docker_engine.host_url}, first)
    by_id.look_again(by_id.resolve().identity)
