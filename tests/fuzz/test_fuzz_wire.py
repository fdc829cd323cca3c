"""Answers of the service: whatever they hold, our own types or a failed try with our own error."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jenkins_scan.security_center import wire_registry
from jenkins_scan.security_center.answer import understood
from jenkins_scan.security_center.exchange import RawAnswer
from jenkins_scan.security_center.interface import Answer
from jenkins_scan.security_center.retry import TryFailed
from tests.fuzz.mutations import ODD, changed_bytes, damaged, json_values, require_shown
from tests.support.center import SAMPLES, created, quota
from tests.support.changed_answers import CREATE, MODELS, QUOTA

EVERY = {
    **MODELS,
    "PublicPreCheckImageScanTask": wire_registry.PreCheckReply,
    "PublicCreateImageScanTask": wire_registry.RegistryTaskReply,
    "PublicSyncAndCreateImageScanTask": wire_registry.RegistryTaskReply,
    "ListImageRegistryRegion": wire_registry.RegionsReply,
    "images in registries": wire_registry.RegistryImagesReply,
}
"""The model of each operation."""
OPERATIONS = st.sampled_from(list(EVERY))
BODIES = {
    **SAMPLES,
    CREATE: json.loads(created().body),
    QUOTA: json.loads(quota().body),
    "images in registries": SAMPLES["DescribeImageInstances"],
}
STATUSES = st.just(200) | st.sampled_from([201, 204, 302, 400, 403, 404, 429, 500, 502, 503, 504, 599])
ENVELOPE = st.dictionaries(
    st.sampled_from(
        ["Success", "Code", "code", "Message", "RequestId", "HttpStatusCode", "Data", "AccessDeniedDetail"]
    ),
    ODD | json_values(),
    max_size=3,
)


def ends(operation, status, body):
    """An answer or a failed try; anything else that is raised fails the test."""
    raw = RawAnswer(status, "application/json", body, whole=True, server_time=1.0, retry_after=None, sandbox=False)
    try:
        answer = understood(operation, raw, EVERY[operation])
    except TryFailed as failed:
        require_shown(failed.error, 12, 14, 15, 17)
        return None
    assert isinstance(answer, Answer)
    assert status == 200
    hash(repr(answer.value))
    return answer


def text_of(body):
    return json.dumps(body).encode()


@pytest.mark.parametrize("operation", EVERY)
def test_the_recorded_body_is_understood(operation):
    assert ends(operation, 200, text_of(BODIES[operation])) is not None


@given(operation=OPERATIONS, data=st.data(), status=STATUSES, envelope=ENVELOPE)
def test_the_recorded_body_with_parts_changed(operation, data, status, envelope):
    body = data.draw(damaged(BODIES[operation]))
    ends(operation, status, text_of({**body, **envelope} if isinstance(body, dict) else body))


@given(operation=OPERATIONS, data=st.data(), status=STATUSES)
def test_the_recorded_body_with_bytes_changed(operation, data, status):
    ends(operation, status, data.draw(changed_bytes(text_of(BODIES[operation]))))


@given(operation=OPERATIONS, status=STATUSES, body=json_values().map(text_of) | st.binary(max_size=200))
def test_any_body(operation, status, body):
    ends(operation, status, body)


@given(operation=OPERATIONS, depth=st.sampled_from([50, 199, 200, 201, 5000, 200_000]))
def test_a_deep_body(operation, depth):
    for begin, end in ((b"[", b"]"), (b'{"Data":', b"}")):
        ends(operation, 200, begin * depth + b"1" + end * depth)
