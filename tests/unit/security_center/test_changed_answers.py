"""Any one field of an answer removed, renamed, emptied or retyped: never a wrong success, never a stray exception."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jenkins_scan.errors import ScanError
from jenkins_scan.findings import Severity
from jenkins_scan.security_center.answer import understood
from jenkins_scan.security_center.exchange import RawAnswer
from jenkins_scan.security_center.finding_lists import COUNTS, FindingOperations
from jenkins_scan.security_center.interface import ImageKey, Phase, Source
from jenkins_scan.security_center.retry import TryFailed
from jenkins_scan.security_center.task_operations import TaskOperations
from tests.support.center import DIGEST, NOON, SAMPLES, TASK_ID, UUID

OTHERS: tuple[Any, ...] = ("", None, [], {}, "other", -1, True, 10**400, ["SUCCESS"], "\ud800")
STATUS_OPERATIONS = {
    "DescribeImageLatestScanTask": ("latest", {"digest": DIGEST}, ("Task", "Status")),
    "DescribeImageInstances": ("of_image", {"digest": DIGEST}, ("ImageInstanceList", "ScaStatus")),
    "DescribeOnceTaskLeafRecordPage": ("by_id", {"task_id": TASK_ID}, ("OnceTasks", "StatusText")),
    "ListUnfinishedOnceTask": ("unfinished", {"digest": DIGEST}, ("OnceTasks", "StatusText")),
}
LISTS = {
    Source.CVE: "DescribeImageVulList",
    Source.SCA: "DescribeImageGroupedVulList",
    Source.BASELINE: "DescribeImageBaselineCheckResult",
    Source.MALICIOUS_FILE: "DescribeGroupedMaliciousFiles",
    Source.SENSITIVE_FILE: "DescribeImageSensitiveFileList",
    Source.BUILD_RISK: "DescribeImageBuildRiskByKey",
}
IMAGE = ImageKey(UUID, DIGEST)
PLACES = "DescribeAffectedMaliciousFileImages"


def paths(value: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every part of a body."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in items:
        yield (*here, key)
        yield from paths(part, (*here, key))


def changed(body: Any, path: tuple[Any, ...], how: Any) -> Any:
    """The body with one part removed (`how` is REMOVED), renamed, or replaced."""
    body = copy.deepcopy(body)
    parent = body
    for key in path[:-1]:
        parent = parent[key]
    if how is REMOVED:
        del parent[path[-1]]
    elif how is RENAMED and isinstance(parent, dict):
        parent[f"{path[-1]}X"] = parent.pop(path[-1])
    else:
        parent[path[-1]] = "renamed" if how is RENAMED else how
    return body


REMOVED, RENAMED = object(), object()
CHANGES = (REMOVED, RENAMED, *OTHERS)


class Bodies:
    """Answers each operation with its body, by the client's own reading but without HTTP; further pages are empty."""

    def __init__(self, bodies: dict[str, Any]) -> None:
        self._bodies = bodies

    def __call__(self, operation, query, model, deadline):
        body = self._bodies[operation]
        content = json.dumps(body if query.get("CurrentPage", "1") == "1" else emptied(body)).encode()
        raw = RawAnswer(200, "application/json", content, True, NOON, None, False)
        try:
            return understood(operation, raw, model)
        except TryFailed as failed:
            raise failed.error from failed


def statuses(operation: str, body: Any):
    method, key, _ = STATUS_OPERATIONS[operation]
    return getattr(TaskOperations(Bodies({operation: body})), method)(**key, deadline=NOON).value


def with_word(operation: str, word: str) -> Any:
    rows, name = STATUS_OPERATIONS[operation][2]
    return changed(SAMPLES[operation], (rows, 0, name), word)


@pytest.mark.parametrize("word", ["FAIL", "SUCCESS"])
@pytest.mark.parametrize("operation", STATUS_OPERATIONS)
def test_a_changed_status_is_never_good_by_the_change(operation, word):
    body = with_word(operation, word)
    for path in paths(body):
        for how in CHANGES:
            try:
                found = statuses(operation, changed(body, path, how))
            except ScanError:
                continue
            if word != "SUCCESS":
                assert all(status.phase is not Phase.GOOD for status in found), (path, how)


def listed(source: Source, bodies: dict[str, Any]):
    return FindingOperations(Bodies(bodies)).findings(source, IMAGE, deadline=NOON)


def emptied(body: Any) -> Any:
    """The body without rows."""
    if isinstance(body, dict):
        return {key: [] if isinstance(part, list) else emptied(part) for key, part in body.items()}
    return body


def raised(body: Any) -> Any:
    """The body with the one build risk as bad as the other samples."""
    return json.loads(json.dumps(body).replace('"medium"', '"high"'))


@pytest.mark.parametrize("of", ["list", "places"])
@pytest.mark.parametrize("source", Source)
def test_a_changed_list_never_hides_its_finding(source, of):
    bodies = {operation: raised(SAMPLES[operation]) for operation in (LISTS[source], PLACES)}
    operation = LISTS[source] if of == "list" else PLACES
    for path in paths(bodies[operation]) if of == "list" or source is Source.MALICIOUS_FILE else ():
        for how in CHANGES:
            body = changed(bodies[operation], path, how)
            try:
                found = listed(source, {**bodies, operation: body})
            except ScanError:
                continue
            shown = any(finding.severity.is_at_least(Severity.HIGH) for finding in found.findings)
            assert shown or not found.complete, (path, how)
            assert found.complete or found.complaints, (path, how)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(max_size=5), parts, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(sorted(STATUS_OPERATIONS)), st.data())
def test_anything_in_place_of_a_part_of_a_status_is_a_status_or_an_error(operation, data):
    body = with_word(operation, "FAIL")
    path = data.draw(st.sampled_from(list(paths(body))))
    try:
        found = statuses(operation, changed(body, path, data.draw(JSON)))
    except ScanError:
        return
    assert all(status.phase is not Phase.GOOD for status in found)


@given(st.sampled_from(Source), st.data())
def test_anything_in_place_of_a_part_of_a_list_is_a_list_or_an_error(source, data):
    bodies = {operation: SAMPLES[operation] for operation in (LISTS[source], PLACES)}
    operation = data.draw(st.sampled_from(sorted(bodies)))
    path = data.draw(st.sampled_from(list(paths(bodies[operation]))))
    try:
        found = listed(source, {**bodies, operation: changed(bodies[operation], path, data.draw(JSON))})
    except ScanError:
        return
    assert found.complete or found.complaints
    assert found.received == 0 or found.handled or found.findings


@given(JSON)
def test_any_counts_are_numbers_or_an_error(data):
    try:
        counts = FindingOperations(Bodies({COUNTS: {"Data": data}})).counts(IMAGE, deadline=NOON)
    except ScanError:
        return
    assert all(count >= 0 for count in counts.value.values())
