"""The operations of the sandbox: one table, one short function each, replies in the shape of the API pages.

Another operation is one more row; the checks before it need no change. Ids and UUIDs are made up, and say so where the
format leaves room.
"""

from collections.abc import Mapping

from jenkins_scan.sandbox.call import Operation
from jenkins_scan.sandbox.file_operations import (
    describe_affected_malicious_file_images,
    describe_grouped_malicious_files,
    describe_image_sensitive_file_by_key,
    describe_image_sensitive_file_list,
)
from jenkins_scan.sandbox.instance_operations import describe_image_instances
from jenkins_scan.sandbox.regions import list_image_registry_region
from jenkins_scan.sandbox.registry_operations import (
    public_create_image_scan_task,
    public_pre_check_image_scan_task,
    public_sync_and_create_image_scan_task,
)
from jenkins_scan.sandbox.risk_operations import (
    describe_image_baseline_check_result,
    describe_image_baseline_item_list,
    describe_image_build_risk_by_key,
)
from jenkins_scan.sandbox.submit_operations import create_jenkins_image_scan_task, describe_image_scan_auth_count
from jenkins_scan.sandbox.task_operations import (
    describe_image_latest_scan_task,
    describe_once_task_leaf_record_page,
    list_unfinished_once_task,
)
from jenkins_scan.sandbox.vulnerability_operations import (
    describe_image_grouped_vul_list,
    describe_image_security_scan_count,
    describe_image_vul_list,
)

PAGED = ("CurrentPage", "PageSize")

OPERATIONS: Mapping[str, Operation] = {
    "CreateJenkinsImageScanTask": Operation(
        create_jenkins_image_scan_task, needs_purchase=True, required_form=("Token",)
    ),
    "PublicPreCheckImageScanTask": Operation(public_pre_check_image_scan_task, needs_purchase=True),
    "PublicCreateImageScanTask": Operation(public_create_image_scan_task, needs_purchase=True),
    "PublicSyncAndCreateImageScanTask": Operation(
        public_sync_and_create_image_scan_task, needs_purchase=True, required_query=("Images",)
    ),
    "ListImageRegistryRegion": Operation(list_image_registry_region),
    "DescribeImageScanAuthCount": Operation(describe_image_scan_auth_count, needs_purchase=True),
    "DescribeImageLatestScanTask": Operation(describe_image_latest_scan_task, required_query=("Digest",)),
    "DescribeImageInstances": Operation(describe_image_instances),
    "DescribeOnceTaskLeafRecordPage": Operation(
        describe_once_task_leaf_record_page, required_query=("TaskType", *PAGED, "RelateInfo")
    ),
    "ListUnfinishedOnceTask": Operation(list_unfinished_once_task, required_query=("TaskType",)),
    "DescribeImageSecurityScanCount": Operation(describe_image_security_scan_count),
    "DescribeImageVulList": Operation(describe_image_vul_list, required_query=("Type",)),
    "DescribeImageGroupedVulList": Operation(describe_image_grouped_vul_list),
    "DescribeImageBaselineCheckResult": Operation(describe_image_baseline_check_result, required_query=("ImageUuid",)),
    "DescribeImageBaselineItemList": Operation(describe_image_baseline_item_list, required_query=("ImageUuid",)),
    "DescribeImageSensitiveFileList": Operation(describe_image_sensitive_file_list),
    "DescribeImageSensitiveFileByKey": Operation(describe_image_sensitive_file_by_key),
    "DescribeGroupedMaliciousFiles": Operation(describe_grouped_malicious_files, required_query=PAGED),
    "DescribeAffectedMaliciousFileImages": Operation(describe_affected_malicious_file_images, required_query=PAGED),
    "DescribeImageBuildRiskByKey": Operation(describe_image_build_risk_by_key),
}
"""Every operation that the sandbox knows, by the name in `x-acs-action`."""
