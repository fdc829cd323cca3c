"""The controller that `JENKINS_URL` names, and the account it is asked with: where the credentials may go.

They go to the origin of `JENKINS_URL` alone. Every address is read by one strict pattern first: two parsers that
disagree about a host would send them elsewhere.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote

from jenkins_scan.jenkins.address import clean_link
from jenkins_scan.jenkins.variables import API_TOKEN, USER_ID

_URL: Final = re.compile(r"(?P<scheme>https?)://(?P<authority>[^/?#\\]+)(?P<path>/[^?#\\\s]*)?")
_PLACE: Final = re.compile(r"(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?")
_PORTS: Final = {"http": "80", "https": "443"}
_HIGHEST_PORT: Final = 65535
_BUILD: Final = re.compile(r"/job/[^/]+/[0-9]+/?\Z|/job/[^/]+/[^/]+/[0-9]+/?\Z")
"""How the address of a build ends; an axis of a matrix stands before the number."""
_CONFIGURE: Final = 'Set the "Jenkins URL" in Manage Jenkins > System; builds get {} from there.'


class ControllerFailed(Exception):
    """The controller was not asked, or did not do what it was asked: what happened, and what to do.

    It owns no exit code: what the controller does never changes a verdict.
    """

    def __init__(self, message: str, *, remedy: str) -> None:
        super().__init__(f"{message} {remedy}")
        self.message = message
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Access:
    """Where the controller is, and what it is asked with."""

    url: str
    """The root of the controller, with `/` at its end, as `controller_url` gives it."""
    user: str = field(repr=False)
    token: str = field(repr=False)
    """The API token of that user."""
    ca_bundle: str | None = None
    """A PEM file with the only authorities that vouch for the controller; None: those of certifi."""

    @property
    def host(self) -> str:
        """The host name or address, for messages and to tell a loopback."""
        return _place(self.url)[1].strip("[]")

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is to be said before it is used."""
        if self.url.startswith("https:"):
            return ()
        return (f"JENKINS_URL is http: {USER_ID} and {API_TOKEN} travel to {self.host} in clear text. Use https.",)

    def holds(self, url: str) -> bool:
        """Whether this address is of this controller: the same origin, and below its root."""
        path, root = _path(url), _path(self.url)
        if _place(url) != _place(self.url) or not path.startswith(root):
            return False
        parts = path[len(root) :].removesuffix("/").split("/")
        return not any(_leads_elsewhere(part) for part in parts if parts != [""])

    def build_page(self, environ: Mapping[str, str]) -> str:
        """The page of this build, with `/` at its end. Raises `ControllerFailed` for an address of another place."""
        url = environ.get("BUILD_URL", "").strip()
        if not url:
            raise ControllerFailed("BUILD_URL is not set.", remedy=_CONFIGURE.format("BUILD_URL"))
        if not self.holds(url) or not _BUILD.search(url):
            raise ControllerFailed(
                f"BUILD_URL ({clean_link(url)}) is no build below JENKINS_URL ({self.url}): nothing was sent there.",
                remedy="Leave both variables as Jenkins sets them.",
            )
        return f"{url.rstrip('/')}/"


def controller_url(environ: Mapping[str, str]) -> str:
    """The root of the controller, with `/` at its end. Raises `ControllerFailed` for one that may not be asked."""
    url = environ.get("JENKINS_URL", "").strip()
    if not url:
        raise ControllerFailed("JENKINS_URL is not set.", remedy=_CONFIGURE.format("JENKINS_URL"))
    if "@" in url:
        raise ControllerFailed(
            "JENKINS_URL holds user information, or an @ that could be read as such.",
            remedy=f"Take it out of the URL; name the account with {USER_ID} and {API_TOKEN}.",
        )
    if not url.isascii() or not _place(url)[1]:
        raise ControllerFailed(
            f"JENKINS_URL ({clean_link(url)}) is no http or https address that can be read with certainty.",
            remedy="It has to be https://HOST[:PORT]/[PATH/], without a query; a name outside ASCII as xn--….",
        )
    return f"{url.rstrip('/')}/"


def _place(url: str) -> tuple[str, str, str]:
    """Scheme, host and port of the address; all of them empty where it cannot be read with certainty."""
    parts = _URL.fullmatch(url)
    place = None if parts is None else _PLACE.fullmatch(parts["authority"])
    if parts is None or place is None:
        return "", "", ""
    port = int(place["port"] or _PORTS[parts["scheme"]])
    if not 1 <= port <= _HIGHEST_PORT:  # some would wrap it around to another one
        return "", "", ""
    return parts["scheme"], place["host"].lower(), str(port)


def _leads_elsewhere(part: str) -> bool:
    """Whether a server or a proxy may read this part of a path as another folder than it seems, or as none."""
    decoded = unquote(part)
    return part == "" or decoded.partition(";")[0] in ("", ".", "..") or "/" in decoded or "\\" in decoded


def _path(url: str) -> str:
    parts = _URL.fullmatch(url)
    return "/" if parts is None else parts["path"] or "/"
