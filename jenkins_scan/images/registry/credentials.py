"""The login for a registry, as `docker login`, `podman login` or `skopeo login` left it on this machine.

Docker's `config.json` comes first, then the `auth.json` of podman and skopeo (containers-auth.json(5)). The Docker SDK
reads the former too, but takes a file that is broken for one that is empty: the registry's refusal would then hide the
reason. So these few keys are read here. Only absolute paths count: a relative one would be in the workspace.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from jenkins_scan.errors import ConfigurationError
from jenkins_scan.images.docker_config import config_folder, read_object
from jenkins_scan.images.reference import DOCKER_HUB
from jenkins_scan.images.registry.address import HUB_HOST, HUB_LOGIN, RegistryAddress
from jenkins_scan.images.registry.credential_helper import TOKEN_USER, ask_helper


@dataclass(frozen=True, slots=True)
class Login:
    """What may be shown to a registry that asks who we are."""

    origin: str
    """Where it was found: it says nothing secret."""
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    identity_token: str | None = field(default=None, repr=False)
    """Exchanged for a token at the registry's token service."""
    registry_token: str | None = field(default=None, repr=False)
    """Such a token itself."""

    def __str__(self) -> str:
        user = f" of the user {self.username[:100]!a}" if self.username else ""
        return f"with the credentials{user} from {self.origin}"

    @property
    def secrets(self) -> tuple[str, ...]:
        """All that must never be shown."""
        return tuple(secret for secret in (self.password, self.identity_token, self.registry_token) if secret)


@dataclass(frozen=True, slots=True)
class Search:
    """The outcome of looking for a login."""

    login: Login | None
    looked_in: tuple[str, ...]
    """The files that were there."""

    def __str__(self) -> str:
        if self.login is not None:
            return str(self.login)
        return f"without credentials, as there are none for it in {' or '.join(self.looked_in) or 'any login file'}"


def find_login(address: RegistryAddress, environ: Mapping[str, str], redact: Callable[[str], None]) -> Search:
    """The login for the repository at `address`. `redact` gets every secret in it.

    Raises `errors.ConfigurationError` (2) for a file that cannot be read, `errors.RegistryRefused` (13) for a
    credential helper that fails.
    """
    looked_in = []
    for path in _files(environ):
        body = read_object(path, _broken)
        if body is None:
            continue
        looked_in.append(str(path))
        login = _from_helper(body, path, address, environ) or _from_file(body, path, address, redact)
        if login is not None:
            for secret in login.secrets:
                redact(secret)
            return Search(login, tuple(looked_in))
    return Search(None, tuple(looked_in))


def _files(environ: Mapping[str, str]) -> list[Path]:
    docker = config_folder(environ)
    named = environ.get("REGISTRY_AUTH_FILE", "")
    if named and not Path(named).is_absolute():
        raise ConfigurationError(
            f"REGISTRY_AUTH_FILE {named[:200]!a} is not an absolute path.",
            remedy="Write the whole path: a relative one would be looked up in the workspace, which is not trusted.",
        )
    if named:
        others = [Path(named)]
    else:
        runtime, config, home = (environ.get(name, "") for name in ("XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "HOME"))
        folders = [Path(runtime), Path(config) if config else Path(home, ".config")]
        others = [folder / "containers" / "auth.json" for folder in folders if folder.is_absolute()]
    return [*([] if docker is None else [docker / "config.json"]), *others]


def _names(address: RegistryAddress) -> list[str]:
    """The keys under which a login may be filed, the most special first: podman has logins for a part of a registry."""
    parts = address.path.split("/")
    places = [f"{address.name}/{'/'.join(parts[:count])}" for count in range(len(parts), 0, -1)]
    hub = [HUB_LOGIN, f"index.{DOCKER_HUB}", HUB_HOST] if address.name == DOCKER_HUB else []
    return [*places, *hub[:1], address.name, *hub[1:]]


def _from_helper(
    body: Mapping[str, Any], path: Path, address: RegistryAddress, environ: Mapping[str, str]
) -> Login | None:
    helpers = _object(body.get("credHelpers"), path, "credHelpers")
    own = next((helpers[name] for name in _names(address) if name in helpers), None)
    # As docker does: an empty name turns the helper for all registries off for this one.
    helper = body.get("credsStore") if own is None else own
    if not helper:
        return None
    if not isinstance(helper, str):
        raise _broken(path, "the name of a credential helper is not a text")
    found = ask_helper(helper, address.login_name, environ)
    if found is None:
        return None
    origin = f"docker-credential-{helper}, which {path} names"
    if found.username == TOKEN_USER:
        return Login(origin, identity_token=found.secret)
    return Login(origin, found.username, found.secret)


def _from_file(
    body: Mapping[str, Any], path: Path, address: RegistryAddress, redact: Callable[[str], None]
) -> Login | None:
    auths, names = _object(body.get("auths"), path, "auths"), _names(address)
    # Docker files a login under the host, and long ago did under a URL: `https://HOST/v1/` means HOST.
    of_urls = {key.partition("://")[2].partition("/")[0]: key for key in auths if "://" in key}
    keys = [*(name for name in names if name in auths), *(of_urls[name] for name in names if name in of_urls)]
    for key in keys:
        login = _entry(_object(auths[key], path, f"auths of {key[:100]}"), path, key, redact)
        if login is not None:
            return login
    return None


def _entry(entry: Mapping[str, Any], path: Path, key: str, redact: Callable[[str], None]) -> Login | None:
    fields = ("auth", "username", "password", "identitytoken", "registrytoken")
    auth, username, password, identity_token, registry_token = (entry.get(field) or None for field in fields)
    if not all(
        value is None or isinstance(value, str) for value in (auth, username, password, identity_token, registry_token)
    ):
        raise _broken(path, f"a value in auths of {key[:100]!a} is not a text")
    if auth is not None:
        redact(auth)
        username, password = _decoded(auth, path, key)
    login = Login(str(path), username, password or None, identity_token, registry_token)
    return login if login.secrets else None


def _decoded(auth: str, path: Path, key: str) -> tuple[str, str]:
    try:
        text = base64.b64decode(auth, validate=True).decode()
    except (binascii.Error, ValueError) as exc:
        raise _broken(path, f"the auth of {key[:100]!a} is not Base64 of a text") from exc
    username, colon, password = text.partition(":")
    if not colon:
        raise _broken(path, f"the auth of {key[:100]!a} is not USER:PASSWORD in Base64")
    return username, password.strip("\0")


def _object(value: Any, path: Path, what: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _broken(path, f"{what} is not a JSON object")
    return cast("dict[str, Any]", value)


def _broken(path: Path, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"The login file {path} cannot be used: {why}.",
        remedy="Repair it with `docker login` or `podman login`, or let DOCKER_CONFIG name another folder.",
    )
