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
LATENCY: Final = 0.05
"""Seconds that the service takes for each answer."""
MOST_JOBS: Final = 32
TARGET: Final = Target(0.15)
DEFAULT, WIDE, LOOP = "jenkins-scan scan, default jobs", f"jenkins-scan scan --jobs {MOST_JOBS}", "official SDK's loop"


def many_images(bench: Bench) -> Iterator[Figure]:
    """50 images in one step with 50 ms of service latency, beside a loop over them with the official SDK."""
    references = [f"127.0.0.1:5000/bench/many:{number}" for number in range(IMAGES)]
    with running_dockerd(bench.folder / "engine") as engine, slow_sandbox(LATENCY) as service:
        layer = tar_of({"hello": b"hello"})
        images = [packed_image([name], [layer], config={"Labels": {"name": name}}) for name in references]
        engine.client().load_image(archive(*images))
        environ = environment(bench.folder, {"DOCKER_HOST": engine.host_url, **service.environ})
        scan = [*tool_words(), "scan", *references, "--endpoint", service.url]
        tool = Command(scan, environ, bench.folder, proof=_prints_all)
        wide = replace(tool, words=[*scan, "--jobs", str(MOST_JOBS)])
        loop = replace(tool, words=[sys.executable, str(PEERS / "official_sdk.py"), service.url, *references])
        commands = {DEFAULT: tool, WIDE: wide, LOOP: loop, "again": wide}
        costs = in_turns(commands, bench.rounds)
        said = [cost.said for runs in costs.values() for cost in runs]
        service.require({task_id for text in said for task_id in task_ids(text)})
    for name in (DEFAULT, WIDE):
        yield from compared("50 images", name, LOOP, costs[name], costs[LOOP], {"wall": TARGET})
    yield from compared("50 images", WIDE, WIDE, costs[WIDE], costs["again"], note="null: the same command")


def _prints_all(said: str) -> None:
    found = len(task_ids(said))
    if found != IMAGES:
        raise Failed(f"printed {found} task ids instead of {IMAGES}.")
