"""Recorded answers, damaged anywhere: an identity, or an error with exit code 13, and never another exception."""

import copy
import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from jenkins_scan.errors import ImageError
from jenkins_scan.images import fields
from jenkins_scan.images.engine.identify import identify
from jenkins_scan.images.engine.inspect_body import detect_store, engine_name, own_id, parse_inspect, target
from jenkins_scan.images.interface import EngineInfo, ImageIdentity
from jenkins_scan.images.reference import parse_reference

BODIES = [
    json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((Path(__file__).parents[3] / "contract" / "images" / "bodies").glob("*.json"))
]
STRANGE = st.sampled_from(
    [None, True, -1, 0, 1.5, 10**400, "", "\ud800", "x" * 100_000, "sha256:", [], {}, [[]], [None] * 10_000]
) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
GONE = object()


def places(value, way=()):
    """The way to each part of a JSON value, itself included."""
    yield way
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inner:
        yield from places(part, (*way, key))


def damaged(value, way, new):
    if not way:
        return None if new is GONE else new
    parent = value
    for key in way[:-1]:
        parent = parent[key]
    if new is GONE:
        del parent[way[-1]]
    else:
        parent[way[-1]] = new
    return value


def nested(depth, kind):
    value = None
    for _ in range(depth):
        value = [value] if kind else {"Labels": value}
    return value


def outcome(version, info, inspected, reference):
    """The identity, or the error, of these answers; as `EngineSource` puts the parts together."""
    try:
        body = fields.as_object(inspected, "The engine's answer")
        store = detect_store(version, info, body)
        image = parse_inspect(body, store=store, api_version="1.41")
        target(body)
        assert own_id(body) == image.image_id
    except ImageError as exc:  # whose family has exit code 13
        return exc
    engine = EngineInfo(engine_name(version), None, "1.41", "unix:///x", "default")
    return identify(image, parse_reference(reference), typed=reference, store=store, engine=engine).identity


@given(st.data(), st.sampled_from(BODIES), st.lists(STRANGE | st.just(GONE), min_size=1, max_size=3))
def test_an_answer_that_is_damaged_anywhere_gives_an_identity_or_an_error(data, recorded, news):
    inspected = copy.deepcopy(recorded["inspect"])
    for new in news:
        inspected = damaged(inspected, data.draw(st.sampled_from(list(places(inspected)))), new)
    found = outcome(recorded["version"], recorded["info"], inspected, recorded["reference"])
    assert isinstance(found, ImageIdentity | ImageError)


@given(st.data(), st.sampled_from(BODIES), STRANGE, st.sampled_from(["version", "info"]))
def test_the_other_answers_may_be_damaged_too(data, recorded, new, which):
    answers = copy.deepcopy(recorded)
    answers[which] = damaged(answers[which], data.draw(st.sampled_from(list(places(answers[which])))), new)
    found = outcome(answers["version"], answers["info"], answers["inspect"], answers["reference"])
    assert isinstance(found, ImageIdentity | ImageError)


@given(
    st.sampled_from(BODIES),
    st.integers(1, 150) | st.just(5000),
    st.booleans(),
    st.sampled_from(["Id", "Config", "RootFS"]),
)
def test_a_deeply_nested_answer_gives_an_identity_or_an_error(recorded, depth, kind, field):
    deep = nested(depth, kind)
    inspected = recorded["inspect"] | {field: deep}
    assert isinstance(
        outcome(recorded["version"], recorded["info"], inspected, recorded["reference"]), ImageIdentity | ImageError
    )


@given(st.sampled_from(BODIES), st.binary(max_size=4), st.integers(0, 400), st.booleans())
def test_an_answer_with_damaged_bytes_gives_an_identity_or_an_error(recorded, junk, at, cut):
    text = json.dumps(recorded["inspect"]).encode()
    text = text[:at] + junk + (b"" if cut else text[at:])
    try:
        inspected = fields.parse_json(text, "The engine's answer")
    except ImageError:
        return
    found = outcome(recorded["version"], recorded["info"], inspected, recorded["reference"])
    assert isinstance(found, ImageIdentity | ImageError)
