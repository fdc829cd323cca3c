"""The surroundings that an agent gives to a process: its streams, its locale, its user, its limits, its folders."""

import os
import pty
import threading

import pytest

from tests.faults.bed import environ, run
from tests.faults.surroundings import (
    CREATE,
    archive_in,
    as_stranger,
    center,
    folder_for_all,
    owned,
    small_disk,
    started,
    wait_until,
)

GROUP = "The process"
slow = pytest.mark.slow


@pytest.fixture
def step(tmp_path, note):
    """Runs a step and notes it. `env` changes the environment; None takes a variable away."""

    def stepped(
        fault, *arguments, code=0, reason="", tasks=1, env=None, folder=None, scenario="clean", at=None, **more
    ):
        folder = folder or tmp_path
        with center(scenario, at) as service:
            variables = environ(service.url) | (env or {})
            done = run(
                *("scan", archive_in(folder), "--fail-on", "high", *arguments),
                env={name: value for name, value in variables.items() if value is not None},
                folder=folder,
                **more,
            )
            opened = service.opened
        note(fault, done, opened)
        assert (done.code, len(opened)) == (code, tasks), done.said[-2000:]
        if not more.keys() & {"stderr", "before"}:
            assert done.reason == reason
        return done

    return stepped


ENVIRONMENTS = {
    "LANG=C": {"LANG": "C"},
    "LC_ALL=POSIX and no UTF-8 mode": {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "a locale that does not exist": {"LC_ALL": "xx_YY.KOI8-R"},
    "PYTHONIOENCODING=ascii:strict": {"PYTHONIOENCODING": "ascii:strict"},
    "PYTHONWARNINGS=error": {"PYTHONWARNINGS": "error"},
    "HOME=/": {"HOME": "/"},
    "HOME is not set": {"HOME": None},
    "HOME is empty": {"HOME": ""},
    "PATH is empty": {"PATH": ""},
    "PATH is not set": {"PATH": None},
    "TMPDIR does not exist": {"TMPDIR": "/nonexistent"},
    "TERM=dumb": {"TERM": "dumb"},
    "COLUMNS=1": {"COLUMNS": "1", "LINES": "1"},
    "COLUMNS is no number": {"COLUMNS": "wide"},
    "CI=true and FORCE_COLOR": {"CI": "true", "FORCE_COLOR": "3"},
    "a variable of another encoding": {"JOB_NAME": "caf\udce9", "GIT_BRANCH": "\udcff\udcfe", "X\udce9": "1"},
    "a variable with an escape sequence": {"BUILD_TAG": "\x1b]0;pwned\x07", "CHANGE_TITLE": "\x1b[2J\n::error::x"},
    "an environment of one megabyte": {f"V{n}": "x" * 100_000 for n in range(10)},
    "ten thousand variables": {f"V{n}": "x" for n in range(10_000)},
    "TZ is nonsense": {"TZ": "Nowhere/Land"},
}
QUICK = ("LC_ALL=POSIX and no UTF-8 mode", "HOME is not set", "PATH is empty", "a variable of another encoding")


@pytest.mark.parametrize("fault", [pytest.param(each, marks=() if each in QUICK else slow) for each in ENVIRONMENTS])
def test_no_environment_changes_the_verdict(step, fault):
    done = step(fault, env=ENVIRONMENTS[fault])
    assert "FORCE_COLOR" in fault or "\x1b" not in done.said


def shell(script):
    """A command line that does this before, or around, what follows it."""
    return ["bash", "-c", script, "bash"]


STREAMS = {
    "stdout is closed": '"$@" -o json >&-',
    "stderr is closed": '"$@" 2>&-',
    "stdout and stderr are closed": '"$@" -o json >&- 2>&-',
    "stdin is closed": '"$@" <&-',
    "the reader of stdout goes away": '"$@" -o json | true; exit ${PIPESTATUS[0]}',
    "the reader of stderr goes away": '{ "$@" 2>&1 >&3 | true; exit ${PIPESTATUS[0]}; } 3>/dev/null',
    "the readers of both go away": '"$@" -o json 2>&1 | true; exit ${PIPESTATUS[0]}',
    "stdout is a full disk": '"$@" -o json >/dev/full',
    "stderr is a full disk": '"$@" 2>/dev/full',
    "stdout and stderr are full disks": '"$@" -o json >/dev/full 2>&1',
    "stdin can only be written": '"$@" 0>/dev/null',
    "more files are open than it knows": 'for n in {10..200}; do eval "exec $n</dev/null"; done; "$@"',
}


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(
            each, marks=() if each in ("stdout and stderr are closed", "the readers of both go away") else slow
        )
        for each in STREAMS
    ],
)
@pytest.mark.parametrize("scenario", ["clean", pytest.param("vulnerable", marks=slow)])
def test_streams_do_not_change_the_verdict(step, fault, scenario):
    named = fault if scenario == "clean" else f"{fault}, and there are findings"
    step(named, before=shell(STREAMS[fault]), scenario=scenario, code=0 if scenario == "clean" else 10)


def test_an_input_that_never_ends_is_not_read(step):
    read, write = os.pipe()
    try:
        step("stdin never ends", stdin=read)
    finally:
        os.close(read)
        os.close(write)


LIMITS = {
    "umask 077": "umask 077",
    "umask 777 as root": "umask 777",
    "32 open files": "ulimit -n 32",
    "core files are allowed": "ulimit -c unlimited",
    "2 GiB of addresses": "ulimit -v 2097152",
    "files of at most 1 MiB": "ulimit -f 1024",
    "nice 19": "renice -n 19 $$ >/dev/null",
    "one processor": "taskset -pc 0 $$ >/dev/null",
}


@pytest.mark.parametrize("fault", [pytest.param(each, marks=() if "32" in each else slow) for each in LIMITS])
def test_limits_that_are_wide_enough_change_nothing(step, fault):
    step(fault, before=shell(f'{LIMITS[fault]} && exec "$@"'))


def test_files_that_may_not_grow_are_a_full_disk(step, tmp_path):
    done = step(
        "files of at most 1 KiB", before=shell('ulimit -f 1; exec "$@"'), code=17, env={"PYTHONDONTWRITEBYTECODE": "1"}
    )
    assert "scan-report/result.json" in done.err


@slow
def test_too_few_files_for_the_interpreter_s_own_modules_never_pass(tmp_path):
    """What the interpreter cannot load is not ours to explain; it is only no pass."""
    with center() as service:
        done = run(
            *("scan", archive_in(tmp_path)),
            env=environ(service.url),
            folder=tmp_path,
            before=shell('ulimit -n 4; exec "$@"'),
        )
        assert done.code != 0
        assert service.opened == []


@slow
@pytest.mark.parametrize("kilobytes", [60_000, 90_000, 120_000])
def test_too_little_memory_never_passes_without_its_proof(tmp_path, kilobytes):
    with center() as service:
        done = run(
            *("scan", archive_in(tmp_path), "--fail-on", "high"),
            env=environ(service.url),
            folder=tmp_path,
            before=shell(f'ulimit -v {kilobytes}; exec "$@"'),
        )
        assert done.code != 0 or done.result["verdict"] == "PASS"
        assert len(service.opened) <= 1
        assert all(task in done.said for task in service.opened)


def namespace(script):
    """A command line in a mount namespace of its own, prepared by `script`."""
    return ["unshare", "-m", "--propagation", "private", "sh", "-ec", f'{script}\nexec "$@"', "sh"]


@pytest.mark.parametrize("there", ["scan-report", pytest.param("elsewhere/report", marks=slow)])
def test_a_root_that_is_read_only(step, tmp_path, there):
    with small_disk(tmp_path / "disk", "2m") as disk:
        step(
            f"the root is read-only, but for {there}",
            *("--report-dir", str(disk / there)),
            folder=disk,
            report=disk / there,
            before=namespace(
                "mount --make-rprivate /; for each in / /tmp /var /run; do "
                'if mountpoint -q "$each"; then mount -o remount,ro,bind "$each"; fi; done'
            ),
        )


def test_a_root_and_a_workspace_that_are_read_only(step, tmp_path):
    step(
        "all file systems are read-only",
        before=namespace(
            f'mount --bind "{tmp_path}" "{tmp_path}"; mount -o remount,ro,bind "{tmp_path}"; cd "{tmp_path}"'
        ),
        code=2,
        tasks=0,
    )


@pytest.mark.parametrize("place", ["/proc", pytest.param("/sys", marks=slow)])
def test_a_system_folder_that_is_missing(step, place):
    step(f"there is no {place}", before=namespace(f"mount -t tmpfs tmpfs {place}"))


@slow
def test_a_dev_that_is_empty(step):
    step("/dev is empty", before=namespace("mount -t tmpfs tmpfs /dev"))


@pytest.mark.parametrize(
    "env",
    [
        {},
        pytest.param({"HOME": None, "LANG": "C", "USER": None}, marks=slow),
        pytest.param({"HOME": "/root"}, marks=slow),
    ],
)
def test_a_user_that_nobody_knows(step, env):
    with folder_for_all() as folder:
        owned(folder)
        what = ", ".join(f"{name}={value}" if value else f"no {name}" for name, value in env.items())
        step(f"the user has no name{', ' * bool(what)}{what}", env=env, folder=folder, before=as_stranger())


@slow
def test_no_session_and_no_terminal(step):
    step("there is no controlling terminal", before=["setsid", "--wait"])


def on_terminal(folder, env):
    """What a terminal shows of a step, and its code."""
    leader, follower = pty.openpty()
    shown = bytearray()

    def read():
        try:
            while part := os.read(leader, 4096):
                shown.extend(part)
        except OSError:  # the last writer has closed it
            pass

    with (
        center() as service,
        started(
            *("scan", archive_in(folder), "--fail-on", "high"),
            env=environ(service.url, **env),
            folder=folder,
            before=shell('exec "$@" >&0 2>&0'),
            stdin=follower,
        ) as running,
    ):
        os.close(follower)
        reading = threading.Thread(target=read)
        reading.start()
        done = running.done()
        reading.join(10)
        opened = service.opened
    os.close(leader)
    return done, opened, shown.decode(errors="replace")


@pytest.mark.parametrize("term", ["xterm", pytest.param("dumb", marks=slow), pytest.param("\x1b[31m", marks=slow)])
def test_a_terminal(tmp_path, note, term):
    done, opened, shown = on_terminal(tmp_path, {"TERM": term, "COLUMNS": "1"})
    assert done.code == 0
    assert opened[0] in shown
    assert ("\x1b" in shown) == (term != "dumb")
    note(f"a terminal of one column, TERM={term!a}", done, opened)


@slow
def test_a_terminal_that_is_hung_up(tmp_path, note):
    leader, follower = pty.openpty()
    reached = threading.Event()
    with (
        center("slow", {CREATE: reached.set}) as service,
        started(
            *("scan", archive_in(tmp_path), "--fail-on", "high"),
            env=environ(service.url, TERM="xterm"),
            folder=tmp_path,
            before=["setsid", "--ctty", "--wait", *shell('exec "$@" >&0 2>&0')],
            stdin=follower,
        ) as running,
    ):
        os.close(follower)
        assert reached.wait(30)
        wait_until(lambda: bool(service.opened))
        os.close(leader)
        done = running.done()
        opened = service.opened
    assert done.code == 129
    note("the terminal is hung up", done, opened)


@slow
def test_a_name_that_the_locale_cannot_write(step, tmp_path):
    step(
        "a name outside ASCII, LC_ALL=C",
        "--repo",
        "x",
        "-o",
        "table",
        env={"LC_ALL": "C", "PYTHONUTF8": "0", "JOB_NAME": "проект/№1"},
    )


@slow
def test_an_interpreter_without_assertions(tmp_path, note):
    with center() as service:
        done = run(
            *("scan", archive_in(tmp_path), "--fail-on", "high"),
            env=environ(service.url, PYTHONOPTIMIZE="2"),
            folder=tmp_path,
        )
        opened = service.opened
    assert (done.code, len(opened)) == (0, 1)
    note("PYTHONOPTIMIZE=2", done, opened)
