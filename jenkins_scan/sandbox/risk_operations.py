"""The operations on baseline checks and on risks in the build instructions."""

from typing import Any

from jenkins_scan.sandbox import SECRET_TEXT
from jenkins_scan.sandbox.assets import Group, groups, singles
from jenkins_scan.sandbox.call import Call
from jenkins_scan.sandbox.paging import finding_page

BASELINE_CLASS = "sandbox_class"


def describe_image_baseline_check_result(call: Call) -> dict[str, Any]:
    """DescribeImageBaselineCheckResult: the baselines that the image does not meet."""
    rows = [row for row in groups(call, "baseline") if call.allows("RiskLevel", row.first.severity)]
    page = finding_page(call, rows)
    return {"PageInfo": page.info, "BaselineResult": [baseline_row(row, call) for row in page.rows]}


def baseline_row(row: Group, call: Call) -> dict[str, Any]:
    """A baseline with its items counted by severity."""
    scanned = call.milliseconds(row.asset.scanned_at)
    return {
        "BaselineNameKey": row.first.id,
        "BaselineNameAlias": call.said(row.first.text),
        "BaselineClassAlias": call.said("Sandbox class"),
        "BaselineNameLevel": row.first.severity,
        "BaselineItemCount": len(row.findings),
        "HighRiskItemCount": row.counted("high"),
        "MiddleRiskItemCount": row.counted("medium"),
        "LowRiskItemCount": row.counted("low"),
        "Status": int(row.first.handled),
        "FirstScanTime": scanned,
        "LastScanTime": scanned,
    }


def describe_image_baseline_item_list(call: Call) -> dict[str, Any]:
    """DescribeImageBaselineItemList: the single checks of the baselines, one for each finding of the scenario."""
    rows = [row for row in singles(call, "baseline") if item_is_asked_for(row, call)]
    page = finding_page(call, rows)
    return {"PageInfo": page.info, "BaselineItemInfos": [item_row(row, call) for row in page.rows]}


def item_is_asked_for(row: Group, call: Call) -> bool:
    """Whether the filters of DescribeImageBaselineItemList let the row through."""
    return (
        call.allows("Status", int(row.first.handled))
        and call.allows("BaselineNameKey", row.first.id)
        and call.allows("BaselineClassKey", BASELINE_CLASS)
    )


def item_row(row: Group, call: Call) -> dict[str, Any]:
    """A single check; its key is its path, where the scenario gives one."""
    finding = row.first
    return {
        "BaselineItemKey": finding.path or finding.id,
        "BaselineItemAlias": call.said(finding.text),
        "BaselineNameKey": finding.id,
        "BaselineNameAlias": call.said(finding.text),
        "BaselineClassKey": BASELINE_CLASS,
        "BaselineClassAlias": call.said("Sandbox class"),
        "Status": int(finding.handled),
        "WhiteList": 0,
    }


def describe_image_build_risk_by_key(call: Call) -> dict[str, Any]:
    """DescribeImageBuildRiskByKey: its rows have no status, only the filter `Status` tells open ones from ignored ones.

    The `PageInfo` of this operation has no `Count`.
    """
    rows = [
        row
        for row in singles(call, "build-risk")
        if call.allows("RiskKey", row.first.id) and call.allows("Status", int(row.first.handled))
    ]
    page = finding_page(call, rows)
    data = {"PageInfo": page.position, "List": [build_risk_row(row, call) for row in page.rows]}
    return {"Code": "200", "Success": True, "Message": "successful", "Data": data}


def build_risk_row(row: Group, call: Call) -> dict[str, Any]:
    """A risky build instruction."""
    finding = row.first
    return {
        "RiskKey": finding.id,
        "RiskKeyName": call.said(finding.text),
        "RiskClass": "sandbox",
        "RiskClassName": call.said("Sandbox"),
        "RiskLevel": finding.severity,
        "LayerDigest": finding.layer,
        "LayerCmd": finding.layer_cmd,
        "Promt": SECRET_TEXT,
        "Description": call.said(finding.text),
        "Advice": call.said(finding.advice or "Change the build instruction"),
    }
