"""Asks whether a dependency in the lock files has a known vulnerability: `python scripts/audit.py` (`make audit`).

pip-audit runs in a virtual environment of its own in build/audit, from a lock file with hashes, and asks the package
index. Ends with 0 if nothing is known, with 1 if something is, and with 2 if the audit itself is broken. Where no
database can be reached within a minute it says so, in a line that starts with NOT AUDITED, and ends with 0.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ("requirements-extras.lock", "requirements-dev.lock", "requirements-audit.lock")
"""requirements.lock is part of the first one; `tests/architecture` holds that."""
OWN_LOCK = ROOT / "requirements-audit.lock"
ENVIRONMENT = ROOT / "build" / "audit"
LONGEST_SECONDS = 60.0
UNREACHABLE = ("ConnectionError", "Could not connect", "Max retries exceeded", "timed out", "ServiceError", "HTTPError")
"""What pip and pip-audit say of an index that does not answer."""


class NoDatabase(Exception):
    """Nothing could be learned; the text says why."""


class Broken(Exception):
    """The audit itself failed; the text says how."""


@dataclass(frozen=True)
class Audited:
    """What the database said of the dependencies of the lock files."""

    known: tuple[str, ...]
    """How many were found there, as `name version`."""
    unknown: tuple[str, ...]
    """Names of which it knows nothing."""
    vulnerable: tuple[str, ...]
    """A line for each vulnerability."""


Run = Callable[[Sequence[str], float], "subprocess.CompletedProcess[str]"]
"""Runs a command within some seconds; raises `subprocess.TimeoutExpired`."""


def run(command: Sequence[str], seconds: float) -> "subprocess.CompletedProcess[str]":
    """The command, run with no input."""
    return subprocess.run(  # noqa: S603  our own interpreter
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
        cwd=ROOT,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )


def install(run: Run, left: Callable[[], float], environment: Path = ENVIRONMENT) -> str:
    """The interpreter that has pip-audit. Raises `NoDatabase` and `Broken`."""
    python, made = environment / "bin" / "python", environment / ".made"
    lock = OWN_LOCK.read_text(encoding="utf-8")
    if made.is_file() and made.read_text(encoding="utf-8") == lock:
        return str(python)
    install = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(python),
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]
    for command in (
        [sys.executable, "-m", "venv", "--clear", "--without-pip", str(environment)],
        [*install, "--no-compile", "--retries", "1", "--timeout", "10", "--require-hashes", "-r", str(OWN_LOCK)],
    ):
        done = run(command, left())
        if done.returncode:
            last = (done.stderr.strip() or "no word").splitlines()[-1]
            reached = any(word in done.stderr for word in (*UNREACHABLE, "No matching distribution"))
            raise (NoDatabase if reached else Broken)(f"pip-audit could not be installed: {last[:300]}")
    made.write_text(lock, encoding="utf-8")
    return str(python)


def ask(python: str, run: Run, left: Callable[[], float]) -> Audited:
    """What pip-audit says of all lock files. Raises `NoDatabase` and `Broken`."""
    options = ["--disable-pip", "--require-hashes", "--format", "json", "--progress-spinner", "off", "--timeout", "10"]
    files = [word for lock in LOCKS for word in ("-r", lock)]
    done = run([python, "-m", "pip_audit", *options, "--vulnerability-service", "pypi", *files], left())
    try:
        return read(json.loads(done.stdout)["dependencies"])
    except (ValueError, LookupError, TypeError):
        last = (done.stderr.strip() or "no word").splitlines()[-1][:300]
        if any(word in done.stderr for word in UNREACHABLE):
            raise NoDatabase(f"the package index did not answer: {last}") from None
        raise Broken(f"pip-audit ended with {done.returncode}: {last}") from None


def read(dependencies: Sequence[dict[str, Any]]) -> Audited:
    """The audit, from pip-audit's own words."""
    asked = [each for each in dependencies if "skip_reason" not in each]
    return Audited(
        known=tuple(dict.fromkeys(f"{each['name']} {each['version']}" for each in asked)),
        unknown=tuple(dict.fromkeys(each["name"] for each in dependencies if "skip_reason" in each)),
        vulnerable=tuple(dict.fromkeys(line for each in asked for line in _vulnerabilities(each))),
    )


def _vulnerabilities(dependency: dict[str, Any]) -> Iterator[str]:
    for each in dependency["vulns"]:
        names = ", ".join([each["id"], *each.get("aliases", ())])
        fixed = " or ".join(each["fix_versions"]) or "no version yet"
        yield f"{dependency['name']} {dependency['version']}: {names}; mended in {fixed}"


def audit(run: Run, now: Callable[[], float] = time.monotonic, environment: Path = ENVIRONMENT) -> int:
    """The exit code; prints what was learned."""
    end = now() + LONGEST_SECONDS

    def left() -> float:
        return max(0.1, end - now())

    try:
        audited = ask(install(run, left, environment), run, left)
    except NoDatabase as why:
        print(f"NOT AUDITED: {why}")
        return 0
    except subprocess.TimeoutExpired:
        print(f"NOT AUDITED: no database answered within {LONGEST_SECONDS:.0f} s.")
        return 0
    except Broken as how:
        print(f"The audit is broken: {how}")
        return 2
    if not audited.known:
        print(f"NOT AUDITED: the package index has no vulnerability data for any of {len(audited.unknown)} packages.")
        return 0
    for line in audited.vulnerable:
        print(f"VULNERABLE: {line}")
    if audited.unknown:
        print(f"NOT AUDITED: the package index has no data for {', '.join(audited.unknown)}.")
    print(f"{len(audited.known)} packages were audited, {len(audited.vulnerable)} vulnerabilities are known.")
    return 1 if audited.vulnerable else 0


if __name__ == "__main__":
    sys.exit(audit(run))
