"""What an exception was caused by: libraries wrap the system's own error several times, and it says most."""

import ssl
from collections.abc import Iterator
from typing import Final

_PLAIN: Final = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG", "HTTP_REQUEST")
"""How OpenSSL calls an answer that is no TLS, by its version."""


def causes(exc: BaseException) -> Iterator[BaseException]:
    """The exception and all that led to it, the deepest first."""
    links = [exc]
    for link in links:  # grows while it is walked
        behind = (link.__cause__, link.__context__)
        links.extend(other for other in behind if other is not None and other not in links)
    return reversed(links)


def speaks_no_tls(exc: ssl.SSLError) -> bool:
    """Whether the other side answered with something that is no TLS at all."""
    return getattr(exc, "reason", None) in _PLAIN  # one that Python itself made has no reason
