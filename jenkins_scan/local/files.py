"""One file of a layer: whether it should not be there, by its name and by its content.

Contents are looked into up to `LARGEST` bytes, those of larger files at their beginning. No folder is left out, not
even those for documentation: a file that was copied there by mistake ships like any other.
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from jenkins_scan.local import checks
from jenkins_scan.local.checks import Check
from jenkins_scan.local.credential_contents import CredentialFile
from jenkins_scan.local.credential_files import STORES, credential_files
from jenkins_scan.local.paths import tokens_in_path
from jenkins_scan.local.tar_stream import Entry
from jenkins_scan.local.tokens import Allowance, tokens_in_file

LARGEST: Final = 1024**2
"""Bytes of a file that are looked into, from its beginning."""
_HEAD: Final = 8192
"""Bytes in which a zero byte says that a file is no text: what git looks at, too."""
_KEY_MARK: Final = b"PRIVATE KEY"
_KEY: Final = re.compile(rb"-{4,5} ?BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)? ?-{4,5}")
_SOMETHING: Final = re.compile(rb"[A-Za-z0-9+/=]{4}")
_KEY_BODY: Final = re.compile(rb"[A-Za-z0-9+/]{40}")
_BODY_WITHIN: Final = 600
"""Bytes behind the first line of a key, in which its encoded content has begun; there may be headers before."""
_PUTTY: Final = b"PuTTY-User-Key-File-"
_EMBEDDED_KUBECONFIG: Final = re.compile(rb"client-key-data:[ \t]*[A-Za-z0-9+/]{40}")
_PULL_SECRET_TYPE: Final = b"kubernetes.io/dockerconfigjson"
_PULL_SECRET: Final = re.compile(rb"\.dockerconfigjson\"?:[ \t]*\"?[A-Za-z0-9+/]{40}")
_BYTE_ORDER_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),  # before the one that it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8-sig"),
)
_SETUID, _SETGID = 0o4000, 0o2000
_USUAL_FOLDERS: Final = frozenset(
    {b"bin", b"sbin", b"usr/bin", b"usr/sbin", b"usr/lib/openssh", b"usr/lib/dbus-1.0", b"usr/libexec/dbus-1"}
    | {b"usr/libexec/openssh", b"usr/libexec", b"usr/lib/policykit-1", b"usr/lib/polkit-1"}
    | {b"usr/lib/x86_64-linux-gnu/utempter", b"usr/libexec/utempter"}
)
_USUAL_BITS: Final = frozenset(
    b"su sudo mount umount passwd newgrp chsh chfn gpasswd ping ping6 chage expiry wall write bsd-write crontab at "
    b"unix_chkpwd pam_timestamp_check ssh-agent ssh-keysign dbus-daemon-launch-helper pkexec polkit-agent-helper-1 "
    b"fusermount fusermount3 newuidmap newgidmap dotlockfile utempter bbsuid doas sg locate plocate mlocate".split()
)
"""Programs that distributions themselves ship with these bits."""


@dataclass(frozen=True, slots=True)
class Hit:
    """Something that should not be in a layer."""

    check: Check
    path: bytes
    """In the layer, without a leading slash."""
    what: str
    """The beginning of the finding's title."""
    is_folder: bool = False


class Search:
    """Looks at files one by one; it knows how much it may still look at."""

    def __init__(
        self,
        *,
        most_texts: int = 100_000,
        most_bytes: int = 512 * 1024**2,
        most_windows: int = 10_000,
        most_known_bytes: int = 32 * 1024**2,
        most_name_bytes: int = 64 * 1024**2,
    ) -> None:
        self._texts = most_texts
        self._bytes = most_bytes
        self.windows = Allowance(most_windows)
        self.names = Allowance(most_windows)
        self._known_bytes = most_known_bytes
        self._name_bytes = most_name_bytes
        self.cut = 0
        """Files with names of credentials that were looked into only at their beginning."""
        self.unread = 0
        """Files with such names that were one too many."""

    @property
    def is_exhausted(self) -> bool:
        """Whether tokens were not looked for in every text and every name."""
        return self._has_read_enough or self.names.left < 0 or self._name_bytes < 0

    @property
    def _has_read_enough(self) -> bool:
        return self._texts < 0 or self._bytes < 0 or self.windows.left < 0

    def by_name(self, entry: Entry, base: bytes) -> Iterator[Hit]:
        """What the name and the mode of a regular file tell."""
        if entry.mode & (_SETUID | _SETGID):
            yield from _bits(entry, base)
        kind = STORES.get(base.rpartition(b".")[2].lower()) if b"." in base else None
        if kind is not None and entry.size:
            yield Hit(kind[0], entry.name, kind[1])

    def in_path(self, path: bytes, *, is_folder: bool) -> Iterator[Hit]:
        """Tokens in the names of a file or a folder and of those above it, each with the path that ends with it."""
        self._name_bytes -= len(path)
        if self._name_bytes < 0:
            return
        for part, token in tokens_in_path(path, self.names):
            check = checks.WEB_TOKEN if token.may_be_harmless else checks.TOKEN
            yield Hit(check, part, f"{token.type} in a file's name", is_folder=is_folder or part != path)

    def by_content(self, path: bytes, base: bytes, content: bytes, *, is_cut: bool = False) -> Iterator[Hit]:
        """What a file's content tells; `is_cut`: there is more of it."""
        content = _as_utf8(content)
        kinds = self._kinds(path, base, len(content))
        self.cut += is_cut and bool(kinds)
        known = [kind for kind in kinds if kind.holds(content)]
        for kind in known:
            yield Hit(kind.check, path, kind.what)
        if b"\0" in content[:_HEAD]:
            return
        if _holds_key(content):
            yield Hit(checks.PRIVATE_KEY, path, "A private key")
        if not known:
            yield from self._tokens(path, content)

    def _kinds(self, path: bytes, base: bytes, size: int) -> tuple[CredentialFile, ...]:
        """What a file of this name may be; nothing where too much was looked into already."""
        kinds = credential_files(path[: -len(base)].rstrip(b"/"), base)
        if kinds:
            self._known_bytes -= size
            if self._known_bytes < 0:
                self.unread += 1
                return ()
        return kinds

    def _tokens(self, path: bytes, content: bytes) -> Iterator[Hit]:
        self._texts -= 1
        self._bytes -= len(content)
        if self._has_read_enough:
            return
        if b"client-key-data:" in content and _EMBEDDED_KUBECONFIG.search(content):
            yield Hit(checks.KUBECONFIG, path, "A kubeconfig with credentials")
        if _PULL_SECRET_TYPE in content and _PULL_SECRET.search(content):
            yield Hit(checks.REGISTRY_CREDENTIALS, path, "Registry credentials in a Kubernetes secret")
        tokens = tokens_in_file(content, self.windows)
        for check, fitting in ((checks.TOKEN, False), (checks.WEB_TOKEN, True)):
            types = sorted({token.type for token in tokens if token.may_be_harmless is fitting})
            if types:
                yield Hit(check, path, f"{' and '.join(types)} in a text file")


def _bits(entry: Entry, base: bytes) -> Iterator[Hit]:
    if base in _USUAL_BITS and entry.name[: -len(base) - 1] in _USUAL_FOLDERS:
        return
    if entry.mode & _SETUID:
        yield Hit(checks.SETUID_FILE, entry.name, f"A program that runs as user {entry.owner} (setuid)")
    elif entry.mode & 0o010:  # without that bit of the group it means something else, or nothing
        yield Hit(checks.SETGID_FILE, entry.name, "A program that runs with another group (setgid)")


def _as_utf8(content: bytes) -> bytes:
    """The same text in UTF-8 where a mark at its begin tells that it is in another encoding, as on Windows."""
    for mark, encoding in _BYTE_ORDER_MARKS:
        if content.startswith(mark):
            return content.decode(encoding, "replace").encode("utf-8", "replace")
    return content


def _holds_key(content: bytes) -> bool:
    if content.startswith(_PUTTY):
        return True
    if _KEY_MARK not in content:
        return False
    begins = list(_KEY.finditer(content))
    if begins and not content[: begins[0].start()].strip():  # the whole file is one, unless it only shows the form
        body = content[begins[0].end() : begins[0].end() + _BODY_WITHIN].partition(b"-----END")[0]
        if _SOMETHING.search(body):
            return True
    # In the middle of a text only with its content: programs and documents name that first line, too. Each is
    # looked for up to the next such line, so that nothing is looked at twice.
    ends = [begin.start() for begin in begins[1:]]
    return any(
        _KEY_BODY.search(content, begin.end(), min(begin.end() + _BODY_WITHIN, end))
        for begin, end in zip(begins, [*ends, len(content)][: len(begins)], strict=True)
    )
