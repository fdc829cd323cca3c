"""Security Center for images in registries, as a list of what it says; and images that a registry has identified."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jenkins_scan import errors
from jenkins_scan.findings import Finding
from jenkins_scan.images.interface import ImageIdentity, ResolvedImage, Store
from jenkins_scan.images.reference import ImageReference, parse_reference
from jenkins_scan.security_center.interface import (
    Answer,
    FindingList,
    ImageKey,
    ImageList,
    ListedImage,
    ListedName,
    Phase,
    Quota,
    Source,
    TaskStatus,
)
from jenkins_scan.security_center.registry_scans import ImageFilter, PreCheck, RegistryImage, RegistryTask
from tests.support.center import FakeClock

TASK = "a410bb3e68c217a3368bc0238c66886d"
HEX = tuple(f"{number:064x}" for number in range(1, 9))
"""Digests of images, without `sha256:`."""
NO_SLOT = RegistryTask(task_id=None, can_create=False)
WORDS = {Phase.GOOD: "SUCCESS", Phase.BAD: "FAIL", Phase.RUNNING: "PRE_ANALYZER", Phase.UNKNOWN: "ACTIVE"}
REGIONS = {"cn-hangzhou": "China (Hangzhou)", "cn-shanghai": "China (Shanghai)"}


def opened(total: int | None = 1, **fields: Any) -> RegistryTask:
    """What the answer to a create says of its task."""
    usual = {"task_id": TASK, "finished": 0, "progress": 0, "status": "INIT", "result": "", "can_create": True}
    return RegistryTask(**{**usual, "total": total, **fields})


def listed(
    digest: str | None = HEX[0], tag: str | None = "1", namespace: str = "team", repo_name: str = "app"
) -> ListedImage:
    """An image of the service's list; None is what the row does not say."""
    name = None if tag is None else ListedName(namespace, repo_name, tag)
    return ListedImage(status=TaskStatus(source="list", phase=Phase.UNKNOWN, word="", digest=digest, name=name))


def found(name: str, digest: str = HEX[0], config: str | None = None) -> ResolvedImage:
    """An image as its registry has identified it."""
    parsed = parse_reference(name)
    assert isinstance(parsed, ImageReference)
    return ResolvedImage(
        ImageIdentity(
            reference=name,
            canonical=parsed.canonical,
            image_id=None,
            store=Store.UNKNOWN,
            config_digest=config,
            registry_digest=f"sha256:{digest}",
            registry_digest_from="registry",
        ),
        parsed,
    )


class HoldingRegistry:
    """A registry that holds this image; an exception is raised."""

    def __init__(self, says: ResolvedImage | Exception, later: Exception | None = None) -> None:
        self.says, self.later = says, later

    def resolve(self) -> ResolvedImage:
        if isinstance(self.says, Exception):
            raise self.says
        return self.says

    def look_again(self, identity: ImageIdentity) -> None:
        if self.later is not None:
            raise self.later


class RegistryCenter:
    """Each operation says what `says` holds: an answer, an exception, a function, or a list of which the last stays."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.is_sandbox = False
        self.registries = self.tasks = self.results = self
        self.says: dict[str, Any] = {
            "regions": REGIONS,
            "precheck": PreCheck(1, 1),
            "quota": Quota(100, 10),
            "images": ImageList((), complete=True),
            "create": opened(),
            "sync": opened(),
            "unfinished": (),
        }
        self.phases: Mapping[str, Phase] = {}
        """How far the scan of an image is, by its digest; else it has ended well."""
        self.findings_of: Mapping[str, Sequence[Finding]] = {}
        self.asked: list[tuple[str, float]] = []
        """Each operation with the (monotonic) time at which it was asked."""
        self.sent: list[Any] = []
        """The filter, or the images, of each precheck, list and create."""

    @property
    def operations(self) -> list[str]:
        """What was asked before the first look at a task."""
        return [name for name, _ in self.asked if name not in ("latest", "of_image", "by_id", "findings", "counts")]

    def _say(self, name: str) -> Answer[Any]:
        self.asked.append((name, self.clock.monotonic()))
        said = self.says[name]
        if isinstance(said, list):
            said = said.pop(0) if len(said) > 1 else said[0]
        if callable(said):
            said = said()
        if isinstance(said, BaseException):
            raise said
        return Answer(said, "REQUEST", self.clock.now())

    def describe_image_scan_auth_count(self, *, deadline: float) -> Answer[Quota]:
        return self._say("quota")

    def regions(self, *, deadline: float) -> Answer[Mapping[str, str]]:
        return self._say("regions")

    def precheck(self, wanted: ImageFilter, *, deadline: float, everything: bool = False) -> Answer[PreCheck]:
        self.sent.append(wanted)
        return self._say("precheck")

    def images(self, wanted: ImageFilter, *, deadline: float, everything: bool = False) -> Answer[ImageList]:
        self.sent.append(wanted)
        return self._say("images")

    def create(
        self,
        wanted: ImageFilter,
        *,
        deadline: float,
        on_the_way: Callable[[float | None], None],
        everything: bool = False,
    ) -> Answer[RegistryTask]:
        return self._open("create", wanted, deadline, on_the_way)

    def sync_and_create(
        self,
        images: tuple[RegistryImage, ...],
        *,
        source_ip: str | None,
        deadline: float,
        on_the_way: Callable[[float | None], None],
    ) -> Answer[RegistryTask]:
        return self._open("sync", images, deadline, on_the_way)

    def _open(
        self, name: str, what: Any, deadline: float, on_the_way: Callable[[float | None], None]
    ) -> Answer[RegistryTask]:
        assert deadline > self.clock.monotonic()
        on_the_way(self.clock.now())
        self.sent.append(what)
        try:
            answer = self._say(name)
        except errors.FateUnknown as lost:
            lost.sent_on = self.clock.monotonic()
            self.clock.advance(2)
            raise
        except errors.ScanError:
            on_the_way(None)
            raise
        if answer.value.task_id is None:
            on_the_way(None)
        return answer

    def row(self, digest: str, /, **more: Any) -> TaskStatus:
        """The row of one image, with our task's id."""
        phase = self.phases.get(digest, Phase.GOOD)
        usual = {"source": "op", "phase": phase, "word": WORDS[phase], "task_id": TASK, "digest": digest}
        return TaskStatus(**{**usual, **more})

    def latest(self, digest: str, *, deadline: float) -> Answer[tuple[TaskStatus, ...]]:
        if "latest" in self.says:
            return self._say("latest")
        self.asked.append(("latest", self.clock.monotonic()))
        return Answer((self.row(digest),), None, self.clock.now())

    def of_image(
        self, *, digest: str | None = None, image_id: str | None = None, deadline: float
    ) -> Answer[tuple[TaskStatus, ...]]:
        if "of_image" in self.says:
            return self._say("of_image")
        assert digest is not None
        self.asked.append(("of_image", self.clock.monotonic()))
        row = self.row(digest, task_id=None, scanned_at=self.clock.now())
        return Answer((row,), None, self.clock.now())

    def by_id(self, task_id: str, *, deadline: float) -> Answer[tuple[TaskStatus, ...]]:
        if "by_id" in self.says:
            return self._say("by_id")
        self.asked.append(("by_id", self.clock.monotonic()))
        return Answer(tuple(self.row(digest) for digest in HEX), None, self.clock.now())

    def unfinished(self, digest: str, *, deadline: float) -> Answer[tuple[TaskStatus, ...]]:
        return self._say("unfinished")

    def findings(self, source: Source, image: ImageKey, *, deadline: float) -> FindingList:
        self.asked.append(("findings", self.clock.monotonic()))
        assert image.digest is not None
        rows = tuple(self.findings_of.get(image.digest, ())) if source is Source.CVE else ()
        return FindingList(source=source, findings=rows, complete=True, total=len(rows), received=len(rows))

    def counts(self, image: ImageKey, *, deadline: float) -> Answer[Mapping[Source, int]]:
        self.asked.append(("counts", self.clock.monotonic()))
        return Answer({}, None, None)
