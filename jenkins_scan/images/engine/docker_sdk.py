"""The Docker SDK, without what an endpoint does not need.

The SDK imports paramiko wherever that is installed, for ssh:// engines alone, and with it two hundred modules: as much
as everything else that a run imports.
"""

import sys
import threading
from types import ModuleType

_SSH = "paramiko"
_importing = threading.Lock()
"""Images are looked for side by side."""


def docker_sdk(*, ssh: bool) -> ModuleType:
    """The module `docker`; only with `ssh` can it connect to ssh:// engines, if paramiko is installed."""
    with _importing:
        if not ssh and _SSH not in sys.modules:
            # To the SDK it is then as if it were not installed.
            sys.modules[_SSH] = None  # type: ignore[assignment]
            try:
                return _imported()
            finally:
                del sys.modules[_SSH]
        docker = _imported()
        if ssh and not hasattr(docker.api.client, "SSHHTTPAdapter"):
            _add_ssh(docker)
        return docker


def _imported() -> ModuleType:
    import docker
    import docker.errors
    import docker.tls

    return docker


def _add_ssh(docker: ModuleType) -> None:
    """What the SDK's own import does where paramiko is there."""
    try:
        from docker.transport.sshconn import SSHHTTPAdapter
    except ImportError:
        return
    docker.api.client.SSHHTTPAdapter = SSHHTTPAdapter
