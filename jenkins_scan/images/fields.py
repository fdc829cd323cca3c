"""One field of an untrusted JSON object at a time: an engine's answer, an archive's manifest or config.

Missing and `null` mean "not known" and give `None`. A value of another type than promised is `errors.UnreadableImage`.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final, cast

from jenkins_scan import untrusted_json
from jenkins_scan.errors import UnreadableImage
from jenkins_scan.images.interface import Platform

SHA256: Final = re.compile(r"sha256:[0-9a-f]{64}")
"""A digest as this package compares it."""

_TIME: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9})\d*)?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII
)


def parse_json(data: bytes, what: str) -> Any:
    """The JSON value in `data`, which is named `what` in errors. Raises `UnreadableImage`, also for deep nesting."""
    try:
        return untrusted_json.parse(data)
    except ValueError as exc:
        raise UnreadableImage(f"{what} is not readable as JSON ({type(exc).__name__}).") from exc


def as_object(value: Any, what: str) -> Mapping[str, Any]:
    """`value`, which has to be a JSON object."""
    if not isinstance(value, dict):
        raise UnreadableImage(f"{what} is {_kind(value)}, not an object.")
    return cast("dict[str, Any]", value)


def as_list(value: Any, what: str) -> list[Any]:
    """`value`, which has to be a JSON array."""
    if not isinstance(value, list):
        raise UnreadableImage(f"{what} is {_kind(value)}, not a list.")
    return value


def text(body: Mapping[str, Any], key: str) -> str | None:
    """The text under `key`; `None` when it is missing, `null` or empty."""
    value = body.get(key)
    if value is not None and not isinstance(value, str):
        raise UnreadableImage(f"{key} is {_kind(value)}, not a text.")
    return value or None


def texts(body: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """The texts under `key`; empty when it is missing or `null`."""
    value = body.get(key)
    if value is None:
        return ()
    if not all(isinstance(item, str) for item in as_list(value, key)):
        raise UnreadableImage(f"{key} holds something that is not a text.")
    return tuple(value)


def inner(body: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The object under `key`; empty when it is missing or `null`."""
    value = body.get(key)
    return {} if value is None else as_object(value, key)


def count(body: Mapping[str, Any], key: str) -> int | None:
    """The whole number under `key`, zero or more."""
    value = body.get(key)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise UnreadableImage(f"{key} is not a whole number of zero or more.")
    return value


def digests(body: Mapping[str, Any], key: str) -> tuple[str, ...] | None:
    """The sha256 digests under `key`; `None` when it is missing or `null`."""
    if body.get(key) is None:
        return None
    values = texts(body, key)
    if not all(SHA256.fullmatch(value) for value in values):
        raise UnreadableImage(f"{key} holds something that is not a sha256 digest.")
    return values


def digest(body: Mapping[str, Any], key: str) -> str | None:
    """The sha256 digest under `key`, with its prefix; a bare one gets it."""
    value = text(body, key)
    if value is None:
        return None
    full = value if value.startswith("sha256:") else f"sha256:{value}"
    if not SHA256.fullmatch(full):
        raise UnreadableImage(f"{key} is not a sha256 digest.")
    return full


def time(body: Mapping[str, Any], key: str) -> datetime | None:
    """The RFC 3339 time under `key` in UTC, cut to microseconds.

    `None` for a text that is no time and for year 1, Go's zero time. 1970 is a value: `SOURCE_DATE_EPOCH=0` gives it.
    """
    match = _TIME.fullmatch(text(body, key) or "")
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    fraction, sign, off_hours, off_minutes = match.groups()[6:]
    # datetime keeps microseconds: the engine's nanoseconds are cut here, on purpose and not by a parser's habit.
    micro = int((fraction or "").ljust(6, "0")[:6])
    try:
        offset = timedelta(hours=int(off_hours or 0), minutes=int(off_minutes or 0))
        zone = timezone(-offset if sign == "-" else offset)
        moment = datetime(year, month, day, hour, minute, second, micro, tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return None if moment.year == 1 else moment


def platform(body: Mapping[str, Any], system_key: str, architecture_key: str, variant_key: str) -> Platform | None:
    """The platform under these keys; `None` unless both its system and its architecture are there."""
    system, architecture, variant = (text(body, key) for key in (system_key, architecture_key, variant_key))
    return Platform(system, architecture, variant) if system and architecture else None


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
