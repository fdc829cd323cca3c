"""Access tokens in text, found by the patterns of detect-secrets and a few more of its kind.

Its patterns are run on short windows alone, around words without which they cannot match. So a text takes the time of
a plain search, and no hostile one takes the quadratic time that some of the patterns would need for it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, Final

OWN: Final = "jenkins_scan.local.more_detectors"
_BEFORE, _AFTER = 96, 512
"""Bytes of a window before and behind its word: the longest token that is looked for fits in."""
_STEP: Final = 400
"""Bytes between windows where every part of a text is looked at; they overlap, so that no token is torn."""


_ENCODED: Final = re.compile(r"[A-Za-z0-9+/]")
_REST: Final = re.compile(r"[\w.+/=-]*")
"""The patterns may leave the end of a token out: to take it out of a text, the whole is needed."""


@dataclass(frozen=True, slots=True)
class _Pattern:
    """A detector, and the words that mark what it can find; none of them: only short texts are searched."""

    module: str
    plugin: str
    words: tuple[bytes, ...]
    ends: bool = False
    """Whether what it finds has one length, and nothing may follow it at once."""


_PATTERNS: Final = (
    _Pattern("aws", "AWSKeyDetector", (b"AKIA", b"ASIA", b"aws_secret", b"AWS_SECRET", b"awsSecret"), ends=True),
    _Pattern("azure_storage_key", "AzureStorageKeyDetector", (b"AccountKey=",)),
    _Pattern("github_token", "GitHubTokenDetector", (b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_")),
    _Pattern("gitlab_token", "GitLabTokenDetector", (b"glpat-", b"gldt-", b"glrt-", b"glptt-")),
    _Pattern("openai", "OpenAIDetector", (b"T3BlbkFJ",)),
    _Pattern("pypi_token", "PypiTokenDetector", (b"pypi-AgE",)),
    _Pattern("sendgrid", "SendGridDetector", (b"SG.",)),
    _Pattern("slack", "SlackDetector", (b"xox", b"hooks.slack.com")),
    _Pattern("square_oauth", "SquareOAuthDetector", (b"sq0csp-",)),
    _Pattern("stripe", "StripeDetector", (b"k_live_",)),
    _Pattern("jwt", "JwtTokenDetector", (b"eyJ",)),
    _Pattern("mailchimp", "MailchimpDetector", ()),
    _Pattern("twilio", "TwilioKeyDetector", ()),
    _Pattern("discord", "DiscordBotTokenDetector", ()),
    _Pattern("telegram_token", "TelegramBotTokenDetector", ()),
    _Pattern(OWN, "AlibabaCloudKeyDetector", (b"LTAI",)),
    _Pattern(OWN, "FineGrainedGitHubTokenDetector", (b"github_pat_",)),
    _Pattern(OWN, "NpmAccessTokenDetector", (b"npm_",)),
    _Pattern(OWN, "HuggingFaceTokenDetector", (b"hf_",)),
    _Pattern(OWN, "GoogleApiKeyDetector", (b"AIza",)),
    _Pattern(OWN, "AnthropicKeyDetector", (b"sk-ant-",)),
)
"""Detectors whose finds are seldom wrong. Those that go by names or by randomness alone are not among them."""

_LIVES_SHORT: Final = "JSON Web Token"
"""Often an example or long expired."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token in a text."""

    type: str
    """What detect-secrets calls it, such as `AWS Access Key`."""
    value: str

    @property
    def may_be_harmless(self) -> bool:
        """Whether it is of a type that is often valid no more."""
        return self.type == _LIVES_SHORT


class Allowance:
    """How many windows may still be searched: what a hostile image can cost has an end."""

    def __init__(self, windows: int) -> None:
        self.left = windows

    def take(self) -> bool:
        """Whether one more may be searched."""
        self.left -= 1
        return self.left >= 0


def tokens_in_file(content: bytes, allowance: Allowance) -> list[Token]:
    """Tokens in a text of any length, of the types that a word marks."""
    found: dict[Token, None] = {}
    for pattern in _PATTERNS:
        for word in pattern.words:
            if word in content:
                for window in _around(content, word, allowance):
                    found.update(dict.fromkeys(_search(pattern, window)))
    # As AWS marks the keys of its documentation, which its own libraries ship.
    return [token for token in found if not token.value.endswith("EXAMPLE")]


def tokens_in_line(text: str, allowance: Allowance) -> list[Token]:
    """Tokens of every type in a short text, such as a variable's value or a line of the history."""
    found: dict[Token, None] = {}
    content = text.encode("utf-8", "replace")
    for start in range(0, len(content), _STEP):
        if not allowance.take():
            break
        window = content[start : start + _STEP + _AFTER]
        for pattern in _PATTERNS:
            if not pattern.words or any(word in window for word in pattern.words):
                found.update(dict.fromkeys(_search(pattern, window)))
    return list(found)


def _around(content: bytes, word: bytes, allowance: Allowance) -> Iterator[bytes]:
    position = content.find(word)
    while position >= 0 and allowance.take():
        end = position + _AFTER
        yield content[max(0, position - _BEFORE) : end]
        position = content.find(word, end - _BEFORE)


def _search(pattern: _Pattern, window: bytes) -> Iterator[Token]:
    detector = _detector(pattern)
    text = window.decode("ascii", "replace")  # one character a byte, and letters of other scripts end a token
    for match in (match for compiled in detector.denylist for match in compiled.finditer(text)):
        # In the middle of a longer run of letters it is a piece of something encoded.
        before, behind = text[max(0, match.start() - 1) : match.start()], text[match.end() : match.end() + 1]
        torn = _ENCODED.match(before) or (pattern.ends and _ENCODED.match(behind))
        if not torn and any(True for _ in detector.analyze_string(match[0])):
            rest = _REST.match(text, match.end())
            yield Token(str(detector.secret_type), match[0] + (rest[0] if rest is not None else ""))


@cache
def _detector(pattern: _Pattern) -> Any:
    module = pattern.module if pattern.module == OWN else f"detect_secrets.plugins.{pattern.module}"
    return getattr(import_module(module), pattern.plugin)()
