"""An image in a container engine.

Two or three small reads (`version`, inspect, at times `info`); nothing is pulled or exported.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, Final

from jenkins_scan.errors import ImageMoved, ImageNotFound, WrongPlatform
from jenkins_scan.images.engine import inspect_body
from jenkins_scan.images.engine.connection import EngineConnection, Limits, connected, platform_json
from jenkins_scan.images.engine.endpoint import EngineEndpoint
from jenkins_scan.images.engine.identify import identify
from jenkins_scan.images.engine.inspect_body import DESCRIPTOR_API, InspectedImage
from jenkins_scan.images.interface import ImageIdentity, Platform, ResolvedImage, Store
from jenkins_scan.images.reference import ImageId, ImageReference

_PLATFORM_API: Final = (1, 49)
"""From here on `?platform=` chooses among the manifests of one name (Docker 28.1)."""


class EngineSource:
    """An image as a container engine knows it."""

    def __init__(  # noqa: PLR0913  each is a setting of its own
        self,
        reference: ImageReference | ImageId,
        endpoint: EngineEndpoint,
        platform: Platform | None = None,
        *,
        typed: str | None = None,
        limits: Limits | None = None,
        lend: Callable[[EngineEndpoint, Limits], AbstractContextManager[EngineConnection]] = connected,
    ) -> None:
        """`lend` gives a connection for as long as its context lasts."""
        self._reference = reference
        self._endpoint = endpoint
        self._platform = platform
        self._typed = str(reference) if typed is None else typed
        self._limits = limits or Limits()
        self._lend = lend

    def resolve(self) -> ResolvedImage:
        """The image's identity. Raises `errors.ImageError` (13), or `errors.EngineSettingsError` (2)."""
        with self._lend(self._endpoint, self._limits) as engine:
            if engine.is_kept:
                engine.ask_again()
            body = self._inspect(engine)
            store = engine.store(body)
            image = self._parse(engine, body, store)
            self._check_platform(image.platform)
        resolved = identify(image, self._reference, typed=self._typed, store=store, engine=engine.about)
        return replace(resolved, warnings=(*self._warnings(store), *resolved.warnings), place=self._endpoint)

    def look_again(self, identity: ImageIdentity) -> None:
        """Nothing, while the reference means the same bytes as in `identity`; a small read or two.

        Which engine answers does not matter: another one that has these bytes has this image, and ids of another kind
        are not these.

        An image id is asked for no more: it cannot come to mean anything else. Raises `errors.ImageMoved` (17), or
        `errors.ImageError` (13) when the name is gone or the engine does not answer.
        """
        if isinstance(self._reference, ImageId):
            return
        with self._lend(self._endpoint, self._limits) as engine:
            body = self._inspect(engine)
        before, now = identity.image_id, inspect_body.own_id(body)
        if identity.store is Store.CONTAINERD and before == now:
            before, now = identity.manifest_digest, inspect_body.target(body)
        if before != now:
            raise ImageMoved(
                f"{self._reference} was {before} when it was identified, and is {now} now at {self._endpoint}."
            )

    def _warnings(self, store: Store) -> Iterator[str]:
        yield from self._endpoint.warnings
        if store is Store.UNKNOWN:
            yield "The engine does not say which image store it has: its digests prove nothing about a registry."

    def _inspect(self, engine: EngineConnection) -> Mapping[str, Any]:
        name, body = self._reference.asked, None
        if self._platform is not None and engine.api >= _PLATFORM_API:
            body = engine.inspect(name, platform=platform_json(self._platform))
        # 404 to a platform may mean the image or the platform: asked without it, the engine's answer says which.
        if body is None:
            body = engine.inspect(name)
        if body is None:
            about = engine.about
            raise ImageNotFound(f"No image {name} in {about.name} {about.version or ''} at {self._endpoint}.")
        return body

    def _parse(self, engine: EngineConnection, body: Mapping[str, Any], store: Store) -> InspectedImage:
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
