"""Answers of the service with one field changed: removed, emptied, renamed or retyped, wherever it stands.

A change strikes one answer of a run, or it is how the service writes that field from now on: then it strikes the field
in every row of every answer of the operation.
"""

import copy
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from jenkins_scan import sandbox
from jenkins_scan.security_center import wire, wire_status
from jenkins_scan.security_center.answer import understood
from jenkins_scan.security_center.client import CREATE
from jenkins_scan.security_center.exchange import RawAnswer
from jenkins_scan.security_center.finding_lists import COUNTS, LISTS, PLACES
from jenkins_scan.security_center.retry import TryFailed
from jenkins_scan.security_center.wire_counts import ScanCountReply

QUOTA = "DescribeImageScanAuthCount"
LATEST = "DescribeImageLatestScanTask"
INSTANCES = "DescribeImageInstances"
LEAF_RECORDS = "DescribeOnceTaskLeafRecordPage"
UNFINISHED = "ListUnfinishedOnceTask"
SUBMIT = frozenset({QUOTA, CREATE})
STATUS = frozenset({LATEST, INSTANCES, LEAF_RECORDS, UNFINISHED})
FINDINGS = frozenset({COUNTS, PLACES.name, *(each.name for each in LISTS.values())})

EACH = "*"
"""In a path: every element of that list."""
SECRETS = (sandbox.SECRET_TEXT, sandbox.SAMPLE_URL, sandbox.TOKEN, sandbox.ACCESS_KEY_SECRET)
"""What stands in answers and requests, and in no output."""
MANY = 3
"""Of a longer list the first and the last element are changed alone."""
NOT_JSON = b"<html>Sign in to the proxy</html>"
_CONTENT_KEY = re.compile("key='[0-9a-f]{64}'")
MODELS: dict[str, Any] = {
    QUOTA: wire.DescribeImageScanAuthCountReply,
    CREATE: wire.CreateJenkinsImageScanTaskReply,
    LATEST: wire_status.LatestTasksReply,
    INSTANCES: wire_status.ImageInstancesReply,
    UNFINISHED: wire_status.UnfinishedTasksReply,
    LEAF_RECORDS: wire_status.LeafRecordsReply,
    COUNTS: ScanCountReply,
    PLACES.name: PLACES.reply,
    **{each.name: each.reply for each in LISTS.values()},
}
"""What each operation's answer is read by."""

Way = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Recorded:
    """One answer of a run, in the order in which they came."""

    operation: str
    number: int
    """Which answer of this operation it is, from 0."""
    body: bytes


@dataclass(frozen=True, slots=True)
class Change:
    """One field of one answer, or of every answer of the operation, written otherwise."""

    operation: str
    number: int | None
    """Which answer of the operation; None: every one."""
    path: Way
    """The way to the field; empty for the whole body."""
    how: str
    """A key of what `ways` gives for the field."""

    def __str__(self) -> str:
        which = "every answer" if self.number is None else f"answer {self.number}"
        return f"{self.operation}, {which}: {self.how} {'.'.join(map(str, self.path)) or 'the body'}"

    def strikes(self, operation: str, number: int) -> bool:
        """Whether that answer is changed."""
        return operation == self.operation and self.number in (None, number)

    def applied(self, body: bytes) -> bytes:
        """The body with the change."""
        if not self.path:
            return BODIES[self.how](body)
        content = json.loads(body)
        for parent, key in list(_places(content, self.path)):
            _change(parent, key, self.how)
        return json.dumps(content).encode()


BODIES = {
    "empty object for": lambda _: b"{}",
    "list for": lambda _: b"[]",
    "null for": lambda _: b"null",
    "list around": lambda body: b"[" + body + b"]",
    "text around": lambda body: json.dumps(body.decode()).encode(),
    "nothing for": lambda _: b"",
    "HTML for": lambda _: NOT_JSON,
    "the first half of": lambda body: body[: len(body) // 2],
    "a comma at the end of": lambda body: body[:-1] + b",}",
}
RENAMED = {"lower case for": str.lower, "upper case for": str.upper, "a longer name for": "{}X".format}
REMOVED = "no"


def ways(value: Any, *, has_name: bool) -> dict[str, Any]:
    """What can stand in place of a value, by what is done to it; removed and renamed fields map to None."""
    found = {REMOVED: None} | dict.fromkeys(RENAMED if has_name else ())
    return found | {"null for": None} | _others(value)


def _others(value: Any) -> dict[str, Any]:
    return OTHERS[type(value)](value)


OTHERS: dict[type, Callable[[Any], dict[str, Any]]] = {
    type(None): lambda _: {"empty text for": "", "0 for": 0, "empty object for": {}},
    bool: lambda value: {
        "the opposite of": not value,
        "empty text for": "",
        "text for": str(value),
        "a number for": int(value),
        "object for": {},
    },
    int: lambda value: {
        "0 for": 0,
        "empty text for": "",
        "text for": str(value),
        "a float for": value + 0.5,
        "a whole float for": float(value),
        "a huge number for": 10**400,
        "infinity for": math.inf,
        "no number for": math.nan,
        "a larger number for": value + 2**40,
        "a negative number for": -value - 1,
        "object around": {"value": value},
        "list around": [value],
    },
    str: lambda value: {
        "empty text for": "",
        "blanks for": "  ",
        "another text for": "other",
        "a number for": 7,
        "true for": True,
        "object around": {"value": value},
        "list around": [value],
    },
    list: lambda value: {
        "empty list for": [],
        "object for": {str(place): each for place, each in enumerate(value)},
        "text for": json.dumps(value),
        "0 for": 0,
        "list around": [value],
        "one row twice in": [*value, *copy.deepcopy(value[:1])],
        "all but one in": value[1:],
    },
    dict: lambda value: {
        "empty object for": {},
        "list for": list(value.values()),
        "list around": [value],
        "text for": json.dumps(value),
        "empty text for": "",
    },
}
"""What else can stand in place of a value of each JSON type. The service sends no fractions."""


def changes(answers: Sequence[Recorded]) -> Iterator[Change]:
    """Every change of one field of one of these answers, and of one field in every answer of an operation."""
    for answer in answers:
        yield from _changes(answer.operation, answer.number, [answer.body], everywhere=False)
    for operation in dict.fromkeys(answer.operation for answer in answers):
        bodies = [answer.body for answer in answers if answer.operation == operation]
        yield from _changes(operation, None, bodies, everywhere=True)


def _changes(operation: str, number: int | None, bodies: Iterable[bytes], *, everywhere: bool) -> Iterator[Change]:
    """Each once, as often as the field stands there."""
    seen = dict.fromkeys(
        (path, how)
        for body in bodies
        for path, value in _paths(json.loads(body), everywhere=everywhere)
        for how in ways(value, has_name=isinstance(path[-1], str) and path[-1] != EACH)
    )
    seen |= dict.fromkeys(((), how) for how in BODIES)
    return (Change(operation, number, path, how) for path, how in seen)


def _paths(value: Any, here: Way = (), *, everywhere: bool) -> Iterator[tuple[Way, Any]]:
    """The way to every part of a body, and what stands there."""
    parts: Iterable[tuple[str | int, str | int, Any]] = ()
    if isinstance(value, dict):
        parts = ((key, key, part) for key, part in value.items())
    elif isinstance(value, list):
        chosen = range(len(value)) if len(value) <= MANY else (0, len(value) - 1)
        parts = ((place, EACH if everywhere else place, value[place]) for place in chosen)
    for _, shown, part in parts:
        yield (*here, shown), part
        yield from _paths(part, (*here, shown), everywhere=everywhere)


def _places(content: Any, path: Way) -> Iterator[tuple[Any, str | int]]:
    """The containers in which the field stands, each with its key there; the last one first."""
    first, *rest = path
    if first == EACH:
        keys: Sequence[str | int] = range(len(content))[::-1] if isinstance(content, list) else ()
    else:
        there = (
            first in content if isinstance(content, dict) else isinstance(content, list) and int(first) < len(content)
        )
        keys = [first] if there else ()
    for key in keys:
        if rest:
            yield from _places(content[key], tuple(rest))
        else:
            yield content, key


def _holds(content: Any, key: str | int) -> bool:
    if isinstance(key, str):
        return isinstance(content, dict) and key in content
    return isinstance(content, list) and key < len(content)


def _change(parent: Any, key: Any, how: str) -> None:
    if how == REMOVED:
        del parent[key]
    elif how in RENAMED:
        parent[RENAMED[how](key)] = parent.pop(key)
    elif (others := ways(parent[key], has_name=False)).keys() >= {how}:  # else another row has another type there
        parent[key] = others[how]


def distinct(answers: Sequence[Recorded], candidates: Iterable[Change] | None = None) -> Iterator[Change]:
    """One of those changes that the client understands alike; none that it does not see. By default of all changes.

    Whatever a run does with an answer, it does it with what `understood` made of it. A field that nobody reads can be
    changed in any way, and it is the same run; so is one that is read as absent however it was spoilt.
    """
    bodies: dict[str, list[Recorded]] = {}
    for answer in answers:
        bodies.setdefault(answer.operation, []).append(answer)
    seen = {(each.operation, each.number, _understood(each.operation, [each.body])) for each in answers}
    seen |= {(name, None, _understood(name, [each.body for each in listed])) for name, listed in bodies.items()}
    for change in changes(answers) if candidates is None else candidates:
        struck = [each.body for each in bodies[change.operation] if change.strikes(each.operation, each.number)]
        meant = (change.operation, change.number, _understood(change.operation, map(change.applied, struck)))
        if meant not in seen:
            seen.add(meant)
            yield change


def _understood(operation: str, bodies: Iterable[bytes]) -> tuple[str, ...]:
    return tuple(_meaning(operation, body) for body in bodies)


def _meaning(operation: str, body: bytes) -> str:
    raw = RawAnswer(200, "application/json", body, whole=True, server_time=None, retry_after=None, sandbox=True)
    try:
        answer = understood(operation, raw, MODELS[operation])
    except TryFailed as failed:
        leak = any(secret in failed.error.message for secret in SECRETS)
        return repr((type(failed.error), failed.error.service_code, failed.again, failed.may_have_run, leak))
    keys: dict[str, str] = {}
    # Of a row without a key of its own the whole content is one, in which nothing counts but that it is another row's.
    value = _CONTENT_KEY.sub(lambda key: keys.setdefault(key[0], f"key {len(keys)}"), repr(answer.value))
    return repr((value, answer.request_id is None))
