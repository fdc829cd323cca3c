"""Docker's credential helpers: `docker-credential-NAME get`, with the server on stdin and JSON on stdout.

Source: the README of docker/docker-credential-helpers. The Docker SDK has a client for them too; it has no time limit,
reads without a bound, and finds a helper in a relative folder of PATH, which would be the workspace.
"""

import atexit
import os
import re
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final, cast

from jenkins_scan import untrusted_json
from jenkins_scan.errors import RegistryRefused

LONGEST_SECONDS: Final = 30.0
LARGEST_ANSWER: Final = 256 * 1024
TOKEN_USER: Final = "<token>"  # noqa: S105  a name in the protocol: the secret is an identity token, no password
_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,100}")
_NOT_FOUND: Final = b"credentials not found"
"""What every helper answers for a server that it does not know (`ErrCredentialsNotFound`)."""
_CHUNK: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class HelperLogin:
    """What a helper knows about a server."""

    username: str
    secret: str = field(repr=False)


def ask_helper(
    name: str, server: str, environ: Mapping[str, str], *, longest: float = LONGEST_SECONDS
) -> HelperLogin | None:
    """What `docker-credential-NAME` has for `server`; None when it has nothing.

    Raises `errors.RegistryRefused` (13) for a helper that is missing, fails, or does not answer within `longest`
    seconds. What a helper wrote is never shown: it may hold the secret.
    """
    program = _find(name, environ)
    try:
        # In a session of its own a helper cannot ask for a password on this terminal, and ends with its children.
        started = subprocess.Popen(  # noqa: S603  the user's own program, by its absolute path and without a shell
            [program, "get"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=dict(environ),
            start_new_session=True,
        )
    except OSError as exc:
        raise _failed(name, f"it cannot be started: {exc.strerror}") from exc

    def end() -> None:
        if started.returncode is None:
            os.killpg(started.pid, signal.SIGKILL)  # not yet waited for, so that the number is still its own

    atexit.register(end)  # an aborted run does not wait for this thread, and must leave no helper behind
    with started as process:
        try:
            output = _converse(process, server, time.monotonic() + longest)
        except (OSError, TimeoutError, subprocess.TimeoutExpired) as exc:
            raise _failed(name, f"it did not answer within {longest:g} s, or too much") from exc
        finally:
            end()
            atexit.unregister(end)
    if process.returncode == 0:
        return _parse(name, output)
    if _NOT_FOUND in output.lower():
        return None
    raise _failed(name, f"it ended with {process.returncode}")


def _find(name: str, environ: Mapping[str, str]) -> Path:
    if not _NAME.fullmatch(name):
        raise _failed(name, "this is no name of a helper")
    for folder in environ.get("PATH", "").split(os.pathsep):
        program = Path(folder, f"docker-credential-{name}")
        if program.is_absolute() and program.is_file() and os.access(program, os.X_OK):
            return program
    raise _failed(name, "it is not in an absolute folder of PATH")


def _converse(process: "subprocess.Popen[bytes]", server: str, deadline: float) -> bytes:
    stdin, stdout = (cast("IO[bytes]", stream) for stream in (process.stdin, process.stdout))  # both were asked for
    with suppress(BrokenPipeError), stdin:  # a helper need not read what it does not need
        stdin.write(server.encode())
    output = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(stdout, selectors.EVENT_READ)
        while selector.select(max(0.0, deadline - time.monotonic())):
            part = os.read(stdout.fileno(), _CHUNK)
            output += part
            if not part or len(output) > LARGEST_ANSWER:
                break
        else:
            raise TimeoutError
    if len(output) > LARGEST_ANSWER:
        raise OSError
    process.wait(max(0.0, deadline - time.monotonic()))
    return bytes(output)


def _parse(name: str, output: bytes) -> HelperLogin | None:
    try:
        body: Any = untrusted_json.parse(output)
    except ValueError as exc:
        raise _failed(name, "its answer is not JSON") from exc
    username, secret = (body.get(key) for key in ("Username", "Secret")) if isinstance(body, dict) else (None, None)
    if not isinstance(username, str) or not isinstance(secret, str):
        raise _failed(name, "its answer lacks Username or Secret")
    return HelperLogin(username, secret) if secret else None


def _failed(name: str, why: str) -> RegistryRefused:
    return RegistryRefused(
        f"The credential helper docker-credential-{name[:100]!a} gave no credentials: {why}.",
        remedy="Repair it, or take it out of credHelpers and credsStore in config.json and `docker login` anew.",
    )
