"""The TLS files of an engine and of its client, made by an authority of one's own."""

import ssl
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import trustme

from jenkins_scan.images.engine.endpoint import EngineTLS

LONG_AGO = datetime(2020, 1, 1)  # noqa: DTZ001  trustme takes no zone
PAST = datetime(2024, 1, 1)  # noqa: DTZ001
"""When the certificates that are out of date expired."""


@dataclass(frozen=True)
class ServerFiles:
    """What an engine is started with."""

    ca: Path
    cert: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        """For an engine in this process; it demands client certificates of `ca`, as `--tlsverify` does."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.cert, self.key)
        context.load_verify_locations(self.ca)
        context.verify_mode = ssl.CERT_REQUIRED
        return context

    def dockerd(self, port: int) -> list[str]:
        """The arguments that make dockerd listen on this loopback port."""
        return [
            *("-H", f"tcp://127.0.0.1:{port}", "--tlsverify"),
            *("--tlscacert", str(self.ca), "--tlscert", str(self.cert), "--tlskey", str(self.key)),
        ]


class EngineCertificates:
    """An authority; it writes each set of files into a folder of its own below `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.authority = trustme.CA()

    def server(
        self, host: str = "127.0.0.1", *, name: str = "server", issuer: trustme.CA | None = None, **dates: Any
    ) -> ServerFiles:
        """The engine's side."""
        return ServerFiles(*self._write(name, (issuer or self.authority).issue_cert(host, **dates)))

    def client(self, *, name: str = "client", issuer: trustme.CA | None = None, **dates: Any) -> EngineTLS:
        """The client's side: a folder for `DOCKER_CERT_PATH`."""
        cert = (issuer or self.authority).issue_cert("client@example.test", **dates)
        return EngineTLS(*self._write(name, cert))

    def _write(self, name: str, cert: trustme.LeafCert) -> tuple[Path, Path, Path]:
        folder = self._folder / name
        folder.mkdir(parents=True, exist_ok=True)
        ca, chain, key = (folder / file for file in ("ca.pem", "cert.pem", "key.pem"))
        self.authority.cert_pem.write_to_path(str(ca))
        cert.cert_chain_pems[0].write_to_path(str(chain))
        cert.private_key_pem.write_to_path(str(key))
        return ca, chain, key
