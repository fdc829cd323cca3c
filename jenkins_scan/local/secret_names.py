"""Variables whose names say that they hold a secret, and values that are none."""

import base64
import re
from collections.abc import Iterator
from typing import Final

_SECRET: Final = re.compile(
    r"(?:password|passwd|passphrase|secret|token|credentials?"
    r"|(?:api|app|access|secret|private|auth|account|encryption|signing|master|deploy|ssh|rsa|license)[_.-]?key"
    r"|access[_.-]?key[_.-]?id|secret[_.-]?key[_.-]?base"
    r"|(?:^|[_.-])(?:pass|pwd|passcode|pat)|(?:ssh|db|user|root|smtp|mail|store|key)pass|rediscli_auth)"
    r"(?:[_.-]?\d+|[_.-]?(?:value|prod|dev|test|staging|live))?\Z",
    re.IGNORECASE,
)
"""Is the end of the name: what comes behind in `TOKEN_URL` or `PASSWORD_FILE` says that it is none."""
_NEVER: Final = frozenset({"pwd", "oldpwd", "gpg_key"})
_PLACEHOLDER: Final = re.compile(
    r"""\\*\$(?:[{(].*)? | \\*\$[\w@*\#?!]\w* | `.* | <.*> | \{\{.*\}\} | %.*% | \[.*\] | @.*@   # to be filled in
      | [x*.\-_!]+ | @/.* | .*\.\*.* | os\.(?:environ|getenv).* | process\.env.* | x-oauth-basic
      | your.* | (?:an?|my|some|the)?[_ -]?example.* | .*placeholder.*
      | todo | tbd | redacted | fake.* | dummy.* | none | null
      | not?[_ -]?(?:an?)?[_ -]?(?:real)?[_ -]?(?:secret|token|password)?
      | nil
      | undefined | unset | true | false | yes | no | on | off | enabled? | disabled? | \d{1,5}
      | (?:file:/)?/(?:[\w.\-]+/)+[\w.\-]* | /[\w\-]{1,15} | /[\w\-]+\.[\w.\-]+ | [a-z]+://[^@]*""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
"""Also paths, addresses without a user, and switches."""
_DEFAULT: Final = re.compile(
    r"(?:change|replace)[_-]?(?:me|it|this)?|changeit|password\d*|passwd|passw0rd|pass|secret|admin\d*|root|test\d*|guest|default"
    r"|token|letmein|qwerty|123456\d*|postgres|mysql|user|minioadmin|redis|rabbitmq|mongo|build|dev|app",
    re.IGNORECASE,
)
"""Values that everybody guesses."""
_USER_IN_URL: Final = re.compile(r"[a-z0-9+.\-]{2,20}://([^/\s:@\"']*):([^/\s@\"']+)@", re.IGNORECASE)
_IN_CONNECTION: Final = re.compile(
    r"(?:;|\A)\s{0,4}(?:password|pwd|accountkey|sharedaccesskey)\s{0,4}=\s{0,4}([^\s;\"']{1,256})", re.IGNORECASE
)
"""As ADO.NET and Azure write connections; a setting alone, without the semicolons, is named by its own name."""
_KEY: Final = re.compile(r"-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----")
_ENCODED_KEY: Final = re.compile(r"LS0tLS1CRUdJTi[A-Za-z0-9+/]{8,80}")
_LONGEST: Final = 4096


def is_secret_name(name: str) -> bool:
    """Whether a variable of this name is there to hold a secret."""
    if name.lower() in _NEVER or len(name) > _LONGEST:
        return False
    return _SECRET.search(name) is not None


def is_placeholder(value: str) -> bool:
    """Whether the value is none: empty, to be filled in, a path, or a switch."""
    text = value.strip().strip("\"'")
    return not text or _PLACEHOLDER.fullmatch(text[:_LONGEST]) is not None


def is_default(value: str) -> bool:
    """Whether the value is a word that everybody guesses, such as `changeme`: weak, but nobody's secret."""
    return _DEFAULT.fullmatch(value.strip().strip("\"'")[:_LONGEST]) is not None


def passwords_in_connections(text: str) -> Iterator[str]:
    """Passwords of `Server=host;Password=…;`."""
    for match in _IN_CONNECTION.finditer(text) if ";" in text else ():
        if not is_placeholder(match[1]) and not is_default(match[1]):
            yield match[1]


def holds_private_key(text: str) -> bool:
    """Whether a private key begins in the text, as it is or in Base64."""
    if _KEY.search(text):
        return True
    encoded = (match[0] for match in _ENCODED_KEY.finditer(text))
    return any(_KEY.search(base64.b64decode(each[: len(each) // 4 * 4]).decode("latin-1")) for each in encoded)


def passwords_in_urls(text: str) -> Iterator[str]:
    """Passwords of `scheme://user:password@host`; one that is the user's name is there to be guessed."""
    for match in _USER_IN_URL.finditer(text):
        user, password = match.groups()
        if user != password and not is_placeholder(password) and not is_default(password):
            yield password
