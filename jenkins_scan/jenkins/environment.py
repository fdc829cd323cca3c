"""The Jenkins build that this run is a step of, as its environment variables tell it.

A Jenkinsfile can rewrite every variable, and each may be absent: these are labels for reports, never identity and never
permission. Each field names its variable, so that the fields are the whole list of what is read; everything else of the
environment stays out of the reports. Sources: the "Using environment variables" page of the Jenkins handbook, and the
environment contributors of Jenkins core, branch-api, git and display-url-api.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from jenkins_scan.jenkins.address import clean_link, clean_remote
from jenkins_scan.plain_text import one_line

NOT_REPORTED: Final = (
    # found by Jenkins to end processes; they name the instance and must not travel
    *("JENKINS_SERVER_COOKIE", "HUDSON_SERVER_COOKIE", "JENKINS_NODE_COOKIE", "HUDSON_COOKIE"),
    # a folder of the controller, and one where credentials files lie
    *("JENKINS_HOME", "HUDSON_HOME", "WORKSPACE_TMP"),
    # personal data, not needed for a verdict
    *("CHANGE_AUTHOR", "CHANGE_AUTHOR_DISPLAY_NAME", "CHANGE_AUTHOR_EMAIL"),
    *("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"),
    # set by every CI system; other spellings of `JENKINS_URL` and `TAG_UNIXTIME`
    *("CI", "HUDSON_URL", "TAG_TIMESTAMP", "TAG_DATE"),
    # settings of the Docker client, not of the build: the image's identity says which engine was asked
    *("DOCKER_HOST", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_CONFIG", "DOCKER_REGISTRY_URL"),
)
"""Variables that Jenkins and its plugins set and that are left out on purpose."""

_COOKIES: Final = NOT_REPORTED[:4]
_NUMBER: Final = re.compile(r"[0-9]{1,15}")
_NUMBERED_REMOTE: Final = re.compile(r"GIT_URL_([1-9][0-9]?)")


class BuildKind(StrEnum):
    """What kind of job runs, as far as variables tell.

    An organisation folder is not told apart: its `org/repo/branch` is also the shape of a multibranch job in a folder.
    """

    PLAIN = "freestyle-or-pipeline"
    MULTIBRANCH = "multibranch"
    PULL_REQUEST = "pull-request"
    TAG = "tag"
    MATRIX = "matrix"


def _text(text: str) -> str | None:
    return one_line(text) or None


def _number(text: str) -> int | None:
    return int(text) if _NUMBER.fullmatch(text) else None


def _true_or_unknown(text: str) -> bool | None:
    """True for `true` only: other branches have `false` or, with an older branch-api plugin, no variable at all."""
    return True if text == "true" else None


def _from(variable: str, read: Callable[[str], str | int | None] = _text) -> Any:
    """A dataclass field that is read from one environment variable; None when that is unset, empty or unusable."""
    return field(default=None, metadata={"variable": variable, "read": read})


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The pull or merge request that is built. The title is text of its author."""

    id: str | None = _from("CHANGE_ID")
    title: str | None = _from("CHANGE_TITLE")
    url: str | None = _from("CHANGE_URL", clean_link)
    branch: str | None = _from("CHANGE_BRANCH")
    """The source branch."""
    target: str | None = _from("CHANGE_TARGET")
    fork: str | None = _from("CHANGE_FORK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Git:
    """What the git plugin checked out. Of several checkouts it is one of them; a merge commit may be a local one."""

    commit: str | None = _from("GIT_COMMIT")
    branch: str | None = _from("GIT_BRANCH")
    local_branch: str | None = _from("GIT_LOCAL_BRANCH")
    checkout_dir: str | None = _from("GIT_CHECKOUT_DIR")
    previous_commit: str | None = _from("GIT_PREVIOUS_COMMIT")
    previous_successful_commit: str | None = _from("GIT_PREVIOUS_SUCCESSFUL_COMMIT")
    url: str | None = _from("GIT_URL", clean_remote)
    urls: tuple[str, ...] = ()
    """`GIT_URL_1` to `GIT_URL_99`, which exist with two and more remotes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Pages of the Jenkins controller. Core's own are absent while no Jenkins URL is configured."""

    jenkins: str | None = _from("JENKINS_URL", clean_link)
    job: str | None = _from("JOB_URL", clean_link)
    build: str | None = _from("BUILD_URL", clean_link)
    job_display: str | None = _from("JOB_DISPLAY_URL", clean_link)
    build_display: str | None = _from("RUN_DISPLAY_URL", clean_link)
    artifacts: str | None = _from("RUN_ARTIFACTS_DISPLAY_URL", clean_link)
    tests: str | None = _from("RUN_TESTS_DISPLAY_URL", clean_link)
    changes: str | None = _from("RUN_CHANGES_DISPLAY_URL", clean_link)


@dataclass(frozen=True, slots=True, kw_only=True)
class JenkinsBuild:
    """The labels of one build; all None on a laptop."""

    on_jenkins: bool = False
    kind: BuildKind | None = None
    """None outside Jenkins."""
    from_fork: bool = False
    """`CHANGE_FORK` is set: the code, and every file in the workspace, is a stranger's."""
    job: str | None = _from("JOB_NAME")
    """The full name as Jenkins spells it: in a multibranch job the last part has its `/` as `%2F`."""
    job_display: str | None = None
    """The full name as people read it."""
    job_base_name: str | None = _from("JOB_BASE_NAME")
    number: int | None = _from("BUILD_NUMBER", _number)
    id: str | None = _from("BUILD_ID")
    display_name: str | None = _from("BUILD_DISPLAY_NAME")
    tag: str | None = _from("BUILD_TAG")
    """`jenkins-JOB-NUMBER`, the build's tag; a git tag is `tag_name`."""
    stage: str | None = _from("STAGE_NAME")
    node: str | None = _from("NODE_NAME")
    node_labels: str | None = _from("NODE_LABELS")
    executor: int | None = _from("EXECUTOR_NUMBER", _number)
    workspace: str | None = _from("WORKSPACE")
    branch: str | None = _from("BRANCH_NAME")
    branch_is_primary: bool | None = _from("BRANCH_IS_PRIMARY", _true_or_unknown)
    """True, or None: not the primary branch, or not known."""
    tag_name: str | None = _from("TAG_NAME")
    tag_unixtime: int | None = _from("TAG_UNIXTIME", _number)
    """Seconds."""
    change: Change = field(default_factory=Change)
    git: Git = field(default_factory=Git)
    links: Links = field(default_factory=Links)


def _reported(kind: type[JenkinsBuild | Change | Git | Links]) -> list[Field[Any]]:
    return [each for each in fields(kind) if "variable" in each.metadata]


VARIABLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        each.metadata["variable"]: f"{prefix}{each.name}"
        for prefix, kind in (("", JenkinsBuild), ("change.", Change), ("git.", Git), ("links.", Links))
        for each in _reported(kind)
    }
)
"""Every variable that is reported and the field it fills; beside these only `GIT_URL_N` fills `git.urls`."""


def read_build(environ: Mapping[str, str]) -> JenkinsBuild:
    """The build that these environment variables describe. Never raises: a label that cannot be used is None."""
    on_jenkins = _on_jenkins(environ)
    return JenkinsBuild(
        on_jenkins=on_jenkins,
        kind=_kind(environ) if on_jenkins else None,
        from_fork=bool(environ.get("CHANGE_FORK")),
        job_display=_text(_job_display(environ)),
        change=Change(**_labels(Change, environ)),
        git=Git(**_labels(Git, environ), urls=_numbered_remotes(environ)),
        links=Links(**_labels(Links, environ)),
        **_labels(JenkinsBuild, environ),
    )


def _labels(kind: type[JenkinsBuild | Change | Git | Links], environ: Mapping[str, str]) -> dict[str, Any]:
    return {each.name: each.metadata["read"](environ.get(each.metadata["variable"], "")) for each in _reported(kind)}


def _on_jenkins(environ: Mapping[str, str]) -> bool:
    """Whether Jenkins started this; also without a configured Jenkins URL, which leaves out `JENKINS_URL`.

    `JENKINS_HOME` proves nothing: a shell on the controller's host may have it.
    """
    numbered = bool(environ.get("JOB_NAME") and environ.get("BUILD_NUMBER"))
    return (
        bool(environ.get("JENKINS_URL"))
        or (numbered and environ.get("BUILD_TAG", "").startswith("jenkins-"))
        or any(environ.get(cookie) for cookie in _COOKIES)
    )


def _kind(environ: Mapping[str, str]) -> BuildKind:
    if environ.get("CHANGE_ID"):
        return BuildKind.PULL_REQUEST
    if environ.get("TAG_NAME"):
        return BuildKind.TAG
    if environ.get("BRANCH_NAME"):
        return BuildKind.MULTIBRANCH
    folder, _, leaf = environ.get("JOB_NAME", "").rpartition("/")
    is_matrix = bool(folder) and all(axis.find("=") > 0 for axis in leaf.split(","))
    return BuildKind.MATRIX if is_matrix else BuildKind.PLAIN


def _job_display(environ: Mapping[str, str]) -> str:
    """The job's name with `%2F` decoded in its last part, and only in multibranch: elsewhere a `%` is a `%`."""
    name = environ.get("JOB_NAME", "")
    if not environ.get("BRANCH_NAME"):
        return name
    folder, slash, leaf = name.rpartition("/")
    return folder + slash + re.sub("%2F", "/", leaf, flags=re.IGNORECASE)


def _numbered_remotes(environ: Mapping[str, str]) -> tuple[str, ...]:
    numbered = sorted((int(found[1]), name) for name in environ if (found := _NUMBERED_REMOTE.fullmatch(name)))
    urls = (clean_remote(environ[name]) for _, name in numbered)
    return tuple(url for url in urls if url is not None)
