import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jenkins_scan.errors import ImageError, UnreadableImage
from jenkins_scan.images import fields
from jenkins_scan.images.engine.inspect_body import api_number, detect_store, engine_name, parse_inspect
from jenkins_scan.images.interface import SizeSemantics, Store

HEX = "ab" * 32
BODIES = [
    json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((Path(__file__).parents[3] / "contract" / "images" / "bodies").glob("*.json"))
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ["Id", "RepoTags", "RepoDigests", "Created", "Os", "Architecture", "Variant", "Size", "RootFS", "Metadata"]
FIELDS += ["Descriptor", "Manifests"]


def body(**changes):
    return {"Id": f"sha256:{HEX}", "Os": "linux", "Architecture": "amd64"} | changes


def parse(inspected, store=Store.GRAPHDRIVER, api="1.41"):
    return parse_inspect(inspected, store=store, api_version=api)


def outcome(inspected, store):
    try:
        parse(inspected, store)
    except ImageError as exc:
        return exc.exit_code
    return 0


def test_an_id_is_all_it_takes():
    image = parse({"Id": HEX})
    assert image.image_id == f"sha256:{HEX}"
    assert (image.repo_tags, image.repo_digests) == ((), ())
    assert {image.platform, image.created, image.last_tagged, image.size, image.diff_ids} == {None}


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-21T18:57:40.286645374Z", datetime(2026, 11, 21, 18, 57, 40, 286645, tzinfo=UTC)),
        ("2026-11-21T18:57:40.9999999Z", datetime(2026, 11, 21, 18, 57, 40, 999999, tzinfo=UTC)),
        ("2026-11-21T18:57:40Z", datetime(2026, 11, 21, 18, 57, 40, tzinfo=UTC)),
        ("2026-11-21T18:57:40.5Z", datetime(2026, 11, 21, 18, 57, 40, 500000, tzinfo=UTC)),
        ("2026-11-21T18:57:40+08:00", datetime(2026, 11, 21, 10, 57, 40, tzinfo=UTC)),
        ("2026-11-21T18:57:40.1-05:30", datetime(2026, 11, 22, 0, 27, 40, 100000, tzinfo=UTC)),
        ("1970-01-01T00:00:00Z", datetime(1970, 1, 1, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", None),
        ("0001-01-01T00:00:00+08:00", None),
        ("9999-12-31T23:59:59-23:00", None),
        ("0000-01-01T00:00:00Z", None),
        ("2026-13-01T00:00:00Z", None),
        ("2026-01-01T00:00:00+99:99", None),
        ("2026-11-21T18:57:40", None),
        ("yesterday", None),
        ("\u0662\u0660\u0662\u0666-01-01T18:57:40Z", None),
        ("", None),
        (None, None),
    ],
)
def test_a_time_is_read_exactly_or_not_known(text, moment):
    assert parse(body(Created=text)).created == moment


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("0001-01-01T00:00:00Z", None),
        ("1970-01-01T00:00:00Z", None),
        ("1970-12-31T23:59:59Z", None),
        ("1971-01-01T00:00:00Z", datetime(1971, 1, 1, tzinfo=UTC)),
    ],
)
def test_an_image_that_was_never_tagged_here_has_no_tag_time(text, moment):
    assert parse(body(Metadata={"LastTagTime": text})).last_tagged == moment


def test_names_that_are_none_are_dropped():
    image = parse(body(RepoTags=["<none>:<none>", "a:1"], RepoDigests=["<none>@<none>"]))
    assert (image.repo_tags, image.repo_digests) == (("a:1",), ())


@pytest.mark.parametrize(
    ("media_type", "kind"),
    [
        ("application/vnd.oci.image.index.v1+json", "index"),
        ("application/vnd.docker.distribution.manifest.list.v2+json", "index"),
        ("application/vnd.oci.image.manifest.v1+json", "manifest"),
        ("application/vnd.docker.distribution.manifest.v2+json", "manifest"),
        ("application/other", None),
        (None, None),
    ],
)
def test_the_kind_of_a_manifest_is_known_by_its_media_type(media_type, kind):
    descriptor = {"digest": f"sha256:{HEX}", "mediaType": media_type}
    assert parse(body(Descriptor=descriptor), Store.CONTAINERD).manifest_kind == kind


@pytest.mark.parametrize(
    ("store", "api", "semantics"),
    [
        (Store.GRAPHDRIVER, "1.41", SizeSemantics.UNCOMPRESSED_LAYERS),
        (Store.PODMAN, "1.41", SizeSemantics.UNCOMPRESSED_LAYERS),
        (Store.CONTAINERD, "1.55", SizeSemantics.COMPRESSED_CONTENT),
        (Store.CONTAINERD, "1.56", SizeSemantics.UNKNOWN),
        (Store.CONTAINERD, "next", SizeSemantics.UNKNOWN),
        (Store.UNKNOWN, "1.41", SizeSemantics.UNKNOWN),
    ],
)
def test_what_a_size_counts_depends_on_the_store_and_the_engine(store, api, semantics):
    assert parse(body(Size=1), store, api).size_semantics is semantics


def test_an_unknown_store_gives_no_digest_a_meaning():
    image = parse(body(Descriptor={"digest": f"sha256:{HEX}"}), Store.UNKNOWN)
    assert (image.config_digest, image.manifest_digest, image.manifest_kind) == (None, None, None)


@pytest.mark.parametrize(
    "change",
    [
        {"Id": None},
        {"Id": "sha256:short"},
        {"Id": HEX.upper()},
        {"RepoTags": "app:1"},
        {"RepoTags": [1]},
        {"Created": 5},
        {"Os": []},
        {"Size": "5"},
        {"Size": -1},
        {"Size": True},
        {"Size": 1.5},
        {"RootFS": []},
        {"RootFS": {"Layers": ["sha256:x"]}},
        {"RootFS": {"Layers": {}}},
        {"Metadata": "x"},
        {"Metadata": {"LastTagTime": {}}},
    ],
)
def test_a_field_of_a_wrong_type_makes_the_answer_unreadable(change):
    with pytest.raises(UnreadableImage):
        parse(body(**change))


@pytest.mark.parametrize("descriptor", ["x", {"digest": 5}, {"digest": "x"}, {"mediaType": []}])
def test_a_broken_descriptor_makes_the_answer_unreadable(descriptor):
    with pytest.raises(UnreadableImage):
        parse(body(Descriptor=descriptor), Store.CONTAINERD)


@pytest.mark.parametrize("manifests", ["x", [1], [{"ImageData": 1}], [{"ImageData": {"Platform": {"os": 1}}}]])
def test_a_broken_list_of_platforms_is_unreadable_too(manifests):
    with pytest.raises(UnreadableImage):
        parse({"Id": HEX, "Manifests": manifests}, Store.CONTAINERD)


@given(st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=5), JSON), st.sampled_from(Store))
def test_any_json_is_read_or_ends_with_exit_code_13(inspected, store):
    assert outcome(inspected, store) in (0, 13)


@given(st.sampled_from(BODIES), st.sampled_from(FIELDS), JSON, st.booleans())
def test_a_body_with_one_field_changed_or_missing_is_read_or_ends_with_exit_code_13(recorded, name, value, gone):
    inspected = recorded["inspect"] | {name: value}
    if gone:
        del inspected[name]
    assert outcome(inspected, Store(recorded["store"])) in (0, 13)
    assert detect_store(recorded["version"], recorded["info"], inspected) in Store


@given(JSON, JSON, JSON)
def test_a_store_is_detected_or_unknown_whatever_the_answers(version, info, inspected):
    assert detect_store(version, info, inspected) in Store
    assert detect_store({"Components": version}, {"Driver": "x", "DriverStatus": info}, inspected) in Store
    assert isinstance(engine_name({"Components": version}), str)


ENGINE = {"Components": [{"Name": "Engine"}]}
SNAPSHOTTER = {"Driver": "overlayfs", "DriverStatus": [["driver-type", "io.containerd.snapshotter.v1"]]}


@pytest.mark.parametrize(
    ("version", "info", "inspected", "store"),
    [
        (ENGINE, {"Driver": "overlay2", "DriverStatus": [["x", "y"]]}, {}, Store.GRAPHDRIVER),
        (ENGINE, {"Driver": "vfs", "DriverStatus": None}, {}, Store.GRAPHDRIVER),
        (ENGINE, SNAPSHOTTER, {}, Store.CONTAINERD),
        (ENGINE, None, {"Descriptor": {}}, Store.CONTAINERD),
        (ENGINE, None, {"Descriptor": None}, Store.UNKNOWN),
        (ENGINE, {}, {}, Store.UNKNOWN),
        (ENGINE, {"Driver": "overlay2", "DriverStatus": "x"}, {}, Store.UNKNOWN),
        ({}, {"Driver": "overlay2", "DriverStatus": []}, {}, Store.UNKNOWN),
        ({"Components": [{"Name": "Podman Engine"}]}, None, {"Descriptor": {}}, Store.PODMAN),
    ],
)
def test_the_store_is_told_by_what_is_certain(version, info, inspected, store):
    assert detect_store(version, info, inspected) is store


@pytest.mark.parametrize(
    ("text", "number"), [("1.41", (1, 41)), ("1.5", (1, 5)), ("1", None), ("1.x", None), ("", None)]
)
def test_api_versions_compare_as_numbers(text, number):
    assert api_number(text) == number


def test_an_engine_without_components_has_no_name():
    assert engine_name({}) == "unknown"


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"[" * 200_000, b"1" * 5000])
def test_bytes_that_are_no_json_are_unreadable(data):
    with pytest.raises(UnreadableImage, match="It is not readable as JSON"):
        fields.parse_json(data, "It")
