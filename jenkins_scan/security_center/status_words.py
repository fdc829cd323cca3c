"""The status words of the service, and how far a task is by them.

The words are those of the API pages DescribeImageLatestScanTask, DescribeImageInstances (`ScaStatus`, `ScaResult`),
DescribeOnceTaskLeafRecordPage and PublicCreateImageScanTask. They are compared whole: `PRE_ANALYZER_SUCCESS` is no
success.
"""

from typing import Final

from jenkins_scan.security_center.interface import Phase

SUCCESS: Final = "SUCCESS"
RUNNING: Final = frozenset(
    {
        *("INIT", "START", "PROCESSING", "MESSAGE_SEND", "START_RUN", "DOWNLOAD"),
        *("PRE_ANALYZER", "PRE_ANALYZER_SUCCESS"),
        *("CVE_ANALYZER", "WEB_SHELL_ANALYZER", "BIN_ANALYZER", "OTHER_ANALYZER"),
    }
)
FAILED: Final = frozenset({"FAIL", "TIMOUT", "TIMEOUT"})
"""`TIMOUT` is what the page of DescribeImageLatestScanTask writes."""
REGION_NOT_SUPPORTED: Final = "TASK_NOT_SUPPORT_REGION"
BAD_RESULTS: Final = frozenset({"TASK_NOT_EXISTS", REGION_NOT_SUPPORTED})
"""They beat every status word."""
ALREADY_RUNNING: Final = "forbid_create_repeat_task"
"""Another task for this image runs: it is waited for, and nothing is submitted again."""
UNREADABLE: Final = "unreadable"
"""Stands for a result that is no text: it may be an error, so it is none of the good ones."""


WHOLE: Final = 100
"""Percent."""


def phase_of(
    word: str,
    result: str | None,
    *,
    finished: bool | None = None,
    scanned: bool = False,
    progress: int | None = None,
) -> Phase:
    """How far a task is.

    A success that is not finished, or stands beside a progress below 100, has not come yet. `result` is `ScaResult` or
    `ResultInfo`; absent, empty and `SUCCESS` are no error. `finished` is the flag `Finish` of the one-time tasks, None
    where there is none. `scanned` says that the row tells when the image was scanned last: only that can prove that a
    success beside `forbid_create_repeat_task` is a new one.
    """
    if result is not None and result.upper() in BAD_RESULTS:
        return Phase.BAD
    if result == ALREADY_RUNNING:
        return Phase.GOOD if word == SUCCESS and scanned else Phase.RUNNING
    if word in FAILED or (finished and word != SUCCESS):
        return Phase.BAD
    if result not in (None, SUCCESS):
        return Phase.UNKNOWN
    if word == SUCCESS:
        return Phase.RUNNING if finished is False or (progress is not None and progress < WHOLE) else Phase.GOOD
    return Phase.RUNNING if word in RUNNING else Phase.UNKNOWN
