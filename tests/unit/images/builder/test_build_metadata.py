import json
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jenkins_scan.errors import ConfigurationError, IncompleteError, UsageError
from jenkins_scan.images.builder.metadata import read_build_metadata
from jenkins_scan.images.interface import Store
from tests.support.images import CONFIG, MANIFEST, identity, pushed, resolved

OTHER = "sha256:" + "1" * 64
PUSHED = "sha256:" + "2" * 64
APP = "registry.example.com:5000/team/sub/app"
CONTAINERD = identity(
    store=Store.CONTAINERD, config_digest=None, image_id=MANIFEST, manifest_digest=MANIFEST, manifest_kind="index"
)


@pytest.fixture
def apply(tmp_path):
    """Writes a builder's file, reads it and holds it against an image."""

    def applied(content, image=None):
        path = tmp_path / "metadata"
        text = content if isinstance(content, str) else json.dumps(content)
        path.write_text(text)
        return read_build_metadata(path).applied_to(image or resolved())

    return applied


def claim(image):
    return image.identity.registry_digest, image.identity.registry_digest_from


def buildx(config=CONFIG, target=PUSHED, names=f"{APP}:1.0,{APP}:latest", **more):
    """As buildx writes it after `build --push`."""
    body = {
        "buildx.build.provenance": {"buildType": "https://mobyproject.org/buildkit@v1"},
        "buildx.build.ref": "builder/builder0/0fjb6ubs52xx3vygf6fgdl611",
        "containerimage.config.digest": config,
        "containerimage.descriptor": {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": target},
        "containerimage.digest": target,
        "image.name": names,
    }
    return {key: value for key, value in (body | more).items() if value is not None}


def test_the_digest_that_buildx_exported_under_the_name_is_a_claim(apply):
    found = apply(buildx())
    assert claim(found) == (PUSHED, "buildx_metadata")
    assert found.warnings == ()


@pytest.mark.parametrize("names", [None, "", "other/app:1.0", "Bad Name"])
def test_buildx_metadata_of_another_repository_confirms_the_config_and_claims_nothing(apply, names):
    found = apply(buildx(names=names))
    assert found == resolved()


def test_another_config_digest_contradicts_the_image(apply):
    with pytest.raises(IncompleteError, match=f"names the config {OTHER}, but .* has {CONFIG}") as caught:
        apply(buildx(config=OTHER))
    assert caught.value.exit_code == 17
    assert "--build-metadata" in caught.value.remedy


def test_where_no_config_digest_is_known_the_exported_digest_confirms(apply):
    found = apply(buildx(target=MANIFEST), resolved(CONTAINERD))
    assert claim(found) == (MANIFEST, "buildx_metadata")
    assert found.warnings == ()


def test_metadata_that_cannot_be_compared_is_a_claim_with_a_warning(apply):
    for body in (buildx(), buildx(config=None)):
        found = apply(body, resolved(CONTAINERD))
        assert claim(found) == (PUSHED, "buildx_metadata")
        assert "may be of another build" in found.warnings[0]
    assert "may be of another build" in apply(buildx(config=None)).warnings[0]


def test_metadata_without_a_digest_to_claim_only_confirms(apply):
    assert apply(buildx(target=None)) == resolved()
    warned = apply(buildx(target=None), resolved(CONTAINERD))
    assert (claim(warned), len(warned.warnings)) == ((None, None), 1)


@pytest.mark.parametrize("image", [resolved(CONTAINERD, None), resolved(CONTAINERD, "other/app:1")])
def test_metadata_that_says_nothing_of_the_image_is_refused(apply, image):
    with pytest.raises(IncompleteError, match="says nothing of "):
        apply(buildx(), image)


@pytest.mark.parametrize("body", [buildx(), PUSHED, f"{APP}@{PUSHED}"], ids=["buildx", "digest", "named"])
def test_a_registry_digest_that_is_known_is_never_replaced(apply, body):
    with pytest.raises(IncompleteError, match=f"names the registry digest {PUSHED}, but .* has {MANIFEST}"):
        apply(body, resolved(pushed()))


@pytest.mark.parametrize("body", [buildx(target=MANIFEST), MANIFEST, f"{APP}@{MANIFEST}"])
def test_a_registry_digest_that_agrees_keeps_where_it_came_from(apply, body):
    assert apply(body, resolved(pushed())) == resolved(pushed())


def bake(**targets):
    return {"buildx.build.warnings": [], **targets}


def test_a_target_of_bake_is_chosen_by_its_name_and_tag(apply):
    other = buildx(config=OTHER, target=OTHER, names=f"{APP}:2.0,db:1")
    found = apply(bake(db=other, app=buildx()))
    assert claim(found) == (PUSHED, "buildx_metadata")
    assert claim(apply(bake(app=buildx(names=f"{APP}:built"), db=buildx(OTHER, OTHER, "db")))) == claim(found)


def test_a_single_target_of_bake_is_as_one_build(apply):
    assert claim(apply(bake(app=buildx()))) == (PUSHED, "buildx_metadata")


def test_a_target_of_bake_is_chosen_by_the_config_where_no_name_fits(apply):
    targets = bake(one=buildx(names="one"), two=buildx(config=OTHER, names="two"))
    assert apply(targets, resolved(name=None)) == resolved(name=None)


def test_targets_of_bake_none_of_which_fits_are_refused(apply):
    targets = bake(one=buildx(config=OTHER, names="one"), two=buildx(config=OTHER, names=None))
    with pytest.raises(IncompleteError, match=f"No target of the build metadata is {APP}:1.0, but: one"):
        apply(targets)
    with pytest.raises(IncompleteError, match="No target"):
        apply(targets, resolved(CONTAINERD, None))


def test_several_targets_of_bake_that_fit_are_no_choice(apply):
    with pytest.raises(UsageError, match="Several targets") as caught:
        apply(bake(one=buildx(), two=buildx()))
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("digest", "image"),
    [(CONFIG, identity()), (MANIFEST, CONTAINERD), (MANIFEST, identity(manifest_digest=MANIFEST, image_id=None))],
)
def test_a_digest_file_with_a_digest_of_the_image_confirms_it(apply, digest, image):
    assert apply(f"{digest}\n", resolved(image)) == resolved(image)


def test_a_digest_file_with_another_digest_is_a_claim_of_a_push(apply):
    found = apply(PUSHED)
    assert claim(found) == (PUSHED, "digest_file")
    assert "none of the image's own digests" in found.warnings[0]


@pytest.mark.parametrize(
    "lines",
    [
        f"{APP}@{PUSHED}",
        f"{APP}:1.0@{PUSHED}\n",
        f"{APP}:1.0@{PUSHED}\nindex.docker.io/library/app:1.0@{OTHER}\n",
        f"{APP}:2@{OTHER}\n{APP}:1.0@{PUSHED}\n",
        f"{APP}:built@{PUSHED}\r\n{APP}:latest@{PUSHED}\r\n",
    ],
)
def test_the_line_of_the_image_s_repository_is_the_claim(apply, lines):
    assert claim(apply(lines)) == (PUSHED, "digest_file")


def test_kaniko_s_name_for_docker_hub_is_the_short_one(apply):
    found = apply(f"index.docker.io/library/app@{PUSHED}", resolved(name="app:1"))
    assert claim(found) == (PUSHED, "digest_file")


@pytest.mark.parametrize(
    ("lines", "name", "why"),
    [
        (f"other/app@{PUSHED}", f"{APP}:1.0", "no digest for "),
        (f"{APP}@{PUSHED}", None, "no digest for "),
        (f"{APP}:a@{PUSHED}\n{APP}:b@{OTHER}", f"{APP}:1.0", "several digests for "),
    ],
)
def test_lines_without_one_digest_for_the_image_are_refused(apply, lines, name, why):
    with pytest.raises(IncompleteError, match=why) as caught:
        apply(lines, resolved(name=name))
    assert caught.value.exit_code == 17


NOT_UNDERSTOOD = {
    "empty": "",
    "text": "hello world",
    "a name without a digest": "team/app:1",
    "two digests": f"{CONFIG}\n{CONFIG}",
    "a bare digest": "a" * 64,
    "sha512": f"app@sha512:{'a' * 128}",
    "upper case": CONFIG.upper(),
    "too many lines": f"{APP}@{PUSHED}\n" * 1001,
    "not ASCII": "äpp",
    "broken JSON": "{",
    "deep JSON": '{"a":' * 5000,
    "no image": "{}",
    "an export to files": '{"buildx.build.ref": "x"}',
    "targets without images": '{"app": {}}',
    "a target that is a text": '{"app": "x"}',
    "a digest that is none": json.dumps(buildx(config="x")),
    "a digest that is a number": json.dumps(buildx(target=5)),
    "names in a list": json.dumps(buildx(names=["x"])),
}


@pytest.mark.parametrize("content", NOT_UNDERSTOOD.values(), ids=NOT_UNDERSTOOD)
def test_a_file_that_is_none_of_these_is_a_usage_error_that_names_them(apply, content):
    with pytest.raises(ConfigurationError, match="is not understood") as caught:
        apply(content)
    assert caught.value.exit_code == 2
    assert "metadata'" in caught.value.message
    for known in ("buildx", "bake", "--iidfile", "--digestfile", "kaniko"):
        assert known in caught.value.remedy


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda path: None, "cannot be read: No such file"),
        (os.mkdir, "cannot be read: It is a folder"),
        (os.mkfifo, "cannot be read: It is not a regular file"),
        (lambda path: path.write_bytes(b" " * (16 * 1024**2 + 1)), "has more than 16777216 bytes"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_usage_error(tmp_path, make, why):
    path = tmp_path / "metadata"
    make(path)
    with pytest.raises(ConfigurationError, match=why):
        read_build_metadata(path)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.text(max_size=200), st.dictionaries(st.text(max_size=5), st.text(max_size=5)).map(json.dumps)))
def test_arbitrary_files_are_refused_as_what_they_are(tmp_path, text):
    path = tmp_path / "metadata"
    path.write_bytes(text.encode(errors="replace"))
    with pytest.raises(ConfigurationError):
        read_build_metadata(path)


@pytest.mark.parametrize("body", [buildx(), PUSHED, f"{APP}:1.0@{PUSHED}"], ids=["buildx", "digest", "named"])
def test_the_index_through_which_the_registry_gave_the_image_agrees(apply, body):
    """buildx pushes an index with an attestation by default, and names that one."""
    of_registry = identity(registry_digest=MANIFEST, registry_digest_from="registry", index_digest=PUSHED)
    found = apply(body, resolved(of_registry))
    assert claim(found) == (MANIFEST, "registry")
    assert found.warnings == ()


@pytest.mark.parametrize(
    ("body", "expected"),
    [(buildx(), True), (PUSHED, False), (f"{APP}@{PUSHED}", True)],
    ids=["buildx", "digest", "named"],
)
def test_only_a_lone_digest_names_no_image(tmp_path, body, expected):
    path = tmp_path / "metadata"
    path.write_text(body if isinstance(body, str) else json.dumps(body))
    assert read_build_metadata(path).names_images is expected
