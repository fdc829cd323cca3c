"""Images as the sandbox knows them: in the registries of an account, in a create, in a row."""

import hashlib
import uuid
from dataclasses import dataclass, replace
from typing import Final

NAMESPACE: Final = uuid.UUID("6a656e6b-696e-5363-a16e-73616e64626f")
"""Of all that is made up but has to stay the same."""
CI_CD: Final = "CI/CD"
"""The type of the registry of CreateJenkinsImageScanTask, by its token."""
REGION: Final = "cn-hangzhou"
INSTANCE_ID: Final = "cri-sandbox"
REPO_ID: Final = "crr-sandbox"


@dataclass(frozen=True, slots=True)
class Image:
    """One image. An empty text means that it was not given."""

    digest: str = ""
    image_id: str = ""
    namespace: str = ""
    repo_name: str = ""
    tag: str = ""
    uuid: str = ""
    """The asset UUID: that of the create which named one; else empty until a task is opened, then made from the key."""
    registry_type: str = CI_CD
    region_id: str = REGION
    instance_id: str = INSTANCE_ID
    repo_id: str = REPO_ID

    @property
    def key(self) -> str:
        """What makes two names the same image for the quota: the digest, else the image id, else the name."""
        if self.digest:
            return f"digest:{self.digest}"
        if self.image_id:
            return f"image-id:{self.image_id}"
        return f"name:{self.namespace}/{self.repo_name}:{self.tag}"

    @property
    def asset_uuid(self) -> str:
        """The UUID of the row of this image."""
        return self.uuid or str(uuid.uuid5(NAMESPACE, self.key))

    @property
    def place(self) -> tuple[str, ...]:
        """Where its tag stands: a registry has one image there at a time."""
        return self.registry_type, self.region_id, self.instance_id, self.namespace, self.repo_name, self.tag

    @property
    def repository(self) -> str:
        """`namespace/repo`, or the name alone."""
        return "/".join(part for part in (self.namespace, self.repo_name) if part)

    @property
    def reference(self) -> str:
        """`namespace/repo:tag`, as far as it is known."""
        return f"{self.repository}:{self.tag}" if self.tag else self.repository


def bare(digest: str) -> str | None:
    """The digest as it can be found; None for one with a prefix such as `sha256:`, which finds nothing."""
    return None if ":" in digest else digest


def made_up_digest(image: Image) -> Image:
    """The image with a digest that is always the same for the place of its tag, and is no image's."""
    return replace(image, digest=hashlib.sha256("\n".join(("sandbox", *image.place)).encode()).hexdigest())
