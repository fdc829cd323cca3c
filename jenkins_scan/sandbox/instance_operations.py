"""DescribeImageInstances: the row of an image, which says what was scanned and when."""

import json
from typing import Any, Final

from jenkins_scan.sandbox.assets import Asset
from jenkins_scan.sandbox.call import Call
from jenkins_scan.sandbox.images import bare
from jenkins_scan.sandbox.messages import Refused
from jenkins_scan.sandbox.paging import page_of
from jenkins_scan.sandbox.registries import listed_assets
from jenkins_scan.sandbox.state import Scan

SHOWN: Final = ("registryType", "vulStatus", "alarmStatus", "hcStatus", "riskStatus")
"""Criteria that are compared with the row as it is shown."""


def describe_image_instances(call: Call) -> dict[str, Any]:
    """DescribeImageInstances: the images that meet the criteria, by default all of them.

    Raises `Refused` for criteria that are no JSON list, or name what the sandbox cannot tell; its code is a choice.
    """
    criteria = criteria_of(call.query.get("Criteria") or "[]")
    join = any if call.query.get("LogicalExp", "").upper() == "OR" else all
    found: dict[str, Asset] = {}
    digests = [value for name, value in criteria if name == "digest"] if join is all else []
    for asset in listed_assets(call, digests):
        met = not criteria or join(meets(asset, name, value, call) for name, value in criteria)
        if met and scanned_is_asked_for(asset, call):
            found.setdefault(asset.image.asset_uuid, asset)  # an image with several names is one row
    page = page_of(call, [*found.values()])
    return {"PageInfo": page.info, "ImageInstanceList": [instance_row(asset, call) for asset in page.rows]}


def scanned_is_asked_for(asset: Asset, call: Call) -> bool:
    """Whether `Scanned` lets the image through: a scanned one, one that was not, or by default both."""
    wanted = call.query.get("Scanned", "").lower()
    return wanted not in {"true", "false"} or (wanted == "true") == bool(asset.runs)


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
    image, row = asset.image, instance_row(asset, call)
    values: dict[str, str | None] = {
        "digest": bare(image.digest),
        "imageId": bare(image.image_id),
        "tag": image.tag,
        "repoName": image.repo_name,
        "repoNamespace": image.namespace,
        "repoId": image.repo_id,
        "instanceId": image.instance_id,
        "regionId": image.region_id,
        **{shown: row[shown[0].upper() + shown[1:]] for shown in SHOWN},
    }
    if name not in values:
        raise invalid_criteria(f"{name!r} is none of {', '.join(values)}")
    return values[name] == value


def invalid_criteria(why: str) -> Refused:
    """The refusal of `Criteria`."""
    return Refused(400, "InvalidCriteria", f"Specified Criteria is not valid: {why}.")


def instance_row(asset: Asset, call: Call) -> dict[str, Any]:
    """An image as DescribeImageInstances lists it: submitted names, its newest run, and counts of open findings.

    An image that was never scanned has no `LastScanTime`, none of the fields that begin with `Sca`, and no times.
    """
    image = asset.image
    digest, image_id = asset.scanned(call)
    kinds = [finding.kind for finding in asset.findings(call) if not finding.handled]
    vulnerabilities = kinds.count("cve") + kinds.count("sca")
    alarms, baselines = kinds.count("malicious-file"), kinds.count("baseline")
    return {
        "Uuid": image.asset_uuid,
        "Digest": digest,
        "ImageId": image_id,
        "Tag": image.tag,
        "RepoName": image.repo_name,
        "RepoNamespace": image.namespace,
        "RepoId": image.repo_id,
        "InstanceId": image.instance_id,
        "RegionId": image.region_id,
        "RegistryType": image.registry_type,
        "RepoType": "private",
        **(scan_fields(asset.newest, asset, call) if asset.newest else {}),
        "VulCount": vulnerabilities,
        "VulStatus": yes_or_no(vulnerabilities),
        "AlarmCount": alarms,
        "AlarmStatus": yes_or_no(alarms),
        "HcCount": baselines,
        "HcStatus": yes_or_no(baselines),
        "RiskStatus": yes_or_no(kinds),
        "Deployed": 0,
        "ImageSize": "5",
        "Status": "NORMAL",
    }


def scan_fields(newest: Scan, asset: Asset, call: Call) -> dict[str, Any]:
    """What the row says of the newest run; the image is as old as its newest task."""
    run, created = asset.runs[0], str(call.milliseconds(newest.task.opened_at))
    return {
        "ScaStatus": run.asset_word,
        "ScaProgress": run.progress,
        "ScaResult": run.result,
        "LastScanTime": call.milliseconds(asset.scanned_at),
        "ImageCreate": created,
        "ImageUpdate": created,
    }


def yes_or_no(found: object) -> str:
    """The service's word for whether there is anything."""
    return "YES" if found else "NO"
