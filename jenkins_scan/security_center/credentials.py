"""The AccessKey pair, and where it came from.

Order: `ALIBABA_CLOUD_ACCESS_KEY_ID`, `…_SECRET` and `…_SECURITY_TOKEN` from the environment, each also as
`<NAME>_FILE`; then, with the extra `[ram]`, the default chain of alibabacloud-credentials (OIDC, CLI profile, ECS RAM
role, URI). No flag takes a secret.
"""

import errno
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr

from jenkins_scan.errors import CredentialsMissing
from jenkins_scan.security_center.variables import CICD_TOKEN, KEY_ID, KEY_SECRET, SECURITY_TOKEN
from jenkins_scan.time_limit import TimeIsUp, within

LARGEST_FILE = 64 * 1024
FILE_SECONDS = 5.0
"""How long the file of a secret may take to be read."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """An AccessKey pair, with the STS token that belongs to it if it is a temporary one."""

    access_key_id: str = field(repr=False)
    access_key_secret: SecretStr
    security_token: SecretStr | None = None
    provider: str = "environment"
    """What gave them: `environment`, `sandbox`, or the provider named by alibabacloud-credentials."""

    def secrets(self) -> tuple[str, ...]:
        """Every value that must not leave, the key id included."""
        token = () if self.security_token is None else (self.security_token.get_secret_value(),)
        return (self.access_key_id, self.access_key_secret.get_secret_value(), *token)


def is_bare(value: str) -> bool:
    """Whether the value holds nothing but what a key or a token can hold, and a header can carry."""
    return value != "" and all("!" <= character <= "~" for character in value)


def read_secret(environ: Mapping[str, str], name: str) -> SecretStr | None:
    """The secret in variable `name`, or in the file that `<name>_FILE` names; white space around it is dropped.

    None when neither is set or both are empty. Raises `CredentialsMissing` (14) when the file cannot be read, or when
    the value holds characters that no key or token has (a line break in it would end up in a header).
    """
    value, origin = environ.get(name, ""), name
    path = environ.get(f"{name}_FILE", "")
    if not value.strip() and path:
        origin = f"{name}_FILE"
        try:
            value = file_content(path).decode("utf-8", "replace")
        except (OSError, ValueError) as exc:
            raise CredentialsMissing(
                f"{origin}: the file it names cannot be read: {getattr(exc, 'strerror', None) or 'not a path'}.",
                remedy=f"Bind the secret file again (withCredentials), or set {name}.",
            ) from exc
    value = value.strip()
    if not value:
        return None
    if not is_bare(value):
        raise CredentialsMissing(
            f"{origin}: the value holds a space, a line break or a character outside ASCII.",
            remedy="Store the bare value in the credential, without quotes, comments or a second line.",
        )
    return SecretStr(value)


def file_content(path: str) -> bytes:
    """What is in the file of a secret; it may be a pipe that somebody writes to.

    Raises `OSError` also for what gives nothing in time or too much, and `ValueError` for what is no path.
    """

    def read() -> bytes:
        with Path(path).open("rb") as file:
            return file.read(LARGEST_FILE + 1)

    try:
        content = within(FILE_SECONDS, read)
    except TimeIsUp as exc:
        raise TimeoutError(errno.ETIMEDOUT, f"it gave nothing within {FILE_SECONDS:g} s, as a pipe does") from exc
    if len(content) > LARGEST_FILE:
        raise OSError(errno.EFBIG, f"larger than {LARGEST_FILE // 1024} KiB")
    return content


def read_token(environ: Mapping[str, str]) -> SecretStr:
    """The CI/CD token of the account's image registry. Raises `CredentialsMissing` (14)."""
    token = read_secret(environ, CICD_TOKEN)
    if token is None:
        raise CredentialsMissing(
            f"no CI/CD token: neither {CICD_TOKEN} nor {CICD_TOKEN}_FILE is set.",
            remedy="Make one in the Security Center console (Container Protection > CI/CD Integration Settings) "
            f"and bind it with withCredentials as {CICD_TOKEN}. Builds of forks may get no credentials at all.",
        )
    return token


def from_environment(environ: Mapping[str, str]) -> Credentials | None:
    """The credentials of this environment, None when it holds no part of them.

    Raises `CredentialsMissing` (14) for half a pair, and as `read_secret` does.
    """
    key_id, secret = read_secret(environ, KEY_ID), read_secret(environ, KEY_SECRET)
    if key_id is not None and secret is not None:
        return Credentials(key_id.get_secret_value(), secret, read_secret(environ, SECURITY_TOKEN))
    if key_id is not None or secret is not None:
        here, missing = (KEY_ID, KEY_SECRET) if key_id is not None else (KEY_SECRET, KEY_ID)
        raise CredentialsMissing(
            f"half an AccessKey pair: {here} is set, {missing} is not.",
            remedy=f"Bind both with withCredentials: {KEY_ID} and {KEY_SECRET}.",
        )
    return None
