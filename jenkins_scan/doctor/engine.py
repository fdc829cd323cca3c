"""The container engine: which one, why this one, what it is, and how long its TLS files are good for."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from jenkins_scan.doctor.report import Outcome, good, warning
from jenkins_scan.errors import EngineAbsent
from jenkins_scan.images.engine.certificate import read_certificates
from jenkins_scan.images.engine.endpoint import EngineEndpoint
from jenkins_scan.images.engine.order import EngineName, named_engine, require_place
from jenkins_scan.images.engine.places import DefaultPlaces
from jenkins_scan.images.interface import Store

STEP, WHOLE = 2.0, 4.0
"""Seconds for a connect or a read, and for a whole answer."""
SOON: Final = 14
"""Days before the end of a certificate from which a warning is given."""


def check(
    engines: Sequence[EngineName],
    docker_host: str | None,
    environ: Mapping[str, str],
    *,
    now: float,
    places: DefaultPlaces | None = None,
) -> Outcome:
    """The engine that a bare image name would be looked for in. `now` is in seconds since the epoch.

    None at its usual places, and none named, is a warning: archives and registries need none. Raises `ImageError` (13)
    or `EngineSettingsError` (2) for an engine that was named, or that is there and cannot be asked.
    """
    usual = places or DefaultPlaces()
    named = named_engine(engines, docker_host, environ, usual)
    if named is not None:
        return _answering(named, now)
    tried = []
    for engine in engines:
        for endpoint in usual.of(engine, environ):
            try:
                require_place(endpoint)
                return _answering(endpoint, now)
            except EngineAbsent as absent:
                tried.append(absent.message)
    return warning(
        f"no {' or '.join(engines)} at its usual places, and none was named. Tried: {' '.join(tried)}",
        "Start the engine, mount its socket into the container, or name one with --docker-host or DOCKER_HOST. "
        "Archives and registry://NAME need none.",
    )


def _answering(endpoint: EngineEndpoint, now: float) -> Outcome:
    from jenkins_scan.images.engine.connection import Limits, connected  # the Docker SDK takes its time to import

    with connected(endpoint, Limits(step=STEP, whole=WHOLE)) as connection:
        about, store = connection.about, connection.store({})
    seen = f"{about.name} {about.version or 'of an unknown version'} (API {about.api_version}) at {endpoint}, "
    seen += f"store {store}" + ("" if endpoint.tls is None else f", {_tls(endpoint, now)}")
    problems = [*endpoint.warnings]
    remedies = ["Set both DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH, or neither."] if endpoint.warnings else []
    if store is Store.UNKNOWN:
        problems.append("It does not say which image store it has: its digests prove nothing about a registry.")
        remedies.append("Let a socket proxy in between pass GET /info.")
    left = _days_left(endpoint, now)
    if left is not None and left < SOON:
        problems.append("A TLS file is about to expire." if left >= 0 else "A TLS file has expired.")
        remedies.append("Make new certificates and start the engine anew.")
    return warning(f"{seen}. {' '.join(problems)}", " ".join(remedies)) if problems else good(f"{seen}.")


def _tls(endpoint: EngineEndpoint, now: float) -> str:
    paths = [path for path in (endpoint.tls.paths if endpoint.tls is not None else ()) if path is not None]
    left = _days_left(endpoint, now)
    if not paths or left is None:
        return "TLS by the public authorities"
    return f"TLS by the files in {paths[0].parent}, good for {left} more days"


def _days_left(endpoint: EngineEndpoint, now: float) -> int | None:
    """Whole days until the first certificate of this side ends, negative when it has; None without any."""
    paths = () if endpoint.tls is None else (endpoint.tls.ca, endpoint.tls.cert)
    ends = [each.not_after for path in paths if path is not None for each in read_certificates(path)]
    return (min(ends) - datetime.fromtimestamp(now, UTC)).days if ends else None
