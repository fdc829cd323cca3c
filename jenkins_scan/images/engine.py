"""An image in a container engine: the one place that uses the Docker SDK.

Two or three small reads (`version`, inspect, at times `info`); nothing is pulled or exported. The SDK brings the
transports. Its `inspect_image()` is not used: it knows neither `platform` nor `manifests`, and tells an unknown image
by message text.
"""

import json
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final, NamedTuple
from urllib.parse import quote

import docker
import docker.errors
import docker.tls
import requests
import urllib3

from jenkins_scan.errors import EngineSettingsError, EngineTLSError, ImageNotFound, UnreadableImage, WrongPlatform
from jenkins_scan.images import engine_faults, fields, inspect_body
from jenkins_scan.images.endpoint import EngineEndpoint
from jenkins_scan.images.identify import identify
from jenkins_scan.images.inspect_body import DESCRIPTOR_API, NEWEST_API, InspectedImage
from jenkins_scan.images.interface import EngineInfo, Platform, ResolvedImage, Store
from jenkins_scan.images.reference import ImageId, ImageReference

TIMEOUT_SECONDS: Final = 10
"""For each connect and each read: what is asked for is small."""

LARGEST_ANSWER: Final = 32 * 1024 * 1024
"""Bytes: the largest inspect bodies are some hundred kB."""
LONGEST_ANSWER_SECONDS: Final = 30
CHUNK: Final = 64 * 1024
_PLATFORM_API: Final = (1, 49)
"""From here on `?platform=` chooses among the manifests of one name (Docker 28.1)."""
_FIRST_API: Final = "1.24"
"""Only there to keep the SDK from asking for a version by itself, before the environment is shut out."""
_NOT_FOUND: Final = 404
_BAD_REQUEST: Final = 400


class EngineSource:
    """An image as a container engine knows it."""

    def __init__(
        self,
        reference: ImageReference | ImageId,
        endpoint: EngineEndpoint,
        platform: Platform | None = None,
        *,
        typed: str | None = None,
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:
        self._reference = reference
        self._endpoint = endpoint
        self._platform = platform
        self._typed = str(reference) if typed is None else typed
        self._timeout = timeout

    def resolve(self) -> ResolvedImage:
        """The image's identity. Raises `errors.ImageError` (13), or `errors.EngineSettingsError` (2)."""
        with _connected(self._endpoint, self._timeout) as engine:
            body = self._inspect(engine)
            store = engine.store(body)
            image = self._parse(engine, body, store)
            self._check_platform(image.platform)
        resolved = identify(image, self._reference, typed=self._typed, store=store, engine=engine.about)
        return replace(resolved, warnings=(*self._warnings(store), *resolved.warnings))

    def _warnings(self, store: Store) -> Iterator[str]:
        yield from self._endpoint.warnings
        if store is Store.UNKNOWN:
            yield "The engine does not say which image store it has: its digests prove nothing about a registry."

    def _inspect(self, engine: "_Engine") -> Mapping[str, Any]:
        name, body = self._reference.asked, None
        if self._platform is not None and engine.api >= _PLATFORM_API:
            body = engine.inspect(name, platform=_platform_json(self._platform))
        # 404 to a platform may mean the image or the platform: asked without it, the engine's answer says which.
        if body is None:
            body = engine.inspect(name)
        if body is None:
            about = engine.about
            raise ImageNotFound(f"No image {name} in {about.name} {about.version or ''} at {self._endpoint}.")
        return body

    def _parse(self, engine: "_Engine", body: Mapping[str, Any], store: Store) -> InspectedImage:
        try:
            return inspect_body.parse_inspect(body, store=store, api_version=engine.own_api)
        except WrongPlatform:
            if engine.api < DESCRIPTOR_API:
                raise
        detailed = engine.inspect(self._reference.asked, manifests="1")  # the error then names the platforms
        return inspect_body.parse_inspect(detailed or body, store=store, api_version=engine.own_api)

    def _check_platform(self, found: Platform | None) -> None:
        if self._platform is None or (found is not None and found.fits(self._platform)):
            return
        there = "an image that does not say its platform" if found is None else str(found)
        raise WrongPlatform(
            f"{self._reference} was asked for as {self._platform}; at {self._endpoint} there is {there}.",
            remedy="Build or pull it for that platform, or change --platform.",
        )


class _Engine:
    """A connection to an engine, at an API version that both sides know."""

    def __init__(self, client: docker.APIClient, endpoint: EngineEndpoint, timeout: float) -> None:
        self._client = client
        self._endpoint = endpoint
        self._timeout = timeout
        self._version = self._ask_version()
        self.own_api = str(self._version["ApiVersion"])
        least = inspect_body.api_number(str(self._version.get("MinAPIVersion"))) or (0, 0)
        self.api = max(min(inspect_body.api_number(self.own_api) or NEWEST_API, NEWEST_API), least)
        """The API version that is spoken."""

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
        response = self._get(path, parameters)
        if response.status_code == _NOT_FOUND:
            return None
        if not response.ok:
            raise engine_faults.refused(response.status_code, response.content, self._endpoint, path)
        return fields.as_object(fields.parse_json(response.content, "The engine's answer"), "The engine's answer")

    def store(self, inspected: Mapping[str, Any]) -> Store:
        """The store the image is in; `info` is asked only where the answers so far leave it open."""
        store = inspect_body.detect_store(self._version, None, inspected)
        if store is not Store.UNKNOWN:
            return store
        response = self._get(f"{self._prefix}/info", {})
        if not response.ok:  # a socket proxy may keep `info` back
            return store
        info = fields.parse_json(response.content, "The engine's info")
        return inspect_body.detect_store(self._version, info, inspected)

    @property
    def _prefix(self) -> str:
        return "/v{}.{}".format(*self.api)

    def _ask_version(self) -> Mapping[str, Any]:
        response = self._get("/version", {})
        if response.status_code == _NOT_FOUND:
            raise engine_faults.no_engine(self._endpoint, "it knows no /version")
        if not response.ok:
            raise engine_faults.refused(response.status_code, response.content, self._endpoint, "/version")
        try:
            return _version_body(response.content)
        except UnreadableImage as exc:
            raise engine_faults.no_engine(self._endpoint, exc.message.rstrip(".")) from exc

    def _get(self, path: str, parameters: Mapping[str, str]) -> "_Answer":
        """The answer, whole. Neither its size nor its time is left to the engine."""
        until = time.monotonic() + LONGEST_ANSWER_SECONDS
        url, content = f"{self._client.base_url}{path}", bytearray()
        try:
            with self._client.get(url, params=parameters, timeout=self._timeout, stream=True) as response:
                # One read at a time: a slow engine would otherwise fill each chunk at its leisure.
                while part := response.raw.read1(CHUNK, decode_content=True):
                    content += part
                    if len(content) > LARGEST_ANSWER or time.monotonic() > until:
                        raise engine_faults.no_engine(self._endpoint, f"its answer to {path} does not end")
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as exc:
            raise engine_faults.explain(exc, self._endpoint, self._timeout) from exc
        return _Answer(response.status_code, bytes(content))


class _Answer(NamedTuple):
    """What the engine answered."""

    status_code: int
    content: bytes

    @property
    def ok(self) -> bool:
        return self.status_code < _BAD_REQUEST


def _version_body(content: bytes) -> Mapping[str, Any]:
    body = fields.as_object(fields.parse_json(content, "/version"), "/version")
    if inspect_body.api_number(fields.text(body, "ApiVersion") or "") is None:
        raise UnreadableImage("/version names no ApiVersion.")
    return body


@contextmanager
def _connected(endpoint: EngineEndpoint, timeout: float) -> Iterator[_Engine]:
    if endpoint.socket is not None:
        _try_socket(endpoint, timeout)
    with _client(endpoint) as client:
        # Proxies, CA bundles and .netrc of the environment are for other hosts: requests would send an engine on this
        # very machine through a proxy, and trust REQUESTS_CA_BUNDLE in place of the engine's own ca.pem.
        client.trust_env = False
        client.max_redirects = 0  # an engine sends nobody elsewhere
        yield _Engine(client, endpoint, timeout)


def _try_socket(endpoint: EngineEndpoint, timeout: float) -> None:
    """Connects once and hangs up: the SDK would leave the socket of a failed connect open."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(timeout)
        try:
            probe.connect(str(endpoint.socket))
        except OSError as exc:
            raise engine_faults.explain(exc, endpoint, timeout) from exc


def _client(endpoint: EngineEndpoint) -> docker.APIClient:
    tls: docker.tls.TLSConfig | bool = False
    try:
        if endpoint.tls is not None:
            ca, cert, key = (None if path is None else str(path) for path in endpoint.tls.paths)
            pair = None if cert is None or key is None else (cert, key)
            tls = docker.tls.TLSConfig(client_cert=pair, ca_cert=ca, verify=True)
        return docker.APIClient(base_url=endpoint.url, version=_FIRST_API, timeout=TIMEOUT_SECONDS, tls=tls)
    except docker.errors.TLSParameterError as exc:
        raise EngineTLSError(f"The TLS files of the engine at {endpoint} cannot be used: {exc}") from exc
    except Exception as exc:  # the SDK reads config.json here, and lets any error in it out
        raise EngineSettingsError(
            f"The Docker SDK cannot work with the client's settings ({type(exc).__name__}).",
            remedy="Repair config.json in $DOCKER_CONFIG or ~/.docker, or point DOCKER_CONFIG at an empty folder.",
        ) from exc


def _platform_json(platform: Platform) -> str:
    parts = {"os": platform.os, "architecture": platform.architecture, "variant": platform.variant}
    return json.dumps({key: value for key, value in parts.items() if value is not None})
