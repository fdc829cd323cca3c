"""The findings on the console: what decided, where the rest is, and what to do."""

from dataclasses import replace

import pytest

from jenkins_scan.report import summary
from jenkins_scan.report.listed import MOST, MOST_OF_A_CHECK, ON_REQUEST
from tests.support import results
from tests.support.results import FINDINGS, LOCAL, image, result, stored, text_of

HIGH = FINDINGS[1]


def many(number, finding=HIGH, **changes):
    return tuple(replace(finding, id=f"ID-{each}", **changes) for each in range(number))


def labelled(run, *labels, rest=ON_REQUEST):
    return [text for label, text in summary.rows(run, rest) if label in labels]


def test_a_scan_lists_the_worst_and_says_where_the_rest_is():
    run = result(image(*many(30), LOCAL))
    assert len(labelled(run, "high", "low")) == MOST
    assert ("", "and 21 more in result.json") in list(summary.rows(run))
    assert "and 21 more in result.json" in text_of("table", run)


@pytest.mark.parametrize(("failing", "left"), [(3, 13), (30, 20), (150, 70)])
def test_a_check_lists_all_that_decided_up_to_a_bound_and_points_to_what_can_be_had(failing, left):
    run = result(image(*many(failing), *many(20, LOCAL)), local=True)
    shown = labelled(run, "high", "low")
    assert len(shown) == max(MOST, min(failing, MOST_OF_A_CHECK))
    assert ("", f"and {left} more: --report-dir DIR or -o json has all") in list(summary.rows(run, ON_REQUEST))
    assert f"and {left} more: --report-dir DIR or -o json has all" in text_of("table", run)


def test_nothing_is_said_of_a_rest_that_is_not_there():
    run = result(image(*many(MOST, fix=None)))
    assert not any(" more" in text for _, text in summary.rows(run))


def test_of_several_images_those_that_decided_are_listed_below_their_image():
    warned = image(FINDINGS[2], verdict="WARN", reference="warned:1")
    run = result(image(*many(12), LOCAL, reference="bad:1"), image(LOCAL, reference="good:1"), warned)
    rows = [(label, text.split()[0]) for label, text in summary.rows(run) if label not in ("quota", "fix")]
    listed = [("high", f"ID-{each}") for each in range(MOST)]
    assert rows == [
        ("image", "bad:1"),
        *listed,
        ("", "and"),
        ("image", "warned:1"),
        ("medium", FINDINGS[2].id),
    ]
    assert labelled(run, "") == ["and 2 more: --report-dir DIR or -o json has all"]


def test_the_bound_of_a_check_is_shared_by_its_images():
    run = result(*(image(*many(60), reference=f"app:{each}") for each in range(2)), local=True)
    assert len(labelled(run, "high")) == MOST_OF_A_CHECK


def test_what_to_do_is_said_once_and_only_for_what_decided():
    shared = many(7, fix="Revoke it.")
    run = result(image(*shared, *shared, replace(HIGH, fix=None), LOCAL), image(replace(HIGH, fix="Update it.")))
    assert labelled(run, "fix") == ["ID-0, ID-1, ID-2, ID-3, ID-4 and 2 more: Revoke it.", f"{HIGH.id}: Update it."]
    different = result(image(*(replace(HIGH, fix=f"Do {each}. " + "x" * 999) for each in range(30))))
    assert len(labelled(different, "fix")) == MOST
    assert max(map(len, labelled(different, "fix"))) < 400


def test_what_the_baseline_knows_is_marked():
    rows = tuple(stored(finding, known=known) for finding, known in ((FINDINGS[0], False), (HIGH, True)))
    new, known = labelled(result(image(findings=rows)), "critical", "high")
    assert known.endswith("openssl 3.0.11-1 (known)")
    assert "known" not in new


@pytest.mark.parametrize(
    ("known", "local", "said"),
    [
        (0, True, "nothing at or above the gate was found here"),
        (2, True, "nothing new at or above the gate was found here"),
        (None, False, "the image has passed the gate"),
        (2, False, "the image has passed the gate: nothing new is at or above it"),
    ],
)
def test_the_last_line_says_that_nothing_new_was_found_where_it_means_that(known, local, said):
    run = result(image(LOCAL, new=0, known=known), local=local)
    assert said == summary.meaning(run).partition("; ")[0]


def test_a_baseline_takes_nothing_from_a_failure():
    run = results.every_ending()["baseline"]
    assert summary.meaning(run) == "the image must not ship"


def test_several_images_are_judged_against_a_baseline_in_the_plural():
    run = result(image(known=1), image(known=0))
    assert summary.meaning(run) == "the images have passed the gate: nothing new is at or above it"


def test_waivers_beyond_the_bound_are_counted():
    waived = tuple({**stored(HIGH), "id": f"W-{each}", "waiver": results.WAIVER} for each in range(MOST + 2))
    run = result(image(waived=waived))
    assert len(labelled(run, "waived")) == MOST
    assert ("", "and 2 more in result.json") in list(summary.rows(run))
