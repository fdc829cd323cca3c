"""The Jenkins controller: where it is, and to whom the API token belongs. No verdict depends on it."""

from collections.abc import Mapping
from typing import Final, Protocol

from jenkins_scan.doctor.report import Outcome, good, skipped, warning
from jenkins_scan.jenkins.access import Access, ControllerFailed
from jenkins_scan.jenkins.address import clean_link
from jenkins_scan.jenkins.variables import API_TOKEN, USER_ID

URL: Final = "JENKINS_URL"
ACCOUNT: Final = tuple(f"{name}{suffix}" for name in (USER_ID, API_TOKEN) for suffix in ("", "_FILE"))


class Who(Protocol):
    """The user that the controller knows us as, and the controller's version."""

    @property
    def name(self) -> str:
        """The user's id."""
        ...

    @property
    def version(self) -> str | None:
        """The version of Jenkins; None when it does not say so."""
        ...


class Controller(Protocol):
    """The controller, as far as it is asked here."""

    def access(self) -> Access:
        """Where it is and what it is asked with. Raises `ControllerFailed`."""
        ...

    def who_am_i(self, access: Access) -> Who:
        """To whom the token belongs. Raises `ControllerFailed`."""
        ...


def check(environ: Mapping[str, str], controller: Controller) -> Outcome:
    """What the variables say and, with an account, what the controller answers."""
    if not environ.get(URL):
        return skipped(f"{URL} is not set.", f"To have it looked at, set {URL}, {USER_ID} and {API_TOKEN}.")
    if not any(environ.get(name) for name in ACCOUNT):
        return skipped(
            f"{clean_link(environ[URL])} is not asked: neither {USER_ID} nor {API_TOKEN} is set.",
            f"Nothing to do, unless --describe-build or --baseline jenkins is wanted: bind {USER_ID} and {API_TOKEN}.",
        )
    try:
        access = controller.access()
        who = controller.who_am_i(access)
    except ControllerFailed as failed:
        return warning(failed.message, failed.remedy)
    seen = f"{access.url} answers: Jenkins {who.version or 'of an unknown version'}, the token belongs to {who.name}."
    if access.warnings:
        return warning(f"{seen} {' '.join(access.warnings)}", "Give the controller https.")
    return good(seen)
