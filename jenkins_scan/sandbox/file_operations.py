"""The operations on files that should not be in an image: sensitive and malicious ones.

`Promt` and `DownloadUrl` carry marker texts: no output of a client may hold them.
"""

import uuid
import zlib
from typing import Any

from jenkins_scan.sandbox import SAMPLE_URL, SECRET_TEXT
from jenkins_scan.sandbox.assets import Group, groups, singles
from jenkins_scan.sandbox.call import Call
from jenkins_scan.sandbox.conditions import ListedFinding
from jenkins_scan.sandbox.images import NAMESPACE
from jenkins_scan.sandbox.paging import Page, finding_page


def describe_image_sensitive_file_list(call: Call) -> dict[str, Any]:
    """DescribeImageSensitiveFileList: kinds of secrets, each with the number of its files."""
    rows = [
        row
        for row in groups(call, "sensitive-file")
        if call.allows("RiskLevel", row.first.severity) and call.allows("SensitiveKeyList", row.first.id)
    ]
    page = finding_page(call, rows)
    return envelope(page) | {"SensitiveFileList": [sensitive_row(row, call) for row in page.rows]}


def envelope(page: Page[Group]) -> dict[str, Any]:
    """What stands around both lists of sensitive files."""
    ok = {"Code": "200", "Success": True, "Message": "successful", "HttpStatusCode": 200}
    return ok | {"PageInfo": {**page.info, "LastRowKey": ""}}


def sensitive_row(row: Group, call: Call) -> dict[str, Any]:
    """A kind of secret."""
    return secret_of(row, call) | {
        "ClassKey": "sandbox",
        "ClassName": call.said("Sandbox"),
        "Count": len(row.findings),
        "UnprocessedNum": row.open,
        "Status": int(row.first.handled),
    }


def secret_of(row: Group, call: Call) -> dict[str, Any]:
    """What both lists of sensitive files say."""
    scanned = call.milliseconds(row.asset.scanned_at)
    others = len({finding.text for finding in row.findings}) - 1
    return {
        "SensitiveFileKey": row.first.id,
        "SensitiveFileName": call.said(f"{row.first.text}, and {others} more" if others else row.first.text),
        "RiskLevel": row.first.severity,
        "Description": call.said(f"{row.first.text} was found"),
        "Advice": call.said(row.first.advice or "Remove the file and revoke what it holds"),
        "FirstScanTime": scanned,
        "LastScanTime": scanned,
    }


def describe_image_sensitive_file_by_key(call: Call) -> dict[str, Any]:
    """DescribeImageSensitiveFileByKey: the single files, with the secret itself in `Promt`."""
    rows = [row for row in singles(call, "sensitive-file") if call.allows("SensitiveFileKey", row.first.id)]
    page = finding_page(call, rows)
    return envelope(page) | {"SensitiveFileList": [secret_row(row, call) for row in page.rows]}


def secret_row(row: Group, call: Call) -> dict[str, Any]:
    """A file that holds a secret."""
    path = path_of(row.first)
    return secret_of(row, call) | {
        "FilePath": path,
        "LayerDigest": row.first.layer,
        "Md5": hash_of(path),
        "Promt": SECRET_TEXT,
    }


def path_of(finding: ListedFinding) -> str:
    """Where the file lies."""
    return finding.path or f"/sandbox/{finding.id}"


def hash_of(text: str) -> str:
    """32 hex digits in the place of an MD5 sum."""
    return uuid.uuid5(NAMESPACE, text).hex


def describe_grouped_malicious_files(call: Call) -> dict[str, Any]:
    """DescribeGroupedMaliciousFiles: each malicious file once, however often it is there."""
    rows = [row for row in groups(call, "malicious-file") if malicious_is_asked_for(row, call)]
    page = finding_page(call, rows)
    listed = [malicious_row(row, call) for row in page.rows]
    return {"PageInfo": page.info, "GroupedMaliciousFileResponse": listed}


def malicious_is_asked_for(row: Group, call: Call) -> bool:
    """Whether the filters of the two lists let the row through."""
    return (
        call.allows("Levels", row.first.severity)
        and call.allows("MaliciousMd5", hash_of(row.first.id))
        and call.allows("Status", int(row.first.handled))
    )


def malicious_row(row: Group, call: Call) -> dict[str, Any]:
    """A malicious file."""
    return seen_malicious(row, call) | {
        "MaliciousKey": row.first.id,
        "MaliciousName": call.said(row.first.text),
        "ImageCount": 1,
    }


def seen_malicious(row: Group, call: Call) -> dict[str, Any]:
    """What both lists of malicious files say."""
    scanned = call.milliseconds(row.asset.scanned_at)
    return {
        "MaliciousMd5": hash_of(row.first.id),
        "Level": row.first.severity,
        "Status": int(row.first.handled),
        "FirstScanTimestamp": scanned,
        "LatestScanTimestamp": scanned,
    }


def describe_affected_malicious_file_images(call: Call) -> dict[str, Any]:
    """DescribeAffectedMaliciousFileImages: each place of each malicious file, with a way to get it in `DownloadUrl`."""
    rows = [row for row in singles(call, "malicious-file") if malicious_is_asked_for(row, call)]
    page = finding_page(call, rows)
    listed = [affected_row(row, call) for row in page.rows]
    return {"PageInfo": page.info, "AffectedMaliciousFileImagesResponse": listed}


def affected_row(row: Group, call: Call) -> dict[str, Any]:
    """A place of a malicious file."""
    image, path = row.asset.image, path_of(row.first)
    return seen_malicious(row, call) | {
        "Id": zlib.crc32(f"{image.uuid} {row.first.id} {path}".encode()),
        "FilePath": path,
        "Layer": row.first.layer,
        "Digest": row.asset.scanned(call)[0],
        "ImageUuid": image.uuid,
        "Image": image.reference,
        "RepoName": image.repo_name,
        "Namespace": image.namespace,
        "Tag": image.tag,
        "DownloadUrl": SAMPLE_URL,
    }
