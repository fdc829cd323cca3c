"""Remotes and links lose whatever could be a secret; what cannot be parsed is not shown."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jenkins_scan.jenkins.address import UNREADABLE, URL_LIMIT, clean_link, clean_remote

REMOTES = [
    ("https://github.com/org/app.git", "https://github.com/org/app.git"),
    ("https://user:s3cret@github.com/org/app.git", "https://github.com/org/app.git"),
    ("https://s3cret@github.com:8443/org/app.git", "https://github.com:8443/org/app.git"),
    ("https://a@b:s3cret@github.com/org", "https://github.com/org"),
    ("https://user:p%40s@[2001:db8::1]:443/x", "https://[2001:db8::1]:443/x"),
    ("https://github.com/org/app.git?private_token=s3cret#s3cret", "https://github.com/org/app.git"),
    ("HTTPS://user@github.com", "HTTPS://github.com"),
    ("ssh://git@git.example.cn:22/组/app.git", "ssh://git.example.cn:22/组/app.git"),
    ("codecommit://s3cret@repo", "codecommit://repo"),
    ("git@github.com:org/app.git", "github.com:org/app.git"),
    ("user:s3cret@host:path", "host:path"),
    ("user:pa/s3cret?x#y@host:path?token=s3cret", "host:path"),
    ("host:path", "host:path"),
    ("/srv/git/my app.git", "/srv/git/my app.git"),
    (r"C:\repos\app.git", r"C:\repos\app.git"),
    ("file:///srv/git/app.git", "file:///srv/git/app.git"),
    (" https://h/x ", "https://h/x"),
    ("", None),
    ("  ", None),
    *[
        (text, UNREADABLE)
        for text in (
            "https://user:s3/cret@github.com/org",
            "https://user:12/s3cret@github.com/org",
            "https://user:12?s3cret@github.com/org",
            "https://user:12#s3cret@github.com/org",
            "https://user:s3?cret@github.com",
            "https://github.com/https://user:s3cret@github.com/x",
            "https:///path",
            "https://user@/path",
            "https://[::1/x",
            "https://ho st/x",
            "https://user%3As3cret%40host/x",
            "https://host:port/x",
            "user:s3cret@host/path",
            "//user:s3cret@host/path",
            "git@host:org/app@v2",
            "ext::ssh a@b c@d:x",
            "s3cret@",
            "?token=s3cret",
            "https://h/\nx",
            "https://h/\u202ex",
            "https://h/\udce9",
            "https://h/" + "x" * URL_LIMIT,
        )
    ],
]


@pytest.mark.parametrize(("url", "cleaned"), REMOTES)
def test_a_remote_keeps_host_and_path_alone(url: str, cleaned: str | None) -> None:
    assert clean_remote(url) == cleaned


@pytest.mark.parametrize(
    ("url", "cleaned"),
    [
        ("https://ci.example.org/job/feature%252Fx/7/", "https://ci.example.org/job/feature%252Fx/7/"),
        ("http://user:s3cret@ci:8080/job/app/", "http://ci:8080/job/app/"),
        (
            "https://ci/job/app/7/display/redirect?page=artifacts",
            "https://ci/job/app/7/display/redirect?page=artifacts",
        ),
        ("https://ci/x?page=tests&token=s3cret#s3cret", "https://ci/x?page=tests"),
        ("https://ci/x?token=s3cret&page=tests", "https://ci/x"),
        ("", None),
        ("javascript://h/%0aalert(1)", UNREADABLE),
        ("git@github.com:org/app.git", UNREADABLE),
        ("/job/app", UNREADABLE),
        ("https://user:s3/cret@ci/", UNREADABLE),
    ],
)
def test_a_link_is_http_and_keeps_a_page_query_only(url: str, cleaned: str | None) -> None:
    assert clean_link(url) == cleaned


secrets = st.text(st.characters(), max_size=8)
urls = st.builds(
    "{}{}canary{}@{}{}".format,
    st.sampled_from(
        ["https://", "https://user:", "https://u:1", "ssh://", "user:", "", "//", "x::https://u:", "file:///"]
    ),
    secrets | st.text("/?#@:1\\", max_size=5),
    secrets | st.text("/?#@:1\\", max_size=5),
    st.sampled_from(["host", "host:22", "[::1]", "", "host:org", "h?x", "h#x"]),
    st.text(st.characters(), max_size=8),
)


@given(urls)
@example("user:canary?x@host:path")
@example("https://user:1?canary@host/")
def test_no_user_information_survives(url: str) -> None:
    for cleaned in (clean_remote(url), clean_link(url)):
        assert "canary" not in (cleaned or "")


@given(st.text(st.characters()) | st.text("htps:/@?#ab1[].\\"))
def test_no_cleaned_url_has_an_at_sign_query_or_fragment(url: str) -> None:
    for cleaned in (clean_remote(url), (clean_link(url) or "").split("?page=")[0]):
        assert not set("@?#") & set(cleaned or "")
