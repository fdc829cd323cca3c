"""Files with logins: of machines and databases, of Git and its hosts, of applications; password stores; histories.

Sources: shadow(5), curl, git, PostgreSQL, MySQL, Apache (htpasswd), GnuPG, Vault, gh, hub and glab, WordPress, Rails,
Spring Boot (externalized configuration), and the manuals of the shells, Python, readline and libedit for histories.
"""

from typing import Final

from jenkins_scan.local import checks
from jenkins_scan.local.credential_contents import (
    CredentialFile,
    Holds,
    anything,
    history,
    json_settings,
    matching,
    setting,
    settings,
    settings_with_digits,
    url_password,
    value,
    variables,
)


def _login(what: str, holds: Holds, folder: bytes = b"") -> CredentialFile:
    return CredentialFile(checks.LOGIN_CREDENTIALS, what, holds, folder)


def _store(what: str, holds: Holds, folder: bytes = b"") -> CredentialFile:
    return CredentialFile(checks.PASSWORD_STORE, what, holds, folder)


_SHADOW: Final = matching(rb"^[^:\n]+:!{0,2}(\$[0-9a-z]{1,10}\$[^:\n]{8,}|[./0-9a-z]{13}):")
_HTPASSWD: Final = matching(rb"^[^:\s]+:(\$[0-9a-z]{1,10}\$\S+|\{SHA\}\S+|[./0-9a-z]{13}\s)")
_NETRC: Final = _login("Login credentials", value(rb"\bpassword\s+(\S+)"))
_RAILS: Final = matching(rb"\A\s*[0-9a-f]{32}\s*\Z")
_WORDPRESS: Final = value(
    rb"""define\(\s{0,9}["']DB_PASSWORD["']\s{0,9},\s{0,9}["'](?!password_here["'])([^"'\n]+)["']"""
)
_HISTORIES: Final = (
    *(b".bash_history", b".zsh_history", b".ash_history", b".sh_history", b".python_history", b".node_repl_history"),
    *(b".mysql_history", b".mariadb_history", b".psql_history"),
)

VARIABLES: Final = CredentialFile(checks.ENV_FILE, "Variables with secrets", variables)
"""Files of variables, `.env` and the like."""
APPLICATION: Final = _login("A password in an application's settings", settings)
"""`application.yml` and `application.properties`."""
APPLICATION_JSON: Final = _login("A password in an application's settings", json_settings)
"""`appsettings.json` of .NET."""
PROPERTIES: Final = _login("A password in settings", settings_with_digits)
"""Properties of any other name."""

BY_NAME: Final[dict[bytes, tuple[CredentialFile, ...]]] = {
    b".netrc": (_NETRC,),
    b"_netrc": (_NETRC,),
    b"credentials": (_login("Git credentials", url_password, b".config/git"),),
    b".git-credentials": (_login("Git credentials", url_password),),
    b"my.cnf": (_login("MySQL credentials", setting(b"password")),),
    b"database.yml": (_login("The database password of a Rails application", settings, b"config"),),
    b"config": (_login("A password in the address of a Git remote", url_password, b".git"),),
    b"hosts.yml": (_login("GitHub credentials", setting(b"oauth_token"), b".config/gh"),),
    b"hub": (_login("GitHub credentials", setting(b"oauth_token", b"- oauth_token"), b".config"),),
    b"config.yml": (
        # The tool itself writes a tag in front of the value.
        _login("GitLab credentials", value(rb"^[ \t]*token:[ \t]*(?:!!null[ \t]+)?([^\s\"!]+)"), b".config/glab-cli"),
    ),
    b".vault-token": (_login("A token of Vault", anything),),
    b".pgpass": (_login("PostgreSQL passwords", value(rb"^[^#:\n]+:[^:\n]*:[^:\n]*:[^:\n]*:(\S+)")),),
    b".my.cnf": (_login("MySQL credentials", setting(b"password")),),
    b"wp-config.php": (_login("The database password of WordPress", _WORDPRESS),),
    b"master.key": (_login("The master key of a Rails application", _RAILS, b"config"),),
    b"shadow": (_store("Password hashes", _SHADOW, b"etc"),),
    b"shadow-": (_store("Password hashes", _SHADOW, b"etc"),),
    b"gshadow": (_store("Password hashes of groups", _SHADOW, b"etc"),),
    b".htpasswd": (_store("Password hashes", _HTPASSWD),),
    b"htpasswd": (_store("Password hashes", _HTPASSWD),),
    b"secring.gpg": (CredentialFile(checks.PRIVATE_KEY, "A private key ring of GnuPG", anything, b".gnupg"),),
    **{name: (_login("A secret in a history of commands", history),) for name in _HISTORIES},
}
"""By a file's name in lower case."""

GNUPG_KEY: Final = CredentialFile(checks.PRIVATE_KEY, "A private key of GnuPG", anything, b".gnupg/private-keys-v1.d")
"""Files that end in `.key`, in this folder alone."""
