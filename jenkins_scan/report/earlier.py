"""The `result.json` of an earlier run, of which the tasks are taken up. Its verdict is not even read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from jenkins_scan import untrusted_json
from jenkins_scan.config.settings import ServiceSettings
from jenkins_scan.errors import ConfigurationError, IncompleteError
from jenkins_scan.gate.given_file import read_given
from jenkins_scan.images.interface import ImageIdentity
from jenkins_scan.jenkins.environment import JenkinsBuild
from jenkins_scan.plain_text import one_line
from jenkins_scan.security_center.interface import CreatedTask, ScanRequest
from jenkins_scan.security_center.registry_scans import RegistryTask
from jenkins_scan.step.record import JENKINS_CREATE, ImageRun, TaskRecord
from jenkins_scan.step.submission import EVIDENCE, Submission

SCHEMA: Final = "jenkins-scan/result/1"
_LARGEST: Final = 64 * 1024**2
_MOST_IMAGES: Final = 1000
_HEX: Final = r"^[0-9a-f]{64}$"
_REMEDY: Final = "Name the result.json that `jenkins-scan scan` wrote."


_Moment = Annotated[AwareDatetime, Field(ge=datetime(2000, 1, 1, tzinfo=UTC), lt=datetime(2200, 1, 1, tzinfo=UTC))]
"""A time that a run can have; others would not fit every clock."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Task(_Part):
    id: str | None = Field(default=None, max_length=200, pattern=r"^[\x21-\x7e]+$")
    uuid: str | None = Field(default=None, max_length=200)
    opened_at: _Moment
    opened_by_service: bool | None = None


class _Sent(_Part):
    namespace: str | None = None
    repo_name: str | None = None
    tag: str | None = None
    digest: str | None = Field(default=None, pattern=_HEX)
    digest_from: str | None = None
    image_id: str | None = Field(default=None, pattern=_HEX)
    image_size: int | None = None
    image_create: int | None = None
    image_update: int | None = None
    uuid: str | None = None
    source_ip: str | None = None
    jenkins_env: str | None = None


class _Image(_Part):
    reference: str
    identity: ImageIdentity | None = None
    sent: _Sent | None = None
    task: _Task | None = None
    request_id: str | None = None


class _Opened(_Part):
    """One of `tasks`: what the create of a registry scan said, and which operation it was."""

    id: str
    operation: str = Field(default=JENKINS_CREATE, pattern=r"^[A-Za-z]{1,60}$")
    status: str | None = None
    result: str | None = None
    progress: int | None = None
    total: int | None = None
    finished: int | None = None
    can_create: bool | None = None
    collected_at: _Moment | None = None
    executed_at: _Moment | None = None

    def told(self) -> RegistryTask | None:
        """None for a task of `scan`."""
        if self.operation == JENKINS_CREATE:
            return None
        return RegistryTask(
            task_id=self.id,
            total=self.total,
            finished=self.finished,
            progress=self.progress,
            collected_at=None if self.collected_at is None else self.collected_at.timestamp(),
            executed_at=None if self.executed_at is None else self.executed_at.timestamp(),
            status=self.status,
            result=self.result,
            can_create=self.can_create,
        )


class _Service(_Part):
    endpoint: str | None = None


class _Build(_Part):
    tag: str | None = None


class _Result(_Part):
    build: _Build = Field(default_factory=_Build)
    service: _Service
    images: tuple[_Image, ...] = Field(min_length=1, max_length=_MOST_IMAGES)
    tasks: tuple[_Opened, ...] = Field(default=(), max_length=_MOST_IMAGES)


@dataclass(frozen=True)
class Earlier:
    """What an earlier run opened."""

    shown: str
    result: _Result

    def images(self) -> list[ImageRun]:
        """The images with their tasks."""
        opened = {task.id: task for task in self.result.tasks}
        return [_image(image, opened) for image in self.result.images]

    def doubts(self, build: JenkinsBuild) -> list[str]:
        """A warning where the file is of another build than this one: its images may not be what was built here."""
        theirs = self.result.build.tag
        if build.tag is None or theirs == build.tag:
            return []
        told = "no build" if theirs is None else f"the build {one_line(theirs, 200)}"
        return [f"{self.shown} is of {told}, and this is {build.tag}: its images may not be those of this build."]

    def mark(self, images: Sequence[ImageRun]) -> None:
        """Notes with each image why there is nothing to wait for, where that is so."""
        for run, image in zip(images, self.result.images, strict=True):
            run.error = _why_not(image)

    def require(self, service: ServiceSettings) -> None:
        """Raises `errors.ConfigurationError` (2) when the tasks were opened at another endpoint than this one."""
        ours = "sandbox" if service.endpoint is None else service.endpoint.url
        theirs = self.result.service.endpoint
        if theirs != ours:
            raise ConfigurationError(
                f"{self.shown} is of {one_line(theirs or 'no endpoint', 200)}, and {ours} would be asked.",
                remedy="Name the same --region or --endpoint as the run that opened the tasks.",
            )


def read_earlier(path: Path) -> Earlier:
    """The earlier run in this file. Raises `errors.ConfigurationError` (2)."""
    shown = one_line(str(path), 200)
    content = read_given(path, _LARGEST, "result")
    try:
        body: Any = untrusted_json.parse(content)
    except ValueError as exc:
        raise ConfigurationError(f"{shown}: not JSON.", remedy=_REMEDY) from exc
    if not isinstance(body, Mapping) or body.get("schema") != SCHEMA:
        raise ConfigurationError(f"{shown}: not of the schema {SCHEMA}.", remedy=_REMEDY)
    if body.get("local") is True:
        raise ConfigurationError(f"{shown} is of a check, and a check opened no task.", remedy=_REMEDY)
    try:
        return Earlier(shown, _Result.model_validate(body))
    except ValidationError as exc:
        place = ".".join(map(str, exc.errors()[0]["loc"]))
        raise ConfigurationError(f"{shown}: {one_line(place, 200)} is not as it has to be.", remedy=_REMEDY) from exc


def _image(image: _Image, tasks: Mapping[str, _Opened]) -> ImageRun:
    run = ImageRun(image.reference, identity=image.identity)
    sent, task = image.sent, image.task
    if sent is not None:
        request = ScanRequest(**sent.model_dump(exclude={"digest_from"}))
        run.submission = Submission(request, sent.digest_from)
    if task is not None:
        opened = CreatedTask(task.id, uuid=task.uuid) if task.id is not None else None
        opened_at, by_service = task.opened_at.timestamp(), task.opened_by_service is True
        entry = tasks.get(task.id or "")
        run.task = TaskRecord(
            opened,
            opened_at,
            image.request_id,
            by_service=by_service,
            operation=JENKINS_CREATE if entry is None else entry.operation,
            told=None if entry is None else entry.told(),
        )
    return run


def _why_not(image: _Image) -> IncompleteError | None:
    """Why there is nothing to wait for; None when there is."""
    if image.identity is None or image.sent is None or image.task is None or image.task.id is None:
        return IncompleteError(
            "the earlier run opened no task for this image that could be waited for.",
            remedy="Scan it again; where a task may exist, look for it in the Security Center console first.",
        )
    if not _agree(image.identity, image.sent):
        return IncompleteError(
            "what the file says was sent is not the image that it says was identified.", remedy="Scan the image again."
        )
    return None


def _agree(identity: ImageIdentity, sent: _Sent) -> bool:
    """Whether the values that a proof rests on are those of the identity."""
    config = None if identity.config_digest is None else identity.config_digest.removeprefix("sha256:")
    registry = None if identity.registry_digest is None else identity.registry_digest.removeprefix("sha256:")
    return sent.image_id == config and (sent.digest_from not in EVIDENCE or sent.digest == registry)
