"""What an X.509 certificate says of itself, for messages about a TLS connection that failed (RFC 5280).

The standard library tells this only of a certificate that was accepted. Nothing is decided by what is read here.
"""

import ipaddress
import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from jenkins_scan.plain_text import one_line

_LARGEST_FILE: Final = 4 * 1024 * 1024
_MOST_NAMES: Final = 8
_LONGEST_NAME: Final = 200
_PEM: Final = re.compile(r"-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----")

_SEQUENCE, _UTC_TIME, _GENERALIZED_TIME = 0x30, 0x17, 0x18
_VERSION, _EXTENSIONS, _DNS_NAME, _IP_ADDRESS = 0xA0, 0xA3, 0x82, 0x87
_ALTERNATIVE_NAMES: Final = bytes.fromhex("551d11")
_ATTRIBUTES: Final = {bytes.fromhex("550403"): "CN", bytes.fromhex("55040a"): "O", bytes.fromhex("55040b"): "OU"}


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate in words that are fit for a message: one line each, bounded."""

    subject: str
    """Such as `CN=docker, O=Example`; `(no name)` when it has none of CN, O and OU."""
    issuer: str
    not_before: datetime
    not_after: datetime
    names: tuple[str, ...]
    """The host names and addresses that it is for, the first few."""


def read_certificate(der: bytes) -> Certificate | None:
    """The certificate in DER form; None when it cannot be read."""
    try:
        return _certificate(der)
    except (ValueError, IndexError):
        return None


def read_certificates(path: Path) -> tuple[Certificate, ...]:
    """The certificates in a PEM file, as far as they can be read; empty when the file cannot."""
    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST_FILE).decode("ascii", "replace")
    except OSError:
        return ()
    found = (_from_pem(block) for block in _PEM.findall(text))
    return tuple(certificate for certificate in found if certificate is not None)


def _from_pem(block: str) -> Certificate | None:
    try:
        return read_certificate(ssl.PEM_cert_to_DER_cert(block))
    except ValueError:
        return None


def _certificate(der: bytes) -> Certificate:
    ((_, signed), *_) = _elements(_only(der))
    parts = list(_elements(signed))
    if parts[0][0] == _VERSION:
        del parts[0]
    _, _, (_, issuer), (_, validity), (_, subject), *rest = parts
    begin, end = (_time(tag, content) for tag, content in _elements(validity))
    extensions = next((content for tag, content in rest if tag == _EXTENSIONS), None)
    return Certificate(
        subject=_name(subject),
        issuer=_name(issuer),
        not_before=begin,
        not_after=end,
        names=() if extensions is None else tuple(_alternative_names(_only(extensions)))[:_MOST_NAMES],
    )


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and content of each element that stands in `data`."""
    at = 0
    while at < len(data):
        tag, length, at = data[at], data[at + 1], at + 2
        if length & 0x80:
            width = length & 0x7F
            length, at = int.from_bytes(data[at : at + width], "big"), at + width
        if at + length > len(data):
            raise ValueError("cut short")
        yield tag, data[at : at + length]
        at += length


def _only(data: bytes) -> bytes:
    ((tag, content),) = _elements(data)
    if tag != _SEQUENCE:
        raise ValueError("not a sequence")
    return content


def _time(tag: int, content: bytes) -> datetime:
    text = content.decode("ascii")
    if tag == _UTC_TIME:
        text = ("20" if text < "50" else "19") + text  # RFC 5280, 4.1.2.5.1
    elif tag != _GENERALIZED_TIME:
        raise ValueError("not a time")
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def _name(content: bytes) -> str:
    found = []
    for _, group in _elements(content):
        for _, attribute in _elements(group):
            (_, kind), (_, value) = _elements(attribute)
            if kind in _ATTRIBUTES:
                found.append(f"{_ATTRIBUTES[kind]}={value.decode('utf-8', 'replace')}")
    return one_line(", ".join(found), _LONGEST_NAME) or "(no name)"


def _alternative_names(extensions: bytes) -> Iterator[str]:
    for _, extension in _elements(extensions):
        (_, kind), *_, (_, value) = _elements(extension)
        if kind != _ALTERNATIVE_NAMES:
            continue
        for tag, name in _elements(_only(value)):
            if tag == _DNS_NAME:
                yield one_line(name.decode("utf-8", "replace"), _LONGEST_NAME)
            elif tag == _IP_ADDRESS:
                yield str(ipaddress.ip_address(name))
