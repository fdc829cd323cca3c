"""The operations that list tasks: the newest of a digest, those by TaskId, the unfinished ones."""

import json
import time
from collections.abc import Iterable
from typing import Any

from jenkins_scan.sandbox.assets import assets
from jenkins_scan.sandbox.call import Call
from jenkins_scan.sandbox.images import bare
from jenkins_scan.sandbox.messages import Refused
from jenkins_scan.sandbox.paging import page_of
from jenkins_scan.sandbox.runs import Run, done_images, runs_of

CHINA_TIME = 8 * 60 * 60
"""Offset in seconds of `Create` and `Modified`: texts without a zone, in the page's example 8 hours ahead of UTC."""
IMAGE_SCAN = "IMAGE_SCAN"


def describe_image_latest_scan_task(call: Call) -> dict[str, Any]:
    """DescribeImageLatestScanTask, newest first. An unknown digest, or one with a `sha256:` prefix, finds nothing."""
    digest = bare(call.query["Digest"])
    scans = () if digest is None else call.state.scans(digest)
    return {"Task": [latest_task_row(run, call) for run in runs_of(call, scans)]}


def latest_task_row(run: Run, call: Call) -> dict[str, Any]:
    """A task as DescribeImageLatestScanTask lists it."""
    started, changed = call.milliseconds(run.opened_at), call.milliseconds(run.changed_at)
    row = {
        "Id": run.scan.number,
        "TaskId": run.scan.task.task_id,
        "Status": run.latest_task_word,
        "Name": IMAGE_SCAN,
        "TaskType": IMAGE_SCAN,
        "Target": run.image.digest,
        "TargetType": "IMAGE",
        "Source": "openapi",
        "Create": china_time(started),
        "Modified": china_time(changed),
        "StartTime": started,
        "Finish": int(run.finished),
    }
    return row | {"FinishTime": changed} if run.finished else row


def china_time(milliseconds: int) -> str:
    """A time as the service writes it for display."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(milliseconds // 1000 + CHINA_TIME))


def describe_once_task_leaf_record_page(call: Call) -> dict[str, Any]:
    """DescribeOnceTaskLeafRecordPage: the tasks that the filters admit, newest first."""
    runs = (run for run in every_run(call) if admitted(run, call)) if scans_images(call) else ()
    page = page_of(call, sorted(runs, key=lambda run: run.opened_at, reverse=True))
    return {"PageInfo": page.info, "OnceTasks": [leaf_record_row(run, call) for run in page.rows]}


def list_unfinished_once_task(call: Call) -> dict[str, Any]:
    """ListUnfinishedOnceTask: the running tasks of one digest. Raises `Refused` with the page's code `-101`."""
    if not call.query.get("Target"):
        raise Refused(400, "-101", "Target is mandatory for this action.")
    digest = bare(call.query["Target"])
    scans = () if digest is None or not scans_images(call) else call.state.scans(digest)
    return {"OnceTasks": [unfinished_row(run, call) for run in runs_of(call, scans) if not run.finished]}


def scans_images(call: Call) -> bool:
    """Whether scan tasks are asked for; pulls from a registry are the other ones. Raises `Refused`."""
    if call.query["TaskType"] not in {IMAGE_SCAN, "IMAGE_REGISTRY_PULL"}:
        raise Refused(400, "InvalidTaskType", "Specified TaskType is not valid: IMAGE_SCAN or IMAGE_REGISTRY_PULL is.")
    return call.query["TaskType"] == IMAGE_SCAN


def every_run(call: Call) -> Iterable[Run]:
    """What is known of all tasks of all images; of a call with task ids at least theirs."""
    wanted = set(call.values("TaskId"))
    narrow = [run for asset in assets(call, task_ids=wanted) for run in asset.runs] if wanted else []
    # The ids of the scans of the day before are in no ledger: they are found among all.
    if wanted and wanted <= {run.scan.task.task_id for run in narrow}:
        return narrow
    return (run for asset in assets(call) for run in asset.runs)


def admitted(run: Run, call: Call) -> bool:
    """Whether the filters of DescribeOnceTaskLeafRecordPage let the task through."""
    started = call.milliseconds(run.opened_at)
    first = call.number("StartTime", 1) if call.query.get("StartTime") else started
    last = call.number("EndTime", 1) if call.query.get("EndTime") else started
    return (
        call.allows("TaskId", run.scan.task.task_id)
        and call.allows("Source", "openapi")
        and call.allows("StatusList", run.once_task_word)
        and first <= started <= last
    )


def once_task_row(run: Run, call: Call) -> dict[str, Any]:
    """What the two one-time task operations have in common."""
    started, changed = call.milliseconds(run.opened_at), call.milliseconds(run.changed_at)
    row = {
        "TaskId": run.scan.task.task_id,
        "TaskName": IMAGE_SCAN,
        "TaskType": IMAGE_SCAN,
        "StatusText": run.once_task_word,
        "Finish": int(run.finished),
        "Progress": run.progress,
        "StartTime": started,
        "RealRunTime": changed - started,
        "ResultInfo": run.result,
        "Target": run.image.digest,
        "TargetType": "IMAGE",
    }
    return row | {"EndTime": changed} if run.finished else row


def leaf_record_row(run: Run, call: Call) -> dict[str, Any]:
    """The scan of one image as DescribeOnceTaskLeafRecordPage lists it, with the image if `RelateInfo` asks for it."""
    finished, total = counts_of(run, call)
    row = once_task_row(run, call) | {"Status": "0", "FinishCount": str(finished), "TotalCount": str(total)}
    if call.flag("RelateInfo"):
        ends = json.dumps({"vul": call.milliseconds(run.ends_at)}) if run.finished else "{}"
        row["TaskImageInfo"] = task_image_info(run) | {"RegistryType": run.image.registry_type, "CostTimeInfo": ends}
    return row


def unfinished_row(run: Run, call: Call) -> dict[str, Any]:
    """The scan of one image as ListUnfinishedOnceTask lists it."""
    finished, total = counts_of(run, call)
    numbers = {"Status": 0, "FinishCount": finished, "TotalCount": total}
    return once_task_row(run, call) | numbers | {"TaskImageInfo": task_image_info(run)}


def counts_of(run: Run, call: Call) -> tuple[int, int]:
    """How many images of the whole task are done, and how many there are: the same in each of its rows, a choice."""
    task = run.scan.task
    return (done_images(call, task), task.total) if run.scan.number else (1, 1)


def task_image_info(run: Run) -> dict[str, Any]:
    """The image of a scan, as it was submitted."""
    image = run.image
    return {
        "Digest": image.digest,
        "Image": image.reference,
        "RepoName": image.repo_name,
        "RepoNamespace": image.namespace,
        "Tag": image.tag,
        "RepoId": image.repo_id,
        "RepoRegionId": image.region_id,
        "RegionId": image.region_id,
    }
