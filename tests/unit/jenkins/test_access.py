"""Where the credentials for the controller may go."""

import pytest

from jenkins_scan.jenkins.access import Access, controller_url

ROOT = "https://ci.example.com/jenkins/"


@pytest.mark.parametrize(
    ("url", "root"),
    [
        ("https://ci.example.com/", "https://ci.example.com/"),
        ("https://ci.example.com", "https://ci.example.com/"),
        (" https://ci.example.com:8443/jenkins ", "https://ci.example.com:8443/jenkins/"),
        ("http://[::1]:8080/", "http://[::1]:8080/"),
    ],
)
def test_the_root_ends_with_a_slash(url, root):
    assert controller_url({"JENKINS_URL": url}) == root


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "JENKINS_URL is not set"),
        ("https://bob:secret-word@ci.example.com/", "user information"),
        ("https://ci.example.com/@evil.example.com/", "user information"),
        ("ftp://ci.example.com/", "no http or https address"),
        ("https://ci.example.com\\evil.example.com/", "no http or https address"),
        ("https://ci.example.com/?x=1", "no http or https address"),
        ("https://ci.example.com:99999999/", "no http or https address"),
        ("https://ci.exämple.com/", "no http or https address"),
        ("https://ci.example.com/a b/", "no http or https address"),
        ("//ci.example.com/", "no http or https address"),
    ],
)
def test_an_address_that_cannot_be_read_with_certainty_is_refused(failure, url, said):
    failed = failure(lambda: controller_url({"JENKINS_URL": url}))
    assert said in failed.message
    assert "secret-word" not in str(failed)


@pytest.mark.parametrize(
    ("url", "own"),
    [
        ("https://ci.example.com/jenkins/job/x/1/", True),
        ("https://CI.example.com:443/jenkins/job/x%252Fy/1/", True),
        ("http://ci.example.com/jenkins/job/x/1/", False),
        ("https://ci.example.com:8443/jenkins/job/x/1/", False),
        ("https://ci.example.com.evil.example/jenkins/job/x/1/", False),
        ("https://ci.example.com@evil.example/jenkins/job/x/1/", False),
        ("https://ci.example.com/other/job/x/1/", False),
        ("https://ci.example.com/jenkins/../other/1/", False),
        ("https://ci.example.com/jenkins", False),
        ("https://ci.example.com", False),
        ("nonsense", False),
    ],
)
def test_an_address_is_the_controllers_by_origin_and_root(failure, url, own):
    access = Access(ROOT, "bob", "t")
    assert access.holds(url) is own
    if own:
        assert access.build_page({"BUILD_URL": url}) == url
    else:
        assert "nothing was sent there" in failure(lambda: access.build_page({"BUILD_URL": url})).message


def test_a_build_without_an_address_has_no_page(failure):
    assert "BUILD_URL is not set" in failure(lambda: Access(ROOT, "bob", "t").build_page({})).message


def test_plain_http_is_said_and_no_secret_is_shown():
    access = Access("http://ci.example.com/", "bob-the-user", "a-long-token")
    assert "clear text" in access.warnings[0]
    assert Access(ROOT, "bob", "t").warnings == ()
    assert "bob" not in repr(access)
    assert "token" not in repr(access).replace("token=", "")
