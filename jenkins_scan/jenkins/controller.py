"""What is read from the Jenkins controller, through python-jenkins: whose account it is, and an earlier build's result.

Nothing else in the package imports python-jenkins, and whoever wants this imports it when it is needed: the library
takes a fifth of a second.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import jenkins  # type: ignore[import-untyped]  # python-jenkins brings none

from jenkins_scan import untrusted_json
from jenkins_scan.jenkins.access import Access, ControllerFailed
from jenkins_scan.jenkins.earlier_build import result_among
from jenkins_scan.jenkins.exchange import LARGEST_PAGE, LIMIT, Exchange, Reply, in_time, refusal
from jenkins_scan.jenkins.variables import USER_ID
from jenkins_scan.plain_text import excerpt, one_line

T = TypeVar("T")
LARGEST_RESULT: Final = 16 * 1024**2
"""Bytes: some forty thousand findings. Python takes up to thirty times as much memory to read them."""
_HIGHEST: Final = 2**31
"""Build numbers are of Java's `int`."""
_READ: Final = "Job/Read"


@dataclass(frozen=True, slots=True)
class Who:
    """The account that the credentials belong to."""

    name: str
    """The user's id, else the full name."""
    version: str | None
    """The version of Jenkins; None when the controller does not tell it."""


@dataclass(frozen=True, slots=True)
class EarlierResult:
    """The `result.json` of an earlier build, and where it was."""

    job: str
    number: int
    path: str
    content: bytes

    @property
    def shown(self) -> str:
        """Which build that was, for messages."""
        return f"{one_line(self.job, 200)} #{self.number} ({one_line(self.path, 200)})"


@dataclass(frozen=True, slots=True)
class Controller:
    """A Jenkins controller, asked with an account."""

    access: Access
    limit: float = LIMIT
    """Seconds for each of the questions below as a whole."""

    def who_am_i(self) -> Who:
        """Whose the credentials are. Raises `ControllerFailed`, also when they are nobody's."""
        return self._read(_who)

    def last_successful_result(self, job: str, places: Sequence[str]) -> EarlierResult:
        """The `result.json` that the job's last successful build archived, at one of `places` if it is there.

        `job` is a full name as `JOB_NAME` has it. As everywhere in Jenkins an unstable build counts as successful.
        Raises `ControllerFailed`.
        """
        return self._read(lambda reads: _last_result(reads, job, places))

    def _read(self, question: Callable[["_Reads"], T]) -> T:
        return in_time(self.limit, self.access, lambda exchange: question(_Reads(self.access.url, exchange)))


@dataclass(frozen=True, slots=True)
class _Page:
    """What python-jenkins takes of an answer."""

    text: str


class _Reads(jenkins.Jenkins):  # type: ignore[misc]  # as above
    """python-jenkins for the addresses of jobs, builds and users and for the shape of the answers.

    What it sends goes through our own `Exchange`, by its one public method for that. Its own way would read
    JENKINS_API_EXTRA_HEADERS and log it, turn TLS off for PYTHONHTTPSVERIFY=0, try Kerberos first where that is
    installed, follow redirects with the credentials, take passwords from .netrc, and limit neither time nor size.
    It also reads other HTTP errors as "job does not exist": here they never reach it.
    """

    def __init__(self, url: str, exchange: Exchange) -> None:  # not the library's: it reads the environment, see above
        self.server = url
        self._exchange = exchange
        self.version: str | None = None
        """The `X-Jenkins` of the last answer, which every one has: `get_version` would load a whole page for it."""

    def jenkins_request(
        self,
        req: Any,
        add_crumb: bool = True,  # noqa: ARG002, FBT001, FBT002  the library's signature; reads need no crumb
        resolve_auth: bool = True,  # noqa: ARG002, FBT001, FBT002  the exchange has the one way to log in
        stream: bool | None = None,  # noqa: ARG002, FBT001  as above
    ) -> _Page:
        """The answer, which is JSON. Raises `ControllerFailed`."""
        reply = self._answer(req.url)
        if "json" not in reply.headers.get("content-type", "").lower():
            kind = excerpt(reply.headers.get("content-type", "no type"), 60)
            raise _not_understood(f"{kind} came where JSON was asked for")
        try:
            untrusted_json.parse(reply.body)  # python-jenkins would run into the recursion limit
        except ValueError as exc:
            raise _not_understood("it is no JSON") from exc
        return _Page(reply.body.decode("utf-8", "replace"))

    def artifact(self, job: str, number: int, path: str) -> bytes:
        """The artifact as it is; `get_build_artifact_as_bytes` guesses an encoding, and reads without a bound."""
        folder_url, short_name = self._get_job_folder(job)
        named = {"folder_url": folder_url, "short_name": short_name, "number": number, "artifact": path}
        return self._answer(self._build_url(jenkins.BUILD_ARTIFACT, named), largest=LARGEST_RESULT).body

    def _answer(self, url: str, largest: int = LARGEST_PAGE) -> Reply:
        reply = self._exchange.ask("GET", url, largest=largest)
        if reply.status != 200:  # noqa: PLR2004  HTTP's own number
            raise refusal(reply, url, "asking the controller", _READ)
        self.version = reply.headers.get("x-jenkins")
        return reply


def _who(reads: _Reads) -> Who:
    me = _object(reads.get_whoami(), "the user")
    name = me.get("id") or me.get("fullName")
    if not isinstance(name, str) or one_line(name) in ("", "anonymous"):
        raise ControllerFailed("the controller takes this account for nobody.", remedy=f"Check {USER_ID}.")
    return Who(one_line(name, 100), None if reads.version is None else one_line(reads.version, 40))


def _last_result(reads: _Reads, job: str, places: Sequence[str]) -> EarlierResult:
    last = _object(reads.get_job_info(job), "the job").get("lastSuccessfulBuild")
    number = last.get("number") if isinstance(last, Mapping) else None
    if not isinstance(number, int) or not 1 <= number <= _HIGHEST:
        raise ControllerFailed(
            f"{one_line(job, 200)} has no successful build yet.", remedy="Its first one becomes the baseline."
        )
    listed = _object(reads.get_build_info(job, number), "the build").get("artifacts")
    rows = listed if isinstance(listed, list) else []
    artifacts = [row["relativePath"] for row in rows if isinstance(row, Mapping) and "relativePath" in row]
    try:
        path = result_among([path for path in artifacts if isinstance(path, str)], places)
    except ControllerFailed as missing:
        raise ControllerFailed(
            f"the last successful build, {one_line(job, 200)} #{number}: {missing.message}", remedy=missing.remedy
        ) from missing
    return EarlierResult(job, number, path, reads.artifact(job, number, path))


def _object(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _not_understood(f"{what} is no object")
    return value


def _not_understood(why: str) -> ControllerFailed:
    return ControllerFailed(
        f"the controller's answer is not understood: {why}.",
        remedy="Check that JENKINS_URL is Jenkins itself, and not a page before it.",
    )
