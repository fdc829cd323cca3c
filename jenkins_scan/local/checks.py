"""What the local analysis looks for: each check with its id, its severity, and what to do about it."""

from dataclasses import dataclass
from typing import Final

from jenkins_scan.findings import Kind, Severity

SOURCE: Final = "local"
"""The source of all findings made here."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that is looked for. Its id is what policies and waivers name; it never changes."""

    id: str
    kind: Kind
    severity: Severity
    fix: str


def _risk(name: str, severity: Severity, fix: str) -> Check:
    return Check(f"local/{name}", Kind.BUILD_RISK, severity, fix)


def _file(name: str, severity: Severity, fix: str) -> Check:
    return Check(f"local/{name}", Kind.SENSITIVE_FILE, severity, fix)


_ROTATE: Final = "Revoke it: whoever has the image has it, also where a later layer deletes it. "
_MOUNT: Final = "Give secrets to a build with RUN --mount=type=secret, and to a container when it starts."
_SECRET: Final = _ROTATE + _MOUNT
_SHIPPED: Final = _ROTATE + "Keep the file out of the build with .dockerignore, or mount it as a secret."

RUNS_AS_ROOT: Final = _risk(
    "runs-as-root", Severity.MEDIUM, "Name a user of your own: USER 10001. What breaks out of it is then not root."
)
SECRET_IN_ENV: Final = _risk("secret-in-env", Severity.HIGH, _SECRET)
SECRET_IN_ARG: Final = _risk("secret-in-arg", Severity.HIGH, _SECRET)
SECRET_IN_HISTORY: Final = _risk("secret-in-history", Severity.HIGH, _SECRET)
SECRET_IN_CONFIG: Final = _risk("secret-in-config", Severity.HIGH, _SECRET)
DEFAULT_PASSWORD: Final = _risk(
    "default-password", Severity.MEDIUM, "Have no default: let the container stop when its password is not given."
)
ADD_FROM_URL: Final = _risk(
    "add-from-url", Severity.MEDIUM, "Name what it has to be: ADD --checksum=sha256:…, or check it in the RUN line."
)
PIPED_TO_SHELL: Final = _risk(
    "piped-to-shell", Severity.MEDIUM, "Download a named version, compare its checksum, and run it then."
)
NO_HEALTHCHECK: Final = _risk(
    "no-healthcheck", Severity.LOW, "Add a HEALTHCHECK, or accept this where an orchestrator has probes of its own."
)
SSH_EXPOSED: Final = _risk(
    "ssh-exposed", Severity.MEDIUM, "Run no sshd in the image: `docker exec` or the orchestrator gives a shell."
)
SETUID_SET: Final = _risk(
    "setuid-set", Severity.MEDIUM, "Leave the bit away; give the one capability that is needed instead."
)
SETUID_FILE: Final = _risk(
    "setuid-file", Severity.MEDIUM, "Take the bit away (chmod a-s) in the layer that brings the file."
)
SETGID_FILE: Final = _risk(
    "setgid-file", Severity.LOW, "Take the bit away (chmod a-s) in the layer that brings the file."
)
PACKAGE_CACHE: Final = _risk(
    "package-cache", Severity.LOW, "Remove it in the RUN line that fills it, or keep it out: RUN --mount=type=cache."
)
UNPINNED_INSTALL: Final = _risk(
    "unpinned-install", Severity.LOW, "Name versions, or the next build may hold something else."
)

PRIVATE_KEY: Final = _file("private-key", Severity.HIGH, _SHIPPED)
CLOUD_CREDENTIALS: Final = _file("cloud-credentials", Severity.HIGH, _SHIPPED)
REGISTRY_CREDENTIALS: Final = _file("registry-credentials", Severity.HIGH, _SHIPPED)
PACKAGE_CREDENTIALS: Final = _file("package-credentials", Severity.HIGH, _SHIPPED)
LOGIN_CREDENTIALS: Final = _file("login-credentials", Severity.HIGH, _SHIPPED)
KUBECONFIG: Final = _file("kubeconfig", Severity.HIGH, _SHIPPED)
ENV_FILE: Final = _file("env-file", Severity.HIGH, _SHIPPED)
PASSWORD_STORE: Final = _file("password-store", Severity.HIGH, _SHIPPED)
TOKEN: Final = _file("token", Severity.HIGH, _SHIPPED)
WEB_TOKEN: Final = _file("web-token", Severity.MEDIUM, _SHIPPED)
KEY_STORE: Final = _file("key-store", Severity.MEDIUM, _SHIPPED)
GIT_FOLDER: Final = _file(
    "git-folder",
    Severity.MEDIUM,
    "Name .git in .dockerignore: it holds all that was ever committed, also what was removed.",
)

CHECKS: Final = tuple(value for value in tuple(globals().values()) if isinstance(value, Check))
"""All of them, build risks first."""
KINDS: Final = frozenset(check.kind for check in CHECKS)
"""The kinds of findings that the local analysis looks for; all others are the service's alone."""
