"""The operations on images in registries: what a scan would need, the two creates, the images, and the regions."""

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Protocol, TypeVar

from jenkins_scan.security_center.answer import Read, Reply
from jenkins_scan.security_center.interface import Answer, ImageList, ListedImage
from jenkins_scan.security_center.pages import Page, Row, collect
from jenkins_scan.security_center.registry_scans import ImageFilter, PreCheck, RegistryImage, RegistryTask
from jenkins_scan.security_center.task_operations import IMAGE_INSTANCES, PAGE_SIZE, by_criteria
from jenkins_scan.security_center.wire_registry import (
    PreCheckReply,
    RegionsReply,
    RegistryImagesReply,
    RegistryTaskReply,
)

PRECHECK = "PublicPreCheckImageScanTask"
CREATE = "PublicCreateImageScanTask"
SYNC_AND_CREATE = "PublicSyncAndCreateImageScanTask"
REGIONS = "ListImageRegistryRegion"
MOST_VALUES = 100
"""Values of one name that the list of images is asked for, one after the other."""
T = TypeVar("T")
OnTheWay = Callable[[float | None], None]


class Create(Protocol):
    """Sends one operation that opens a task, never again once it may have run. Raises `ScanError`."""

    def __call__(  # noqa: PLR0913  what is sent and where, how it is read, until when, and who is told
        self,
        operation: str,
        query: Mapping[str, str],
        form: Mapping[str, str] | None,
        model: type[Reply[T]],
        *,
        deadline: float,
        on_the_way: OnTheWay,
    ) -> Answer[T]:
        """The answer, read by the operation's model."""
        ...


class RegistryOperations:
    """The images in the registries that one account has connected to Security Center."""

    def __init__(self, read: Read, create: Create) -> None:
        self._read = read
        self._create = create

    def precheck(self, wanted: ImageFilter, *, deadline: float, everything: bool = False) -> Answer[PreCheck]:
        """How many images would be scanned, and how much quota that takes."""
        return self._read(PRECHECK, _parameters(wanted, everything=everything), PreCheckReply, deadline)

    def create(
        self, wanted: ImageFilter, *, deadline: float, on_the_way: OnTheWay, everything: bool = False
    ) -> Answer[RegistryTask]:
        """A new task for the images that the filter means."""
        return self._open(CREATE, _parameters(wanted, everything=everything), deadline, on_the_way)

    def sync_and_create(
        self, images: tuple[RegistryImage, ...], *, source_ip: str | None, deadline: float, on_the_way: OnTheWay
    ) -> Answer[RegistryTask]:
        """A new task for images that the service may not know yet."""
        if not images:
            raise ValueError("without an image there is nothing to scan")
        listed = json.dumps([dict(image.parts) for image in images], separators=(",", ":"), ensure_ascii=False)
        query = {"Images": listed, **({} if source_ip is None else {"SourceIp": source_ip})}
        return self._open(SYNC_AND_CREATE, query, deadline, on_the_way)

    def images(self, wanted: ImageFilter, *, deadline: float, everything: bool = False) -> Answer[ImageList]:
        """The images that the filter means, as the service lists them.

        The list takes one value of each name. Where several are named, it is asked for each of one name, and what the
        others do not allow is left out here; so is what the service lists beside.
        """
        _require_filter(wanted, everything=everything)
        one_each = {name: values[0] for name, values in wanted.named.items() if len(values) == 1}
        several = next(((name, values) for name, values in wanted.named.items() if len(values) > 1), None)
        if several is None:
            return self._listed(wanted, [one_each], (), deadline)
        name, values = several
        asked = dict.fromkeys(values)
        left = len(asked) - MOST_VALUES
        cut = (f"only {MOST_VALUES} of {len(asked)} values of {name} were asked for",) if left > 0 else ()
        return self._listed(wanted, [{name: each, **one_each} for each in list(asked)[:MOST_VALUES]], cut, deadline)

    def regions(self, *, deadline: float) -> Answer[Mapping[str, str]]:
        """The regions in which the service scans images: names by id."""
        return self._read(REGIONS, {"Lang": "en"}, RegionsReply, deadline)

    def _open(
        self, operation: str, query: Mapping[str, str], deadline: float, on_the_way: OnTheWay
    ) -> Answer[RegistryTask]:
        answer = self._create(operation, query, None, RegistryTaskReply, deadline=deadline, on_the_way=on_the_way)
        if answer.value.task_id is None:
            on_the_way(None)
        return answer

    def _listed(
        self, wanted: ImageFilter, asked: list[dict[str, str]], complaints: tuple[str, ...], deadline: float
    ) -> Answer[ImageList]:
        found: dict[str, ListedImage] = {}
        last: Answer[object] = Answer(None, None, None)

        def page(criteria: Mapping[str, str], number: int) -> Page:
            nonlocal last
            position = {"CurrentPage": str(number), "PageSize": str(PAGE_SIZE)}
            last = answer = self._read(IMAGE_INSTANCES, {**criteria, **position}, RegistryImagesReply, deadline)
            found.update((row.key, row.image) for row in answer.value.rows if wanted.allows(row.names))
            return Page(tuple(Row(row.key, ()) for row in answer.value.rows), answer.value.total)

        for values in asked:
            collected = collect(partial(page, by_criteria(values)))
            if not collected.complete:
                complaints += collected.complaints
        listed = ImageList(tuple(found.values()), not complaints, complaints)
        return Answer(listed, last.request_id, last.server_time)


def _parameters(wanted: ImageFilter, *, everything: bool) -> dict[str, str]:
    """`Digests`, `RepoIds` and so on, as comma lists; with `SourceIp`."""
    _require_filter(wanted, everything=everything)
    lists = {f"{name[0].upper()}{name[1:]}s": ",".join(values) for name, values in wanted.named.items()}
    return lists if wanted.source_ip is None else {**lists, "SourceIp": wanted.source_ip}


def _require_filter(wanted: ImageFilter, *, everything: bool) -> None:
    if wanted.is_empty and not everything:
        raise ValueError("an empty filter means every image of the account: that has to be said with everything=True")
