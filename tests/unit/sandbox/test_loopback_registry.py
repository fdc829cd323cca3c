"""A real registry on loopback gives the account its images; whatever it says, the sandbox stays bounded."""

import contextlib
import hashlib
import json
import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from jenkins_scan.errors import ConfigurationError
from jenkins_scan.sandbox import loopback_registry
from jenkins_scan.sandbox.call import RegistryUnreadable
from jenkins_scan.sandbox.loopback_registry import LoopbackRegistry
from jenkins_scan.sandbox.scenarios import SCENARIOS
from jenkins_scan.sandbox.service import SandboxService

PRECHECK, CREATE = "PublicPreCheckImageScanTask", "PublicCreateImageScanTask"
CONFIG = "c" * 64
CATALOG = "/v2/_catalog"


def manifest(number, **more):
    body = {"schemaVersion": 2, "config": {"digest": f"sha256:{CONFIG}", "size": number}, **more}
    return json.dumps(body).encode()


def digest_of(content):
    return hashlib.sha256(content).hexdigest()


OLD, NEW, WEB, INDEX = manifest(1), manifest(2), manifest(3), b'{"schemaVersion": 2, "manifests": []}'


class Pages:
    """What a registry answers by path, without the query: bytes, or status, headers and bytes."""

    def __init__(self):
        self.asked = []
        self.answers = {}

    def push(self, repository, tag, content):
        """A manifest under a tag, and under its digest for as long as the registry lives."""
        for reference in (tag, f"sha256:{digest_of(content)}"):
            self.answers[f"/v2/{repository}/manifests/{reference}"] = content
        tags = json.loads(self.answers.get(f"/v2/{repository}/tags/list", '{"tags": []}'))["tags"]
        self.answers[f"/v2/{repository}/tags/list"] = json.dumps({"tags": sorted({*tags, tag})}).encode()
        names = json.loads(self.answers.get(CATALOG, '{"repositories": []}'))["repositories"]
        self.answers[CATALOG] = json.dumps({"repositories": sorted({*names, repository})}).encode()


@contextmanager
def serving(pages):
    """The URL of these pages on loopback."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self):
            pages.asked.append(self.path)
            known = self.path if self.path in pages.answers else urlsplit(self.path).path
            answer = pages.answers.get(known, (404, {}, b'{"errors": []}'))
            status, headers, content = (200, {}, answer) if isinstance(answer, bytes) else answer
            self.send_response(status)
            for name, value in {"content-length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args):
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def pages():
    pages = Pages()
    pages.push("team/sub/app", "1.0", OLD)
    pages.push("team/sub/app", "1.1", NEW)
    pages.push("team/sub/app", "latest", NEW)
    pages.push("web", "1.0", WEB)
    pages.push("web", "multi", INDEX)
    return pages


@pytest.fixture
def url(pages):
    with serving(pages) as url:
        yield url


def selected(here, **query):
    return here.ask(PRECHECK, **query).body["Data"]["NeedAuthCount"]


@pytest.fixture
def attached(bench, url):
    """A bench whose account has the images of the registry, under a ready-made scenario."""

    def under(scenario="clean"):
        here = bench()
        here.service = SandboxService(SCENARIOS[scenario], here.state, now=here.clock, registry_url=url)
        return here

    return under


def test_each_tag_is_an_image_with_the_names_of_its_repository(url):
    images = LoopbackRegistry(url).images(frozenset())
    assert [(one.repository, one.tag, one.digest) for one in images] == [
        ("team/sub/app", "1.0", digest_of(OLD)),
        ("team/sub/app", "1.1", digest_of(NEW)),
        ("team/sub/app", "latest", digest_of(NEW)),
        ("web", "1.0", digest_of(WEB)),
        ("web", "multi", digest_of(INDEX)),
    ]
    first, *_, last = images
    assert (first.namespace, first.repo_name, first.image_id) == ("team", "sub/app", CONFIG)
    assert (last.namespace, last.image_id) == ("", "")
    assert {one.registry_type for one in images} == {"harbor"}
    assert len({one.repo_id for one in images}) == 2


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, 4),
        ({"Digests": digest_of(NEW)}, 1),
        ({"Digests": f"sha256:{digest_of(NEW)}"}, 0),
        ({"Digests": "e" * 64}, 0),
        ({"RepoNamespaces": "team", "RepoNames": "sub/app", "Tags": "latest"}, 1),
        ({"RepoNames": "web"}, 2),
        ({"RegistryTypes": "harbor", "InstanceIds": "harbor-sandbox", "RegionIds": "cn-hangzhou"}, 4),
        ({"RegistryTypes": "acr"}, 0),
    ],
)
def test_the_filters_select_from_what_the_registry_holds(attached, query, found):
    here = attached()
    assert selected(here, **query) == found
    assert here.ask(CREATE, **query).body["Data"]["TotalCount"] == found


def test_its_images_are_listed_before_and_after_a_scan(attached, clock):
    here = attached()
    rows = here.ask("DescribeImageInstances").body["ImageInstanceList"]
    assert [row["Digest"] for row in rows] == [digest_of(one) for one in (OLD, NEW, WEB, INDEX)]
    here.ask(CREATE, Digests=digest_of(WEB))
    clock.now += 1
    first, *others = here.ask("DescribeImageInstances").body["ImageInstanceList"]
    assert (first["ScaStatus"], first["ImageId"], first["RepoName"]) == ("SUCCESS", CONFIG, "web")
    assert len(others) == 3


def test_an_image_whose_tag_moved_on_is_still_found_by_its_digest(attached, pages):
    pages.push("web", "1.0", OLD)
    here = attached()
    assert selected(here, Digests=digest_of(WEB)) == 1
    assert selected(here, Digests=digest_of(WEB), RepoNames="app") == 0
    assert selected(here, Digests=digest_of(WEB), Tags="1.0") == 0


def test_an_image_that_was_just_pushed_is_known_after_it_was_synchronised(attached, pages):
    here = attached("not-synced")
    pages.push("web", "2.0", manifest(9))
    pushed = {"registryType": "harbor", "regionId": "cn-hangzhou", "instanceId": "harbor-sandbox", "repoId": "r"}
    pushed |= {"repoNamespace": "team", "repoName": "sub/app", "tag": "2.0", "digest": digest_of(manifest(9))}
    assert selected(here, Digests=pushed["digest"]) == 0
    sync = "PublicSyncAndCreateImageScanTask"
    assert here.ask(sync, Images=json.dumps([pushed])).body["Data"]["TotalCount"] == 0
    pages.push("team/sub/app", "2.0", manifest(9))
    assert here.ask(sync, Images=json.dumps([pushed])).body["Data"]["TotalCount"] == 1
    assert selected(here, Digests=pushed["digest"]) == 1


def test_long_lists_are_read_to_their_end(pages, url):
    pages.answers["/v2/_catalog?n=100"] = (
        200,
        {"Link": '</v2/_catalog?last=a&n=100>; rel="next"'},
        b'{"repositories": ["team/sub/app"]}',
    )
    pages.answers["/v2/_catalog?last=a&n=100"] = b'{"repositories": ["web"]}'
    images = LoopbackRegistry(url).images(frozenset())
    assert {one.repo_name for one in images} == {"sub/app", "web"}


def test_a_repository_and_a_tag_that_are_gone_are_left_out(pages, url):
    pages.answers[CATALOG] = b'{"repositories": ["gone", "empty", "web"]}'
    pages.answers["/v2/empty/tags/list"] = b'{"name": "empty", "tags": null}'
    del pages.answers["/v2/web/manifests/1.0"]
    assert [one.tag for one in LoopbackRegistry(url).images(frozenset())] == ["multi"]


@pytest.mark.parametrize("config", [None, 7, {}, {"digest": "md5:1"}, {"digest": 7}])
def test_a_manifest_without_a_config_names_no_image_id(pages, url, config):
    pages.push("web", "1.0", manifest(5, config=config))
    found = {one.tag: one.image_id for one in LoopbackRegistry(url).images(frozenset()) if one.repo_name == "web"}
    assert found["1.0"] == ""


@pytest.mark.parametrize(
    ("answer", "part"),
    [
        ((401, {}, b"{}"), "status 401"),
        ((302, {"Location": "http://127.0.0.1:1/"}, b"{}"), "status 302"),
        ((500, {}, b""), "status 500"),
        (b"<html>", "cannot be read"),
        (b"[]", "no list of repositories"),
        (b'{"repositories": 7}', "no list of repositories"),
        (b'{"repositories": [7]}', "no list of repositories"),
        ((200, {"Transfer-Encoding": "chunked"}, b"zz\r\n"), "cannot be read"),
        ((200, {"Link": '<http://127.0.0.1:1/v2/_catalog>; rel="next"'}, b"{}"), "names another address"),
        ((200, {"Link": '<//example.com/v2/_catalog>; rel="next"'}, b"{}"), "names another address"),
        (b" " * (loopback_registry.LARGEST_ANSWER + 1), "larger than"),
    ],
)
def test_an_answer_that_cannot_be_used_is_a_server_error(attached, pages, answer, part):
    pages.answers[CATALOG] = answer
    here = attached()
    for action in (PRECHECK, CREATE, "DescribeImageInstances"):
        refused = here.ask(action)
        assert refused.refusal == (500, "ServerError")
        assert part in refused.body["Message"]
    assert here.state.tasks() == ()


def test_a_list_that_never_ends_is_given_up(pages, url):
    pages.answers[CATALOG] = (200, {"Link": "</v2/_catalog>; rel=next"}, b"{}")
    with pytest.raises(RegistryUnreadable, match="too much to read"):
        LoopbackRegistry(url, requests=20).images(frozenset())
    assert len(pages.asked) == 20


def test_a_registry_that_is_not_there_is_a_server_error(bench):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    here = bench()
    here.service = SandboxService(
        SCENARIOS["clean"], here.state, now=here.clock, registry_url=f"http://127.0.0.1:{port}"
    )
    assert here.ask(PRECHECK).refusal == (500, "ServerError")


def test_a_registry_that_never_comes_to_an_end_is_given_up():
    def drip(server):
        connection, _ = server.accept()
        with connection, contextlib.suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4000000\r\n\r\n")
            while not done.wait(0.01):  # each byte would begin a socket's own time-out anew
                connection.sendall(b" ")

    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=drip, args=(server,))
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(RegistryUnreadable, match=r"not read in 0\.2 s"):
            LoopbackRegistry(url, seconds=0.2).images(frozenset())
        done.set()
        thread.join()


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:5000", "http://localhost:5000/", "http://[::1]:5000", "http://127.0.0.2"]
)
def test_a_loopback_url_is_taken(url):
    assert LoopbackRegistry(url)


@pytest.mark.parametrize(
    "url",
    [
        *("", "127.0.0.1:5000", "https://127.0.0.1:5000", "ftp://127.0.0.1", "http://registry.example.com"),
        *("http://10.0.0.1:5000", "http://0.0.0.0:5000", "http://127.0.0.1.example.com", "http://"),
        *("http://user:word@127.0.0.1:5000", "http://127.0.0.1:5000/v2/", "http://127.0.0.1:5000/?a=b"),
        *("http://127.0.0.1:99999", "http://127.0.0.1:0", "http://[::1", "http://127.0.0.1:5000#x"),
    ],
)
def test_any_other_url_is_refused(state, url):
    with pytest.raises(ConfigurationError, match="loopback only") as caught:
        SandboxService(SCENARIOS["clean"], state, registry_url=url)
    assert caught.value.exit_code == 2
