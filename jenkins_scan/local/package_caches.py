"""Where package managers keep what they downloaded: nothing that an image needs."""

from typing import Final

_TOP: Final = (b"var/", b"etc/apk/cache/", b"root/", b"home/", b"usr/local/share/.cache/")
_FOLDERS: Final = (
    *(b"var/lib/apt/lists/", b"var/cache/apt/", b"var/cache/apk/", b"etc/apk/cache/", b"var/cache/yum/"),
    *(b"var/cache/dnf/", b"var/cache/libdnf5/", b"var/cache/zypp/", b"var/cache/pacman/pkg/"),
    b"usr/local/share/.cache/",
)
_OF_USERS: Final = (b"/.cache/pip/", b"/.npm/_cacache/", b"/.cache/yarn/", b"/.cache/go-build/", b"/.composer/cache/")


def cache_of(path: bytes) -> bytes | None:
    """The cache's folder that this file lies in, without a leading slash; None for other files."""
    if not path.startswith(_TOP):
        return None
    for folder in _FOLDERS:
        if path.startswith(folder):
            return folder[:-1]
    for folder in _OF_USERS:
        before, found, _ = path.partition(folder)
        if found:
            return before + folder[:-1]
    return None
