"""The status operations: how far the tasks of an image are, by its digest, by a task's id, or by the image's own row.

Which of them knows a CI/CD task is not documented; whoever waits asks several and keeps to the one that proves to.
"""

import json
from collections.abc import Mapping

from jenkins_scan.errors import AnswerNotUnderstood
from jenkins_scan.security_center.answer import Read
from jenkins_scan.security_center.interface import Answer, TaskStatus
from jenkins_scan.security_center.wire_status import (
    ImageInstancesReply,
    LatestTasksReply,
    LeafRecordsReply,
    StatusReply,
    UnfinishedTasksReply,
)

LATEST = LatestTasksReply.operation
IMAGE_INSTANCES = ImageInstancesReply.operation
LEAF_RECORDS = LeafRecordsReply.operation
UNFINISHED = UnfinishedTasksReply.operation
PAGE_SIZE = 100
MOST_PAGES_OF_A_TASK = 50
"""A task of `scan-registry` may scan thousands of images."""
MOST_PAGES = 5
"""An image is in some few repositories; more rows than that would eat up the calls that a wait may make."""


def by_criteria(values: Mapping[str, str]) -> dict[str, str]:
    """The parameters of DescribeImageInstances for the images with all of these values, by the criteria's names."""
    criteria = [{"name": name, "value": value} for name, value in values.items()]
    written = json.dumps(criteria, separators=(",", ":"), ensure_ascii=False)
    return {**({"Criteria": written} if criteria else {}), **({"LogicalExp": "AND"} if len(criteria) > 1 else {})}


class TaskOperations:
    """The status operations of one account."""

    def __init__(self, read: Read) -> None:
        self._read = read

    def latest(self, digest: str, *, deadline: float) -> Answer[tuple[TaskStatus, ...]]:
        """The tasks of the image with this digest."""
        answer = self._read(LATEST, {"Digest": digest}, LatestTasksReply, deadline)
        return Answer(answer.value.statuses, answer.request_id, answer.server_time)

    def of_image(
        self, *, digest: str | None = None, image_id: str | None = None, deadline: float
    ) -> Answer[tuple[TaskStatus, ...]]:
        """The images with this digest or, without one, with this config digest. One of the two is needed."""
        name, value = ("digest", digest) if digest is not None else ("imageId", image_id)
        if value is None:
            raise ValueError("without a digest this would list every image of the account")
        return self._all_pages(IMAGE_INSTANCES, by_criteria({name: value}), ImageInstancesReply, deadline)

    def by_id(self, task_id: str, *, deadline: float) -> Answer[tuple[TaskStatus, ...]]:
        """The task of each image under this id."""
        query = {"TaskType": "IMAGE_SCAN", "TaskId": task_id, "RelateInfo": "true"}
        return self._all_pages(LEAF_RECORDS, query, LeafRecordsReply, deadline, most=MOST_PAGES_OF_A_TASK)

    def unfinished(self, digest: str, *, deadline: float) -> Answer[tuple[TaskStatus, ...]]:
        """The running tasks of the image with this digest."""
        query = {"TaskType": "IMAGE_SCAN", "Target": digest}
        answer = self._read(UNFINISHED, query, UnfinishedTasksReply, deadline)
        return Answer(answer.value.statuses, answer.request_id, answer.server_time)

    def _all_pages(
        self,
        operation: str,
        query: Mapping[str, str],
        model: type[StatusReply],
        deadline: float,
        *,
        most: int = MOST_PAGES,
    ) -> Answer[tuple[TaskStatus, ...]]:
        rows: list[TaskStatus] = []
        number = 0
        while True:
            number += 1
            page = {"CurrentPage": str(number), "PageSize": str(PAGE_SIZE)}
            answer = self._read(operation, {**query, **page}, model, deadline)
            statuses, total = answer.value
            rows += statuses
            if len(rows) >= (total or 0):
                return Answer(tuple(rows), answer.request_id, answer.server_time)
            if not statuses or number == most:  # what is missing may say that it goes on, or was of another image
                raise AnswerNotUnderstood(
                    f"{operation} counts {total} rows, and {len(rows)} could be read.", request_id=answer.request_id
                )
