"""What goes in and what comes out of the sandbox: a request as received, a reply, a connection that just ends."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from jenkins_scan.sandbox import STAMP

FORM = "application/x-www-form-urlencoded"
JSON = "application/json;charset=utf-8"


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, decoded once. Header names are lower case; of a repeated parameter the last one counts."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @classmethod
    def received(cls, method: str, target: str, headers: Mapping[str, str], body: bytes) -> "Request":
        """The request behind a raw request target such as `/?JenkinsEnv=release`."""
        path, _, query = target.partition("?")
        lowered = {name.lower(): value for name, value in headers.items()}
        return cls(method, path, decoded(query), lowered, body)

    @property
    def action(self) -> str:
        """The operation that is asked for; empty when none is named."""
        return self.headers.get("x-acs-action", "")

    @property
    def form(self) -> Mapping[str, str]:
        """The form parameters; empty unless the body says that it is a form."""
        media_type = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        return decoded(self.body.decode("utf-8", "replace")) if media_type == FORM else {}


def decoded(parameters: str) -> dict[str, str]:
    """The decoded parameters of a query string or form; a `+` is a space."""
    return dict(parse_qsl(parameters, keep_blank_values=True))


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP answer. Header names are lower case; content-length is left to the transport."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Dropped:
    """No answer: the scenario closes the connection, maybe after the operation took effect."""


class Refused(Exception):
    """A request that gets an error body instead of its operation."""

    def __init__(self, status: int, code: str, message: str, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message
        self.details = dict(details or {})
        """More fields of the error body, such as `AccessDeniedDetail`."""


def json_reply(status: int, body: Mapping[str, Any], *, date: str, headers: Mapping[str, str] | None = None) -> Reply:
    """A stamped JSON answer; `date` is the server's clock as an HTTP date."""
    return raw_reply(status, json.dumps(body, ensure_ascii=False).encode(), JSON, date=date, headers=headers)


def raw_reply(
    status: int, body: bytes, content_type: str, *, date: str, headers: Mapping[str, str] | None = None
) -> Reply:
    """A stamped answer of any content: what a proxy would send is stamped as well."""
    extra = {name.lower(): value for name, value in (headers or {}).items()}
    return Reply(status, {"date": date, "content-type": content_type, **extra, STAMP: "1"}, body)
