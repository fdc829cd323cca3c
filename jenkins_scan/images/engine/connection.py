"""A connection to a container engine: the one place that uses the Docker SDK.

The SDK brings the transports; the requests are made here, so that their size and time have limits. Its
`inspect_image()` is not used: it knows neither `platform` nor `manifests`, and tells an unknown image by message text.
"""

import io
import json
import math
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar
from urllib.parse import quote

import requests
import urllib3

from jenkins_scan.errors import EngineSettingsError, UnreadableImage
from jenkins_scan.images import fields
from jenkins_scan.images.engine import faults, inspect_body, tls
from jenkins_scan.images.engine.docker_sdk import docker_sdk
from jenkins_scan.images.engine.endpoint import EngineEndpoint
from jenkins_scan.images.engine.inspect_body import NEWEST_API
from jenkins_scan.images.engine.ssh_faults import is_ssh_error
from jenkins_scan.images.interface import EngineInfo, Platform, Store
from jenkins_scan.time_limit import TimeIsUp, within

if TYPE_CHECKING:
    import docker
    from _typeshed import WriteableBuffer

T = TypeVar("T")
LARGEST_ANSWER: Final = 32 * 1024 * 1024
"""Bytes: the largest inspect bodies are some hundred kB."""
_FAILURES: Final = (requests.RequestException, urllib3.exceptions.HTTPError, OSError, EOFError)
"""What a broken connection raises; paramiko has errors of its own."""
_CHUNK: Final = 64 * 1024
_FIRST_API: Final = "1.24"
"""Only there to keep the SDK from asking for a version by itself, before the environment is shut out."""
_PIECE: Final = 1024 * 1024
"""Bytes of an export that are read at once."""
_EXPORT_PLATFORM_API: Final = (1, 48)
"""From here on an export takes `platform` (Docker 28.0)."""
_NOT_FOUND: Final = 404
_BAD_REQUEST: Final = 400


class Limits(NamedTuple):
    """How long an engine may take, in seconds: what is asked for is small."""

    step: float = 10
    """For a connect and for each read."""
    whole: float = 30
    """For an answer with all its headers, and for an ssh login."""
    export: float = 120
    """For each piece of an export: engines gather an image on their disk before they send its first byte."""


class EngineConnection:
    """A connection to an engine, at an API version that both sides know."""

    def __init__(self, client: "docker.APIClient", endpoint: EngineEndpoint, limits: Limits) -> None:
        self._client = client
        self._endpoint = endpoint
        self._limits = limits
        self.is_kept = False
        """Whether it was lent before: what is known of the engine is as old as that."""
        self.ask_again()

    def ask_again(self) -> None:
        """What engine it is: another one may be at this place by now. Raises as `connect`."""
        self._version = self._ask_version()
        self.own_api = str(self._version["ApiVersion"])
        least = inspect_body.api_number(str(self._version.get("MinAPIVersion"))) or (0, 0)
        self.api = max(min(inspect_body.api_number(self.own_api) or NEWEST_API, NEWEST_API), least)
        """The API version that is spoken."""

    def close(self) -> None:
        """Ends it; work that was left behind in it fails."""
        self._client.close()

    @property
    def about(self) -> EngineInfo:
        """The engine for the identity record."""
        endpoint = self._endpoint
        return EngineInfo(
            name=inspect_body.engine_name(self._version),
            version=fields.text(self._version, "Version"),
            api_version="{}.{}".format(*self.api),
            endpoint=endpoint.url,
            endpoint_from=endpoint.reason,
            context=endpoint.context,
        )

    def inspect(self, name: str, **parameters: str) -> Mapping[str, Any] | None:
        """The inspect answer; None when the engine has no such image."""
        path = f"{self._prefix}/images/{quote(name, safe='/:')}/json"
        answer = self._get(path, parameters)
        if answer.status == _NOT_FOUND:
            return None
        if not answer.ok:
            raise faults.refused(answer.status, answer.content, self._endpoint, path)
        return fields.as_object(fields.parse_json(answer.content, "The engine's answer"), "The engine's answer")

    def store(self, inspected: Mapping[str, Any]) -> Store:
        """The store the image is in; `info` is asked only where the answers so far leave it open."""
        store = inspect_body.detect_store(self._version, None, inspected)
        if store is not Store.UNKNOWN:
            return store
        answer = self._get(f"{self._prefix}/info", {})
        if not answer.ok:  # a socket proxy may keep `info` back
            return store
        info = fields.parse_json(answer.content, "The engine's info")
        return inspect_body.detect_store(self._version, info, inspected)

    @contextmanager
    def export(self, name: str, platform: Platform | None = None) -> Iterator[io.BufferedReader]:
        """The image as `docker save` writes it, as a stream; nothing of it is kept, on disk or in memory.

        `platform` chooses in a store that holds several; an engine before Docker 28 sends all that it has. Raises
        `errors.ImageError` (13), also while the stream is read, and for an image that is not there.
        """
        path, limit = f"{self._prefix}/images/{quote(name, safe='/:')}/get", self._limits.export
        asked = {} if platform is None or self.api < _EXPORT_PLATFORM_API else {"platform": platform_json(platform)}
        url = f"{self._client.base_url}{path}"
        response = self._bounded(
            lambda: self._client.get(url, params=asked, timeout=limit, stream=True), path, limit, limit
        )

        def read(size: int) -> bytes:
            return self._bounded(lambda: response.raw.read(size, decode_content=True), path, limit, limit)

        with response:
            if response.status_code >= _BAD_REQUEST:
                raise faults.refused(response.status_code, read(_CHUNK), self._endpoint, path)
            yield io.BufferedReader(_Pieces(read), _PIECE)

    @property
    def _prefix(self) -> str:
        return "/v{}.{}".format(*self.api)

    def _ask_version(self) -> Mapping[str, Any]:
        answer = self._get("/version", {})
        if answer.status == _NOT_FOUND:
            raise faults.no_engine(self._endpoint, "it knows no /version")
        if not answer.ok:
            raise faults.refused(answer.status, answer.content, self._endpoint, "/version")
        try:
            return _version_body(answer.content)
        except UnreadableImage as exc:
            raise faults.no_engine(self._endpoint, exc.message.rstrip(".")) from exc

    def _get(self, path: str, parameters: Mapping[str, str]) -> "_Answer":
        """The answer, whole. Neither its size nor its time is left to the engine."""
        answer = self._bounded(lambda: self._exchange(path, parameters), path, self._limits.whole, self._limits.step)
        if len(answer.content) > LARGEST_ANSWER:
            raise faults.no_engine(self._endpoint, f"its answer to {path} does not end")
        return answer

    def _bounded(self, work: Callable[[], T], path: str, whole: float, step: float) -> T:
        """What `work` gives within `whole` seconds, or why it failed; each of its reads has `step` seconds."""
        try:
            return within(whole, work)
        except TimeIsUp as exc:
            raise faults.too_slow(self._endpoint, path, whole) from exc
        except Exception as exc:
            if not isinstance(exc, _FAILURES) and not is_ssh_error(exc):
                raise
            raise faults.explain(exc, self._endpoint, step) from exc

    def _exchange(self, path: str, parameters: Mapping[str, str]) -> "_Answer":
        url, content = f"{self._client.base_url}{path}", bytearray()
        with self._client.get(url, params=parameters, timeout=self._limits.step, stream=True) as response:
            while len(content) <= LARGEST_ANSWER and (part := response.raw.read(_CHUNK, decode_content=True)):
                content += part
        return _Answer(response.status_code, bytes(content))


class _Pieces(io.RawIOBase):
    """The body of an answer as a stream that is read forward."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        target = memoryview(buffer).cast("B")
        data = self._read(len(target))
        target[: len(data)] = data
        return len(data)


class _Answer(NamedTuple):
    """What the engine answered."""

    status: int
    content: bytes

    @property
    def ok(self) -> bool:
        return self.status < _BAD_REQUEST


@contextmanager
def connected(endpoint: EngineEndpoint, limits: Limits) -> Iterator[EngineConnection]:
    """As `connect`, for as long as the context lasts."""
    with closing(connect(endpoint, limits)) as connection:
        yield connection


def connect(endpoint: EngineEndpoint, limits: Limits) -> EngineConnection:
    """A connection to the engine at `endpoint`, to be closed by who asked for it.

    Raises `errors.ImageError` (13) when there is none, `errors.EngineSettingsError` (2) for the client's settings.
    """
    if endpoint.socket is not None:
        _try_socket(endpoint, limits.step)
    tls.check_files(endpoint)
    client = _client(endpoint, limits)
    try:
        # Proxies, CA bundles and .netrc of the environment are for other hosts: requests would send an engine on this
        # very machine through a proxy, and trust REQUESTS_CA_BUNDLE in place of the engine's own ca.pem.
        client.trust_env = False
        client.max_redirects = 0  # an engine sends nobody elsewhere
        return EngineConnection(client, endpoint, limits)
    except BaseException:
        client.close()
        raise


def platform_json(platform: Platform) -> str:
    """The platform as the Engine API takes it in a query."""
    parts = {"os": platform.os, "architecture": platform.architecture, "variant": platform.variant}
    return json.dumps({key: value for key, value in parts.items() if value is not None})


def _version_body(content: bytes) -> Mapping[str, Any]:
    body = fields.as_object(fields.parse_json(content, "/version"), "/version")
    if inspect_body.api_number(fields.text(body, "ApiVersion") or "") is None:
        raise UnreadableImage("/version names no ApiVersion.")
    return body


def _try_socket(endpoint: EngineEndpoint, timeout: float) -> None:
    """Connects once and hangs up: the SDK would leave the socket of a failed connect open."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(timeout)
        try:
            probe.connect(str(endpoint.socket))
        except OSError as exc:
            raise faults.explain(exc, endpoint, timeout) from exc


def _client(endpoint: EngineEndpoint, limits: Limits) -> "docker.APIClient":
    if not endpoint.is_ssh:
        return _sdk_client(endpoint, limits)
    try:
        return within(limits.whole, lambda: _sdk_client(endpoint, limits))  # the SDK logs in at once
    except TimeIsUp as exc:
        raise faults.too_slow(endpoint, "the ssh login", limits.whole) from exc


def _sdk_client(endpoint: EngineEndpoint, limits: Limits) -> "docker.APIClient":
    sdk = docker_sdk(ssh=endpoint.is_ssh)
    tls: docker.tls.TLSConfig | bool = False
    if endpoint.tls is not None:
        ca, cert, key = (None if path is None else str(path) for path in endpoint.tls.paths)
        pair = None if cert is None or key is None else (cert, key)
        tls = sdk.tls.TLSConfig(client_cert=pair, ca_cert=ca, verify=True)
    try:
        # For ssh:// the SDK's own client, paramiko, and not the `ssh` command: it refuses every host that is not in
        # known_hosts whatever ~/.ssh/config says, it never asks at a terminal, and its reads have a limit.
        client: docker.APIClient = sdk.APIClient(
            base_url=endpoint.url, version=_FIRST_API, timeout=math.ceil(limits.step), tls=tls, use_ssh_client=False
        )
    except Exception as exc:  # the SDK reads config.json here, and lets any error in it out; with ssh:// it connects
        if not endpoint.is_ssh:
            raise _unusable_settings(exc) from exc
        if isinstance(exc, sdk.errors.DockerException) and isinstance(exc.__cause__, NameError):
            raise EngineSettingsError(
                f"The engine {endpoint} needs an ssh client that is not installed.",
                remedy="Install it: pip install 'jenkins-scan[ssh]'",
            ) from exc
        raise faults.explain(exc, endpoint, limits.step) from exc
    return client


def _unusable_settings(exc: Exception) -> EngineSettingsError:
    return EngineSettingsError(
        f"The Docker SDK cannot work with the client's settings ({type(exc).__name__}).",
        remedy="Repair config.json in $DOCKER_CONFIG or ~/.docker, or point DOCKER_CONFIG at an empty folder.",
    )
