"""The local analysis of images in archives: how fast, and whether memory grows with the image."""

import shutil
from collections.abc import Iterator, Sequence
from typing import Final

from tests.bench.archives import MB, write_archive
from tests.bench.figures import Bench, Figure, Spread, Target, compared, spread
from tests.bench.one_image import tool_words
from tests.bench.processes import Command, Cost, Failed, environment, in_turns

ROW: Final = "local analysis"
CHECK, LIST, READ, HASH = "jenkins-scan check", "tar t", "tar t of each layer", "sha256sum"
FLAT: Final = Target(1.10)
"""Of memory: the peak of a larger image beside that of the smallest."""
SIZES: Final = (50, 500)
SMALL: Final = 10
"""MB of the short run: it looks whether the row can be measured."""
LONG: Final = 2048
NOTES: Final = {
    LIST: "it lists the layers and skips what is in them",
    READ: "every byte is read, none is looked at",
    HASH: "every byte is hashed; the tool does that on the way",
}
FOUND: Final = frozenset({0, 10, 11})
"""Exit codes of a check that came to its end."""


def analysis(bench: Bench) -> Iterator[Figure]:
    """The local analysis of archives of 50 MB, 500 MB and (with --long) 2 GB, beside `tar t` of the same archive."""
    peaks: dict[str, Spread] = {}
    for size in _sizes(bench):
        archive = write_archive(bench.folder / "image.tar", size * MB)
        environ, real = environment(bench.folder), archive.stat().st_size / MB
        read = f"tar -xOf {archive} --wildcards '*.tar' | tar -tif -"
        words = {
            CHECK: [*tool_words(), "check", f"docker-archive://{archive}"],
            LIST: ["tar", "-tf", str(archive)],
            READ: ["bash", "-o", "pipefail", "-c", read],
            HASH: ["sha256sum", str(archive)],
        }
        commands = {name: Command(each, environ, bench.folder) for name, each in words.items()}
        commands[CHECK] = Command(words[CHECK], environ, bench.folder, _looked_into, FOUND)
        costs = in_turns(commands, bench.rounds, warm=not bench.short)
        archive.unlink()
        name = f"{size} MB" if size < LONG else f"{size // 1024} GB"
        yield _speed(name, costs[CHECK], costs[READ], real)
        for peer in (LIST, READ, HASH):
            yield from compared(
                ROW, f"{CHECK}, {name}", peer, costs[CHECK], costs[peer], note=NOTES[peer], measures=("wall", "cpu")
            )
        peaks[name] = spread(costs[CHECK], "memory")
    first, *others = peaks
    for name in others or [first]:
        note = "flat: memory does not grow with the image" if others else "the same image: no growth to be seen"
        grown = peaks[name].median / peaks[first].median
        note = note if grown <= FLAT.most else "memory grows with the image"
        yield Figure(
            ROW, f"{CHECK}, {name}", f"{first}", "memory", "MB", peaks[name], peaks[first], FLAT, note, in_pairs=False
        )


def _sizes(bench: Bench) -> Sequence[int]:
    if bench.short:
        bench.tell(f"local analysis of {', '.join(f'{size} MB' for size in SIZES)} (--pairs 7), and of 2 GB (--long)")
        return (SMALL,)
    if not bench.long:
        bench.tell("local analysis of 2 GB (--long)")
        return SIZES
    if shutil.disk_usage(bench.folder).free < 3 * LONG * MB:
        bench.tell(f"local analysis of 2 GB: {bench.folder} has less than {3 * LONG // 1024} GB left")
        return SIZES
    return (*SIZES, LONG)


def _speed(name: str, mine: Sequence[Cost], its: Sequence[Cost], size: float) -> Figure:
    values = (Spread(tuple(size / cost.wall for cost in costs)) for costs in (mine, its))
    return Figure(ROW, f"{CHECK}, {name}", READ, "speed", "MB/s", *values)


def _looked_into(said: str) -> None:
    if "were looked into" not in said:
        raise Failed("did not say that it looked into the image.")
