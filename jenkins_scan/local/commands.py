"""Secrets in the words of a command: what follows the options, settings and headers that tools take secrets in."""

import re
from collections.abc import Iterator
from typing import Final

from jenkins_scan.local.secret_names import is_default, is_secret_name, passwords_in_connections, passwords_in_urls
from jenkins_scan.plain_text import one_line

_LONGEST_NAME: Final = 80
_SHORTEST_IN_URL: Final = 6
_VALUE: Final = r"(\"[^\"]*\"|'[^']*'|[^\s;&|\"'()\]}]+)"
_TEXT: Final = r"[\"']?([^\s\"';&|]{1,256})"
_INSTALL: Final = re.compile(
    r"\b(?:apt-get|apt|aptitude|apk|yum|dnf|microdnf|zypper|pip[\d.]{0,5}|npm|yarn|gem|conda)\b[^;&|]{0,400}?"
    r"\s(?:install|add|i)\s[^;&|]*"
)
"""Packages have names and versions as variables have: `passwd=1:4.13`."""
_NAMED: Final = (
    re.compile(rf"(?:(?<![\w$./-])|(?<=\s-D))([A-Za-z_][\w.]{{1,100}})(?<!\.)={_VALUE}"),
    re.compile(rf"(?<=\s-D)([A-Za-z_][\w.-]{{1,100}})={_VALUE}"),
    re.compile(rf"(?<![\w$./-])([A-Za-z_][\w.]{{1,100}})\s{{1,4}}=\s{{1,4}}{_VALUE}"),
    re.compile(r"[\"'{,]\s{0,4}\\?[\"']([A-Za-z_][\w.-]{1,100})\\?[\"']\s{0,4}:\s{0,4}\\?[\"']([^\"'\\]{1,256})"),
    re.compile(rf"(?<![\w$./-])([A-Za-z_][\w.]{{1,100}}):\s{{1,4}}{_TEXT}"),
    re.compile(
        r"\b(?:config(?:ure)?|npm|yarn|pnpm)\s{1,8}(?:[^;&|]{0,80}?\bset\s{1,8}|(?:-\S{1,40}\s{1,8}){0,3})"
        rf"(?!(?:un)?set-|get-|use-)(\S{{1,200}})\s{{1,8}}{_VALUE}"
    ),
)
"""A setting, whose name tells whether its value is a secret, and that value."""
_OPTION: Final = re.compile(
    r"(?<![\w-])--?(?!(?:no|skip|ask|prompt|without|with|enable|disable|disabled|allow|require|use)-)"
    r"((?:[a-z][a-z-]{0,40}-)?(?:password|passwd|pass|token|secret|secret-key|api-key|passphrase)"
    r"|(?:src|dest|new)?(?:store|key)pass)[\"']?(?:=|\s{1,8}(?!-))" + _VALUE
)
_LOGS_IN: Final = (
    r"\b(?:docker|podman|nerdctl|buildah|skopeo|crane|oras|helm\s{1,8}registry|az\s{1,8}acr|az)"
    r"\s{1,8}(?:auth\s{1,8})?login\b"
)
_SAYS: Final = r"\b(?:echo|printf|cat\s{1,8}<<<)\s{1,8}(?:-\w{1,4}\s{1,8}|[\"']?%s(?:\\n)?[\"']?\s{1,8}){0,3}"
_KNOWN: Final = tuple(
    (what, re.compile(pattern, re.IGNORECASE))
    for what, pattern in (
        (
            "a header with a login",
            (
                r"(?<![\w-])(?:authorization|[\w-]{0,40}(?:token|api-?key|secret)):\s*(?:(?:bearer|basic|token)\s+)?"
                r"(?!(?:bearer|basic|token)\b)([^\s\"'$]{6,})"
            ),
        ),
        (
            "a password for chpasswd",
            (
                r"\b(?:echo|printf)\s{1,8}[\"']?[\w.-]{1,64}:([^\s\"'|]{1,256}?)(?:\\n)?[\"']?\s{0,8}\|"
                r"\s{0,8}(?:sudo\s{1,8})?chpasswd\b"
            ),
        ),
        ("a password for chpasswd", r"\bchpasswd\b[^;&|<]{0,80}<<<\s{0,8}[\"']?[\w.-]{1,64}:([^\s\"';&|]{1,256})"),
        (
            "a password for passwd",
            rf"{_SAYS}[\"']?([^\s\"'\\;&|]{{1,256}})[^;&|]{{0,300}}\|\s{{0,8}}(?:sudo\s{{1,8}})?passwd\b",
        ),
        ("a password for --password-stdin", rf"{_SAYS}{_VALUE}\s{{0,8}}\|[^;&|]{{0,300}}--password-stdin"),
        ("a password for --password-stdin", rf"--password-stdin[^;&|<]{{0,300}}<<<\s{{0,8}}{_VALUE}"),
        ("a login with -p", rf"{_LOGS_IN}[^;&|]{{0,300}}?\s-p[ =]?{_VALUE}"),
        ("a password for sshpass", rf"\bsshpass\s{{1,8}}-p\s{{0,8}}{_VALUE}"),
        (
            "a password with -p",
            rf"\b(?:mysql|mysqldump|mysqladmin|mysqlimport|mariadb|mariadb-dump|mariadb-admin)\b[^;&|]{{0,300}}?\s(?-i:-p){_VALUE}",
        ),
        ("a password with -P", rf"\b(?:sqlcmd|bcp)\b[^;&|]{{0,300}}?\s(?-i:-P)\s{{0,8}}{_VALUE}"),
        ("a password for redis-cli", rf"\bredis-cli\b[^;&|]{{0,300}}?\s-a[ =]?{_VALUE}"),
        ("a password for useradd", rf"\b(?:useradd|usermod)\b[^;&|]{{0,300}}?\s(?-i:-p)\s{{1,8}}{_VALUE}"),
        (
            "a password for htpasswd",
            rf"\bhtpasswd\s{{1,8}}-\w{{0,8}}b\w{{0,8}}\s{{1,8}}(?:-\S{{1,20}}\s{{1,8}}){{0,4}}(?:\S{{1,200}}\s{{1,8}}){{1,2}}?{_VALUE}(?=\s*(?:[;&|>]|\Z))",
        ),
        ("a password for openssl", r"\s-pass(?:in|out)?\s{1,8}[\"']?pass:([^\s\"';&|]{1,256})"),
        (
            "a login for vault",
            r"\bvault\s{1,8}login\s{1,8}(?:-\S{1,80}\s{1,8}){0,5}([\w.-]{10,200})(?=\s*(?:[;&|]|\Z))",
        ),
        ("a password in SQL", r"\b(?:identified\s{1,4}by|password)\s{1,4}(?:=\s{0,4})?\\?'([^'\\]{1,256})"),
        ("a login for Composer", rf"\b(?:github-oauth|gitlab-(?:token|oauth)|bearer)\.\S{{1,200}}\s{{1,8}}{_VALUE}"),
        ("a login for an index", rf"\bhttp-basic\.\S{{1,200}}\s{{1,8}}\S{{1,200}}\s{{1,8}}{_VALUE}"),
        (
            "a login for Bundler",
            r"\bbundle\s{1,8}config\s{1,8}(?:(?:set|--\w{1,20})\s{1,8}){0,4}\S{1,200}\s{1,8}[\"']?[\w.-]{1,100}:([^\s\"';&|/]{1,256})",
        ),
        ("a login for curl", r"\bcurl\b[^;&|]{0,600}?\s(?:-u|--user)[ =]?[\"']?[^\s:\"'$]{1,256}:([^\s\"']{1,256})"),
        ("a token in a URL", r"https?://((?=[^\s/@]{0,200}\d)[^\s/@:\"'$]{16,200})@"),
        ("a private key", r"(-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----\s*\S[\s\S]{20,})"),
    )
)
"""What is found, and where its one group is the secret. All of them take linear time."""


def secrets_in_command(text: str) -> Iterator[tuple[str, str]]:
    """Of each secret what it is and the secret as it stands there, which may be a placeholder, and quoted."""
    settings = _INSTALL.sub(" ", text)
    for pattern in _NAMED:
        for match in pattern.finditer(settings):
            name, value = match[1], match[2]
            is_in_url = settings[match.start() - 1 : match.start()] in ("?", "&")
            if is_secret_name(name) and not value.startswith("=") and not (is_in_url and len(value) < _SHORTEST_IN_URL):
                yield one_line(name, _LONGEST_NAME), value
    for match in _OPTION.finditer(settings):
        if not match[1].endswith(("storepass", "keypass")) or not is_default(
            match[2]
        ):  # Java's `changeit` guards nothing
            yield f"--{match[1]}", match[2]
    for what, pattern in _KNOWN:
        for match in pattern.finditer(text):
            yield what, match[1]
    for password in passwords_in_urls(text):
        yield "a password in a URL", password
    for password in passwords_in_connections(text):
        yield "a password in a connection string", password
