"""What an installation takes: packages and their size on disk, in fresh virtual environments from the lock files."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from tests.bench.figures import Bench, Figure, Spread
from tests.bench.processes import Failed
from tests.bench.services import ROOT

SDK: Final = "alibabacloud-sas20181203"
LOCK: Final = "requirements-dev.lock"
PIP: Final = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")
INSTALLERS: Final = frozenset({"pip", "setuptools", "wheel", "flit-core", "flit_core"})
"""Not counted: what installs the others, and what builds the tool from its source."""
FROM_SOURCE: Final = ("--no-deps", "--no-build-isolation")
COUNT: Final = """
import importlib.metadata, json, os
def size(each):
    return sum(os.path.getsize(path) for path in map(each.locate_file, each.files or ()) if path.exists())
print(json.dumps({each.metadata["Name"]: size(each) for each in importlib.metadata.distributions()}))
"""


def install(bench: Bench) -> Iterator[Figure]:
    """Packages and MB of the base install, beside the official SDK, alone and with the docker SDK; asks the index."""
    if bench.short:
        bench.tell("install size (--pairs 7)")
        return
    tool = _installed(bench.folder / "tool", [["--require-hashes", "-r", "requirements.lock"], [*FROM_SOURCE, "."]])
    constraints = bench.folder / "constraints.txt"
    constraints.write_text("\n".join(_pins()), encoding="utf-8")
    sdk = _installed(bench.folder / "sdk", [["-c", str(constraints), SDK]])
    both = _installed(bench.folder / "both", [["-c", str(constraints), SDK, "docker"]])
    for name, peer in ((f"{SDK} alone", sdk), (f"{SDK} and docker", both)):
        yield _figure(name, "packages", "", tool, peer, len)
        yield _figure(name, "size", "MB", tool, peer, lambda sizes: sum(sizes.values()) / 1024**2)


def _pins() -> list[str]:
    """The versions of the lock file. Not its hashes: with them pip wants those of what is asked for, too."""
    return re.findall(r"^[\w.-]+==[^\s;\\]+", (ROOT / LOCK).read_text(encoding="utf-8"), re.MULTILINE)


def _installed(folder: Path, steps: Sequence[Sequence[str]]) -> Mapping[str, int]:
    """Bytes of each package, compiled modules included. Raises `Failed`."""
    _run([sys.executable, "-m", "venv", str(folder)])
    python = str(folder / "bin" / "python")
    for step in steps:
        _run([python, *PIP, *step])
    sizes: dict[str, int] = json.loads(_run([python, "-c", COUNT]))
    return {name: size for name, size in sizes.items() if name.lower() not in INSTALLERS}


def _run(words: Sequence[str]) -> str:
    """With the settings of whoever runs the bench: they say where the index is."""
    ran = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)
    if ran.returncode != 0:
        raise Failed(f"{' '.join(words)}\nfailed:\n{ran.stderr[-2000:]}")
    return ran.stdout


def _figure(peer: str, measure: str, unit: str, mine: Mapping[str, int], its: Mapping[str, int], of) -> Figure:
    values = (Spread((float(of(sizes)),)) for sizes in (mine, its))
    return Figure("install", "jenkins-scan", peer, measure, unit, *values, in_pairs=False)
