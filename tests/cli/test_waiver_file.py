"""A waiver file from the command line to every report: its mistakes by line and column, what it waives, and notes."""

import json
import os

import pytest

from tests.support.center import NOON

SANDBOX = ("--endpoint", "sandbox", "--scenario", "vulnerable", "--fail-on", "high")
WAIVERS = ("--waivers", "w.toml")
GOOD = '[[waiver]]\nid = "CVE-2024-0001"\nreason = "accepted"\nexpires = 2030-01-01\n'


@pytest.fixture
def judged(cli, archive, tmp_path):
    """Runs `scan` with a waiver file of this content."""

    def run(content, *arguments):
        (tmp_path / "w.toml").write_bytes(content if isinstance(content, bytes) else content.encode())
        return cli("scan", archive, *SANDBOX, *WAIVERS, *arguments)

    return run


@pytest.mark.parametrize(
    ("content", "line", "column", "said"),
    [
        ('[[waiver]]\nid = "A"\nexpires = 2030-01-01\n', 1, 1, "the waiver has no reason"),
        ('[[waiver]]\nid = "A"\nreason = "r"\n', 1, 1, "the waiver has no expires"),
        ('[[waiver]]\nreason = "r"\nexpires = 2030-01-01\n', 1, 1, "the waiver has no id"),
        (GOOD + "\n  [[waiver]]\n", 6, 3, "the waiver has no id"),
        (GOOD.replace("2030-01-01", '"next year"'), 4, 1, "YYYY-MM-DD"),
        (GOOD.replace("2030-01-01", '"2030-02-30"'), 4, 1, "no day of the calendar"),
        (GOOD.replace("2030-01-01", "2030-02-30"), 4, 11, "not TOML"),
        (GOOD.replace("2030-01-01", "2030-01-01T12:00:00Z"), 4, 1, "YYYY-MM-DD"),
        (GOOD.replace("2030-01-01", "2030"), 4, 1, "YYYY-MM-DD"),
        (GOOD + '  expire = "x"\n', 5, 3, "did you mean 'expires'"),
        (GOOD + "owner = 7\n", 5, 1, "owner must be a text"),
        (GOOD.replace('"accepted"', "[]"), 3, 1, "reason must be a text"),
        (GOOD.replace('"accepted"', '" \\n "'), 3, 1, "reason must not be empty"),
        (GOOD + 'kind = "vulnerabilty"\n', 5, 1, "did you mean 'vulnerability'"),
        (GOOD.replace("CVE-2024-0001", "CVE-*"), 2, 1, "a pattern would waive"),
        ('[[waver]]\nid = "A"\n', 1, 1, "did you mean 'waiver'"),
        (f"version = 1\n{GOOD}", 1, 1, "unknown key 'version'"),
        ('[waiver]\nid = "A"\n', 1, 1, "[[waiver]] of its own"),
        ("[[waiver]]\nid = A\n", 2, 6, "not TOML"),
        ('[[waiver]]\nid = "A\n', 2, 8, "not TOML"),
        (GOOD + 'reason = "again"\n', 5, 17, "not TOML"),
        (GOOD + "[waiver]\n", 5, 8, "not TOML"),
        (GOOD.encode().replace(b"accepted", b"accept\xe9"), 3, 17, "not UTF-8"),
        (b"\xff\xfe" + GOOD.encode("utf-16-le"), 1, 1, "not UTF-8"),
    ],
)
def test_a_mistake_is_two_and_named_by_line_and_column(judged, content, line, column, said):
    run = judged(content)
    assert (run.code, run.result["verdict"], run.result["tasks"]) == (2, "ERROR", [])
    assert f"w.toml, line {line}, column {column}: " in run.result["images"][0]["reasons"][0]["message"]
    assert said in run.err


@pytest.mark.parametrize("make", ["missing", "folder", "fifo", "endless", "huge"])
def test_what_is_no_waiver_file_is_two_at_once(cli, archive, tmp_path, make):
    path = tmp_path / "w.toml"
    {
        "missing": lambda: None,
        "folder": path.mkdir,
        "fifo": lambda: os.mkfifo(path),
        "endless": lambda: path.symlink_to("/dev/zero"),
        "huge": lambda: path.write_bytes(b"#" * 1024 * 1024),
    }[make]()
    run = cli("scan", archive, *SANDBOX, *WAIVERS)
    assert (run.code, run.result["tasks"]) == (2, [])
    assert "w.toml" in run.result["images"][0]["reasons"][0]["message"]


@pytest.mark.parametrize("content", ["", "# nothing is accepted yet\n", "\ufeff", "waiver = []\n"])
def test_a_file_without_waivers_waives_nothing(judged, content):
    run = judged(content)
    assert (run.code, run.result["images"][0]["waived"]) == (10, [])


def test_expired_ending_and_unused_waivers_are_said_with_their_lines(judged):
    """The clock says 2025-01-02."""
    rows = [
        ("CVE-2024-0001", "2025-01-01"),  # over since yesterday
        ("CVE-2024-0101", "2025-01-02"),  # its last day
        ("miner", "2025-01-16"),  # 14 days
        ("scanner", "2025-01-17"),
        ("CVE-2020-9999", "2030-01-01"),
    ]
    run = judged("".join(f'[[waiver]]\nid = "{name}"\nreason = "r"\nexpires = {day}\n\n' for name, day in rows))
    assert NOON == 1_735_819_200.0
    about = [warning for warning in run.result["warnings"] if "the waiver of" in warning]
    assert about == [
        "the waiver of CVE-2024-0001 (line 1) expired on 2025-01-01: what it covers counts again.",
        "the waiver of CVE-2024-0101 (line 6) ends on 2025-01-02.",
        "the waiver of miner (line 11) ends on 2025-01-16.",
        "the waiver of CVE-2020-9999 (line 21) covers nothing that was found.",
    ]
    for warning in about:
        assert warning in run.err
    image = run.result["images"][0]
    assert {finding["id"] for finding in image["waived"]} == {"CVE-2024-0101", "miner", "scanner"}
    assert "CVE-2024-0001" in {finding["id"] for finding in image["findings"]}
    assert run.code == 10


def test_waived_findings_stay_in_the_result_with_their_waiver(judged):
    run = judged(GOOD + 'owner = "team-payments"\n', "-o", "json")
    assert json.loads(run.out) == run.result
    image = run.result["images"][0]
    assert [finding["id"] for finding in image["waived"]] == ["CVE-2024-0001"] * 2
    waiver = image["waived"][0]["waiver"]
    assert (waiver["reason"], waiver["expires"], waiver["owner"]) == ("accepted", "2030-01-01", "team-payments")
    assert len(image["findings"]) == 9


@pytest.mark.parametrize("output", [(), ("-o", "table")], ids=["console", "table"])
def test_waived_findings_are_counted_and_named(judged, output):
    run = judged(GOOD, *output)
    shown = run.out if output else run.err
    assert "2 waived" in shown
    assert "CVE-2024-0001" in shown


def test_the_summary_says_that_findings_are_waived(judged, tmp_path):
    judged(GOOD)
    assert "2 waived" in (tmp_path / "scan-report" / "summary.txt").read_text()


def test_wait_refuses_a_bad_waiver_file_and_takes_a_good_one(cli, archive, tmp_path):
    place = ("--endpoint", "sandbox", "--scenario", "vulnerable", "--state", "s.db")
    task = cli("scan", archive, *place, "--no-wait").result["tasks"][0]["id"]
    (tmp_path / "w.toml").write_text(GOOD.replace("expires", "expirse"))
    refused = cli("wait", "scan-report/result.json", *place, *WAIVERS)
    assert (refused.code, refused.result["tasks"][0]["id"]) == (2, task)
    assert "w.toml, line 4, column 1: " in refused.err
    (tmp_path / "w.toml").write_text(GOOD)
    assert len(cli("wait", "scan-report/result.json", *place, *WAIVERS).result["images"][0]["waived"]) == 2
