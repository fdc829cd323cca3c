"""The operations of the sandbox: one table, one short function each, replies in the shape of the API pages.

Another operation is one more row; the checks before it need no change. Ids and UUIDs are made up, and say so where the
format leaves room.
"""

import hmac
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from jenkins_scan.sandbox import TOKEN
from jenkins_scan.sandbox.messages import Refused
from jenkins_scan.sandbox.state import NAMESPACE, Image, State, Task

DAY = 24 * 60 * 60
EARLIER_SCAN_SECONDS = 120
CHINA_TIME = 8 * 60 * 60
"""Offset in seconds of `Create` and `Modified`: texts without a zone, in the page's example 8 hours ahead of UTC."""


@dataclass(frozen=True, slots=True)
class Call:
    """One authentic, permitted call: its parameters and the account it works on. `now` is true Unix seconds."""

    query: Mapping[str, str]
    form: Mapping[str, str] = field(repr=False)
    state: State
    now: float
    skew: float
    finish_after: float
    capacity: int
    used: int
    """What was spent before the sandbox began to count."""


@dataclass(frozen=True, slots=True)
class Operation:
    """A row of the table. `run` returns the reply without its RequestId, or raises `Refused`."""

    run: Callable[[Call], dict[str, Any]]
    lists_no_permission: bool = False
    """Whether its page lists 400 `NoPermission`, the answer when the service was not bought."""
    required_query: tuple[str, ...] = ()
    required_form: tuple[str, ...] = ()

    def check_parameters(self, query: Mapping[str, str], form: Mapping[str, str]) -> None:
        """Raises `Refused` for the first required parameter that is missing, empty or in the wrong place."""
        for names, given, place in ((self.required_query, query, "query"), (self.required_form, form, "form")):
            for name in names:
                if not given.get(name):
                    raise Refused(400, f"Missing{name}", f"{name} is mandatory for this action (in the {place}).")


def create_jenkins_image_scan_task(call: Call) -> dict[str, Any]:
    """CreateJenkinsImageScanTask.

    How it refuses a wrong token, a bad number and a request that names no image are choices of the sandbox: the API
    page is silent. So is it about a spent quota; `BeyondQuata` is what its sister operations answer.
    """
    form = call.form
    if not hmac.compare_digest(form["Token"].encode(), TOKEN.encode()):
        raise Refused(400, "InvalidToken", "Specified Token is not valid: it is not the sandbox's CI/CD token.")
    if call.query.get("JenkinsEnv", "") not in ("", "release"):
        raise Refused(400, "InvalidJenkinsEnv", "Specified JenkinsEnv is not valid: leave it empty or send release.")
    for name in ("ImageSize", "ImageCreate", "ImageUpdate"):
        if name in form and not (form[name].isascii() and form[name].isdecimal()):
            raise Refused(400, f"Invalid{name}", f"Specified {name} is not valid: a decimal number is expected.")
    names = ("Digest", "ImageId", "Namespace", "RepoName", "Tag", "Uuid")
    image = Image(*(form.get(name, "") for name in names))
    if not (image.digest or image.image_id or image.repo_name):
        raise Refused(400, "MissingDigest", "Digest is mandatory for this action (else ImageId, else RepoName).")
    task = call.state.open_task(
        image, now=call.now, finish_after=call.finish_after, allowance=call.capacity - call.used
    )
    if task is None:
        raise Refused(400, "BeyondQuata", "Please check the scan quota")
    return {
        "Data": {
            "TaskId": task.task_id,
            "Uuid": task.uuid,
            "ImageScanCapacity": call.capacity,
            "RepoRegionId": "cn-hangzhou",
            "RepoInstanceId": "cri-sandbox",
            "RepoId": "crr-sandbox",
        }
    }


def describe_image_scan_auth_count(call: Call) -> dict[str, Any]:
    """DescribeImageScanAuthCount: the total and what is spent of it."""
    spent = call.used + call.state.paid_images()
    return {"ImageScan": {"ScanCount": spent, "ImageScanCapacity": call.capacity, "InstanceId": "sas-sandbox"}}


def describe_image_latest_scan_task(call: Call) -> dict[str, Any]:
    """DescribeImageLatestScanTask, newest first; last comes a SUCCESS of the day before, so that stale results show.

    A digest with a `sha256:` prefix finds nothing, as does an unknown one.
    """
    digest = call.query["Digest"]
    tasks = () if ":" in digest else call.state.tasks_of(digest)
    shown = [*reversed(tasks), *(earlier(task) for task in tasks[:1])]
    return {"Task": [task_row(task, call) for task in shown]}


def earlier(first: Task) -> Task:
    """The scan that the image had a day before its first task: not in the ledger, and never ours."""
    opened_at = first.opened_at - DAY
    task_id = uuid.uuid5(NAMESPACE, f"earlier:{first.image_key}").hex
    return replace(first, number=0, task_id=task_id, opened_at=opened_at, finish_at=opened_at + EARLIER_SCAN_SECONDS)


def task_row(task: Task, call: Call) -> dict[str, Any]:
    """A task as DescribeImageLatestScanTask lists it, on the server's clock."""
    finished = call.now >= task.finish_at
    started, changed = task.opened_at + call.skew, min(call.now, task.finish_at) + call.skew
    row = {
        "Id": task.number,
        "TaskId": task.task_id,
        "Status": task.status(call.now),
        "Name": "IMAGE_SCAN",
        "TaskType": "IMAGE_SCAN",
        "Target": task.digest,
        "TargetType": "IMAGE",
        "Source": "openapi",
        "Create": china_time(started),
        "Modified": china_time(changed),
        "StartTime": int(started * 1000),
        "Finish": int(finished),
    }
    return row | {"FinishTime": int(changed * 1000)} if finished else row


def china_time(seconds: float) -> str:
    """Unix seconds as the service writes them for display."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(seconds + CHINA_TIME))


OPERATIONS: Mapping[str, Operation] = {
    "CreateJenkinsImageScanTask": Operation(
        create_jenkins_image_scan_task, lists_no_permission=True, required_form=("Token",)
    ),
    "DescribeImageScanAuthCount": Operation(describe_image_scan_auth_count, lists_no_permission=True),
    "DescribeImageLatestScanTask": Operation(describe_image_latest_scan_task, required_query=("Digest",)),
}
"""Every operation that the sandbox knows, by the name in `x-acs-action`."""
