"""Pages of the lists of findings, made from the rows that the API pages show."""

from jenkins_scan.security_center.interface import ImageKey, Source
from tests.support.center import DIGEST, SAMPLES, UUID, as_json, page

BOTH = ImageKey(UUID, DIGEST)
MD5 = "d836968041f7683b5459fedfe1d2ee9b"
ROWS = {
    Source.CVE: "VulRecords",
    Source.SCA: "GroupedVulItems",
    Source.BASELINE: "BaselineResult",
    Source.MALICIOUS_FILE: "GroupedMaliciousFileResponse",
    Source.SENSITIVE_FILE: "SensitiveFileList",
}
PLACES = "AffectedMaliciousFileImagesResponse"


def a_page(source, *rows, total=None):
    if source is Source.BUILD_RISK:
        info = {"TotalCount": len(rows) if total is None else total}
        return as_json({"Data": {"PageInfo": info, "List": list(rows)}})
    return page(ROWS[source], *rows, total=total)


def sample_row(operation, name, **changes):
    body = SAMPLES[operation]
    return {**body.get("Data", body)[name][0], **changes}


def cve(**changes):
    return sample_row("DescribeImageVulList", "VulRecords", **changes)


def packages(*entities):
    return {"ExtendContentJson": {"RpmEntityList": list(entities)}}


def sca(**changes):
    return sample_row("DescribeImageGroupedVulList", "GroupedVulItems", **changes)


def group(**changes):
    return sample_row("DescribeGroupedMaliciousFiles", "GroupedMaliciousFileResponse", **changes)


def place(**changes):
    return sample_row("DescribeAffectedMaliciousFileImages", PLACES, **changes)


ROW = {
    Source.CVE: cve,
    Source.SCA: sca,
    Source.BASELINE: lambda **changes: sample_row("DescribeImageBaselineCheckResult", "BaselineResult", **changes),
    Source.MALICIOUS_FILE: group,
    Source.SENSITIVE_FILE: lambda **changes: sample_row(
        "DescribeImageSensitiveFileList", "SensitiveFileList", **changes
    ),
    Source.BUILD_RISK: lambda **changes: sample_row("DescribeImageBuildRiskByKey", "List", **changes),
}
