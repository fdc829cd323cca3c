import json

import pytest

from jenkins_scan.doctor.report import Line, Status, as_json, as_table, exit_code, failure, good, skipped, warning
from jenkins_scan.errors import EngineUnreachable, QuotaTooLow

FINE = Line("a", good("fine."))
LOW = Line("long-name", warning("low.", "Do more."))
NONE = Line("n", skipped("nothing.", "Nothing to do."))
ENGINE = Line("engine", failure(EngineUnreachable("no answer.", remedy="Start it.", tried=("one", "two"))))
QUOTA = Line("quota", failure(QuotaTooLow("spent."), "seen: "))


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([], 0),
        ([FINE, NONE], 0),
        ([LOW, FINE], 11),
        ([LOW, QUOTA, ENGINE], 12),
        ([ENGINE, QUOTA], 13),
    ],
)
def test_the_first_failure_decides_and_a_warning_only_without_one(lines, code):
    assert exit_code(lines) == code


def test_json_has_every_line_and_the_code():
    told = json.loads(as_json([FINE, ENGINE], sandbox=True))
    assert told == {
        "checks": [
            {"name": "a", "status": "OK", "seen": "fine.", "remedy": "", "code": 0},
            {
                "name": "engine",
                "status": "FAIL",
                "seen": "no answer. Tried: one Tried: two",
                "remedy": "Start it.",
                "code": 13,
            },
        ],
        "sandbox": True,
        "exit_code": 13,
    }


def test_the_table_puts_the_remedy_below_and_counts():
    assert as_table([FINE, LOW, NONE]).splitlines() == [
        "OK    a          fine.",
        "WARN  long-name  low.",
        "                 -> Do more.",
        "SKIP  n          nothing.",
        "                 -> Nothing to do.",
        "1 OK, 1 WARN, 1 SKIP (exit 11)",
    ]


def test_everything_but_what_is_well_has_a_remedy():
    for line in (LOW, NONE, ENGINE, QUOTA):
        assert line.outcome.remedy
        assert line.outcome.status is not Status.OK


def test_what_was_seen_stands_before_the_error():
    assert QUOTA.outcome.seen == "seen: spent."


def test_a_line_is_cleaned_of_secrets_and_of_line_breaks():
    line = Line("x", warning("a canary\n\x1b[31mforged", "use canary")).cleaned(
        lambda text: text.replace("canary", "****")
    )
    assert (line.outcome.seen, line.outcome.remedy) == ("a **** forged", "use ****")


def test_a_stamp_stands_before_what_was_seen():
    assert FINE.stamped("SANDBOX").outcome.seen == "SANDBOX: fine."
