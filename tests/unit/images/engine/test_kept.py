"""Connections to engines that wait for the next image."""

import pytest

from jenkins_scan.errors import EngineAbsent, ImageMoved, ImageNotFound
from jenkins_scan.images.engine import connection
from jenkins_scan.images.engine.connection import Limits, connect
from jenkins_scan.images.engine.endpoint import EngineEndpoint
from jenkins_scan.images.engine.kept import FRESH, KeptConnections
from jenkins_scan.images.engine.source import EngineSource
from jenkins_scan.images.interface import Store
from jenkins_scan.images.reference import parse_reference
from tests.support.canned_engine import engine_on_socket
from tests.support.center import FakeClock

VERSION = {"Version": "20.10.24", "ApiVersion": "1.41", "MinAPIVersion": "1.12", "Components": [{"Name": "Engine"}]}
IMAGE = {"Id": f"sha256:{'f' * 64}", "RepoTags": ["b:1"], "Os": "linux", "Architecture": "amd64", "Size": 5}
INFO = {"Driver": "overlay2", "DriverStatus": [["Backing Filesystem", "extfs"]]}


def answers(**images):
    named = {
        f"/v1.41/images/{name}:1/json": {
            "Id": f"sha256:{digit * 64}",
            "RepoTags": [f"{name}:1"],
            "Os": "linux",
            "Architecture": "amd64",
            "Size": 5,
        }
        for name, digit in images.items()
    }
    return {"/version": VERSION, "/v1.41/info": INFO, **named}


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def engine(tmp_path):
    """One with the images a, b and c, and what it is asked."""
    with engine_on_socket(tmp_path / "e.sock", answers(a="a", b="b", c="c")) as engine:
        yield engine


@pytest.fixture
def kept(engine, clock):
    """The connections of a run, which ends before the engine does."""
    with KeptConnections(clock) as kept:
        yield kept


def source(kept, engine, name):
    return EngineSource(parse_reference(f"{name}:1"), EngineEndpoint(engine.url, "DOCKER_HOST"), lend=kept.connected)


@pytest.fixture
def opened(monkeypatch):
    """The connections that were opened."""
    made = []

    def noted(endpoint, limits):
        made.append(connect(endpoint, limits))
        return made[-1]

    monkeypatch.setattr(connection, "connect", noted)
    return made


def test_many_images_and_their_second_looks_need_one_connection(kept, engine, opened):
    looked = [source(kept, engine, name) for name in "abc"]
    found = [each.resolve().identity for each in looked]
    assert [each.image_id for each in found] == [f"sha256:{name * 64}" for name in "abc"]
    for each, identity in zip(looked, found, strict=True):
        each.look_again(identity)
    with pytest.raises(ImageMoved):
        looked[1].look_again(found[0])
    assert len(opened) == 1
    assert engine.requests.count("/version") == 3, "a second look asks no more for the engine"


def test_another_engine_at_the_same_place_is_known_for_what_it_is(kept, engine, tmp_path):
    assert source(kept, engine, "a").resolve().identity.store is Store.GRAPHDRIVER
    later = {"Version": "29.7.2", "ApiVersion": "1.55", "MinAPIVersion": "1.40"}
    target = {"Descriptor": {"digest": f"sha256:{'e' * 64}", "mediaType": "application/vnd.oci.image.manifest.v1+json"}}
    engine.answers.clear()
    engine.answers.update({"/version": VERSION | later, "/v1.55/images/b:1/json": IMAGE | target})
    found = source(kept, engine, "b").resolve().identity
    assert (found.store, found.engine.version) == (Store.CONTAINERD, "29.7.2")


def test_a_connection_that_was_idle_for_long_is_not_trusted(kept, engine, clock, opened):
    looked = source(kept, engine, "a")
    identity = looked.resolve().identity
    clock.sleep(FRESH + 0.1)
    looked.look_again(identity)
    assert len(opened) == 2


def test_a_connection_that_met_an_error_is_not_kept(kept, engine, opened):
    with pytest.raises(ImageNotFound):
        source(kept, engine, "nowhere").resolve()
    source(kept, engine, "a").resolve()
    assert len(opened) == 2


def test_two_at_once_have_a_connection_each(kept, engine):
    endpoint = EngineEndpoint(engine.url, "DOCKER_HOST")
    with kept.connected(endpoint, Limits()) as one, kept.connected(endpoint, Limits()) as other:
        assert one is not other
    with kept.connected(endpoint, Limits()) as again:
        assert again in (one, other)
    assert engine.requests == ["/version", "/version"]


def test_engines_are_not_taken_for_each_other(kept, engine, tmp_path):
    source(kept, engine, "a").resolve()
    with engine_on_socket(tmp_path / "other.sock", answers(a="d")) as other, KeptConnections(kept._clock) as own:
        assert source(own, other, "a").resolve().identity.image_id == f"sha256:{'d' * 64}"
        assert source(own, engine, "a").resolve().identity.image_id == f"sha256:{'a' * 64}"
        assert source(own, other, "a").resolve().identity.image_id == f"sha256:{'d' * 64}"


def test_an_engine_that_ended_meanwhile_is_noticed(clock, tmp_path):
    with KeptConnections(clock) as kept:
        with engine_on_socket(tmp_path / "e.sock", answers(a="a")) as engine:
            looked = source(kept, engine, "a")
            identity = looked.resolve().identity
            clock.sleep(FRESH + 0.1)
            with pytest.raises(EngineAbsent):  # closes what is too old, on which the engine here would wait
                EngineSource(
                    parse_reference("a:1"), EngineEndpoint("unix:///nowhere.sock", "x"), lend=kept.connected
                ).resolve()
        with pytest.raises(EngineAbsent):
            looked.look_again(identity)


def test_what_comes_back_after_the_end_is_closed(engine, clock):
    kept = KeptConnections(clock)
    with kept.connected(EngineEndpoint(engine.url, "x"), Limits()) as connection:
        with kept:
            pass
        assert connection.inspect("a:1") is not None
    assert kept._idle == []
