"""Why there is no ssh connection to an engine: paramiko's errors by their names, as it is not always installed."""

from typing import Final

from jenkins_scan.errors import EngineUnreachable
from jenkins_scan.images.engine.endpoint import EngineEndpoint
from jenkins_scan.plain_text import one_line

DIAL: Final = "Check that `ssh HOST docker system dial-stdio` works for this user."
_BY_NAME: Final = {
    "BadHostKeyException": (
        "it shows another host key than ~/.ssh/known_hosts has for it",
        "Somebody may listen in between. Only if the host was set up anew: replace its key in ~/.ssh/known_hosts.",
    ),
    "AuthenticationException": (
        "it accepts none of this user's keys",
        "Add the public key to ~/.ssh/authorized_keys there; only an agent and ~/.ssh/id_* are used, never a password.",
    ),
    "PasswordRequiredException": (
        "the key is encrypted, and nobody can be asked for its password",
        "Load the key into an ssh agent (`sshagent` in a Jenkinsfile).",
    ),
    "NoValidConnectionsError": (
        "nobody accepts the connection",
        "Check host and port, and that sshd runs there.",
    ),
}


def explain_ssh(exc: BaseException, endpoint: EngineEndpoint) -> EngineUnreachable | None:
    """The error (13) for `exc`, if it is one of paramiko's; None for all others."""
    kinds = _kinds(exc)
    if not kinds:
        return None
    what, remedy = next((_BY_NAME[kind.__name__] for kind in kinds if kind.__name__ in _BY_NAME), ("", ""))
    if not what and "known_hosts" in str(exc):  # the policy for unknown keys has no error class of its own
        what = "its host key is not in ~/.ssh/known_hosts"
        remedy = "Fetch it with `ssh-keyscan`, compare the fingerprint with the host's own, and add it there."
    return EngineUnreachable(
        f"No ssh connection for the engine at {endpoint}: {what or one_line(str(exc), 200) or kinds[0].__name__}.",
        remedy=remedy or f"{DIAL} It takes Docker's command line there, and a key that needs no password.",
    )


def is_ssh_error(exc: BaseException) -> bool:
    """Whether `exc` is one of paramiko's."""
    return bool(_kinds(exc))


def _kinds(exc: BaseException) -> list[type]:
    return [kind for kind in type(exc).__mro__ if kind.__module__.startswith("paramiko.")]
