"""The barest `result.json`: what must not be lost when no report can be made, and what `wait` can take up."""

import contextlib
import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from jenkins_scan.config.settings import ReportedSettings, ServiceSettings
from jenkins_scan.errors import Reason
from jenkins_scan.jenkins.environment import JenkinsBuild
from jenkins_scan.redaction import redacted
from jenkins_scan.step.record import ImageRun, Run, TaskRecord


def render(run: Run, settings: ReportedSettings | None, build: JenkinsBuild, redact: Callable[[str], str]) -> str:
    """The tasks of the run with what their images are, as JSON with a line end. The verdict is ERROR."""
    service = None if settings is None else settings.service
    content = {
        "schema": "jenkins-scan/result/1",
        "verdict": "ERROR",
        "reason": Reason.INTERNAL.slug,
        "exit_code": Reason.INTERNAL.code,
        "sandbox": run.sandbox,
        "build": {"tag": build.tag},
        "service": {"endpoint": run.endpoint if service is None else _named(service)},
        "images": [_image(image) for image in run.images],
        "tasks": [
            {"id": image.task.task.task_id}
            for image in run.images
            if image.task is not None and image.task.task is not None
        ],
    }
    return json.dumps(redacted(content, redact, frozenset(("schema",))), default=_text) + "\n"


def _named(service: ServiceSettings) -> str:
    return "sandbox" if service.endpoint is None else service.endpoint.url


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _image(image: ImageRun) -> dict[str, Any]:
    known: dict[str, Any] = {"reference": image.reference, "task": None if image.task is None else _task(image.task)}
    with contextlib.suppress(Exception):  # perhaps this is what failed; the task has to be written all the same
        identity = None if image.identity is None else asdict(image.identity)
        submission = image.submission
        sent = None if submission is None else {**asdict(submission.request), "digest_from": submission.digest_from}
        json.dumps([identity, sent], default=_text)
        known |= {"identity": identity, "sent": sent}
    return known


def _task(noted: TaskRecord) -> dict[str, Any]:
    task = noted.task
    return {
        "id": None if task is None else task.task_id,
        "uuid": None if task is None else task.uuid,
        "opened_at": datetime.fromtimestamp(noted.opened_at, UTC).isoformat(),
        "opened_by_service": noted.by_service,
    }
