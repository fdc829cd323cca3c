"""The description of a build, set on a controller on loopback that behaves like Jenkins."""

import pytest

from jenkins_scan.jenkins.access import Access
from jenkins_scan.jenkins.description import describe
from tests.support.center import Canned
from tests.support.controller import TOKEN, USER, Answer, Build, as_json, dripping, error, redirect, silent
from tests.support.loopback_servers import loopback_servers

LINE = "FAIL: app:1, task t has ended, 2 high, ümlaut & 100%, policy (exit 10)"
CRUMB = "crumbIssuer/api/json"


@pytest.fixture
def page(server):
    server.jobs["team/app/feature%2Fx"] = {9: Build()}
    return server.page("team/app/feature%2Fx", 9)


@pytest.fixture
def build(server, page):
    return server.jobs["team/app/feature%2Fx"][9]


@pytest.fixture
def submit(server, page):
    """The path of the form, below the root."""
    return page.removeprefix(server.url) + "submitDescription"


@pytest.mark.parametrize("crumbs", [True, False])
def test_it_is_set_with_the_crumb_of_its_session(server, access, page, build, crumbs):
    server.issues_crumbs = crumbs
    describe(access, page, LINE)
    assert build.description == LINE
    assert [path for _, path in server.asked] == [
        "/jenkins/crumbIssuer/api/json",
        "/jenkins/job/team/job/app/job/feature%252Fx/9/submitDescription",
    ]


def test_a_redirect_to_the_page_written_another_way_is_the_page(server, access, page, build, submit):
    for target in (".", page.rstrip("/"), page.replace("-", "%2d"), page.replace("%25", "%2525")):
        server.answers[submit] = redirect(target, 303)
        if "%2525" in target:
            with pytest.raises(Exception, match="a redirect to http"):
                describe(access, page, LINE)
        else:
            describe(access, page, LINE)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (error(401, "Invalid"), "setting the build description: the controller does not know these credentials"),
        (error(403, "No valid crumb was included in the request"), "wants another crumb (HTTP 403)"),
        (error(404, "Not Found"), "not found (HTTP 404)"),
        (error(500, "Oops"), "HTTP 500. It says: HTTP ERROR 500 Oops"),
        (error(200, "Welcome"), "HTTP 200 came where Jenkins redirects to the build"),
        (redirect("/jenkins/login"), "a redirect to a sign-in page"),
        (redirect("/jenkins/job/other/1/"), "a redirect to http://127.0.0.1"),
        (redirect(".", 301), "a redirect to http://127.0.0.1"),
        (Answer(302), "a redirect to nowhere"),
    ],
)
def test_anything_but_a_redirect_to_the_build_is_no_success(server, access, page, submit, failure, answer, said):
    server.answers[submit] = answer
    assert said in failure(lambda: describe(access, page, LINE)).message


def test_an_account_without_the_permission_is_told_which(server, access, page, build, failure):
    server.may_update = False
    failed = failure(lambda: describe(access, page, LINE))
    assert "Run/Update" in failed.remedy
    assert build.description is None


def test_nothing_is_sent_to_another_origin(server, access, page, submit, failure):
    with loopback_servers() as start:
        elsewhere = start(Canned(200, b""))
        for path in (submit, CRUMB):
            server.answers = {path: redirect(f"{elsewhere.url}/collect", 307)}
            assert elsewhere.url in failure(lambda: describe(access, page, LINE)).message
        server.answers = {}
        assert "outside of JENKINS_URL" in failure(lambda: describe(access, f"{elsewhere.url}/", LINE)).message
        assert elsewhere.requests == []


@pytest.mark.parametrize(
    "crumb",
    [
        Answer(body=b"<html>"),
        as_json([]),
        as_json({"crumb": "x"}),
        as_json({"crumb": 7, "crumbRequestField": "Jenkins-Crumb"}),
        as_json({"crumb": "x\r\nEvil: 1", "crumbRequestField": "Jenkins-Crumb"}),
        as_json({"crumb": "x", "crumbRequestField": "A: b\r\nEvil"}),
    ],
)
def test_a_crumb_that_is_none_is_not_sent(server, access, page, failure, crumb):
    server.answers[CRUMB] = crumb
    assert "asking for a crumb" in failure(lambda: describe(access, page, LINE)).message
    assert len(server.asked) == 1


def test_a_refused_crumb_is_said(server, page, failure):
    failed = failure(lambda: describe(Access(server.url, USER, "wrong"), page, LINE))
    assert "asking for a crumb: the controller does not know these credentials" in failed.message


@pytest.mark.parametrize("behaviour", [silent, dripping], ids=lambda behaviour: behaviour.__name__)
def test_all_of_it_is_limited_in_time(server, access, page, submit, failure, behaviour):
    server.answers[submit] = behaviour
    assert "in time" in failure(lambda: describe(access, page, LINE, limit=0.15)).message


def test_the_account_goes_by_basic_authentication(server, access, page):
    describe(access, page, LINE)
    assert all(headers["authorization"].startswith("Basic ") for headers in server.headers)
    assert TOKEN not in str(server.asked)
