"""The operations that open a task and tell the quota."""

import hmac
from typing import Any

from jenkins_scan.sandbox.call import Call
from jenkins_scan.sandbox.conditions import ListedFinding
from jenkins_scan.sandbox.images import INSTANCE_ID, REGION, REPO_ID, Image
from jenkins_scan.sandbox.messages import Refused
from jenkins_scan.sandbox.opening import open_task, used_quota


def create_jenkins_image_scan_task(call: Call) -> dict[str, Any]:
    """CreateJenkinsImageScanTask.

    How it refuses a wrong token, a bad number and a request that names no image are choices of the sandbox: the API
    page is silent. So is it about a spent quota, where `BeyondQuata` is what its sister operations answer, and about
    the limit of running tasks, where `TaskId` is missing here as there. It counts if a scenario sets `limit.jenkins`.
    """
    form = call.form
    if not hmac.compare_digest(form["Token"].encode(), call.token.encode()):
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
    capacity = call.conditions.quota.capacity
    task = open_task(call, (image,)).task
    if task is None:
        return {"Data": {"ImageScanCapacity": capacity}}
    if call.findings_of is not None:
        found = map(ListedFinding.of, call.findings_of(image))
        call.state.note_findings(image, [each.model_dump_json() for each in found])
    return {
        "Data": {
            "TaskId": task.task_id,
            "Uuid": image.asset_uuid,
            "ImageScanCapacity": capacity,
            "RepoRegionId": REGION,
            "RepoInstanceId": INSTANCE_ID,
            "RepoId": REPO_ID,
        }
    }


def describe_image_scan_auth_count(call: Call) -> dict[str, Any]:
    """DescribeImageScanAuthCount: the total and what is spent of it."""
    capacity = call.conditions.quota.capacity
    return {"ImageScan": {"ScanCount": used_quota(call), "ImageScanCapacity": capacity, "InstanceId": "sas-sandbox"}}
