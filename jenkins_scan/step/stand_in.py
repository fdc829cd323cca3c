"""What the sandbox lists of an image that is at hand: the findings of the local analysis, in place of none."""

from dataclasses import dataclass, field
from typing import Final, Protocol

from jenkins_scan.errors import ImageError
from jenkins_scan.findings import Finding
from jenkins_scan.images.interface import ResolvedImage
from jenkins_scan.security_center.interface import ScanRequest

LIMITS = (
    "the sandbox lists what the local analysis finds in the image; vulnerabilities, malicious files and baselines were "
    "not looked for, as only the service does."
)
"""The warning of every run whose findings come from here."""

_NAMES: Final = ("digest", "image_id", "namespace", "repo_name", "tag", "uuid")


class Submitted(Protocol):
    """An image as the sandbox knows it from a create: an empty text for what was not sent."""

    @property
    def digest(self) -> str:
        """64 hex digits."""
        ...

    @property
    def image_id(self) -> str:
        """64 hex digits, of the config."""
        ...

    @property
    def namespace(self) -> str:
        """The path of its name without the last part."""
        ...

    @property
    def repo_name(self) -> str:
        """The last part of the path."""
        ...

    @property
    def tag(self) -> str:
        """Its tag."""
        ...

    @property
    def uuid(self) -> str:
        """The UUID that was named."""
        ...


@dataclass
class StandIn:
    """Looks into the images of a run before their tasks are opened, and keeps what it found for whoever scans them."""

    _found: dict[ScanRequest, tuple[Finding, ...]] = field(default_factory=dict)

    def look(self, request: ScanRequest, image: ResolvedImage) -> tuple[str, ...]:
        """Warnings of what was not looked at; an image that cannot be read has no findings."""
        # Imported only when asked for: a real scan carries no analysis.
        from jenkins_scan.local.analysis import analyse
        from jenkins_scan.local.content import content_of

        if request in self._found:
            return ()
        if image.place is None:
            return ("the sandbox found nothing in the image: a registry holds it, and nobody here looked into it.",)
        try:
            analysis = analyse(content_of(image.identity, image.place))
        except ImageError as unreadable:
            return (f"the sandbox found nothing in the image, as it could not be looked into: {unreadable.message}",)
        self._found[request] = analysis.findings
        return analysis.notes

    def found(self, image: Submitted) -> tuple[Finding, ...]:
        """The findings of the image that was submitted so; none of one that nobody looked into."""
        for request, findings in self._found.items():
            if all((getattr(request, name) or "") == getattr(image, name) for name in _NAMES):
                return findings
        return ()
