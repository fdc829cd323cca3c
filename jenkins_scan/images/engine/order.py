"""An image in the first engine that is there: Docker, then podman, or as `--image-src` says."""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar, get_args

from jenkins_scan.clock import Clock
from jenkins_scan.errors import (
    ConfigurationError,
    EngineAbsent,
    EngineSettingsError,
    EngineTLSMissing,
    EngineUnreachable,
    ImageError,
)
from jenkins_scan.images.engine.endpoint import EngineEndpoint, choose_endpoint
from jenkins_scan.images.engine.kept import KeptConnections
from jenkins_scan.images.engine.places import DefaultPlaces, EngineName
from jenkins_scan.images.interface import ImageIdentity, Platform, ResolvedImage
from jenkins_scan.images.reference import ImageId, ImageReference
from jenkins_scan.spelling import nearest

if TYPE_CHECKING:
    from jenkins_scan.images.engine.source import EngineSource

__all__ = ["EngineName", "EngineOrder", "Patience", "named_engine", "parse_engines", "require_place"]

T = TypeVar("T")
log = logging.getLogger(__name__)

_KNOWN: Final[tuple[EngineName, ...]] = get_args(EngineName)
_FIRST_PAUSE, _LONGEST_PAUSE, _GROWTH = 0.25, 1.0, 1.5
"""Seconds between two tries at an engine that is starting."""


def parse_engines(text: str) -> tuple[EngineName, ...]:
    """The engines that `--image-src` lists, in order. Raises `errors.ConfigurationError` (2) for anything else."""
    found: list[EngineName] = []
    for word in text.split(","):
        name = next((known for known in _KNOWN if known == word.strip().lower()), None)
        if name is None:
            raise _unknown(text, word.strip())
        if name in found:
            raise ConfigurationError(f"--image-src {text[:80]!a} names {name} twice.", remedy="Name each engine once.")
        found.append(name)
    return tuple(found)


class Patience:
    """How long a run waits for an engine that is starting: once, however many images are looked for."""

    def __init__(self, seconds: float, clock: Clock) -> None:
        self.seconds = seconds
        self._clock = clock
        self._until: float | None = None
        self._beginning = threading.Lock()

    def left(self) -> float:
        """Seconds that are left; the first call begins the wait."""
        with self._beginning:
            now = self._clock.monotonic()
            if self._until is None:
                self._until = now + self.seconds
            return self._until - now

    def pause(self, seconds: float) -> None:
        """Wait before the next try."""
        self._clock.sleep(seconds)


class EngineOrder:
    """An image in the first engine that is there.

    The next engine is asked only where one is absent at its default place: no socket, or one that nobody listens on.
    An engine that has no such image, or does not let this user in, has answered: the same name in another engine may
    be another image. An engine that was named, by `--docker-host`, `DOCKER_HOST` or a Docker context, is asked alone,
    whatever the order says; so is `CONTAINER_HOST` where podman comes first. Who asks for podman alone gets no image of
    another engine.
    """

    def __init__(  # noqa: PLR0913  each is a setting of its own
        self,
        reference: ImageReference | ImageId,
        engines: Sequence[EngineName],
        *,
        typed: str,
        docker_host: str | None,
        environ: Mapping[str, str],
        platform: Platform | None,
        patience: Patience,
        places: DefaultPlaces | None = None,
        kept: KeptConnections | None = None,
    ) -> None:
        self._reference = reference
        self._engines = engines
        self._typed = typed
        self._docker_host = docker_host
        self._environ = environ
        self._platform = platform
        self._patience = patience
        self._places = places or DefaultPlaces()
        self._kept = kept
        self._answered: EngineEndpoint | None = None

    def resolve(self) -> ResolvedImage:
        """The image in the first engine that is there. Raises `errors.ImageError` (13) or `errors.UsageError` (2)."""
        named = self._patiently(self._named, lambda exc: isinstance(exc, EngineTLSMissing))
        return self._ask_alone(named) if named is not None else self._ask_in_order()

    def look_again(self, identity: ImageIdentity) -> None:
        """A second look, at the engine that answered the first. Raises `errors.ImageMoved` (17) or as `resolve`."""
        if self._answered is None:
            self.resolve()
        if self._answered is not None:
            self._source(self._answered).look_again(identity)

    def _named(self) -> EngineEndpoint | None:
        return named_engine(self._engines, self._docker_host, self._environ, self._places)

    def _ask_alone(self, endpoint: EngineEndpoint) -> ResolvedImage:
        from jenkins_scan.images.engine.faults import may_be_starting

        source = self._source(endpoint)
        found = self._patiently(
            source.resolve, lambda exc: isinstance(exc, EngineUnreachable) and may_be_starting(exc, endpoint)
        )
        self._answered = endpoint
        return self._of_the_right_engine(found, endpoint)

    def _ask_in_order(self) -> ResolvedImage:
        absent: list[EngineAbsent] = []
        for endpoint in self._usual_places():
            try:
                require_place(endpoint)
                found = self._source(endpoint).resolve()
            except EngineAbsent as exc:
                absent.append(exc)
            except ImageError as exc:
                exc.tried = (*map(_attempt, absent), *exc.tried)  # why it is this engine that was asked
                raise
            else:
                self._answered = endpoint
                return self._of_the_right_engine(found, endpoint)
        listed = " or ".join(self._engines)
        raise EngineAbsent(
            f"No container engine was found: there is no {listed} at its usual places.",
            remedy="Start the engine on this agent, mount its socket into the container, or name one with "
            "--docker-host or DOCKER_HOST.",
            tried=tuple(map(_attempt, absent)),
        ) from absent[-1]

    def _usual_places(self) -> Iterator[EngineEndpoint]:
        # One engine's places after the other's: what is wrong with those of the second is no matter for the first.
        for engine in self._engines:
            yield from self._places.of(engine, self._environ)

    def _source(self, endpoint: EngineEndpoint) -> "EngineSource":
        # The Docker SDK takes its time to import.
        from jenkins_scan.images.engine.connection import connected
        from jenkins_scan.images.engine.source import EngineSource

        lend = connected if self._kept is None else self._kept.connected
        return EngineSource(self._reference, endpoint, self._platform, typed=self._typed, lend=lend)

    def _of_the_right_engine(self, found: ResolvedImage, endpoint: EngineEndpoint) -> ResolvedImage:
        engine = found.identity.engine
        if len(self._engines) > 1 or engine is None or engine.name not in _KNOWN or engine.name in self._engines:
            return found
        (wanted,) = self._engines
        if wanted == "podman":
            raise EngineSettingsError(
                f"{self._typed!a} was to be looked for in podman, and the engine at {endpoint} is {engine.name}.",
                remedy="Name podman's socket with CONTAINER_HOST, or leave podman:// and --image-src podman out.",
            )
        warning = f"{endpoint} is {engine.name}, which answers in Docker's place."
        return replace(found, warnings=(warning, *found.warnings))

    def _patiently(self, do: Callable[[], T], is_starting: Callable[[ImageError], bool]) -> T:
        pause = _FIRST_PAUSE
        while True:
            try:
                return do()
            except ImageError as exc:
                if self._patience.seconds <= 0 or not is_starting(exc):
                    raise
                left = self._patience.left()
                if left <= 0:
                    waited = f"{exc.message} It was waited for {self._patience.seconds:g} s (--engine-wait)."
                    raise type(exc)(waited, remedy=exc.remedy) from exc
                if pause == _FIRST_PAUSE:
                    log.info("%s Waiting up to %g s for it.", exc.message, left)
            self._patience.pause(min(pause, left))
            pause = min(pause * _GROWTH, _LONGEST_PAUSE)


def named_engine(
    engines: Sequence[EngineName], docker_host: str | None, environ: Mapping[str, str], places: DefaultPlaces
) -> EngineEndpoint | None:
    """The engine that was named, which is then asked alone; None: the usual places of `engines` are looked at.

    Raises as `choose_endpoint`.
    """
    first = places.of(engines[0], environ)[0]
    if first.is_named and docker_host is None:
        return first
    chosen = choose_endpoint(docker_host, environ)
    return chosen if chosen.is_named else None


def require_place(endpoint: EngineEndpoint) -> None:
    """Raises `EngineAbsent` for a usual place that cannot even be looked into: nobody said that an engine is there."""
    try:
        (endpoint.socket or Path("/")).stat()
    except FileNotFoundError:
        return  # has its own words
    except OSError as exc:
        raise EngineAbsent(f"No engine at {endpoint}: {exc.strerror}.") from exc


def _attempt(exc: EngineAbsent) -> str:
    return exc.message


def _unknown(text: str, word: str) -> ConfigurationError:
    known = ", ".join(_KNOWN)
    if word.lower() == "registry":
        return ConfigurationError(
            f"--image-src {text[:80]!a}: a registry is no engine and never asked for a bare name.",
            remedy="Write registry://NAME in place of NAME: then the registry is asked.",
        )
    close = nearest(word.lower(), _KNOWN)
    meant = f"Did you mean {close}? " if close else ""
    what = f"{word[:40]!a} is no engine" if word else "a name is empty"
    return ConfigurationError(
        f"--image-src {text[:80]!a}: {what}.",
        remedy=f"{meant}Write a list of {known}, such as {known.replace(' ', '')}.",
    )
