"""What a spreadsheet or a script reads of a run."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jenkins_scan.report.as_csv import COLUMNS
from tests.support.results import FINDINGS, every_ending, hostile, image, result, text_of, unjudged

FORMULA_SIGNS = "=+-@\t\r＝＋－＠"  # noqa: RUF001  the full-width ones are meant


def rows_of(run):
    return list(csv.DictReader(io.StringIO(text_of("csv", run)), strict=True))


def test_the_columns_are_a_contract():
    assert text_of("csv", result(image())).splitlines()[0] == ",".join(f'"{name}"' for name in COLUMNS)
    assert ",".join(COLUMNS) == (
        "image,verdict,reasons,status,gate,known,kind,severity,id,aliases,title,package,version,path,fix,layer,"
        "waiver_reason,waiver_expires,waiver_owner,fingerprint"
    )


def test_each_finding_has_a_row_accepted_ones_too():
    rows = rows_of(every_ending()["fail"])
    assert [(row["status"], row["gate"], row["id"]) for row in rows] == [
        ("open", "fail", "malware/xmrig"),
        ("open", "fail", "CVE-2024-5535"),
        ("open", "fail", "ak_leak"),
        ("open", "warn", "CVE-2023-45853"),
        ("open", "", "root-user"),
        ("waived", "", "CVE-2022-0001"),
    ]
    assert {(row["image"], row["verdict"], row["reasons"]) for row in rows} == {
        ("registry.example.com/team/app:1", "FAIL", "policy")
    }


def test_a_row_holds_all_that_is_known_of_a_finding():
    row = rows_of(every_ending()["fail"])[1]
    expected = {name: getattr(FINDINGS[1], name) or "" for name in ("id", "title", "package", "version", "path", "fix")}
    assert {name: row[name] for name in expected} == expected
    assert (row["kind"], row["severity"], row["aliases"], row["known"]) == ("vulnerability", "high", "DSA-5741-1", "")
    assert len(row["fingerprint"]) == 32


def test_a_waived_row_has_its_waiver():
    row = rows_of(every_ending()["fail"])[-1]
    assert (row["waiver_reason"], row["waiver_expires"], row["waiver_owner"]) == (
        "not reachable here",
        "2026-06-30",
        "sec@example.com",
    )


def test_a_baseline_tells_new_from_known():
    assert [row["known"] for row in rows_of(every_ending()["baseline"])] == ["false", "true"]


@pytest.mark.parametrize(
    ("ending", "verdict", "reasons"),
    [
        ("clean", "PASS (sandbox)", "sandbox"),
        ("submitted", "SUBMITTED", "submitted"),
        ("quota", "FAIL", "quota"),
        ("softened", "WARN", "quota"),
        ("timeout", "INCOMPLETE", "timeout"),
        ("interrupted", "INCOMPLETE", "interrupted"),
    ],
)
def test_an_image_without_findings_has_a_row_so_that_a_missing_one_never_means_clean(ending, verdict, reasons):
    (row,) = rows_of(every_ending()[ending])
    known = {name: text for name, text in row.items() if text}
    assert known == {"image": "registry.example.com/team/app:1", "verdict": verdict, "reasons": reasons}


def test_a_run_without_an_image_has_a_row_too():
    (row,) = rows_of(every_ending()["usage"])
    assert (row["image"], row["verdict"], row["reasons"]) == ("no image", "ERROR", "usage")


def test_a_list_that_was_not_read_is_named_with_the_reasons():
    (row,) = rows_of(every_ending()["partial"])
    assert row["reasons"] == "policy not-fetched:baseline"


def test_images_keep_their_order_and_every_row_its_own_fingerprint():
    rows = rows_of(every_ending()["several"])
    assert [*dict.fromkeys(row["image"] for row in rows)] == [
        "registry.example.com/team/app:1",
        "registry.example.com/team/app:2",
        "worker:1",
    ]
    prints = [row["fingerprint"] for row in rows if row["fingerprint"]]
    assert len(set(prints)) == len(prints) == len(rows) - 1


@pytest.mark.parametrize("before", ["", " ", '"', "'", " \" '", "“", "\u3000"])
@pytest.mark.parametrize("sign", FORMULA_SIGNS.replace("\t", "").replace("\r", ""))
def test_no_cell_is_a_formula(before, sign):
    (row, *_) = rows_of(hostile(f"{before}{sign}cmd|' /C calc'!A0"))
    for name in ("image", "id", "title", "package", "version", "path", "fix", "layer", "aliases"):
        assert row[name].startswith("'")
        assert row[name].lstrip("'\"“ \u3000").startswith(sign)


@given(text=st.text(st.sampled_from(FORMULA_SIGNS + "\"'ax ,;\n")))
def test_no_cell_is_a_formula_whatever_is_mixed(text):
    for row in rows_of(hostile(text)):
        for cell in row.values():
            assert cell.startswith("'") or not cell.lstrip(" \"'").startswith(tuple(FORMULA_SIGNS))


def test_the_row_of_an_image_without_findings_is_no_formula_either():
    (row,) = rows_of(result(unjudged("image", 13, reference="=cmd|' /C calc'!A0")))
    assert row["image"] == "'=cmd|' /C calc'!A0"


def test_what_only_holds_such_a_sign_stays_as_it_is():
    (row,) = rows_of(result(unjudged("image", 13, reference="team/my-app:1+2@x")))
    assert row["image"] == "team/my-app:1+2@x"


def test_every_cell_is_quoted_and_lines_end_as_on_unix():
    report = text_of("csv", hostile('a "quote", and\r\nlines'))
    assert "\r" not in report
    for line in report.splitlines():
        assert line.startswith('"')
        assert line.endswith('"')
        assert len(next(csv.reader([line], strict=True))) == len(COLUMNS)


@pytest.mark.parametrize("text", ["a;=cmd()", "a; =cmd()", 'a;"@SUM(1)', "a|+1", "a;-1", "a;＝1"])  # noqa: RUF001  as above
def test_a_semicolon_starts_no_formula_where_it_separates_cells(text):
    finding = FINDINGS[1].__class__(kind=FINDINGS[1].kind, id="x", severity=FINDINGS[1].severity, title=text)
    written = text_of("csv", result(image(finding)))
    for delimiter in ";|\t":
        for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE):
            for row in csv.reader(io.StringIO(written), delimiter=delimiter, quoting=quoting):
                assert not [cell for cell in row if cell.strip(" \"'")[:1] in tuple("=+@＝") and "'" not in cell]  # noqa: RUF001
