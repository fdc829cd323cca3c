"""The two creates for images in registries: when a task may exist, when none does, and that none is opened twice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jenkins_scan import errors
from jenkins_scan.security_center.registry_scans import ImageFilter, RegistryImage, RegistryTask
from jenkins_scan.security_center.retry import TRIES
from tests.support.center import (
    CLOSED,
    CONNECT_ERROR,
    DIGEST,
    NOON,
    READ_TIMEOUT,
    REQUEST_ID,
    RESET,
    TASK_ID,
    Canned,
    FakeClock,
    Replies,
    as_json,
    html,
    refused,
)

IMAGE = RegistryImage(
    registry_type="acr",
    region_id="cn-hangzhou",
    instance_id="cri-1",
    repo_namespace="ns",
    repo_id="crr-1",
    repo_name="app",
    digest=DIGEST,
    tag="1.0",
)
NO_SLOT = as_json({"RequestId": REQUEST_ID, "Data": {"CanCreate": False}})
CREATES = ("create", "sync_and_create")
both = pytest.mark.parametrize("create", CREATES)


def opened(**data):
    """The answer to a create; without a `TaskId` of its own it has the usual one."""
    return as_json({"RequestId": REQUEST_ID, "Data": {"TaskId": TASK_ID, "CanCreate": True, **data}})


def send(create, replies, clock=None, *, told=None, left=30.0):
    """One create of one image; `told` collects what is said of its tries."""
    clock = clock or FakeClock()
    registries = replies.client(clock).registries
    noted = [] if told is None else told
    deadline = clock.monotonic() + left
    if create == "create":
        wanted = ImageFilter(digests=(DIGEST,))
        return registries.create(wanted, deadline=deadline, on_the_way=noted.append)
    return registries.sync_and_create((IMAGE,), source_ip=None, deadline=deadline, on_the_way=noted.append)


SURELY_DID_NOT_RUN = {
    "connect error": CONNECT_ERROR,
    "throttled": refused("Throttling.User", 429),
    "unavailable": refused("ServiceUnavailable", 503),
}
FINAL = {
    "denied": refused("NoPermission", 403),
    "not bought": refused("NoPermission", 400),
    "quota": refused("BeyondQuata"),
    "soft": as_json({"Success": False, "Code": "1011"}),
}
MAY_HAVE_RUN = {
    "read timeout": READ_TIMEOUT,
    "reset": RESET,
    "closed": CLOSED,
    "server error": refused("ServerError", 500),
    "502": html(502),
    "nonce": refused("SignatureNonceUsed"),
    "unreadable": Canned(200, b"{"),
    "no data": as_json({"RequestId": REQUEST_ID}),
    "no task id": as_json({"Data": {"CanCreate": True}}),
    "no task id, but a task": as_json({"Data": {"CanCreate": False, "TaskId": "", "Status": "INIT", "TotalCount": 1}}),
    "no task id, but a time": as_json({"Data": {"CanCreate": False, "CollectTime": 1735787045000}}),
    "soft failure with data": as_json({"Success": False, "Data": {"CanCreate": False}}),
}
SUCCESS = {"opened": opened(), "no slot": NO_SLOT}
EVERY = SURELY_DID_NOT_RUN | FINAL | MAY_HAVE_RUN | SUCCESS


@given(create=st.sampled_from(CREATES), kinds=st.lists(st.sampled_from(sorted(EVERY)), min_size=1, max_size=5))
def test_after_a_create_that_may_have_run_no_other_is_sent(create, kinds):
    told = []
    replies = Replies(*(EVERY[kind] for kind in kinds), opened())
    try:
        task = send(create, replies, told=told).value
        ended = None
    except errors.ScanError as error:
        task, ended = None, error
    sent = [*kinds, "opened"][: len(replies.requests)]
    assert 1 <= len(sent) <= TRIES
    assert all(kind in SURELY_DID_NOT_RUN for kind in sent[:-1])
    assert (task is not None) == (sent[-1] in SUCCESS)
    assert isinstance(ended, errors.FateUnknown) == (sent[-1] in MAY_HAVE_RUN)
    # Whoever was told of the tries thinks that a task may exist exactly where one does or may.
    assert (told[-1] is not None) == (sent[-1] in MAY_HAVE_RUN or sent[-1] == "opened")
    assert sum(each is not None for each in told) == len(sent)


@both
@pytest.mark.parametrize("answer", MAY_HAVE_RUN.values(), ids=MAY_HAVE_RUN.keys())
def test_a_lost_answer_is_an_unknown_fate_and_says_when_it_was_sent(create, answer):
    replies, clock, told = Replies(answer), FakeClock(), []
    with pytest.raises(errors.FateUnknown, match="may exist") as caught:
        send(create, replies, clock, told=told)
    assert (caught.value.sent_on, told, len(replies.requests)) == (1000.0, [NOON], 1)


@both
def test_throttled_twice_and_then_opened_sends_three_nonces(create):
    replies = Replies(refused("Throttling"), refused("Throttling.User", 429), opened())
    assert send(create, replies).value.task_id == TASK_ID
    for name in ("x-acs-signature-nonce", "authorization"):
        assert len({request.headers[name] for request in replies.requests}) == 3
    assert len({request.url for request in replies.requests}) == 1


@both
@pytest.mark.parametrize("task_id", [None, "", "  "])
@pytest.mark.parametrize("can_create", [False, "false", " False"])
def test_without_a_slot_nothing_is_created(create, task_id, can_create):
    told = []
    answer = send(create, Replies(opened(TaskId=task_id, CanCreate=can_create, TotalCount=0)), told=told)
    assert answer.value == RegistryTask(task_id=None, total=0, can_create=False)
    assert told == [NOON, None]


@both
def test_the_last_slot_is_a_task(create):
    answer = send(create, Replies(opened(CanCreate=False)))
    assert answer.value == RegistryTask(task_id=TASK_ID, can_create=False)


@both
@pytest.mark.parametrize("can_create", [None, True, 0, "", "no", [], {}, "0", 1])
def test_only_a_plain_no_says_that_nothing_was_created(create, can_create):
    with pytest.raises(errors.FateUnknown, match=r"Data\.TaskId"):
        send(create, Replies(opened(TaskId=None, CanCreate=can_create)))


@both
@pytest.mark.parametrize("task_id", [17, ["a"], {"a": 1}, "x" * 201, "\ud800", "a b", "a\nb", "\u202e", True])
@pytest.mark.parametrize("can_create", [True, False])
def test_a_task_id_that_cannot_be_read_is_not_the_absence_of_one(create, task_id, can_create):
    with pytest.raises(errors.FateUnknown):
        send(create, Replies(opened(TaskId=task_id, CanCreate=can_create)))


@pytest.mark.parametrize("name", ["taskId", "taskid", "TASKID"])
def test_nor_is_one_in_other_letters(name):
    body = {"Data": {name: TASK_ID, "CanCreate": False}}
    with pytest.raises(errors.FateUnknown):
        send("create", Replies(as_json(body)))
    body["Data"]["TaskId"] = TASK_ID
    assert send("create", Replies(as_json(body))).value.task_id == TASK_ID
    assert send("create", Replies(as_json({"Data": {name: "", "CanCreate": False}}))).value.task_id is None


@both
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refused("BeyondQuata", message="Please check the scan quota"), errors.QuotaSpent),
        (refused("NoPermission", 400), errors.ServiceNotActivated),
        (refused("NoPermission", 403), errors.PermissionDenied),
        (refused("TASK_NOT_SUPPORT_REGION"), errors.RegionNotSupported),
    ],
)
def test_a_refusal_is_final_and_opened_nothing(create, answer, error):
    told = []
    with pytest.raises(error) as caught:
        send(create, Replies(answer), told=told)
    assert told == [NOON, None]
    if error is errors.PermissionDenied:
        operation = {"create": "PublicCreateImageScanTask"}.get(create, "PublicSyncAndCreateImageScanTask")
        assert f"Grant yundun-sas:{operation} " in caught.value.remedy


@both
@pytest.mark.parametrize(("left", "sent"), [(1.9, 0), (2.1, 1)])
def test_a_create_is_not_sent_with_no_time_for_its_answer(create, left, sent):
    replies, told = Replies(opened()), []
    try:
        send(create, replies, told=told, left=left)
    except errors.ServiceUnreachable as late:
        assert "nothing was sent" in late.message  # noqa: PT017  the other row expects a task
    assert (len(replies.requests), len(told)) == (sent, sent)


@both
def test_a_caller_that_objects_keeps_the_request_from_being_sent(create):
    class Halted(list):
        """Raises what the caller's own code would."""

        def append(self, _sent_at):
            raise KeyboardInterrupt

    replies = Replies()
    with pytest.raises(KeyboardInterrupt):
        send(create, replies, told=Halted())
    assert replies.requests == []


def test_a_create_of_every_image_has_to_be_asked_for():
    replies = Replies(opened())
    registries = replies.client().registries
    for wanted in (ImageFilter(), ImageFilter(source_ip="192.0.2.1")):
        with pytest.raises(ValueError, match="every image"):
            registries.create(wanted, deadline=1030, on_the_way=lambda _: None)
        with pytest.raises(ValueError, match="every image"):
            registries.precheck(wanted, deadline=1030)
        with pytest.raises(ValueError, match="every image"):
            registries.images(wanted, deadline=1030)
    with pytest.raises(ValueError, match="nothing to scan"):
        registries.sync_and_create((), source_ip=None, deadline=1030, on_the_way=lambda _: None)
    assert replies.requests == []
    registries.create(ImageFilter(), deadline=1030, on_the_way=lambda _: None, everything=True)
    assert replies.requests[0].url.query == b""
