"""An image in the first engine that is there: Docker, then podman, or as `--image-src` says."""

import difflib
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypeVar, get_args

from jenkins_scan.clock import Clock
from jenkins_scan.errors import ConfigurationError, EngineAbsent, EngineUnreachable, ImageError
from jenkins_scan.images.engine.endpoint import EngineEndpoint, choose_endpoint
from jenkins_scan.images.engine.places import DefaultPlaces, EngineName
from jenkins_scan.images.interface import ImageIdentity, Platform, ResolvedImage
from jenkins_scan.images.reference import ImageId, ImageReference

if TYPE_CHECKING:
    from jenkins_scan.images.engine.source import EngineSource

__all__ = ["EngineName", "EngineOrder", "parse_engines"]

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


class EngineOrder:
    """An image in the first engine that is there.

    The next engine is asked only where one is absent at its default place: no socket, or one that nobody listens on.
    An engine that has no such image, or does not let this user in, has answered: the same name in another engine may
    be another image. An engine that was named, by `--docker-host`, `DOCKER_HOST` or a Docker context, is asked alone,
    whatever the order says and whichever engine it is; so is `CONTAINER_HOST` where podman comes first.
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
        wait: float,
        clock: Clock,
        places: DefaultPlaces | None = None,
    ) -> None:
        self._reference = reference
        self._engines = engines
        self._typed = typed
        self._docker_host = docker_host
        self._environ = environ
        self._platform = platform
        self._wait = wait
        """Seconds to wait for an engine on `tcp://` that is starting."""
        self._clock = clock
        self._places = places or DefaultPlaces()
        self._answered: EngineEndpoint | None = None

    def resolve(self) -> ResolvedImage:
        """The image in the first engine that is there. Raises `errors.ImageError` (13) or `errors.UsageError` (2)."""
        return self._ask(lambda source: source.resolve())

    def look_again(self, identity: ImageIdentity) -> None:
        """A second look, at the engine that answered the first. Raises `errors.ImageMoved` (17) or as `resolve`."""
        self._ask(lambda source: source.look_again(identity))

    def _ask(self, ask: Callable[["EngineSource"], T]) -> T:
        absent: list[EngineAbsent] = []
        for endpoint in self._candidates():
            try:
                answer = self._ask_patiently(endpoint, ask)
            except EngineAbsent as exc:
                if not absent and (endpoint.is_named or endpoint == self._answered):
                    raise
                absent.append(exc)
            except ImageError as exc:
                exc.tried = (*map(_attempt, absent), *exc.tried)  # why it is this engine that was asked
                raise
            else:
                self._answered = endpoint
                return answer
        listed = " or ".join(self._engines)
        raise EngineAbsent(
            f"No container engine was found: there is no {listed} at its usual places.",
            remedy="Start the engine on this agent, mount its socket into the container, or name one with "
            "--docker-host or DOCKER_HOST.",
            tried=tuple(map(_attempt, absent)),
        ) from absent[-1]

    def _candidates(self) -> Iterable[EngineEndpoint]:
        chosen = self._answered or self._named()
        if chosen is not None:
            return (chosen,)
        # One engine's places after the other's: what is wrong with those of the second is no matter for the first.
        return (endpoint for engine in self._engines for endpoint in self._places.of(engine, self._environ))

    def _named(self) -> EngineEndpoint | None:
        first = self._places.of(self._engines[0], self._environ)[0]
        if first.is_named and self._docker_host is None:
            return first
        chosen = choose_endpoint(self._docker_host, self._environ)
        return chosen if chosen.is_named else None

    def _ask_patiently(self, endpoint: EngineEndpoint, ask: Callable[["EngineSource"], T]) -> T:
        from jenkins_scan.images.engine.faults import may_be_starting
        from jenkins_scan.images.engine.source import EngineSource  # the Docker SDK takes its time to import

        until, pause = self._clock.monotonic() + self._wait, _FIRST_PAUSE
        while True:
            source = EngineSource(self._reference, endpoint, self._platform, typed=self._typed)
            try:
                return ask(source)
            except EngineUnreachable as exc:
                left = until - self._clock.monotonic()
                if self._wait <= 0 or not may_be_starting(exc, endpoint):
                    raise
                if left <= 0:
                    raise type(exc)(
                        f"{exc.message} It was waited for {self._wait:g} s (--engine-wait).", remedy=exc.remedy
                    ) from exc
            if pause == _FIRST_PAUSE:
                log.info("The engine at %s refuses; waiting up to %g s for it", endpoint, self._wait)
            self._clock.sleep(min(pause, left))
            pause = min(pause * _GROWTH, _LONGEST_PAUSE)


def _attempt(exc: EngineAbsent) -> str:
    return exc.message


def _unknown(text: str, word: str) -> ConfigurationError:
    known = ", ".join(_KNOWN)
    if word.lower() == "registry":
        return ConfigurationError(
            f"--image-src {text[:80]!a}: a registry is no engine and never asked for a bare name.",
            remedy="Write registry://NAME in place of NAME: then the registry is asked.",
        )
    close = difflib.get_close_matches(word.lower(), _KNOWN, n=1)
    meant = f"Did you mean {close[0]}? " if close else ""
    what = f"{word[:40]!a} is no engine" if word else "a name is empty"
    return ConfigurationError(
        f"--image-src {text[:80]!a}: {what}.",
        remedy=f"{meant}Write a list of {known}, such as {known.replace(' ', '')}.",
    )
