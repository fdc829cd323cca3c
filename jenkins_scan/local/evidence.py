"""Lines of a build as evidence: on one line, and without any secret, known or likely."""

import re
from collections.abc import Iterable
from typing import Final

from jenkins_scan.plain_text import excerpt
from jenkins_scan.redaction import MASK, SHORTEST, Redactor

LONGEST: Final = 240
"""Characters of a line that are shown."""
_WHOLE: Final = 4 * 1024
"""Characters of a line in which likely secrets are looked for; known ones are taken out before any cut tears them."""
_VALUE: Final = r"(\"[^\"]*\"|'[^']*'|[^\s;&|\"']+)"
_LIKELY: Final = (
    re.compile(r"(://)[^\s/@]*:([^\s/@]+)(?=@)"),
    re.compile(rf"(\bauthorization:\s*(?:\w+\s+)?){_VALUE}", re.IGNORECASE),
    re.compile(rf"((?:\s|^)(?:-u|--user|-p|--passphrase|--pass)[ =]){_VALUE}"),
    re.compile(rf"(\b(?:mysql|mysqldump|sshpass|docker|podman|curl|redis-cli|psql)\b[^;&|]*?\s-p){_VALUE}"),
    re.compile(r"(://)([^\s/@:\"']+)(?=@)"),
    re.compile(rf"(\b(?:echo|printf)\s+){_VALUE}(?=[^;&]{{0,80}}\|[^;&]*--password-stdin)"),
    re.compile(rf"(<<<\s{{0,4}}){_VALUE}"),
    re.compile(rf"(\s-(?:P|[a-z]{{0,5}}(?:store|key)?pass(?:in|out)?)[ =:]{{1,4}}){_VALUE}"),
    re.compile(r"(-----BEGIN [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----).*", re.DOTALL),
    re.compile(
        r"([\"']?(?:password|passwd|secret|token|api_?key)[\"']?\s{0,4}:\s{0,4})(\"[^\"]*\"|'[^']*'|[^\s,}\"']+)",
        re.IGNORECASE,
    ),
    re.compile(
        rf"((?<![\w.-])[\w.-]{{0,80}}(?:password|passwd|passphrase|secret|token|apikey|api_key|credential|private_?key|access_?key(?:_?id)?)"
        rf"[\w.-]{{0,80}}[\"']?(?:\s{{0,4}}[=:]\s{{0,4}}|\s{{1,4}})){_VALUE}",
        re.IGNORECASE,
    ),
)
"""Where a secret may stand, group by group: too much masked is no harm."""


_SECRET_SETTING: Final = re.compile(
    r"(?<![\w.-])((?:ENV|ARG)\s+(?:[\w.-]+=\S*\s+)*?[\w.-]*(?:pass|pwd|secret|token|key|credential|pat)[\w.-]*[= ])"
    r"(?:(?!\s[A-Za-z_][\w.-]*=).)+",
    re.IGNORECASE,
)
"""A variable whose name says that it holds a secret, up to the next one: builders write values without their quotes."""


class Evidence:
    """Makes lines fit to be shown: every secret that was found in any of them is taken out of all."""

    def __init__(self, secrets: Iterable[str], guessed: Iterable[str] = ()) -> None:
        known, plain = set(secrets), set(guessed)
        self._redact = Redactor(known)
        short = plain | {secret for secret in known if 0 < len(secret) < SHORTEST}
        self._words = sorted(short, key=len, reverse=True)
        """Taken out where a value stands, and not in the middle of other words."""

    def title(self, text: str) -> str:
        """A text of our own that names things of the build."""
        return self._redact(text)

    def of(self, line: str) -> str:
        """The line as it may be shown."""
        text = _SECRET_SETTING.sub(_masked, self._redact(line))[:_WHOLE]
        for secret in self._words:
            text = re.sub(rf"(?<=[=\s\"':]){re.escape(secret)}(?=[\s\"'|;&]|\Z)", MASK, text)
        for pattern in _LIKELY:
            text = pattern.sub(_masked, text)
        return excerpt(text, LONGEST)


def _masked(match: re.Match[str]) -> str:
    return f"{match[1]}{MASK}"
