"""What two builds of one image, and two findings of one problem, have in common by name."""

import re

from jenkins_scan.findings import UNREADABLE, Finding
from jenkins_scan.images.interface import ImageIdentity


def is_nameable(finding_id: str) -> bool:
    """Whether the id means the same problem in another run, so that it can be waived or be known from earlier."""
    return bool(finding_id.strip()) and not finding_id.lower().startswith(UNREADABLE)


def names_of_finding(finding: Finding) -> tuple[str, ...]:
    """The id and the aliases in lower case; those that name nothing are left out."""
    return tuple(name.lower() for name in (finding.id, *finding.aliases) if is_nameable(name))


def repository_of(canonical: str | None, namespace: str | None = None, repo_name: str | None = None) -> str | None:
    """Registry and path of a spelled-out image name: `docker.io/library/nginx` of `docker.io/library/nginx:1.27`.

    An image without a name belongs to the repository under which the service lists it; None when there is none.
    """
    if canonical is not None:
        return re.sub(r":[^/:]*\Z", "", canonical.partition("@")[0])
    if repo_name is None:
        return None
    return repo_name if namespace is None else f"{namespace}/{repo_name}"


def names_of_image(identity: ImageIdentity) -> tuple[str, ...]:
    """What an image glob may match: the name spelled out, as typed, and its repository."""
    names = (identity.canonical, identity.reference, repository_of(identity.canonical))
    return tuple(dict.fromkeys(name for name in names if name))
