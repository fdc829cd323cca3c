"""The proxy that the endpoint would be asked through, by the rules of the HTTP client (httpx, and Python's urllib)."""

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urlsplit

from jenkins_scan.doctor.report import Outcome, good, warning
from jenkins_scan.errors import ConfigurationError
from jenkins_scan.images.engine.certificate import read_certificates
from jenkins_scan.security_center.connect import connect
from jenkins_scan.security_center.endpoints import Endpoint
from jenkins_scan.security_center.variables import PROXY_VARIABLES

NO_PROXY: Final = "NO_PROXY"
DEFAULT_PORTS: Final = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy, and the variable that names it."""

    url: str
    """As it is used, user information included: never to be shown."""
    variable: str

    @property
    def parts(self) -> SplitResult:
        """Its URL, taken apart."""
        return urlsplit(self.url)

    def __str__(self) -> str:
        parts = self.parts
        hidden = " (user information hidden)" if parts.username is not None else ""
        host = parts.netloc.rpartition("@")[2]
        return f"{parts.scheme}://{host} from {self.variable}{hidden}"


def proxy_for(endpoint: Endpoint, environ: Mapping[str, str]) -> Proxy | None:
    """The proxy that requests to the endpoint take; None: they go straight. The variables have to be well-formed."""
    if endpoint.is_loopback or keeping_off(endpoint, environ) is not None:
        return None
    scheme = urlsplit(endpoint.url).scheme
    for name in (f"{scheme}_PROXY".upper(), "ALL_PROXY"):
        variable, value = _read(environ, name)
        if value:
            return Proxy(value if "://" in value else f"http://{value}", variable)
    return None


def keeping_off(endpoint: Endpoint, environ: Mapping[str, str]) -> str | None:
    """The entry of NO_PROXY that keeps the endpoint off the proxies; None when none does."""
    entries = list(_entries(environ))
    if "*" in entries:
        return "*"
    return next((entry for entry in entries if _covers(entry, endpoint)), None)


def check(endpoint: Endpoint, ca_bundle: str | None, environ: Mapping[str, str]) -> Outcome:
    """Which proxy and which authorities. Raises `ConfigurationError` (2) for what cannot be followed."""
    _require_readable(environ)
    connect(endpoint, None, ca_bundle=ca_bundle, environ=environ).close()
    seen = f"{_way(endpoint, environ)}; {_authorities(endpoint, ca_bundle, environ)}."
    problems = [*_twice(environ), *_not_followed(endpoint, environ)]
    if not problems:
        return good(seen)
    return warning(
        f"{seen} {' '.join(problems)}",
        "Give both spellings of a variable the same value. In NO_PROXY write hosts as example.com or .example.com, "
        "without a star or the port 443, and addresses one by one.",
    )


def _require_readable(environ: Mapping[str, str]) -> None:
    """Refuses the address of a proxy that parsers disagree about: a part of its password may look like the host."""
    for variable, value in (_read(environ, name) for name in PROXY_VARIABLES if name != NO_PROXY):
        try:
            parts = urlsplit(value if "://" in value else f"http://{value}")
            whole = "@" not in f"{parts.path}{parts.query}{parts.fragment}" and (parts.port or 0) >= 0
        except ValueError:
            whole = False
        if value and not whole:
            raise ConfigurationError(
                f"{variable} cannot be read as the address of a proxy.",
                remedy="Write it as http://[USER:PASSWORD@]HOST:PORT; /, #, ?, @ and [ of a password percent-encoded.",
            )


def _way(endpoint: Endpoint, environ: Mapping[str, str]) -> str:
    names = [name for name in PROXY_VARIABLES if name != NO_PROXY and _read(environ, name)[1]]
    if not names:
        return "no proxy variable is set"
    if endpoint.is_loopback:
        return f"no proxy: the endpoint is this machine ({', '.join(names)} does not count)"
    entry = keeping_off(endpoint, environ)
    if entry is not None:
        return f"no proxy: {entry!r} in NO_PROXY is the endpoint"
    proxy = proxy_for(endpoint, environ)
    return f"no proxy for {endpoint.url} ({', '.join(names)})" if proxy is None else f"proxy {proxy}"


def _authorities(endpoint: Endpoint, ca_bundle: str | None, environ: Mapping[str, str]) -> str:
    if endpoint.url.startswith("http://"):
        return "no TLS"
    origin, path = ("--ca-bundle", ca_bundle) if ca_bundle else ("SSL_CERT_FILE", environ.get("SSL_CERT_FILE"))
    if not path:
        return "certifi's public authorities"
    return f"{len(read_certificates(Path(path)))} authorities of {path} ({origin})"


def _read(environ: Mapping[str, str], name: str) -> tuple[str, str]:
    """The spelling that counts, and its value: lower case wins, even when it is empty."""
    spelling = name.lower() if name.lower() in environ else name
    return spelling, environ.get(spelling, "")


def _entries(environ: Mapping[str, str]) -> Iterator[str]:
    return (entry for text in _read(environ, NO_PROXY)[1].split(",") if (entry := text.strip()))


def _covers(entry: str, endpoint: Endpoint) -> bool:
    parts = urlsplit(endpoint.url)
    host = (parts.hostname or "").lower()
    if "://" in entry:
        named = urlsplit(entry.lower())
        same_port = named.port in (None, parts.port, DEFAULT_PORTS.get(named.scheme))
        return named.scheme in ("all", parts.scheme) and named.hostname == host and same_port
    if _is_address(entry.partition("/")[0]):
        return entry.partition("/")[0] == host
    name, _, port = entry.lower().partition(":")
    if port and port != str(parts.port):  # the port of https itself is in no URL, and so in no comparison
        return False
    if name == "localhost":
        return host == name
    return host.endswith(name) if name.startswith(".") else host == name or host.endswith(f".{name}")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _twice(environ: Mapping[str, str]) -> Iterator[str]:
    for name in PROXY_VARIABLES:
        lower, upper = environ.get(name.lower()), environ.get(name)
        if lower is not None and upper is not None and lower != upper:
            yield f"{name} and {name.lower()} differ, and the one in lower case counts."


def _not_followed(endpoint: Endpoint, environ: Mapping[str, str]) -> Iterator[str]:
    """Entries of NO_PROXY that look as if they meant the endpoint, and do not."""
    if endpoint.is_loopback or keeping_off(endpoint, environ) is not None:
        return
    for entry in _entries(environ):
        if _seems_to_cover(entry.lower(), endpoint):
            yield f"{entry!r} in NO_PROXY looks like the endpoint, and is not followed."


def _seems_to_cover(entry: str, endpoint: Endpoint) -> bool:
    host = urlsplit(endpoint.url).hostname or ""
    if "/" in entry and _is_address(host):
        try:
            return ipaddress.ip_address(host) in ipaddress.ip_network(entry, strict=False)
        except ValueError:
            return False
    name = entry.removesuffix(":443").lstrip("*").lstrip(".")
    return bool(name) and (host == name or host.endswith(f".{name}"))
