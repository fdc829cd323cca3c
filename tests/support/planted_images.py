"""Two images for a real engine: one in which things are planted that must not be pushed, and its clean twin."""

import io
import subprocess
import tarfile
from pathlib import Path

import docker

from tests.support.docker_archives import tar_of

KEY = b"-----BEGIN OPENSSH PRIVATE KEY-----\n" + b"b3BlbnNzaC1rZXktdjEAAAAABG5vbmU" * 8 + b"\n"
KEY += b"-----END OPENSSH PRIVATE KEY-----\n"
AWS_KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCY3xampl3K3Y"
PLANTED = b"""FROM scratch
ADD tools.tar /
COPY id_rsa /app/id_rsa
COPY repository/ /src/.git/
RUN ["/bin/rm", "/app/id_rsa"]
ENV AWS_SECRET_ACCESS_KEY=%b
""" % AWS_KEY.encode()
CLEAN = b"""FROM scratch
COPY app /app/server
USER 10001
HEALTHCHECK CMD ["/app/server", "--health"]
"""
LAYERS = 4
FOUND = frozenset(
    f"local/{name}" for name in ("private-key", "git-folder", "secret-in-env", "runs-as-root", "no-healthcheck")
)
"""The ids of what is planted."""


def tools() -> bytes:
    """A tar with `rm` of this machine and the libraries it needs."""
    linked = subprocess.run(["ldd", "/bin/rm"], capture_output=True, text=True, check=True).stdout
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as tar:
        for path in ["/bin/rm", *(word for word in linked.split() if word.startswith("/"))]:
            content = Path(path).read_bytes()
            member = tarfile.TarInfo(path.lstrip("/"))
            member.size, member.mode = len(content), 0o755
            tar.addfile(member, io.BytesIO(content))
    return target.getvalue()


def build(client: docker.APIClient, tag: str, dockerfile: bytes, **files: bytes) -> None:
    """Builds an image; nothing is fetched for it."""
    context = tar_of({"Dockerfile": dockerfile, **files})
    answers = list(
        client.build(
            fileobj=io.BytesIO(context), custom_context=True, tag=tag, rm=True, decode=True, network_mode="none"
        )
    )
    assert [answer["error"] for answer in answers if "error" in answer] == []


def build_planted(client: docker.APIClient, tag: str) -> None:
    """A private key that a later layer deletes, a `.git` folder, and an AWS key in ENV."""
    repository = {"repository/HEAD": b"ref: refs/heads/main\n", "repository/config": b"[core]\n"}
    build(client, tag, PLANTED, **{"tools.tar": tools(), "id_rsa": KEY, **repository})


def build_clean(client: docker.APIClient, tag: str) -> None:
    """One file, a user, and a health check."""
    build(client, tag, CLEAN, app=b"\x7fELF" + bytes(1000))
