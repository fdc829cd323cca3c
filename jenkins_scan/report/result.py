"""`result.json`, schema version 1: the one model from which every report is made.

Published as docs/result.schema.json. Times are RFC 3339 in UTC, sizes are bytes, None means "not known". Version 1
may grow by nullable fields.

These are plain dataclasses, as nothing here comes from outside: pydantic models of them would take as long to build as
all requests of a run. Only the schema is made with pydantic, when it is published.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from jenkins_scan.gate.verdict import VerdictWord
from jenkins_scan.images.interface import ImageIdentity
from jenkins_scan.jenkins.environment import JenkinsBuild


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonEntry:
    """Why the verdict is not a pass."""

    slug: str
    """The reason word of the exit code table."""
    code: int
    """The exit code that belongs to the reason."""
    message: str
    remedy: str
    request_id: str | None = None
    service_code: str | None = None
    """The service's own error code, such as BeyondQuata."""
    tried: tuple[str, ...] | None = None
    """What was tried, one line an attempt; null when there was but one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageTask:
    """The scan task of an image. `id` is null where one may exist: the create was sent, its answer is not known."""

    id: str | None
    uuid: str | None = None
    status: Literal["submitted", "running", "succeeded", "failed", "unknown"]
    word: str | None = None
    """The service's own word for it, the last that came."""
    opened_at: datetime
    opened_by_service: bool | None = None
    """Whether `opened_at` is by the service's clock, not the agent's."""
    finished_at: datetime | None = None
    repo_region_id: str | None = None
    repo_instance_id: str | None = None
    repo_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What was sent about the image, the token left out. Digests are bare hex."""

    namespace: str | None
    repo_name: str | None
    tag: str | None
    digest: str | None
    digest_from: str | None
    """`--digest`, `containerd_target_provisional`, `buildx_metadata` and `digest_file` are claims; other words name the
    evidence."""
    image_id: str | None
    image_size: int | None
    image_create: int | None
    """Unix milliseconds."""
    image_update: int | None
    """Unix milliseconds."""
    uuid: str | None
    source_ip: str | None
    jenkins_env: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageResult:
    """One image and its own verdict."""

    reference: str
    identity: ImageIdentity | None
    sent: Sent | None
    request_id: str | None
    task: ImageTask | None
    verdict: VerdictWord
    reasons: tuple[ReasonEntry, ...]
    proof: Literal["image_id", "digest", "bytes"] | None = None
    """What proves that the scanned image is this one; null while nothing does. `bytes`: they were read here."""
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    """Open findings by kind and severity; a kind of which nothing is known is not there."""
    not_fetched: tuple[str, ...] | None = None
    """Kinds of which nothing is known: their lists could not be read, or only the service looks for them. Null while
    the image was not judged."""
    findings: tuple[dict[str, Any], ...] = ()
    """The open ones, by the fields of a finding. `gate` is `fail` or `warn` for those that fail the image or warn of
    it, else null; `known` tells whether the baseline has it, and is null without one."""
    waived: tuple[dict[str, Any], ...] = ()
    """The same of accepted ones, each with its `waiver`: id, reason, expires, owner."""
    new: int | None = None
    known: int | None = None
    fixed: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskEntry:
    """One task as the service opened it."""

    id: str
    operation: str
    status: str
    """`submitted`, `running`, `succeeded` or `failed`; of a task in registries the service's own word, the last that
    came."""
    result: str | None = None
    progress: int | None = None
    """Percent."""
    total: int | None = None
    finished: int | None = None
    can_create: bool | None = None
    collected_at: datetime | None = None
    executed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryEntry:
    """What `scan-registry` asked for, and what was counted before anything was created."""

    filter: dict[str, tuple[str, ...]]
    """The filters that were sent, each with its values."""
    need_auth_count: int | None
    scan_image_count: int | None
    max_images: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaEntry:
    """What was known of the quota, and what it was judged against."""

    capacity: int | None
    used: int | None
    remaining: int | None
    minimum: int | None
    """`--min-quota`; 0 turned the gate off, null means that the settings were refused."""
    returned_capacity: int | None = None
    """The purchased total that came with the task: judged too, as no more than it can remain."""
    source: Literal["DescribeImageScanAuthCount", "CreateJenkinsImageScanTask"] | None
    """Where the numbers came from; the create tells the purchased total alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceEntry:
    """Which service was asked."""

    endpoint: str | None
    region: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolEntry:
    """What wrote this result."""

    name: Literal["jenkins-scan"] = "jenkins-scan"
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The gates that were applied."""

    min_quota: int | None
    soft: tuple[str, ...]
    fail_on: dict[str, str | None] | None = None
    """The gate of each kind; null when nobody waited."""
    warn_on: dict[str, str | None] | None = None
    fixable_only: bool | None = None
    deny: tuple[str, ...] | None = None
    timeout: float | None = None
    """Seconds."""


# Equal to itself alone, so that what is made of it can be kept by it.
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Result:
    """The whole result of one run."""

    schema: Literal["jenkins-scan/result/1"] = "jenkins-scan/result/1"
    tool: ToolEntry
    started_at: datetime
    finished_at: datetime
    verdict: VerdictWord
    reason: str | None
    """The slug of the reason that decided; null when nothing went wrong."""
    exit_code: int
    sandbox: bool
    """True when the embedded stand-in answered: the service then has not seen the image."""
    local: bool = False
    """True when only this machine looked at the images: `check`."""
    build: JenkinsBuild
    service: ServiceEntry
    policy: Policy
    quota: QuotaEntry
    registry: RegistryEntry | None = None
    """Null but for `scan-registry`."""
    images: tuple[ImageResult, ...]
    tasks: tuple[TaskEntry, ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...] = ()
    """What is good to know, and changes nothing."""
