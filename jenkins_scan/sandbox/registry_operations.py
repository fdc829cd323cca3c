"""The operations that scan images in registries: the precheck, the create, and the one that synchronises first."""

from collections.abc import Mapping
from typing import Any, Final

from jenkins_scan import untrusted_json
from jenkins_scan.sandbox.call import Call
from jenkins_scan.sandbox.images import Image
from jenkins_scan.sandbox.messages import Refused
from jenkins_scan.sandbox.opening import open_task
from jenkins_scan.sandbox.registries import TYPES, selected_images, synchronised_images
from jenkins_scan.sandbox.runs import RUNNING, done_images, run_of
from jenkins_scan.sandbox.state import Scan, Task

MOST_IMAGES: Final = 1000
NAMES: Final = {
    "registryType": "registry_type",
    "regionId": "region_id",
    "instanceId": "instance_id",
    "repoNamespace": "namespace",
    "repoId": "repo_id",
    "repoName": "repo_name",
    "digest": "digest",
    "tag": "tag",
}
"""The fields of `Images` that have to be there, in the spelling of the official example, and what they are here."""
TIMES: Final = ("createTime", "updateTime")


def public_pre_check_image_scan_task(call: Call) -> dict[str, Any]:
    """PublicPreCheckImageScanTask: how many images the filters select, and how many of them would cost quota.

    Which field is which follows the texts of the page, which look swapped against their names.
    """
    images = selected_images(call)
    paid = call.state.paid(images)
    return {"Data": {"NeedAuthCount": len(images), "ScanImageCount": len(images) - paid}}


def public_create_image_scan_task(call: Call) -> dict[str, Any]:
    """PublicCreateImageScanTask: one task for all images that the filters select."""
    return create(call, selected_images(call))


def public_sync_and_create_image_scan_task(call: Call) -> dict[str, Any]:
    """PublicSyncAndCreateImageScanTask: one task for the images that `Images` names, which are known from then on.

    If no task is opened they stay as unknown as they were: a choice of the sandbox.
    """
    return create(call, synchronised_images(call, images_of(call.query["Images"])))


def create(call: Call, images: tuple[Image, ...]) -> dict[str, Any]:
    """The reply of both creates. Without a free slot it says so and has no `TaskId`. Raises `Refused`: no quota."""
    opened = open_task(call, images)
    if opened.task is None:
        return {"Data": {"CanCreate": False}}
    return {"Data": task_data(call, opened.task, images) | {"CanCreate": opened.slot_left}}


def task_data(call: Call, task: Task, images: tuple[Image, ...]) -> dict[str, Any]:
    """How far the task is. Of a task without images that is its end, of a hidden one the end of an earlier run."""
    opened_at = call.milliseconds(task.opened_at)
    # All images of a task go through the same words; the last one is the last to end.
    run = run_of(call, Scan(0, task, task.total - 1, images[-1])) if images else None
    if run is None or run.course.hidden:
        word, result, progress, finished = "SUCCESS", "SUCCESS", 100, task.total
    else:
        word, result, progress, finished = run.word, run.result, run.progress, done_images(call, task)
    return {
        "TaskId": task.task_id,
        "TotalCount": task.total,
        "FinishCount": finished,
        "CollectTime": opened_at,
        "ExecTime": opened_at,
        "Status": "PRE_ANALYZER" if word in RUNNING - {"INIT"} else word,
        "Progress": progress,
        "Result": result or ("SUCCESS" if word == "SUCCESS" else ""),
    }


def images_of(text: str) -> list[Image]:
    """The images that `Images` names. Raises `Refused`; that the code is `InvalidImages` is a choice of the sandbox."""
    try:
        items = untrusted_json.parse(text.encode())
    except ValueError as exc:
        raise invalid_images("it is no JSON") from exc
    if not isinstance(items, list) or not 1 <= len(items) <= MOST_IMAGES:
        raise invalid_images(f"it is no list of 1 to {MOST_IMAGES} images")
    return [image_of(item, number) for number, item in enumerate(items, start=1)]


def image_of(item: object, number: int) -> Image:
    """One of `Images`: field names in lower camel case, as in the official example, or capitalised, as in its text."""
    if not isinstance(item, dict):
        raise invalid_images(f"image {number} is no object")
    fields: Mapping[str, Any] = {key[:1].lower() + key[1:]: value for key, value in item.items()}
    for name in NAMES:
        if not (isinstance(fields.get(name), str) and fields[name]):
            raise invalid_images(f"{name} of image {number} is missing or is no text")
    for name in TIMES:
        if type(fields.get(name, 0)) is not int:
            raise invalid_images(f"{name} of image {number} is no whole number")
    if fields["registryType"] not in TYPES:
        raise invalid_images(f"registryType of image {number} is none of {', '.join(TYPES)}")
    return Image(**{ours: fields[name] for name, ours in NAMES.items()})


def invalid_images(why: str) -> Refused:
    """The refusal of `Images`."""
    return Refused(400, "InvalidImages", f"Specified Images is not valid: {why}.")
