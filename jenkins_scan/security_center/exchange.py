"""One HTTP exchange, bounded in time and size.

httpx bounds each read, not the whole: a peer that sends one byte a second would hold the step for hours. So the
client gives each exchange a limit as a whole (`time_limit`).
"""

import logging
import zlib
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

import httpx

LARGEST_ANSWER = 8 * 1024 * 1024
"""Bytes after decompression. A page of 100 findings is some 200 kB."""
SANDBOX_HEADER = "x-jenkins-scan-sandbox"
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """What came back, before anybody tried to understand it."""

    status: int
    content_type: str
    body: bytes
    whole: bool
    """False when the body was larger than `LARGEST_ANSWER` and was cut."""
    server_time: float | None
    retry_after: float | None
    """Seconds, from `x-acs-retry-after` (milliseconds) or `Retry-After` (seconds)."""
    sandbox: bool


def perform(http: httpx.Client, request: httpx.Request, *, signed: bool = True) -> RawAnswer:
    """Sends the request and reads the answer; unsigned it is refused, and still answered. Raises `httpx.HTTPError`."""
    response = http.send(request, stream=True, auth=httpx.USE_CLIENT_DEFAULT if signed else None)
    try:
        body, whole = bytearray(), True
        # Raw, because httpx would unfold any number of compressions without a bound.
        for chunk in response.iter_raw():
            body += chunk
            if len(body) > LARGEST_ANSWER:
                whole = False
                break
        if response.headers.get("content-encoding", "").strip().lower() == "gzip":
            body, whole = _unfolded(body, whole=whole)
    finally:
        response.close()
    headers = response.headers
    return RawAnswer(
        status=response.status_code,
        content_type=headers.get("content-type", ""),
        body=bytes(body[:LARGEST_ANSWER]),
        whole=whole,
        server_time=_date(headers.get_list("date")),
        retry_after=_retry_after(headers),
        sandbox=SANDBOX_HEADER in headers,
    )


def _unfolded(body: bytearray, *, whole: bool) -> tuple[bytearray, bool]:
    """The gzip body unfolded, as far as the limit: we ask for none, but a proxy may do it all the same."""
    unfold = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        unfolded = unfold.decompress(bytes(body), LARGEST_ANSWER + 1)
    except zlib.error as exc:
        raise httpx.DecodingError("the body is not gzip, although its header says so") from exc
    return bytearray(unfolded), whole and unfold.eof and len(unfolded) <= LARGEST_ANSWER


def _date(lines: list[str]) -> float | None:
    """The one `Date` in seconds since the epoch; None where there are several, or one in another zone than GMT."""
    if len(lines) != 1:
        return None
    try:
        moment = parsedate_to_datetime(lines[0])
        # Without a zone it is GMT, as all of HTTP is, never the agent's own.
        return None if moment.utcoffset() else moment.replace(tzinfo=UTC).timestamp()
    except (ValueError, OverflowError):
        return None


def _retry_after(headers: httpx.Headers) -> float | None:
    for name, unit in (("x-acs-retry-after", 0.001), ("retry-after", 1.0)):
        text = headers.get(name, "").strip()
        if text.isascii() and text.isdigit() and len(text) <= 9:  # noqa: PLR2004  longer is no waiting time
            return int(text) * unit
    return None
