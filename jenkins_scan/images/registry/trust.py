"""The authorities that vouch for a registry's certificate. There is no way to skip the check."""

import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jenkins_scan.certificate_file import trusting
from jenkins_scan.errors import ConfigurationError

CERTS_FOLDERS: Final = (Path("/etc/docker/certs.d"), Path("/etc/containers/certs.d"))
"""Where Docker and podman look for `HOST[:PORT]/*.crt` ("Verify repository client with certificates")."""


@dataclass(frozen=True, slots=True)
class Trust:
    """A TLS context, and in words whom it trusts."""

    context: ssl.SSLContext
    described: str


def trust_for(
    registry: str, *, ca_bundle: str | None, environ: Mapping[str, str], certs_folders: Sequence[Path]
) -> Trust:
    """Whom to trust for `registry` (`HOST[:PORT]`): --ca-bundle, else SSL_CERT_FILE, else certifi's; and certs.d.

    As with Docker, what certs.d adds also vouches for the places that this registry sends its clients to.
    Raises `errors.ConfigurationError` (2) for a file that holds no certificates.
    """
    named = (
        ("--ca-bundle", ca_bundle) if ca_bundle is not None else ("SSL_CERT_FILE", environ.get("SSL_CERT_FILE") or None)
    )
    origin, path = named
    with _reading(f"{origin}: {path}"):
        context = _public() if path is None else trusting(path)
    described = ["certifi's public authorities" if path is None else f"{origin} {path}"]
    for certificate in _own_certificates(registry, certs_folders):
        with _reading(str(certificate)):
            context.load_verify_locations(cafile=certificate)
        described.append(str(certificate))
    return Trust(context, " and ".join(described))


def _public() -> ssl.SSLContext:
    import httpx

    return httpx.create_ssl_context(trust_env=False)


@contextmanager
def _reading(shown: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as exc:  # ssl.SSLError is an OSError
        why = exc.strerror if isinstance(exc, OSError) and not isinstance(exc, ssl.SSLError) else "it is not PEM"
        raise ConfigurationError(
            f"{shown} cannot be read as CA certificates: {why}.",
            remedy="Name a PEM file with the CA certificates that signed the registry's certificate.",
        ) from exc


def _own_certificates(registry: str, folders: Sequence[Path]) -> Iterator[Path]:
    for folder in folders:
        try:
            yield from sorted(path for path in (folder / registry).iterdir() if path.suffix == ".crt")
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as exc:
            raise ConfigurationError(
                f"{folder / registry} cannot be read: {exc.strerror or type(exc).__name__}.",
                remedy="Let this user read the folder with the registry's CA certificates.",
            ) from exc
