from datetime import datetime, timedelta

import pytest

from jenkins_scan.doctor import engine
from jenkins_scan.errors import EngineSettingsError, EngineTLSError, EngineTLSMissing, EngineUnreachable
from jenkins_scan.images.engine.places import DefaultPlaces
from tests.support.canned_engine import engine_on_port, engine_on_socket
from tests.support.engine_certificates import LONG_AGO, PAST, EngineCertificates

VERSION = {"Version": "29.7.2", "ApiVersion": "1.55", "MinAPIVersion": "1.40", "Components": [{"Name": "Engine"}]}
CONTAINERD = {"Driver": "overlayfs", "DriverStatus": [["driver-type", "io.containerd.snapshotter.v1"]]}
ANSWERS = {"/version": VERSION, "/v1.55/info": CONTAINERD}
NOW = datetime.now().timestamp()  # noqa: DTZ005  of this machine, as certificates are made for it


@pytest.fixture
def places(tmp_path):
    """Usual places in the test's own folder."""
    return DefaultPlaces(docker=tmp_path / "d.sock", podman=tmp_path / "p.sock", run_user=tmp_path, user_id=0)


@pytest.fixture
def check(places):
    def check(docker_host=None, environ=None, engines=("docker", "podman"), now=NOW):
        return engine.check(engines, docker_host, environ or {}, now=now, places=places)

    return check


def test_an_engine_at_its_usual_place_is_told_with_version_and_store(check, places):
    with engine_on_socket(places.docker, ANSWERS) as there:
        outcome = check()
        assert there.requests == ["/version", "/v1.55/info"]
    assert outcome.status == "OK"
    assert outcome.seen == f"docker 29.7.2 (API 1.55) at unix://{places.docker} (the default), store containerd."


def test_podman_is_found_after_docker(check, places):
    with engine_on_socket(places.podman, {"/version": VERSION | {"Components": [{"Name": "Podman Engine"}]}}):
        assert check().seen.startswith("podman 29.7.2")


def test_no_engine_that_nobody_named_is_a_warning_with_all_that_was_tried(check, places):
    outcome = check(environ={"HOME": "/nonexistent"})
    assert (outcome.status, outcome.code) == ("WARN", 11)
    assert outcome.seen.count("the socket does not exist") == 5
    assert "--docker-host" in outcome.remedy


def test_a_named_engine_that_is_not_there_is_a_failure(check):
    with pytest.raises(EngineUnreachable, match=r"Nobody listens at tcp://127.0.0.1:1 \(from --docker-host\)"):
        check("tcp://127.0.0.1:1")
    with pytest.raises(EngineUnreachable, match="from CONTAINER_HOST"):
        check(environ={"CONTAINER_HOST": "unix:///nonexistent/p.sock"}, engines=("podman",))


def test_an_address_that_cannot_be_understood_is_a_failure_of_settings(check):
    with pytest.raises(EngineSettingsError):
        check("ftp://x")


def test_an_engine_that_is_there_and_cannot_be_asked_is_a_failure(check, places):
    broken = engine_on_socket(places.docker, {"/version": (500, {"message": "broken"})})
    with broken, pytest.raises(EngineUnreachable, match="broken"):
        check()


def test_an_engine_that_hides_its_store_is_a_warning(check, places):
    with engine_on_socket(places.docker, {"/version": VERSION}):
        outcome = check()
    assert outcome.status == "WARN"
    assert "store unknown" in outcome.seen
    assert "GET /info" in outcome.remedy


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return EngineCertificates(tmp_path_factory.mktemp("certificates"))


class TestTLS:
    @pytest.fixture
    def ask(self, check, made):
        def ask(client, server=None, verify="1", now=NOW):
            with engine_on_port(ANSWERS, (server or made.server()).context()) as there:
                environ = {
                    "DOCKER_HOST": there.url,
                    "DOCKER_CERT_PATH": str(client.ca.parent),
                    "DOCKER_TLS_VERIFY": verify,
                }
                return check(environ=environ, now=now)

        return ask

    def test_the_days_that_its_files_are_good_for_are_told(self, ask, made):
        client = made.client(name="lasting", not_after=datetime.now() + timedelta(days=100, hours=1))  # noqa: DTZ005
        outcome = ask(client)
        assert outcome.status == "OK"
        assert "good for 100 more days" in outcome.seen

    @pytest.mark.parametrize(("now", "word"), [(10, "about to expire"), (-1, "has expired")])
    def test_files_that_are_about_to_expire_or_have_are_a_warning(self, ask, made, now, word):
        end = datetime.now() + timedelta(days=400)  # noqa: DTZ005
        client = made.client(name="ending", not_after=end)
        outcome = ask(client, now=(end - timedelta(days=now)).timestamp())
        assert outcome.status == "WARN"
        assert word in outcome.seen

    def test_an_expired_client_certificate_is_named(self, ask, made):
        client = made.client(name="old", not_before=LONG_AGO, not_after=PAST)
        with pytest.raises(EngineTLSError, match="expired on 2024"):
            ask(client)

    def test_an_expired_engine_is_named(self, ask, made):
        server = made.server(name="old-server", not_before=LONG_AGO, not_after=PAST)
        with pytest.raises(EngineTLSError, match="the engine's certificate expired on 2024"):
            ask(made.client(), server)

    def test_a_variable_without_the_other_is_a_warning(self, ask, made):
        outcome = ask(made.client(), verify="")
        assert outcome.status == "WARN"
        assert "DOCKER_TLS_VERIFY=1" in outcome.remedy

    def test_a_missing_file_is_named(self, check, tmp_path):
        environ = {"DOCKER_HOST": "tcp://127.0.0.1:1", "DOCKER_CERT_PATH": str(tmp_path), "DOCKER_TLS_VERIFY": "1"}
        with pytest.raises(EngineTLSMissing, match=r"ca\.pem"):
            check(environ=environ)

    def test_a_context_may_hold_an_authority_alone(self, made):
        from jenkins_scan.images.engine.endpoint import EngineEndpoint, EngineTLS

        ca = made.client().ca
        assert engine._days_left(EngineEndpoint("tcp://h:1", "x", tls=EngineTLS(ca, None, None)), NOW) > 14
        public = EngineEndpoint("tcp://h:1", "x", tls=EngineTLS(None, None, None))
        assert engine._days_left(public, NOW) is None
        assert engine._tls(public, NOW) == "TLS by the public authorities"
