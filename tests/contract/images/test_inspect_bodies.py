"""One parser for what every supported engine says. Bodies marked as constructed follow the Engine API's history."""

import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jenkins_scan.errors import WrongPlatform
from jenkins_scan.images.engine import inspect_body
from jenkins_scan.images.engine.identify import identify
from jenkins_scan.images.interface import EngineInfo, SizeSemantics, Store
from jenkins_scan.images.reference import parse_reference

BODIES = sorted((Path(__file__).parent / "bodies").glob("*.json"), key=lambda path: path.name)
CONFIG, MANIFEST, INDEX, PUSHED = (f"sha256:{pair * 32}" for pair in ("c0", "a1", "1d", "b2"))
DIFF_IDS = (f"sha256:{'d1' * 32}",)
NO_PLATFORM = "docker29-no-matching-platform.constructed.json"
USUAL_TIME = datetime(2026, 1, 2, 3, 4, 5, 123456, tzinfo=UTC)
USUAL_TAG_TIME = datetime(2026, 1, 1, 19, 4, 6, 500000, tzinfo=UTC)

EXPECTED = {
    "docker24-pushed": {"config_digest": CONFIG, "registry_digest": PUSHED, "size": 11776},
    "docker25.0.2": {"config_digest": CONFIG, "created": None, "last_tagged": None, "registry_digest": None},
    "docker27-containerd": {"manifest_digest": MANIFEST, "manifest_kind": None, "size": 1500},
    "docker28-graphdriver": {"config_digest": CONFIG, "created": None, "registry_digest": PUSHED},
    "docker28-containerd": {"manifest_digest": MANIFEST, "manifest_kind": "manifest", "last_tagged": None},
    "docker29-containerd": {"manifest_digest": MANIFEST, "created": datetime(1970, 1, 1, tzinfo=UTC)},
    "docker29-index-attestation": {"manifest_digest": INDEX, "manifest_kind": "index", "created": USUAL_TIME},
    "podman5": {"config_digest": CONFIG, "last_tagged": None, "diff_ids": DIFF_IDS},
    "podman3-no-rootfs": {"config_digest": CONFIG, "diff_ids": None, "repo_digests": ()},
}


def load(path):
    return json.loads(path.read_text(encoding="utf-8"))


def resolved(body):
    version = body["version"]
    store = inspect_body.detect_store(version, body["info"], body["inspect"])
    api = version["ApiVersion"]
    image = inspect_body.parse_inspect(body["inspect"], store=store, api_version=api)
    engine = EngineInfo(inspect_body.engine_name(version), version["Version"], api, "unix:///x", "default")
    reference = parse_reference(body["reference"])
    return identify(image, reference, typed=body["reference"], store=store, engine=engine)


@pytest.fixture(params=[path for path in BODIES if path.name != NO_PLATFORM], ids=lambda path: path.stem)
def body(request):
    return load(request.param)


def test_each_body_is_read_and_its_store_recognised(body):
    identity = resolved(body).identity
    assert identity.store == body["store"]
    assert identity.image_id == body["inspect"]["Id"]
    assert str(identity.platform).startswith("linux/amd64")
    assert identity.engine.name == body["engine"].split()[0]


def test_no_body_gives_a_registry_digest_but_a_pushed_one_on_the_graphdriver_store(body):
    identity = resolved(body).identity
    listed = {name.partition("@")[2] for name in body["inspect"]["RepoDigests"] or []}
    if body["store"] == "graphdriver":
        assert {identity.registry_digest} == (listed or {None})
        assert identity.registry_digest_from == ("graphdriver_repo_digest" if listed else None)
    else:
        assert (identity.registry_digest, identity.registry_digest_from) == (None, None)


def test_the_image_id_is_the_config_digest_on_graphdriver_and_podman_and_the_target_on_containerd(body):
    identity = resolved(body).identity
    if identity.store is Store.CONTAINERD:
        assert (identity.config_digest, identity.manifest_digest) == (None, identity.image_id)
        assert identity.size_semantics is SizeSemantics.COMPRESSED_CONTENT
    else:
        assert (identity.config_digest, identity.manifest_digest) == (identity.image_id, None)
        assert identity.size_semantics is SizeSemantics.UNCOMPRESSED_LAYERS


def test_the_name_that_was_asked_for_is_kept_without_a_warning(body):
    found = resolved(body)
    assert str(found.name) == body["reference"]
    assert found.warnings == ()


@pytest.mark.parametrize("label", EXPECTED)
def test_a_constructed_body_has_the_values_its_version_is_known_for(label):
    identity = resolved(load(Path(__file__).parent / "bodies" / f"{label}.constructed.json")).identity
    assert {name: getattr(identity, name) for name in EXPECTED[label]} == EXPECTED[label]


def test_the_time_of_the_last_tag_is_in_utc_and_cut_to_microseconds():
    identity = resolved(load(Path(__file__).parent / "bodies" / "docker24-pushed.constructed.json")).identity
    assert (identity.created, identity.last_tagged) == (USUAL_TIME, USUAL_TAG_TIME)


def test_a_name_without_a_manifest_for_this_platform_is_an_error_that_names_the_platforms():
    body = load(Path(__file__).parent / "bodies" / NO_PLATFORM)
    with pytest.raises(WrongPlatform, match="linux/arm64/v8, linux/s390x") as caught:
        resolved(body)
    assert "unknown" not in str(caught.value)


def test_docker_records_a_repo_digest_by_the_push_and_nothing_else_changes():
    before, after = (
        load(Path(__file__).parent / "bodies" / f"docker20.10-{when}.json") for when in ("unpushed", "pushed")
    )
    assert before["inspect"]["RepoDigests"] == []
    assert before["inspect"] | {"RepoDigests": after["inspect"]["RepoDigests"]} == after["inspect"]


def test_podman_lists_the_same_local_digest_before_and_after_the_push():
    before, after = (
        load(Path(__file__).parent / "bodies" / f"podman4.3-{when}.json") for when in ("unpushed", "pushed")
    )
    assert before["inspect"]["RepoDigests"] == after["inspect"]["RepoDigests"] != []


@pytest.mark.parametrize("path", BODIES, ids=lambda path: path.stem)
def test_each_body_says_where_it_comes_from_and_nothing_of_a_machine(path):
    body = load(path)
    assert body["constructed"] is path.name.endswith(".constructed.json")
    assert body["engine"]
    text = path.read_text(encoding="utf-8")
    assert tempfile.gettempdir() not in text
    assert "Kernel" not in text
