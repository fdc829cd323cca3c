"""Findings as every format shows them."""

from dataclasses import replace

import pytest

from jenkins_scan.report.rows import LONGEST_TEXT, repository_name, rows_of
from tests.support.images import pushed
from tests.support.results import FINDINGS, HOSTILE_TEXTS, WAIVED, WAIVER, hostile, image, result, stored


def rows(*found, **changes):
    ((_, made),) = rows_of(result(image(findings=found, **changes)))
    return made


def fingerprint(changes, **of_image):
    (row,) = rows({**stored(FINDINGS[1]), **changes}, **of_image)
    return row.fingerprint


def test_the_worst_comes_first_and_accepted_ones_last():
    waived = {**stored(WAIVED), "waiver": WAIVER}
    found = rows(*map(stored, reversed(FINDINGS)), waived=(waived,))
    assert [row.severity for row in found] == ["critical", "high", "unknown", "medium", "low", "high"]
    assert [row.accepted is None for row in found] == [True] * 5 + [False]
    assert (found[-1].accepted.reason, found[-1].accepted.expires) == ("not reachable here", "2026-06-30")
    assert found[-1].accepted.owner == "sec@example.com"


def test_what_decided_comes_before_what_is_worse():
    new, known, warned = (
        {**stored(FINDINGS[2]), "gate": gate, "package": str(gate)} for gate in ("fail", None, "warn")
    )
    critical = {**stored(FINDINGS[0]), "gate": None}
    found = rows(critical, known, warned, new)
    assert [(row.gate, row.severity) for row in found] == [
        ("fail", "medium"),
        ("warn", "medium"),
        (None, "critical"),
        (None, "medium"),
    ]


def test_findings_that_differ_in_their_fix_alone_have_an_order():
    one, other = {**stored(FINDINGS[1]), "fix": "a"}, {**stored(FINDINGS[1]), "fix": "b"}
    assert rows(one, other) == rows(other, one)


def test_a_fingerprint_does_not_depend_on_the_gate():
    one, other = {**stored(FINDINGS[1]), "version": "1"}, {**stored(FINDINGS[1]), "version": "2"}
    expected = {row.version: row.fingerprint for row in rows(one, other)}
    judged = rows({**one, "gate": None}, {**other, "gate": "fail"})
    assert [row.version for row in judged] == ["2", "1"]
    assert {row.version: row.fingerprint for row in judged} == expected


def test_findings_of_one_severity_are_ordered_by_what_they_are():
    names = ["b", "a", "c"]
    found = rows(*({**stored(FINDINGS[1]), "package": name} for name in names))
    assert [row.package for row in found] == sorted(names)


@pytest.mark.parametrize("text", HOSTILE_TEXTS, ids=range(len(HOSTILE_TEXTS)))
def test_every_text_is_printable_on_one_line_and_not_endless(text):
    ((_, rows), *_) = rows_of(hostile(text))
    for row in rows:
        texts = [row.id, row.title, row.package, row.version, row.path, row.fix, row.layer, *row.aliases]
        if row.accepted is not None:
            texts += [row.accepted.reason, row.accepted.owner]
        for each in texts:
            assert len(each) <= LONGEST_TEXT
            assert not set("\r\n\t\x00\x1b\x07\u202e\u2066\u2028\ud800\ufffe\uffff").intersection(each)


def test_a_text_of_which_nothing_is_left_is_not_known():
    (row,) = rows({**stored(FINDINGS[1]), "id": "\x00", "title": "\x1b[31m", "package": "\u202e", "fix": ""})
    assert (row.id, row.title, row.package, row.fix) == ("without-an-id", "", None, None)


@pytest.mark.parametrize(
    ("changes", "component"),
    [
        ({}, "openssl 3.0.11-1"),
        ({"version": None}, "openssl"),
        ({"package": None, "path": "/app"}, "/app"),
        ({"package": None}, ""),
    ],
)
def test_the_component_is_what_has_the_problem(changes, component):
    (row,) = rows({**stored(FINDINGS[1]), **changes})
    assert row.component == component


def test_a_fingerprint_is_that_of_the_problem_in_the_repository():
    same = fingerprint({})
    other_tag = pushed(reference="x", canonical="registry.example.com/team/app:2")
    assert len(same) == 32
    assert fingerprint({"version": "4", "title": "other words", "severity": "low"}) == same
    assert fingerprint({}, identity=other_tag) == same


@pytest.mark.parametrize(
    ("changes", "of_image"),
    [
        ({"id": "CVE-2024-5536"}, {}),
        ({"package": "libssl"}, {}),
        ({"path": "/app"}, {}),
        ({"kind": "build-risk"}, {}),
        ({}, {"identity": pushed(reference="x", canonical="registry.example.com/team/other:1")}),
    ],
)
def test_another_problem_or_repository_has_another_fingerprint(changes, of_image):
    assert fingerprint(changes, **of_image) != fingerprint({})


def test_equal_findings_have_fingerprints_of_their_own_which_the_next_build_gives_again():
    twice = [stored(FINDINGS[1]), stored(FINDINGS[1])]
    first, second = rows(*twice)
    assert first.fingerprint != second.fingerprint
    assert rows(*twice) == (first, second)


def test_texts_with_line_breaks_cannot_feign_the_fingerprint_of_others():
    assert fingerprint({"id": "a\nb", "package": "c"}) != fingerprint({"id": "a", "package": "b\nc"})


def test_fingerprints_tell_images_of_one_repository_apart():
    (_, (first,)), (_, (second,)) = rows_of(result(image(FINDINGS[1]), image(FINDINGS[1])))
    assert first.fingerprint != second.fingerprint
    assert first.fingerprint == fingerprint({})


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({}, "registry.example.com/team/app"),
        ({"identity": None}, "team/app"),
        ({"identity": None, "sent": None, "reference": "wor\x00ker:1"}, "wor ker"),
        ({"identity": None, "sent": None, "reference": ""}, ""),
    ],
)
def test_an_image_is_named_without_its_tag(changes, name):
    assert repository_name(image(**changes)) == name


def test_rows_are_made_once_for_all_formats():
    told = result(image(FINDINGS[1]))
    assert rows_of(told) is rows_of(told)
    assert rows_of(told) is not rows_of(replace(told))
