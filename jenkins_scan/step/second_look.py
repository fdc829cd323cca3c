"""The look before the verdict: a name has to mean what it meant when the image was submitted."""

from jenkins_scan.errors import ImageError, IncompleteError, InternalError, UsageError
from jenkins_scan.images.interface import ImageSource
from jenkins_scan.step.record import ImageRun


def look_again(image: ImageRun, source: ImageSource) -> None:
    """Raises `IncompleteError` (17) when the name means another image now, or nobody can tell what it means."""
    if image.identity is None:  # an image without an error has one
        raise InternalError("an image was submitted without an identity.")
    try:
        source.look_again(image.identity)
    except (ImageError, UsageError) as gone:
        raise IncompleteError(
            f"the image was submitted, but nobody can tell whether its name still means it: {gone.message}",
            remedy="Keep the image and its engine, file or registry in reach until the verdict. " + gone.remedy,
        ) from gone
