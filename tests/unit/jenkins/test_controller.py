"""What is read from a controller through python-jenkins, against one on loopback that behaves like Jenkins."""

import json
import logging
import sys
import time

import pytest
import trustme

from jenkins_scan.jenkins.access import Access
from jenkins_scan.jenkins.controller import LARGEST_RESULT, Controller, Who
from jenkins_scan.jenkins.exchange import LARGEST_PAGE, Exchange
from tests.support.center import Canned
from tests.support.controller import (
    HTML,
    TOKEN,
    USER,
    VERSION,
    Answer,
    Build,
    certified,
    dripping,
    error,
    redirect,
    serving,
    silent,
)
from tests.support.loopback_servers import loopback_servers

ME = "me/api/json"
PLACE = "scan-report/result.json"
SHORT = 0.15


@pytest.fixture
def elsewhere():
    """Another server, which has to hear nothing at all."""
    with loopback_servers() as start:
        server = start(Canned(200, b"{}"))
        yield server
        assert server.requests == []


def test_it_tells_whose_the_token_is(server, access):
    assert Controller(access).who_am_i() == Who(USER, VERSION)
    assert server.asked == [("GET", "/jenkins/me/api/json?depth=0")]


@pytest.mark.parametrize(
    ("me", "who"),
    [
        ({"id": "", "fullName": "Bob \x1b[31mB\nC"}, Who("Bob B C", None)),
        ({"id": "anonymous"}, None),
        ({"id": None}, None),
        ([], None),
        ({"id": 7}, None),
    ],
)
def test_an_account_is_a_name_or_nobody(server, access, failure, me, who):
    server.answers[ME] = lambda handler: handler.wfile.write(
        b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n" + json.dumps(me).encode()
    )
    if who is None:
        failure(Controller(access).who_am_i)
    else:
        assert Controller(access).who_am_i() == who


@pytest.mark.parametrize("job", ["app", "team/app", "team/my app/feature%2Flogin", "team/app/ünï+%25x"])
def test_the_result_of_the_last_successful_build_comes_as_it_is(server, access, job):
    content = b'{"caf\xe9": "not UTF-8 at all"}\r\n'
    server.jobs[job] = {7: Build({PLACE: b"old"}), 8: Build({PLACE: content, "other/result.json": b"", "a b.txt": b""})}
    earlier = Controller(access).last_successful_result(job, [PLACE])
    assert (earlier.job, earlier.number, earlier.path, earlier.content) == (job, 8, PLACE, content)
    assert earlier.shown == f"{job} #8 ({PLACE})"
    assert [method for method, _ in server.asked] == ["GET"] * 3


def test_an_artifact_of_any_name_is_found(server, access):
    server.jobs["app"] = {1: Build({"übrige %25 datei#1/result.json": b"found"})}
    assert Controller(access).last_successful_result("app", []).content == b"found"


@pytest.mark.parametrize(
    ("builds", "said"),
    [
        (None, "not found (HTTP 404)"),
        ({}, "has no successful build yet"),
        ({3: Build({"app.jar": b""})}, "the last successful build, app #3: it archived no result.json"),
    ],
)
def test_there_may_be_nothing_to_compare_with(server, access, failure, builds, said):
    if builds is not None:
        server.jobs["app"] = builds
    assert said in failure(lambda: Controller(access).last_successful_result("app", [PLACE])).message


@pytest.mark.parametrize(
    "body", [{"lastSuccessfulBuild": "x"}, {"lastSuccessfulBuild": {"number": "../../x"}}, {"lastSuccessfulBuild": {}}]
)
def test_a_job_of_a_strange_shape_has_no_build(server, access, failure, body):
    server.answers["job/app/api/json"] = Answer(body=json.dumps(body).encode())
    assert "no successful build" in failure(lambda: Controller(access).last_successful_result("app", [])).message


@pytest.mark.parametrize("artifacts", [None, {}, ["x", {"relativePath": 7}, {}]])
def test_a_build_of_a_strange_shape_has_no_artifacts(server, access, failure, artifacts):
    server.jobs["app"] = {1: Build()}
    server.answers["job/app/1/api/json"] = Answer(body=json.dumps({"artifacts": artifacts}).encode())
    assert "no result.json" in failure(lambda: Controller(access).last_successful_result("app", [])).message


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (error(401, "Invalid token"), "does not know these credentials (HTTP 401)"),
        (
            error(403, "bob is missing the Job/Read permission"),
            "may not do that (HTTP 403). It says: HTTP ERROR 403 bob",
        ),
        (error(404, "Not Found"), "not found (HTTP 404)"),
        (error(429, "Slow down"), "HTTP 429"),
        (error(500, "Oops"), "HTTP 500. It says: HTTP ERROR 500 Oops"),
        (Answer(502, b"", HTML), "HTTP 502."),
        (error(200, "Sign in"), "text/html;charset=utf-8 came where JSON was asked for"),
        (Answer(body=b"{"), "it is no JSON"),
        (Answer(body=b"[" * 100_000), "it is no JSON"),
        (Answer(body=b""), "it is no JSON"),
        (Answer(204, b""), "HTTP 204"),
        (Answer(body=b"\x1f\x8b", headers={"Content-Encoding": "gzip"}), "compressed"),
        (Answer(length=LARGEST_PAGE + 1), "larger than 8 MiB"),
        (Answer(body=b"{}", length=10), "broke off: RemoteProtocolError"),
        (redirect("/jenkins/login?from=%2F"), "a redirect to a sign-in page at http://127.0.0.1"),
        (redirect("/jenkins/securityRealm/commenceLogin", 303), "a redirect to a sign-in page"),
        (redirect("https://sso.example.com/adfs/ls"), "a redirect to a sign-in page at https://sso.example.com."),
        (redirect("https://u:p@authors.example.com/author"), "a redirect to https://authors.example.com, which is"),
        (redirect("/jenkins/elsewhere/", 307), "a redirect to http://127.0.0.1"),
        (redirect("http://x:abc/", 301), "broke off: RemoteProtocolError"),
        (Answer(302, b"", HTML), "a redirect to nowhere"),
    ],
)
def test_each_answer_that_is_none_says_what_to_do(server, access, failure, answer, said):
    server.answers[ME] = answer
    assert said in failure(Controller(access).who_am_i).message
    assert len(server.asked) == 1


def test_an_empty_object_is_read_as_no_user(server, access, failure):
    server.answers[ME] = Answer(body=b"null")
    assert "the user is no object" in failure(Controller(access).who_am_i).message


def test_a_job_that_is_no_object_is_not_understood(server, access, failure):
    server.answers["job/app/api/json"] = Answer(body=b'""')
    failed = failure(lambda: Controller(access).last_successful_result("app", []))
    assert "the job is no object" in failed.message


def test_credentials_never_go_to_another_origin(server, access, failure, elsewhere):
    server.jobs["app"] = {1: Build({PLACE: b""})}
    signed = f"{elsewhere.url}/static-files/SIGNED-FOR-ME/result.json"
    server.answers[f"job/app/1/artifact/{PLACE}"] = redirect(signed)
    failed = failure(lambda: Controller(access).last_successful_result("app", [PLACE]))
    assert f"a redirect to {elsewhere.url}, which is not followed" in failed.message
    assert "SIGNED" not in str(failed)


def test_nothing_is_asked_outside_of_the_controllers_root(access, failure, elsewhere):
    with Exchange(access) as exchange:
        assert "outside of JENKINS_URL" in failure(lambda: exchange.ask("GET", elsewhere.url)).message


@pytest.mark.parametrize("behaviour", [silent, dripping], ids=lambda behaviour: behaviour.__name__)
def test_all_of_it_is_limited_in_time(server, access, failure, behaviour):
    server.answers[ME] = behaviour
    began = time.monotonic()
    failed = failure(Controller(access, limit=SHORT).who_am_i)
    assert "gave no whole answer in time" in failed.message
    assert time.monotonic() - began < 5


def test_a_pause_is_limited_too(server, access, failure):
    server.answers[ME] = silent
    with Exchange(access, patience=0.1) as exchange:
        assert "in time" in failure(lambda: exchange.ask("GET", f"{server.url}{ME}")).message


def test_a_huge_artifact_is_refused_before_and_while_it_comes(server, access, failure):
    def endless(handler):
        handler.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n")
        while True:
            handler.wfile.write(bytes(1024 * 1024))

    server.jobs["app"] = {1: Build({PLACE: b""})}
    for answer in (Answer(length=LARGEST_RESULT + 1), endless):
        server.answers[f"job/app/1/artifact/{PLACE}"] = answer
        failed = failure(lambda: Controller(access).last_successful_result("app", [PLACE]))
        assert "larger than 16 MiB" in failed.message


def test_a_token_that_is_refused_is_said(server, failure):
    assert "HTTP 401" in failure(Controller(Access(server.url, USER, "wrong")).who_am_i).message


def test_python_jenkins_own_ways_are_closed(server, access, monkeypatch, tmp_path, caplog):
    """Headers from the environment are neither sent nor logged, TLS stays on, and .netrc is not read."""
    handlers = list(logging.getLogger().handlers)
    monkeypatch.setenv("JENKINS_API_EXTRA_HEADERS", "X-Leak: canary-header")
    monkeypatch.setenv("PYTHONHTTPSVERIFY", "0")
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login other password canary-netrc\n")
    with caplog.at_level(logging.DEBUG):
        assert Controller(access).who_am_i().name == USER
    assert "canary" not in caplog.text
    assert "canary" not in str(server.headers)
    assert "x-leak" not in server.headers[0]
    assert logging.getLogger().handlers == handlers
    assert "requests_kerberos" not in sys.modules


def test_a_proxy_of_the_environment_is_not_for_this_machine(server, access, monkeypatch, elsewhere):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, elsewhere.url)
    assert Controller(access).who_am_i().name == USER


def test_a_proxy_stands_between_here_and_another_machine(failure, monkeypatch):
    access = Access("http://ci.example.com/jenkins/", USER, TOKEN)
    with loopback_servers() as start:
        proxy = start(Canned(200, b'{"id": "through-the-proxy"}', {"content-type": "application/json"}))
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        assert Controller(access).who_am_i().name == "through-the-proxy"
        assert proxy.requests[0].startswith(b"GET http://ci.example.com/jenkins/me/api/json")
        monkeypatch.setenv("NO_PROXY", "ci.example.com")
        assert "cannot be reached" in failure(Controller(access).who_am_i).message
        monkeypatch.delenv("NO_PROXY")
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        refused = Canned(407, TOKEN.encode())
        monkeypatch.setenv("HTTPS_PROXY", start(refused).url)
        secure = Access("https://ci.example.com/jenkins/", USER, TOKEN)
        assert "the proxy did not connect" in failure(Controller(secure).who_am_i).message
        monkeypatch.setenv("HTTPS_PROXY", "gopher://x")
        assert "a proxy variable cannot be followed" in failure(Controller(secure).who_am_i).message


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


def test_tls_is_verified_by_the_named_authority_alone(authority, failure, tmp_path, monkeypatch):
    ca, other = tmp_path / "ca.pem", tmp_path / "other.pem"
    authority.cert_pem.write_to_path(str(ca))
    other.write_text("no certificate")
    monkeypatch.setenv("PYTHONHTTPSVERIFY", "0")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(ca))
    with serving(certified(authority)) as server:
        assert Controller(Access(server.url, USER, TOKEN, str(ca))).who_am_i() == Who(USER, VERSION)
        untrusted = failure(Controller(Access(server.url, USER, TOKEN)).who_am_i)
        assert "TLS to the controller 127.0.0.1 failed: " in untrusted.message
        assert "--ca-bundle" in untrusted.remedy
        plain = server.url.replace("https", "http")
        assert "broke off" in failure(Controller(Access(plain, USER, TOKEN)).who_am_i).message
    assert len(server.headers) == 1
    for named in (str(other), str(tmp_path / "missing.pem")):
        bad = Access("https://127.0.0.1:1/", USER, TOKEN, named)
        assert "cannot be read as CA certificates" in failure(Controller(bad).who_am_i).message


def test_a_controller_that_is_not_there_is_said(failure):
    gone = Access("http://127.0.0.1:1/", USER, TOKEN)
    assert "cannot be reached: Connection refused" in failure(Controller(gone).who_am_i).message
