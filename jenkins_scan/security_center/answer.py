"""What an answer of the service means: a value, or a failed try with its error.

The promised parts are required even of an HTTP 200, and the envelope (`Success`, `Code`) is checked whenever it is
there: a silent soft failure must never look like a task. Proxies answer HTML and gateways XML: then the HTTP status
and a short excerpt are what helps.
"""

import logging
import re
from collections.abc import Mapping
from typing import Any, Protocol, TypeVar

import httpx
from pydantic import ValidationError

from jenkins_scan import errors, untrusted_json
from jenkins_scan.plain_text import excerpt, one_line
from jenkins_scan.security_center.codes import look_up
from jenkins_scan.security_center.exchange import RawAnswer
from jenkins_scan.security_center.interface import Answer
from jenkins_scan.security_center.retry import TryFailed

SUCCESS_CODES = ("200", "ok", "success")
NOT_TAKEN = frozenset({301, 302, 307, 308})
"""Redirects by which the request is to be sent to another place: here nothing was done (RFC 9110, 15.4)."""
LONGEST_TEXT = 1000
"""Characters of a message or an id that are kept."""
T = TypeVar("T")
V_co = TypeVar("V_co", covariant=True)
log = logging.getLogger(__name__)


class Reply(Protocol[V_co]):
    """A wire model of a whole reply."""

    def value(self) -> V_co:
        """What the reply says, in our own types."""
        ...

    @classmethod
    def model_validate(cls, obj: Any) -> "Reply[V_co]":
        """The reply read from JSON."""
        ...


class Read(Protocol):
    """Asks one operation that changes nothing, with retries. Raises `ScanError`."""

    def __call__(self, operation: str, query: Mapping[str, str], model: type[Reply[T]], deadline: float) -> Answer[T]:
        """The answer, read by the operation's model."""
        ...


def understood(operation: str, raw: RawAnswer, model: type[Reply[T]]) -> Answer[T]:
    """The answer read by the operation's model. Raises `TryFailed`."""
    body = _json_object(operation, raw)
    envelope = {str(key).lower(): value for key, value in body.items()}
    request_id = _text(envelope.get("requestid"))
    code = _text(envelope.get("code"))
    refused = not _says_success(envelope) or (code is not None and code.lower() not in SUCCESS_CODES)
    if raw.status != httpx.codes.OK or refused:
        raise _refused(operation, raw, code, envelope)
    try:
        value = model.model_validate(body).value()
    except ValidationError as exc:
        parts = ", ".join(dict.fromkeys(".".join(map(str, item["loc"])) for item in exc.errors()[:3]))
        strange = errors.AnswerNotUnderstood(
            f"{operation}: the answer (HTTP 200) lacks {one_line(parts)}, or has it in another form than documented.",
            request_id=request_id,
        )
        raise TryFailed(strange, again=False, may_have_run=True) from exc
    log.debug("%s answered: request id %s", operation, request_id)
    return Answer(value, request_id, raw.server_time)


def _says_success(envelope: Mapping[str, Any]) -> bool:
    """Whether `Success` and `HttpStatusCode` of the envelope, where they are there, say so."""
    success, status = envelope.get("success"), _text(envelope.get("httpstatuscode"))
    return (success is None or str(success).lower() == "true") and status in (None, "200")


def _json_object(operation: str, raw: RawAnswer) -> dict[str, Any]:
    problem = "" if raw.whole else "is larger than 8 MiB"
    body: Any = None
    try:
        body = untrusted_json.parse(raw.body) if raw.whole else None
    except ValueError:
        problem = "is not JSON"
    if isinstance(body, dict):
        return body
    strange = errors.AnswerNotUnderstood(
        f"{operation}: the answer (HTTP {raw.status}, {excerpt(raw.content_type, 60) or 'no content type'}) "
        f"{problem or 'is not a JSON object'}: {_shown(raw.body)}.",
        http_status=raw.status,
    )
    server_side = raw.status >= httpx.codes.INTERNAL_SERVER_ERROR
    too_many = raw.status == httpx.codes.TOO_MANY_REQUESTS
    done = raw.status < httpx.codes.MULTIPLE_CHOICES
    raise TryFailed(
        strange,
        again=server_side or done or too_many,
        may_have_run=server_side or _may_be_done(raw.status),
        after=raw.retry_after,
    )


def _may_be_done(status: int) -> bool:
    """Whether an answer with this status, and no error code in it, may be of a request that was carried out."""
    return status < httpx.codes.BAD_REQUEST and status not in NOT_TAKEN


def _refused(operation: str, raw: RawAnswer, code: str | None, envelope: Mapping[str, Any]) -> TryFailed:
    message, request_id = _text(envelope.get("message")), _text(envelope.get("requestid"))
    entry = look_up(code, raw.status)
    said = f"{code or 'no error code'}{f' ({message})' if message else ''}, HTTP {raw.status}"
    remedy = entry.remedy
    if entry.error is errors.PermissionDenied:
        action = _missing_action(envelope) or f"yundun-sas:{operation}"
        said += f", missing action {action}"
        remedy = f"Grant {action} (Resource *) to the RAM user or role of this AccessKey."
    error = entry.error(
        f"{operation}: {entry.cause}: {said}.",
        remedy=remedy,
        service_code=code,
        request_id=request_id,
        http_status=raw.status,
    )
    if isinstance(error, errors.ServiceThrottled):
        error.after = raw.retry_after
    server_side = raw.status >= httpx.codes.INTERNAL_SERVER_ERROR
    # A refusal has no `Data`, and its status is 200 or an error's: anything else may be a task that we fail to read.
    ambiguous = _may_be_done(raw.status) and (raw.status != httpx.codes.OK or envelope.get("data"))
    may_have_run = entry.may_have_run or bool(ambiguous) or (server_side and not entry.retry)
    return TryFailed(
        error, again=entry.retry, may_have_run=may_have_run, after=raw.retry_after, once=code == "SignatureNonceUsed"
    )


def _shown(body: bytes) -> str:
    """How the body begins. Of what looks like JSON only the size: half an answer may hold a secret of the image."""
    text = body[:4096].decode("utf-8", "replace")
    if text.lstrip("\ufeff \t\r\n")[:1] in ("{", "[", '"'):
        return f"{len(body)} bytes that are not shown"
    return repr(excerpt(_unescaped(text), 120))


def _unescaped(text: str) -> str:
    """JSON escapes undone in text that is no whole JSON: an escaped secret could not be recognised and taken out."""
    return re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), text).replace("\\/", "/")


def _missing_action(envelope: Mapping[str, Any]) -> str | None:
    detail = envelope.get("accessdenieddetail")
    return _text(detail.get("AuthAction")) if isinstance(detail, dict) else None


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, dict | list):
        return None
    return excerpt(str(value), LONGEST_TEXT) or None
