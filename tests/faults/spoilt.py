"""What becomes of an exchange: connections that break, answers that are late, cut, packed, or another's."""

import gzip
import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from jenkins_scan.sandbox.messages import Reply, json_reply
from tests.faults.faulty_service import LONG, Exchange, Fault, Seen, sound, told, with_body, written

HTML = b"<html><head><title>Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>"
BEYOND = 12.0
"""Seconds: longer than the tool waits for a byte."""
WITHIN = 3.0
_DEFLATE = zlib.compressobj(wbits=-zlib.MAX_WBITS)
_MEBIBYTE = _DEFLATE.compress(b"0" * 2**20) + _DEFLATE.flush(zlib.Z_FULL_FLUSH)
BOMB = b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + 4096 * _MEBIBYTE
"""A gzip stream of 4 GiB, in some megabytes."""
DATE = "Thu, 01 Jan 2026 00:00:00 GMT"


def changed(change: Callable[[bytes], bytes]) -> Fault:
    """What is sent, after the operation took effect, is changed."""
    return lambda exchange: exchange.send(change(written(exchange.answer())))


def saying(change: Callable[[dict[str, Any]], Mapping[str, Any]]) -> Fault:
    """The body says something else."""

    def fault(exchange: Exchange) -> None:
        answer = exchange.answer()
        exchange.send(written(with_body(answer, change(told(answer)))))

    return fault


def with_headers(**headers: str) -> Fault:
    """The right answer under other headers."""

    def fault(exchange: Exchange) -> None:
        answer = exchange.answer()
        exchange.send(written(replace(answer, headers={**answer.headers, **_named(headers)})))

    return fault


def instead(status: int, body: bytes = HTML, content_type: str = "text/html", **headers: str) -> Fault:
    """Something before the service answers, which never hears of the request."""
    answer = Reply(status, {"date": DATE, "content-type": content_type, **_named(headers)}, body)
    return lambda exchange: exchange.send(written(answer))


def afterwards(status: int, body: bytes = HTML, content_type: str = "text/html", **headers: str) -> Fault:
    """As `instead`, but the service has done what it was asked."""

    def fault(exchange: Exchange) -> None:
        exchange.answer()
        instead(status, body, content_type, **headers)(exchange)

    return fault


def echoed(answer: Callable[[Seen], Fault]) -> Fault:
    """The answer holds what was asked."""
    return lambda exchange: answer(exchange.request)(exchange)


def refusal(status: int, code: str) -> Fault:
    """The gateway's own answer: the operation has not run."""
    body = {"RequestId": "9C1B3B0A-0000-4000-8000-000000000000", "HostId": "tds.example.com", "Code": code}
    return lambda exchange: exchange.send(
        written(json_reply(status, {**body, "Message": f"{code} it is.", "Recommend": ""}, date=DATE))
    )


def _named(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def reset_without_effect(exchange: Exchange) -> None:
    exchange.reset()


def reset_after_effect(exchange: Exchange) -> None:
    exchange.answer()
    exchange.reset()


def closed_after_effect(exchange: Exchange) -> None:
    exchange.answer()


def reset_in_the_body(exchange: Exchange) -> None:
    whole = written(exchange.answer())
    exchange.send(whole[: whole.index(b"\r\n\r\n") + 20])
    exchange.hold(0.3)  # what was sent has to arrive before the RST
    exchange.reset()


def reset_in_the_head(exchange: Exchange) -> None:
    exchange.send(written(exchange.answer())[:20])
    exchange.hold(0.3)
    exchange.reset()


def black_hole(exchange: Exchange) -> None:
    exchange.hold(LONG)


def black_hole_after_effect(exchange: Exchange) -> None:
    exchange.answer()
    exchange.hold(LONG)


def late(seconds: float) -> Fault:
    """The first byte comes so many seconds after the operation took effect."""

    def fault(exchange: Exchange) -> None:
        whole = written(exchange.answer())
        exchange.hold(seconds)
        exchange.send(whole)

    return fault


def a_byte_a_second(exchange: Exchange) -> None:
    for byte in written(exchange.answer()):
        exchange.send(bytes([byte]))
        exchange.hold(1)


def cut(share: float) -> Fault:
    """JSON that ends in the middle, in an answer that says it is whole."""

    def fault(exchange: Exchange) -> None:
        answer = exchange.answer()
        exchange.send(written(with_body(answer, answer.body[: int(len(answer.body) * share)])))

    return fault


def of_length(more: int) -> Fault:
    """The Content-Length is so much more than what is sent."""

    def fault(exchange: Exchange) -> None:
        answer = exchange.answer()
        exchange.send(written(answer, length=len(answer.body) + more))

    return fault


def packed(body: bytes | None = None) -> Fault:
    """gzip, which nobody asked for."""

    def fault(exchange: Exchange) -> None:
        answer = exchange.answer()
        headers = {**answer.headers, "content-encoding": "gzip"}
        exchange.send(written(replace(answer, headers=headers, body=body or gzip.compress(answer.body))))

    return fault


def endless_header(exchange: Exchange) -> None:
    exchange.answer()
    exchange.send(b"HTTP/1.1 200 -\r\nx-endless: ")
    while not exchange.over.is_set():
        exchange.send(b"x" * 4096)


def endless_headers(exchange: Exchange) -> None:
    exchange.answer()
    exchange.send(b"HTTP/1.1 200 -\r\n")
    while not exchange.over.is_set():
        exchange.send(b"x-endless: header\r\n" * 200)


def endless_body(exchange: Exchange) -> None:
    exchange.answer()
    exchange.send(b'HTTP/1.1 200 -\r\ncontent-type: application/json\r\n\r\n{"Data":"')
    while not exchange.over.is_set():
        exchange.send(b"x" * 65536)


def twice(exchange: Exchange) -> None:
    """The second one waits for whoever asks something else on the same connection, which stays open."""
    exchange.send(written(exchange.answer(), connection="keep-alive") * 2)
    while exchange.connection.recv(65536):
        pass


def old_protocol(exchange: Exchange) -> None:
    exchange.send(written(exchange.answer(), version="1.0"))


def after_100(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 100 Continue\r\n\r\n")
    exchange.send(b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n")
    sound(exchange)


def nothing_but_100(exchange: Exchange) -> None:
    exchange.answer()
    while not exchange.over.is_set():
        exchange.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        exchange.hold(0.05)


def no_http(exchange: Exchange) -> None:
    exchange.answer()
    exchange.send(b"\0\1\2SSH-2.0-OpenSSH_9.6\r\n\r\n")


def another_task(exchange: Exchange) -> None:
    """Rows of tasks that are not ours, each of which has ended well."""
    answer = exchange.answer()
    body = told(answer)
    for row in body.get("OnceTasks", []):
        row |= {"TaskId": "f" * 32, "StatusText": "SUCCESS", "Finish": 1, "Progress": 100, "Target": "e" * 64}
    for row in body.get("ImageInstanceList", []):
        row |= {"Uuid": "another", "ImageId": "e" * 64, "Digest": "e" * 64, "ScaStatus": "SUCCESS", "RepoName": "other"}
    exchange.send(written(replace(answer, body=json.dumps(body).encode())))
