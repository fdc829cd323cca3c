"""The Jenkins controller as a run uses it: both ways are optional, and what fails there is a warning and no more."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jenkins_scan.cli.app import App
from jenkins_scan.jenkins.access import Access, ControllerFailed, controller_url
from jenkins_scan.jenkins.variables import API_TOKEN, USER_ID

if TYPE_CHECKING:
    from jenkins_scan.gate.baseline import Baseline


def access_of(app: App, values: Mapping[str, Any]) -> Access:
    """The controller of this build with the account of the environment; the token is known to the redactor then.

    Raises `ControllerFailed` in the build of a fork, and where a variable is missing or may not be used.
    """
    from jenkins_scan.errors import CredentialsMissing
    from jenkins_scan.security_center.credentials import read_secret

    if app.build.from_fork:
        raise ControllerFailed(
            "this is the build of a fork: nothing is sent to the controller, as its author may have written the step.",
            remedy="Leave it out for builds of forks.",
        )
    url = controller_url(app.environ)
    try:
        account = [read_secret(app.environ, name) for name in (USER_ID, API_TOKEN)]
    except CredentialsMissing as unreadable:
        raise ControllerFailed(unreadable.message, remedy=unreadable.remedy) from unreadable
    user, token = (None if secret is None else secret.get_secret_value() for secret in account)
    if user is None or token is None:
        missing = USER_ID if user is None else API_TOKEN
        raise ControllerFailed(
            f"no account for the controller: neither {missing} nor {missing}_FILE is set.",
            remedy=f"Bind a user's API token with withCredentials as {USER_ID} and {API_TOKEN}.",
        )
    app.terminal.redact.add(token)
    return Access(url, user, token, values["ca_bundle"] or app.environ.get("SSL_CERT_FILE") or None)


def describe_build(app: App, values: Mapping[str, Any], text: str, *, said: Collection[str]) -> None:
    """Sets the description of this build to the line. Raises nothing: the verdict stands already.

    `said` are the warnings of the run, which need not be repeated.
    """
    try:
        access = access_of(app, values)
        page = access.build_page(app.environ)
        for warning in access.warnings:
            if warning not in said:
                app.terminal.line(f"warning: {warning}")
        from jenkins_scan.jenkins.description import describe

        describe(access, page, text.strip())
    except ControllerFailed as failed:
        app.terminal.line(f"warning: the build description is not set: {failed}")
    except Exception as problem:  # noqa: BLE001  a bug in here must not become the verdict of the scan
        app.terminal.bug(problem)
        app.terminal.line(f"warning: the build description is not set: {type(problem).__name__}")


def baseline_of_controller(
    app: App, values: Mapping[str, Any], warnings: list[str], *, sandbox: bool
) -> "Baseline | None":
    """The baseline that an earlier build of this job archived; None, and a warning, where there is none to be had.

    Without it every finding counts: whatever fails, the gate becomes no weaker. Raises nothing.
    """
    from jenkins_scan.errors import ConfigurationError
    from jenkins_scan.gate.baseline import parse_baseline
    from jenkins_scan.jenkins.earlier_build import job_to_compare, places_in_archive

    try:
        access = access_of(app, values)
        job = job_to_compare(app.environ)
        warnings += access.warnings
        places = places_in_archive(values["report_dir"], folder=Path.cwd(), workspace=app.environ.get("WORKSPACE", ""))
        from jenkins_scan.jenkins.controller import Controller

        earlier = Controller(access).last_successful_result(job, places)
        baseline = parse_baseline(earlier.content, f"the baseline of {earlier.shown}", sandbox=sandbox, optional=True)
    except ControllerFailed as failed:
        warnings.append(f"--baseline jenkins: {failed} Every finding counts as new.")
    except ConfigurationError as unfit:
        warnings.append(f"--baseline jenkins: {unfit.message} Every finding counts as new.")
    except Exception as problem:  # noqa: BLE001  as above: the scan goes on, and its gate is the stricter
        app.terminal.bug(problem)
        warnings.append(f"--baseline jenkins: {type(problem).__name__}. Every finding counts as new.")
    else:
        app.terminal.rows([("baseline", f"compared with {earlier.shown}")])
        return baseline
    return None
