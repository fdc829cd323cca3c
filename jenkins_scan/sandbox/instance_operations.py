"""DescribeImageInstances: the row of an image, which says what was scanned and when."""

import json
from typing import Any, Final

from jenkins_scan.sandbox.assets import REGION, REPO_ID, REPO_INSTANCE_ID, Asset, assets, bare
from jenkins_scan.sandbox.call import Call
from jenkins_scan.sandbox.messages import Refused
from jenkins_scan.sandbox.paging import page_of

SHOWN: Final = ("registryType", "vulStatus", "alarmStatus", "hcStatus", "riskStatus")
"""Criteria that are compared with the row as it is shown."""


def describe_image_instances(call: Call) -> dict[str, Any]:
    """DescribeImageInstances: the images that meet the criteria, by default all of them.

    Raises `Refused` for criteria that are no JSON list, or name what the sandbox cannot tell; its code is a choice.
    """
    criteria = criteria_of(call.query.get("Criteria") or "[]")
    join = any if call.query.get("LogicalExp", "").upper() == "OR" else all
    found = [
        asset
        for asset in assets(call)
        if not criteria or join(meets(asset, name, value, call) for name, value in criteria)
    ]
    if call.query.get("Scanned", "").lower() == "false":
        found = []  # every image here was scanned the day before
    page = page_of(call, found)
    return {"PageInfo": page.info, "ImageInstanceList": [instance_row(asset, call) for asset in page.rows]}


def criteria_of(text: str) -> list[tuple[str, str]]:
    """Names and values. A `logicalExp` of an item has no effect here. Raises `Refused`."""
    try:
        items = json.loads(text)
        criteria = [(item["name"], item["value"]) for item in items]
    except (ValueError, TypeError, KeyError, RecursionError) as exc:
        raise invalid_criteria("it is not a JSON list of objects with name and value") from exc
    if not isinstance(items, list) or not all(isinstance(part, str) for pair in criteria for part in pair):
        raise invalid_criteria("it is not a list, or a name or value is no text")
    return criteria


def meets(asset: Asset, name: str, value: str, call: Call) -> bool:
    """Whether the image is one that the criterion names, by what was submitted. Raises `Refused`."""
    task, row = asset.newest, instance_row(asset, call)
    values: dict[str, str | None] = {
        "digest": bare(task.digest),
        "imageId": bare(task.image_id),
        "tag": task.tag,
        "repoName": task.repo_name,
        "repoNamespace": task.namespace,
        "repoId": REPO_ID,
        "instanceId": REPO_INSTANCE_ID,
        "regionId": REGION,
        **{shown: row[shown[0].upper() + shown[1:]] for shown in SHOWN},
    }
    if name not in values:
        raise invalid_criteria(f"{name!r} is none of {', '.join(values)}")
    return values[name] == value


def invalid_criteria(why: str) -> Refused:
    """The refusal of `Criteria`."""
    return Refused(400, "InvalidCriteria", f"Specified Criteria is not valid: {why}.")


def instance_row(asset: Asset, call: Call) -> dict[str, Any]:
    """An image as DescribeImageInstances lists it: submitted names, its newest run, and counts of open findings."""
    task, run = asset.newest, asset.runs[0]
    digest, image_id = asset.scanned(call)
    kinds = [finding.kind for finding in asset.findings(call) if not finding.handled]
    vulnerabilities = kinds.count("cve") + kinds.count("sca")
    alarms, baselines = kinds.count("malicious-file"), kinds.count("baseline")
    created = str(call.milliseconds(task.opened_at))
    return {
        "Uuid": task.uuid,
        "Digest": digest,
        "ImageId": image_id,
        "Tag": task.tag,
        "RepoName": task.repo_name,
        "RepoNamespace": task.namespace,
        "RepoId": REPO_ID,
        "InstanceId": REPO_INSTANCE_ID,
        "RegionId": REGION,
        "RegistryType": "CI/CD",
        "RepoType": "private",
        "ScaStatus": run.asset_word,
        "ScaProgress": run.progress,
        "ScaResult": run.result,
        "LastScanTime": call.milliseconds(asset.scanned_at),
        "VulCount": vulnerabilities,
        "VulStatus": yes_or_no(vulnerabilities),
        "AlarmCount": alarms,
        "AlarmStatus": yes_or_no(alarms),
        "HcCount": baselines,
        "HcStatus": yes_or_no(baselines),
        "RiskStatus": yes_or_no(kinds),
        "Deployed": 0,
        "ImageSize": "5",
        "ImageCreate": created,
        "ImageUpdate": created,
        "Status": "NORMAL",
    }


def yes_or_no(found: object) -> str:
    """The service's word for whether there is anything."""
    return "YES" if found else "NO"
