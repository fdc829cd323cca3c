"""The step over a service that says what the test wants: what is opened, noted, adopted and refused."""

import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from jenkins_scan import errors
from jenkins_scan.cli.signals import Interruptions
from jenkins_scan.config.settings import Overrides, ScanSettings, ServiceSettings
from jenkins_scan.images.interface import ImageIdentity, ResolvedImage
from jenkins_scan.security_center.interface import Answer, CreatedTask, Phase, Quota, ScanRequest, TaskStatus
from jenkins_scan.step.record import ImageRun, Run
from jenkins_scan.step.scan import scan
from tests.support.center import FakeClock
from tests.support.images import MANIFEST, identity, pushed, resolved

TASK = CreatedTask("fc98d58eb56f699d49bf7ebbd6d70a1b", uuid="6690a46c", capacity=100, repo_id="crr-1")
SERVER_TIME = 1_735_787_045.0


def listed(task_id: str, word: str, started_at: float | None, digest: str | None = None) -> TaskStatus:
    return TaskStatus(
        source="list", phase=Phase.RUNNING, word=word, task_id=task_id, started_at=started_at, digest=digest
    )


def lost() -> errors.FateUnknown:
    return errors.FateUnknown("the answer was lost", request_id="R-LOST")


def answer(value: Any, server_time: float | None = SERVER_TIME) -> Answer[Any]:
    return Answer(value, "REQUEST", server_time)


@dataclass
class FakeCenter:
    """Security Center as a list of answers; an exception is raised, anything else returned."""

    clock: FakeClock
    quota: Any = field(default_factory=lambda: answer(Quota(100, 10)))
    created: Any = None
    """Without it the first request is answered with `TASK`, and each other one with a task of its own."""
    listed: Sequence[Any] = ()
    unfinished_says: Any = field(default_factory=lambda: answer(()))
    is_sandbox: bool = False
    listing_takes: float = 0
    asked: list[str] = field(default_factory=list)
    requests: list[ScanRequest] = field(default_factory=list)

    def describe_image_scan_auth_count(self, *, deadline: float) -> Answer[Quota]:
        return self._said("quota", self.quota)

    def create_jenkins_image_scan_task(
        self, request: ScanRequest, *, deadline: float, on_the_way: Callable[[float | None], None]
    ) -> Answer[CreatedTask]:
        self.requests.append(request)
        on_the_way(self.clock.now())
        said = self._own_task(request) if self.created is None else self.created
        said = said(request) if callable(said) else said
        if isinstance(said, errors.FateUnknown):
            said.sent_on = self.clock.monotonic()
            self.clock.sleep(2)
        elif isinstance(said, errors.ScanError):
            on_the_way(None)
        return self._said("create", said)

    def _own_task(self, request: ScanRequest) -> Answer[CreatedTask]:
        number = self.requests.index(request)
        return answer(replace(TASK, task_id=f"{number:032x}") if number else TASK)

    @property
    def tasks(self) -> "FakeCenter":
        return self

    def latest(self, digest: str, *, deadline: float) -> Answer[tuple[TaskStatus, ...]]:
        looks = self.asked.count("list")
        self.clock.advance(self.listing_takes)
        said = self.listed[min(looks, len(self.listed) - 1)]
        return self._said("list", said() if callable(said) else said)

    def unfinished(self, digest: str, *, deadline: float) -> Answer[tuple[TaskStatus, ...]]:
        return self._said("unfinished", self.unfinished_says)

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


@dataclass
class FakeSource:
    """A place that gives this image; an exception is raised."""

    found: Any
    later: Exception | None = None
    """What the second look comes upon."""

    def resolve(self) -> ResolvedImage:
        said = self.found() if callable(self.found) else self.found
        if isinstance(said, Exception):
            raise said
        return said

    def look_again(self, identity: ImageIdentity) -> None:
        assert identity == self.found.identity
        if self.later is not None:
            raise self.later


def several(count: int) -> list[FakeSource]:
    """Images that differ in their tags and digests."""
    return [
        FakeSource(
            resolved(
                identity(
                    config_digest=f"sha256:{number:064x}",
                    registry_digest=f"sha256:{number + 999:064x}",
                    registry_digest_from="registry",
                ),
                f"registry.example.com/app:{number}",
            )
        )
        for number in range(count)
    ]


def settings(count: int = 1, **changes: Any) -> ScanSettings:
    images = tuple(f"app:{number}" for number in range(count))
    values = {"images": images, "service": ServiceSettings(endpoint=None), "overrides": Overrides(), "min_quota": 1}
    return ScanSettings(**{**values, "soft": frozenset(), **changes})


@pytest.fixture
def run_step(center, clock):
    """Takes the step for these sources, and looks that the first image ended as it should."""

    def perform(*sources: FakeSource, fails: type[errors.ScanError] | None = None, **changes: Any) -> Run:
        sources = sources or (FakeSource(resolved(pushed())),)
        chosen = settings(len(sources), **changes)
        run = Run(started_at=0, images=[ImageRun(text) for text in chosen.images])
        scan(run, chosen, sources=sources, center=center, clock=clock)
        assert type(run.images[0].error) is (type(None) if fails is None else fails)
        return run

    return perform


def test_the_task_identity_and_quota_of_a_plain_run_are_noted(run_step, center):
    run = run_step()
    assert center.asked == ["quota", "create"]
    assert run.quota == Quota(100, 10)
    assert run.images[0].identity == pushed()
    assert run.images[0].task is not None
    assert (run.images[0].task.task, run.images[0].task.request_id, run.images[0].task.opened_at) == (
        TASK,
        "REQUEST",
        SERVER_TIME,
    )
    assert run.warnings == []
    assert center.requests[0].digest == MANIFEST.removeprefix("sha256:")


def test_without_a_server_date_the_agents_clock_labels_the_task(run_step, center, clock):
    center.created = answer(TASK, server_time=None)
    run = run_step()
    assert run.images[0].task is not None
    assert run.images[0].task.opened_at == clock.now()


def test_an_image_that_is_not_found_asks_the_service_nothing(run_step, center):
    run_step(FakeSource(errors.ImageNotFound("no such image")), fails=errors.ImageNotFound)
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
    run = run_step(fails=None if opens else errors.QuotaTooLow, min_quota=minimum)
    assert center.asked == (["quota", "create"] if opens else ["quota"])
    assert (run.images[0].task is not None) == opens


def test_a_gate_of_zero_does_not_ask_for_the_quota(run_step, center):
    center.created = answer(CreatedTask("t", capacity=0))
    run_step(min_quota=0)
    assert center.asked == ["create"]


def test_a_forbidden_quota_is_a_warning_and_the_returned_total_is_judged(run_step, center):
    center.quota = errors.PermissionDenied("not allowed", http_status=403)
    center.created = answer(CreatedTask("t", capacity=4))
    run = run_step(fails=errors.QuotaTooLow, min_quota=5)
    assert "not allowed" in run.warnings[0]
    assert run.images[0].task is not None
    assert run.images[0].task.task == CreatedTask("t", capacity=4)


def test_a_quota_that_nobody_tells_is_not_called_judged(run_step, center):
    center.quota = errors.PermissionDenied("not allowed", http_status=403)
    center.created = answer(CreatedTask("t"))
    assert "was not judged" in run_step().images[0].warnings[0]


@pytest.mark.parametrize("error", [errors.ServiceNotActivated, errors.ServiceUnreachable, errors.CredentialsRefused])
def test_another_failure_of_the_quota_opens_nothing(run_step, center, error):
    center.quota = error("no")
    run_step(fails=error)
    assert center.asked == ["quota"]


def test_a_refused_create_leaves_no_task(run_step, center):
    center.created = errors.QuotaSpent("BeyondQuata")
    assert run_step(fails=errors.QuotaSpent).images[0].task is None


def test_a_bug_during_the_create_leaves_the_note_that_a_task_may_exist(run_step, center):
    center.created = RuntimeError("a bug")
    run = run_step(fails=errors.InternalError)
    assert run.images[0].error is not None
    assert isinstance(run.images[0].error.__cause__, RuntimeError)
    assert run.images[0].task is not None
    assert run.images[0].task.task is None


class TestLostAnswer:
    """The create was sent, its answer was lost two seconds later."""

    def test_a_task_that_started_after_the_submit_is_taken_up(self, run_step, center):
        center.created = lost()
        center.listed = [answer((listed("OLD", "SUCCESS", SERVER_TIME - 90), listed("OURS", "INIT", SERVER_TIME - 1)))]
        run = run_step()
        assert center.asked == ["quota", "create", "list", "unfinished"]
        assert run.images[0].task is not None
        assert run.images[0].task.task == CreatedTask("OURS")
        assert "OURS" in run.images[0].warnings[0]

    def test_a_task_that_only_the_unfinished_ones_tell_is_taken_up(self, run_step, center):
        center.created, center.listed = lost(), [errors.PermissionDenied("no")]
        center.unfinished_says = answer((listed("OURS", "START", SERVER_TIME - 1),))
        assert run_step().images[0].task.task == CreatedTask("OURS")

    def test_of_two_nobody_can_tell_which_is_ours_and_both_are_named(self, run_step, center):
        center.created = lost()
        center.listed = [answer((listed("B", "INIT", SERVER_TIME), listed("A", "INIT", SERVER_TIME - 1)))]
        run = run_step(fails=errors.FateUnknown)
        assert run.images[0].task is not None
        assert run.images[0].task.task is None
        assert run.images[0].error is not None
        assert "Since then started: B, A." in run.images[0].error.message

    def test_a_slow_listing_does_not_make_an_older_task_ours(self, run_step, center, clock):
        """The answer is dated when it comes, eight seconds after it was asked for."""
        center.created = lost()
        center.listing_takes = 8
        foreign = (listed("FOREIGN", "INIT", SERVER_TIME - 6),)
        center.listed = [answer(foreign, server_time=SERVER_TIME + passed) for passed in (10, 19, 29, 41)]
        run = run_step(fails=errors.FateUnknown)
        assert run.images[0].task is not None
        assert run.images[0].task.task is None

    def test_a_listing_that_lags_is_asked_again(self, run_step, center, clock):
        center.created = lost()
        # Five seconds pass until the second look: two of the create, and the waits of zero, one and two.
        center.listed = [
            answer(()),
            errors.ServiceUnreachable("gone"),
            answer((listed("OURS", "INIT", SERVER_TIME - 2),), server_time=SERVER_TIME + 3),
        ]
        run = run_step()
        assert center.asked.count("list") == 3
        assert run.images[0].task is not None
        assert run.images[0].task.task == CreatedTask("OURS")

    def test_the_status_it_is_listed_with_is_told(self, run_step, center):
        center.created = lost()
        center.listed = [answer((listed("OURS", "FAIL", SERVER_TIME - 1, MANIFEST.removeprefix("sha256:")),))]
        assert "its status: FAIL" in run_step().images[0].warnings[0]

    @pytest.mark.parametrize(
        "listed",
        [
            answer((listed("OTHER", "INIT", SERVER_TIME, "0" * 64),)),
            answer((listed("FUTURE", "INIT", SERVER_TIME + 3600),)),
            answer(()),
            answer((listed("OLD", "SUCCESS", SERVER_TIME - 60),)),
            answer((listed("NO-TIME", "INIT", None),)),
            answer((listed("OURS", "INIT", SERVER_TIME),), server_time=None),
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
        run = run_step(fails=errors.FateUnknown)
        assert center.asked == ["quota", "create", *["list", "unfinished"] * 4]
        assert run.images[0].task is not None
        assert run.images[0].task.task is None
        assert run.images[0].error is not None
        assert MANIFEST.removeprefix("sha256:") in run.images[0].error.remedy

    def test_without_a_digest_there_is_nothing_to_look_by(self, run_step, center):
        center.created = lost()
        run = run_step(FakeSource(resolved(identity())), fails=errors.FateUnknown)
        assert center.asked == ["quota", "create"]
        assert run.images[0].error is not None
        assert run.images[0].error.request_id == "R-LOST"
        assert "image id " + "c" * 64 in run.images[0].error.remedy

    def test_without_any_digest_the_remedy_says_so(self, run_step, center):
        center.created = lost()
        run = run_step(FakeSource(resolved(identity(config_digest=None))), fails=errors.FateUnknown)
        assert run.images[0].error is not None
        assert "no digest known" in run.images[0].error.remedy


class TestInterruption:
    """A signal arrives while images are worked on."""

    @pytest.fixture
    def interrupted_step(self, center, clock):
        """Takes the step; whoever calls the function it hands out has SIGTERM sent to this process."""

        def perform(*sources: FakeSource, **changes: Any) -> Run:
            chosen = settings(len(sources), **changes)
            run = Run(started_at=0, images=[ImageRun(text) for text in chosen.images])
            with Interruptions(), pytest.raises(errors.Interrupted):
                scan(run, chosen, sources=sources, center=center, clock=clock)
            return run

        return perform

    @staticmethod
    def abort() -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    def test_an_answer_that_still_comes_is_noted(self, interrupted_step, center):
        def created(_: ScanRequest) -> Any:
            self.abort()
            return answer(TASK)

        center.created = created
        run = interrupted_step(FakeSource(resolved(pushed())))
        assert run.images[0].task is not None
        assert run.images[0].task.task == TASK

    def test_a_create_that_was_refused_leaves_nothing(self, interrupted_step, center):
        def created(_: ScanRequest) -> Any:
            self.abort()
            return errors.QuotaSpent("BeyondQuata")

        center.created = created
        assert interrupted_step(FakeSource(resolved(pushed()))).images[0].task is None

    def test_during_the_look_up_the_task_stays_one_that_may_exist(self, interrupted_step, center):
        def listed() -> Any:
            self.abort()
            return errors.ServiceUnreachable("gone")

        center.created, center.listed = lost(), [listed]
        run = interrupted_step(FakeSource(resolved(pushed())))
        assert run.images[0].task is not None
        assert run.images[0].task.task is None

    def test_a_create_that_was_about_to_be_sent_is_not(self, interrupted_step, center):
        """The second image is on the brink of its create when the signal comes."""
        on_the_brink, goes_on = threading.Event(), threading.Event()
        create = center.create_jenkins_image_scan_task

        def held(request: ScanRequest, **parts: Any) -> Answer[CreatedTask]:
            if request.tag == "1":
                on_the_brink.set()
                goes_on.wait(10)
            return create(request, **parts)

        def created(_: ScanRequest) -> Any:
            on_the_brink.wait(10)
            self.abort()
            threading.Timer(0.2, goes_on.set).start()
            return answer(TASK)

        center.create_jenkins_image_scan_task, center.created = held, created
        run = interrupted_step(*several(2), jobs=2)
        assert center.asked == ["quota", "create"]
        assert [image.task is not None for image in run.images] == [True, False]

    def test_without_an_answer_a_task_may_exist_whatever_its_thread_writes_later(self, interrupted_step, center):
        late = threading.Event()

        def created(_: ScanRequest) -> Any:
            self.abort()
            late.wait(30)
            return answer(TASK)

        center.created = created
        run = interrupted_step(FakeSource(resolved(pushed())))
        noted = run.images[0]
        assert noted.task is not None
        assert noted.task.task is None
        late.set()
        deadline = time.monotonic() + 5
        while "create" not in center.asked and time.monotonic() < deadline:
            late.wait(0.01)
        assert noted.task is not None
        assert noted.task.task is None

    def test_no_image_is_begun_after_it(self, interrupted_step, center):
        gone = threading.Event()

        def created(_: ScanRequest) -> Any:
            self.abort()
            gone.wait(0.3)
            return answer(TASK)

        center.created = created
        run = interrupted_step(*several(3), jobs=1)
        assert center.asked == ["quota", "create"]
        assert [image.task is not None for image in run.images] == [True, False, False]

    def test_while_images_are_identified_nothing_was_opened(self, interrupted_step, center):
        def found() -> Any:
            self.abort()
            return resolved(pushed())

        run = interrupted_step(FakeSource(found))
        assert center.asked == []
        assert run.images[0].task is None


class TestSeveralImages:
    """Each image fails on its own; the order stays."""

    def test_each_gets_its_own_task(self, run_step, center):
        center.created = lambda request: answer(CreatedTask(f"T-{request.tag}"))
        run = run_step(*several(20), jobs=4)
        assert [image.task.task.task_id for image in run.images] == [f"T-{number}" for number in range(20)]
        assert center.asked.count("quota") == 1

    def test_one_that_is_missing_hides_no_other(self, run_step, center):
        run = run_step(
            FakeSource(errors.ImageNotFound("no such image")),
            FakeSource(resolved(pushed())),
            FakeSource(RuntimeError("a bug")),
            FakeSource(resolved(pushed())),
            fails=errors.ImageNotFound,
        )
        assert [image.task is not None for image in run.images] == [False, True, False, True]
        assert isinstance(run.images[2].error, errors.InternalError)

    def test_one_that_cannot_be_meant_ends_the_run_before_anything_is_sent(self, run_step, center):
        run = run_step(
            FakeSource(resolved(pushed())), FakeSource(errors.UsageError("which one?")), fails=errors.UsageError
        )
        assert center.asked == []
        assert "app:1" in run.images[0].error.message
        assert run.images[1].error.message == "which one?"

    def test_images_beyond_the_quota_are_not_submitted(self, run_step, center):
        center.quota = answer(Quota(100, 97))
        run = run_step(
            FakeSource(errors.ImageNotFound("this one needs no quota")),
            *several(5),
            min_quota=2,
            fails=errors.ImageNotFound,
        )
        assert [type(image.error) for image in run.images[1:]] == [type(None)] * 2 + [errors.QuotaTooLow] * 3
        assert center.asked.count("create") == 2
        assert "2 of them for the images before this one" in run.images[3].error.message

    def test_a_quota_that_cannot_be_asked_fails_them_all(self, run_step, center):
        center.quota = errors.ServiceUnreachable("gone")
        run = run_step(*several(2), fails=errors.ServiceUnreachable)
        assert center.asked == ["quota"]
        assert isinstance(run.images[1].error, errors.ServiceUnreachable)

    def test_a_forbidden_quota_lets_all_be_submitted(self, run_step, center):
        center.quota = errors.PermissionDenied("not allowed", http_status=403)
        run = run_step(*several(3))
        assert center.asked.count("create") == 3
        assert len(run.warnings) == 1

    def test_as_many_as_the_jobs_are_worked_on_at_once(self, run_step, center):
        together = threading.Barrier(2, timeout=10)
        sources = several(4)
        for source in sources:
            found = source.found
            source.found = lambda found=found: (together.wait(), found)[1]  # ends only with two at once
            source.look_again = lambda identity: None
        run = run_step(*sources, jobs=2)
        assert all(image.task is not None for image in run.images)

    def test_one_task_for_different_images_is_nobodys(self, run_step, center):
        center.created = lambda request: answer(CreatedTask("OWN" if request.tag == "2" else "SAME"))
        sources = several(3)
        run = run_step(*sources, sources[1], fails=errors.NotProved)
        assert [type(image.error) for image in run.images] == [
            errors.NotProved,
            errors.NotProved,
            type(None),
            errors.NotProved,
        ]
        assert [image.task.task.task_id for image in run.images] == ["SAME", "SAME", "OWN", "SAME"]
        assert "the answer to 2 different images" in run.images[0].error.message
        assert run.images[0].error.exit_code == 17

    def test_what_is_wrong_already_stays_beside_a_task_that_is_nobodys(self, run_step, center):
        center.created = lambda _: answer(CreatedTask("SAME", capacity=0))
        center.quota = errors.PermissionDenied("not allowed", http_status=403)
        run_step(*several(2), fails=errors.QuotaTooLow)


class TestOneImageUnderSeveralNames:
    """Two spellings of one image, and two names of one digest."""

    def test_what_would_be_sent_twice_is_sent_once(self, run_step, center):
        run = run_step(*[FakeSource(resolved(pushed()))] * 3)
        assert center.asked.count("create") == 1
        assert [image.task.task for image in run.images] == [TASK] * 3
        assert "shares its task" in run.images[1].warnings[0]
        assert run.images[0].warnings == []

    def test_a_twin_shares_the_refusal_too(self, run_step, center):
        center.created = errors.QuotaSpent("BeyondQuata")
        run = run_step(*[FakeSource(resolved(pushed()))] * 2, fails=errors.QuotaSpent)
        assert isinstance(run.images[1].error, errors.QuotaSpent)

    def test_a_lost_answer_takes_no_task_of_another_name_of_the_same_digest(self, run_step, center):
        """Nobody can tell which of the two names a task of this digest was opened for."""
        center.created = lambda request: lost() if request.tag == "1" else answer(CreatedTask("OF-THE-OTHER"))
        center.listed = [answer((listed("OF-THE-OTHER", "INIT", SERVER_TIME),))]
        run = run_step(
            FakeSource(resolved(pushed(), "registry.example.com/app:1")),
            FakeSource(resolved(pushed(), "registry.example.com/app:latest")),
            fails=errors.FateUnknown,
        )
        assert run.images[0].task.task is None
        assert run.images[1].task.task == CreatedTask("OF-THE-OTHER")


class TestServiceGone:
    """A service that could not be reached through all tries of one image is not tried anew for each of the others."""

    def test_the_others_end_at_once(self, run_step, center):
        center.created = errors.ServiceUnreachable("gone")
        run = run_step(*several(6), fails=errors.ServiceUnreachable, jobs=2)
        assert center.asked.count("create") <= 2
        assert all(isinstance(image.error, errors.ServiceUnreachable) for image in run.images)


class TestSecondLook:
    """Before the verdict the reference has to mean what was submitted."""

    def test_a_tag_that_moved_is_incomplete_and_the_task_stays_noted(self, run_step):
        moved = errors.ImageMoved("app:0 is another image now")
        run = run_step(FakeSource(resolved(pushed()), later=moved), fails=errors.ImageMoved)
        assert run.images[0].task is not None

    def test_an_image_that_is_gone_is_incomplete_too(self, run_step):
        gone = errors.ImageNotFound("no image app:0")
        run = run_step(FakeSource(resolved(pushed()), later=gone), fails=errors.IncompleteError)
        assert "no image app:0" in run.images[0].error.message

    def test_every_image_is_looked_at_again(self, run_step):
        sources = several(3)
        sources[2].later = errors.ImageMoved("the third one moved")
        run = run_step(*sources)
        assert [type(image.error) for image in run.images] == [type(None), type(None), errors.ImageMoved]

    def test_settings_that_broke_meanwhile_are_incomplete_and_not_two(self, run_step):
        broken = errors.EngineSettingsError("config.json cannot be read")
        run_step(FakeSource(resolved(pushed()), later=broken), fails=errors.IncompleteError)

    def test_an_image_that_was_not_submitted_is_not_looked_at_again(self, run_step, center):
        center.created = errors.QuotaSpent("BeyondQuata")
        run_step(FakeSource(resolved(pushed()), later=errors.ImageMoved("moved")), fails=errors.QuotaSpent)


def test_a_sandbox_that_no_flag_named_is_refused_before_a_task_is_opened(run_step, center):
    center.is_sandbox = True
    run = run_step(fails=errors.UsageError, service=ServiceSettings(endpoint=None, sandbox_allowed=False))
    assert center.asked == ["quota"]
    assert run.sandbox


def test_a_sandbox_that_a_flag_named_is_stamped(run_step, center):
    center.is_sandbox = True
    assert run_step().sandbox
