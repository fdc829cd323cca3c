import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jenkins_scan.errors import UnreadableImage, UsageError, WrongPlatform
from jenkins_scan.images.interface import Platform
from jenkins_scan.images.manifests import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_MANIFEST,
    Descriptor,
    Index,
    Manifest,
    checked,
    choose,
    digest_of,
    parse_config,
    parse_manifest,
    require_platform,
)

A, B = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
AMD, ARM = Platform("linux", "amd64"), Platform("linux", "arm64", "v8")


def descriptor(**changes):
    return {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": A, "size": 2} | changes


def manifest(**changes):
    layer = descriptor(mediaType="application/vnd.oci.image.layer.v1.tar", digest=B)
    return {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": descriptor(), "layers": [layer]} | changes


def index(*entries, **changes):
    return {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": list(entries)} | changes


def parse(body, media_type=None):
    return parse_manifest(json.dumps(body).encode(), media_type)


def without(body, *keys):
    return {key: value for key, value in body.items() if key not in keys}


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (manifest(), OCI_MANIFEST),
        (manifest(), None),
        (without(manifest(), "mediaType"), None),
        (without(manifest(), "mediaType"), OCI_MANIFEST),
        (manifest(mediaType=DOCKER_MANIFEST, config=descriptor(mediaType=DOCKER_CONFIG)), DOCKER_MANIFEST),
    ],
)
def test_a_manifest_names_its_config_and_layers(body, media_type):
    found = parse(body, media_type)
    assert isinstance(found, Manifest)
    assert (found.config.digest, found.config.size, [layer.digest for layer in found.layers]) == (A, 2, [B])


@pytest.mark.parametrize("media_type", [OCI_INDEX, DOCKER_LIST, None])
def test_an_index_names_images_with_their_platforms(media_type):
    entry = descriptor(mediaType=OCI_MANIFEST, platform={"os": "linux", "architecture": "amd64"}, annotations={"a": 1})
    body = without(index(entry), "mediaType") if media_type is None else index(entry, mediaType=media_type)
    found = parse(body, media_type)
    assert isinstance(found, Index)
    (only,) = found.manifests
    assert (only.platform, only.annotations, only.is_index, only.is_image) == (AMD, {}, False, True)


SPOILT = {
    "a list": ([], "a list, not an object"),
    "schema 1": (manifest(schemaVersion=1), "schema version 1"),
    "no version": (without(manifest(), "schemaVersion"), "schema version None"),
    "both at once": (manifest(manifests=[]), "no image and no index"),
    "an index with layers": (index(layers=[]), "no image and no index"),
    "neither": ({"schemaVersion": 2}, "no image and no index"),
    "another type": (manifest(mediaType="text/plain"), "'text/plain'"),
    "an artifact": (manifest(config=descriptor(mediaType="text/plain")), "no container image: its config is"),
    "a config without a digest": (manifest(config=without(descriptor(), "digest")), "lacks its mediaType"),
    "a config without a size": (manifest(config=without(descriptor(), "size")), "lacks its mediaType"),
    "sha512": (manifest(config=descriptor(digest=f"sha512:{'a' * 128}")), "which is not sha256"),
    "a digest of upper case": (manifest(config=descriptor(digest=A.upper())), "which is not sha256"),
    "a negative size": (manifest(config=descriptor(size=-1)), "zero or more"),
    "a size with a fraction": (manifest(config=descriptor(size=1.5)), "zero or more"),
    "layers in an object": (manifest(layers={}), "not a list"),
    "a layer that is a text": (manifest(layers=["x"]), "not an object"),
    "too many layers": (manifest(layers=[descriptor()] * 1001), "at most 1000"),
    "too many images": (index(*[descriptor()] * 1001), "at most 1000"),
}


@pytest.mark.parametrize(("body", "why"), SPOILT.values(), ids=SPOILT)
def test_a_spoilt_manifest_is_unreadable_and_says_why(body, why):
    with pytest.raises(UnreadableImage, match=why):
        parse(body)


def test_a_type_that_contradicts_its_sender_is_unreadable():
    with pytest.raises(UnreadableImage, match=r"calls itself .*, its sender "):
        parse(manifest(), DOCKER_MANIFEST)


def image(platform=None, digest=A, **changes):
    return Descriptor(OCI_MANIFEST, digest, 2, platform, **changes)


ATTESTATION = image(Platform("unknown", "unknown"), B)
MARKED = image(None, B, annotations={"vnd.docker.reference.type": "attestation-manifest"})
ARTIFACT = Descriptor("text/plain", B, 2)


@pytest.mark.parametrize("other", [ATTESTATION, MARKED, ARTIFACT])
def test_attestations_and_artifacts_are_no_choice(other):
    assert choose([other, image(AMD)], None, "x") == image(AMD)
    with pytest.raises(UnreadableImage, match="x holds no image"):
        choose([other], None, "x")


def test_the_platform_chooses():
    both = [image(AMD), image(ARM, B)]
    assert choose(both, Platform("linux", "arm64"), "x").digest == B
    with pytest.raises(
        WrongPlatform, match=r"nothing for linux/arm/v7; it has linux/amd64 \(sha256:a+…\), linux/arm64"
    ):
        choose(both, Platform("linux", "arm", "v7"), "x")
    with pytest.raises(UsageError, match="several images") as caught:
        choose(both, None, "x")
    assert "--platform" in caught.value.remedy


def test_one_image_listed_twice_is_one_and_one_without_a_platform_may_be_any():
    assert choose([image(AMD), image(AMD)], None, "x").digest == A
    assert choose([image()], ARM, "x").digest == A


def test_a_long_list_of_platforms_is_shortened():
    many = [image(Platform("linux", f"a{number}"), f"sha256:{number:064}") for number in range(25)]
    with pytest.raises(UsageError, match="5 more"):
        choose(many, None, "x")


def test_bytes_are_believed_only_with_their_size_and_digest():
    expected = Descriptor(OCI_MANIFEST, digest_of(b"{}"), 2)
    assert checked(b"{}", expected, "It") == b"{}"
    for content in (b"[]", b"{} "):
        with pytest.raises(UnreadableImage, match=f"It {expected.digest} has {len(content)} bytes"):
            checked(content, expected, "It")
    with pytest.raises(UnreadableImage, match="promised were 3"):
        checked(b"{}", Descriptor(OCI_MANIFEST, digest_of(b"{}"), 3), "It")


def test_a_config_says_its_layers_and_its_platform():
    content = json.dumps({"os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": [A]}}).encode()
    found = parse_config(content, parse(manifest()))
    assert (found.digest, found.diff_ids, found.platform, found.created) == (digest_of(content), (A,), AMD, None)
    with pytest.raises(UnreadableImage, match="The config names 1 layers, the manifest 0"):
        parse_config(content, parse(manifest(layers=None)))


def test_another_platform_than_the_one_asked_for_is_refused():
    require_platform(None, None, "x")
    require_platform(AMD, AMD, "x")
    for found, shown in ((ARM, "linux/arm64/v8"), (None, "an image that does not say its platform")):
        with pytest.raises(WrongPlatform, match=f"x was asked for as linux/amd64; there is {shown}"):
            require_platform(found, AMD, "x")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from([A, OCI_MANIFEST, OCI_INDEX, ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(list(manifest(**index()))), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(list(manifest(**index()))), VALUES), st.booleans())
def test_any_document_is_parsed_or_refused(changes, of_image):
    with suppress(UnreadableImage):
        parse((manifest() if of_image else index()) | changes)
