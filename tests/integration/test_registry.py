"""Real registries: on loopback without TLS, with TLS, and with TLS and a login; images by skopeo, indexes by hand."""

import hashlib
import json
import subprocess
import urllib.request

import pytest
import trustme

from jenkins_scan.clock import SystemClock
from jenkins_scan.errors import ImageMoved, ImageNotFound, IncompleteError, RegistryRefused, UsageError, WrongPlatform
from jenkins_scan.images.archive.docker_archive import ArchiveSource
from jenkins_scan.images.archive.path import parse_archive_path
from jenkins_scan.images.engine.order import EngineOrder, Patience
from jenkins_scan.images.interface import Platform
from jenkins_scan.images.manifests import OCI_INDEX
from jenkins_scan.images.reference import parse_reference
from jenkins_scan.images.registry.access import Access
from jenkins_scan.images.registry.source import RegistrySource, confirm_push
from tests.support import engines
from tests.support.canned_registry import PASSWORD, USER, login_file
from tests.support.docker_archives import archive, packed_image

HTPASSWD = f"{USER}:$2b$04$aW11YWBIHYgxTw71UYSQ5ui4LPfwAxaYJWvSI3vEwQtmYR/5Mz7sy\n"
"""bcrypt of PASSWORD, at its lowest cost."""


class Way:
    """What the sources of one test have in common; keeps the secrets that they told."""

    def __init__(self, environ=None, ca_bundle=None, **more):
        self.secrets = []
        self._access = Access(
            environ=environ or {},
            ca_bundle=ca_bundle and str(ca_bundle),
            clock=SystemClock(),
            redact=self.secrets.append,
            **more,
        )

    def source(self, name, platform=None):
        return RegistrySource(parse_reference(name), self._access, platform, typed=f"registry://{name}")

    def resolve(self, name, platform=None):
        return self.source(name, platform).resolve()

    def confirm(self, image):
        return confirm_push(image, self._access)


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def certificates(authority, engines_folder):
    """The authority's certificate, and a server's with its key."""
    server = authority.issue_cert("127.0.0.1")
    ca, certificate, key = (engines_folder / name for name in ("registry-ca.pem", "registry.pem", "registry.key"))
    authority.cert_pem.write_to_path(str(ca))
    server.cert_chain_pems[0].write_to_path(str(certificate))
    server.private_key_pem.write_to_path(str(key))
    return ca, certificate, key


@pytest.fixture(scope="module")
def tls_registry(certificates, engines_folder):
    with engines.running_registry(engines_folder / "tls-registry", tls=certificates[1:]) as running:
        yield running


@pytest.fixture(scope="module")
def login_registry(certificates, engines_folder):
    folder = engines_folder / "login-registry"
    with engines.running_registry(folder, tls=certificates[1:], htpasswd=HTPASSWD) as running:
        yield running


@pytest.fixture
def push(tmp_path):
    """Pushes an archive's image by skopeo; gives the image as the archive describes it."""

    def copy(name, *options, layers=(b"one" * 500, b"two"), **config):
        path = tmp_path / f"{hashlib.sha256(name.encode()).hexdigest()}.tar"
        path.write_bytes(archive(packed_image((name,), tarred(layers), **config)))
        command = [
            *("skopeo", "--insecure-policy", "--tmpdir", str(tmp_path), "copy", "--dest-tls-verify=false", *options),
            *(f"docker-archive:{path}", f"docker://{name}"),
        ]
        subprocess.run(command, check=True, capture_output=True, env=engines.clean_environment(tmp_path), timeout=120)
        return ArchiveSource(parse_archive_path(str(path)), None, typed=f"docker-archive://{path}").resolve()

    return copy


def tarred(layers):
    return [engines.tar_of({f"file-{number}": content}) for number, content in enumerate(layers)]


def put_index(registry, repository, tag, *descriptors):
    """Pushes an index, as no tool at hand makes one without a network; gives its digest."""
    content = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": list(descriptors)}).encode()
    request = urllib.request.Request(
        f"http://{registry.address}/v2/{repository}/manifests/{tag}",
        data=content,
        method="PUT",
        headers={"Content-Type": OCI_INDEX},
    )
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
        assert answer.status == 201
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def descriptor(registry, repository, tag, **platform):
    content = registry.manifest(repository, tag)
    media_type = json.loads(content)["mediaType"]
    digest = registry.manifest_digest(repository, tag)
    return {"mediaType": media_type, "digest": digest, "size": len(content), "platform": platform}


def test_an_image_has_the_same_layers_in_its_archive_and_in_its_registry(registry, push):
    name = f"{registry.address}/team/app:1"
    local = push(name).identity
    found = Way().resolve(name)
    identity = found.identity
    assert identity.diff_ids == local.diff_ids
    assert (identity.platform, identity.created) == (local.platform, local.created)
    assert identity.registry_digest == registry.manifest_digest("team/app", "1")
    assert identity.config_digest == json.loads(registry.manifest("team/app", "1"))["config"]["digest"]
    assert found.warnings == ()
    assert Way().resolve(f"{registry.address}/team/app@{identity.registry_digest}").identity.diff_ids == local.diff_ids


def test_an_index_is_followed_to_the_platform(registry, push):
    repository = f"{registry.address}/team/many"
    amd, arm = push(f"{repository}:amd64"), push(f"{repository}:arm64", layers=[b"arm"], architecture="arm64")
    index = put_index(
        registry,
        "team/many",
        "1",
        *(descriptor(registry, "team/many", name, os="linux", architecture=name) for name in ("amd64", "arm64")),
    )
    found = Way().resolve(f"{repository}:1", Platform("linux", "arm64"))
    assert found.identity.diff_ids == arm.identity.diff_ids
    assert found.identity.registry_digest == registry.manifest_digest("team/many", "arm64")
    assert index in found.warnings[0]
    assert Way().resolve(f"{repository}@{index}", Platform("linux", "amd64")).identity.diff_ids == amd.identity.diff_ids
    with pytest.raises(UsageError, match="several images"):
        Way().resolve(f"{repository}:1")
    with pytest.raises(WrongPlatform):
        Way().resolve(f"{repository}:1", Platform("linux", "s390x"))


def test_what_a_registry_does_not_have_is_not_found(registry, push):
    push(f"{registry.address}/team/one:1")
    with pytest.raises(ImageNotFound, match="MANIFEST_UNKNOWN"):
        Way().resolve(f"{registry.address}/team/one:2")
    with pytest.raises(ImageNotFound, match=r"MANIFEST_UNKNOWN|NAME_UNKNOWN"):
        Way().resolve(f"{registry.address}/no/such:1")


def test_a_tag_that_is_pushed_anew_has_moved(registry, push):
    name = f"{registry.address}/team/moving:1"
    push(name)
    source = Way().source(name)
    identity = source.resolve().identity
    source.look_again(identity)
    push(name, layers=[b"new"])
    with pytest.raises(ImageMoved):
        source.look_again(identity)


def test_nobody_listening_is_no_registry(engines_folder):
    with pytest.raises(RegistryRefused, match=r"Nobody listens at 127.0.0.1"):
        Way().resolve(f"127.0.0.1:{engines.free_port()}/app:1")


@pytest.mark.parametrize("way", ["ca_bundle", "SSL_CERT_FILE", "certs.d"])
def test_tls_is_verified_by_the_authority_that_was_named(tls_registry, certificates, push, tmp_path, way):
    name = f"{tls_registry.address}/team/app:1"
    local = push(name)
    folder = tmp_path / tls_registry.address
    folder.mkdir()
    with pytest.raises(RegistryRefused, match=r"No TLS with .* verified against certifi"):
        Way(certs_folders=(tmp_path,)).resolve(name)
    environ, bundle = {}, None
    if way == "certs.d":
        (folder / "ca.crt").write_bytes(certificates[0].read_bytes())
    elif way == "SSL_CERT_FILE":
        environ = {"SSL_CERT_FILE": str(certificates[0])}
    else:
        bundle = certificates[0]
    assert Way(environ, bundle, certs_folders=(tmp_path,)).resolve(name).identity.diff_ids == local.identity.diff_ids


@pytest.mark.parametrize("kind", ["auths", "helper"])
def test_a_login_opens_the_registry_and_stays_secret(login_registry, certificates, push, tmp_path, kind):
    name = f"{login_registry.address}/team/app:1"
    local = push(name, "--dest-creds", f"{USER}:{PASSWORD}")
    environ = {"DOCKER_CONFIG": str(tmp_path), "PATH": f"{tmp_path}:/usr/bin:/bin"}
    if kind == "auths":
        (tmp_path / "config.json").write_text(login_file(key=login_registry.address))
    else:
        program = tmp_path / "docker-credential-test"
        answer = json.dumps({"ServerURL": "x", "Username": USER, "Secret": PASSWORD})
        program.write_text(f"#!/bin/sh\ntest $(cat) = {login_registry.address} && echo '{answer}'\n")
        program.chmod(0o755)
        (tmp_path / "config.json").write_text(json.dumps({"credsStore": "test"}))
    way = Way(environ, certificates[0])
    assert way.resolve(name).identity.diff_ids == local.identity.diff_ids
    assert PASSWORD in way.secrets


def test_without_the_right_login_the_registry_refuses(login_registry, certificates, tmp_path):
    name = f"{login_registry.address}/team/app:1"
    with pytest.raises(RegistryRefused, match="HTTP 401; asked without credentials") as caught:
        Way({"DOCKER_CONFIG": str(tmp_path)}, certificates[0]).resolve(name)
    assert f"docker login {login_registry.address}" in caught.value.remedy
    wrong = {"username": USER, "password": "canary-wrong"}
    (tmp_path / "config.json").write_text(login_file(wrong, key=login_registry.address))
    with pytest.raises(RegistryRefused, match="HTTP 401; asked with the credentials of the user 'ci-user'") as caught:
        Way({"DOCKER_CONFIG": str(tmp_path)}, certificates[0]).resolve(name)
    assert "canary" not in caught.value.message


def test_a_push_by_docker_is_confirmed_and_another_image_is_noticed(docker_engine, client, registry):
    name = f"{registry.address}/team/confirmed:1"
    engines.build_scratch_image(client, name, {"a.txt": b"a"})
    built = of_engine(name, docker_engine)
    with pytest.raises(IncompleteError, match="was not pushed"):
        Way().confirm(built)
    assert [answer for answer in client.push(name, stream=True, decode=True) if "error" in answer] == []
    confirmed = Way().confirm(built)
    assert confirmed.identity.registry_digest == registry.manifest_digest("team/confirmed", "1")
    assert (confirmed.identity.registry_digest_from, confirmed.warnings) == ("registry", built.warnings)
    engines.build_scratch_image(client, name, {"a.txt": b"another"})
    with pytest.raises(IncompleteError, match="in the registry is another image"):
        Way().confirm(of_engine(name, docker_engine))


def test_a_push_that_converted_the_format_is_confirmed_by_its_layers(registry, push):
    name = f"{registry.address}/team/converted:1"
    local = push(name, "--format", "oci")
    confirmed = Way().confirm(local)
    assert confirmed.identity.registry_digest == registry.manifest_digest("team/converted", "1")
    assert "same layers" in confirmed.warnings[-1]


def of_engine(name, engine):
    source = EngineOrder(
        parse_reference(name),
        ("docker",),
        typed=name,
        docker_host=engine.host_url,
        environ={},
        platform=None,
        patience=Patience(0, SystemClock()),
    )
    return source.resolve()
