"""Files that tools keep credentials in: known by name, in any case, and reported when they hold one.

What they hold is told in a module for each family of tools; their sources are named there.
"""

from itertools import chain
from typing import Final

from jenkins_scan.local import checks, login_files, package_files, service_files
from jenkins_scan.local.credential_contents import CredentialFile

_FAMILIES: Final = (service_files.BY_NAME, package_files.BY_NAME, login_files.BY_NAME)
_BY_NAME: Final = {
    name: tuple(chain.from_iterable(family.get(name, ()) for family in _FAMILIES))
    for name in chain.from_iterable(_FAMILIES)
}
_OF_KUBE: Final = (b"yaml", b"yml", b"json", b"conf", b"config")
_SETTINGS: Final = (b"application", b"bootstrap")
_OF_SPRING: Final = (b"yaml", b"yml", b"properties")
_BY_EXTENSION: Final = {
    b"properties": (login_files.PROPERTIES,),
    b"key": (login_files.GNUPG_KEY,),
    b"tfvars": (service_files.VARIABLES,),
}
_EXAMPLES: Final = (b".example", b".sample", b".template", b".dist", b".defaults", b".tpl")

STORES: Final = {
    b"kdbx": (checks.PASSWORD_STORE, "A password store of KeePass"),
    b"kdb": (checks.PASSWORD_STORE, "A password store of KeePass"),
    b"psafe3": (checks.PASSWORD_STORE, "A password store of Password Safe"),
    b"p12": (checks.KEY_STORE, "A key store"),
    b"pfx": (checks.KEY_STORE, "A key store"),
    b"jks": (checks.KEY_STORE, "A key store"),
    b"keystore": (checks.KEY_STORE, "A key store"),
}
"""By extension in lower case: encrypted, so the name alone tells."""


def credential_files(folder: bytes, base: bytes) -> tuple[CredentialFile, ...]:
    """What a file of this name in the folder of this path may be."""
    base = base.lower()
    return tuple(kind for kind in _named(folder, base) if kind.may_lie_in(folder))


def _named(folder: bytes, base: bytes) -> tuple[CredentialFile, ...]:
    if (known := _BY_NAME.get(base)) is not None:
        return known
    stem, _, extension = base.rpartition(b".")
    if _is_env(base):
        return (login_files.VARIABLES,)
    if stem.startswith(_SETTINGS) and extension in _OF_SPRING:
        return (login_files.APPLICATION,)
    if stem.startswith(b"appsettings") and extension == b"json":
        return (login_files.APPLICATION_JSON,)
    if _is_kubeconfig(folder, base, extension):
        return (service_files.KUBECONFIG,)
    return _BY_EXTENSION.get(extension, ())


def _is_env(base: bytes) -> bool:
    is_one = base in (b".env", b".envrc") or base.startswith(b".env.") or base.endswith(b".env")
    return is_one and not base.endswith(_EXAMPLES)


def _is_kubeconfig(folder: bytes, base: bytes, extension: bytes) -> bool:
    if extension == b"conf" and folder.lower().rpartition(b"/")[2] == b"kubernetes":
        return True
    has_none = b"." not in base[1:]
    return b"kubeconfig" in base and (has_none or base.endswith(b"kubeconfig") or extension in _OF_KUBE)
