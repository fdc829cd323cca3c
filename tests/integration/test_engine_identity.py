"""What real engines say, from a build to a push: the path of every image in a pipeline."""

import json

import pytest

from jenkins_scan.clock import SystemClock
from jenkins_scan.errors import EngineUnreachable, ImageNotFound, WrongPlatform
from jenkins_scan.images.engine.order import Patience
from jenkins_scan.images.interface import Store, parse_platform
from jenkins_scan.images.resolve import Places, image_source
from tests.support import engines

FILES = {"hello.txt": b"hello\n"}


def resolve(reference, engine=None, platform=None):
    docker_host = None if engine is None else engine.host_url
    clock = SystemClock()
    places = Places(
        environ={},
        clock=clock,
        redact=print,
        patience=Patience(0, clock),
        docker_host=docker_host,
        platform=platform,
    )
    return image_source(reference, places).resolve()


def test_a_push_makes_the_registry_digest_known_and_changes_nothing_else(docker_engine, registry, client):
    name = f"{registry.address}/team/app:1"
    image_id = engines.build_scratch_image(client, name, FILES)
    before = resolve(name, docker_engine).identity
    assert (before.store, before.config_digest, before.registry_digest) == (Store.GRAPHDRIVER, image_id, None)

    failed = [answer for answer in client.push(name, stream=True, decode=True) if "error" in answer]
    assert failed == []
    found = resolve(name, docker_engine)
    after = found.identity
    assert after.registry_digest == registry.manifest_digest("team/app", "1")
    assert after.registry_digest_from == "graphdriver_repo_digest"
    assert (after.config_digest, after.diff_ids, after.last_tagged) == (image_id, before.diff_ids, before.last_tagged)
    assert json.loads(registry.manifest("team/app", "1"))["config"]["digest"] == after.config_digest
    assert (found.name.namespace, found.name.repository, found.name.sent_tag) == ("team", "app", "1")
    assert found.warnings == ()

    by_digest = resolve(f"{registry.address}/team/app@{after.registry_digest}", docker_engine)
    assert by_digest.identity.registry_digest == after.registry_digest
    assert by_digest.name.sent_tag is None


def test_the_push_of_one_repository_says_nothing_about_another(docker_engine, registry, client):
    name = f"{registry.address}/team/pushed:1"
    engines.build_scratch_image(client, name, {"a": b"1"})
    list(client.push(name, stream=True))
    client.tag(name, "local/name", "1")
    identity = resolve("local/name:1", docker_engine).identity
    assert identity.repo_digests != ()
    assert identity.registry_digest is None


def test_an_image_is_found_by_its_id_and_by_the_beginning_of_it(docker_engine, client):
    image_id = engines.build_scratch_image(client, "by-id:1", {"b": b"2"})
    for text in (image_id, image_id.removeprefix("sha256:"), image_id[7:19]):
        found = resolve(text, docker_engine)
        assert (found.identity.image_id, found.name) == (image_id, None)


def test_a_saved_image_has_the_same_identity_as_in_the_engine(docker_engine, client, tmp_path):
    engines.build_scratch_image(client, "saved/app:1", {"c": b"3" * 1000, "d": b"4"})
    with (tmp_path / "app.tar").open("wb") as file:
        file.writelines(client.get_image("saved/app:1"))
    in_engine, in_file = resolve("saved/app:1", docker_engine), resolve(f"docker-archive://{tmp_path}/app.tar")
    assert in_file.name == in_engine.name
    for field in ("config_digest", "diff_ids", "platform", "created", "canonical"):
        assert getattr(in_file.identity, field) == getattr(in_engine.identity, field)


def test_an_unknown_image_is_not_found_and_not_pulled(docker_engine, client):
    with pytest.raises(ImageNotFound, match="No image no/such:1 in docker 20"):
        resolve("no/such:1", docker_engine)
    assert client.images("no/such") == []


def test_another_platform_is_refused(docker_engine, client):
    engines.build_scratch_image(client, "platform:1", FILES)
    with pytest.raises(WrongPlatform):
        resolve("platform:1", docker_engine, platform=parse_platform("linux/riscv64"))


def test_an_engine_that_was_stopped_is_unreachable(engines_folder):
    with engines.running_dockerd(engines_folder / "stopped") as engine, pytest.raises(ImageNotFound):
        resolve("app", engine)
    with pytest.raises(EngineUnreachable, match="socket does not exist"):
        resolve("app", engine)
