"""The service's error codes: which reason each is, and whether the request can have run.

Sources: the error tables of the API pages (Sas 2018-12-03), and the public error code pages of the gateway. The HTTP
status of gateway codes differs by page and product, so a code decides, not a status; `NoPermission` alone means two
things, told apart by 400 and 403.
"""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from jenkins_scan import errors


@dataclass(frozen=True, slots=True)
class ServiceCode:
    """One error code, or a family by pattern."""

    pattern: str
    error: type[errors.ScanError]
    cause: str
    remedy: str | None = None
    """None: the remedy of the error class."""
    status: int | None = None
    """The HTTP status that this entry is limited to."""
    retry: bool = False
    """Whether a later try can succeed."""
    may_have_run: bool = False
    """Whether a create that got this answer may have opened a task."""


_LATER: Final = "Try again later; what stays, report to Alibaba Cloud with the request id below the message."
_REPORT: Final = (
    "Waiting does not mend it: report it with the request id below the message, to Alibaba Cloud and as an issue of "
    "jenkins-scan; until then leave out the option that set the parameter, if one did."
)

CODES: tuple[ServiceCode, ...] = (
    ServiceCode("BeyondQuata", errors.QuotaSpent, "the image-scan quota is spent"),
    ServiceCode(
        "NoPermission",
        errors.PermissionDenied,
        "the RAM user or role may not call this operation",
        status=403,
    ),
    ServiceCode("NoPermission", errors.ServiceNotActivated, "container image scan is not active for this account"),
    ServiceCode(
        "SignatureNonceUsed",
        errors.ServiceFault,
        "an earlier try of this request has arrived",
        remedy=_LATER,
        retry=True,
        may_have_run=True,
    ),
    ServiceCode(
        "SignatureDoesNotMatch", errors.CredentialsRefused, "the AccessKey secret does not belong to the key id"
    ),
    ServiceCode(
        "IncompleteSignature",
        errors.CredentialsRefused,
        "a signed header was lost on the way",
        remedy="Look for a proxy that strips or rewrites x-acs-* headers.",
    ),
    ServiceCode("InvalidAccessKeyId.*", errors.CredentialsRefused, "the AccessKey id is unknown or inactive"),
    ServiceCode("InvalidSecurityToken.*", errors.CredentialsRefused, "the STS token is wrong or has expired"),
    ServiceCode(
        "Forbidden*",
        errors.PermissionDenied,
        "the RAM user or role may not call this operation",
        status=403,
    ),
    ServiceCode(
        "Forbidden*",
        errors.CredentialsRefused,
        "the account is not allowed to do this",
        remedy="The message holds the service's own words. Check which account the AccessKey belongs to, and that it "
        "may use Security Center at this site (--region).",
    ),
    ServiceCode(
        "InvalidTimeStamp.*", errors.ClockSkew, "the agent's clock differs from the service's by more than 15 minutes"
    ),
    ServiceCode("TASK_NOT_SUPPORT_REGION", errors.RegionNotSupported, "images in this region cannot be scanned"),
    ServiceCode("Throttling*", errors.ServiceThrottled, "the API rate limit of the account is reached", retry=True),
    ServiceCode(
        "Rejected.Throttling", errors.ServiceThrottled, "the API rate limit of the account is reached", retry=True
    ),
    ServiceCode(
        "ServiceUnavailable",
        errors.ServiceFault,
        "the service is not available for the moment",
        remedy=_LATER,
        retry=True,
    ),
    ServiceCode("ServerError", errors.ServiceFault, "the service failed", _LATER, retry=True, may_have_run=True),
    ServiceCode("InternalError", errors.ServiceFault, "the service failed", _LATER, retry=True, may_have_run=True),
    ServiceCode(
        "InvalidToken",
        errors.ServiceFault,
        "the CI/CD token is not known",
        remedy="Check JENKINS_SCAN_TOKEN against the console's CI/CD integration settings; site and account count.",
    ),
    ServiceCode(
        "MissingToken",
        errors.ServiceFault,
        "the CI/CD token did not arrive",
        remedy="Look for a proxy that strips or rewrites the body of requests: JENKINS_SCAN_TOKEN was sent in it.",
    ),
    ServiceCode("Missing*", errors.ServiceFault, "the service misses a parameter", _REPORT),
    ServiceCode("Invalid*", errors.ServiceFault, "the service does not accept a parameter", _REPORT),
)

UNKNOWN_CODE = ServiceCode("*", errors.ServiceFault, "an error code that jenkins-scan does not know")
UNKNOWN_SERVER_FAULT = ServiceCode(
    "*", errors.ServiceFault, "the service, or something before it, failed", _LATER, retry=True, may_have_run=True
)
TOO_MANY_REQUESTS = ServiceCode(
    "*", errors.ServiceThrottled, "the API rate limit of the account is reached", retry=True
)


def look_up(code: str | None, status: int) -> ServiceCode:
    """What an error answer means; `code` is None when the body held none."""
    for entry in CODES:
        if code is not None and fnmatchcase(code, entry.pattern) and entry.status in (None, status):
            return entry
    if status >= 500:  # noqa: PLR2004  HTTP: server error
        return UNKNOWN_SERVER_FAULT
    if status == 429:  # noqa: PLR2004  HTTP: too many requests
        return TOO_MANY_REQUESTS
    return UNKNOWN_CODE
