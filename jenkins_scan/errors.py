"""Every reason why a run may end other than PASS, with its exit code. One look tells what to catch.

::

    ScanError
    ├── InternalError             1   a bug in the tool
    ├── UsageError                2   options, files and environment
    │   ├── ConfigurationError        a setting, a configuration or scenario file
    │   ├── InvalidReference          an image name that no registry could hold
    │   ├── EngineSettingsError       a Docker context or config.json that cannot be followed
    │   └── OutputError               a report path that cannot be written
    ├── QuotaError               12
    │   ├── QuotaTooLow               less than --min-quota remains
    │   ├── NoFreeSlot                as many tasks as the account may have ran until the deadline
    │   └── QuotaSpent                the service said so (BeyondQuata)
    ├── PolicyFailed             10   findings at or above --fail-on
    ├── PolicyWarned             11   findings at or above --warn-on
    ├── ImageError               13
    │   ├── ImageNotFound
    │   ├── EngineUnreachable
    │   │   └── EngineAbsent          no socket, or nobody listens: another engine may be tried
    │   ├── EngineTLSError            missing or refused certificates of the engine
    │   │   └── EngineTLSMissing      a file that is not there, or not yet
    │   ├── RegistryRefused           a registry that cannot be reached, or does not let us in
    │   ├── WrongPlatform
    │   └── UnreadableImage           an archive, an engine's or a registry's answer that cannot be understood
    ├── AccessError              14
    │   ├── CredentialsMissing
    │   ├── CredentialsRefused
    │   ├── PermissionDenied          HTTP 403: RAM
    │   ├── ServiceNotActivated       HTTP 400: not bought, or another site
    │   └── ClockSkew
    ├── ServiceError             15
    │   ├── ServiceUnreachable
    │   ├── ServiceThrottled
    │   ├── ServiceFault              an error of the service, or a code not known here
    │   ├── AnswerNotUnderstood
    │   └── FateUnknown               a create that may have opened a task
    ├── StillRunning             16
    └── IncompleteError          17
        ├── NotEnded                  the process was killed before it could report
        ├── ImageMoved                the reference means another image now
        ├── ScanFailed                the task ended, and not well
        ├── NotProved                 nobody knows whether it scanned this image
        ├── FindingsIncomplete        not every finding could be read
        ├── RegionNotSupported
        └── ResultNotWritten
    Interrupted (BaseException)  129, 130, 143

A class carries exactly one reason and a family shares it. Only `cli.main` turns these into an exit code.
"""

import signal
from enum import Enum
from typing import ClassVar


class Reason(Enum):
    """A reason slug with its exit codes and meaning: the contract's table."""

    INTERNAL = ("internal", (1,), "a bug in the tool")
    USAGE = ("usage", (2,), "options, configuration or environment")
    POLICY = ("policy", (10,), "findings at or above the gate")
    WARN = ("warn", (11,), "a warning gate or a `--soft` reason: the one code to map to UNSTABLE")
    QUOTA = ("quota", (12,), "quota below `--min-quota`, spent, or no free task slot before the deadline")
    IMAGE = (
        "image",
        (13,),
        "image not found, engine unreachable or its TLS files missing, wrong platform, bad archive",
    )
    ACCESS = ("access", (14,), "credentials missing or refused, no permission, service not activated")
    SERVICE = ("service", (15,), "service unreachable, failing, throttled beyond the retries, or not understood")
    TIMEOUT = ("timeout", (16,), "the task still runs at the deadline")
    INCOMPLETE = (
        "incomplete",
        (17,),
        "the result is partial, stale, contradictory, not for this image, or not written",
    )
    INTERRUPTED = ("interrupted", (129, 130, 143), "SIGHUP, SIGINT or SIGTERM: what was opened is in `result.json`")

    def __init__(self, slug: str, codes: tuple[int, ...], meaning: str) -> None:
        self.slug = slug
        self.codes = codes
        self.meaning = meaning

    @property
    def code(self) -> int:
        """The exit code; for `INTERRUPTED` the one of SIGTERM, as Jenkins sends it on abort."""
        return self.codes[-1]


class ScanError(Exception):
    """An expected end of a run: what happened, and what to do about it."""

    reason: ClassVar[Reason]
    default_remedy: ClassVar[str] = ""

    def __init__(  # noqa: PLR0913  each is one thing that an error may have to say
        self,
        message: str,
        *,
        remedy: str | None = None,
        service_code: str | None = None,
        request_id: str | None = None,
        http_status: int | None = None,
        tried: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.tried = tried
        """What was tried and how each attempt failed, one line each; empty when there was but one."""
        self.remedy = self.default_remedy if remedy is None else remedy
        self.service_code = service_code
        """The service's own error code, such as `BeyondQuata`, when an answer carried one."""
        self.request_id = request_id
        """The service's request id: what its support asks for."""
        self.http_status = http_status
        """The HTTP status of the answer that said so, when one did."""

    @property
    def exit_code(self) -> int:
        """The exit code of this reason."""
        return self.reason.code


class InternalError(ScanError):
    """A bug: the traceback is shown with `-v`."""

    reason = Reason.INTERNAL
    default_remedy = (
        "This is a bug in jenkins-scan. Run again with -v, and open an issue in its repository with the traceback and "
        "what `jenkins-scan --version` says."
    )

    @classmethod
    def of(cls, problem: Exception) -> "InternalError":
        """The error for an exception that nobody expected."""
        error = cls(f"{type(problem).__name__}: {problem}")
        error.__cause__ = problem
        return error


class UsageError(ScanError):
    """Something that was asked for cannot be done as asked; nothing was sent."""

    reason = Reason.USAGE
    default_remedy = "Correct what the message names; `jenkins-scan COMMAND --help` lists the options of a command."


class ConfigurationError(UsageError):
    """A value of a flag, a variable, the configuration file or a scenario file is wrong."""

    default_remedy = "Correct what the message names; `jenkins-scan config` shows every setting and where it came from."


class InvalidReference(UsageError):
    """An image reference outside the grammar of distribution/reference."""

    default_remedy = "Write it as [HOST[:PORT]/]PATH[:TAG][@sha256:DIGEST], or docker-archive://PATH."


class EngineSettingsError(UsageError):
    """The Docker context or config.json that names the engine cannot be followed."""

    default_remedy = "Repair the context (`docker context ls`), or name the engine with --docker-host."


class OutputError(UsageError):
    """A report path was probed before any request and cannot be written."""

    default_remedy = "Choose a writable place with --report-dir DIR (and -o FORMAT=PATH). Nothing was sent."


class QuotaError(ScanError):
    """The image-scan quota does not allow this scan."""

    reason = Reason.QUOTA


class QuotaTooLow(QuotaError):
    """Less quota remains than `--min-quota` asks for."""

    default_remedy = "Buy more image-scan quota in the Security Center console (Scale Out), or lower --min-quota."


class QuotaSpent(QuotaError):
    """The service refused the task with `BeyondQuata`."""

    default_remedy = (
        "Buy more image-scan quota in the Security Center console (Scale Out). A lower --min-quota does not help: "
        "without quota the service opens no task."
    )


class NoFreeSlot(QuotaError):
    """The account's limit of running tasks was reached, and no task ended before the deadline."""

    default_remedy = (
        "Wait for the running tasks (at most 10 by default), or give a longer --timeout. Nothing was created."
    )


class PolicyFailed(ScanError):
    """Findings at or above the gate: the image must not ship."""

    reason = Reason.POLICY
    default_remedy = (
        "Fix what is listed under `findings`, or accept it with a waiver that has a reason and a last day. Revoke a "
        "secret that was found: taking it out of the image does not bring it back."
    )


class PolicyWarned(ScanError):
    """Findings at or above the warning gate."""

    reason = Reason.WARN
    default_remedy = (
        "Fix what is listed under `findings`, or accept it with a waiver that has a reason and a last day. Revoke a "
        "secret that was found."
    )


class ImageError(ScanError):
    """The image cannot be identified."""

    reason = Reason.IMAGE


class ImageNotFound(ImageError):
    """The source answered, and has no such image. Nothing is ever pulled."""

    default_remedy = (
        "Build or pull it first on the same engine; jenkins-scan never pulls. `docker images` lists what is there."
    )


class EngineUnreachable(ImageError):
    """No engine answers where one was expected."""

    default_remedy = (
        "Start it, or name another one with --docker-host or DOCKER_HOST; `jenkins-scan -v inspect IMAGE` asks it "
        "alone, and says how it was chosen."
    )


class EngineAbsent(EngineUnreachable):
    """There is no engine at this address: no socket, or nobody who listens. Another one may be tried."""


class EngineTLSError(ImageError):
    """The engine's TLS files are missing, unreadable, or its certificate is refused."""

    default_remedy = (
        "Check ca.pem, cert.pem and key.pem in DOCKER_CERT_PATH: each is there, readable by this user and not expired, "
        "and the engine's certificate and cert.pem are signed by the CAs that the other side trusts. There is no "
        "unverified mode."
    )


class EngineTLSMissing(EngineTLSError):
    """A TLS file of the engine is not there, or not yet: Docker-in-Docker writes them as it starts."""

    default_remedy = (
        "Point DOCKER_CERT_PATH at a folder with ca.pem, cert.pem and key.pem. If Docker-in-Docker still writes them, "
        "--engine-wait 60 waits for them."
    )


class RegistryRefused(ImageError):
    """A registry that cannot be reached, or does not let us read the image."""

    default_remedy = "Log in on this agent (`docker login HOST`), and check network, proxy variables and --ca-bundle."


class WrongPlatform(ImageError):
    """The image is there, but for another platform than `--platform`."""

    default_remedy = "Name a platform that the image has, or build it for this one."


class UnreadableImage(ImageError):
    """An archive, or an engine's answer, that cannot be read as an image."""

    default_remedy = "Write the archive anew with `docker save -o FILE NAME`, or look into the engine's log."


class AccessError(ScanError):
    """The service does not let us in."""

    reason = Reason.ACCESS


class CredentialsMissing(AccessError):
    """No AccessKey or no CI/CD token was found."""

    default_remedy = (
        "Bind ALIBABA_CLOUD_ACCESS_KEY_ID, ALIBABA_CLOUD_ACCESS_KEY_SECRET and JENKINS_SCAN_TOKEN around the step with "
        "withCredentials; on a laptop export them. Each may also be a file named by NAME_FILE, such as "
        "JENKINS_SCAN_TOKEN_FILE."
    )


class CredentialsRefused(AccessError):
    """The service does not accept the AccessKey, its signature or the STS token."""

    default_remedy = (
        "Check the AccessKey pair and the STS token: right account, active, not expired, no stray characters."
    )


class PermissionDenied(AccessError):
    """HTTP 403: the RAM user lacks an action."""

    default_remedy = (
        "Grant the action that the message names (Resource *) to the RAM user or role of this AccessKey. "
        "`jenkins-scan doctor` with the options of the scan lists every read that is refused."
    )


class ServiceNotActivated(AccessError):
    """HTTP 400 `NoPermission`: container image scan is not bought, or the token belongs to the other site."""

    default_remedy = (
        "Container image scan is not active for this account at this site: buy it in the Security Center console, "
        "or choose the region of the site where it was bought (--region)."
    )


class ClockSkew(AccessError):
    """`InvalidTimeStamp.*`: the agent's clock is more than 15 minutes off."""

    default_remedy = "Set the agent's clock (NTP): the service accepts signatures within 15 minutes of its own time."


class ServiceError(ScanError):
    """The service could not be asked, or its answer cannot be used."""

    reason = Reason.SERVICE


class ServiceUnreachable(ServiceError):
    """No connection, no TLS, or no answer in time."""

    default_remedy = "Check the network from this agent to the endpoint: DNS, proxy variables, --ca-bundle, --vpc."


class ServiceThrottled(ServiceError):
    """Still throttled after all tries."""

    after: float | None = None
    """Seconds that the service asked to wait, by its last answer; None where it did not say."""
    default_remedy = "The account's API rate limit is used up: run fewer scans at once, or try again later."


class ServiceFault(ServiceError):
    """An error of the service, or an error code that is not known here."""

    default_remedy = (
        "The message holds the service's own words. After HTTP 5xx try again later; what stays, report to Alibaba "
        "Cloud with the request id below the message."
    )


class AnswerNotUnderstood(ServiceError):
    """An answer that is not what the API page promises: HTML, XML, truncated, oversized or without its parts."""

    default_remedy = (
        "Something between this agent and the service may have answered in its place: check proxies and --endpoint."
    )


class FateUnknown(ServiceError):
    """A create was sent and its fate is not known: a task may exist. It is never sent again."""

    default_remedy = (
        "Look for the task in the Security Center console before the next run: a second scan may use quota again."
    )
    sent_on: float = 0.0
    """Monotonic time just before the create was sent."""


class StillRunning(ScanError):
    """The task had not ended at the deadline."""

    reason = Reason.TIMEOUT
    default_remedy = (
        "The task goes on: `jenkins-scan wait RESULT_JSON` takes it up, and a longer --timeout gives it more time. One "
        "that never moves may be of an image in a registry that Security Center cannot read."
    )


class IncompleteError(ScanError):
    """The result is not whole, not for this image, or not on disk."""

    reason = Reason.INCOMPLETE


class NotEnded(IncompleteError):
    """The process was killed after it had opened a task: its result file holds what was known until then."""

    default_remedy = "Take the task up: `jenkins-scan wait RESULT_JSON`. 137 means mostly that memory was short."


class ImageMoved(IncompleteError):
    """The reference means another image now than the one that was identified."""

    default_remedy = (
        "Something built, tagged or pushed under this name during the run. Scan again, and give each build its own tag."
    )


class ScanFailed(IncompleteError):
    """The task ended, and not well."""

    default_remedy = (
        "Look into the task in the Security Center console by the id that the message names, and scan again: nothing "
        "was judged."
    )


class NotProved(IncompleteError):
    """The task ended well, and nothing proves that what it scanned is this image."""

    default_remedy = (
        "Push the image and scan it with --pushed, or as registry://NAME: its digest is then confirmed, and proves it "
        "where the service's record holds it. docs/image-identity.md says more."
    )


class FindingsIncomplete(IncompleteError):
    """The task ended well, and its findings could not be read whole."""

    default_remedy = (
        "Scan again later. `jenkins-scan doctor` with the --fail-on of the scan names the reads that are refused; if "
        "none is, report it to Alibaba Cloud with the task's id."
    )


class RegionNotSupported(IncompleteError):
    """`TASK_NOT_SUPPORT_REGION`: images in this region cannot be scanned."""

    default_remedy = "Push the image to a registry in a supported region; docs/registry.md lists them (Regions)."


class ResultNotWritten(IncompleteError):
    """`result.json` could not be written at the end: a verdict that nobody can read proves nothing."""

    default_remedy = "Free space there, or make --report-dir writable for this user; then run again."


class Interrupted(BaseException):
    """SIGHUP, SIGINT or SIGTERM arrived."""

    reason = Reason.INTERRUPTED

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.signal = signal.Signals(signum)

    @property
    def exit_code(self) -> int:
        """128 plus the signal's number, as a shell reports it."""
        return 128 + self.signal
