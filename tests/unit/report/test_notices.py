"""What there is to know of an image beside its findings."""

import pytest

from jenkins_scan.report.notices import notices_of, reference_of
from jenkins_scan.report.result import ReasonEntry
from tests.support.results import FINDINGS, every_ending, image, policy_reason, result, unjudged


def told(run):
    return [(notice.slug, notice.level) for each in run.images for notice in notices_of(run, each)]


@pytest.mark.parametrize(
    ("ending", "expected"),
    [
        ("pass", []),
        ("fail", []),
        ("baseline", []),
        ("warn", []),
        ("clean", [("sandbox", "note")]),
        ("submitted", [("submitted", "warning")]),
        ("quota", [("quota", "error")]),
        ("softened", [("quota", "error")]),
        ("timeout", [("timeout", "error")]),
        ("usage", [("usage", "error")]),
        ("partial", [("not-fetched:baseline", "warning")]),
        ("several", [("image", "error")]),
        (
            "checked",
            [
                ("checked", "warning"),
                ("not-looked-at:vulnerability", "note"),
                ("not-looked-at:baseline", "note"),
                ("not-looked-at:malicious-file", "note"),
            ],
        ),
        ("interrupted", [("interrupted", "error")]),
    ],
)
def test_each_ending_tells_what_it_left_unjudged(ending, expected):
    assert told(every_ending()[ending]) == expected


def test_every_ending_is_in_the_table_above():
    (table,) = (mark.args[1] for mark in test_each_ending_tells_what_it_left_unjudged.pytestmark)
    assert {ending for ending, _ in table} == every_ending().keys()


def test_a_verdict_without_a_reason_is_told_unless_it_is_a_pass():
    assert told(result(unjudged("none", 17, "INCOMPLETE", reasons=()))) == [("incomplete", "error")]


def test_what_stopped_a_judged_image_is_told_beside_the_findings():
    stop = ReasonEntry(slug="interrupted", code=143, message="", remedy="Run it again.")
    both = image(FINDINGS[1], verdict="INCOMPLETE", reasons=(policy_reason(), stop))
    (notice,) = notices_of(result(both), both)
    assert notice.text == "The reason is interrupted. Run it again."


@pytest.mark.parametrize(("typed", "shown"), [("app:1", "app:1"), ("", "no image"), ("\x00", "no image")])
def test_an_image_always_has_something_to_be_called(typed, shown):
    assert reference_of(image(reference=typed)) == shown
