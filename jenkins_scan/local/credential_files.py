"""Files that tools keep credentials in: known by name, and reported when they hold one.

Sources: the tools' own documentation (AWS CLI, gcloud, az, aliyun, docker, npm, pip and twine, git, curl, kubectl,
shadow(5), PostgreSQL, MySQL, Maven, Composer, Cargo, RubyGems).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from jenkins_scan.local import checks
from jenkins_scan.local.checks import Check
from jenkins_scan.local.secret_names import is_placeholder, is_secret_name, passwords_in_urls

Holds = Callable[[bytes], bool]
"""Whether a content holds a credential."""

_MOST_LINES: Final = 20_000


@dataclass(frozen=True, slots=True)
class CredentialFile:
    """One such file."""

    check: Check
    what: str
    """For the title of a finding."""
    holds: Holds
    folder: bytes = b""
    """The folder it has to lie in; empty for any."""


def _value(pattern: bytes) -> Holds:
    """Whether the one group of the pattern is somewhere a value and no placeholder. Patterns take linear time."""
    compiled = re.compile(pattern, re.IGNORECASE | re.MULTILINE)

    def holds(content: bytes) -> bool:
        return any(not is_placeholder(match[1].decode("latin-1")) for match in compiled.finditer(content))

    return holds


def _setting(*names: bytes) -> Holds:
    """A line `NAME = VALUE` or `NAME: VALUE`."""
    return _value(rb'^[ \t]*"?(?:' + b"|".join(names) + rb')"?[ \t]*[=:][ \t]*"?([^\s"]+)')


def _json(*names: bytes) -> Holds:
    """A text under one of these keys."""
    return _value(rb'"(?:' + b"|".join(names) + rb')"\s*:\s*"([^"]+)"')


def _url_password(content: bytes) -> bool:
    return any(True for _ in passwords_in_urls(content.decode("latin-1")))


def _variables(content: bytes) -> bool:
    """Lines `NAME=VALUE` of which one names a secret."""
    for line in content.decode("latin-1").splitlines()[:_MOST_LINES]:
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and not name.startswith("#") and is_secret_name(name.strip()) and not is_placeholder(value):
            return True
    return _url_password(content)


def _hash(pattern: bytes) -> Holds:
    """Whether there is the hash of a password; these begin as placeholders do, with `$`."""
    compiled = re.compile(pattern, re.IGNORECASE | re.MULTILINE)
    return lambda content: compiled.search(content) is not None


def _composer(content: bytes) -> bool:
    return any(section in content for section in _COMPOSER) and _TEXTS(content)


def _anything(content: bytes) -> bool:
    return bool(content)


_AUTHS: Final = _json(b"auth", b"identitytoken", b"registrytoken", b"password")
_TEXTS: Final = _value(rb'"[^"\s]+"\s*:\s*"([^"]+)"')
_COMPOSER: Final = (b'"github-oauth"', b'"http-basic"', b'"gitlab-token"', b'"gitlab-oauth"', b'"bearer"')
_KUBECONFIG: Final = _value(rb'"?(?:client-key-data|client-key|token|password)"?[ \t]*:[ \t]*"?([^\s"]+)')
_SHADOW: Final = _hash(rb"^[^:\n]+:!{0,2}(\$[0-9a-z]{1,10}\$[^:\n]{8,}|[./0-9a-z]{13}):")
_HTPASSWD: Final = _hash(rb"^[^:\s]+:(\$[0-9a-z]{1,10}\$\S+|\{SHA\}\S+|[./0-9a-z]{13}\s)")

BY_NAME: Final[dict[bytes, tuple[CredentialFile, ...]]] = {
    b"credentials": (
        CredentialFile(checks.CLOUD_CREDENTIALS, "AWS credentials", _setting(b"aws_secret_access_key"), b".aws"),
        CredentialFile(checks.PACKAGE_CREDENTIALS, "RubyGems credentials", _setting(b":[a-z_]+"), b".gem"),
        CredentialFile(checks.PACKAGE_CREDENTIALS, "Cargo credentials", _setting(b"token"), b".cargo"),
    ),
    b"credentials.toml": (
        CredentialFile(checks.PACKAGE_CREDENTIALS, "Cargo credentials", _setting(b"token"), b".cargo"),
    ),
    b"config.json": (
        CredentialFile(checks.REGISTRY_CREDENTIALS, "Registry credentials", _AUTHS, b".docker"),
        CredentialFile(
            checks.CLOUD_CREDENTIALS, "Alibaba Cloud credentials", _json(b"access_key_secret", b"sts_token"), b".aliyun"
        ),
    ),
    b".dockercfg": (CredentialFile(checks.REGISTRY_CREDENTIALS, "Registry credentials", _AUTHS),),
    b"auth.json": (
        CredentialFile(checks.REGISTRY_CREDENTIALS, "Registry credentials", _AUTHS, b"containers"),
        CredentialFile(checks.PACKAGE_CREDENTIALS, "Composer credentials", _composer),
    ),
    b"application_default_credentials.json": (
        CredentialFile(checks.CLOUD_CREDENTIALS, "Google Cloud credentials", _json(b"refresh_token", b"private_key")),
    ),
    b"credentials.db": (CredentialFile(checks.CLOUD_CREDENTIALS, "Google Cloud credentials", _anything, b"gcloud"),),
    b"access_tokens.db": (CredentialFile(checks.CLOUD_CREDENTIALS, "Google Cloud tokens", _anything, b"gcloud"),),
    b"accessTokens.json": (
        CredentialFile(checks.CLOUD_CREDENTIALS, "Azure tokens", _json(b"accessToken", b"refreshToken"), b".azure"),
    ),
    b"msal_token_cache.json": (CredentialFile(checks.CLOUD_CREDENTIALS, "Azure tokens", _json(b"secret"), b".azure"),),
    b".ossutilconfig": (
        CredentialFile(checks.CLOUD_CREDENTIALS, "Alibaba Cloud credentials", _setting(b"accessKeySecret")),
    ),
    b".s3cfg": (CredentialFile(checks.CLOUD_CREDENTIALS, "S3 credentials", _setting(b"secret_key")),),
    b"credentials.tfrc.json": (CredentialFile(checks.CLOUD_CREDENTIALS, "Terraform credentials", _json(b"token")),),
    b".npmrc": (
        CredentialFile(
            checks.PACKAGE_CREDENTIALS,
            "npm credentials",
            _value(rb"^[^#;\n]*(?:_authToken|_auth|_password)[ \t]*=[ \t]*(\S+)"),
        ),
    ),
    b".pypirc": (CredentialFile(checks.PACKAGE_CREDENTIALS, "PyPI credentials", _setting(b"password")),),
    b"pip.conf": (CredentialFile(checks.PACKAGE_CREDENTIALS, "Credentials of a package index", _url_password),),
    b"settings.xml": (
        CredentialFile(
            checks.PACKAGE_CREDENTIALS, "Maven credentials", _value(rb"<password>([^<\n]+)</password>"), b".m2"
        ),
    ),
    b".netrc": (CredentialFile(checks.LOGIN_CREDENTIALS, "Login credentials", _value(rb"\bpassword\s+(\S+)")),),
    b"_netrc": (CredentialFile(checks.LOGIN_CREDENTIALS, "Login credentials", _value(rb"\bpassword\s+(\S+)")),),
    b".git-credentials": (CredentialFile(checks.LOGIN_CREDENTIALS, "Git credentials", _url_password),),
    b".pgpass": (
        CredentialFile(
            checks.LOGIN_CREDENTIALS, "PostgreSQL passwords", _value(rb"^[^#:\n]+:[^:\n]*:[^:\n]*:[^:\n]*:(\S+)")
        ),
    ),
    b".my.cnf": (CredentialFile(checks.LOGIN_CREDENTIALS, "MySQL credentials", _setting(b"password")),),
    b"config": (
        CredentialFile(checks.KUBECONFIG, "A kubeconfig with credentials", _KUBECONFIG, b".kube"),
        CredentialFile(checks.LOGIN_CREDENTIALS, "A password in the address of a Git remote", _url_password, b".git"),
    ),
    b"k3s.yaml": (CredentialFile(checks.KUBECONFIG, "A kubeconfig with credentials", _KUBECONFIG),),
    b"shadow": (CredentialFile(checks.PASSWORD_STORE, "Password hashes", _SHADOW, b"etc"),),
    b"shadow-": (CredentialFile(checks.PASSWORD_STORE, "Password hashes", _SHADOW, b"etc"),),
    b"gshadow": (CredentialFile(checks.PASSWORD_STORE, "Password hashes of groups", _SHADOW, b"etc"),),
    b".htpasswd": (CredentialFile(checks.PASSWORD_STORE, "Password hashes", _HTPASSWD),),
    b"htpasswd": (CredentialFile(checks.PASSWORD_STORE, "Password hashes", _HTPASSWD),),
}

_ENV: Final = CredentialFile(checks.ENV_FILE, "Variables with secrets", _variables)
_KUBE: Final = CredentialFile(checks.KUBECONFIG, "A kubeconfig with credentials", _KUBECONFIG)
_OF_KUBE: Final = (b"yaml", b"yml", b"json", b"conf", b"config")
_EXAMPLES: Final = (b".example", b".sample", b".template", b".dist", b".defaults", b".tpl")

STORES: Final = {
    b"kdbx": (checks.PASSWORD_STORE, "A password store of KeePass"),
    b"kdb": (checks.PASSWORD_STORE, "A password store of KeePass"),
    b"psafe3": (checks.PASSWORD_STORE, "A password store of Password Safe"),
    b"p12": (checks.KEY_STORE, "A key store"),
    b"pfx": (checks.KEY_STORE, "A key store"),
    b"jks": (checks.KEY_STORE, "A key store"),
    b"keystore": (checks.KEY_STORE, "A key store"),
}
"""By extension: encrypted, so the name alone tells."""


def credential_files(folder: bytes, base: bytes) -> tuple[CredentialFile, ...]:
    """What a file of this name in this folder (its own name, not the whole path) may be."""
    if (known := BY_NAME.get(base)) is not None:
        return tuple(kind for kind in known if kind.folder in (b"", folder))
    if (base.startswith(b".env") or base.endswith(b".env")) and not base.endswith(_EXAMPLES):
        return (_ENV,) if base in (b".env", b".envrc") or base.startswith(b".env.") or base.endswith(b".env") else ()
    stem, _, extension = base.rpartition(b".")
    if b"kubeconfig" in (stem or base) and (not stem or extension in _OF_KUBE):
        return (_KUBE,)
    if base.endswith(b"kubeconfig") or (folder == b"kubernetes" and base.endswith(b".conf")):
        return (_KUBE,)
    return ()
