"""Connections to engines that wait for the next image."""

import pytest

from jenkins_scan.errors import EngineAbsent, ImageMoved, ImageNotFound
from jenkins_scan.images.engine.connection import Limits
from jenkins_scan.images.engine.endpoint import EngineEndpoint
from jenkins_scan.images.engine.kept import FRESH, KeptConnections
from jenkins_scan.images.engine.source import EngineSource
from jenkins_scan.images.reference import parse_reference
from tests.support.canned_engine import engine_on_socket
from tests.support.center import FakeClock

VERSION = {"Version": "20.10.24", "ApiVersion": "1.41", "MinAPIVersion": "1.12", "Components": [{"Name": "Engine"}]}
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


def test_the_engine_is_asked_about_itself_once_for_many_images(kept, engine):
    first, *others = (source(kept, engine, name).resolve() for name in "abc")
    assert [each.identity.image_id for each in (first, *others)] == [f"sha256:{name * 64}" for name in "abc"]
    inspects = [f"/v1.41/images/{name}:1/json" for name in "abc"]
    assert engine.requests == ["/version", inspects[0], "/v1.41/info", *inspects[1:]]


def test_a_second_look_costs_one_request(kept, engine):
    looked = source(kept, engine, "a")
    identity = looked.resolve().identity
    before = len(engine.requests)
    looked.look_again(identity)
    assert engine.requests[before:] == ["/v1.41/images/a:1/json"]
    with pytest.raises(ImageMoved):
        source(kept, engine, "b").look_again(identity)


def test_a_connection_that_was_idle_for_long_is_not_trusted(kept, engine, clock):
    looked = source(kept, engine, "a")
    identity = looked.resolve().identity
    before = len(engine.requests)
    clock.sleep(FRESH + 0.1)
    looked.look_again(identity)
    assert engine.requests[before:] == ["/version", "/v1.41/images/a:1/json"]


def test_a_connection_that_met_an_error_is_not_kept(kept, engine):
    with pytest.raises(ImageNotFound):
        source(kept, engine, "nowhere").resolve()
    source(kept, engine, "a").resolve()
    assert engine.requests.count("/version") == 2


def test_two_at_once_have_a_connection_each(kept, engine):
    endpoint = EngineEndpoint(engine.url, "DOCKER_HOST")
    with kept.connected(endpoint, Limits()) as one, kept.connected(endpoint, Limits()) as other:
        assert one is not other
    with kept.connected(endpoint, Limits()) as again:
        assert again in (one, other)
    assert engine.requests == ["/version", "/version"]


def test_engines_are_not_taken_for_each_other(kept, engine, tmp_path):
    source(kept, engine, "a").resolve()
    with engine_on_socket(tmp_path / "other.sock", answers(a="d")) as other:
        with KeptConnections(kept._clock) as own:
            assert source(own, other, "a").resolve().identity.image_id == f"sha256:{'d' * 64}"
            assert source(own, engine, "a").resolve().identity.image_id == f"sha256:{'a' * 64}"
            assert source(own, other, "a").resolve().identity.image_id == f"sha256:{'d' * 64}"
        assert other.requests.count("/version") == 1


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
