"""A real dockerd behind a socket of the test: what it says is spoilt, or something happens to it in the middle."""

import gzip
import json
import os
import signal
import socket
import threading
from contextlib import contextmanager

import pytest

from tests.faults.bed import environ, run
from tests.faults.faulty_engine import (
    a_byte_a_second,
    after,
    black_hole,
    changed,
    close,
    cut,
    endless,
    endless_head,
    faulty_engine,
    raw,
    saying,
)
from tests.faults.surroundings import CREATE, NAME, QUOTA, STATUS, as_stranger, but_first, center, folder_for_all, owned
from tests.integration.conftest import _started as began
from tests.support import engines

GROUP = "The engine"
BOMB = gzip.compress(b'{"a":"' + b"a" * 64 * 1024 * 1024 + b'"}')
OTHER = "sha256:" + "0" * 64


@pytest.fixture(scope="module")
def place():
    """A folder with a short path, which any user may pass."""
    with folder_for_all() as folder:
        yield folder


@pytest.fixture(scope="module")
def engine(place):
    """A dockerd of this module's own, with an image under two names."""
    with began(engines.running_dockerd(place / "d")) as running:
        with running.client() as client:
            engines.build_scratch_image(client, NAME, {"a": b"1"})
            engines.build_scratch_image(client, "team/other:1", {"b": b"2"})
        yield running


@pytest.fixture
def client(engine):
    with engine.client() as client:
        yield client


@pytest.fixture
def scan(engine, place, tmp_path, note):
    """Runs a scan through the spoilt socket, and notes it; returns the run and what the service opened."""

    def scanned(fault, faults, *, at=None, verb="scan", image=NAME, options=(), real=None, **more):
        with (
            center(at=at) as service,
            faulty_engine(place / f"{tmp_path.name[-12:]}.sock", real or engine.socket, faults) as between,
        ):
            asked = ("--docker-host", between.url, *(("--fail-on", "high") if verb == "scan" else ()))
            done = run(
                *(verb, image, *asked, "--report-dir", "scan-report", *options),
                env=environ(service.url),
                folder=tmp_path,
                **more,
            )
            opened = service.opened
        note(fault, done, opened)
        return done, opened

    return scanned


def ended(ran, code, reason, tasks):
    done, opened = ran
    assert (done.code, done.reason, len(opened)) == (code, reason, tasks), done.said[-2000:]


def test_without_a_fault_the_image_passes(scan):
    ended(scan("none: the way through the socket of the bed", {}), 0, "", 1)


BEFORE = {
    "the connection ends before an answer to /version": {("version", 0): close},
    "the connection ends in the body of /version": {("version", 0): cut},
    "/version is an HTML page": {("version", 0): saying(b"<html>no</html>", "200 OK", "Content-Type: text/html")},
    "/version is no HTTP": {("version", 0): raw(b"SSH-2.0-OpenSSH_9.2\r\n")},
    "/version is NUL bytes": {("version", 0): raw(b"\0" * 4096)},
    "/version is JSON that was cut": {("version", 0): changed(lambda body: body[: len(body) // 2])},
    "/version is a list": {("version", 0): saying(b"[]")},
    "/version is null": {("version", 0): saying(b"null")},
    "/version is nested ten thousand times": {("version", 0): saying(b"[" * 10_000)},
    "/version has no API version": {("version", 0): saying(b"{}")},
    "/version has an API version that is none": {("version", 0): saying(b'{"ApiVersion":"banana"}')},
    "/version has an API version that the engine then refuses": {("version", 0): saying(b'{"ApiVersion":"1.5"}')},
    "/version has a least API version that is too new": {
        ("version", 0): saying(b'{"ApiVersion":"9.9","MinAPIVersion":"9.9"}')
    },
    "/version never ends": {("version", 0): endless},
    "the headers of /version never end": {("version", 0): endless_head},
    "/version is a gzip bomb": {("version", 0): saying(BOMB, "200 OK", "Content-Encoding: gzip")},
    "/version is announced as gzip and is not": {("version", 0): saying(b"{}", "200 OK", "Content-Encoding: gzip")},
    "/version is answered 204": {("version", 0): saying(b"", "204 No Content")},
    "/version is answered 404": {("version", 0): saying(b"404 page not found", "404 Not Found")},
    "/version is answered 407 by a proxy": {("version", 0): saying(b"no", "407 Proxy Authentication Required")},
    "/version is answered 500 with a text": {("version", 0): saying(b"panic: \x1b[2J", "500 Internal Server Error")},
    "the connection ends before an answer to the inspect": {("inspect", 0): close},
    "the connection ends in the body of the inspect": {("inspect", 0): cut},
    "the inspect is an HTML page": {("inspect", 0): saying(b"<html>")},
    "the inspect is JSON that was cut": {("inspect", 0): changed(lambda body: body[:-10])},
    "the inspect is of no image": {("inspect", 0): saying(b"{}")},
    "the inspect never ends": {("inspect", 0): endless},
    "the inspect is a gzip bomb": {("inspect", 0): saying(BOMB, "200 OK", "Content-Encoding: gzip")},
    "the inspect is answered 403 by a plug-in": {("inspect", 0): saying(b'{"message":"denied"}', "403 Forbidden")},
    "the inspect is answered 500 with a text": {("inspect", 0): saying(b"oops", "500 Internal Server Error")},
    "the inspect is answered 404": {("inspect", -1): saying(b'{"message":"no such image"}', "404 Not Found")},
    "the inspect has an id that is none": {
        ("inspect", 0): changed(lambda body: json.dumps(json.loads(body) | {"Id": "../../etc/passwd"}).encode())
    },
}
WAITED_FOR = {
    "/version is never answered": {("version", 0): black_hole},
    "the inspect is never answered": {("inspect", 0): black_hole},
}


@pytest.mark.parametrize("fault", but_first(BEFORE, list(BEFORE)[:36:6]))
def test_what_cannot_be_understood_opens_nothing(scan, fault):
    ended(scan(fault, BEFORE[fault]), 13, "image", 0)


@pytest.mark.parametrize("fault", but_first(WAITED_FOR, ["the inspect is never answered"]))
def test_an_engine_that_is_silent_is_given_up(scan, fault):
    ended(scan(fault, WAITED_FOR[fault]), 13, "image", 0)


@pytest.mark.slow
@pytest.mark.parametrize("request_for", ["version", "inspect"])
def test_an_engine_that_trickles_is_given_up(scan, request_for):
    ran = scan(f"a byte of the {request_for} comes each second", {(request_for, 0): a_byte_a_second})
    ended(ran, 13, "image", 0)


def test_a_redirect_is_not_followed(scan):
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        elsewhere.settimeout(0.1)
        where = f"Location: http://127.0.0.1:{elsewhere.getsockname()[1]}/version"
        ran = scan("/version is sent to another host", {("version", 0): saying(b"", "307 Temporary Redirect", where)})
        ended(ran, 13, "image", 0)
        with pytest.raises(TimeoutError):
            elsewhere.accept()


LATER = {
    "the connection ends before an answer to the second look": close,
    "the connection ends in the body of the second look": cut,
    "the second look is an HTML page": saying(b"<html>"),
    "the second look is answered 500": saying(b"oops", "500 Internal Server Error"),
    "the second look finds no such image": saying(b"{}", "404 Not Found"),
    "the second look is of an image with another id": changed(
        lambda body: json.dumps(json.loads(body) | {"Id": OTHER}).encode()
    ),
    "the second look has no id": saying(b"{}"),
    "the second look is never answered": black_hole,
}


@pytest.mark.parametrize("fault", but_first(LATER, list(LATER)[1:6:2]))
def test_a_second_look_that_tells_nothing_proves_nothing(scan, fault):
    ended(scan(fault, {("inspect", 1): LATER[fault], ("inspect", 2): LATER[fault]}), 17, "incomplete", 1)


def test_an_engine_that_answers_for_another_image_than_the_id_asked_for(scan, client):
    asked = client.inspect_image(NAME)["Id"]
    answer = json.dumps(client.inspect_image("team/other:1")).encode()
    ended(
        scan("asked by id, it answers for another image", {("inspect", -1): saying(answer)}, image=asked),
        13,
        "image",
        0,
    )


def unhelpful(body):
    """A /version without what tells the store."""
    return json.dumps({"ApiVersion": json.loads(body)["ApiVersion"], "Version": "1"}).encode()


INFOS = {
    "/info is full of errors": saying(
        json.dumps({"Driver": None, "DriverStatus": [["x"]], "Warnings": ["\x1b[31m"] * 99, "Errors": ["e"]}).encode()
    ),
    "/info is answered 500": saying(b"oops", "500 Internal Server Error"),
    "/info is of another shape": saying(b'{"DriverStatus":"overlay","Driver":7}'),
}


@pytest.mark.parametrize("fault", but_first(INFOS, list(INFOS)[:1]))
def test_an_engine_that_does_not_know_itself_never_passes_without_a_proof(scan, fault):
    done, opened = scan(fault, {("version", -1): changed(unhelpful), ("info", -1): INFOS[fault]})
    assert done.code in (0, 13, 17), done.said
    assert len(opened) == (done.code != 13)


EXPORTS = {
    "the connection ends before the export": close,
    "the connection ends in the export": cut,
    "the export is answered 500": saying(b'{"message":"no space left on device"}', "500 Internal Server Error"),
    "the export is answered 404": saying(b'{"message":"no such image"}', "404 Not Found"),
    "the export is an HTML page": saying(b"<html>" * 400),
    "the export is empty": saying(b""),
    "the export is NUL bytes": saying(b"\0" * 20480),
}


@pytest.mark.parametrize("fault", but_first(EXPORTS, list(EXPORTS)[1:2]))
def test_a_check_of_an_export_that_breaks_is_no_clean_one(scan, fault):
    ended(scan(f"check: {fault}", {("export", -1): EXPORTS[fault]}, verb="check"), 13, "image", 0)


def test_an_export_of_another_image_is_no_check_of_this_one(scan, client):
    other = b"".join(client.get_image("team/other:1"))
    ran = scan("check: the export is of another image", {("export", -1): saying(other)}, verb="check")
    assert ran[0].code in (13, 17), ran[0].said


def test_an_image_that_is_deleted_during_the_export(scan, client):
    engines.build_scratch_image(client, "team/gone:1", {"g": b"1"})
    gone = after(lambda: client.remove_image("team/gone:1", force=True))
    ended(
        scan("check: the image is deleted before its export", {("export", 0): gone}, verb="check", image="team/gone:1"),
        13,
        "image",
        0,
    )


@pytest.mark.parametrize("moment", but_first([QUOTA, CREATE, STATUS], [QUOTA]))
def test_an_image_that_is_deleted_in_the_middle(scan, client, moment):
    name = f"team/deleted:{moment.lower()}"
    engines.build_scratch_image(client, name, {"d": moment.encode()})
    ran = scan(
        f"the image is deleted at {moment}", {}, at={moment: lambda: client.remove_image(name, force=True)}, image=name
    )
    ended(ran, 17, "incomplete", 1)


@pytest.mark.parametrize("moment", but_first([QUOTA, CREATE, STATUS], [QUOTA]))
def test_a_tag_that_moves_in_the_middle(scan, client, moment):
    name = f"team/moved:{moment.lower()}"
    engines.build_scratch_image(client, name, {"m": moment.encode()})
    move = {moment: lambda: client.tag("team/other:1", *name.split(":"))}
    ended(scan(f"the tag means another image at {moment}", {}, at=move, image=name), 17, "incomplete", 1)


def test_a_tag_that_moves_between_the_version_and_the_inspect_is_the_image_of_the_inspect(scan, client):
    engines.build_scratch_image(client, "team/early:1", {"e": b"1"})
    moved = after(lambda: client.tag("team/other:1", "team/early", "1"))
    ended(scan("the tag moves before it is identified", {("inspect", 0): moved}, image="team/early:1"), 0, "", 1)


@contextmanager
def nobody_listens(path):
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    yield f"unix://{path}"
    path.unlink()


def test_a_socket_that_is_not_there_or_that_nobody_serves(place, tmp_path, note):
    with center() as service, nobody_listens(place / "left.sock") as left:
        for fault, where in (("the socket is gone", f"unix://{place}/gone.sock"), ("nobody serves the socket", left)):
            done = run("scan", NAME, "--docker-host", where, env=environ(service.url), folder=tmp_path)
            assert (done.code, done.reason, service.opened) == (13, "image", [])
            note(fault, done)


def test_the_socket_is_a_file_or_a_folder(place, tmp_path, note):
    (place / "file").touch()
    with center() as service:
        for fault, where in (("the socket is a file", place / "file"), ("the socket is a folder", place)):
            done = run("scan", NAME, "--docker-host", f"unix://{where}", env=environ(service.url), folder=tmp_path)
            assert (done.code, service.opened) == (13, []), done.said
            note(fault, done)


def test_a_socket_that_the_user_may_not_open(place, engine, note):
    folder = owned_folder(place, "a")
    with center() as service, faulty_engine(place / "forbidden.sock", engine.socket, {}) as between:
        between.path.chmod(0o600)
        done = run(
            *("scan", NAME, "--docker-host", between.url),
            env=environ(service.url),
            folder=folder,
            before=as_stranger(),
        )
        assert (done.code, done.reason, service.opened) == (13, "image", [])
    assert "permission denied" in done.err
    note("the user may not open the socket", done)


def test_a_socket_that_is_taken_away_from_the_user_in_the_middle(place, engine, note):
    folder = owned_folder(place, "b")
    with faulty_engine(place / "taken.sock", engine.socket, {}) as between:
        between.path.chmod(0o666)
        with center(at={CREATE: lambda: between.path.chmod(0o600)}) as service:
            done = run(
                *("scan", NAME, "--docker-host", between.url, "--fail-on", "high"),
                env=environ(service.url),
                folder=folder,
                before=as_stranger(),
            )
            opened = service.opened
    assert (done.code, done.reason, len(opened)) == (17, "incomplete", 1), done.said
    note("the permission for the socket is lost after the submit", done, opened)


def owned_folder(place, name):
    (place / name).mkdir()
    return owned(place / name)


def test_an_engine_that_is_gone_after_the_submit(place, engine, tmp_path, note):
    path = place / "gone.sock"
    with (
        faulty_engine(path, engine.socket, {}) as between,
        center(at={CREATE: lambda: path.rename(place / "elsewhere.sock")}) as service,
    ):
        done = run(
            *("scan", NAME, "--docker-host", between.url, "--fail-on", "high"),
            env=environ(service.url),
            folder=tmp_path,
        )
        opened = service.opened
    assert (done.code, done.reason, len(opened)) == (17, "incomplete", 1)
    note("the engine is gone after the submit", done, opened)


@pytest.mark.parametrize("comes_back", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_an_engine_that_is_restarted_in_the_middle(place, tmp_path, note, comes_back):
    folder = place / f"r{comes_back:d}"
    with began(engines.running_dockerd(folder)) as first:
        with first.client() as client:
            engines.build_scratch_image(client, NAME, {"a": b"1"})
        stopped, again, over = threading.Event(), threading.Event(), threading.Event()

        def restart():
            stopped.wait(60)
            if comes_back:
                with began(engines.running_dockerd(folder)):
                    again.set()
                    over.wait(60)

        def at_the_quota():
            os.kill(first.process_id, signal.SIGTERM)
            os.waitpid(first.process_id, 0)
            stopped.set()
            assert not comes_back or again.wait(60)

        second = threading.Thread(target=restart)
        second.start()
        with center(at={QUOTA: at_the_quota}) as service:
            done = run(
                *("scan", NAME, "--docker-host", first.host_url, "--fail-on", "high", "--timeout", "30s"),
                env=environ(service.url),
                folder=tmp_path,
            )
            opened = service.opened
        over.set()
        second.join(60)
    if comes_back:
        assert (done.code, len(opened)) in ((0, 1), (15, 0)), done.said
        note("the engine is restarted before the submit", done, opened)
    else:
        assert (done.code, done.reason, len(opened)) == (17, "incomplete", 1)
        note("the engine is stopped before the submit", done, opened)
