"""The reply of DescribeImageSecurityScanCount."""

from collections.abc import Mapping

from jenkins_scan.security_center.interface import Source
from jenkins_scan.security_center.wire import LenientCount, WireModel


class ScanCountData(WireModel):
    """`Data` of DescribeImageSecurityScanCount."""

    image_cve_vul_count: LenientCount = None
    image_sca_vul_count: LenientCount = None
    image_baseline_count: LenientCount = None
    image_malicious_file_count: LenientCount = None


class ScanCountReply(WireModel):
    """Reply of DescribeImageSecurityScanCount: sensitive files and build risks are not counted."""

    data: ScanCountData

    def value(self) -> Mapping[Source, int]:
        """The counts that are told."""
        told = {
            Source.CVE: self.data.image_cve_vul_count,
            Source.SCA: self.data.image_sca_vul_count,
            Source.BASELINE: self.data.image_baseline_count,
            Source.MALICIOUS_FILE: self.data.image_malicious_file_count,
        }
        return {source: count for source, count in told.items() if count is not None}
