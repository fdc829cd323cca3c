"""What is on the wire: where each parameter travels, the headers, and that no two tries are the same."""

import re
from datetime import UTC, datetime

import pytest

from jenkins_scan import __version__
from jenkins_scan.security_center.endpoints import Endpoint
from jenkins_scan.security_center.interface import ScanRequest
from tests.support.center import DIGEST, TOKEN, FakeClock, Replies, created, listed, quota, refused

IMAGE_ID = "b10ef7b245c34a0822055c74fc4a0e8b5baf0279306316b2c517a501ed250b1e"
WHOLE = ScanRequest(
    namespace="ns",
    repo_name="app",
    tag="1.0",
    digest=DIGEST,
    image_id=IMAGE_ID,
    image_size=6120340,
    image_create=1717430400000,
    image_update=1717430400001,
    uuid="6690a46c-0edb-4663-a641-3629d1a9c0de",
    source_ip="192.0.2.1",
    jenkins_env="release",
)


@pytest.fixture
def send():
    """Sends one create and returns its request."""

    def send(request, replies=None, **client):
        replies = replies or Replies(created())
        clock = FakeClock()
        replies.client(clock, **client).create_jenkins_image_scan_task(request, deadline=clock.monotonic() + 30)
        return replies.requests[-1]

    return send


def test_a_create_carries_each_parameter_where_the_api_page_says(send):
    replies = Replies(created())
    request = send(WHOLE, replies)
    assert request.method == "POST"
    assert str(request.url) == "https://tds.cn-shanghai.aliyuncs.com/?JenkinsEnv=release&SourceIp=192.0.2.1"
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert replies.form == {
        "Token": TOKEN,
        "Namespace": "ns",
        "RepoName": "app",
        "Tag": "1.0",
        "Digest": DIGEST,
        "ImageId": IMAGE_ID,
        "ImageSize": "6120340",
        "ImageCreate": "1717430400000",
        "ImageUpdate": "1717430400001",
        "Uuid": "6690a46c-0edb-4663-a641-3629d1a9c0de",
    }


def test_only_what_is_known_is_sent(send):
    replies = Replies(created())
    request = send(ScanRequest(repo_name="app"), replies)
    assert replies.form == {"RepoName": "app", "Token": TOKEN}
    assert request.url.query == b""


def test_zero_is_a_value(send):
    replies = Replies(created())
    send(ScanRequest(image_size=0, image_create=0), replies)
    assert replies.form == {"ImageCreate": "0", "ImageSize": "0", "Token": TOKEN}


def test_odd_characters_reach_the_service_as_they_were_typed(send):
    replies = Replies(created())
    request = send(ScanRequest(repo_name="a b*c~d/e+中&=", jenkins_env="release"), replies)
    assert replies.form["RepoName"] == "a b*c~d/e+中&="
    assert b"RepoName=a+b%2Ac~d%2Fe%2B%E4%B8%AD%26%3D" in request.content


def test_a_create_without_any_field_still_says_that_it_is_a_form(send):
    request = send(ScanRequest(), token=None)
    assert request.content == b""
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"


def test_no_secret_travels_in_the_url(send):
    assert TOKEN not in str(send(WHOLE).url)


@pytest.mark.parametrize("operation", ["DescribeImageScanAuthCount", "DescribeImageLatestScanTask"])
def test_a_read_has_an_empty_body_and_no_content_type(operation):
    replies = Replies(quota() if operation == "DescribeImageScanAuthCount" else listed())
    clock = FakeClock()
    client = replies.client(clock)
    if operation == "DescribeImageScanAuthCount":
        client.describe_image_scan_auth_count(deadline=clock.monotonic() + 30)
        query = b""
    else:
        client.tasks.latest(DIGEST, deadline=clock.monotonic() + 30)
        query = f"Digest={DIGEST}".encode()
    (request,) = replies.requests
    assert replies.asked == [operation]
    assert (request.url.query, request.content) == (query, b"")
    assert "content-type" not in request.headers
    assert "transfer-encoding" not in request.headers
    assert request.headers["x-acs-content-sha256"].startswith("e3b0c44298fc1c149afb")


def test_the_headers_are_those_of_the_protocol(send):
    headers = send(WHOLE).headers
    assert headers["x-acs-action"] == "CreateJenkinsImageScanTask"
    assert headers["x-acs-version"] == "2018-12-03"
    assert headers["accept"] == "application/json"
    assert headers["user-agent"] == f"jenkins-scan/{__version__}"
    assert re.fullmatch("[0-9a-f]{32}", headers["x-acs-signature-nonce"])
    assert "x-acs-security-token" not in headers


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://127.0.0.1:8080", "127.0.0.1:8080"),
        ("https://tds.example.com:8443", "tds.example.com:8443"),
        ("https://tds.example.com:443", "tds.example.com"),
        ("https://tds.example.com", "tds.example.com"),
        ("http://[::1]:8080", "[::1]:8080"),
    ],
)
def test_the_host_has_its_port_unless_it_is_the_usual_one(send, url, host):
    request = send(WHOLE, endpoint=Endpoint(url))
    assert request.headers["host"] == host
    assert "SignedHeaders=content-type;host;" in request.headers["authorization"]


def test_each_try_has_a_nonce_and_a_signature_of_its_own(send):
    replies = Replies(refused("Throttling"), refused("Throttling.User", 429), created())
    send(WHOLE, replies)
    for name in ("x-acs-signature-nonce", "authorization"):
        assert len({request.headers[name] for request in replies.requests}) == 3
    assert len({request.content for request in replies.requests}) == 1


def test_each_try_has_a_date_of_its_own(send):
    replies = Replies(refused("Throttling", after="2000"), created())
    send(WHOLE, replies)
    first, second = (datetime.fromisoformat(request.headers["x-acs-date"]) for request in replies.requests)
    assert first == datetime(2025, 1, 2, 12, tzinfo=UTC)
    assert 2 <= (second - first).total_seconds() <= 3
