"""Credentials from alibabacloud-credentials' default chain (extra `[ram]`), fetched in a process of its own.

The library reads its variables at import, starts threads that outlive the call, logs to stderr at DEBUG, prints
tracebacks of failed providers, and puts whole HTTP answers into its error texts. A child process keeps all of that
away from this one: of what it says, only the credentials or the names of the providers that failed come back, over a
pipe.
"""

import importlib.util
import json
import re
import subprocess
import sys
from typing import Any

from pydantic import SecretStr

from jenkins_scan.errors import CredentialsMissing
from jenkins_scan.security_center.credentials import Credentials, is_bare
from jenkins_scan.security_center.variables import KEY_ID, KEY_SECRET

LIBRARY = "alibabacloud_credentials"
LONGEST_WAIT = 20.0
"""Seconds for the whole chain: its slowest parts are two metadata calls of at most 10 s."""


def from_default_chain(*, library: str = LIBRARY, longest_wait: float = LONGEST_WAIT) -> Credentials:
    """The first credentials that the chain finds. Raises `CredentialsMissing` (14)."""
    if importlib.util.find_spec(library) is None:
        raise CredentialsMissing(
            f"no credentials: neither {KEY_ID} and {KEY_SECRET} nor their _FILE variants are set.",
            remedy="Bind an AccessKey pair with withCredentials. For RAM roles, OIDC or CLI profiles install "
            "jenkins-scan[ram]. Builds of forks may get no credentials at all.",
        )
    try:
        # -P: a folder in the workspace must not be able to stand in for the library.
        child = subprocess.run(  # noqa: S603  our own interpreter and module
            [sys.executable, "-P", "-m", __name__],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=longest_wait,
            check=False,
        )
    except subprocess.TimeoutExpired as exc:
        raise _nothing_found(f"the credential chain gave no answer within {longest_wait:.0f} s") from exc
    try:
        return _credentials(json.loads(child.stdout))
    except (ValueError, LookupError, TypeError):
        tried = _providers(child.stdout + child.stderr)
        # Not chained: the cause could quote what a metadata service answered.
        raise _nothing_found(f"no credentials in the environment, nor from {tried}") from None


def _credentials(answer: dict[str, Any]) -> Credentials:
    key_id, secret, token = (answer[name] for name in ("access_key_id", "access_key_secret", "security_token"))
    if not all(isinstance(value, str) and is_bare(value) for value in (key_id, secret, token or "none")):
        raise ValueError("a credential that no header can carry")
    return Credentials(key_id, SecretStr(secret), SecretStr(token) if token else None, str(answer["provider"]))


def _providers(said: bytes) -> str:
    names = re.findall(r"\b(\w{1,60})CredentialsProvider\b", said[-100_000:].decode("utf-8", "replace"))
    return ", ".join(dict.fromkeys(names)) or "the default chain of alibabacloud-credentials"


def _nothing_found(message: str) -> CredentialsMissing:
    return CredentialsMissing(
        f"{message}.",
        remedy=f"Bind {KEY_ID} and {KEY_SECRET} with withCredentials, or check RAM role, OIDC or profile.",
    )


def fetch_as_json() -> str:
    """The chain's credentials as JSON: the child's part. Raises what the library raises."""
    from alibabacloud_credentials.client import Client  # type: ignore[import-untyped]  # it has no types

    found = Client().get_credential()
    return json.dumps(
        {
            "access_key_id": found.get_access_key_id(),
            "access_key_secret": found.get_access_key_secret(),
            "security_token": found.get_security_token(),
            "provider": found.get_provider_name(),
        }
    )


if __name__ == "__main__":  # pragma: no cover - runs in the child, which tests/contract starts for real
    sys.stdout.write(fetch_as_json())
    sys.stdout.flush()
