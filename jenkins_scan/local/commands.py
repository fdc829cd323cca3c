"""Secrets in the words of a command: what follows the options, settings and headers that tools take secrets in."""

import re
from collections.abc import Iterator
from typing import Final

from jenkins_scan.local.secret_names import is_secret_name, passwords_in_connections, passwords_in_urls
from jenkins_scan.plain_text import one_line

_LONGEST_NAME: Final = 80
_VALUE: Final = r"(\"[^\"]*\"|'[^']*'|[^\s;&|\"'()\]]+)"
_NAMED: Final = (
    re.compile(rf"(?<![\w$./-])([A-Za-z_][\w.-]{{1,100}})={_VALUE}"),
    re.compile(
        rf"\bconfig(?:ure)?\s{{1,8}}(?:[^;&|]{{0,80}}?\bset\s{{1,8}}|(?:-\S{{1,40}}\s{{1,8}}){{0,3}})(\S{{1,200}})\s{{1,8}}{_VALUE}"
    ),
)
"""A setting, whose name tells whether its value is a secret, and that value."""
_OPTION: Final = re.compile(
    r"(?<![\w-])--((?:[a-z][a-z-]{0,40}-)?(?:password|passwd|token|secret|api-key|passphrase))[\"']?[ =]" + _VALUE
)
_AUTHORIZATION: Final = re.compile(
    r"\b(?:authorization|private-token|x-api-key|x-auth-token):\s*(?:(?:bearer|basic|token)\s+)?(?!(?:bearer|basic|token)\b)([^\s\"'$]{6,})",
    re.IGNORECASE,
)
_LOGS_IN: Final = (
    r"\b(?:docker|podman|nerdctl|buildah|skopeo|crane|oras|helm\s{1,8}registry|az\s{1,8}acr|az)"
    r"\s{1,8}(?:auth\s{1,8})?login\b"
)
_KNOWN: Final = (
    ("a header with a login", _AUTHORIZATION),
    (
        "a password for chpasswd",
        re.compile(
            r"\b(?:echo|printf)\s{1,8}[\"']?[\w.-]{1,64}:([^\s\"'|]{1,256}?)(?:\\n)?[\"']?\s{0,8}\|\s{0,8}(?:sudo\s{1,8})?chpasswd\b"
        ),
    ),
    (
        "a password for --password-stdin",
        re.compile(
            rf"\b(?:echo|printf)\s{{1,8}}(?:-\w{{1,4}}\s{{1,8}}|[\"']?%s(?:\\n)?[\"']?\s{{1,8}}){{0,3}}{_VALUE}\s{{0,8}}\|[^;&|]{{0,300}}--password-stdin"
        ),
    ),
    ("a login with -p", re.compile(rf"{_LOGS_IN}[^;&|]{{0,300}}?\s-p[ =]?{_VALUE}")),
    ("a password for sshpass", re.compile(rf"\bsshpass\s{{1,8}}-p\s{{0,8}}{_VALUE}")),
    (
        "a password with -p",
        re.compile(
            rf"\b(?:mysql|mysqldump|mysqladmin|mysqlimport|mariadb|mariadb-dump|mariadb-admin)\b[^;&|]{{0,300}}?\s-p{_VALUE}"
        ),
    ),
    ("a password for redis-cli", re.compile(rf"\bredis-cli\b[^;&|]{{0,300}}?\s-a[ =]?{_VALUE}")),
    (
        "a login for curl",
        re.compile(r"\bcurl\b[^;&|]{0,600}?\s(?:-u|--user)[ =]?[\"']?[^\s:\"'$]{1,256}:([^\s\"']{1,256})"),
    ),
    ("a private key", re.compile(r"(-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----\s*\S[\s\S]{20,})")),
)
"""What is found, and where its one group is the secret. All of them take linear time."""


def secrets_in_command(text: str) -> Iterator[tuple[str, str]]:
    """Of each secret what it is and the secret as it stands there, which may be a placeholder, and quoted."""
    for pattern in _NAMED:
        for match in pattern.finditer(text):
            if is_secret_name(match[1]):
                yield one_line(match[1], _LONGEST_NAME), match[2]
    for match in _OPTION.finditer(text):
        yield f"--{match[1]}", match[2]
    for what, pattern in _KNOWN:
        for match in pattern.finditer(text):
            yield what, match[1]
    for password in passwords_in_urls(text):
        yield "a password in a URL", password
    for password in passwords_in_connections(text):
        yield "a password in a connection string", password
