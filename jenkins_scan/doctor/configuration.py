"""The configuration: options, variables and file, checked as every other verb does."""

from collections.abc import Sequence

from jenkins_scan.config.file import FileSettings
from jenkins_scan.config.settings import ServiceSettings
from jenkins_scan.doctor.report import Outcome, Status, failure, good, warning
from jenkins_scan.errors import ScanError
from jenkins_scan.gate.policy import Policy


def check(
    problems: Sequence[ScanError], file: FileSettings, settings: ServiceSettings | None, policy: Policy
) -> Outcome:
    """What is wrong with it: all of it, with the code of the first."""
    if problems:
        first = failure(problems[0])
        others = [problem for problem in problems[1:] if problem.message != problems[0].message]
        seen = " Also: ".join([first.seen, *(problem.message for problem in others)])
        remedies = dict.fromkeys([first.remedy, *(problem.remedy for problem in others)])
        return Outcome(Status.FAIL, seen, " ".join(remedies), first.code)
    seen = f"{_file(file)}; {_service(settings)}; {_gate(policy)}."
    if file.warnings:
        return warning(f"{seen} {' '.join(file.warnings)}", "Name a file that you trust with --config.")
    return good(seen)


def _file(file: FileSettings) -> str:
    if file.path is None or (file.warnings and not file.values):
        return "no configuration file is used"
    return f"{file.path} ({'found in the working folder' if file.found else 'named by --config'})"


def _service(settings: ServiceSettings | None) -> str:
    if settings is None or settings.endpoint is None:
        return "the sandbox in this process" + (
            f", scenario {settings.scenario}" if settings is not None and settings.scenario else ""
        )
    region = f" for region {settings.region}" if settings.region else ""
    return f"endpoint {settings.endpoint.url}{region}"


def _gate(policy: Policy) -> str:
    if not policy.has_gate:
        return "no gate"
    return f"gates on {', '.join(sorted(policy.gated_kinds))}"
