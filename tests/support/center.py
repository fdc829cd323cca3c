"""Security Center without a network: a clock that nobody waits for, and canned answers in order."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
from pydantic import SecretStr

from jenkins_scan.security_center.client import SecurityCenterClient
from jenkins_scan.security_center.credentials import Credentials
from jenkins_scan.security_center.endpoints import Endpoint
from jenkins_scan.security_center.interface import Answer, CreatedTask, Quota, ScanRequest
from jenkins_scan.security_center.signing import AcsV3Auth

NOON = 1_735_819_200.0
"""2025-01-02T12:00:00Z."""
DATE = "Thu, 02 Jan 2025 12:00:00 GMT"
TASK_ID = "fc98d58eb56f699d49bf7ebbd6d70a1b"
REQUEST_ID = "52870893-48A7-5A9E-9E05-6253E5B60001"
UUID = "6690a46c-0edb-4663-a641-3629d1a9c0de"
DIGEST = "a8c9f3765684cd8d9053db9523eab58878e99a199217500efd9ae2a860a7e01e"
TOKEN = "c3de8326-273e-11fc-a0e3-d012435c0000"
KEYS = Credentials("YourAccessKeyId", SecretStr("YourAccessKeySecret"))
ENDPOINT = Endpoint("https://tds.cn-shanghai.aliyuncs.com", region="cn-hangzhou")

SAMPLES: Mapping[str, Any] = json.loads(
    (Path(__file__).parents[1] / "contract/security_center/samples.json").read_text(encoding="utf-8")
)
"""The body of each status and findings operation, by operation, as its API page shows it."""


class FakeClock:
    """A clock that moves only when somebody sleeps or says so; notes every sleep."""

    def __init__(self, now: float = NOON, monotonic: float = 1000.0) -> None:
        self._now = now
        self._monotonic = monotonic
        self.sleeps: list[float] = []

    def now(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Time that passes without a sleep, such as a slow answer's."""
        self._now += seconds
        self._monotonic += seconds


@dataclass(frozen=True)
class Canned:
    """One answer, as often as it is asked for."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> httpx.Response:
        return httpx.Response(self.status, stream=httpx.ByteStream(self.body), headers={"date": DATE, **self.headers})


def as_json(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Canned:
    return Canned(status, json.dumps(body).encode(), {"content-type": "application/json", **(headers or {})})


def created(task_id: str = TASK_ID, **data: Any) -> Canned:
    """The answer to a create; `data` are fields of `Data` as they are on the wire."""
    return as_json({"RequestId": REQUEST_ID, "Data": {"TaskId": task_id, "ImageScanCapacity": 100, **data}})


def quota(capacity: int = 100, used: int = 10) -> Canned:
    return as_json({"RequestId": REQUEST_ID, "ImageScan": {"ImageScanCapacity": capacity, "ScanCount": used}})


def listed(*rows: Mapping[str, Any]) -> Canned:
    """The answer of DescribeImageLatestScanTask."""
    return as_json({"RequestId": REQUEST_ID, "Task": list(rows)})


def page(name: str, *rows: Any, total: int | None = None) -> Canned:
    """A page of a list that calls its rows `name`; without a total there are no others."""
    return as_json({"RequestId": REQUEST_ID, "TotalCount": len(rows) if total is None else total, name: list(rows)})


def refused(code: str | None, status: int = 400, message: str = "no", after: str | None = None, **more: Any) -> Canned:
    """An error answer; `after` is `x-acs-retry-after` in milliseconds."""
    body = {"RequestId": REQUEST_ID, "Message": message, **({} if code is None else {"Code": code}), **more}
    return as_json(body, status, {} if after is None else {"x-acs-retry-after": after})


def html(status: int = 200, text: str = "<html><body>Sign in to the proxy</body></html>") -> Canned:
    return Canned(status, text.encode(), {"content-type": "text/html"})


CONNECT_ERROR = httpx.ConnectError("[Errno 111] Connection refused")
CONNECT_TIMEOUT = httpx.ConnectTimeout("timed out")
READ_TIMEOUT = httpx.ReadTimeout("The read operation timed out")
RESET = httpx.ReadError("[Errno 104] Connection reset by peer")
CLOSED = httpx.RemoteProtocolError("Server disconnected without sending a response.")

Given = Canned | Exception | Callable[[httpx.Request], Canned]


class Replies:
    """Gives the answers in order, raises those that are exceptions, and keeps every request.

    A further request than there are answers is a failed test. With `forever` the last answer is given again and again.
    """

    def __init__(self, *answers: Given, forever: bool = False) -> None:
        self._left = list(answers)
        self._forever = forever
        self.requests: list[httpx.Request] = []
        self.transport = httpx.MockTransport(self._next)

    def _next(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        assert self._left, f"nobody expected request {len(self.requests)}: {request.headers['x-acs-action']}"
        answer = self._left[0] if self._forever and len(self._left) == 1 else self._left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return (answer if isinstance(answer, Canned) else answer(request)).response()

    @property
    def asked(self) -> list[str]:
        """The operations that were asked, in order."""
        return [request.headers["x-acs-action"] for request in self.requests]

    @property
    def form(self) -> dict[str, str]:
        """The form of the last request."""
        return dict(parse_qsl(self.requests[-1].content.decode(), keep_blank_values=True, strict_parsing=True))

    def client(
        self, clock: FakeClock | None = None, *, token: str | None = TOKEN, endpoint: Endpoint = ENDPOINT
    ) -> SecurityCenterClient:
        """A client that gets these answers."""
        clock = clock or FakeClock()
        # Not by `connect`: it would load the CAs of the world for each of some thousand clients.
        http = httpx.Client(auth=AcsV3Auth(KEYS, now=clock.now), transport=self.transport)
        return SecurityCenterClient(http, endpoint, None if token is None else SecretStr(token), clock)


def create(replies: "Replies", clock: FakeClock) -> Answer[CreatedTask]:
    """One create of an image with a digest, within the budget of a step."""
    return replies.client(clock).create_jenkins_image_scan_task(
        ScanRequest(digest=DIGEST), deadline=clock.monotonic() + 30
    )


def ask_quota(replies: "Replies", clock: FakeClock) -> Answer[Quota]:
    """One read of the quota, within the same budget."""
    return replies.client(clock).describe_image_scan_auth_count(deadline=clock.monotonic() + 30)
