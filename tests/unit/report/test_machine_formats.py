"""What the formats for machines have in common: they parse, they are stable, and strangers' text stays harmless."""

import csv
import io
import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jenkins_scan.report.formats import renderer_of
from tests.support.results import FINDINGS, HOSTILE_TEXTS, every_ending, hostile, image, result, stored, text_of

PARSERS = {
    "junit": ET.fromstring,
    "sarif": json.loads,
    "issues": json.loads,
    "csv": lambda text: list(csv.reader(io.StringIO(text), strict=True)),
}
ANY_TEXT = st.text(st.characters(exclude_categories=()))
HARMFUL = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff]"
)
"""Control characters other than line breaks, halves of pairs, what turns or hides text, and non-characters."""
in_every_format = pytest.mark.parametrize("name", PARSERS)


def assert_harmless(text):
    meant = json.dumps(json.loads(text), ensure_ascii=False) if text.startswith("{") else text
    assert not HARMFUL.search(text)
    assert not HARMFUL.search(meant)


@in_every_format
@given(text=ANY_TEXT)
def test_whatever_strangers_write_the_report_parses_is_stable_and_has_no_control_characters(name, text):
    result = hostile(text)
    report = text_of(name, result)
    assert text_of(name, replace(result)) == report, "also of rows that are made anew"
    assert_harmless(report)
    assert PARSERS[name](report) is not None


@in_every_format
@pytest.mark.parametrize("text", HOSTILE_TEXTS, ids=range(len(HOSTILE_TEXTS)))
def test_known_attacks_come_out_harmless(name, text):
    report = text_of(name, hostile(text))
    assert_harmless(report)
    assert PARSERS[name](report) is not None
    assert len(report) < 150_000, "an endless text is cut"


@in_every_format
@pytest.mark.parametrize("ending", every_ending())
def test_every_ending_has_a_report_of_lines(name, ending):
    report = text_of(name, every_ending()[ending])
    assert report.endswith("\n")
    assert "\r" not in report
    assert PARSERS[name](report) is not None


@pytest.mark.parametrize("name", ["sarif", "issues"])
def test_json_is_ascii_for_whatever_encoding_jenkins_reads_it_with(name):
    assert text_of(name, hostile("Käse 中文 \U0001f4a9")).isascii()


@in_every_format
def test_findings_that_come_in_another_order_make_the_same_report(name):
    result = every_ending()["fail"]
    turned = [replace(each, findings=each.findings[::-1]) for each in result.images]
    assert text_of(name, replace(result, images=tuple(turned))) == text_of(name, result)


@pytest.mark.parametrize("name", ["json", *PARSERS])
def test_a_report_of_many_findings_comes_in_small_parts(name):
    row = stored(FINDINGS[1])
    many = image(findings=tuple({**row, "path": f"/{number}"} for number in range(1000)), verdict="FAIL")
    parts = list(renderer_of(name)(result(many)))
    assert len(parts) > 1000
    assert max(map(len, parts)) < 5000
