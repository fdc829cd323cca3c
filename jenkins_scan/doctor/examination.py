"""All checks in their order, each after those that it needs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jenkins_scan.clock import Clock
from jenkins_scan.config.file import FileSettings
from jenkins_scan.config.settings import ServiceSettings
from jenkins_scan.doctor import (
    configuration,
    controller,
    credentials,
    engine,
    image,
    jenkins_build,
    network,
    permissions,
    proxy,
    quota,
    reports,
    skew,
)
from jenkins_scan.doctor.controller import Controller
from jenkins_scan.doctor.report import Line, Outcome, good, skipped
from jenkins_scan.doctor.rounds import Rounds
from jenkins_scan.doctor.service import Service
from jenkins_scan.errors import ScanError
from jenkins_scan.gate.policy import Policy
from jenkins_scan.images.engine.order import EngineName
from jenkins_scan.images.engine.places import DefaultPlaces
from jenkins_scan.images.interface import ImageSource
from jenkins_scan.jenkins.environment import JenkinsBuild

OF_THE_SERVICE: Final = ("proxy", "network", "clock", "credentials", "token", "permissions", "quota")
"""The lines that say something of Security Center, or of the way to it."""
STAMP: Final = "SANDBOX"
NO_ENDPOINT: Final = (
    "which service is meant is not known.",
    "Mend `configuration` first; --endpoint sandbox tries without an account.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """What is looked at."""

    environ: Mapping[str, str]
    build: JenkinsBuild
    clock: Clock
    redact: Callable[[str], None]
    """Told every secret that is met on the way."""
    file: FileSettings
    problems: Sequence[ScanError]
    """What is wrong with the configuration."""
    report_dir: Path
    engines: Sequence[EngineName]
    docker_host: str | None
    places: DefaultPlaces | None = None
    settings: ServiceSettings | None
    """None: they cannot be understood, so that nobody knows which service is meant."""
    service: Service | None
    policy: Policy
    min_quota: int
    image: ImageSource | None
    needs_engine: bool = True
    """False when the image that was named is in a file or a registry."""
    controller: Controller


def examine(patient: Patient, rounds: Rounds) -> list[Line]:
    """Every line, in order. Raises nothing."""
    _here(patient, rounds)
    if patient.settings is None or patient.service is None:
        for name in OF_THE_SERVICE:
            rounds.look(name, _token(patient) if name == "token" else lambda: skipped(*NO_ENDPOINT))
    else:
        _way(patient, patient.settings, rounds)
        _service(patient, patient.service, patient.settings, rounds)
    rounds.look("image", lambda: _image(patient))
    if patient.service is None or not patient.service.is_sandbox:
        return rounds.lines
    return [line.stamped(STAMP) if line.name in OF_THE_SERVICE else line for line in rounds.lines]


def _here(patient: Patient, rounds: Rounds) -> None:
    environ = patient.environ
    rounds.look(
        "configuration",
        lambda: configuration.check(patient.problems, patient.file, patient.settings, patient.policy),
    )
    rounds.look("jenkins", lambda: jenkins_build.check(patient.build, environ))
    rounds.look("controller", lambda: controller.check(environ, patient.controller))
    rounds.look("reports", lambda: reports.check(patient.report_dir))
    rounds.look("engine", lambda: _engine(patient))


def _engine(patient: Patient) -> Outcome:
    if not patient.needs_engine:
        return skipped("the image is not in an engine, so that none is asked.", "Nothing to do.")
    return engine.check(
        patient.engines, patient.docker_host, patient.environ, now=patient.clock.now(), places=patient.places
    )


def _way(patient: Patient, settings: ServiceSettings, rounds: Rounds) -> None:
    endpoint, bundle, environ = settings.endpoint, settings.ca_bundle, patient.environ
    if endpoint is None:
        for name in ("proxy", "network"):
            rounds.look(name, lambda: good("answered in this process, without a network."))
        return
    rounds.look("proxy", lambda: proxy.check(endpoint, bundle, environ))
    now = patient.clock.now()
    rounds.look("network", lambda: network.check(endpoint, bundle, environ, now=now), after=["proxy"])


def _service(patient: Patient, service: Service, settings: ServiceSettings, rounds: Rounds) -> None:
    rounds.look("clock", lambda: skew.check(service), after=["network"])
    reachable = rounds.is_known("clock")
    rounds.look("credentials", lambda: credentials.check(patient.environ, service, reachable=reachable))
    rounds.look("token", _token(patient))
    needed = ["clock", "credentials"]
    allowed = settings.sandbox_allowed
    rounds.look(
        "permissions", lambda: permissions.check(service, patient.policy, sandbox_allowed=allowed), after=needed
    )
    rounds.look("quota", lambda: quota.check(service, patient.min_quota), after=needed)


def _token(patient: Patient) -> Callable[[], Outcome]:
    in_process = patient.settings is not None and patient.settings.endpoint is None
    return lambda: credentials.check_token(patient.environ, in_process=in_process)


def _image(patient: Patient) -> Outcome:
    if patient.image is None:
        return skipped("no image was named.", "Nothing to do; `jenkins-scan doctor IMAGE` looks for one.")
    return image.check(patient.image)
