"""What a reader must know of an image beside its findings: why it was not judged, or not by everything.

A list of findings that is empty looks like a clean image. So every format that lists findings also tells these.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from jenkins_scan.plain_text import one_line
from jenkins_scan.report.result import ImageResult, ReasonEntry, Result
from jenkins_scan.report.rows import LONGEST_TEXT
from jenkins_scan.report.summary import SANDBOX_STAMP

FOUND: Final = frozenset(("policy", "warn"))
"""The reasons that are findings: these were judged."""
PASSED: Final = "PASS"
NEVER_JUDGED: Final = {
    "SUBMITTED": "A scan task was opened and nobody waited for it: the image has NOT been judged.",
    "CHECKED": "The image was checked here alone: the service has NOT judged it.",
}
"""The verdicts that are neither a pass nor a failure, with what they mean."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to know of an image."""

    slug: str
    """The slug of the reason; `submitted` or `checked`; `not-fetched:KIND`, `not-looked-at:KIND`; `sandbox`."""
    level: Literal["error", "warning", "note"]
    message: str
    remedy: str = ""

    @property
    def text(self) -> str:
        """Message and remedy on one line."""
        return f"{self.message} {self.remedy}".strip()


def notices_of(result: Result, image: ImageResult) -> tuple[Notice, ...]:
    """What left the image unjudged comes first; then what is not known of it, then whether it was a stand-in's word."""
    return (*_unjudged(image), *limits_of(result, image))


def limits_of(result: Result, image: ImageResult) -> tuple[Notice, ...]:
    """What the verdict, whatever it is, does not cover."""
    return (*_not_fetched(image, local=result.local), *_stamp(result))


def reference_of(image: ImageResult) -> str:
    """What the user typed, fit for a line; `no image` where none was named."""
    return one_line(image.reference) or "no image"


def _unjudged(image: ImageResult) -> Iterator[Notice]:
    """Also of a verdict that came without a reason: anything but a pass has to be told."""
    for reason in image.reasons:
        if reason.slug not in FOUND:
            yield Notice(reason.slug, "error", _message(reason), one_line(reason.remedy, LONGEST_TEXT))
    verdict = str(image.verdict)
    if verdict in NEVER_JUDGED:
        yield Notice(verdict.lower(), "warning", NEVER_JUDGED[verdict])
    elif verdict != PASSED and not image.reasons:
        yield Notice(verdict.lower(), "error", f"The image ended as {verdict}, and no reason is known.")


def _message(reason: ReasonEntry) -> str:
    return one_line(reason.message, LONGEST_TEXT) or f"The reason is {reason.slug}."


def _not_fetched(image: ImageResult, *, local: bool) -> Iterator[Notice]:
    for kind in image.not_fetched or ():
        if local:
            yield Notice(f"not-looked-at:{kind}", "note", f"Kind {kind} was not looked at: only the service does.")
        else:
            message = f"The list of kind {kind} could not be read: it is not known."
            yield Notice(f"not-fetched:{kind}", "warning", message)


def _stamp(result: Result) -> Iterator[Notice]:
    if result.sandbox:
        yield Notice("sandbox", "note", f"{SANDBOX_STAMP}.")
