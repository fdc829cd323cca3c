"""No task is lost and none is opened twice, whatever meets the requests of many runs: a model against the ledger.

Hypothesis drives scans, aborts and resumes over one sandbox. After each run the sandbox's own ledger says which tasks
there are; what the run said and wrote has to account for every one of them.
"""

import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from jenkins_scan.errors import FateUnknown
from jenkins_scan.security_center.client import SecurityCenterClient
from tests.faults.task_world import ABORTS, BAD, IMAGES, IN_REGISTRY, Fault, Plan, Ran, World, digest_of

SLOW = frozenset({Fault.ABORT_LATE})
"""More than a second of real time."""
Mets = tuple[list[Fault | None], ...]
ENDS = frozenset({0, 10, 12, 15, 16, 17, 143})
EXAMPLES, STEPS = 40, 8
MORE_EXAMPLES, MORE_STEPS = 120, 10


METS = st.lists(st.none() | st.sampled_from(Fault), max_size=5)
PLANS = st.tuples(METS, METS, METS, METS)
"""What the requests meet, one after another: those of no image, and those of each of the images of a run.

The first one of an image is its create, in a resume the first look.
"""
PICKS = st.lists(st.integers(0, len(IMAGES) - 1), min_size=1, max_size=3)
PASSES = st.sampled_from([0.0, 0.3, 1.0, 30.0, 3600.0])
"""Seconds before a run."""


def broken(world: World, ran: Ran, *, resumed: bool = False, in_registry: bool = False) -> list[str]:
    """What no fault may lead to, seen from the sandbox's ledger."""
    result, problems = ran.result, []
    if ran.code not in ENDS or ran.code != result["exit_code"]:
        problems.append(f"it ends with {ran.code}; result.json says {result['exit_code']}: {ran.said[-2000:]}")
    of_image = Counter(label for _, label in ran.opened)
    problems += [f"{count} tasks were opened for {label}" for label, count in of_image.items() if count > 1]
    problems += [f"{label} got a task that nobody asked for" for label in of_image if label not in ran.labels]
    problems += [f"{count} creates of {label} may have run" for label, count in ran.in_doubt.items() if count > 1]
    problems += ["a resume has opened tasks"] * (resumed and bool(ran.opened))
    problems += ["one task was asked for"] * (in_registry and len({task for task, _ in ran.opened}) > 1)
    problems += [f"the task {task} of {label} is lost" for task, label in ran.opened if not named(ran, task, label)]
    return problems + without_proof(world, ran)


def rows_of(ran: Ran, label: str):
    """The entries of an image in result.json."""
    keys = {digest_of(label)} - {""}
    for entry in ran.result["images"]:
        sent = entry["sent"] or {}
        if entry["reference"] == label or sent.get("digest") in keys:
            yield entry


def named(ran: Ran, task: str, label: str) -> bool:
    """Whether the id is said and written, or it is said and written that a task may exist for this image."""
    tasks = [entry["task"] for entry in rows_of(ran, label)]
    if any(each is not None and each["id"] == task for each in tasks):
        return task in ran.said
    return bool(tasks) and all(each is not None and each["id"] is None for each in tasks) and "may exist" in ran.said


def without_proof(world: World, ran: Ran) -> list[str]:
    """What is said to be good, or opened, and by the ledger is not."""
    ledger = {(each.task.task_id, world.label_by(each.image)): each for each in world.scans()}
    problems, result = [], ran.result
    if ran.code == 0 and {entry["verdict"] for entry in result["images"]} not in ({"PASS"}, {"SUBMITTED"}):
        problems.append("0 for an image that is not so")
    for label in dict.fromkeys(ran.labels):
        for entry in rows_of(ran, label):
            scan = ledger.get(((entry["task"] or {}).get("id"), label))
            if entry["verdict"] in ("PASS", "SUBMITTED") and scan is None:
                problems.append(f"{label} is {entry['verdict']} without a task of its own")
            elif entry["verdict"] == "PASS" and (label == BAD or scan.task.over_at(1.0) > world.clock.now()):
                problems.append(f"{label} passes, and has not")
    return problems


def forgotten(earlier: Ran, ran: Ran) -> list[str]:
    """What a resume has lost or changed of the tasks that it took up."""
    before, after = ([entry["task"] for entry in each.result["images"]] for each in (earlier, ran))
    return [
        f"a resume has made {then} of {now}"
        for then, now in zip(before, after, strict=True)
        if any((then or {}).get(key) != (now or {}).get(key) for key in ("id", "opened_at"))
    ]


class Tasks(RuleBasedStateMachine):
    """Runs of a few builds that share an account."""

    world_class = World
    takes_seconds = False
    """Whether creates may take effect after an abort: that is waited for in real time."""

    def __init__(self) -> None:
        super().__init__()
        self.place = tempfile.TemporaryDirectory()
        self.files: list[Ran] = []
        self.is_sound = True
        self.in_doubt: set[str] = set()
        """Images of which a task may exist: nobody scans them again before they have looked."""

    @initialize(quota_left=st.sampled_from([50, 50, 50, 3]))
    def account(self, quota_left: int) -> None:
        self.world = self.world_class(Path(self.place.name), quota_left=quota_left)

    # What is drawn depends on no run: threads and signals may make two of them differ.
    @rule(picks=PICKS, mets=PLANS, gate=st.booleans(), in_registry=st.integers(0, 2), later=PASSES)
    def scan(self, picks: list[int], mets: Mets, gate: bool, in_registry: int, later: float) -> None:
        kinds = IN_REGISTRY if in_registry == 2 else tuple(IMAGES)
        free = [label for label in kinds if label not in self.in_doubt]
        if not free:
            return
        labels = [free[pick % len(free)] for pick in picks]
        if kinds is IN_REGISTRY:
            labels = list(dict.fromkeys(labels))
        self.world.clock.advance(later)
        run = self.world.scan_registry if kinds is IN_REGISTRY else self.world.scan
        ran = run(labels, self.plan(labels, mets), gate=gate)
        self.require(broken(self.world, ran, in_registry=kinds is IN_REGISTRY))
        self.files.append(ran)
        self.in_doubt |= {
            label
            for label in labels
            if any(entry["task"] and entry["task"]["id"] is None for entry in rows_of(ran, label))
        }

    def plan(self, labels: Sequence[str], mets: Mets) -> Plan:
        planned = {
            (label, place): fault
            for label, faults in zip(["", *dict.fromkeys(labels)], mets, strict=False)
            for place, fault in enumerate(faults)
            if fault is not None
        }
        return planned if self.takes_seconds else {at: fault for at, fault in planned.items() if fault not in SLOW}

    @precondition(lambda self: self.files)
    @rule(which=st.integers(0, 20), mets=PLANS, elsewhere=st.booleans(), later=PASSES)
    def wait(self, which: int, mets: Mets, elsewhere: bool, later: float) -> None:
        earlier = self.files[which % len(self.files)]
        self.world.clock.advance(later)
        plan = self.plan(earlier.labels, mets)
        ran = self.world.wait(earlier.file, earlier.labels, plan, elsewhere=elsewhere)
        self.require(broken(self.world, ran, resumed=True))
        self.require(forgotten(earlier, ran))
        if not elsewhere:
            self.files.remove(earlier)
        self.files.append(ran)

    def require(self, problems: Sequence[str]) -> None:
        self.is_sound = not problems
        assert self.is_sound, "; ".join(problems)

    def teardown(self) -> None:
        if hasattr(self, "world"):
            if self.is_sound:
                self._require_every_task_in_a_file()
            self.world.state.close()
        self.place.cleanup()

    def _require_every_task_in_a_file(self) -> None:
        """What is on disk in the end accounts for the whole ledger: resumes have overwritten files in between."""
        written = "".join(ran.file.read_text(encoding="ascii") for ran in self.files)
        lost = [(task, label) for task, label in self.world.ledger() if task not in written]
        assert [task for task, label in lost if label not in self.in_doubt] == []
        assert max(Counter(label for _, label in lost).values(), default=0) <= 1


class TasksAndLateEffects(Tasks):
    takes_seconds = True


def search(machine: type[Tasks], examples: int, steps: int, **more) -> None:
    found = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
        **more,
    )
    run_state_machine_as_test(machine, settings=found)


@pytest.mark.parametrize("part", range(4))
def test_no_task_is_lost_and_none_is_opened_twice(part):
    search(Tasks, EXAMPLES // 4, STEPS)


@pytest.mark.slow
def test_the_same_with_many_more_runs():
    search(TasksAndLateEffects, MORE_EXAMPLES, MORE_STEPS)


@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.value)
@pytest.mark.parametrize("gate", [False, True], ids=["submitted", "waited for"])
def test_each_fault_alone_at_the_create_keeps_the_task_and_repeats_nothing(fault, gate, tmp_path):
    world = World(tmp_path)
    ran = world.scan(["one"], {("one", 0): fault}, gate=gate)
    assert broken(world, ran) == []
    assert (ran.code == 143) == ran.aborted == (fault in ABORTS)
    resumed = world.wait(ran.file, ran.labels, {}, elsewhere=False)
    assert broken(world, resumed, resumed=True) == []
    (task,) = [entry["task"] for entry in resumed.result["images"]]
    assert resumed.code == (0 if task is not None and task["id"] else 17)
    world.state.close()


class Repeating(SecurityCenterClient):
    """A client that sends a lost create again."""

    def create_jenkins_image_scan_task(self, request, **more):
        try:
            return super().create_jenkins_image_scan_task(request, **more)
        except FateUnknown:
            return super().create_jenkins_image_scan_task(request, **more)


class Forgetting(SecurityCenterClient):
    """A client that takes a lost create for one that never was sent."""

    def create_jenkins_image_scan_task(self, request, *, deadline, on_the_way):
        try:
            return super().create_jenkins_image_scan_task(request, deadline=deadline, on_the_way=on_the_way)
        except FateUnknown as unknown:
            on_the_way(None)
            raise unknown.__cause__.error from None


class Dropping(SecurityCenterClient):
    """A client that drops the id of a task and tells another one."""

    def create_jenkins_image_scan_task(self, request, **more):
        answer = super().create_jenkins_image_scan_task(request, **more)
        return replace(answer, value=replace(answer.value, task_id="f" * 32))


class Silent(SecurityCenterClient):
    """A client that does not tell when a create is on its way, so that an abort knows nothing of it."""

    def create_jenkins_image_scan_task(self, request, *, deadline, on_the_way):
        return super().create_jenkins_image_scan_task(request, deadline=deadline, on_the_way=lambda _: None)


def with_client(wrong: type[SecurityCenterClient]) -> type[World]:
    return type("WrongWorld", (World,), {"client": wrong})


@pytest.mark.parametrize(
    ("wrong", "found"),
    [(Repeating, "may have run|tasks were opened"), (Forgetting, "is lost"), (Dropping, "is lost")],
)
def test_the_model_finds_a_client_that_repeats_or_forgets(wrong, found):
    tasks = type("WrongTasks", (Tasks,), {"world_class": with_client(wrong)})
    with pytest.raises(AssertionError, match=found):
        search(tasks, 200, STEPS, phases=[Phase.generate], database=None, derandomize=True)


def test_a_create_that_nobody_told_of_is_found_after_an_abort(tmp_path):
    world = with_client(Silent)(tmp_path)
    ran = world.scan(["one"], {("one", 0): Fault.ABORT_LATE}, gate=False)
    assert [problem for problem in broken(world, ran) if "is lost" in problem] != []
    world.state.close()
