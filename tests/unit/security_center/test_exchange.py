"""One exchange: bounded in size, and every header read or ignored, never an accident."""

import gzip
import time
import tracemalloc

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jenkins_scan import errors
from jenkins_scan.security_center.exchange import LARGEST_ANSWER, perform
from jenkins_scan.security_center.interface import ScanRequest
from tests.support.center import NOON, Canned, FakeClock, Replies

HEADER = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=40)


class Chunks(httpx.SyncByteStream):
    """A body in chunks, which notes how many were taken and that it was closed."""

    def __init__(self, chunk: bytes, count: int) -> None:
        self._chunk, self._count = chunk, count
        self.taken = 0
        self.closed = False

    def __iter__(self):
        for _ in range(self._count):
            self.taken += 1
            yield self._chunk

    def close(self) -> None:
        self.closed = True


def exchanged(headers=None, stream=None):
    """What `perform` makes of a 200 with these headers and this body."""
    transport = httpx.MockTransport(lambda _: httpx.Response(200, headers=headers, stream=stream or Chunks(b"{}", 1)))
    return perform(httpx.Client(transport=transport), httpx.Request("POST", "https://tds.example.com/"))


def test_reading_stops_at_eight_mebibytes():
    body = Chunks(b"x" * 2**20, 1000)
    raw = exchanged(stream=body)
    assert not raw.whole
    assert len(raw.body) == LARGEST_ANSWER
    assert (body.taken, body.closed) == (9, True)


def test_an_answer_of_just_eight_mebibytes_is_whole():
    raw = exchanged(stream=Chunks(b"x" * 2**20, 8))
    assert (raw.whole, len(raw.body)) == (True, LARGEST_ANSWER)


def test_what_is_packed_twice_is_left_packed():
    packed = gzip.compress(gzip.compress(bytes(2**20)))
    assert exchanged({"content-encoding": "gzip, gzip"}, Chunks(packed, 1)).body == packed


@pytest.mark.slow
def test_a_gzip_bomb_is_cut_while_it_unfolds():
    bomb = gzip.compress(bytes(2**25))
    pieces = Chunks(bomb[: 2**14], 1)
    tracemalloc.start()
    try:
        raw = exchanged({"content-encoding": "gzip"}, pieces)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert not raw.whole
    assert len(raw.body) == LARGEST_ANSWER
    assert peak < 2**26


def test_a_compressed_answer_is_read():
    assert exchanged({"content-encoding": "gzip"}, Chunks(gzip.compress(b'{"a":1}'), 1)).body == b'{"a":1}'


def test_a_broken_compression_is_a_failed_exchange():
    with pytest.raises(httpx.DecodingError):
        exchanged({"content-encoding": "gzip"}, Chunks(b"no gzip", 1))


def test_an_oversized_answer_to_a_create_is_an_unknown_fate():
    clock = FakeClock()
    replies = Replies(Canned(200, b'{"Data":"' + b"x" * LARGEST_ANSWER + b'"}'))
    with pytest.raises(errors.FateUnknown, match="larger than 8 MiB"):
        replies.client(clock).create_jenkins_image_scan_task(ScanRequest(), deadline=clock.monotonic() + 30)


@pytest.mark.parametrize(
    ("date", "seconds"),
    [
        ("Thu, 02 Jan 2025 12:00:00 GMT", NOON),
        ("Thu, 02 Jan 2025 14:00:00 +0200", None),
        ("Thu, 02 Jan 2025 12:00:00 -0000", NOON),
        ("Thu, 02 Jan 2025 12:00:00", NOON),
        ("today", None),
        ("", None),
        ("Thu, 02 Jan 20250 12:00:00 GMT", None),
        (None, None),
    ],
)
def test_the_servers_clock_is_read_from_the_date_header(date, seconds, monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    try:
        assert exchanged({} if date is None else {"date": date}).server_time == seconds
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()


@given(date=HEADER, after=HEADER, acs_after=HEADER, kind=HEADER)
def test_no_header_breaks_the_exchange(date, after, acs_after, kind):
    raw = exchanged({"date": date, "retry-after": after, "x-acs-retry-after": acs_after, "content-type": kind})
    assert raw.server_time is None or isinstance(raw.server_time, float)
    assert raw.retry_after is None or raw.retry_after >= 0
    assert (raw.status, raw.body, raw.sandbox) == (200, b"{}", False)
