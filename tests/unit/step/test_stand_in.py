"""What the sandbox is handed of the images of a run."""

from dataclasses import replace

from jenkins_scan.images.archive.path import ArchivePath
from jenkins_scan.images.interface import ResolvedImage
from jenkins_scan.sandbox.images import Image
from jenkins_scan.security_center.interface import ScanRequest
from jenkins_scan.step.stand_in import StandIn
from tests.support.docker_archives import archive, packed_image, tar_of
from tests.support.images import pushed
from tests.support.local_images import KEY, USUAL

REQUEST = ScanRequest(digest=None, image_id="ab" * 32, namespace="team", repo_name="app", tag="1")
IMAGE = Image(image_id="ab" * 32, namespace="team", repo_name="app", tag="1")


def resolved(tmp_path):
    packed = packed_image(layers=[tar_of({"id_rsa": KEY})], config=USUAL)
    (tmp_path / "app.tar").write_bytes(archive(packed))
    identity = replace(pushed(), config_digest=packed.config_digest, manifest_digest=None, diff_ids=None)
    return ResolvedImage(identity, None, place=ArchivePath(tmp_path / "app.tar"))


def test_the_findings_belong_to_the_image_that_was_submitted_so(tmp_path):
    stand_in = StandIn()
    assert stand_in.look(REQUEST, resolved(tmp_path)) == ()
    assert [finding.id for finding in stand_in.found(IMAGE)] == ["local/private-key"]
    assert stand_in.found(replace(IMAGE, tag="2")) == ()


def test_the_same_image_is_looked_into_once(tmp_path):
    stand_in = StandIn()
    stand_in.look(REQUEST, resolved(tmp_path))
    (tmp_path / "app.tar").unlink()
    assert stand_in.look(REQUEST, ResolvedImage(pushed(), None, place=ArchivePath(tmp_path / "app.tar"))) == ()


def test_an_image_of_a_registry_has_no_findings_and_a_warning_says_why():
    stand_in = StandIn()
    (warning,) = stand_in.look(REQUEST, ResolvedImage(pushed(), None))
    assert "a registry holds it" in warning
    assert stand_in.found(IMAGE) == ()
