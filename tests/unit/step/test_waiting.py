"""From an open task to proved findings, played by the sandbox on a clock that nobody waits for."""

import dataclasses
import itertools
from contextlib import contextmanager

import httpx
import pytest
from pydantic import SecretStr

from jenkins_scan import errors, sandbox
from jenkins_scan.findings import Kind, Severity
from jenkins_scan.sandbox.scenarios import load_scenario
from jenkins_scan.sandbox.service import SandboxService
from jenkins_scan.sandbox.state import State
from jenkins_scan.sandbox.transport import SandboxTransport
from jenkins_scan.security_center.client import SecurityCenterClient
from jenkins_scan.security_center.credentials import Credentials
from jenkins_scan.security_center.endpoints import Endpoint
from jenkins_scan.security_center.interface import Answer, ImageKey, ListedName, Phase, ScanRequest, Source, TaskStatus
from jenkins_scan.security_center.signing import AcsV3Auth
from jenkins_scan.step.proof import key_of, prove, read_findings
from jenkins_scan.step.submission import CLAIMED, Submission
from jenkins_scan.step.submitted import Submitted
from jenkins_scan.step.waiting import Ended, Wait
from tests.support.center import FakeClock

CONFIG, DIGEST, OTHER = ("c" * 64, "d" * 64, "e" * 64)
REQUEST = ScanRequest(repo_name="app", tag="1", digest=DIGEST, image_id=CONFIG)
KEYS = Credentials(sandbox.ACCESS_KEY_ID, SecretStr(sandbox.ACCESS_KEY_SECRET))
TEN_MINUTES = 600.0


def submission(request=REQUEST, digest_from="registry"):
    return Submission(request, digest_from)


class Scan:
    """One task in the sandbox, and what comes of it."""

    def __init__(self, scenario, state, request=REQUEST):
        self.clock = FakeClock()
        service = SandboxService(load_scenario(scenario), state, now=self.clock.now)
        http = httpx.Client(auth=AcsV3Auth(KEYS, now=self.clock.now), transport=SandboxTransport(service))
        self.center = SecurityCenterClient(http, Endpoint("http://sandbox"), SecretStr(sandbox.TOKEN), self.clock)
        self.request = request
        self.seen = []
        answer = self.center.create_jenkins_image_scan_task(request, deadline=self.clock.monotonic() + 30)
        self.task = answer.value
        submitted = Submitted(self.task.task_id, answer.server_time, request)
        self.wait = Wait(
            submitted,
            self.center.tasks,
            self.clock,
            self.clock.monotonic() + TEN_MINUTES,
            spread=lambda: 0.5,
            said=self.seen.append,
        )

    def found(self, gated=tuple(Kind), digest_from="registry"):
        ended = self.wait.until_the_end()
        assert prove(ended, submission(self.request, digest_from))
        key = key_of(ended, submission(self.request), self.task.uuid)
        return read_findings(self.center.results, key, gated=gated, deadline=self.clock.monotonic() + 60)


@contextmanager
def scanned(scenario, **parts):
    with State(":memory:") as state:
        yield Scan(scenario, state, **parts)


def test_a_clean_image_has_no_findings_and_a_proof():
    with scanned("clean") as scan:
        found = scan.found()
    assert (found.findings, found.kinds, found.warnings) == ((), frozenset(Kind), ())
    assert sum(scan.clock.sleeps) < 15


def test_the_findings_of_every_kind_are_there():
    with scanned("vulnerable") as scan:
        found = scan.found()
    assert {finding.kind for finding in found.findings} == set(Kind)
    text = repr(found)
    assert sandbox.SECRET_TEXT not in text
    assert sandbox.SAMPLE_URL not in text


@pytest.mark.slow
def test_every_finding_of_many_pages_is_there_once():
    with scanned("paged") as scan:
        found = scan.found()
    assert len(found.findings) == len({finding.fingerprint for finding in found.findings}) == 3000


def test_a_severity_that_is_not_known_stays_one():
    with scanned("unknown-severity") as scan:
        assert [finding.severity for finding in scan.found().findings] == [Severity.UNKNOWN]


def test_a_word_that_is_not_known_is_told_and_waited_through():
    with scanned("unknown-status") as scan:
        scan.found()
    assert Phase.UNKNOWN in {status.phase for status in scan.seen}


@pytest.mark.parametrize(
    ("scenario", "error", "said"),
    [
        ("slow", errors.StillRunning, "has not ended at the deadline"),
        ("stale", errors.StillRunning, "has not ended at the deadline"),
        ("scan-failed", errors.ScanFailed, "ended with"),
        ("scan-timeout", errors.ScanFailed, "ended with TIM"),
        ("partial", errors.FindingsIncomplete, "is not whole"),
        ("contradictory", errors.FindingsIncomplete, "its list is empty"),
        ("wrong-image", errors.NotProved, "was of another image"),
        ("poll-denied", errors.PermissionDenied, "yundun-sas:Describe"),
    ],
)
def test_each_doubt_has_its_name(scenario, error, said):
    with scanned(scenario) as scan, pytest.raises(error) as caught:
        scan.found()
    assert said in f"{caught.value.message} {caught.value.remedy}"
    if error in (errors.StillRunning, errors.PermissionDenied):
        assert scan.task.task_id in caught.value.message


def test_a_long_wait_keeps_to_its_budget():
    with scanned("slow") as scan:
        asked = []
        perform = scan.center._read

        def counted(operation, *parts):
            asked.append(operation)
            return perform(operation, *parts)

        scan.center.tasks._read = counted
        with pytest.raises(errors.StillRunning):
            scan.wait.until_the_end()
    assert len(asked) <= 70


def test_the_heart_beats_every_half_minute():
    with scanned("slow") as scan:
        beats = []
        scan.wait.beat = lambda text: beats.append((scan.clock.monotonic(), text))
        scan.wait.deadline = scan.clock.monotonic() + 3000
        with pytest.raises(errors.StillRunning):
            scan.wait.until_the_end()
    moments = [moment for moment, _ in beats]
    assert all(29.9 <= later - earlier < 35 for earlier, later in itertools.pairwise(moments))
    assert len(beats) > 80
    assert scan.task.task_id in beats[0][1]


def test_an_image_without_a_digest_is_found_by_its_task_and_image_id():
    with scanned("vulnerable", request=ScanRequest(repo_name="app", tag="1", image_id=CONFIG)) as scan:
        ended = scan.wait.until_the_end()
    assert prove(ended, submission(scan.request, None)) == "image_id"


class TestProof:
    """What counts as one, and what does not."""

    @staticmethod
    def ended(**row):
        rows = () if not row else (TaskStatus(source="rows", phase=Phase.GOOD, word="SUCCESS", **row),)
        return Ended(TaskStatus(source="task", phase=Phase.GOOD, word="SUCCESS", digest=DIGEST), rows)

    @pytest.mark.parametrize(
        ("row", "digest_from", "proof"),
        [
            ({"image_id": CONFIG}, "registry", "image_id"),
            ({"image_id": CONFIG, "digest": OTHER}, "--digest", "image_id"),
            ({"digest": DIGEST}, "registry", "digest"),
            ({"digest": DIGEST}, "graphdriver_repo_digest", "digest"),
            ({}, "registry", "digest"),
        ],
    )
    def test_our_config_digest_or_a_confirmed_digest_is_one(self, row, digest_from, proof):
        assert prove(self.ended(**row), submission(digest_from=digest_from)) == proof

    @pytest.mark.parametrize(
        ("row", "digest_from"),
        [
            ({"image_id": OTHER}, "registry"),
            ({"image_id": OTHER, "digest": DIGEST}, "registry"),
            ({"digest": OTHER}, "registry"),
            ({"digest": DIGEST}, CLAIMED),
            ({"digest": DIGEST}, "containerd_target_provisional"),
            ({"digest": DIGEST}, "buildx_metadata"),
            ({"digest": DIGEST}, "digest_file"),
            ({"digest": DIGEST}, None),
            ({"digest": DIGEST}, "nonsense"),
            ({}, CLAIMED),
        ],
    )
    def test_a_claim_or_another_image_is_none(self, row, digest_from):
        with pytest.raises(errors.NotProved):
            prove(self.ended(**row), submission(digest_from=digest_from))

    def test_without_a_config_digest_the_confirmed_digest_has_to_fit(self):
        request = ScanRequest(digest=DIGEST)
        with pytest.raises(errors.NotProved, match="another image"):
            prove(self.ended(image_id=OTHER, digest=OTHER), submission(request))
        assert prove(self.ended(image_id=OTHER, digest=DIGEST), submission(request)) == "digest"

    @pytest.mark.parametrize(("image_id", "proves"), [(OTHER, False), (CONFIG, True), (None, True)])
    def test_one_digest_has_one_image_whenever_it_was_scanned(self, image_id, proves):
        older = TaskStatus(source="rows", phase=Phase.GOOD, word="SUCCESS", digest=DIGEST, image_id=image_id)
        ended = dataclasses.replace(self.ended(digest=DIGEST), others=(older,))
        if proves:
            assert prove(ended, submission()) == "digest"
        else:
            with pytest.raises(errors.NotProved, match="the digest that was submitted is of another image"):
                prove(ended, submission())

    @pytest.mark.parametrize(
        ("row", "said"),
        [
            ({"uuid": "U-1", "image_id": OTHER}, "own record is of another image"),
            ({"uuid": "u1", "digest": OTHER}, "own record is of another image"),
            (
                {"uuid": "U2", "name": REQUEST.listed_name, "digest": DIGEST},
                "has the Uuid U2, and U1 came with the task",
            ),
            ({"uuid": "U2", "name": ListedName(None, "other", "1"), "digest": DIGEST}, None),
            ({"uuid": "U1", "digest": DIGEST, "image_id": CONFIG}, None),
            ({"uuid": "U2", "digest": DIGEST}, None),
        ],
    )
    def test_an_older_record_may_speak_against_it(self, row, said):
        older = TaskStatus(source="rows", phase=Phase.GOOD, word="SUCCESS", **row)
        ended = dataclasses.replace(self.ended(digest=DIGEST), others=(older,))
        if said is None:
            assert prove(ended, submission(), "U1") == "digest"
        else:
            with pytest.raises(errors.NotProved, match=said):
                prove(ended, submission(), "U1")

    def test_a_row_of_another_digest_beside_ours_says_nothing(self):
        other = TaskStatus(source="rows", phase=Phase.GOOD, word="SUCCESS", digest=OTHER, image_id=OTHER)
        assert prove(dataclasses.replace(self.ended(digest=DIGEST), others=(other,)), submission()) == "digest"


class Scripted:
    """Status operations that say what the test wants, again and again."""

    def __init__(self, latest=(), rows=(), leaf=()):
        self.said = {"latest": latest, "rows": rows, "leaf": leaf}
        self.asked = []

    def _say(self, what):
        self.asked.append(what)
        said = self.said[what]
        if isinstance(said, Exception):
            raise said
        return Answer(tuple(said), None, 200.0)

    def latest(self, digest, *, deadline):
        return self._say("latest")

    def of_image(self, *, digest=None, image_id=None, deadline):
        return self._say("rows")

    def by_id(self, task_id, *, deadline):
        return self._say("leaf")


def waiting(tasks, seconds=60.0):
    clock = FakeClock()
    return Wait(Submitted("OURS", 100.0, REQUEST), tasks, clock, clock.monotonic() + seconds, spread=lambda: 0.5)


def status(phase=Phase.GOOD, word="SUCCESS", **more):
    return TaskStatus(source="op", phase=phase, word=word, **more)


DENIED = errors.PermissionDenied("not allowed", http_status=403)


@pytest.mark.parametrize(
    "tasks",
    [
        Scripted(latest=[status(task_id="OLDER")]),
        Scripted(leaf=[status(task_id=None)]),
        Scripted(rows=[status(scanned_at=100.9)]),
        Scripted(rows=[status(scanned_at=None)]),
        Scripted(rows=[status(scanned_at=2.0**63)]),
        Scripted(rows=[status(scanned_at=101.0, uuid=None, name=ListedName("other", "app", "2"))]),
        Scripted(latest=[status(task_id="OURS"), status(Phase.RUNNING, "START", task_id="OURS")]),
        Scripted(latest=[status(Phase.UNKNOWN, "DONE", task_id="OURS")]),
        Scripted(),
    ],
)
def test_what_may_be_of_another_scan_never_ends_the_wait(tasks):
    with pytest.raises(errors.StillRunning) as caught:
        waiting(tasks).until_the_end()
    assert caught.value.exit_code == 16


def test_without_the_services_clock_no_scan_time_ends_the_wait():
    """The agent's own may be slow, and an older scan would look like ours."""
    wait = waiting(Scripted(rows=[status(scanned_at=101.0, image_id=CONFIG)]))
    wait.submitted = dataclasses.replace(wait.submitted, opened_at=None)
    with pytest.raises(errors.StillRunning):
        wait.until_the_end()


def test_a_fresh_row_of_the_image_ends_it():
    row = status(scanned_at=101.0, image_id=CONFIG)
    assert waiting(Scripted(rows=[row])).until_the_end() == Ended(row, (row,))


ELSEWHERE = ListedName(None, "other", "1")


def test_a_scan_of_the_same_bytes_in_another_repository_is_not_ours():
    foreign = status(scanned_at=101.0, image_id=CONFIG, digest=DIGEST, name=ELSEWHERE)
    ours = status(Phase.RUNNING, "START", scanned_at=50.0, digest=DIGEST, name=REQUEST.listed_name)
    with pytest.raises(errors.StillRunning):
        waiting(Scripted(rows=[foreign, ours])).until_the_end()
    with pytest.raises(errors.StillRunning):  # the task is said to have ended, and its own image's row says it runs
        waiting(Scripted(rows=[foreign, ours], latest=[status(task_id="OURS")])).until_the_end()
    older = dataclasses.replace(ours, phase=Phase.GOOD, word="SUCCESS")
    tasks = Scripted(rows=[foreign, older], latest=[status(task_id="OURS")])
    with pytest.raises(errors.StillRunning):  # its findings may be as old as the scan that the row knows
        waiting(tasks, seconds=600.0).until_the_end()
    assert len(tasks.asked) <= 70
    assert waiting(Scripted(rows=[foreign], latest=[status(task_id="OURS")])).until_the_end().rows == ()


@pytest.mark.parametrize(("began", "ends"), [(99.5, True), (100.5, True), (None, False), (60.0, False)])
def test_a_scan_that_ended_before_the_create_was_answered_is_ours_if_our_task_had_begun(began, ends):
    """The answer to the create came a second after the task was opened, and its scan was quick."""
    row = status(scanned_at=100.7, image_id=CONFIG, name=REQUEST.listed_name)
    wait = waiting(Scripted(latest=[status(task_id="OURS", started_at=began)], rows=[row]))
    if ends:
        assert wait.until_the_end().rows == (row,)
    else:
        with pytest.raises(errors.StillRunning):
            wait.until_the_end()


def test_the_row_that_the_create_named_is_ours():
    rows = [
        status(Phase.BAD, "FAIL", scanned_at=101.0, uuid="OTHER", name=REQUEST.listed_name),
        status(scanned_at=101.0, image_id=CONFIG, uuid="OURS"),
    ]
    wait = waiting(Scripted(rows=rows))
    wait.submitted = dataclasses.replace(wait.submitted, uuid="OURS")
    ended = wait.until_the_end()
    assert (ended.rows, ended.others) == ((rows[1],), (rows[0],))
    assert key_of(ended, submission(), None).uuid == "OURS"
    assert key_of(ended, submission(), "OF-THE-TASK").uuid == "OF-THE-TASK"


@pytest.mark.parametrize(
    "row",
    [
        status(scanned_at=101.0, image_id=CONFIG, uuid="OTHER", name=ListedName("foreign", "zzz", "9")),
        status(scanned_at=101.0, image_id=CONFIG, uuid="OTHER", name=REQUEST.listed_name),
        status(scanned_at=101.0, image_id=CONFIG, name=ELSEWHERE),
    ],
)
@pytest.mark.parametrize("latest", [[], [status(Phase.RUNNING, "START", task_id="OURS")]])
def test_a_row_that_is_shown_to_be_another_repositorys_never_ends_the_wait(row, latest):
    wait = waiting(Scripted(rows=[row], latest=latest))
    wait.submitted = dataclasses.replace(wait.submitted, uuid="OURS")
    with pytest.raises(errors.StillRunning):
        wait.until_the_end()


@pytest.mark.parametrize(
    ("latest", "leaf", "error"),
    [
        ([status(Phase.RUNNING, "START", task_id="OURS")], [], errors.StillRunning),
        ([], [status(Phase.BAD, "TIMEOUT", task_id="OURS")], errors.ScanFailed),
        ([status(Phase.UNKNOWN, "DONE", task_id="OURS")], [], errors.StillRunning),
    ],
)
def test_a_row_that_has_ended_does_not_overrule_what_is_said_of_our_task(latest, leaf, error):
    row = status(scanned_at=101.0, image_id=CONFIG)
    tasks = Scripted(rows=[row], latest=latest, leaf=leaf)
    with pytest.raises(error):
        waiting(tasks, seconds=600.0).until_the_end()
    assert len(tasks.asked) <= 72


@pytest.mark.parametrize(("digest", "proves"), [(DIGEST, True), (None, True), (OTHER, False)])
def test_a_task_of_another_digest_proves_nothing(digest, proves):
    wait = waiting(
        Scripted(rows=[status(scanned_at=101.0, image_id=CONFIG)], latest=[status(task_id="OURS", digest=digest)])
    )
    ended = wait.until_the_end()
    if proves:
        assert prove(ended, submission()) == "image_id"
    else:
        with pytest.raises(errors.NotProved, match="another digest"):
            prove(ended, submission())


@pytest.mark.parametrize("scanned_at", [201.1, 300.0, 29_000.0])
def test_a_scan_that_ended_after_the_answer_has_a_time_that_means_something_else(scanned_at):
    with pytest.raises(errors.StillRunning):
        waiting(Scripted(rows=[status(scanned_at=scanned_at, image_id=CONFIG)])).until_the_end()


@pytest.mark.parametrize(("opened_on", "trusted"), [(900.0, True), (845.0, True), (700.0, False), (1100.0, False)])
def test_a_service_clock_that_jumps_proves_nothing(opened_on, trusted):
    """The submit was 100 s ago by the service's clock; ours says 1000."""
    wait = waiting(Scripted(rows=[status(scanned_at=101.0, image_id=CONFIG)]))
    wait.submitted = dataclasses.replace(wait.submitted, opened_on=opened_on)
    if trusted:
        assert wait.until_the_end().rows
    else:
        with pytest.raises(errors.StillRunning):
            wait.until_the_end()
        assert any("jumped" in text for text in wait.warnings)


def test_an_older_scan_is_told_where_nothing_else_is_known():
    with pytest.raises(errors.StillRunning, match=r"ended 60 s before the submit"):
        waiting(Scripted(rows=[status(scanned_at=40.0, image_id=CONFIG)])).until_the_end()


def test_a_wait_that_begins_after_its_deadline_asks_nobody():
    wait, tasks = waiting(Scripted(latest=[status(task_id="OURS")]), seconds=-11.0), Scripted()
    wait.tasks = tasks
    with pytest.raises(errors.StillRunning):
        wait.until_the_end()
    assert tasks.asked == []


def test_calls_that_hang_end_soon_after_the_deadline_and_the_heart_goes_on_beating():
    tasks, beats = Scripted(), []

    def hang(what, *, deadline):
        wait.clock.advance(deadline - wait.clock.monotonic())
        raise errors.ServiceUnreachable("hangs")

    tasks.latest = tasks.by_id = hang
    tasks.of_image = lambda **parts: hang("rows", deadline=parts["deadline"])
    wait = waiting(tasks, seconds=120.0)
    wait.beat = lambda text: beats.append(wait.clock.monotonic())
    with pytest.raises(errors.ServiceUnreachable):
        wait.until_the_end()
    assert wait.clock.monotonic() <= 1000.0 + 120.0 + 10.0
    assert all(later - earlier <= 46 for earlier, later in itertools.pairwise([1000.0, *beats]))
    assert len(beats) >= 2


def test_a_failed_scan_of_another_repository_is_not_ours():
    foreign = status(Phase.BAD, "FAIL", scanned_at=101.0, image_id=CONFIG, name=ELSEWHERE)
    ours = status(scanned_at=101.0, image_id=CONFIG, name=REQUEST.listed_name)
    assert waiting(Scripted(rows=[foreign, ours])).until_the_end().rows == (ours,)


@pytest.mark.parametrize(
    ("pushed", "seen", "said"),
    [
        (
            False,
            [status(Phase.RUNNING, "INIT", task_id="OURS")],
            "has not moved until the deadline: last seen as 'INIT'",
        ),
        (False, [], "has not moved until the deadline: no status operation ever showed it"),
        (True, [status(Phase.RUNNING, "INIT", task_id="OURS")], "has not ended at the deadline"),
    ],
)
def test_an_image_on_the_agent_alone_whose_task_never_moves_is_told_why(pushed, seen, said):
    wait = waiting(Scripted(latest=seen))
    wait.submitted = dataclasses.replace(wait.submitted, pushed=pushed)
    with pytest.raises(errors.StillRunning) as caught:
        wait.until_the_end()
    assert said in caught.value.message
    assert ("No registry is known" in caught.value.message) is not pushed
    assert ("scan-registry" in caught.value.remedy) is not pushed


def test_a_task_that_moved_is_only_late():
    moves = iter(range(1000))
    tasks = Scripted()
    tasks.latest = lambda digest, *, deadline: Answer(
        (status(Phase.RUNNING, "PROCESSING", task_id="OURS", progress=next(moves)),), None, 200.0
    )
    wait = waiting(tasks)
    wait.submitted = dataclasses.replace(wait.submitted, pushed=False)
    with pytest.raises(errors.StillRunning, match="has not ended at the deadline"):
        wait.until_the_end()


@pytest.mark.parametrize("row", [status(Phase.RUNNING, "CVE_ANALYZER"), status(Phase.UNKNOWN, "ACTIVE")])
def test_a_row_of_the_image_that_does_not_agree_keeps_the_wait_going(row):
    fresh = dataclasses.replace(row, scanned_at=101.0, image_id=CONFIG)
    with pytest.raises(errors.StillRunning):
        waiting(Scripted(latest=[status(task_id="OURS")], rows=[fresh])).until_the_end()


def test_a_row_of_the_image_that_failed_beats_the_success_of_the_task():
    failed = status(Phase.BAD, "FAIL", scanned_at=101.0, image_id=CONFIG)
    with pytest.raises(errors.ScanFailed):
        waiting(Scripted(latest=[status(task_id="OURS")], rows=[failed])).until_the_end()


def test_one_broken_operation_does_not_hide_what_the_others_say():
    tasks = Scripted(latest=errors.ServiceUnreachable("gone"), leaf=[status(Phase.RUNNING, "START", task_id="OURS")])
    with pytest.raises(errors.StillRunning):
        waiting(tasks).until_the_end()


def test_a_service_that_falls_silent_is_named_at_the_deadline():
    tasks = Scripted(latest=[status(Phase.RUNNING, "START", task_id="OURS")])
    wait = waiting(tasks)
    wait.said = lambda _: tasks.said.update(latest=errors.ServiceUnreachable("connection refused."))
    with pytest.raises(errors.StillRunning, match=r"last seen as 'START' by op, and then: connection refused\.$"):
        wait.until_the_end()


def test_an_answer_after_trouble_makes_good_for_it():
    tasks = Scripted(latest=errors.ServiceUnreachable("gone"), leaf=[status(Phase.RUNNING, "START", task_id="OURS")])
    with pytest.raises(errors.StillRunning, match=r"has not ended at the deadline: last seen as 'START' by op\.$"):
        waiting(tasks).until_the_end()


def test_one_refusal_alone_is_a_warning():
    wait = waiting(Scripted(latest=DENIED, leaf=[status(task_id="OURS")]))
    assert wait.until_the_end().rows == ()
    assert "not allowed" in wait.warnings[0]


def test_rows_that_cannot_be_read_are_a_warning_when_the_task_has_ended():
    wait = waiting(Scripted(latest=[status(task_id="OURS")], rows=DENIED))
    assert wait.until_the_end().said_by.task_id == "OURS"
    assert "not allowed" in wait.warnings[0]


def test_rows_that_cannot_be_had_leave_the_end_unproved():
    tasks = Scripted(latest=[status(task_id="OURS")], rows=errors.ServiceUnreachable("gone"))
    with pytest.raises(errors.ServiceUnreachable):
        waiting(tasks).until_the_end()
    assert tasks.asked.count("rows") == 3


def test_credentials_that_end_meanwhile_end_the_wait():
    with pytest.raises(errors.CredentialsRefused):
        waiting(Scripted(latest=errors.CredentialsRefused("expired"))).until_the_end()


def test_a_service_that_is_gone_until_the_deadline_is_no_running_task():
    gone = errors.ServiceUnreachable("gone")
    with pytest.raises(errors.ServiceUnreachable):
        waiting(Scripted(gone, gone, gone)).until_the_end()


class TestLists:
    """Lists that are refused, and counts that differ."""

    class Results:
        def __init__(self, refused=(), counts=None):
            self.refused, self.told = refused, counts

        def findings(self, source, image, *, deadline):
            from jenkins_scan.security_center.interface import FindingList

            if source.value in self.refused:
                raise DENIED
            return FindingList(source=source, findings=(), complete=True, total=0, received=0)

        def counts(self, image, *, deadline):
            if isinstance(self.told, Exception):
                raise self.told
            return Answer(self.told or {}, None, None)

    def read(self, results, gated=()):
        return read_findings(results, ImageKey("uuid", DIGEST), gated=gated, deadline=1)

    def test_a_refused_list_of_a_gated_kind_is_no_pass(self):
        with pytest.raises(errors.PermissionDenied):
            self.read(self.Results(["baseline"]), gated=[Kind.BASELINE])

    def test_another_one_is_a_warning_and_its_kind_not_fetched(self):
        found = self.read(self.Results(["sca"]), gated=[Kind.BASELINE])
        assert Kind.VULNERABILITY not in found.kinds
        assert "sca findings was not fetched" in found.warnings[0]

    @pytest.mark.parametrize(("counts", "whole"), [({}, False), (DENIED, False), ({Source.MALICIOUS_FILE: 0}, True)])
    def test_without_a_digest_only_its_count_shows_that_the_list_of_malicious_files_is_right(self, counts, whole):
        results, key = self.Results(counts=counts), ImageKey("uuid", None)
        if whole:
            assert read_findings(results, key, gated=(), deadline=1).findings == ()
            return
        with pytest.raises(errors.FindingsIncomplete, match="malicious files"):
            read_findings(results, key, gated=(), deadline=1)

    def test_counts_that_cannot_be_read_are_a_warning(self):
        assert "could not be compared" in self.read(self.Results(counts=DENIED)).warnings[0]


class TestTaskOfAFile:
    """Id and moment come from a file: an older scan must not look like the end of a task that never was."""

    ROW = status(scanned_at=101.0, image_id=CONFIG)

    @staticmethod
    def resumed(tasks):
        wait = waiting(tasks, seconds=600.0)
        wait.submitted = dataclasses.replace(wait.submitted, resumed=True)
        return wait

    def test_a_scan_time_alone_is_no_end_of_it(self):
        tasks = Scripted(rows=[self.ROW], latest=[status(task_id="OLDER")])
        with pytest.raises(errors.NotProved, match="no status operation ever showed task OURS") as caught:
            self.resumed(tasks).until_the_end()
        assert caught.value.exit_code == 17
        assert "Scan the image again" in caught.value.remedy
        assert len(tasks.asked) <= 15

    def test_the_id_that_an_operation_lists_once_is_enough(self):
        tasks = Scripted(rows=[self.ROW], latest=[status(Phase.RUNNING, "START", task_id="OURS")])
        wait = self.resumed(tasks)
        wait.said = lambda _: tasks.said.update(latest=[])  # it is listed no more
        assert wait.until_the_end().rows == (self.ROW,)

    def test_an_id_that_is_listed_late_is_not_refused(self):
        tasks = Scripted(rows=[self.ROW])
        wait = self.resumed(tasks)
        wait.show = lambda _: tasks.said.update(leaf=[status(task_id="OURS")] if len(tasks.asked) > 6 else [])
        assert wait.until_the_end().rows == (self.ROW,)

    def test_who_may_not_ask_for_ids_is_told_so(self):
        wait = self.resumed(Scripted(rows=[self.ROW], latest=DENIED, leaf=DENIED))
        with pytest.raises(errors.NotProved) as caught:
            wait.until_the_end()
        assert caught.value.tried == ("not allowed",)
        assert "one way to look for the task is closed: not allowed" in wait.warnings

    def test_a_service_that_does_not_answer_has_not_said_that_there_is_no_such_task(self):
        gone = errors.ServiceUnreachable("gone")
        with pytest.raises(errors.StillRunning):
            self.resumed(Scripted(rows=[self.ROW], latest=gone, leaf=gone)).until_the_end()
