"""Many images in one step, and a service that takes its time: what overlaps in the tool, and not in a script's loop."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from tests.bench.figures import Bench, Figure, Target, compared
from tests.bench.one_image import PEERS, tool_words
from tests.bench.processes import Command, Failed, environment, in_turns
from tests.bench.services import slow_sandbox, task_ids
from tests.support.docker_archives import archive, packed_image, tar_of
from tests.support.engines import running_dockerd

IMAGES: Final = 50
FEW: Final = 4
"""Images of the short run: it looks whether the row can be measured."""
LATENCY: Final = 0.05
"""Seconds that the service takes for each answer."""
MOST_JOBS: Final = 32
TARGET: Final = Target(0.15)
AGAIN: Final = "again"
DEFAULT, WIDE, LOOP = "jenkins-scan scan, default jobs", f"jenkins-scan scan --jobs {MOST_JOBS}", "official SDK's loop"


def many_images(bench: Bench) -> Iterator[Figure]:
    """50 images in one step with 50 ms of service latency, beside a loop over them with the official SDK."""
    count = FEW if bench.short else IMAGES
    row = f"{count} images, {LATENCY * 1000:.0f} ms of latency"
    if bench.short:
        bench.tell(f"{IMAGES} images in one step, {FEW} instead (--pairs 7)")
    references = [f"127.0.0.1:5000/bench/many:{number}" for number in range(count)]

    def prints_all(said: str) -> None:
        if len(task_ids(said)) != count:
            raise Failed(f"printed {len(task_ids(said))} task ids instead of {count}.")

    with running_dockerd(bench.folder / "engine") as engine, slow_sandbox(LATENCY) as service:
        layer = tar_of({"hello": b"hello"})
        images = [packed_image([name], [layer], config={"Labels": {"name": name}}) for name in references]
        engine.client().load_image(archive(*images))
        environ = environment(bench.folder, {"DOCKER_HOST": engine.host_url, **service.environ})
        scan = [*tool_words(), "scan", *references, "--endpoint", service.url]
        tool = Command(scan, environ, bench.folder, proof=prints_all)
        wide = replace(tool, words=[*scan, "--jobs", str(MOST_JOBS)])
        loop = replace(tool, words=[sys.executable, str(PEERS / "official_sdk.py"), service.url, *references])
        commands = {AGAIN: wide, WIDE: wide, LOOP: loop, DEFAULT: tool}
        costs = in_turns(commands, bench.rounds, warm=not bench.short)
        said = [cost.said for runs in costs.values() for cost in runs]
        service.require({task_id for text in said for task_id in task_ids(text)})
    for name in (DEFAULT, WIDE):
        yield from compared(row, name, LOOP, costs[name], costs[LOOP], {} if bench.short else {"wall": TARGET})
    yield from compared(row, WIDE, WIDE, costs[WIDE], costs[AGAIN], note="null: the same command")
