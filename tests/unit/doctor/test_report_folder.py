from pathlib import Path

import pytest

from jenkins_scan.doctor import reports

FOLDER = Path("scan-report")


def test_a_folder_that_is_not_there_yet_can_be_made_and_is_not(tmp_path):
    outcome = reports.check(FOLDER)
    assert outcome.status == "OK"
    assert f"can be made in {tmp_path}" in outcome.seen
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_written_into_one_that_is_there(tmp_path):
    (tmp_path / FOLDER).mkdir()
    assert reports.check(FOLDER).seen.startswith("scan-report can be written, ")
    assert list((tmp_path / FOLDER).iterdir()) == []


def test_the_folders_above_it_that_were_made_are_gone_too(tmp_path):
    assert f"can be made in {tmp_path}" in reports.check(Path("a/b/../c/scan-report")).seen
    assert list(tmp_path.iterdir()) == []


def test_what_is_put_into_a_folder_meanwhile_is_no_error_and_stays(tmp_path):
    class Raced(type(FOLDER)):
        """A path whose folders are used by somebody else as soon as they are there."""

        def mkdir(self, *arguments, **options):
            super().mkdir(*arguments, **options)
            (self / "other.txt").write_text("theirs")

    assert reports.check(Raced("scan-report")).status == "OK"
    assert [path.name for path in tmp_path.rglob("*")] == ["scan-report", "other.txt"]


def a_file(folder):
    folder.write_text("x")


def a_link_outside(folder):
    folder.symlink_to("/")


def a_link_in_a_circle(folder):
    folder.symlink_to(folder)


def a_report_that_is_a_folder(folder):
    (folder / "result.json").mkdir(parents=True)


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (a_file, "is not a folder"),
        (a_link_outside, "leads out of the working folder"),
        (a_link_in_a_circle, "cannot be used"),
        (a_report_that_is_a_folder, "result.json is a folder"),
    ],
)
def test_a_place_that_cannot_be_used_fails_with_two(tmp_path, made, why):
    made(tmp_path / FOLDER)
    outcome = reports.check(FOLDER)
    assert (outcome.status, outcome.code) == ("FAIL", 2)
    assert why in outcome.seen
    assert "--report-dir" in outcome.remedy


def test_a_path_that_no_system_takes_fails_with_two():
    assert reports.check(Path("a\0b")).code == 2


@pytest.mark.parametrize("place", [Path("/proc"), Path("/proc/1")])
def test_a_file_system_that_lets_nobody_write_fails_with_two(place):
    outcome = reports.check(place / "scan-report")
    assert (outcome.status, outcome.code) == ("FAIL", 2)


def test_little_room_is_a_warning():
    outcome = reports.check(FOLDER, least_free=10**18)
    assert (outcome.status, outcome.code) == ("WARN", 11)
    assert "less than" in outcome.seen
