"""From what was typed to the place that is asked, with what the builder and the registry say of it."""

import json
import subprocess
import sys

import pytest

from jenkins_scan.errors import (
    ConfigurationError,
    EngineSettingsError,
    EngineUnreachable,
    ImageMoved,
    ImageNotFound,
    IncompleteError,
    InvalidReference,
    RegistryRefused,
)
from jenkins_scan.images.builder.metadata import read_build_metadata
from jenkins_scan.images.engine.order import Patience
from jenkins_scan.images.resolve import Places, image_source
from tests.support.canned_engine import engine_on_socket
from tests.support.canned_registry import CannedRegistry, serving
from tests.support.center import FakeClock
from tests.support.docker_archives import archive, packed_image
from tests.support.images import write_docker_archive

HEX = "ab" * 32
ANSWERS = {
    "/version": {"ApiVersion": "1.41", "Components": [{"Name": "Engine"}]},
    "/v1.41/info": {"Driver": "overlay2"},
    "/v1.41/images/app:1/json": {"Id": HEX, "RepoTags": ["app:1"]},
}


def source(reference, **places):
    clock = FakeClock()
    parts = {"environ": {}, "clock": clock, "redact": print, "patience": Patience(0, clock)}
    return image_source(reference, Places(**{**parts, **places}))


def resolve(reference, docker_host=None, environ=None, **places):
    return source(reference, docker_host=docker_host, environ=environ or {}, **places).resolve()


@pytest.mark.parametrize("reference", ["app:1", "docker://app:1"])
def test_a_name_is_looked_up_in_the_engine(tmp_path, reference):
    with engine_on_socket(tmp_path / "e.sock", ANSWERS) as engine:
        for docker_host, environ in ((engine.url, {}), (None, {"DOCKER_HOST": engine.url})):
            found = resolve(reference, docker_host, environ)
            assert found.identity.reference == reference
            assert str(found.name) == "app:1"


def test_a_path_is_looked_up_in_the_file_system_and_needs_no_engine():
    with pytest.raises(ImageNotFound, match=r"There is no archive '/nowhere\.tar'"):
        resolve("docker-archive:///nowhere.tar", docker_host="nonsense://")


@pytest.mark.parametrize("scheme", ["docker-archive", "oci-archive", "oci-dir"])
def test_each_kind_of_file_has_its_scheme(scheme, tmp_path):
    with pytest.raises(ImageNotFound, match="nowhere"):
        resolve(f"{scheme}://{tmp_path}/nowhere")


def test_podman_alone_is_asked_by_its_scheme(tmp_path):
    podman = {**ANSWERS, "/version": {"ApiVersion": "1.41", "Components": [{"Name": "Podman Engine"}]}}
    with engine_on_socket(tmp_path / "e.sock", podman) as engine:
        found = resolve("podman://app:1", environ={"CONTAINER_HOST": engine.url, "DOCKER_CONTEXT": "nowhere"})
    assert found.identity.engine.endpoint == engine.url


def test_an_image_of_docker_is_none_of_podmans(tmp_path):
    with engine_on_socket(tmp_path / "e.sock", ANSWERS) as engine:
        with pytest.raises(EngineSettingsError, match=r"looked for in podman, and the engine at .* is docker"):
            resolve("podman://app:1", environ={"DOCKER_HOST": engine.url})
        with pytest.raises(EngineSettingsError):
            resolve("app:1", environ={"DOCKER_HOST": engine.url}, engines=("podman",))


def test_podman_in_dockers_place_is_said(tmp_path):
    podman = {**ANSWERS, "/version": {"ApiVersion": "1.41", "Components": [{"Name": "Podman Engine"}]}}
    with engine_on_socket(tmp_path / "e.sock", podman) as engine:
        found = resolve("docker://app:1", environ={"DOCKER_HOST": engine.url})
    assert "is podman, which answers in Docker's place" in found.warnings[0]


def test_a_registry_is_asked_by_its_scheme_alone():
    with pytest.raises(RegistryRefused):
        resolve("registry://127.0.0.1:9/app:1")


@pytest.mark.parametrize("text", [f"registry://{HEX}", f"registry://sha256:{HEX}"])
def test_no_registry_knows_an_image_id(text):
    with pytest.raises(ConfigurationError, match="which no registry knows"):
        source(text)


def test_the_path_of_an_archive_gets_its_scheme_suggested(tmp_path, monkeypatch):
    path = tmp_path / "app.tar"
    write_docker_archive(path, "app:1")
    with pytest.raises(InvalidReference, match="is a path") as caught:
        source(str(path))
    assert f"docker-archive://{path}" in caught.value.remedy
    (tmp_path / "notes.txt").write_text("no image")
    with pytest.raises(InvalidReference, match="is not an image reference"):
        source(f"{tmp_path}/notes.txt")


class TestEvidence:
    """What the builder wrote and what the registry holds, compared with the image that was found."""

    @pytest.fixture
    def image(self, tmp_path):
        path = tmp_path / "app.tar"
        return f"docker-archive://{path}", write_docker_archive(path, "127.0.0.1:9/app:1")

    def test_metadata_of_this_image_is_accepted(self, image, tmp_path):
        reference, config = image
        (tmp_path / "m.json").write_text(json.dumps({"containerimage.config.digest": config}))
        assert (
            resolve(reference, build_metadata=read_build_metadata(tmp_path / "m.json")).identity.config_digest == config
        )

    def test_metadata_of_another_image_is_incomplete(self, image, tmp_path):
        (tmp_path / "m.json").write_text(json.dumps({"containerimage.config.digest": f"sha256:{HEX}"}))
        with pytest.raises(IncompleteError):
            resolve(image[0], build_metadata=read_build_metadata(tmp_path / "m.json"))

    @pytest.fixture
    def registry(self):
        """A registry on loopback, by plain http."""
        held = CannedRegistry()
        with serving(held) as host:
            yield held, host

    def test_a_pushed_tag_that_moves_is_noticed(self, registry, tmp_path):
        held, host = registry
        pushed = held.push("1", layers=[b"layer"])
        path = tmp_path / "app.tar"
        path.write_bytes(archive(packed_image([f"{host}/team/app:1"], layers=[b"layer"])))
        place = source(f"docker-archive://{path}", pushed=True)
        found = place.resolve()
        assert found.identity.registry_digest == pushed.digest
        place.look_again(found.identity)
        held.push("1", layers=[b"another"])
        with pytest.raises(ImageMoved):
            place.look_again(found.identity)

    def test_a_pushed_image_is_looked_for_at_its_registry(self, image):
        with pytest.raises(RegistryRefused):
            resolve(image[0], pushed=True)

    def test_the_second_look_is_the_sources_own(self, image, tmp_path):
        (tmp_path / "m.json").write_text(json.dumps({"containerimage.config.digest": image[1]}))
        place = source(image[0], build_metadata=read_build_metadata(tmp_path / "m.json"))
        found = place.resolve()
        place.look_again(found.identity)
        write_docker_archive(tmp_path / "app.tar", "127.0.0.1:9/other:1")
        (tmp_path / "app.tar").write_bytes((tmp_path / "app.tar").read_bytes() + bytes(512))
        place.look_again(found.identity)  # the same image in other bytes
        (tmp_path / "app.tar").unlink()
        with pytest.raises((ImageMoved, ImageNotFound)):
            place.look_again(found.identity)


@pytest.mark.parametrize(
    ("text", "meant"),
    [("dokcer://x", "docker://"), ("docker-archiv://x", "docker-archive://"), ("Docker://x", "docker://")],
)
def test_a_scheme_with_a_slip_gets_a_suggestion(text, meant):
    with pytest.raises(ConfigurationError) as caught:
        resolve(text)
    assert f"Did you mean {meant}?" in caught.value.remedy


@pytest.mark.parametrize("text", ["ftp://user:hunter2@host/x", "user:hunter2@x://y", "\x1b[31m://x"])
def test_an_unknown_scheme_is_refused_without_showing_what_follows(text):
    with pytest.raises(ConfigurationError, match="no place for images") as caught:
        resolve(text)
    assert "hunter2" not in f"{caught.value}{caught.value.remedy}"
    assert "\x1b" not in str(caught.value)


def test_a_web_address_is_a_reference_with_a_slip():
    with pytest.raises(InvalidReference) as caught:
        resolve("https://host.io/app:1")
    assert "Did you mean 'host.io/app:1'?" in caught.value.remedy


def test_a_bad_name_is_told_before_the_engine_is_looked_for():
    with pytest.raises(InvalidReference):
        resolve("App", docker_host="nonsense://")


def test_an_engine_that_is_not_there_is_told():
    with pytest.raises(EngineUnreachable, match=r"unix:///nowhere \(from --docker-host\)"):
        resolve("app", docker_host="unix:///nowhere")


def test_an_archive_is_read_without_importing_the_docker_sdk(tmp_path):
    script = (
        "import sys\nfrom jenkins_scan.clock import SystemClock\n"
        "from jenkins_scan.images.resolve import Places, image_source\n"
        "from jenkins_scan.errors import ImageNotFound\n"
        "from jenkins_scan.images.engine.order import Patience\n"
        "clock = SystemClock()\n"
        "places = Places(environ={}, clock=clock, redact=print, patience=Patience(0, clock))\n"
        "try: image_source('docker-archive://x.tar', places).resolve()\n"
        "except ImageNotFound: print('docker' in sys.modules, 'requests' in sys.modules)\n"
    )
    root = sys.modules["jenkins_scan"].__path__[0] + "/.."
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=root)
    assert ran.stdout.split() == ["False", "False"]
