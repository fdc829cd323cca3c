"""The step over a service that says what the test wants: what is opened, noted, adopted and refused."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from jenkins_scan import errors
from jenkins_scan.config.settings import Overrides, ScanSettings, ServiceSettings
from jenkins_scan.record import ImageRun, Run
from jenkins_scan.security_center.interface import Answer, CreatedTask, ListedTask, Quota, ScanRequest
from jenkins_scan.step import scan
from tests.support.center import FakeClock
from tests.support.images import MANIFEST, identity, pushed, resolved

TASK = CreatedTask("fc98d58eb56f699d49bf7ebbd6d70a1b", uuid="6690a46c", capacity=100, repo_id="crr-1")
SERVER_TIME = 1_735_787_045.0


def lost() -> errors.FateUnknown:
    return errors.FateUnknown("the answer was lost", request_id="R-LOST")


def answer(value: Any, server_time: float | None = SERVER_TIME) -> Answer[Any]:
    return Answer(value, "REQUEST", server_time)


@dataclass
class FakeCenter:
    """Security Center as a list of answers; an exception is raised, anything else returned."""

    clock: FakeClock
    quota: Any = field(default_factory=lambda: answer(Quota(100, 10)))
    created: Any = field(default_factory=lambda: answer(TASK))
    listed: Sequence[Any] = ()
    settled: Any = None
    is_sandbox: bool = False
    listing_takes: float = 0
    asked: list[str] = field(default_factory=list)
    request: ScanRequest | None = None

    def describe_image_scan_auth_count(self, *, deadline: float) -> Answer[Quota]:
        return self._said("quota", self.quota)

    def create_jenkins_image_scan_task(self, request: ScanRequest, *, deadline: float) -> Answer[CreatedTask]:
        self.request = request
        if isinstance(self.created, errors.FateUnknown):
            self.created.sent_on = self.clock.monotonic()
            self.clock.sleep(2)
        return self._said("create", self.created)

    def describe_image_latest_scan_task(self, digest: str, *, deadline: float) -> Answer[tuple[ListedTask, ...]]:
        looks = self.asked.count("list")
        self.clock.advance(self.listing_takes)
        return self._said("list", self.listed[min(looks, len(self.listed) - 1)])

    def settle(self, seconds: float) -> Answer[CreatedTask] | None:
        return self._said("settle", self.settled)

    def _said(self, what: str, said: Any) -> Any:
        self.asked.append(what)
        if isinstance(said, BaseException):
            raise said
        return said


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def center(clock):
    return FakeCenter(clock)


def settings(**changes: Any) -> ScanSettings:
    values = {"image": "app:1", "service": ServiceSettings(endpoint=None), "overrides": Overrides(), "min_quota": 1}
    return ScanSettings(**{**values, "soft": frozenset(), **changes})


@pytest.fixture
def run_step(center, clock):
    def perform(
        found: Callable[[], Any] = lambda: resolved(pushed()), raises: type[BaseException] | None = None, **changes: Any
    ) -> Run:
        run = Run(started_at=0, image=ImageRun("app:1"))
        if raises is None:
            scan(run, settings(**changes), resolve=found, center=center, clock=clock)
        else:
            with pytest.raises(raises) as caught:
                scan(run, settings(**changes), resolve=found, center=center, clock=clock)
            assert type(caught.value) is raises
            if isinstance(caught.value, errors.ScanError):
                run.image.error = caught.value
        return run

    return perform


def test_the_task_identity_and_quota_of_a_plain_run_are_noted(run_step, center):
    run = run_step()
    assert center.asked == ["quota", "create"]
    assert run.quota == Quota(100, 10)
    assert run.image.identity == pushed()
    assert run.image.task is not None
    assert (run.image.task.task, run.image.task.request_id, run.image.task.opened_at) == (TASK, "REQUEST", SERVER_TIME)
    assert run.warnings == []
    assert center.request is not None
    assert center.request.digest == MANIFEST.removeprefix("sha256:")


def test_without_a_server_date_the_agents_clock_labels_the_task(run_step, center, clock):
    center.created = answer(TASK, server_time=None)
    run = run_step()
    assert run.image.task is not None
    assert run.image.task.opened_at == clock.now()


def test_an_image_that_is_not_found_asks_the_service_nothing(run_step, center):
    def missing():
        raise errors.ImageNotFound("no such image")

    run_step(missing, raises=errors.ImageNotFound)
    assert center.asked == []


@pytest.mark.parametrize(
    ("quota", "minimum", "opens"),
    [
        (Quota(100, 99), 1, True),
        (Quota(100, 100), 1, False),
        (Quota(100, 95), 5, True),
        (Quota(100, 95), 6, False),
        (Quota(100, 120), 1, False),
    ],
)
def test_the_quota_decides_before_the_submit(run_step, center, quota, minimum, opens):
    center.quota = answer(quota)
    run = run_step(raises=None if opens else errors.QuotaTooLow, min_quota=minimum)
    assert center.asked == (["quota", "create"] if opens else ["quota"])
    assert (run.image.task is not None) == opens


def test_a_gate_of_zero_does_not_ask_for_the_quota(run_step, center):
    center.created = answer(CreatedTask("t", capacity=0))
    run_step(min_quota=0)
    assert center.asked == ["create"]


def test_a_forbidden_quota_is_a_warning_and_the_returned_total_is_judged(run_step, center):
    center.quota = errors.PermissionDenied("not allowed", http_status=403)
    center.created = answer(CreatedTask("t", capacity=4))
    run = run_step(raises=errors.QuotaTooLow, min_quota=5)
    assert "not allowed" in run.warnings[0]
    assert run.image.task is not None
    assert run.image.task.task == CreatedTask("t", capacity=4)


def test_a_quota_that_nobody_tells_is_not_called_judged(run_step, center):
    center.quota = errors.PermissionDenied("not allowed", http_status=403)
    center.created = answer(CreatedTask("t"))
    assert "was not judged" in run_step().warnings[1]


@pytest.mark.parametrize("error", [errors.ServiceNotActivated, errors.ServiceUnreachable, errors.CredentialsRefused])
def test_another_failure_of_the_quota_opens_nothing(run_step, center, error):
    center.quota = error("no")
    run_step(raises=error)
    assert center.asked == ["quota"]


def test_a_refused_create_leaves_no_task(run_step, center):
    center.created = errors.QuotaSpent("BeyondQuata")
    assert run_step(raises=errors.QuotaSpent).image.task is None


def test_a_bug_during_the_create_leaves_the_note_that_a_task_may_exist(run_step, center):
    center.created = RuntimeError("a bug")
    run = run_step(raises=RuntimeError)
    assert run.image.task is not None
    assert run.image.task.task is None


class TestLostAnswer:
    """The create was sent, its answer was lost two seconds later."""

    def test_a_task_that_started_after_the_submit_is_taken_up(self, run_step, center):
        center.created = lost()
        center.listed = [
            answer((ListedTask("OLD", "SUCCESS", SERVER_TIME - 90), ListedTask("OURS", "INIT", SERVER_TIME - 1)))
        ]
        run = run_step()
        assert center.asked == ["quota", "create", "list"]
        assert run.image.task is not None
        assert run.image.task.task == CreatedTask("OURS")
        assert "OURS" in run.warnings[0]

    def test_of_two_nobody_can_tell_which_is_ours_and_both_are_named(self, run_step, center):
        center.created = lost()
        center.listed = [answer((ListedTask("B", "INIT", SERVER_TIME), ListedTask("A", "INIT", SERVER_TIME - 1)))]
        run = run_step(raises=errors.FateUnknown)
        assert run.image.task is not None
        assert run.image.task.task is None
        assert run.image.error is not None
        assert "Since then started: B, A." in run.image.error.message

    def test_a_slow_listing_does_not_make_an_older_task_ours(self, run_step, center, clock):
        """The answer is dated when it comes, eight seconds after it was asked for."""
        center.created = lost()
        center.listing_takes = 8
        foreign = (ListedTask("FOREIGN", "INIT", SERVER_TIME - 6),)
        center.listed = [answer(foreign, server_time=SERVER_TIME + passed) for passed in (10, 19, 29, 41)]
        run = run_step(raises=errors.FateUnknown)
        assert run.image.task is not None
        assert run.image.task.task is None

    def test_a_listing_that_lags_is_asked_again(self, run_step, center, clock):
        center.created = lost()
        # Five seconds pass until the second look: two of the create, and the waits of zero, one and two.
        center.listed = [
            answer(()),
            errors.ServiceUnreachable("gone"),
            answer((ListedTask("OURS", "INIT", SERVER_TIME - 2),), server_time=SERVER_TIME + 3),
        ]
        run = run_step()
        assert center.asked.count("list") == 3
        assert run.image.task is not None
        assert run.image.task.task == CreatedTask("OURS")

    def test_the_status_it_is_listed_with_is_told(self, run_step, center):
        center.created = lost()
        center.listed = [answer((ListedTask("OURS", "FAIL", SERVER_TIME - 1, MANIFEST.removeprefix("sha256:")),))]
        assert "its status: FAIL" in run_step().warnings[0]

    @pytest.mark.parametrize(
        "listed",
        [
            answer((ListedTask("OTHER", "INIT", SERVER_TIME, "0" * 64),)),
            answer((ListedTask("FUTURE", "INIT", SERVER_TIME + 3600),)),
            answer(()),
            answer((ListedTask("OLD", "SUCCESS", SERVER_TIME - 60),)),
            answer((ListedTask("NO-TIME", "INIT", None),)),
            answer((ListedTask("OURS", "INIT", SERVER_TIME),), server_time=None),
            errors.PermissionDenied("no"),
        ],
        ids=[
            "another digest",
            "from the future",
            "nothing",
            "an older one",
            "no start time",
            "no server clock",
            "refused",
        ],
    )
    def test_without_proof_nothing_is_adopted_and_nothing_created_again(self, run_step, center, listed):
        center.created = lost()
        center.listed = [listed]
        run = run_step(raises=errors.FateUnknown)
        assert center.asked == ["quota", "create", *["list"] * 4]
        assert run.image.task is not None
        assert run.image.task.task is None
        assert run.image.error is not None
        assert MANIFEST.removeprefix("sha256:") in run.image.error.remedy

    def test_without_a_digest_there_is_nothing_to_look_by(self, run_step, center):
        center.created = lost()
        run = run_step(lambda: resolved(identity()), raises=errors.FateUnknown)
        assert center.asked == ["quota", "create"]
        assert run.image.error is not None
        assert run.image.error.request_id == "R-LOST"
        assert "image id " + "c" * 64 in run.image.error.remedy

    def test_without_any_digest_the_remedy_says_so(self, run_step, center):
        center.created = lost()
        run = run_step(lambda: resolved(identity(config_digest=None)), raises=errors.FateUnknown)
        assert run.image.error is not None
        assert "no digest known" in run.image.error.remedy


class TestInterruption:
    """A signal arrives while the create is under way."""

    @pytest.mark.parametrize(
        ("settled", "noted"),
        [(answer(TASK), TASK), (lost(), None)],
        ids=["the answer still comes", "no answer comes"],
    )
    def test_what_may_have_been_opened_is_noted(self, run_step, center, settled, noted):
        center.created, center.settled = errors.Interrupted(15), settled
        run = run_step(raises=errors.Interrupted)
        assert run.image.task is not None
        assert run.image.task.task == noted

    def test_a_create_that_was_refused_leaves_nothing(self, run_step, center):
        center.created = errors.Interrupted(15)
        assert run_step(raises=errors.Interrupted).image.task is None

    def test_during_the_look_up_the_task_stays_one_that_may_exist(self, run_step, center):
        center.created, center.listed = lost(), [errors.Interrupted(15)]
        run = run_step(raises=errors.Interrupted)
        assert run.image.task is not None
        assert run.image.task.task is None


def test_a_sandbox_that_no_flag_named_is_refused_before_a_task_is_opened(run_step, center):
    center.is_sandbox = True
    run = run_step(raises=errors.UsageError, service=ServiceSettings(endpoint=None, sandbox_allowed=False))
    assert center.asked == ["quota"]
    assert run.sandbox


def test_a_sandbox_that_a_flag_named_is_stamped(run_step, center):
    center.is_sandbox = True
    assert run_step().sandbox
