import dataclasses

import pytest

from jenkins_scan.errors import UnreadableImage
from jenkins_scan.images.engine.identify import identify, registry_digest
from jenkins_scan.images.engine.inspect_body import parse_inspect
from jenkins_scan.images.interface import EngineInfo, Store
from jenkins_scan.images.reference import parse_reference

A, B, ID = (f"sha256:{pair * 32}" for pair in ("aa", "bb", "1d"))
ENGINE = EngineInfo("docker", "28", "1.48", "unix:///x", "default")


def found(text, store=Store.GRAPHDRIVER, *, tags=(), digests=()):
    body = {"Id": ID, "RepoTags": list(tags), "RepoDigests": list(digests), "Os": "linux", "Architecture": "amd64"}
    image = parse_inspect(body, store=store, api_version="1.48")
    return identify(image, parse_reference(text), typed=text, store=store, engine=ENGINE)


@pytest.mark.parametrize(
    ("text", "digests", "digest"),
    [
        ("app:1", [], None),
        ("app:1", [f"app@{A}"], A),
        ("docker.io/library/app:1", [f"app@{A}"], A),
        ("host:5000/team/app:1", [f"host:5000/team/app@{A}"], A),
        ("app:1", [f"other@{A}"], None),
        ("team/app:1", [f"app@{A}"], None),
        ("host:5000/app:1", [f"app@{A}"], None),
        ("app:1", [f"app@{A}", f"other@{B}"], A),
        ("app:1", [f"app@{A}", f"app@{A}"], A),
        (f"app@{B}", [f"app@{A}", f"app@{B}"], B),
        (f"app@{B}", [f"app@{A}"], None),
        ("app:1", ["app:1", "bad name", A], None),
        ("app:1", [f"app@sha512:{'a' * 128}"], None),
        (f"app@sha512:{'a' * 128}", [f"app@sha512:{'a' * 128}"], None),
    ],
)
def test_a_repo_digest_counts_for_its_own_repository_alone(text, digests, digest):
    assert registry_digest(parse_reference(text), digests).digest == digest


def test_several_digests_of_one_repository_prove_none_of_them():
    image = found("app:1", tags=["app:1"], digests=[f"app@{B}", f"app@{A}"])
    assert (image.identity.registry_digest, image.identity.registry_digest_from) == (None, None)
    assert image.warnings == (
        f"docker.io/library/app has several digests here ({A}, {B}): the registry digest is not known.",
    )


@pytest.mark.parametrize("store", [Store.CONTAINERD, Store.PODMAN, Store.UNKNOWN])
def test_a_repo_digest_of_another_store_proves_nothing(store):
    identity = found("app:1", store, tags=["app:1"], digests=[f"app@{A}"]).identity
    assert (identity.registry_digest, identity.registry_digest_from) == (None, None)
    assert identity.repo_digests == (f"app@{A}",)


def test_a_repo_digest_of_the_graphdriver_store_is_the_registry_digest():
    identity = found("app:1", tags=["app:1"], digests=[f"app@{A}"]).identity
    assert (identity.registry_digest, identity.registry_digest_from) == (A, "graphdriver_repo_digest")


@pytest.mark.parametrize(("text", "listed"), [("1d1d1d", []), ("sha256:1d1d", ["app:1"])])
def test_a_name_that_the_engine_took_for_an_id_is_no_name(text, listed):
    image = found(text, tags=listed, digests=[f"1d1d1d@{A}"])
    assert (image.name, image.identity.canonical, image.identity.registry_digest) == (None, None, None)
    assert "beginning of the image id" in image.warnings[0]


def test_a_name_of_hex_digits_is_a_name_where_the_engine_lists_it():
    image = found("1d1d", tags=["1d1d:latest"])
    assert (str(image.name), image.warnings) == ("1d1d", ())


def test_an_image_may_be_asked_for_by_a_digest_that_it_has_beside_its_id():
    assert found(ID).warnings == ()
    assert f"answered {A} with the image {ID}" in found(A, Store.PODMAN, digests=[f"app@{A}"]).warnings[0]


def test_another_image_than_the_id_asked_for_is_refused():
    with pytest.raises(UnreadableImage, match=f"asked for {A} and answered with another image, {ID}"):
        found(A, digests=[f"app@{B}"])


@pytest.mark.parametrize(
    ("text", "store", "tags", "digests", "warned"),
    [
        ("team/app:1", Store.PODMAN, ["localhost/team/app:1"], [], False),
        ("team/app:1", Store.PODMAN, ["docker.io/team/app:1"], [], False),
        ("app:1", Store.PODMAN, ["docker.io/team/app:1"], [], True),
        ("docker.io/team/app:1", Store.PODMAN, ["localhost/team/app:1"], [], True),
        ("team/app:1", Store.GRAPHDRIVER, ["localhost/team/app:1"], [], True),
        ("app", Store.GRAPHDRIVER, ["app:latest"], [], False),
        ("app", Store.GRAPHDRIVER, ["app:1"], [], True),
        ("app", Store.GRAPHDRIVER, [], [], True),
        (f"app@{A}", Store.CONTAINERD, [], [f"app@{A}"], False),
        (f"app@{A}", Store.CONTAINERD, [], [f"other@{A}"], True),
    ],
)
def test_an_image_under_another_name_than_the_one_asked_for_is_told(text, store, tags, digests, warned):
    image = found(text, store, tags=tags, digests=digests)
    assert str(image.name) == text
    assert any("answered" in warning for warning in image.warnings) is warned


def test_the_identity_has_each_value_of_the_answer():
    image = found("app:1", Store.CONTAINERD, tags=["app:1"])
    identity = dataclasses.asdict(image.identity)
    assert identity["manifest_digest"] == identity["image_id"] == ID
    assert identity["engine"] == dataclasses.asdict(ENGINE)
    assert identity["platform"] == {"os": "linux", "architecture": "amd64", "variant": None}
