"""The same work for every image of a run, side by side, with each one's trouble noted where it belongs."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from jenkins_scan.side_by_side import SideBySide
from jenkins_scan.step.record import ImageRun, Run

Item = TypeVar("Item")


def each_image(  # noqa: PLR0913  each is one thing that differs
    run: Run,
    items: Sequence[Item],
    do: Callable[[Item], None],
    *,
    image_of: Callable[[Item], ImageRun],
    jobs: int,
    halt: Callable[[], None] = lambda: None,
    grace: float = 0.0,
) -> None:
    """Does it for each; what goes wrong is noted with the item's image, and takes no other along.

    On a signal nothing further is begun, `halt` is called, and what is under way gets `grace` seconds; then the record
    is frozen, and the signal raised on.
    """
    work = SideBySide(lambda item: image_of(item).attempt(lambda: do(item)), items, jobs=jobs)
    try:
        work.finish()
    except BaseException:
        halt()
        work.dismiss(grace)
        run.freeze()
        raise
