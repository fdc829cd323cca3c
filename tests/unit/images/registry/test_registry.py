import json
from dataclasses import replace
from datetime import UTC, datetime

import httpx
import pytest

from jenkins_scan.errors import (
    ImageError,
    ImageMoved,
    ImageNotFound,
    IncompleteError,
    RegistryRefused,
    UnreadableImage,
    UsageError,
    WrongPlatform,
)
from jenkins_scan.images import manifests
from jenkins_scan.images.interface import Platform, SizeSemantics, Store, parse_platform
from jenkins_scan.images.reference import parse_reference
from jenkins_scan.images.registry.access import Access
from jenkins_scan.images.registry.source import RegistrySource, confirm_push
from tests.support import canned_registry, images
from tests.support.canned_registry import ATTESTATION, HOST, MOVED, NAME, CannedRegistry, failure
from tests.support.center import FakeClock

SCHEMA_1 = "application/vnd.docker.distribution.manifest.v1+prettyjws"
OTHER = "sha256:" + "0" * 64


def access(registry, environ=None, redact=lambda secret: None):
    return Access(environ=environ or {}, ca_bundle=None, clock=FakeClock(), redact=redact, transport=registry.transport)


def source(registry, name=f"{NAME}:1", platform=None, environ=None, secrets=None):
    return RegistrySource(
        parse_reference(name),
        access(registry, environ, (secrets if secrets is not None else []).append),
        platform and parse_platform(platform),
        typed=f"registry://{name}",
    )


@pytest.fixture
def registry():
    return CannedRegistry()


@pytest.mark.parametrize("docker", [False, True])
def test_an_image_is_identified_by_every_digest_that_its_registry_knows(registry, docker):
    pushed = registry.push(layers=[b"one", b"two"], docker=docker)
    found = source(registry).resolve()
    identity = found.identity
    assert (identity.reference, identity.canonical) == (f"registry://{NAME}:1", f"{NAME}:1")
    assert (identity.image_id, identity.store, identity.repo_digests) == (None, Store.UNKNOWN, ())
    assert (identity.config_digest, identity.diff_ids) == (pushed.config, pushed.diff_ids)
    assert (identity.manifest_digest, identity.manifest_kind) == (pushed.digest, "manifest")
    assert (identity.registry_digest, identity.registry_digest_from) == (pushed.digest, "registry")
    assert str(identity.platform) == "linux/amd64"
    assert identity.created == datetime(2026, 1, 2, 3, 4, 5, 123456, tzinfo=UTC)
    assert identity.size == len(registry.blobs[pushed.config]) + 2 * 23
    assert identity.size_semantics is SizeSemantics.COMPRESSED_CONTENT
    assert (str(found.name), found.warnings) == (f"{NAME}:1", ())


def test_a_tag_is_asked_for_once_and_then_its_digest_with_all_four_types(registry):
    pushed = registry.push()
    source(registry).resolve()
    assert registry.asked == ["HEAD manifests/1", f"GET manifests/{pushed.digest}", f"GET blobs/{pushed.config}"]
    for request in registry.requests[:2]:
        sent = request.headers["accept"].split(", ")
        assert sorted(sent) == sorted((*manifests.MANIFEST_TYPES, *manifests.INDEX_TYPES))
    assert {each.headers["accept-encoding"] for each in registry.requests} == {"identity"}
    assert {each.url.scheme for each in registry.requests} == {"https"}
    assert not any("authorization" in each.headers for each in registry.requests)


@pytest.mark.parametrize(("has_head", "tells_digest"), [(False, True), (True, False), (False, False)])
def test_a_registry_without_head_or_without_digests_is_asked_by_get(registry, has_head, tells_digest):
    registry.has_head, registry.tells_digest = has_head, tells_digest
    pushed = registry.push()
    assert source(registry).resolve().identity.registry_digest == pushed.digest
    assert registry.asked[1] == "GET manifests/1"


def test_a_digest_is_asked_for_as_such_and_never_moves(registry):
    pushed = registry.push(tag=None)
    asked = source(registry, f"{NAME}:ignored@{pushed.digest}")
    found = asked.resolve()
    assert found.identity.registry_digest == pushed.digest
    assert registry.asked[0] == f"GET manifests/{pushed.digest}"
    asked.look_again(found.identity)
    assert len(registry.requests) == 2


def test_a_name_without_a_tag_means_latest_and_a_short_one_docker_hub():
    hub = CannedRegistry("library/nginx")
    hub.push("latest")
    source(hub, "nginx").resolve()
    assert str(hub.requests[0].url) == "https://registry-1.docker.io/v2/library/nginx/manifests/latest"


def test_an_index_gives_the_image_of_the_platform_and_a_warning_with_both_digests(registry):
    amd, arm = registry.push(None), registry.push(None, architecture="arm64")
    index = registry.push_index(
        "1",
        amd.descriptor(platform={"os": "linux", "architecture": "amd64"}),
        arm.descriptor(platform={"os": "linux", "architecture": "arm64"}),
        amd.descriptor(platform={"os": "unknown", "architecture": "unknown"}, annotations=ATTESTATION),
    )
    found = source(registry, platform="linux/arm64").resolve()
    assert (found.identity.registry_digest, found.identity.manifest_kind) == (arm.digest, "manifest")
    (warning,) = found.warnings
    assert warning == f"{NAME}:1 names the index {index.digest}; looked at is its image {arm.digest} of linux/arm64."
    with pytest.raises(UsageError, match="several images: linux/amd64"):
        source(registry).resolve()
    with pytest.raises(WrongPlatform, match="nothing for linux/riscv64"):
        source(registry, platform="linux/riscv64").resolve()


def test_an_index_of_one_image_and_its_attestation_needs_no_platform(registry):
    image = registry.push(None, architecture="s390x")
    attestation = image.descriptor(platform={"os": "unknown", "architecture": "unknown"}, annotations=ATTESTATION)
    registry.push_index("1", image.descriptor(), attestation, docker=True)
    assert source(registry).resolve().identity.config_digest == image.config


@pytest.mark.parametrize(("depth", "fine"), [(2, True), (3, True), (4, False)])
def test_indexes_lead_to_an_image_within_three_steps(registry, depth, fine):
    inner = registry.push(None)
    for level in range(depth):
        inner = registry.push_index("1" if level == depth - 1 else None, inner.descriptor())
    if fine:
        assert source(registry).resolve().identity.diff_ids
    else:
        with pytest.raises(UnreadableImage, match="index of indexes"):
            source(registry).resolve()


def test_an_image_without_an_index_has_to_be_for_the_platform(registry):
    registry.push()
    with pytest.raises(WrongPlatform, match="asked for as linux/arm64; there is linux/amd64"):
        source(registry, platform="linux/arm64").resolve()


def test_a_digest_of_another_kind_is_refused_before_any_request(registry):
    with pytest.raises(UsageError, match="other than sha256"):
        source(registry, f"{NAME}@sha512:{'0' * 128}")


@pytest.mark.parametrize("host", ["registry.example.com:99999", f"{'a' * 64}.com", "a.b:0", "xn--a.b", "1.2.3.999"])
def test_a_host_that_cannot_be_asked_is_a_wrong_name(registry, host):
    with pytest.raises(UsageError, match="no host with an optional port"):
        source(registry, f"{host}/app").resolve()


@pytest.mark.parametrize("by_digest", [False, True])
def test_a_manifest_that_is_not_the_one_named_is_refused(registry, by_digest):
    pushed, other = registry.push(), registry.push("2", [b"other"])
    registry.manifests[pushed.digest] = registry.manifests[other.digest]
    name = f"{NAME}@{pushed.digest}" if by_digest else f"{NAME}:1"
    with pytest.raises(UnreadableImage, match=f"digest {other.digest} for {pushed.digest}"):
        source(registry, name).resolve()


def test_a_header_that_contradicts_the_manifest_is_refused(registry):
    registry.has_head = False
    media_type, content = registry.manifests[registry.push().digest]
    headers = {"content-type": media_type, "docker-content-digest": OTHER}
    registry.spoil("GET", "manifests/1", httpx.Response(200, headers=headers, content=content))
    with pytest.raises(UnreadableImage, match=f"for {OTHER}"):
        source(registry).resolve()


def test_a_config_with_other_bytes_is_refused(registry):
    pushed = registry.push()
    registry.blobs[pushed.config] += b" "
    with pytest.raises(UnreadableImage, match="The config sha256"):
        source(registry).resolve()


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (httpx.Response(200, headers={"content-type": SCHEMA_1}, content=b"{}"), UnreadableImage, "schema 1"),
        (
            httpx.Response(200, headers={"content-type": "text/html; charset=utf-8"}, content=b"<html>Sign in</html>"),
            RegistryRefused,
            "no image registry: it answered with a web page",
        ),
        (httpx.Response(200, content=b"{}"), UnreadableImage, "schema version None"),
        (httpx.Response(200, content=b"\xff"), UnreadableImage, "not readable as JSON"),
        (
            httpx.Response(200, headers={"content-encoding": "gzip"}, stream=httpx.ByteStream(b"\x1f\x8b")),
            UnreadableImage,
            "content encoding that was not asked for",
        ),
        (
            httpx.Response(200, stream=httpx.ByteStream(b" " * (4 << 20) + b"{}")),
            UnreadableImage,
            "more than the 4194304",
        ),
        (httpx.Response(MOVED, headers={"location": "https://other.example/"}), RegistryRefused, "only blobs may lie"),
        (
            failure(404, "NAME_UNKNOWN", "repository name not known"),
            ImageNotFound,
            r"NAME_UNKNOWN: repository name not",
        ),
        (failure(404, docker_distribution_api_version="registry/2.0"), ImageNotFound, "has no manifest 1 in team/app"),
        (httpx.Response(404, content=b"<html>"), RegistryRefused, "404 without a registry's error"),
        (httpx.Response(404, content=b"[]"), RegistryRefused, "404 without a registry's error"),
        (failure(404, "", ""), ImageNotFound, "has no manifest 1 in team/app; asked without"),
        (httpx.Response(404, content=b'{"errors": ["x"]}'), ImageNotFound, "has no manifest 1 in team/app; asked"),
        (
            failure(403, "DENIED", "not \x1b[31myours"),
            RegistryRefused,
            r"does not let us read team/app: HTTP 403 \(DENI",
        ),
        (failure(418), RegistryRefused, "with HTTP 418"),
    ],
)
def test_each_strange_answer_has_its_own_words(registry, answer, kind, words):
    registry.spoil("HEAD", "manifests/1", failure(404))
    registry.spoil("GET", "manifests/1", lambda request: answer)
    with pytest.raises(kind, match=words) as caught:
        source(registry).resolve()
    assert caught.value.exit_code == 13
    assert caught.value.remedy
    assert "\x1b" not in caught.value.message


def test_an_endless_answer_is_cut_off(registry):
    def endless():
        while True:
            yield b" " * 65536

    registry.push()
    registry.spoil("GET", "manifests/1", lambda request: httpx.Response(200, content=endless()))
    registry.spoil("HEAD", "manifests/1", failure(405))
    with pytest.raises(UnreadableImage, match="more than the 4194304 bytes"):
        source(registry).resolve()
    registry.spoil("GET", "manifests/1", lambda request: httpx.Response(403, content=endless()))
    with pytest.raises(RegistryRefused, match="HTTP 403"):
        source(registry).resolve()


@pytest.mark.parametrize(("what", "size"), [("manifest", 5 << 20), ("config", 9 << 20)])
def test_what_promises_to_be_huge_is_not_asked_for(registry, what, size):
    pushed = registry.push(None)
    if what == "manifest":
        registry.push_index("1", replace(pushed, size=size).descriptor())
    else:
        config = {"mediaType": canned_registry.CONFIG_TYPE, "digest": pushed.config, "size": size}
        registry.put({"config": config, "layers": []}, manifests.OCI_MANIFEST, "1")
    with pytest.raises(UnreadableImage, match=f"The {what} sha256:.* has {size} bytes"):
        source(registry).resolve()
    assert len(registry.requests) == 2


def test_a_blob_may_lie_elsewhere_and_no_login_goes_there(registry, tmp_path):
    pushed = registry.push()
    registry.guard = canned_registry.wants_basic()
    signed = "https://store.example.com/blob?Signature=canary-signature-1"
    registry.spoil("GET", f"blobs/{pushed.config}", httpx.Response(MOVED, headers={"location": signed}))
    content = registry.blobs[pushed.config]
    registry.elsewhere["store.example.com"] = httpx.Response(200, content=content)
    (tmp_path / "config.json").write_text(canned_registry.login_file())
    secrets = []
    found = source(registry, environ={"DOCKER_CONFIG": str(tmp_path)}, secrets=secrets).resolve()
    assert found.identity.config_digest == pushed.config
    assert "authorization" in registry.requests[-2].headers
    assert "authorization" not in registry.requests[-1].headers
    assert {"Signature=canary-signature-1", canned_registry.PASSWORD} <= set(secrets)


def test_a_redirect_within_the_registry_keeps_the_login(registry, tmp_path):
    pushed = registry.push()
    registry.guard = canned_registry.wants_basic()
    place = f"/v2/{registry.path}/blobs/uploads/here"
    registry.spoil("GET", f"blobs/{pushed.config}", httpx.Response(MOVED, headers={"location": place}))
    registry.blobs["uploads/here"] = registry.blobs[pushed.config]
    (tmp_path / "config.json").write_text(canned_registry.login_file())
    source(registry, environ={"DOCKER_CONFIG": str(tmp_path)}).resolve()
    assert "authorization" in registry.requests[-1].headers


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("http://store.example.com/x?Signature=canary", "'http' at 'store.example.com'"),
        ("http://127.0.0.1:1/x", "'http' at '127.0.0.1'"),
        ("https://user:canary@store.example.com/", "'https' at 'store.example.com'"),
        ("file:///etc/passwd", "is no URL"),
        ("ftp://store.example.com/", "'ftp' at 'store.example.com'"),
        ("https://xn--a/", "broke off: InvalidCodepoint"),
        ("https://[", "is no URL"),
        ("https://x:99999/", "is no URL"),
    ],
)
def test_a_redirect_to_an_unsafe_place_is_not_followed(registry, location, words):
    pushed = registry.push()
    registry.spoil("GET", f"blobs/{pushed.config}", httpx.Response(MOVED, headers={"location": location}))
    with pytest.raises(RegistryRefused, match=words) as caught:
        source(registry).resolve()
    assert "canary" not in caught.value.message
    assert len(registry.requests) == 3


def test_redirects_that_go_round_end(registry):
    pushed = registry.push()
    registry.spoil("GET", f"blobs/{pushed.config}", httpx.Response(MOVED, headers={"location": "?again"}))
    with pytest.raises(RegistryRefused, match="more than 3 times"):
        source(registry).resolve()
    assert len(registry.requests) == 6


def test_a_config_that_is_gone_is_not_found(registry):
    pushed = registry.push()
    registry.blobs.clear()
    with pytest.raises(ImageNotFound, match=f"has no config {pushed.config}"):
        source(registry).resolve()


def test_a_tag_that_stays_is_looked_at_with_one_request(registry):
    registry.push()
    asked = source(registry)
    identity = asked.resolve().identity
    asked.look_again(identity)
    assert registry.asked[3:] == ["HEAD manifests/1"]


@pytest.mark.parametrize("has_head", [True, False])
def test_a_tag_that_moved_is_noticed(registry, has_head):
    registry.has_head = has_head
    before = registry.push()
    asked = source(registry)
    identity = asked.resolve().identity
    now = registry.push(layers=[b"new"])
    with pytest.raises(ImageMoved, match=f"named {before.digest} when .* {now.digest} now"):
        asked.look_again(identity)


def test_a_tag_that_is_gone_is_not_found_again(registry):
    registry.push()
    asked = source(registry)
    identity = asked.resolve().identity
    registry.manifests.clear()
    with pytest.raises(ImageNotFound):
        asked.look_again(identity)


def test_a_source_that_never_resolved_compares_the_image_itself(registry):
    registry.push()
    identity = source(registry).resolve().identity
    source(registry).look_again(identity)
    registry.push(layers=[b"new"])
    with pytest.raises(ImageMoved):
        source(registry).look_again(identity)


def confirm(registry, local, environ=None):
    return confirm_push(local, access(registry, environ))


def built(pushed, name=f"{NAME}:1", **changes):
    """The image as the engine that built and pushed it knows it."""
    known = {"config_digest": pushed.config, "diff_ids": pushed.diff_ids, **changes}
    return images.resolved(images.identity(**known), name)


def test_a_push_is_confirmed_by_the_config_digest_without_reading_the_config(registry):
    pushed = registry.push()
    confirmed = confirm(registry, built(pushed))
    assert confirmed.identity == replace(
        built(pushed).identity, registry_digest=pushed.digest, registry_digest_from="registry"
    )
    assert confirmed.warnings == ()
    assert len(registry.requests) == 2


def test_a_push_of_several_platforms_is_confirmed_for_the_local_one(registry):
    amd, arm = registry.push(None), registry.push(None, architecture="arm64")
    platforms = [{"os": "linux", "architecture": name} for name in ("amd64", "arm64")]
    index = registry.push_index("1", amd.descriptor(platform=platforms[0]), arm.descriptor(platform=platforms[1]))
    confirmed = confirm(registry, built(arm, platform=Platform("linux", "arm64")))
    assert confirmed.identity.registry_digest == arm.digest
    assert index.digest in confirmed.warnings[0]
    for platform, words in ((Platform("linux", "riscv64"), "nothing for linux/riscv64"), (None, "several images")):
        with pytest.raises(IncompleteError, match=words):
            confirm(registry, built(arm, platform=platform))


def test_a_push_from_the_containerd_store_is_confirmed_by_its_layers(registry):
    pushed = registry.push()
    confirmed = confirm(registry, built(pushed, config_digest=None))
    assert (confirmed.identity.registry_digest, confirmed.warnings) == (pushed.digest, ())


def test_a_push_that_converted_the_format_is_confirmed_with_a_warning(registry):
    pushed = registry.push()
    confirmed = confirm(registry, built(pushed, config_digest=OTHER))
    assert confirmed.identity.config_digest == OTHER
    assert confirmed.identity.registry_digest == pushed.digest
    (warning,) = confirmed.warnings
    assert f"the config {pushed.config} instead of {OTHER}" in warning


@pytest.mark.parametrize("diff_ids", [None, (), (OTHER,)])
def test_another_image_under_the_name_is_noticed(registry, diff_ids):
    pushed = registry.push(layers=[])
    with pytest.raises(IncompleteError, match=f"is another image: its config is {pushed.config}") as caught:
        confirm(registry, built(pushed, config_digest=OTHER, diff_ids=diff_ids))
    assert caught.value.exit_code == 17
    assert OTHER in caught.value.message


def test_an_image_that_was_not_pushed_is_incomplete(registry):
    pushed = registry.push("2")
    with pytest.raises(IncompleteError, match=r"app:1 was not pushed: .*MANIFEST_UNKNOWN") as caught:
        confirm(registry, built(pushed))
    assert isinstance(caught.value.__cause__, ImageNotFound)


@pytest.mark.parametrize("diff_ids", [None, ()])
def test_an_image_of_which_nothing_is_known_is_not_confirmed(registry, diff_ids):
    with pytest.raises(IncompleteError, match="neither its config digest nor its layers"):
        confirm(registry, built(registry.push(), config_digest=None, diff_ids=diff_ids))
    assert registry.requests == []


def test_an_image_without_a_name_cannot_have_been_pushed(registry):
    with pytest.raises(UsageError, match="has no name"):
        confirm(registry, built(registry.push(), name=None))


def test_a_registry_that_refuses_says_nothing_about_the_push(registry, tmp_path):
    pushed = registry.push()
    registry.guard = canned_registry.wants_basic()
    with pytest.raises(RegistryRefused) as refused:
        confirm(registry, built(pushed))
    assert refused.value.exit_code == 13
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(UsageError, match=r"config.json cannot be used: it is not JSON"):
        confirm(registry, built(pushed), {"DOCKER_CONFIG": str(tmp_path)})


def test_a_manifest_of_something_else_than_an_image_is_refused(registry):
    registry.put({"config": {"mediaType": "application/vnd.cncf.helm.config.v1+json"}}, manifests.OCI_MANIFEST, "1")
    with pytest.raises(ImageError, match="mediaType, digest or size"):
        source(registry).resolve()
    registry.put(json.loads(registry.manifests["1"][1]), manifests.OCI_INDEX, "1")
    with pytest.raises(UnreadableImage):
        source(registry, f"{HOST}/team/app:1").resolve()
