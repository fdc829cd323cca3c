"""One collector of everything that leaves the tool while tests run, and the search for their secrets in all of it.

What it looks at: what any capture or any test read of stdout and stderr, the files that a run wrote, the log records of
every level, the command lines of children, and the addresses that servers were asked for. A file is the run's own if it
appeared or changed between the run's start and its end; what stood there before was put there by the test.

Two things are no leaks: the line in which `sandbox serve` says which keys open it, and what a child answers to the
tool.
"""

import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote

from jenkins_scan import sandbox
from jenkins_scan.security_center.variables import PROXY_VARIABLES
from tests.support import canned_registry
from tests.support.canaries import CANARIES, forms

KEYS = tuple(name for name in CANARIES if name.startswith("ALIBABA_CLOUD_"))
OWN = {
    "the sandbox's AccessKey secret": sandbox.ACCESS_KEY_SECRET,
    "the sandbox's STS secret": sandbox.STS_ACCESS_KEY_SECRET,
    "the sandbox's STS token": sandbox.STS_SECURITY_TOKEN,
    "the sandbox's CI/CD token": sandbox.TOKEN,
    "a secret that was found": sandbox.SECRET_TEXT,
    "the way to a malicious file": sandbox.SAMPLE_URL,
    "the registry's password": canned_registry.PASSWORD,
}
"""What the stand-ins of the tests hold, by what it is."""
PUBLIC = frozenset({sandbox.ACCESS_KEY_ID, sandbox.STS_ACCESS_KEY_ID, sandbox.INACTIVE_ACCESS_KEY_ID})
"""The stand-in's key ids are words, and it notes by them which nonces were used; that ids are hidden, canaries show."""
WITH_USER_INFO = (*PROXY_VARIABLES, *map(str.lower, PROXY_VARIABLES), "DOCKER_HOST", "JENKINS_URL", "CONTAINER_HOST")
SHORTEST = 6
"""Characters; the tool hides nothing shorter."""
LARGEST_SECRET = 1024 * 1024
MOST_KEPT = 64 * 1024 * 1024
"""Characters that wait to be searched."""
LARGEST_FILE = 64 * 1024 * 1024
BETWEEN_SAMPLES = 0.02
Snapshot = dict[str, tuple[int, int, int]]


@cache
def needles(secrets: frozenset[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """The forms to look for, each with the name of its secret: a form that holds another one is not needed."""
    every = {form: name for name, secret in secrets for form in forms(secret) if len(form) >= SHORTEST}
    return tuple((form, every[form]) for form in every if not any(o != form and o in form for o in every))


def secrets_of(environ: Mapping[str, str]) -> dict[str, str]:
    """The secrets in these surroundings, by variable: values, files that hold them, user info of addresses."""
    found = {name: environ.get(name, "").strip() for name in (*CANARIES, "JENKINS_API_TOKEN")}
    for name in CANARIES:
        path = Path(environ.get(f"{name}_FILE", ""))
        with suppress(OSError, ValueError):
            if path.is_file() and path.stat().st_size < LARGEST_SECRET:  # a pipe is for the tool alone to read
                found[f"{name}_FILE"] = path.read_text("utf-8", "replace").strip()
    for name in WITH_USER_INFO:
        user_info = environ.get(name, "").rpartition("@")[0].rpartition("//")[2]
        password = user_info.partition(":")[2]
        found |= {f"password in {name}": password, f"decoded password in {name}": unquote(password)}
    return {name: secret for name, secret in found.items() if len(secret) >= SHORTEST and secret not in PUBLIC}


def with_canaries(environ: Mapping[str, str]) -> dict[str, str]:
    """The surroundings with canaries where they say nothing: all keys or none, as a pair belongs together."""
    silent = [
        name
        for group in (KEYS, ("JENKINS_SCAN_TOKEN",))
        if not any(said in environ for name in group for said in (name, f"{name}_FILE"))
        for name in group
    ]
    return {**environ, **{name: CANARIES[name] for name in silent}}


class Collector:
    """What left the tool, and what of it is secret."""

    def __init__(self) -> None:
        self.begin(None)

    def begin(self, folder: Path | None, *, bare: bool = False) -> None:
        """A new test, whose folder this is; `bare` means that it is about missing credentials and gets none."""
        self.folder, self.bare = folder, bare
        self.secrets: dict[str, str] = {**OWN, **CANARIES}
        self.places: dict[tuple[str, str], None] = {}
        self.found: list[str] = []
        self._kept = 0
        self._running: list[threading.Thread] = []
        self._over = threading.Event()

    def pardon(self, *secrets: str) -> None:
        """Secrets that are words of ours: a report must show the word, and nobody can tell one from the other."""
        self.pardoned = secrets
        self.secrets = {name: secret for name, secret in self.secrets.items() if secret not in secrets}

    pardoned: Sequence[str] = ()

    def learn(self, environ: Mapping[str, str]) -> None:
        """Look for the secrets of these surroundings too."""
        known = secrets_of(environ)
        self.secrets |= {
            f"{name} of a run ({secret[:2]}...)": secret
            for name, secret in known.items()
            if secret not in self.pardoned and secret not in self.secrets.values()
        }

    def saw(self, place: str, text: str | bytes | None) -> None:
        """Something that left the tool."""
        if text:
            self.places[place, text.decode("latin-1") if isinstance(text, bytes) else text] = None
            self._kept += len(text)
            if self._kept > MOST_KEPT:  # a test of thousands of runs: what they said is not kept to its end
                self._search_places()

    def leaks(self) -> list[str]:
        """Each secret that was seen, with the place; the search of a test that has ended."""
        self._over.set()
        for sampler in self._running:
            sampler.join(5)
        self._search_places()
        return list(dict.fromkeys(self.found))

    def _search_places(self) -> None:
        places, self.places, self._kept = self.places, {}, 0
        for place, text in list(places):
            self._search(place, _without_ready_lines(text))

    def _search(self, place: str, text: str) -> None:
        for form, name in needles(frozenset(self.secrets.items())):
            at = text.find(form)
            if at >= 0:
                self.found.append(f"{name} is in {place}: {text[max(0, at - 60) : at + len(form) + 20]!r}")

    def snapshot(self, *more: str | os.PathLike[str] | None) -> Snapshot:
        """The regular files of the test's folder, and of these, as they are."""
        roots = {str(Path(root).resolve()) for root in (self.folder, *more) if root is not None}
        return {path: state for root in roots if _is_temporary(root) for path, state in _files(root)}

    @contextmanager
    def run(self) -> Iterator[None]:
        """A run of the tool in this process: with canaries, and with an eye on its files."""
        before, environ = self.snapshot(Path.cwd()), dict(os.environ)
        if not self.bare:
            os.environ.update(with_canaries(environ))
        self.learn(os.environ)
        try:
            yield
        finally:
            for name in os.environ.keys() - environ.keys():
                del os.environ[name]
            self.has_written(before, Path.cwd())

    def has_written(self, before: Snapshot, *more: str | os.PathLike[str] | None) -> None:
        """Searches the files that are not as they were."""
        for path, state in self.snapshot(*more).items():
            if before.get(path) != state and state[1] <= LARGEST_FILE:
                with suppress(OSError):
                    self._search(f"the file {path}", f"{path}\n{Path(path).read_bytes().decode('latin-1')}")

    def watch_children(self, process: subprocess.Popen[Any]) -> None:
        """Samples the command lines of all that this process starts, until it or the test ends."""
        over = self._over

        def sample() -> None:
            while process.returncode is None and not over.is_set():
                for pid in _descendants(process.pid):
                    with suppress(OSError):
                        self.saw("the command line of a child", Path(f"/proc/{pid}/cmdline").read_bytes())
                over.wait(BETWEEN_SAMPLES)

        sampler = threading.Thread(target=sample, daemon=True)
        self._running.append(sampler)
        sampler.start()


def is_tool(command: Any) -> bool:
    """Whether the command line starts the tool."""
    words = [command] if isinstance(command, str | bytes | os.PathLike) else list(command)
    return any("jenkins_scan" in word or "jenkins-scan" in Path(word).name for word in map(os.fsdecode, words))


def by_the_tool() -> bool:
    """Whether the package is among the callers."""
    frame = sys._getframe(1)
    while frame is not None:
        if str(frame.f_globals.get("__name__", "")).partition(".")[0] == "jenkins_scan":
            return True
        frame = frame.f_back
    return False


class Tee:
    """A stream of a child; what is read from it is seen."""

    def __init__(self, stream: Any, collector: Collector) -> None:
        self._stream, self._collector = stream, collector

    def __getattr__(self, name: str) -> Any:
        read = getattr(self._stream, name)
        if name not in ("read", "readline", "readlines", "read1"):
            return read

        def seen(*arguments: Any) -> Any:
            text = read(*arguments)
            for each in text if isinstance(text, list) else [text]:
                self._collector.saw("what a child said", each)
            return text

        return seen

    def __iter__(self) -> Iterator[Any]:
        return iter(self.readline, type(self._stream.readline(0))())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *ended: object) -> None:
        self._stream.close()


def popen_seen_by(  # noqa: C901  a class with a few short methods
    collector: Collector,
) -> type[subprocess.Popen[Any]]:
    """`subprocess.Popen` whose children `collector` sees."""

    class Popen(subprocess.Popen[Any]):
        _before: Snapshot | None = None
        _cwd: Any = None
        _heard = False

        def __init__(self, args: Any, *others: Any, **named: Any) -> None:
            if by_the_tool():
                words = [args] if isinstance(args, str | bytes) else [os.fsdecode(word) for word in args]
                collector.saw("the command line of a child", "\0".join(map(os.fsdecode, words)))
                super().__init__(args, *others, **named)
                return
            self._heard = True
            if is_tool(args):
                environ = dict(os.environ if named.get("env") is None else named["env"])
                named["env"] = environ if collector.bare else with_canaries(environ)
                collector.learn(named["env"])
                self._cwd = named.get("cwd")
                self._before = collector.snapshot(self._cwd)
            super().__init__(args, *others, **named)
            self.stdout, self.stderr = (stream and Tee(stream, collector) for stream in (self.stdout, self.stderr))
            if self._before is not None:
                collector.watch_children(self)

        def communicate(self, *arguments: Any, **named: Any) -> tuple[Any, Any]:
            said = super().communicate(*arguments, **named)
            for each in said if self._heard else ():
                collector.saw("what a child said", each)
            return said

        def wait(self, timeout: float | None = None) -> int:
            code = super().wait(timeout)
            self._ended()
            return code

        def poll(self) -> int | None:
            code = super().poll()
            if code is not None:
                self._ended()
            return code

        def _ended(self) -> None:
            before, self._before = self._before, None
            if before is not None:
                collector.has_written(before, self._cwd)

    return Popen


def _without_ready_lines(text: str) -> str:
    if '"access_key_secret"' not in text:
        return text
    return "\n".join(line for line in text.splitlines() if not line.startswith('{"url": "http://'))


def _is_temporary(root: str) -> bool:
    return len(Path(root).parts) > 2 and not (Path(root) / "pyproject.toml").exists()


def _files(folder: str) -> Iterator[tuple[str, tuple[int, int, int]]]:
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(OSError):
                if entry.is_dir(follow_symlinks=False):
                    yield from _files(entry.path)
                    continue
                state = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(state.st_mode):
                    yield entry.path, (state.st_ino, state.st_size, state.st_mtime_ns)


def _descendants(pid: int) -> Iterator[int]:
    with suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with suppress(OSError):
                for child in (thread / "children").read_text().split():
                    yield int(child)
                    yield from _descendants(int(child))
