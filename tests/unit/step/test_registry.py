"""The step for images in registries, over a service that says what the test wants."""

import itertools
import os
import signal
import threading
from dataclasses import replace

import pytest

from jenkins_scan import errors
from jenkins_scan.cli.signals import Interruptions
from jenkins_scan.config.registry_settings import RegistrySettings
from jenkins_scan.config.settings import ServiceSettings
from jenkins_scan.findings import Severity
from jenkins_scan.gate.baseline import Baseline, BaselineImage
from jenkins_scan.gate.image import Judging
from jenkins_scan.gate.policy import policy_from
from jenkins_scan.gate.verdict import judge
from jenkins_scan.security_center.interface import ImageList, ListedName, Phase, Quota
from jenkins_scan.security_center.registry_scans import ImageFilter, PreCheck, RegistryTask
from jenkins_scan.step.opening import SUBMIT_BUDGET
from jenkins_scan.step.patience import FIRST_PAUSE, GROWTH, JITTER, LONGEST_PAUSE
from jenkins_scan.step.record import ImageRun, Run
from jenkins_scan.step.registry import scan_registry
from jenkins_scan.step.registry_task import CREATE, SYNC_AND_CREATE
from tests.support.center import FakeClock, Replies, as_json, quota
from tests.support.findings import finding
from tests.support.registry_center import (
    HEX,
    NO_SLOT,
    REGIONS,
    TASK,
    HoldingRegistry,
    RegistryCenter,
    found,
    listed,
    opened,
)

ACR = "team-registry.cn-hangzhou.cr.aliyuncs.com/team/app"
HARBOR = "harbor.example.com/team/app"
GATE = Judging(policy=policy_from({}, fail_on="high"), timeout=600.0)
ONE = ImageFilter(digests=HEX[:1])
TWO = ImageFilter(digests=HEX[:2])
TAGGED = ImageFilter(repo_ids=("crr-1",), tags=("1",))
PLACE = ImageFilter(registry_types=("acr",), region_ids=("cn-hangzhou",), instance_ids=("cri-1",), repo_ids=("crr-1",))
SYNC = replace(PLACE, repo_namespaces=("team",), repo_names=("app",), digests=HEX[:1], tags=("1",))


class Heard:
    """A voice, written down."""

    def __init__(self):
        self.notes, self.shown = [], []
        self.note, self.show = self.notes.append, self.shown.append


class Ended:
    """What a run has come to."""

    def __init__(self, run, voice):
        self.run, self.voice = run, voice
        verdict = judge(run.reasons, judged=run.is_judged())
        self.code, self.word = verdict.exit_code, str(verdict.word)

    @property
    def error(self):
        return self.run.images[0].error

    @property
    def words(self):
        """The verdict of each image."""
        run = self.run
        return [str(judge(run.reasons_of(each), judged=run.is_judged(each)).word) for each in run.images]


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def center(clock):
    return RegistryCenter(clock)


def settings(wanted=ONE, **changes):
    values = {
        "service": ServiceSettings(endpoint=None),
        "images": (),
        "wanted": wanted,
        "max_images": None,
        "everything": False,
        "sync": False,
        "timeout": 900.0,
        "min_quota": 1,
        "soft": frozenset(),
    }
    return RegistrySettings(**{**values, **changes})


@pytest.fixture
def take(center, clock):
    """Takes the step as the command line does: an error of all is one of each image."""

    def perform(wanted=ONE, *sources, at=center, **changes):
        names = tuple(f"{ACR}:{number}" for number, _ in enumerate(sources))
        run, voice = Run(0.0, [ImageRun(name) for name in names] or [ImageRun("")]), Heard()
        chosen = settings(wanted, images=names, **changes)
        try:
            scan_registry(run, chosen, sources=sources, center=at, clock=clock, voice=voice, spread=lambda: 0.5)
        except errors.ScanError as error:
            run.fail(error)
        run.require_ends()
        return Ended(run, voice)

    return perform


def test_precheck_quota_and_create_are_all_that_a_submit_takes(take, center):
    ended = take()
    assert (ended.code, ended.word) == (0, "SUBMITTED")
    assert center.operations == ["precheck", "quota", "create"]
    assert center.sent == [ONE, ONE]
    (image,) = ended.run.images
    assert image.reference == f"sha256:{HEX[0]}"
    assert (image.task.task.task_id, image.task.operation, image.task.request_id) == (TASK, CREATE, "REQUEST")
    assert (image.task.told, image.task.by_service) == (opened(), True)
    assert ended.voice.notes == ["precheck: 1 image to scan, at most 1 meant (NeedAuthCount 1, ScanImageCount 1)"]


class TestPrecheck:
    """What it counts has to be what was named, and nothing is created else."""

    @pytest.mark.parametrize(
        ("wanted", "counted", "changes", "code", "said"),
        [
            (ONE, PreCheck(1, 1), {}, 0, ""),
            (ONE, PreCheck(0, 1), {}, 0, ""),
            (ONE, PreCheck(1, None), {}, 0, ""),
            (ONE, PreCheck(0, 0), {}, 13, "knows none; nothing was created"),
            (ONE, PreCheck(0, 2), {}, 2, "counts 2 images, and at most 1 was meant"),
            (ONE, PreCheck(2, 1), {}, 2, "counts 2 images, and at most 1 was meant"),
            (ONE, PreCheck(2, None), {"max_images": 2}, 0, ""),
            (TWO, PreCheck(2, 2), {}, 0, ""),
            (TWO, PreCheck(1, 1), {}, 13, "knows 1 of 2"),
            (TWO, PreCheck(2, 2), {"max_images": 1}, 2, "at most 1 was meant"),
            (TWO, PreCheck(3, 2), {}, 2, "at most 2 were meant"),
            (TAGGED, PreCheck(2, 2), {}, 2, "at most 1 was meant"),
            (replace(TAGGED, tags=("1", "2")), PreCheck(1, 1), {"max_images": None}, 0, ""),
            (ImageFilter(), PreCheck(8, 8), {"everything": True, "max_images": 7}, 2, "at most 7 were meant"),
            (ImageFilter(), PreCheck(0, 0), {"everything": True, "max_images": 7}, 13, "knows none"),
        ],
    )
    def test_the_larger_number_decides(self, take, center, wanted, counted, changes, code, said):
        center.says |= {"precheck": counted, "create": opened(counted.needed)}
        center.says["images"] = ImageList((listed(),), complete=True)
        ended = take(wanted, **changes)
        assert ended.code == code
        assert ("create" in center.operations) == (code == 0)
        assert code == 0 or said in ended.error.message
        assert ended.run.registry.counted is counted

    def test_more_than_meant_tells_how_to_allow_it(self, take, center):
        center.says["precheck"] = PreCheck(12, 3)
        assert "--max-images 12" in take().error.remedy

    def test_none_tells_of_sync(self, take, center):
        center.says["precheck"] = PreCheck(0, 0)
        assert "--sync" in take().error.remedy

    @pytest.mark.parametrize(
        ("error", "code"), [(errors.PermissionDenied, 14), (errors.ServiceUnreachable, 15), (errors.QuotaSpent, 12)]
    )
    def test_one_that_fails_ends_the_run_before_anything_else(self, take, center, error, code):
        center.says["precheck"] = error("no")
        assert take().code == code
        assert center.operations == ["precheck"]

    @pytest.mark.parametrize(
        ("wanted", "references"),
        [
            (TWO, [f"sha256:{HEX[0]}", f"sha256:{HEX[1]}"]),
            (TAGGED, ["repoId=crr-1 tag=1"]),
            (ImageFilter(), ["every image"]),
        ],
    )
    def test_a_refusal_names_what_was_asked_for(self, take, center, wanted, references):
        center.says["precheck"] = errors.ServiceUnreachable("gone")
        ended = take(wanted, everything=True, max_images=5)
        assert [image.reference for image in ended.run.images] == references
        assert {type(image.error) for image in ended.run.images} == {errors.ServiceUnreachable}


class TestQuota:
    """What remains has to be enough for all images, and at least --min-quota."""

    @pytest.mark.parametrize(
        ("remaining", "needed", "minimum", "code", "said"),
        [
            (2, 2, 1, 0, ""),
            (1, 2, 1, 12, "fewer than the 2 that this scan needs"),
            (0, 1, 1, 12, "fewer than the 1"),
            (4, 1, 5, 12, "fewer than --min-quota 5"),
            (5, 1, 5, 0, ""),
            (0, 2, 0, 0, ""),
        ],
    )
    def test_it_decides_before_the_create(self, take, center, remaining, needed, minimum, code, said):
        center.says |= {"quota": Quota(100, 100 - remaining), "precheck": PreCheck(needed, 0)}
        center.says["create"] = opened(needed)
        ended = take(ImageFilter(digests=HEX[:needed]), min_quota=minimum)
        assert (ended.code, "create" in center.operations) == (code, code == 0)
        assert ("quota" in center.operations) == (minimum > 0)
        assert code == 0 or said in ended.error.message

    def test_one_that_ram_refuses_is_a_warning(self, take, center):
        center.says["quota"] = errors.PermissionDenied("not allowed", http_status=403)
        ended = take()
        assert (ended.code, ended.run.quota) == (0, None)
        assert "not allowed" in ended.run.warnings[0]

    @pytest.mark.parametrize(("error", "code"), [(errors.ServiceNotActivated, 14), (errors.ServiceUnreachable, 15)])
    def test_another_failure_opens_nothing(self, take, center, error, code):
        center.says["quota"] = error("no", http_status=400)
        assert take().code == code
        assert "create" not in center.operations


class TestTotal:
    """`TotalCount` of the answer has to fit the precheck, by now with a task that must not get lost."""

    @pytest.mark.parametrize(
        ("wanted", "counted", "total", "code"),
        [
            (ONE, PreCheck(1, 1), 1, 0),
            (ONE, PreCheck(1, 1), 2, 17),
            (ONE, PreCheck(1, 1), 0, 17),
            (TWO, PreCheck(2, 2), 2, 0),
            (TWO, PreCheck(2, 2), 1, 17),
            (TWO, PreCheck(3, 2), 3, 0),
            (TWO, PreCheck(3, 2), 4, 17),
        ],
    )
    def test_what_does_not_fit_is_seventeen(self, take, center, wanted, counted, total, code):
        center.says |= {"precheck": counted, "create": opened(total)}
        ended = take(wanted, max_images=3)
        assert ended.code == code
        assert [image.task.task.task_id for image in ended.run.images] == [TASK] * len(wanted.digests)
        if code:
            assert f"task {TASK} scans {total} images" in ended.error.message
            assert {type(image.error) for image in ended.run.images} == {errors.IncompleteError}

    def test_one_that_is_not_told_is_a_warning(self, take, center):
        center.says["create"] = opened(None)
        ended = take()
        assert (ended.code, len(ended.run.images[0].warnings)) == (0, 1)
        assert "not compared with the precheck" in ended.run.images[0].warnings[0]

    def test_a_task_that_is_not_what_was_meant_is_not_waited_for(self, take, center):
        center.says["create"] = opened(9)
        assert take(judging=GATE).code == 17
        assert center.asked[-1][0] == "create"

    def test_two_names_of_one_image_are_one_image(self, take, center):
        """`app:1` and `app:latest` after one build: the precheck and the task count digests."""
        ended = take(
            ImageFilter(),
            HoldingRegistry(found(f"{ACR}:1")),
            HoldingRegistry(found(f"{ACR}:latest")),
            judging=GATE,
        )
        assert (ended.code, ended.words) == (0, ["PASS", "PASS"])
        assert center.sent[-1].digests == HEX[:1]

    def test_two_tags_of_one_image_in_the_list_are_one_image(self, take, center):
        center.says["images"] = ImageList((listed(tag="1"), listed(tag="latest")), complete=True)
        assert take(PLACE, everything=True, max_images=5).code == 0


class TestSlots:
    """Ten tasks run at once: another one waits for its turn, patiently."""

    def test_a_slot_that_gets_free_is_taken(self, take, center):
        center.says["create"] = [NO_SLOT, NO_SLOT, opened()]
        ended = take()
        assert (ended.code, center.operations.count("create")) == (0, 3)
        assert ended.run.images[0].task.task.task_id == TASK

    def test_the_last_slot_is_a_slot(self, take, center):
        center.says["create"] = opened(can_create=False)
        assert take().word == "SUBMITTED"

    @pytest.mark.parametrize("timeout", [1.0, 10.0, 60.0])
    def test_none_until_the_deadline_is_twelve(self, take, center, clock, timeout):
        center.says["create"] = NO_SLOT
        began = clock.monotonic()
        ended = take(timeout=timeout)
        assert (ended.code, type(ended.error)) == (12, errors.NoFreeSlot)
        assert ended.run.images[0].task is None
        assert len(center.asked) < 20
        assert max(at for _, at in center.asked) <= began + timeout

    def test_the_pauses_grow_up_to_a_bound(self, take, center, clock):
        center.says["create"] = NO_SLOT
        take(timeout=600.0)
        pauses = clock.sleeps[:-1]  # the last one leaves a second for the create after it
        assert pauses[0] == FIRST_PAUSE
        assert all(
            later == pytest.approx(min(LONGEST_PAUSE, GROWTH * pause)) for pause, later in itertools.pairwise(pauses)
        )
        assert 599.0 <= sum(clock.sleeps) < 600.0

    @pytest.mark.parametrize("spread", [0.0, 1.0])
    def test_many_builds_do_not_ask_in_step(self, center, clock, spread):
        center.says["create"] = [NO_SLOT, NO_SLOT, opened()]
        scan_registry(
            Run(0.0, [ImageRun("")]), settings(), sources=[], center=center, clock=clock, spread=lambda: spread
        )
        share = 1 + (JITTER if spread else -JITTER)
        assert clock.sleeps == pytest.approx([FIRST_PAUSE * share, FIRST_PAUSE * GROWTH * share])

    def test_who_watches_hears_of_it_twice_a_minute(self, take, center):
        center.says["create"] = NO_SLOT
        said = [note for note in take(timeout=120.0).voice.notes if "no task slot is free" in note]
        assert 3 <= len(said) <= 5
        assert said[0].endswith("120 s left")

    def test_a_refusal_while_waiting_ends_it(self, take, center):
        center.says["create"] = [NO_SLOT, errors.QuotaSpent("BeyondQuata")]
        ended = take()
        assert (ended.code, ended.run.images[0].task) == (12, None)

    def test_slot_and_scan_share_the_time_out(self, take, center, clock):
        center.says["create"] = [*[NO_SLOT] * 6, opened()]
        center.phases = {HEX[0]: Phase.RUNNING}
        began = clock.monotonic()
        ended = take(judging=GATE, timeout=100.0)
        assert ended.code == 16
        assert clock.monotonic() - began == pytest.approx(100.0, abs=1.0)

    def test_all_tries_up_to_the_first_create_share_one_budget(self, take, center, clock):
        """However long the reads took, the submit comes within it or not at all."""
        deadlines = []
        create = center.create

        def noted(wanted, *, deadline, **parts):
            deadlines.append(deadline)
            return create(wanted, deadline=deadline, **parts)

        center.create = noted
        center.says["precheck"] = lambda: (clock.advance(20), PreCheck(1, 1))[1]
        center.says["create"] = [NO_SLOT, opened()]
        began = clock.monotonic()
        take()
        assert deadlines == [began + SUBMIT_BUDGET, began + 20 + FIRST_PAUSE + SUBMIT_BUDGET]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.QuotaSpent, 12),
        (errors.PermissionDenied, 14),
        (errors.ServiceFault, 15),
        (errors.ServiceUnreachable, 15),
    ],
)
def test_a_create_that_is_refused_leaves_no_task(take, center, error, code):
    center.says |= {"precheck": PreCheck(2, 2), "create": error("no")}
    ended = take(TWO)
    assert (ended.code, [image.task for image in ended.run.images]) == (code, [None, None])
    assert center.operations.count("create") == 1


class TestRegions:
    """Where images can be scanned is asked of the service."""

    HERE = ImageFilter(digests=HEX[:1], region_ids=("cn-hangzhou",))
    THERE = ImageFilter(digests=HEX[:1], region_ids=("us-east-1",))

    def test_one_that_is_listed_goes_on(self, take, center):
        assert take(self.HERE).run.warnings == []
        assert center.operations[0] == "regions"

    def test_one_that_is_not_listed_is_seventeen_before_anything_is_counted(self, take, center):
        ended = take(self.THERE)
        assert (ended.code, center.operations) == (17, ["regions"])
        assert "us-east-1" in ended.error.message
        assert "cn-hangzhou China (Hangzhou), cn-shanghai China (Shanghai)" in ended.error.remedy

    @pytest.mark.parametrize("says", [errors.PermissionDenied("no", http_status=403), errors.ServiceFault("no"), {}])
    def test_without_a_list_the_table_serves_and_its_gaps_are_only_warned_of(self, take, center, says):
        center.says["regions"] = says
        assert take(self.THERE).run.warnings == []
        warned = take(replace(self.THERE, region_ids=("cn-chengdu", "eu-west-1")))
        assert warned.code == 0
        assert [text.split()[0] for text in warned.run.warnings] == ["cn-chengdu"]

    def test_without_a_region_nobody_asks(self, take, center):
        take()
        assert "regions" not in center.operations

    @pytest.mark.parametrize("live", [True, False])
    @pytest.mark.parametrize("judging", [GATE, None])
    def test_a_task_that_is_refused_for_its_region_names_the_others(self, take, center, live, judging):
        center.says["create"] = opened(result="TASK_NOT_SUPPORT_REGION", status="SUCCESS")
        center.says["regions"] = REGIONS if live else errors.PermissionDenied("no", http_status=403)
        ended = take(self.HERE, judging=judging)
        assert (ended.code, type(ended.error)) == (17, errors.RegionNotSupported)
        assert ended.run.images[0].task.task.task_id == TASK
        assert ("eu-central-1" in ended.error.remedy) == (not live)
        assert "cn-shanghai" in ended.error.remedy

    def test_so_does_a_scan_that_ends_that_way(self, take, center):
        center.says["latest"] = lambda: (center.row(HEX[0], result="TASK_NOT_SUPPORT_REGION"),)
        ended = take(self.HERE, judging=GATE)
        assert (ended.code, "cn-shanghai China" in ended.error.remedy) == (17, True)


class TestLostAnswer:
    """The create was sent, its answer was lost two seconds later."""

    @pytest.fixture(autouse=True)
    def lost(self, center):
        center.says["create"] = errors.FateUnknown("lost", request_id="R-LOST")

    def started(self, center, ago=1.0, **more):
        """A task in the list of the image's tasks."""
        return lambda: (
            center.row(
                HEX[0], **{"started_at": center.clock.now() - ago, "phase": Phase.RUNNING, "word": "INIT"} | more
            ),
        )

    def test_a_task_that_started_since_is_taken_up(self, take, center):
        center.says["latest"] = self.started(center)
        ended = take()
        (image,) = ended.run.images
        assert (ended.word, image.task.task.task_id, image.task.request_id) == ("SUBMITTED", TASK, "R-LOST")
        assert image.task.operation == CREATE
        assert center.operations.count("create") == 1
        assert any("was taken up" in warning for warning in image.warnings)
        assert any("not compared with the precheck" in warning for warning in image.warnings)

    def test_it_may_be_anybodys_so_its_rows_have_to_tell_their_image(self, take, center):
        """Nobody was told how many images it scans."""
        center.says["latest"] = self.started(center)
        ended = take()
        assert ended.run.images[0].task.is_shared
        assert ended.run.images[0].task.told == RegistryTask(task_id=TASK, status="submitted")

    @pytest.mark.parametrize("ago", [90.0, None])
    def test_without_one_a_task_may_exist_and_nothing_is_created_again(self, take, center, ago):
        center.says["latest"] = () if ago is None else self.started(center, ago)
        center.says["precheck"] = PreCheck(2, 2)
        ended = take(TWO)
        assert (ended.code, type(ended.error)) == (15, errors.FateUnknown)
        assert center.operations.count("create") == 1
        assert {image.task.task for image in ended.run.images} == {None}
        assert HEX[0] in ended.error.remedy

    def test_all_images_of_a_task_that_is_taken_up_are_judged(self, take, center):
        center.says["precheck"] = PreCheck(2, 2)
        looked = self.started(center)
        center.says["latest"] = lambda: looked() if center.operations[-1] == "create" else ()
        center.phases = {HEX[1]: Phase.BAD}
        ended = take(TWO, judging=GATE)
        assert ended.words == ["PASS", "INCOMPLETE"]

    def test_images_that_nobody_could_list_have_no_digest_to_look_by(self, take, center):
        center.says["images"] = errors.PermissionDenied("no", http_status=403)
        ended = take(TAGGED)
        assert (ended.code, "no digest known" in ended.error.remedy) == (15, True)


class TestJudging:
    """Each image by its own digest: its own rows, its own findings, its own verdict."""

    @pytest.fixture(autouse=True)
    def two(self, center):
        center.says |= {"precheck": PreCheck(2, 2), "create": opened(2)}

    def test_one_fails_beside_one_that_passes(self, take, center):
        center.findings_of = {HEX[1]: [finding(severity=Severity.HIGH)]}
        ended = take(TWO, judging=GATE)
        assert (ended.code, ended.words) == (10, ["PASS", "FAIL"])
        assert [image.proof for image in ended.run.images] == ["digest", "digest"]

    def test_one_scan_that_failed_is_no_other_ones_end(self, take, center):
        center.phases = {HEX[0]: Phase.BAD}
        assert take(TWO, judging=GATE).words == ["INCOMPLETE", "PASS"]

    def test_rows_of_a_shared_task_without_a_digest_prove_nothing(self, take, center):
        """They are all a success, and nobody knows of which image."""
        center.says |= {"latest": (), "of_image": (), "by_id": lambda: (center.row("", digest=None),) * 2}
        ended = take(TWO, judging=GATE)
        assert ended.words == ["INCOMPLETE", "INCOMPLETE"]
        assert type(ended.error) is errors.StillRunning

    def test_rows_of_the_other_image_prove_nothing(self, take, center):
        center.says |= {"latest": (), "of_image": (), "by_id": lambda: (center.row(HEX[1]),)}
        assert take(TWO, judging=GATE).words == ["INCOMPLETE", "PASS"]

    def test_the_task_is_asked_once_for_all_who_wait(self, take, center, clock):
        center.says |= {"latest": (), "of_image": ()}
        center.phases = dict.fromkeys(HEX, Phase.RUNNING)
        take(TWO, judging=GATE, timeout=600.0)
        looks = [at for name, at in center.asked if name == "by_id"]
        assert len(looks) <= 75
        assert all(later - look >= 0.5 for look, later in itertools.pairwise(looks))

    def test_progress_is_shown_and_said_for_all_images_together(self, take, center):
        center.says |= {"latest": (), "of_image": ()}
        center.says["by_id"] = lambda: (center.row(HEX[0]), center.row(HEX[1], progress=40))
        center.phases = {HEX[1]: Phase.RUNNING}
        ended = take(TWO, judging=GATE, timeout=100.0)
        assert ended.words == ["PASS", "INCOMPLETE"]
        assert any(text.startswith("1 of 2 scans ended; waiting: PRE_ANALYZER, 40 %, ") for text in ended.voice.shown)
        assert any(text.startswith("1 of 2 scans ended; ") for text in ended.voice.notes)

    def test_a_warning_gate_warns(self, take, center):
        center.findings_of = {HEX[1]: [finding(severity=Severity.HIGH)]}
        warning = Judging(policy=policy_from({}, warn_on="high"), timeout=600.0)
        assert take(TWO, judging=warning).words == ["PASS", "WARN"]

    def test_a_baseline_of_another_repository_is_two_before_anything_is_created(self, take, center):
        known = Baseline("b.json", (BaselineImage("other/app", "PASS", frozenset()),))
        ended = take(TWO, judging=replace(GATE, baseline=known))
        assert (ended.code, "create" in center.operations) == (2, False)

    def test_a_baseline_of_this_repository_is_applied_to_each(self, take, center):
        problem = finding(severity=Severity.HIGH)
        center.findings_of = {HEX[0]: [problem], HEX[1]: [problem, finding("CVE-2024-0009")]}
        known = Baseline(
            "b.json", (BaselineImage("team/app", "FAIL", frozenset([problem.fingerprint])),), by_sandbox=True
        )
        center.is_sandbox = True
        wanted = replace(TWO, repo_namespaces=("team",), repo_names=("app",))
        assert take(wanted, judging=replace(GATE, baseline=known)).words == ["PASS", "FAIL"]


class TestTags:
    """What only the service's list says a tag to mean can fail, and never passes."""

    @pytest.fixture(autouse=True)
    def one(self, center):
        center.says["images"] = ImageList((listed(),), complete=True)

    def test_without_a_gate_it_is_submitted(self, take, center):
        ended = take(TAGGED)
        assert ended.word == "SUBMITTED"
        assert ended.run.images[0].reference == f"team/app:1@sha256:{HEX[0]}"
        assert center.operations == ["precheck", "quota", "images", "create"]

    def test_without_findings_it_is_incomplete(self, take):
        ended = take(TAGGED, judging=GATE)
        assert (ended.code, type(ended.error)) == (17, errors.NotProved)
        assert "HOST/PATH:TAG" in ended.error.remedy

    def test_with_findings_it_fails(self, take, center):
        center.findings_of = {HEX[0]: [finding(severity=Severity.HIGH)]}
        assert take(TAGGED, judging=GATE).code == 10

    def test_with_findings_at_the_warning_gate_it_is_incomplete(self, take, center):
        center.findings_of = {HEX[0]: [finding(severity=Severity.HIGH)]}
        assert take(TAGGED, judging=Judging(policy=policy_from({}, warn_on="high"), timeout=600.0)).code == 17

    def test_beside_a_digest_it_narrows_and_the_digest_is_what_is_judged(self, take, center):
        ended = take(replace(TAGGED, digests=HEX[:1]), judging=GATE)
        assert (ended.code, "images" in center.operations) == (0, False)

    @pytest.mark.parametrize(
        "says",
        [
            ImageList((), complete=True),
            ImageList((listed(digest=None),), complete=True),
            ImageList((listed(tag=None),), complete=True),
            ImageList((listed(),), complete=False, complaints=("page 2 could not be read",)),
            errors.PermissionDenied("no", http_status=403),
            errors.ServiceFault("no"),
        ],
        ids=["none", "no digest", "no name", "not whole", "refused", "failed"],
    )
    def test_a_list_that_does_not_tell_which_images_creates_nothing_that_would_be_judged(self, take, center, says):
        center.says["images"] = says
        ended = take(TAGGED, judging=GATE)
        assert ended.code in (14, 15, 17)
        assert "create" not in center.operations
        submitted = take(TAGGED)
        assert submitted.word == "SUBMITTED"
        assert "`wait` cannot take this task up" in submitted.run.warnings[0]
        assert submitted.run.images[0].reference == "repoId=crr-1 tag=1"


class TestEverything:
    """--all-images: every image that the filters select, as the service lists them."""

    def test_each_is_judged(self, take, center):
        center.says |= {"precheck": PreCheck(3, 3), "create": opened(3)}
        rows = tuple(listed(digest, repo_name=f"app{number}") for number, digest in enumerate(HEX[:3]))
        center.says["images"] = ImageList(rows, complete=True)
        center.findings_of = {HEX[2]: [finding(severity=Severity.HIGH)]}
        ended = take(ImageFilter(), everything=True, max_images=3, judging=GATE)
        assert ended.words == ["PASS", "PASS", "FAIL"]
        assert [image.identity.registry_digest_from for image in ended.run.images] == ["listed"] * 3

    def test_a_task_of_fewer_images_than_are_listed_is_not_the_one_that_was_meant(self, take, center):
        center.says |= {"precheck": PreCheck(2, 2), "create": opened(1)}
        center.says["images"] = ImageList((listed(), listed(HEX[1])), complete=True)
        assert take(ImageFilter(), everything=True, max_images=3).code == 17


class TestReferences:
    """Images by name: their registry says the digest."""

    def test_an_acr_host_tells_type_and_region(self, take, center):
        ended = take(ImageFilter(), HoldingRegistry(found(f"{ACR}:1", config=f"sha256:{'c' * 64}")), judging=GATE)
        assert ended.code == 0
        assert center.operations == ["regions", "precheck", "quota", "create"]
        assert (
            center.sent
            == [
                ImageFilter(
                    registry_types=("acr",),
                    region_ids=("cn-hangzhou",),
                    repo_namespaces=("team",),
                    repo_names=("app",),
                    digests=HEX[:1],
                )
            ]
            * 2
        )
        (image,) = ended.run.images
        assert (image.submission.request.image_id, image.submission.digest_from) == ("c" * 64, "registry")

    @pytest.mark.parametrize(
        ("reference", "name", "code"),
        [
            (f"{ACR}:1", ("team", "app", "latest"), 0),
            (f"{ACR}:1", ("team", "mirror", "1"), 16),
            (f"{HARBOR}:1", ("team", "app", "latest"), 0),
            (f"{HARBOR}:1", ("of-its-own", "x", "y"), 0),
        ],
    )
    def test_the_service_may_list_the_digest_under_another_name(self, take, center, reference, name, code):
        """Another tag of the repository, or words of the service's own where the kind of the registry is not known.

        The same bytes in another repository are another image: their findings may be handled there.
        """
        listed_as = ListedName(*name)
        center.says["latest"] = ()
        center.says["by_id"] = ()
        center.says["of_image"] = lambda: (
            center.row(HEX[0], task_id=None, scanned_at=center.clock.now(), name=listed_as, uuid="U"),
        )
        ended = take(ImageFilter(), HoldingRegistry(found(reference)), judging=GATE)
        assert (ended.code, ended.run.images[0].proof) == (code, "digest" if code == 0 else None)

    def test_of_another_host_only_the_digest_is_known(self, take, center):
        take(ImageFilter(), HoldingRegistry(found(f"{HARBOR}:1")))
        assert center.sent[0] == ONE

    def test_one_that_is_not_in_its_registry_does_not_take_the_other_along(self, take, center):
        missing = HoldingRegistry(errors.ImageNotFound("not there"))
        ended = take(ImageFilter(), missing, HoldingRegistry(found(f"{HARBOR}:1")), judging=GATE)
        assert (ended.code, ended.words) == (13, ["ERROR", "PASS"])
        assert center.sent[0] == ONE

    def test_when_none_is_there_nothing_is_asked(self, take, center):
        ended = take(ImageFilter(), HoldingRegistry(errors.ImageNotFound("not there")))
        assert (ended.code, center.asked) == (13, [])

    def test_one_that_cannot_be_meant_ends_the_run_before_anything_is_asked(self, take, center):
        """A Harbor that is said to be an ACR is nobody's business, an ACR that is said to be a Harbor is."""
        wrong = ImageFilter(registry_types=("harbor",))
        ended = take(wrong, HoldingRegistry(found(f"{HARBOR}:1")), HoldingRegistry(found(f"{ACR}:1")))
        assert (ended.code, center.asked) == (2, [])
        assert "is a host of ACR" in ended.run.images[1].error.message

    def test_a_tag_that_moved_is_seventeen_and_the_task_stays_noted(self, take):
        moved = HoldingRegistry(found(f"{HARBOR}:1"), later=errors.ImageMoved("another one"))
        for judging in (GATE, None):
            ended = take(ImageFilter(), moved, judging=judging)
            assert (ended.code, type(ended.error)) == (17, errors.ImageMoved)
            assert ended.run.images[0].task.task.task_id == TASK

    def test_a_tag_that_moved_does_not_hide_findings(self, take, center):
        center.findings_of = {HEX[0]: [finding(severity=Severity.HIGH)]}
        moved = HoldingRegistry(found(f"{HARBOR}:1"), later=errors.ImageMoved("another one"))
        assert take(ImageFilter(), moved, judging=GATE).code == 10

    def test_one_of_two_that_moved_leaves_the_other_passed(self, take, center):
        center.says |= {"precheck": PreCheck(2, 2), "create": opened(2)}
        first = HoldingRegistry(found(f"{HARBOR}:1"), later=errors.ImageNotFound("gone"))
        ended = take(ImageFilter(), first, HoldingRegistry(found(f"{HARBOR}:2", HEX[1])), judging=GATE)
        assert ended.words == ["INCOMPLETE", "PASS"]


class TestSync:
    """--sync: where the precheck finds none, the image is synchronised first."""

    def test_what_is_known_already_is_simply_scanned(self, take, center):
        ended = take(SYNC, sync=True)
        assert (ended.code, center.operations) == (0, ["regions", "precheck", "quota", "create"])
        assert ended.run.images[0].task.operation == CREATE

    def test_what_is_not_known_is_synchronised(self, take, center):
        center.says["precheck"] = PreCheck(0, 0)
        ended = take(replace(SYNC, source_ip="192.0.2.1"), sync=True, judging=GATE)
        assert (ended.code, center.operations) == (0, ["regions", "precheck", "quota", "sync"])
        assert ended.run.images[0].task.operation == SYNC_AND_CREATE
        (image,) = center.sent[-1]
        assert dict(image.parts) == {
            "registryType": "acr",
            "repoId": "crr-1",
            "instanceId": "cri-1",
            "repoNamespace": "team",
            "regionId": "cn-hangzhou",
            "repoName": "app",
            "digest": HEX[0],
            "tag": "1",
        }

    def test_it_costs_one_scan(self, take, center):
        center.says |= {"precheck": PreCheck(0, 0), "quota": Quota(100, 100)}
        assert take(SYNC, sync=True).code == 12

    def test_a_reference_tells_its_part_of_the_place(self, take, center):
        center.says["precheck"] = PreCheck(0, 0)
        wanted = ImageFilter(instance_ids=("cri-1",), repo_ids=("crr-1",))
        take(wanted, HoldingRegistry(found(f"{ACR}:1")), sync=True)
        (image,) = center.sent[-1]
        assert (image.registry_type, image.region_id, image.repo_namespace, image.tag) == (
            "acr",
            "cn-hangzhou",
            "team",
            "1",
        )

    @pytest.mark.parametrize(
        ("reference", "wanted", "missing"),
        [
            (f"{HARBOR}:1", PLACE, None),
            (f"{HARBOR}:1", replace(PLACE, registry_types=()), "registry type"),
            (f"{HARBOR}:1", replace(PLACE, region_ids=()), "region id"),
            (f"{HARBOR}@sha256:{HEX[0]}", PLACE, "tag"),
            ("harbor.example.com/app:1", PLACE, "repo namespace"),
        ],
    )
    def test_a_place_that_is_not_known_in_full_is_two_before_anything_is_sent(
        self, take, center, reference, wanted, missing
    ):
        wanted = replace(wanted, registry_types=tuple("harbor" for _ in wanted.registry_types))
        ended = take(wanted, HoldingRegistry(found(reference)), sync=True)
        assert ended.code == (0 if missing is None else 2)
        if missing is not None:
            assert center.asked == []
            assert f"its {missing} is not known" in ended.error.message

    def test_a_lost_answer_is_looked_for(self, take, center):
        center.says |= {"precheck": PreCheck(0, 0), "sync": errors.FateUnknown("lost")}
        center.says["latest"] = lambda: (center.row(HEX[0], started_at=center.clock.now() - 1),)
        ended = take(SYNC, sync=True)
        assert (ended.word, ended.run.images[0].task.operation) == ("SUBMITTED", SYNC_AND_CREATE)


class TestSandbox:
    """A stand-in is stamped, and opens nothing where nobody named it."""

    def test_one_that_was_named_is_stamped(self, take, center):
        center.is_sandbox = True
        assert take().run.sandbox

    def test_one_that_was_not_named_opens_nothing(self, take, center):
        center.is_sandbox = True
        ended = take(service=ServiceSettings(endpoint=None, sandbox_allowed=False))
        assert (ended.code, ended.run.sandbox) == (2, True)
        assert "create" not in center.operations

    def test_one_that_refuses_is_stamped_too(self, take, center):
        center.is_sandbox, center.says["precheck"] = True, errors.ServiceFault("no")
        assert take().run.sandbox


class TestInterruption:
    """A signal arrives on the way."""

    @pytest.fixture
    def interrupted(self, center, clock):
        def perform(wanted=ONE, *sources, **changes):
            names = tuple(f"{ACR}:{number}" for number, _ in enumerate(sources))
            run = Run(0.0, [ImageRun(name) for name in names] or [ImageRun("")])
            chosen = settings(wanted, images=names, **changes)
            with Interruptions(), pytest.raises(errors.Interrupted):
                scan_registry(run, chosen, sources=sources, center=center, clock=clock, spread=lambda: 0.5)
            return run

        return perform

    @staticmethod
    def abort():
        os.kill(os.getpid(), signal.SIGTERM)

    def test_before_the_create_nothing_is_opened(self, interrupted, center):
        center.says["precheck"] = lambda: (self.abort(), PreCheck(1, 1))[1]
        run = interrupted()
        assert run.images[0].task is None
        assert "create" not in center.operations

    def test_a_create_in_flight_is_noted_with_every_image(self, interrupted, center):
        never = threading.Event()
        center.says["precheck"] = PreCheck(2, 2)
        center.says["create"] = lambda: (self.abort(), never.wait(30))[1]
        run = interrupted(TWO)
        assert [(image.task.task, image.task.operation) for image in run.images] == [(None, CREATE)] * 2
        never.set()

    def test_an_answer_that_still_comes_is_noted_with_every_image(self, interrupted, center):
        center.says["precheck"] = PreCheck(2, 2)
        center.says["create"] = lambda: (self.abort(), opened(2))[1]
        run = interrupted(TWO)
        assert [image.task.task.task_id for image in run.images] == [TASK, TASK]

    @pytest.mark.parametrize("answer", [NO_SLOT, errors.ServiceThrottled("the API rate limit is reached")])
    def test_while_a_slot_is_waited_for_nothing_more_is_sent(self, interrupted, center, answer):
        told, going_on = threading.Event(), threading.Event()

        def no_slot():
            if told.is_set():
                going_on.set()
                return opened()
            told.set()
            self.abort()
            going_on.wait(0.2)
            return answer

        center.says["create"] = no_slot
        run = interrupted()
        assert run.images[0].task is None
        assert center.operations.count("create") == 1

    def test_while_it_is_judged_the_task_stays_noted(self, interrupted, center):
        center.says["latest"] = lambda: (self.abort(), ())[1]
        run = interrupted(judging=GATE)
        assert run.images[0].task.task.task_id == TASK

    def test_while_registries_are_asked_nothing_is_sent(self, interrupted, center):
        class Aborting(HoldingRegistry):
            def resolve(inner):  # noqa: N805  the test's own `self` is needed
                self.abort()
                return super().resolve()

        run = interrupted(ImageFilter(), Aborting(found(f"{HARBOR}:1")))
        assert (run.images[0].task, center.asked) == (None, [])


def test_every_parameter_of_the_page_is_sent_and_every_field_of_its_answer_noted(take, clock):
    """The real client: what it puts on the wire, and the sample response of the API page."""
    wanted = ImageFilter(
        registry_types=("acr", "harbor"),
        region_ids=("cn-hangzhou",),
        instance_ids=("cri-1", "cri-2"),
        repo_namespaces=("ns1", "ns2"),
        repo_ids=("crr-1",),
        repo_names=("app", "web"),
        digests=HEX[:2],
        tags=("1", "2"),
        source_ip="192.0.2.1",
    )
    sample = {
        "TaskId": TASK,
        "TotalCount": 2,
        "FinishCount": 1,
        "Progress": 50,
        "CollectTime": 1644286364150,
        "ExecTime": 1644286364000,
        "Status": "INIT",
        "Result": "SUCCESS",
        "CanCreate": True,
    }
    request_id = "F9353221-40F4-5F98-B73C-2803DC804033"
    replies = Replies(
        as_json({"Regions": [{"RegionId": "cn-hangzhou", "RegionName": "China (Hangzhou)"}]}),
        as_json({"Data": {"NeedAuthCount": 2, "ScanImageCount": 1}}),
        quota(),
        as_json({"RequestId": request_id, "Data": sample}),
    )
    ended = take(wanted, at=replies.client(clock, token=None))
    assert ended.word == "SUBMITTED"
    assert replies.asked[1::2] == ["PublicPreCheckImageScanTask", CREATE]
    for request in replies.requests[1::2]:
        assert dict(request.url.params) == {
            "RegistryTypes": "acr,harbor",
            "RegionIds": "cn-hangzhou",
            "InstanceIds": "cri-1,cri-2",
            "RepoNamespaces": "ns1,ns2",
            "RepoIds": "crr-1",
            "RepoNames": "app,web",
            "Digests": f"{HEX[0]},{HEX[1]}",
            "Tags": "1,2",
            "SourceIp": "192.0.2.1",
        }
        assert request.content == b""
    for image in ended.run.images:
        assert image.task.request_id == request_id
        assert image.task.told == RegistryTask(
            task_id=TASK,
            total=2,
            finished=1,
            progress=50,
            collected_at=1644286364.15,
            executed_at=1644286364.0,
            status="INIT",
            result="SUCCESS",
            can_create=True,
        )
