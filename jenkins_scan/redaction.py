"""Secrets taken out of text, in every form in which they leave by accident.

Jenkins masks the literal and a few quoted forms on the console alone; files and artifacts are never masked. So each
text that leaves the process (terminal, log, report) passes through one `Redactor`.
"""

import threading
from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any

MASK = "****"
SHORTEST = 6
"""Characters; a shorter value would blank out innocent text and protects nothing."""


class Redactor:
    """Replaces every known secret in a text by `****`."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms: list[str] = []
        self._learning = threading.Lock()
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str) -> None:
        """Learn one more secret; one shorter than six characters is not worth hiding and is left out."""
        if len(secret) < SHORTEST:
            return
        from jenkins_scan.secret_forms import forms_of  # who has no secrets needs none of it

        forms = {form for form in forms_of(secret) if len(form) >= SHORTEST}
        with self._learning:  # images are worked on side by side, and registries have secrets of their own
            # The longest first, so that a secret which is part of another leaves nothing of it behind.
            self._forms = sorted({*self._forms, *forms}, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """The text without secrets."""
        for form in self._forms:
            text = text.replace(form, MASK)
        return text


def redacted(value: Any, redact: Callable[[str], str], keep: frozenset[str] = frozenset()) -> Any:
    """Lists, mappings and dataclasses with every text redacted, before any format escapes it beyond recognition.

    Keys, enumerations and what stands under a key or field in `keep` stay: those are our own words, and a weak secret
    that equals one of them must not break a report.
    """
    match value:
        case None | Enum() | int():
            return value
        case str():
            return redact(value)
        case list() | tuple():
            return type(value)(redacted(item, redact, keep) for item in value)
        case dict():
            return {key: item if key in keep else redacted(item, redact, keep) for key, item in value.items()}
        case _:
            pass
    if not is_dataclass(value) or isinstance(value, type):
        return value
    return replace(value, **redacted({each.name: getattr(value, each.name) for each in fields(value)}, redact, keep))
