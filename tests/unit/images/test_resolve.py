import subprocess
import sys

import pytest

from jenkins_scan.errors import ConfigurationError, EngineUnreachable, ImageNotFound, InvalidReference
from jenkins_scan.images.resolve import resolve_image
from tests.support.canned_engine import engine_on_socket

HEX = "ab" * 32
ANSWERS = {
    "/version": {"ApiVersion": "1.41", "Components": [{"Name": "Engine"}]},
    "/v1.41/info": {"Driver": "overlay2"},
    "/v1.41/images/app:1/json": {"Id": HEX, "RepoTags": ["app:1"]},
}


def resolve(reference, docker_host=None, environ=None, platform=None):
    return resolve_image(reference, docker_host=docker_host, environ=environ or {}, platform=platform)


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


@pytest.mark.parametrize("scheme", ["podman", "registry", "oci-archive", "oci-dir"])
def test_a_scheme_of_a_later_version_is_refused(scheme):
    with pytest.raises(ConfigurationError, match=f"does not read {scheme}://") as caught:
        resolve(f"{scheme}://x")
    assert caught.value.exit_code == 2
    assert "docker://, docker-archive://" in caught.value.remedy


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
        "import sys\nfrom jenkins_scan.images.resolve import resolve_image\n"
        "from jenkins_scan.errors import ImageNotFound\n"
        "try: resolve_image('docker-archive://x.tar', docker_host=None, environ={}, platform=None)\n"
        "except ImageNotFound: print('docker' in sys.modules, 'requests' in sys.modules)\n"
    )
    root = sys.modules["jenkins_scan"].__path__[0] + "/.."
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=root)
    assert ran.stdout.split() == ["False", "False"]
