"""What an account finds in the sandbox: quota, registries, clock, the course of a task, findings and their lists.

These are the tables of a scenario that the operations read. What goes wrong before an operation runs, faults and
denials, is in `scenarios`.
"""

from fnmatch import fnmatchcase
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from jenkins_scan.findings import Finding, Kind
from jenkins_scan.sandbox.images import INSTANCE_ID, REGION, REPO_ID, Image
from jenkins_scan.sandbox.state import Task, seconds_of

YEAR = 366 * 24 * 60 * 60
MOST_REPEATS = 10_000
NUMBER = "{n}"
LAYER = "6ec898e6274f942e0e4a053eff1c3119026a6704e56cff206b2cec71f6360001"
"""The layer of a finding that names none."""


class ScenarioPart(BaseModel):
    """A table of a scenario: immutable, no unknown keys, no conversion between types."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Quota(ScenarioPart):
    """The image-scan quota before the sandbox counts its own tasks."""

    capacity: int = Field(default=100, ge=0)
    used: int = Field(default=10, ge=0)
    lasts_for: float = Field(default=1.0, ge=0, le=1)
    """The share of a task's new images, rounded down, that are scanned; then others have spent the rest."""


class Account(ScenarioPart):
    """What the account has bought, and whether it knows what is in its registries."""

    activated: bool = True
    synchronised: bool = True
    """False: an image in a registry is unknown until PublicSyncAndCreateImageScanTask names it."""


class Limit(ScenarioPart):
    """How many tasks may run at once."""

    tasks: int = Field(default=10, ge=0)
    jenkins: bool = False
    """Whether the tasks of CreateJenkinsImageScanTask are counted and limited as well."""
    foreign: int = Field(default=0, ge=0)
    """So many of them are somebody else's."""
    foreign_seconds: float = Field(default=3600.0, ge=0, le=YEAR)
    """How long those run, from the first create on."""


class Rate(ScenarioPart):
    """How often the account may call, all operations and keys together; what is beyond gets `Throttling.User`."""

    calls: int = Field(default=0, ge=0)
    """So many in each window; 0: any number."""
    seconds: int = Field(default=1, ge=1, le=YEAR)
    """How long a window is; they follow each other."""


class Clock(ScenarioPart):
    """Time in the sandbox, in seconds."""

    skew_seconds: int = Field(default=0, ge=-YEAR, le=YEAR)
    """How far the server's clock is ahead of the true one."""
    finish_after: float = Field(default=1.0, ge=0, le=YEAR)
    """From the create of a task to its end."""
    finish_spread: float = Field(default=0.0, ge=0, le=1)
    """Each task takes longer or shorter than that by at most this share; by how much, its number says."""

    def seconds_of(self, task: Task) -> float:
        """From the create of this task to its end."""
        return seconds_of(task.number, self.finish_after, self.finish_spread)


class TaskCourse(ScenarioPart):
    """How a task goes: its status words, and what it really scanned."""

    words: Annotated[tuple[str, ...], Field(strict=False, min_length=1)] = ("INIT", "PRE_ANALYZER")
    """The words while it runs, each for an equal share of the time."""
    end: str = "SUCCESS"
    """The word that stays."""
    result: str = ""
    """`ScaResult` and `ResultInfo` from the end on, such as `TASK_NOT_SUPPORT_REGION`."""
    hidden: bool = False
    """Until it ends no status operation knows it: they know an older SUCCESS only."""
    scanned_digest: str | None = None
    """The `Digest` of the asset row, where it is not the one that was submitted."""
    scanned_image_id: str | None = None
    """As `scanned_digest`, for the `ImageId`."""

    @property
    def has_results(self) -> bool:
        """Whether there are findings to list after the end."""
        return self.end == "SUCCESS" and self.result in {"", "SUCCESS"}


HEX = Field(pattern="^[0-9a-f]{64}$")


class TagImage(ScenarioPart):
    """The image behind a tag."""

    digest: Annotated[str, HEX]
    image_id: Annotated[str, HEX] | None = None


def as_tag_image(value: Any) -> Any:
    """A digest alone stands for the image that has it."""
    return {"digest": value} if isinstance(value, str) else value


class Repository(ScenarioPart):
    """A repository with its tags."""

    namespace: str = ""
    name: str
    id: str = REPO_ID
    tags: dict[str, Annotated[TagImage, BeforeValidator(as_tag_image)]] = Field(default_factory=dict)


class Registry(ScenarioPart):
    """An image registry of the account."""

    type: Literal["acr", "harbor", "quay"] = "acr"
    region_id: str = REGION
    instance_id: str = INSTANCE_ID
    repository: tuple[Repository, ...] = Field(default=(), strict=False)

    @property
    def images(self) -> tuple[Image, ...]:
        """What each tag names."""
        return tuple(
            Image(
                digest=found.digest,
                image_id=found.image_id or "",
                namespace=repository.namespace,
                repo_name=repository.name,
                tag=tag,
                registry_type=self.type,
                region_id=self.region_id,
                instance_id=self.instance_id,
                repo_id=repository.id,
            )
            for repository in self.repository
            for tag, found in repository.tags.items()
        )


class Lists(ScenarioPart):
    """What is wrong with the lists of findings."""

    missing: int = Field(default=0, ge=0)
    """How many rows a list with any rows counts in `TotalCount` but never sends."""
    withheld: bool = False
    """The lists are empty; DescribeImageSecurityScanCount still counts the findings."""
    moving: bool = False
    """One row of each list moves from page 1 to page 2 once page 1 was read."""


class ListedFinding(ScenarioPart):
    """One finding as the service would list it."""

    kind: Literal["cve", "sca", "baseline", "malicious-file", "sensitive-file", "build-risk"]
    id: str
    """The CVE id, or the service's key such as `npm_token`; findings of one id share a row of a list that groups."""
    severity: str
    """The service's own word: asap, later, nntf; serious, suspicious, remind; high, medium, low; or any other."""
    name: str | None = None
    """`Name` of a vulnerability, where it is not `debian:12:<id>` or `SCA:<id>`."""
    title: str | None = None
    package: str | None = None
    version: str | None = None
    path: str | None = None
    layer: str = LAYER
    layer_cmd: str = "USER root"
    """The build instruction of a build risk."""
    advice: str | None = None
    """What to do about a build risk or a sensitive file, where it is not the sandbox's usual text."""
    fixable: bool = True
    handled: bool = False
    """Fixed, whitelisted or ignored on the server: listed with the status that says so."""
    image: str = "*"
    """A glob over `namespace/repo:tag`, `namespace/repo`, digest and image id: whose finding it is."""
    repeat: int = Field(default=1, ge=1, le=MOST_REPEATS)
    """So many findings; `{n}` in id, name, title, package and path is the number of each."""

    @classmethod
    def of(cls, finding: Finding) -> Self:
        """A build risk or a sensitive file that somebody else found, as the service would list it.

        Its title says where: beside the place the service's lists hold the secret itself, so that no client asks there.
        """
        return cls(
            kind="build-risk" if finding.kind is Kind.BUILD_RISK else "sensitive-file",
            id=finding.id,
            severity=finding.severity.value,
            title=f"{finding.title}: {finding.path}" if finding.path else finding.title,
            path=finding.path,
            layer=finding.layer or "",
            layer_cmd=finding.path or "",
            advice=finding.fix,
        )

    @property
    def text(self) -> str:
        """What to call it."""
        return self.title or self.id

    def concerns(self, names: tuple[str, ...]) -> bool:
        """Whether it is a finding of the image with these names."""
        return self.image == "*" or any(fnmatchcase(name, self.image) for name in names)

    def expanded(self) -> tuple["ListedFinding", ...]:
        """The findings that `repeat` stands for."""
        parts = {part: getattr(self, part) for part in ("id", "name", "title", "package", "path")}
        return tuple(
            self.model_copy(
                update={"repeat": 1, **{part: text and text.replace(NUMBER, f"{n:04}") for part, text in parts.items()}}
            )
            for n in range(1, self.repeat + 1)
        )


class Conditions(ScenarioPart):
    """What operations find; the default is an account in good order and an image without findings."""

    quota: Quota = Quota()
    account: Account = Account()
    limit: Limit = Limit()
    rate: Rate = Rate()
    clock: Clock = Clock()
    task: TaskCourse = TaskCourse()
    lists: Lists = Lists()
    registry: tuple[Registry, ...] = Field(default=(), strict=False)
    """Where none is named, an image that is asked for exists."""
    finding: tuple[ListedFinding, ...] = Field(default=(), strict=False)

    @cached_property
    def findings(self) -> tuple[ListedFinding, ...]:
        """Every finding of every image, in the order of the lists."""
        return tuple(one for finding in self.finding for one in finding.expanded())
