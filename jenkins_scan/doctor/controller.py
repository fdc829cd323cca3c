"""The Jenkins controller: where it is, and to whom the API token belongs."""

from collections.abc import Callable, Mapping
from typing import Final, Protocol
from urllib.parse import urlsplit

from jenkins_scan.doctor.report import Outcome, good, skipped, warning
from jenkins_scan.jenkins.address import UNREADABLE, clean_link
from jenkins_scan.loopback import is_loopback
from jenkins_scan.security_center.credentials import read_secret

URL: Final = "JENKINS_URL"
USER: Final = "JENKINS_USER_ID"
TOKEN: Final = "JENKINS_API_TOKEN"  # noqa: S105  the name of a variable


class NoAnswer(Exception):
    """The controller did not say who we are: what happened, and what to do. It never changes a verdict."""

    def __init__(self, message: str, *, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


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

    def who_am_i(self) -> Who:
        """To whom the token belongs. Raises `NoAnswer`."""
        ...


def check(environ: Mapping[str, str], redact: Callable[[str], None], controller: Controller | None) -> Outcome:
    """What the variables say and, with all of them, what the controller answers; None: it is not asked.

    Raises `CredentialsMissing` (14) for a token that no header can carry.
    """
    url = clean_link(environ.get(URL, ""))
    if url is None:
        return skipped(f"{URL} is not set.", f"To have it looked at, set {URL}, {USER} and {TOKEN} (or {TOKEN}_FILE).")
    if url == UNREADABLE:
        return warning(f"{URL} is no URL that can be read.", "Write it as https://HOST[:PORT]/PATH/.")
    token = read_secret(environ, TOKEN)
    if token is not None:
        redact(token.get_secret_value())
    user = environ.get(USER, "").strip()
    if token is None and not user:
        return skipped(
            f"{url} is not asked: neither {USER} nor {TOKEN} is set.",
            f"To have it looked at, bind {USER} and {TOKEN} with withCredentials.",
        )
    if token is None or not user:
        missing = TOKEN if token is None else USER
        return warning(f"half a login for {url}: {missing} is not set.", f"Bind both {USER} and {TOKEN}, or neither.")
    return _asked(url, controller)


def _asked(url: str, controller: Controller | None) -> Outcome:
    if controller is None:
        seen = f"{url} with {USER} and {TOKEN}; the controller itself was not asked."
    else:
        try:
            who = controller.who_am_i()
        except NoAnswer as silent:
            return warning(f"{url}: {silent.message}", silent.remedy)
        seen = f"{url} answers: Jenkins {who.version or 'of an unknown version'}, the token belongs to {who.name}."
    parts = urlsplit(url)
    if parts.scheme.lower() == "http" and not is_loopback(parts.hostname or ""):
        return warning(f"{seen} It is plain http.", "The token travels in clear text: give the controller https.")
    return good(seen)
