import hashlib
import json
import logging
import os
import shutil
import socket
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from jenkins_scan.errors import (
    ConfigurationError,
    EngineAbsent,
    EngineSettingsError,
    EngineTLSError,
    EngineTLSMissing,
    EngineUnreachable,
    ImageMoved,
    ImageNotFound,
)
from jenkins_scan.images.engine.endpoint import EngineEndpoint
from jenkins_scan.images.engine.faults import explain, may_be_starting
from jenkins_scan.images.engine.order import EngineOrder, Patience, parse_engines
from jenkins_scan.images.engine.places import DefaultPlaces
from jenkins_scan.images.reference import parse_reference
from tests.support.canned_engine import engine_on_port, engine_on_socket
from tests.support.center import FakeClock
from tests.support.engine_certificates import EngineCertificates

A, B = (f"sha256:{pair * 32}" for pair in ("aa", "bb"))


def engine(image_id=A, name="Podman Engine"):
    """The answers of an engine with one image; of Docker it takes one answer more."""
    image = {"Id": image_id, "RepoTags": ["app:1", "docker.io/library/app:1"], "Os": "linux", "Architecture": "amd64"}
    version = {"Version": "5", "ApiVersion": "1.41", "Components": [{"Name": name}]}
    info = {"Driver": "overlay2", "DriverStatus": []}
    return {"/version": version, "/v1.41/images/app:1/json": image, "/v1.41/info": info}


EMPTY = {"/version": engine()["/version"]}


def context(name, host, folder):
    """The variables that choose a Docker context, which is made in `folder`."""
    place = folder / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest()
    place.mkdir(parents=True)
    (place / "meta.json").write_text(json.dumps({"Name": name, "Endpoints": {"docker": {"Host": host}}}))
    return {"DOCKER_CONFIG": str(folder), "DOCKER_CONTEXT": name}


class Machine:
    """A machine's default places, all below one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.places = DefaultPlaces(folder / "d.sock", folder / "p.sock", folder / "run", user_id=1000)
        self.environ: dict[str, str] = {"HOME": str(folder / "home")}
        self.clock = FakeClock()

    def order(self, engines=("docker", "podman"), docker_host=None, wait=0.0, reference="app:1", patience=None):
        return EngineOrder(
            parse_reference(reference),
            engines,
            typed=reference,
            docker_host=docker_host,
            environ=self.environ,
            platform=None,
            patience=patience or Patience(wait, self.clock),
            places=self.places,
        )

    @contextmanager
    def running(self, **answers):
        """Engines on these sockets, such as `d` for `d.sock`; `_` stands for `/`."""
        with ExitStack() as stack:
            for name, canned in answers.items():
                path = self.folder / f"{name.replace('_', '/')}.sock"
                path.parent.mkdir(parents=True, exist_ok=True)
                stack.enter_context(engine_on_socket(path, canned))
            yield


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


@pytest.mark.parametrize(
    ("text", "engines"),
    [
        ("docker", ("docker",)),
        ("podman", ("podman",)),
        ("docker,podman", ("docker", "podman")),
        (" Podman , docker ", ("podman", "docker")),
    ],
)
def test_the_order_is_a_list_of_engines(text, engines):
    assert parse_engines(text) == engines


@pytest.mark.parametrize(
    ("text", "why", "remedy"),
    [
        ("", "a name is empty", "docker,podman"),
        ("docker,", "a name is empty", "docker,podman"),
        ("docker,docker", "names docker twice", "once"),
        ("dokcer", "'dokcer' is no engine", "Did you mean docker?"),
        ("docker\x1b,x", "is no engine", "docker, podman"),
        ("docker,registry", "a registry is no engine", "registry://NAME"),
        ("containerd", "'containerd' is no engine", "docker, podman"),
    ],
)
def test_another_list_is_refused_with_what_to_write(text, why, remedy):
    with pytest.raises(ConfigurationError) as caught:
        parse_engines(text)
    assert caught.value.exit_code == 2
    assert "--image-src" in caught.value.message
    assert why in caught.value.message
    assert remedy in caught.value.remedy
    assert "\x1b" not in caught.value.message


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("d", "default"),
        ("run_1000_docker", "default of rootless docker"),
        ("home_.docker_run_docker", "default in HOME"),
        ("run_1000_podman_podman", "default of rootless podman"),
        ("p", "default of podman"),
    ],
)
def test_each_default_place_is_found_when_those_before_it_are_empty(machine, place, reason):
    with machine.running(**{place: engine()}):
        found = machine.order().resolve()
    assert found.identity.engine.endpoint_from == reason
    assert found.identity.engine.endpoint.endswith(f"{place.replace('_', '/')}.sock")
    assert found.identity.reference == "app:1"


def test_the_first_place_wins(machine):
    with machine.running(d=engine(A), run_1000_docker=engine(B), p=engine(B)):
        assert machine.order().resolve().identity.image_id == A
        assert machine.order(("podman", "docker")).resolve().identity.image_id == B


def test_root_looks_for_the_podman_of_all_first_and_others_for_their_own(tmp_path):
    for user_id, first in ((0, "p.sock"), (1000, "podman.sock")):
        places = DefaultPlaces(tmp_path / "d.sock", tmp_path / "p.sock", tmp_path, user_id)
        assert places.of("podman", {})[0].url.endswith(first)


def test_the_runtime_folder_is_the_variables_or_the_usual_one_and_never_a_relative_one(machine):
    for value in ("", "run", "."):
        assert machine.places.of("docker", {"XDG_RUNTIME_DIR": value})[1].url.endswith("/run/1000/docker.sock")
    assert machine.places.of("docker", {"XDG_RUNTIME_DIR": "/r"})[1].url == "unix:///r/docker.sock"
    assert machine.places.of("podman", {"XDG_RUNTIME_DIR": "/r"})[0].url == "unix:///r/podman/podman.sock"
    assert len(machine.places.of("docker", {"HOME": "home"})) == 2


def test_the_places_of_this_machine_are_those_the_engines_document():
    places = DefaultPlaces()
    assert places.user_id == os.getuid()
    assert places.of("docker", {})[0].url == "unix:///var/run/docker.sock"
    assert "unix:///run/podman/podman.sock" in [each.url for each in places.of("podman", {})]


def test_a_stale_socket_is_no_engine_and_the_next_one_is_asked(machine):
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(machine.folder / "d.sock"))
    with machine.running(p=engine(B)):
        assert machine.order().resolve().identity.image_id == B


def test_an_engine_without_the_image_has_answered_and_no_other_is_asked(machine):
    with machine.running(run_1000_docker=EMPTY, p=engine()), pytest.raises(ImageNotFound) as caught:
        machine.order().resolve()
    assert [line.split(":")[0] for line in caught.value.tried] == ["No engine at unix"]


@pytest.mark.parametrize("status", [403, 500])
def test_an_engine_that_refuses_has_answered_too(machine, status):
    with machine.running(d={"/version": (status, b"no")}, p=engine()), pytest.raises(EngineUnreachable) as caught:
        machine.order().resolve()
    assert not isinstance(caught.value, EngineAbsent)


def test_where_no_engine_is_the_error_lists_every_place(machine):
    with pytest.raises(EngineAbsent, match="there is no docker or podman at its usual places") as caught:
        machine.order().resolve()
    places = ["d.sock", "run/1000/docker.sock", "home/.docker/run/docker.sock", "podman/podman.sock", "p.sock"]
    assert len(caught.value.tried) == len(places)
    for line, place in zip(caught.value.tried, places, strict=True):
        assert f"{place} (the default" in line
        assert "the socket does not exist" in line
    with pytest.raises(EngineAbsent, match="there is no podman at its usual places") as caught:
        machine.order(("podman",)).resolve()
    assert len(caught.value.tried) == 2


@pytest.mark.parametrize("engines", [("docker", "podman"), ("podman",)])
@pytest.mark.parametrize("by", ["flag", "DOCKER_HOST", "DOCKER_CONTEXT"])
def test_a_named_engine_is_asked_alone_whatever_the_order_says(machine, engines, by):
    url = f"unix://{machine.folder}/named.sock"
    if by == "DOCKER_CONTEXT":
        machine.environ |= context("ci", url, machine.folder / "config")
    elif by == "DOCKER_HOST":
        machine.environ[by] = url
    order = machine.order(engines, docker_host=url if by == "flag" else None)
    with machine.running(d=engine(), p=engine()), pytest.raises(EngineAbsent, match=r"named\.sock") as caught:
        order.resolve()
    assert caught.value.tried == ()
    with machine.running(d=engine(A), p=engine(A), named=engine(B)):
        assert order.resolve().identity.image_id == B


def test_podmans_own_variable_names_the_engine_where_podman_comes_first(machine):
    machine.environ |= {"CONTAINER_HOST": f"unix://{machine.folder}/named.sock", "DOCKER_HOST": "unix:///docker"}
    with machine.running(named=engine(B), p=engine(A)):
        found = machine.order(("podman", "docker")).resolve().identity
    assert (found.image_id, found.engine.endpoint_from) == (B, "CONTAINER_HOST")
    with machine.running(d=engine(), p=engine()), pytest.raises(EngineAbsent, match="from CONTAINER_HOST"):
        machine.order(("podman", "docker")).resolve()
    with pytest.raises(EngineAbsent, match="unix:///flag"):
        machine.order(("podman",), docker_host="unix:///flag").resolve()


def test_podmans_own_variable_is_the_only_place_of_podman_behind_docker(machine):
    machine.environ["CONTAINER_HOST"] = f"unix://{machine.folder}/named.sock"
    with machine.running(named=engine(B), p=engine(A)):
        assert machine.order().resolve().identity.image_id == B
    with machine.running(p=engine()), pytest.raises(EngineAbsent, match="usual places") as caught:
        machine.order().resolve()
    assert "from CONTAINER_HOST" in caught.value.tried[-1]


def test_podmans_own_variable_has_to_be_an_address_but_only_where_it_is_read(machine):
    machine.environ["CONTAINER_HOST"] = "ssh://core@host:22/run/podman/podman.sock"
    with machine.running(d=engine()):
        assert machine.order().resolve().identity.image_id == A
    with pytest.raises(EngineSettingsError, match="from CONTAINER_HOST cannot be used: ssh:// takes no path"):
        machine.order().resolve()


def test_the_second_look_asks_the_engine_that_answered_and_no_other(machine):
    order = machine.order()
    with machine.running(p=engine(A)):
        identity = order.resolve().identity
    with machine.running(d=engine(B), p=engine(A)):
        order.look_again(identity)
    with machine.running(d=engine(A), p=engine(B)), pytest.raises(ImageMoved):
        order.look_again(identity)
    with machine.running(d=engine(A)), pytest.raises(EngineUnreachable, match=r"p\.sock"):
        order.look_again(identity)


def test_an_engine_that_refuses_is_asked_again_until_it_is_there(machine, caplog):
    port = free_port()
    machine.environ["DOCKER_HOST"] = f"tcp://127.0.0.1:{port}"
    with ExitStack() as stack:

        class Starting(FakeClock):
            def sleep(self, seconds):
                super().sleep(seconds)
                if len(self.sleeps) == 3:
                    stack.enter_context(engine_on_port(engine(name="Engine"), port=port))

        machine.clock = Starting()
        with caplog.at_level(logging.INFO, "jenkins_scan"):
            assert machine.order(wait=10).resolve().identity.image_id == A
    assert machine.clock.sleeps == [0.25, 0.375, 0.5625]
    assert [record.getMessage() for record in caplog.records] == [
        f"Nobody listens at tcp://127.0.0.1:{port} (from DOCKER_HOST): connection refused. Waiting up to 10 s for it."
    ]


def test_an_engine_that_goes_on_refusing_is_given_up_with_what_was_waited(machine):
    with pytest.raises(EngineAbsent, match=r"connection refused\. It was waited for 3 s \(--engine-wait\)"):
        machine.order(docker_host="tcp://127.0.0.1:1", wait=3).resolve()
    assert sum(machine.clock.sleeps) == pytest.approx(3)
    assert max(machine.clock.sleeps) <= 1


def test_without_a_wait_a_refusal_is_final(machine):
    with pytest.raises(EngineAbsent, match=r"connection refused\.$"):
        machine.order(docker_host="tcp://127.0.0.1:1").resolve()
    assert machine.clock.sleeps == []


@pytest.mark.parametrize("host", ["unix:///nowhere/docker.sock", "tcp://docker.invalid:2375", "ssh://127.0.0.1:1"])
def test_what_waiting_does_not_help_is_told_at_once(machine, host):
    with pytest.raises((EngineUnreachable, EngineSettingsError)):
        machine.order(docker_host=host, wait=60).resolve()
    assert machine.clock.sleeps == []


def test_a_refusal_by_a_running_engine_is_not_waited_for(machine):
    said = b"Client sent an HTTP request to an HTTPS server.\n"
    with engine_on_port({"/version": (400, said)}) as running, pytest.raises(EngineTLSError):
        machine.order(docker_host=running.url, wait=60).resolve()
    assert machine.clock.sleeps == []


@pytest.mark.parametrize(
    ("cause", "starting"),
    [
        (ConnectionRefusedError(), True),
        (ConnectionResetError(), True),
        (TimeoutError(), False),
        (BrokenPipeError(), False),
        (socket.gaierror(), False),
        (PermissionError(), False),
    ],
)
def test_only_what_an_engine_gives_in_its_first_seconds_is_waited_for(cause, starting):
    for url, counts in (("tcp://docker:2375", True), ("unix:///x", False), ("ssh://host", False)):
        endpoint = EngineEndpoint(url, "x")
        error = explain(cause, endpoint, 1)
        error.__cause__ = cause
        assert may_be_starting(error, endpoint) is (starting and counts)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_all_images_of_a_run_share_one_wait(machine):
    machine.environ["DOCKER_HOST"] = f"tcp://127.0.0.1:{free_port()}"
    patience = Patience(10, machine.clock)
    for order in (machine.order(patience=patience), machine.order(patience=patience)):
        with pytest.raises(EngineAbsent, match="waited for 10 s"):
            order.resolve()
    assert 10 <= sum(machine.clock.sleeps) < 11


def test_certificates_that_are_not_written_yet_are_waited_for(machine, tmp_path):
    """Docker-in-Docker writes them as it starts, before it listens."""
    made = EngineCertificates(tmp_path / "made")
    (tmp_path / "made").mkdir()
    server, folder = made.server(), tmp_path / "certs"
    client = made.client()
    machine.environ |= {"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(folder)}

    class Writing(FakeClock):
        def sleep(self, seconds):
            super().sleep(seconds)
            if len(self.sleeps) == 2:
                shutil.copytree(client.ca.parent, folder)

    machine.clock = Writing()
    with engine_on_port(engine(name="Engine"), server.context()) as started:
        machine.environ["DOCKER_HOST"] = started.url
        assert machine.order(wait=10).resolve().identity.image_id == A
        assert len(machine.clock.sleeps) == 2
        shutil.rmtree(folder)
        with pytest.raises(EngineTLSMissing, match=r"ca\.pem .*No such file"):
            machine.order(wait=0).resolve()


def test_a_second_look_waits_for_nobody(machine):
    with machine.running(d=engine(name="Engine")):
        machine.environ["DOCKER_HOST"] = f"unix://{machine.folder}/d.sock"
        order = machine.order(wait=10)
        identity = order.resolve().identity
    with pytest.raises(EngineAbsent):
        order.look_again(identity)
    assert machine.clock.sleeps == []


@pytest.mark.parametrize("home", ["file", "loop"])
def test_a_usual_place_that_cannot_be_looked_into_is_no_engine(machine, home):
    (machine.folder / "file").write_text("")
    (machine.folder / "loop").symlink_to("loop")
    machine.environ["HOME"] = str(machine.folder / home)
    with machine.running(p=engine()):
        assert machine.order().resolve().identity.engine.name == "podman"
