"""The sandbox remembers tasks, quota and nonces, in memory or in a file that is its own."""

import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from jenkins_scan import sandbox
from jenkins_scan.errors import ConfigurationError
from jenkins_scan.sandbox.images import Image
from jenkins_scan.sandbox.scenarios import SCENARIOS
from jenkins_scan.sandbox.service import SandboxService
from jenkins_scan.sandbox.state import NoQuota, State, Terms

ROOT = Path(__file__).parents[3]


def open_one(state, digest="a" * 64, allowance=90):
    """One more task of the image with this digest; None when there is no quota for it."""
    try:
        return state.open_task([Image(digest=digest)], now=100.0, terms=Terms(action="A", allowance=allowance)).task
    except NoQuota:
        return None


def test_a_file_keeps_tasks_quota_nonces_faults_and_events(tmp_path):
    path = tmp_path / "state"
    with State(path) as state:
        task = open_one(state)
        assert state.use_nonce("key", "nonce", 100.0)
        assert state.strike("lost-answer", 0, "Create", times=1)
        assert state.first_time("a list was read", 100.0)
        assert state.since("others began", 100.0) == 100.0
    with State(path) as state:
        assert state.tasks() == (task,)
        (scan,) = state.scans()
        assert (scan,) == state.scans("a" * 64)
        assert (scan.task, scan.place, scan.granted, scan.image.digest) == (task, 0, True, "a" * 64)
        assert state.scans("b" * 64) == ()
        assert state.paid_images() == 1
        assert not state.use_nonce("key", "nonce", 100.0)
        assert not state.strike("lost-answer", 0, "Create", times=1)
        assert not state.first_time("a list was read", 101.0)
        assert state.first_time("another list was read", 101.0)
        assert state.since("others began", 101.0) == 100.0


def test_a_fault_is_counted_for_each_scenario_fault_and_operation(state):
    calls = [("s", 0, "A"), ("s", 0, "B"), ("s", 1, "A"), ("t", 0, "A")]
    for _ in range(2):
        assert [state.strike(*call, times=2) for call in calls] == [True] * 4
    assert [state.strike(*call, times=2) for call in calls] == [False] * 4
    assert all(state.strike("s", 0, "A", times=0) for _ in range(3))


def test_the_allowance_counts_images_not_tasks(state):
    assert open_one(state, allowance=1) is not None
    assert open_one(state, allowance=1) is not None
    assert open_one(state, "b", allowance=1) is None
    assert len(state.tasks()) == 2


def test_two_connections_on_one_file_never_spend_the_last_unit_twice(tmp_path):
    start = threading.Barrier(2, timeout=30)
    opened = []

    def create(number):
        with State(tmp_path / "state") as state:
            start.wait()
            opened.extend(open_one(state, f"{number}-{image}", allowance=15) is not None for image in range(10))

    threads = [threading.Thread(target=create, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert opened.count(True) == 15
    with State(tmp_path / "state") as state:
        assert state.paid_images() == len(state.tasks()) == 15


@pytest.mark.slow
def test_two_processes_share_one_file(tmp_path):
    program = (
        "from jenkins_scan.sandbox.images import Image\n"
        "from jenkins_scan.sandbox.state import NoQuota, State, Terms\n"
        "with State('state') as state:\n"
        "    for number in range(20):\n"
        "        try:\n"
        "            state.open_task([Image(digest=str(number))], now=1.0, terms=Terms(action='A', allowance=12))\n"
        "        except NoQuota:\n"
        "            pass\n"
    )
    children = [
        subprocess.Popen([sys.executable, "-c", program], cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}) for _ in range(2)
    ]
    assert [child.wait(60) for child in children] == [0, 0]
    with State(tmp_path / "state") as state:
        assert state.paid_images() == 12
        assert len(state.tasks()) == 24


def test_the_file_holds_no_secret(tmp_path, bench, clock):
    with State(tmp_path / "state") as state:
        here = bench()
        here.service = SandboxService(SCENARIOS["clean"], state, now=clock)
        assert here.create(Digest="a" * 64, RepoName="app").status == 200
        assert len(state.tasks()) == 1
    content = (tmp_path / "state").read_bytes()
    assert b"app" in content
    for secret in (sandbox.TOKEN, sandbox.ACCESS_KEY_SECRET, sandbox.STS_SECURITY_TOKEN):
        assert secret.encode() not in content


def text_file(path):
    path.write_text("this is a report, not a state\n" * 50)


def other_database(path):
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE bookmarks (url TEXT)")
    connection.close()


def later_version(path):
    State(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()


@pytest.mark.parametrize(
    ("make", "part"),
    [
        (text_file, "not a database"),
        (other_database, "something else"),
        (later_version, "version 99"),
        (Path.mkdir, "unable to open"),
    ],
)
def test_a_file_that_is_not_ours_is_named_and_left_alone(tmp_path, make, part):
    path = tmp_path / "kept"
    make(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(ConfigurationError, match=part) as caught:
        State(path)
    assert str(path) in caught.value.message
    assert "--state" in caught.value.remedy
    assert (path.read_bytes() if path.is_file() else None) == before


@pytest.mark.parametrize("path", ["missing/folder/state", "", "nul\0byte"])
def test_a_place_where_no_file_can_be_is_a_configuration_error(path):
    with pytest.raises(ConfigurationError):
        State(path)


def test_an_empty_file_becomes_a_state(tmp_path):
    (tmp_path / "state").touch()
    with State(tmp_path / "state") as state:
        assert open_one(state) is not None


def test_a_file_that_is_damaged_later_is_a_configuration_error_then(tmp_path):
    with State(tmp_path / "state") as state:
        open_one(state)
        connection = sqlite3.connect(tmp_path / "state")
        connection.execute("DROP TABLE scan")
        connection.execute("DROP TABLE task")
        connection.close()
        with pytest.raises(ConfigurationError, match="no such table"):
            state.tasks()
        assert state.paid_images() == 1


def test_a_state_that_is_closed_refuses_and_one_that_is_in_use_stays_open(tmp_path):
    """A thread that an abort left behind may still be in the middle of a transaction."""
    state = State(tmp_path / "s.db")
    with state.transaction() as connection:
        state.close()
        assert connection.execute("SELECT 1").fetchone() == (1,)
    state.close()
    with pytest.raises(ConfigurationError, match="it is closed"):
        state.tasks()
