"""Disks, folders and files that are full, closed, gone, or something else than what they are taken for."""

import contextlib
import os
import shutil
import socket
import stat
import subprocess
from pathlib import Path

import pytest

from tests.faults.bed import environ, run
from tests.faults.surroundings import (
    CREATE,
    QUOTA,
    archive_in,
    as_stranger,
    but_first,
    center,
    folder_for_all,
    owned,
    small_disk,
)
from tests.support.canaries import TOKEN

GROUP = "Files"
slow = pytest.mark.slow


@pytest.fixture
def step(tmp_path, note):
    """Runs a step in the test's folder, and notes it; returns the run and what the service opened."""

    def stepped(fault, *arguments, image=None, scenario="clean", at=None, env=None, folder=None, more=(), **options):
        folder = folder or tmp_path
        image = archive_in(tmp_path) if image is None else image
        with center(scenario, at) as service:
            variables = environ(service.url) | (env or {})
            done = run(
                *(*more, "scan", image, *arguments),
                env={name: value for name, value in variables.items() if value is not None},
                folder=folder,
                **options,
            )
            opened = service.opened
        note(fault, done, opened)
        return done, opened

    return stepped


def ended(ran, code, reason, tasks):
    done, opened = ran
    assert (done.code, done.reason, len(opened)) == (code, reason, tasks), done.said[-2000:]


def refused(ran, words=""):
    """Found before the report folder is usable: no last line with a reason, nothing sent."""
    done, opened = ran
    assert (done.code, opened) == (2, []), done.said[-2000:]
    assert words in done.err
    assert "  -> " in done.err or "error: " in done.err


# -- disks


def fill(folder):
    """Leaves no byte of the disk."""
    with (folder / "ballast").open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"\0" * 4096)


def test_a_disk_that_is_full_before(step, tmp_path):
    with small_disk(tmp_path / "disk", "64k") as disk:
        fill(disk)
        ran = step("the disk is full at the start", "--report-dir", "disk/report", report=disk / "report")
    refused(ran, "No space left on device")


@pytest.mark.parametrize(
    ("scenario", "code", "reason"),
    [("clean", 17, "incomplete"), ("vulnerable", 10, "policy"), ("scan-failed", 17, "incomplete")],
)
def test_a_disk_that_is_full_at_the_end(step, tmp_path, scenario, code, reason):
    with small_disk(tmp_path / "disk", "64k") as disk:
        (disk / "report").mkdir()
        ran = step(
            f"the disk is full at the end of a run that is {scenario}",
            *("--report-dir", "disk/report", "--fail-on", "high"),
            scenario=scenario,
            at={CREATE: lambda: fill(disk)},
            report=disk / "report",
        )
        assert not list((disk / "report").glob(".*")), "a half-written file is left"
    ended(ran, code, reason, 1)
    assert ran[1][0] in ran[0].err


def test_a_disk_that_fills_up_between_the_reports(step, tmp_path):
    with small_disk(tmp_path / "disk", "24k") as disk:
        ran = step("the disk fills up between the reports", "--report-dir", "disk/report", report=disk / "report")
        assert ran[0].result["verdict"] == "SUBMITTED"
    ended(ran, 0, "", 1)
    assert "warning: " in ran[0].err


def test_a_disk_that_becomes_read_only(step, tmp_path):
    with small_disk(tmp_path / "disk", "1m") as disk:
        turn = lambda: subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)  # noqa: E731
        ran = step(
            "the disk becomes read-only", "--report-dir", "disk/report", at={CREATE: turn}, report=disk / "report"
        )
    ended(ran, 17, "incomplete", 1)


def test_a_file_system_that_is_read_only(step, tmp_path):
    with small_disk(tmp_path / "disk", "1m", "ro"):
        refused(step("the file system is read-only", "--report-dir", "disk/report"), "Read-only file system")


def test_a_disk_without_inodes(step, tmp_path):
    with small_disk(tmp_path / "disk", "1m", "nr_inodes=2") as disk:
        ran = step("the disk has no inode left", "--report-dir", "disk/report", report=disk / "report")
    refused(ran, "No space left on device")


# -- the report folder


def a_file(folder):
    (folder / "place").write_text("mine")


def below_a_file(folder):
    (folder / "place").mkdir()
    (folder / "place").rmdir()
    (folder / "place").write_text("mine")


def a_link_out(folder):
    (folder.parent / "elsewhere").mkdir(exist_ok=True)
    (folder / "place").symlink_to(folder.parent / "elsewhere")


PLACES = {
    "the report folder is a file": (a_file, "place"),
    "the report folder is below a file": (a_file, "place/report"),
    "the report folder is a link out of the workspace": (a_link_out, "place"),
    "the report folder is a link that turns in a circle": (lambda f: (f / "place").symlink_to("place"), "place"),
    "the report folder is a FIFO": (lambda f: os.mkfifo(f / "place"), "place"),
    "the report folder has a folder for its result.json": (
        lambda f: (f / "place" / "result.json").mkdir(parents=True),
        "place",
    ),
    "the name of the report folder is too long": (lambda _: None, "n" * 300),
    "the report folder is /proc": (lambda _: None, "/proc/scan"),
    "the report folder is /dev/null": (lambda _: None, "/dev/null"),
    "the report folder is an empty name": (lambda _: None, ""),
}


@pytest.mark.parametrize("fault", but_first(PLACES, list(PLACES)[:3]))
def test_a_report_folder_that_is_none(step, tmp_path, fault):
    make, name = PLACES[fault]
    make(tmp_path)
    before = os.lstat(tmp_path / "place").st_mode if os.path.lexists(tmp_path / "place") else None
    refused(step(fault, "--report-dir", name))
    if before is not None:
        assert os.lstat(tmp_path / "place").st_mode == before
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


NAMES = {
    "the workspace is job@2": "job@2",
    "the workspace has the %2F of a branch": "feature%2Fx",
    "the workspace has spaces": " my job ",
    "the workspace has a comma and an equals sign": "a,b=c",
    "the workspace has quotes and a dollar": 'it\'s "$HOME"',
    "the workspace has a line break": "two\nlines",
    "the workspace has an escape sequence": "red\x1b[31m",
    "the workspace has a colon like a tag": "job:1.0",
    "the workspace begins with a dash": "-o",
    "the workspace is not UTF-8": "caf\udce9",
    "the workspace is not ASCII": "проект",
}


@pytest.mark.parametrize("fault", but_first(NAMES, list(NAMES)[:2]))
def test_a_workspace_with_a_strange_name(step, tmp_path, fault):
    workspace = tmp_path / NAMES[fault]
    workspace.mkdir()
    report = workspace / NAMES[fault]
    ran = step(
        fault,
        *("--fail-on", "high", f"--report-dir={report}", "-o", f"junit={workspace / 'a=b,c.xml'}"),
        image=archive_in(workspace, "app@1,=.tar"),
        folder=workspace,
        report=report,
        env={"WORKSPACE": str(workspace), "JOB_NAME": NAMES[fault], "BRANCH_NAME": NAMES[fault], "LANG": "C"},
    )
    ended(ran, 0, "", 1)
    assert (workspace / "a=b,c.xml").is_file()
    assert "\x1b" not in ran[0].said


def test_links_in_the_report_folder_lead_nothing_elsewhere(step, tmp_path):
    others = tmp_path / "others"
    others.mkdir()
    (others / "precious").write_text("mine")
    report = tmp_path / "scan-report"
    report.mkdir()
    for name in ("result.json", "summary.txt", "junit.xml"):
        (report / name).symlink_to(others / "precious")
    (report / "html").symlink_to(others)
    ended(step("the report folder holds links to elsewhere"), 0, "", 1)
    assert ((others / "precious").read_text(), len(list(others.iterdir()))) == ("mine", 1)


def fifo(path):
    os.mkfifo(path)


def bound(path):
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.relpath(path))


OUTPUTS = {
    "-o writes into a FIFO": (fifo, stat.S_ISFIFO),
    "-o writes into a socket": (bound, stat.S_ISSOCK),
    "-o writes into a folder": (Path.mkdir, stat.S_ISDIR),
    "-o writes into a device": (lambda path: os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 3)), stat.S_ISCHR),
}


@pytest.mark.parametrize("fault", but_first(OUTPUTS, list(OUTPUTS)[:1]))
def test_what_is_no_file_is_not_replaced(step, tmp_path, fault):
    make, is_still = OUTPUTS[fault]
    make(tmp_path / "there")
    ended(step(fault, "-o", "json=there"), 2, "usage", 0)
    assert is_still((tmp_path / "there").stat().st_mode)


@pytest.mark.parametrize(
    "place", [pytest.param(name, marks=slow) for name in ("/dev/null", "/dev/full", "/proc/self/fd/1", "/dev/fd/2")]
)
def test_a_place_of_the_system_is_not_replaced(step, place):
    ended(step(f"-o writes into {place}", "-o", f"json={place}"), 2, "usage", 0)
    assert stat.S_ISCHR(Path("/dev/full").stat().st_mode)
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


# -- files that are read


def spoilt(path, how):
    """A file that cannot be used."""
    match how:
        case "missing":
            pass
        case "a folder":
            path.mkdir()
        case "a FIFO":
            os.mkfifo(path)
        case "huge":
            with path.open("wb") as file:
                file.truncate(1024**3)
        case "not UTF-8":
            path.write_bytes(b"caf\xe9 = 1\n")
        case "endless":
            path.symlink_to("/dev/zero")
        case "a link in a circle":
            path.symlink_to(path.name)
        case "a socket":
            bound(path)
        case "empty":
            path.touch()


SPOILT = ("missing", "a folder", "a FIFO", "huge", "not UTF-8", "endless", "a link in a circle", "a socket")


@pytest.mark.parametrize(
    "how", [pytest.param(how, marks=() if how == "a FIFO" else slow) for how in (*SPOILT, "empty")]
)
def test_the_file_of_the_token_gives_none(step, tmp_path, how):
    spoilt(tmp_path / "token", how)
    ran = step(f"the file of the token is {how}", env={"JENKINS_SCAN_TOKEN": None, "JENKINS_SCAN_TOKEN_FILE": "token"})
    ended(ran, 14, "access", 0)


def test_the_file_of_the_token_has_windows_line_ends(step, tmp_path):
    (tmp_path / "token").write_bytes(b"\r\n" + TOKEN.encode() + b"\r\n")
    env = {"JENKINS_SCAN_TOKEN": None, "JENKINS_SCAN_TOKEN_FILE": "token"}
    ended(step("the file of the token has windows line ends", env=env), 0, "", 1)


@slow
def test_the_file_of_the_token_has_two_lines(step, tmp_path):
    (tmp_path / "token").write_bytes(TOKEN.encode() + b"\r\n# comment\r\n")
    env = {"JENKINS_SCAN_TOKEN": None, "JENKINS_SCAN_TOKEN_FILE": "token"}
    ended(step("the file of the token has two lines", env=env), 14, "access", 0)


GIVEN = {
    "the configuration file": (("--config", "given"), ()),
    "the waiver file": ((), ("--waivers", "given", "--fail-on", "high")),
    "the baseline": ((), ("--baseline", "given", "--fail-on", "high")),
    "the file of the CAs": ((), ("--ca-bundle", "given")),
}


@pytest.mark.parametrize("how", [pytest.param(how, marks=() if how == "a FIFO" else slow) for how in SPOILT])
@pytest.mark.parametrize("what", GIVEN)
def test_a_file_that_was_named_cannot_be_used(step, tmp_path, what, how):
    spoilt(tmp_path / "given", how)
    more, arguments = GIVEN[what]
    done, opened = step(f"{what} is {how}", *arguments, more=more)
    assert (done.code, opened) == (2, []), done.said[-2000:]


@pytest.mark.parametrize(
    "how", [pytest.param(how, marks=() if how == "a FIFO" else slow) for how in SPOILT if how != "missing"]
)
def test_the_configuration_file_of_the_workspace_cannot_be_used(step, tmp_path, how):
    spoilt(tmp_path / ".jenkins-scan.toml", how)
    done, opened = step(f"the workspace's .jenkins-scan.toml is {how}")
    assert (done.code, opened) == (2, []), done.said[-2000:]


@pytest.mark.parametrize(
    "how", [pytest.param(how, marks=() if how == "a FIFO" else slow) for how in (*SPOILT, "empty")]
)
def test_the_archive_is_none(step, tmp_path, how):
    spoilt(tmp_path / "image.tar", how)
    ended(step(f"the archive is {how}", image="docker-archive://image.tar"), 13, "image", 0)


@pytest.mark.parametrize("how", [pytest.param(how, marks=slow) for how in (*SPOILT, "empty")])
def test_the_result_to_take_up_is_none(tmp_path, note, how):
    spoilt(tmp_path / "given.json", how)
    with center() as service:
        done = run("wait", "given.json", env=environ(service.url), folder=tmp_path)
        assert (done.code, service.opened) == (2, []), done.said
    note(f"the result to take up is {how}", done)


def test_waivers_that_come_while_it_runs_are_not_for_this_run(step, tmp_path):
    waivers = tmp_path / "waivers.toml"
    waivers.write_text('[[waiver]]\nid = "CVE-0000-0001"\nreason = "r"\nexpires = 2030-01-01\n')
    late = waivers.read_text() + "garbage ["
    ran = step(
        "the waiver file is changed after the submit",
        *("--waivers", "waivers.toml", "--fail-on", "high"),
        scenario="vulnerable",
        at={CREATE: lambda: waivers.write_text(late)},
    )
    ended(ran, 10, "policy", 1)


# -- what goes away


def rewritten(path):
    path.write_bytes(path.read_bytes() + b"\0" * 512)


CHANGES = {
    "the archive is deleted": Path.unlink,
    "the archive is cut": lambda path: os.truncate(path, 600),
    "the archive becomes a folder": lambda path: (path.unlink(), path.mkdir()),
    "the archive becomes a FIFO": lambda path: (path.unlink(), os.mkfifo(path)),
    "the archive becomes another image": lambda path: (path.unlink(), shutil.copy(path.with_name("other.tar"), path)),
}


@pytest.mark.parametrize(("moment", "when"), [(QUOTA, "before the submit"), (CREATE, "after the submit")])
@pytest.mark.parametrize("fault", but_first(CHANGES, list(CHANGES)[:1]))
def test_an_archive_that_changes_in_the_middle(step, tmp_path, fault, moment, when):
    from tests.support.docker_archives import archive, packed_image

    (tmp_path / "other.tar").write_bytes(archive(packed_image(("team/app:1",), (b"another",))))
    image = archive_in(tmp_path)
    change = CHANGES[fault]
    ran = step(f"{fault} {when}", "--fail-on", "high", image=image, at={moment: lambda: change(tmp_path / "app.tar")})
    ended(ran, 17, "incomplete", 1)


def test_a_workspace_that_is_deleted_in_the_middle(step, tmp_path):
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    ran = step(
        "the workspace is deleted after the submit",
        image=archive_in(tmp_path, "outside.tar"),
        folder=workspace,
        at={CREATE: lambda: shutil.rmtree(workspace)},
    )
    ended(ran, 17, "incomplete", 1)
    assert ran[1][0] in ran[0].err.splitlines()[-1]


def test_a_report_folder_that_is_deleted_in_the_middle(step, tmp_path):
    ran = step(
        "the report folder is deleted after the submit",
        *("--fail-on", "high"),
        scenario="vulnerable",
        at={CREATE: lambda: shutil.rmtree(tmp_path / "scan-report")},
    )
    ended(ran, 10, "policy", 1)


def test_a_workspace_that_is_deleted_before(tmp_path, note):
    workspace = tmp_path / "gone"
    workspace.mkdir()
    with center() as service:
        done = run(
            *("scan", archive_in(tmp_path)),
            env=environ(service.url),
            folder=workspace,
            before=["sh", "-c", f'rmdir "{workspace}" && exec "$@"', "sh"],
        )
        assert (done.code, service.opened) == (2, []), done.said
    note("the workspace is deleted before the start", done)


# -- permissions


@pytest.fixture
def stranger():
    """A folder of a user that is not root."""
    with folder_for_all() as folder:
        yield owned(folder)


def as_another(note, stranger, fault, *arguments, env=None, image=None, at=None, report=None):
    with center(at=at) as service:
        done = run(
            *("scan", image or archive_in(stranger), *arguments),
            env={k: v for k, v in (environ(service.url) | (env or {})).items() if v is not None},
            folder=stranger,
            before=as_stranger(),
            report=report,
        )
        opened = service.opened
    note(fault, done, opened)
    return done, opened


def test_a_user_with_rights_needs_no_name(note, stranger):
    ended(as_another(note, stranger, "none: an unknown user with a folder of its own"), 0, "", 1)


@pytest.mark.parametrize("mode", [0o555, pytest.param(0o000, marks=slow), pytest.param(0o311, marks=slow)])
def test_a_report_folder_without_permission(note, stranger, mode):
    (stranger / "closed").mkdir(mode=0o755)
    (stranger / "closed").chmod(mode)
    refused(as_another(note, stranger, f"the report folder is of root, with mode {mode:o}", "--report-dir", "closed"))


def test_a_report_folder_below_one_without_permission(note, stranger):
    (stranger / "closed").mkdir(mode=0o700)
    refused(as_another(note, stranger, "the report folder is below one of root", "--report-dir", "closed/report"))


def test_a_workspace_that_may_not_be_written(note, stranger):
    image = archive_in(stranger)
    owned(stranger, 0o555)
    refused(as_another(note, stranger, "the workspace may not be written", image=image), "Permission denied")


def test_old_reports_of_root_cannot_pass_for_new_ones(note, stranger):
    report = stranger / "scan-report"
    report.mkdir(mode=0o755)
    (report / "result.json").write_text("{}")
    done, opened = as_another(note, stranger, "old reports of root are in the way", report=stranger / "none")
    assert (done.code, opened) == (2, [])


@pytest.mark.parametrize(
    ("fault", "env", "arguments", "code"),
    [
        ("the file of the token", {"JENKINS_SCAN_TOKEN": None, "JENKINS_SCAN_TOKEN_FILE": "closed"}, (), 14),
        pytest.param("the waiver file", {}, ("--waivers", "closed", "--fail-on", "high"), 2, marks=slow),
        pytest.param("the file of the CAs", {}, ("--ca-bundle", "closed"), 2, marks=slow),
    ],
)
def test_a_file_that_may_not_be_read(note, stranger, fault, env, arguments, code):
    (stranger / "closed").write_text("secret")
    (stranger / "closed").chmod(0o600)
    done, opened = as_another(note, stranger, f"{fault} may not be read", *arguments, env=env)
    assert (done.code, opened) == (code, []), done.said


def test_an_archive_that_may_not_be_read(note, stranger):
    image = archive_in(stranger)
    (stranger / "app.tar").chmod(0o600)
    ended(as_another(note, stranger, "the archive may not be read", image=image), 13, "image", 0)


@slow
def test_a_permission_that_is_lost_in_the_middle(note, stranger):
    def lost():
        for path in (stranger / "scan-report", stranger / "scan-report" / "html"):
            os.chown(path, 0, 0)

    ended(
        as_another(note, stranger, "the report folder is taken away after the submit", at={CREATE: lost}),
        17,
        "incomplete",
        1,
    )
