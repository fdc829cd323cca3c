"""The AccessKey pair and the CI/CD token: where they come from, and whether they are taken; never what they are."""

from collections.abc import Mapping
from typing import Final

from jenkins_scan.doctor.report import Outcome, failure, good, warning
from jenkins_scan.doctor.service import Service
from jenkins_scan.errors import ClockSkew, CredentialsRefused, ScanError, ServiceUnreachable
from jenkins_scan.security_center.credentials import Credentials, read_token
from jenkins_scan.security_center.variables import CICD_TOKEN, KEY_ID

SHOWN: Final = 4
"""The last characters of a key id that are shown, of at least twice as many."""
SHORTEST_TOKEN, LONGEST_TOKEN = 8, 128
"""Characters. The API page shows one of 36; others are suspicious, not wrong."""


def check(environ: Mapping[str, str], service: Service, *, reachable: bool) -> Outcome:
    """The keys and, where the service can be reached, whether it takes their signature.

    Raises `CredentialsMissing` (14).
    """
    seen = _shown(service.credentials(), environ)
    if not reachable:
        return good(f"{seen}; not shown to the service, which was not reached.")
    try:
        service.quota()
    except (CredentialsRefused, ClockSkew) as refused:
        return failure(refused, f"{seen}: ")
    except ServiceUnreachable as lost:
        return warning(f"{seen}; whether they are taken is not known: {lost.message}", lost.remedy)
    except ScanError:
        return good(f"{seen}; the signature was not refused.")  # what was is a matter of the next lines
    return good(f"{seen}; the service takes the signature.")


def check_token(environ: Mapping[str, str], *, in_process: bool) -> Outcome:
    """Whether a CI/CD token is there; the sandbox in this process brings its own. Raises `CredentialsMissing` (14)."""
    if in_process:
        return good("the sandbox's own.")
    length = len(read_token(environ).get_secret_value())
    origin = _origin(environ, CICD_TOKEN)
    seen = f"from {origin}, {length} characters; only a create would show whether it is the right one"
    if SHORTEST_TOKEN <= length <= LONGEST_TOKEN:
        return good(f"{seen}.")
    return warning(
        f"{seen}, and that is an unusual length.",
        "Copy the token of the console once more (Container Protection > CI/CD Integration Settings).",
    )


def _shown(credentials: Credentials, environ: Mapping[str, str]) -> str:
    """Provider and key id, of which only the end is told."""
    key = credentials.access_key_id
    end = f"…{key[-SHOWN:]}" if len(key) >= 2 * SHOWN else "too short to be shown"
    provider = credentials.provider
    if provider == "environment":
        provider = "environment" if _origin(environ, KEY_ID) == KEY_ID else "files"
    return f"from {provider}, key id {end}" + ("" if credentials.security_token is None else ", with an STS token")


def _origin(environ: Mapping[str, str], name: str) -> str:
    return name if environ.get(name, "").strip() else f"{name}_FILE"
