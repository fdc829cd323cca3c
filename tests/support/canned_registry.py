"""A registry made of canned blobs: in this process, or on a loopback port with or without TLS."""

import base64
import gzip
import hashlib
import json
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

from jenkins_scan.images.manifests import DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST

HOST = "registry.example.com"
NAME = f"{HOST}/team/app"
USER, PASSWORD = "ci-user", "canary-password-9f2c"
TOKEN = "canary-token-7d41"
ISSUED = "canary-bearer-5be0"
REALM = "https://auth.example.com/token"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"
ATTESTATION = {"vnd.docker.reference.type": "attestation-manifest"}
MOVED = 307

Spoilt = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@dataclass(frozen=True)
class Pushed:
    """An image or an index as the registry holds it."""

    digest: str
    media_type: str
    size: int
    config: str = ""
    diff_ids: tuple[str, ...] = ()

    def descriptor(self, **more: Any) -> dict[str, Any]:
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size, **more}


def failure(status: int, code: str | None = None, message: str = "no", **headers: str) -> httpx.Response:
    """A refusal in the form of the distribution specification; without a code, an empty body."""
    errors = b"" if code is None else json.dumps({"errors": [{"code": code, "message": message}]}).encode()
    return httpx.Response(status, content=errors, headers={key.replace("_", "-"): headers[key] for key in headers})


def challenge(text: str) -> httpx.Response:
    return failure(401, "UNAUTHORIZED", "authentication required", www_authenticate=text)


class CannedRegistry:
    """Blobs and manifests of one repository, and what to spoil.

    `spoilt` answers instead, by method and path; `guard` answers before anything is looked up, unless it gives None.
    """

    def __init__(self, path: str = "team/app") -> None:
        self.path = path
        self.requests: list[httpx.Request] = []
        self.spoilt: dict[tuple[str, str], Spoilt] = {}
        self.elsewhere: dict[str, Spoilt] = {}
        """By host: what answers there."""
        self.guard: Callable[[httpx.Request], httpx.Response | None] = lambda request: None
        self.has_head = True
        self.tells_digest = True
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[str, tuple[str, bytes]] = {}
        """By tag and by digest."""
        self.transport = httpx.MockTransport(lambda request: unread(self.answer(request), request.method))

    @property
    def asked(self) -> list[str]:
        """Method and place of each request so far."""
        return [f"{each.method} {each.url.path.removeprefix(f'/v2/{self.path}/')}" for each in self.requests]

    def push(
        self, tag: str | None = "1", layers: Sequence[bytes] = (b"layer",), *, docker: bool = False, **config: Any
    ) -> Pushed:
        diff_ids = [digest_of(layer) for layer in layers]
        body = {
            "os": "linux",
            "architecture": "amd64",
            "created": "2026-01-02T03:04:05.123456789Z",
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
        }
        content = json.dumps(body | config).encode()
        self.blobs[digest_of(content)] = content
        packed = [gzip.compress(layer, mtime=0) for layer in layers]
        config_type = "application/vnd.docker.container.image.v1+json" if docker else CONFIG_TYPE
        manifest = {
            "config": {"mediaType": config_type, "digest": digest_of(content), "size": len(content)},
            "layers": [{"mediaType": LAYER_TYPE, "digest": digest_of(part), "size": len(part)} for part in packed],
        }
        pushed = self.put(manifest, DOCKER_MANIFEST if docker else OCI_MANIFEST, tag)
        return Pushed(pushed.digest, pushed.media_type, pushed.size, digest_of(content), tuple(diff_ids))

    def push_index(self, tag: str | None, *manifests: Mapping[str, Any], docker: bool = False) -> Pushed:
        return self.put({"manifests": list(manifests)}, DOCKER_LIST if docker else OCI_INDEX, tag)

    def put(self, manifest: Mapping[str, Any], media_type: str, tag: str | None) -> Pushed:
        content = json.dumps({"schemaVersion": 2, "mediaType": media_type, **manifest}).encode()
        self.manifests[digest_of(content)] = (media_type, content)
        if tag is not None:
            self.manifests[tag] = (media_type, content)
        return Pushed(digest_of(content), media_type, len(content))

    def spoil(self, method: str, what: str, answer: Spoilt) -> None:
        self.spoilt[method, f"/v2/{self.path}/{what}"] = answer

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        spoilt = self.elsewhere.get(request.url.host) or self.spoilt.get((request.method, request.url.path))
        if isinstance(spoilt, Exception):
            raise spoilt
        if spoilt is not None:
            return spoilt(request) if callable(spoilt) else spoilt
        return self.guard(request) or self._found(request)

    def _found(self, request: httpx.Request) -> httpx.Response:
        kind, _, name = request.url.path.removeprefix(f"/v2/{self.path}/").partition("/")
        if kind == "blobs" and name in self.blobs:
            return httpx.Response(200, content=self.blobs[name])
        if kind != "manifests" or name not in self.manifests:
            return failure(404, "MANIFEST_UNKNOWN", "manifest unknown")
        if request.method == "HEAD" and not self.has_head:
            return failure(405)
        media_type, content = self.manifests[name]
        assert media_type in request.headers["accept"]
        headers = {"content-type": media_type}
        if self.tells_digest:
            headers["docker-content-digest"] = digest_of(content)
        return httpx.Response(200, headers=headers, content=b"" if request.method == "HEAD" else content)


def unread(answer: httpx.Response, method: str) -> httpx.Response:
    """The same answer with its body still to come, as from a network; HEAD gets none."""
    if not answer.is_stream_consumed:
        return answer
    content = b"" if method == "HEAD" else answer.content
    return httpx.Response(answer.status_code, headers=answer.headers, stream=httpx.ByteStream(content))


def wants_basic(username: str = USER, password: str = PASSWORD) -> Callable[[httpx.Request], httpx.Response | None]:
    """A guard that lets only this user in."""
    expected = f"Basic {base64.b64encode(f'{username}:{password}'.encode()).decode()}"

    def guard(request: httpx.Request) -> httpx.Response | None:
        return None if request.headers.get("authorization") == expected else challenge('Basic realm="Registry"')

    return guard


def wants_token(
    text: str = f'Bearer realm="{REALM}",service="registry"',
) -> Callable[[httpx.Request], httpx.Response | None]:
    """A guard that sends everybody without the issued token to its token service."""
    return lambda request: None if request.headers.get("authorization") == f"Bearer {ISSUED}" else challenge(text)


def login_file(entry: Mapping[str, Any] | None = None, key: str = HOST, **more: Any) -> str:
    """The text of a config.json with one login: USER's, unless another entry is given."""
    basic = {"auth": base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()}
    return json.dumps({"auths": {key: basic if entry is None else entry}, **more})


@contextmanager
def serving(registry: CannedRegistry, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """`HOST:PORT` of this registry on loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.registry, server.tls = registry, tls
    server.handle_error = lambda request, client_address: None  # a client that hung up is no news
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    def setup(self):
        if self.server.tls is not None:
            self.request = self.server.tls.wrap_socket(self.request, server_side=True)
        super().setup()

    def handle_one_request(self):
        if self.server.tls is None and self.rfile.peek(1)[:1] == b"\x16":  # a TLS handshake: as Go's server answers it
            self.wfile.write(b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent a TLS handshake")
            self.close_connection = True
            return
        super().handle_one_request()

    def do_GET(self):
        self._give()

    def do_HEAD(self):
        self._give()

    def _give(self):
        request = httpx.Request(self.command, f"http://{self.headers['Host']}{self.path}", headers=dict(self.headers))
        answer = self.server.registry.answer(request)
        self.send_response(answer.status_code)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.read())

    def log_message(self, *args):
        """Silent: the requests are recorded."""

    def finish(self):
        super().finish()
        if self.server.tls is not None:
            self.request.close()
