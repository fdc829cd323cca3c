"""The report in Markdown: what it says, and that foreign text stands in code spans alone."""

import re
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from jenkins_scan.jenkins.environment import Links
from jenkins_scan.plain_text import one_line
from jenkins_scan.report import markdown
from tests.support.results import FINDINGS, HOSTILE_TEXTS, every_ending, hostile, image, policy_reason, result, text_of

ENDINGS = every_ending()
CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`)(.*?)(?<!`)\1(?!`)")
"""GitHub Flavored Markdown Spec, 6.3: a run of backticks up to the next run of the same length."""


def said(told):
    """The report with each code span replaced by `CODE`: what a reader's program gives a meaning to."""
    return CODE_SPAN.sub("CODE", text_of("markdown", told))


@cache
def skeleton(text):
    told = hostile(text)
    return said(replace(told, build=replace(told.build, links=Links())))


def spans(told):
    """The texts of all code spans as they are shown: without the one space on either side."""
    within = (found[2] for found in CODE_SPAN.finditer(text_of("markdown", told)))
    return [text[1:-1] if text[0] == text[-1] == " " else text for text in within]


@pytest.mark.parametrize("name", ENDINGS)
def test_every_ending_begins_with_its_verdict(name):
    ended = ENDINGS[name]
    headline = next(line for line in text_of("markdown", ended).splitlines() if line.startswith("# "))
    assert headline.startswith(f"# {ended.verdict}{' (sandbox)' if ended.sandbox else ''}:")
    assert ended.reason is None or f" {ended.reason}: " in headline
    assert f"Exit code {ended.exit_code}." in text_of("markdown", ended)


@pytest.mark.parametrize("text", HOSTILE_TEXTS, ids=lambda text: ascii(text[:20]))
def test_hostile_text_stays_in_code_spans(text):
    assert skeleton(text) == skeleton("x")
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", said(hostile(text)))


@given(st.text(min_size=1) | st.text("`|\\ x<@", min_size=1))
def test_no_text_changes_what_has_a_meaning(text):
    assume(one_line(text))
    assert skeleton(text) == skeleton("x")


@given(st.text("`|\\ x", min_size=1))
def test_no_bar_within_a_table_ends_a_cell(text):
    assume(one_line(text))
    lines = [line for line in text_of("markdown", hostile(text)).splitlines() if line.startswith("| high | **fails**")]
    assert len(lines) == 2
    assert all(len(re.split(r"(?<!\\)\|", line)) == 7 + 2 for line in lines)


@pytest.mark.parametrize("text", ["`", "``a`", "a`` ` b", "\\", "a\\|b"])
def test_code_spans_show_the_text_as_it_is(text):
    assert text in spans(hostile(text))


def test_what_is_not_told_is_a_dash():
    assert "| `Mining program` | - |" in text_of("markdown", ENDINGS["fail"])


def test_it_is_the_renderer_of_its_format_and_says_the_same_each_time():
    text = text_of("markdown", ENDINGS["fail"])
    assert text == "".join(markdown.render(replace(ENDINGS["fail"])))
    assert text.endswith("\n")
    assert not text.endswith("\n\n")


def test_the_sandbox_is_stamped_on_top():
    assert text_of("markdown", ENDINGS["clean"]).startswith("> [!CAUTION]\n> **SANDBOX: ")


@pytest.mark.parametrize("name", ["submitted", "quota", "softened", "timeout", "usage", "interrupted"])
def test_an_image_that_was_not_judged_says_so_and_has_no_tables(name):
    text = text_of("markdown", ENDINGS[name])
    assert "**This image has not been judged." in text
    assert "\n|" not in text


@pytest.mark.parametrize("name", ["pass", "clean", "fail", "baseline", "warn", "partial"])
def test_an_image_that_was_judged_has_its_counts(name):
    text = text_of("markdown", ENDINGS[name])
    assert "has not been judged" not in text
    assert "| Kind | critical | high | unknown | medium | low |\n| --- |" in text


def test_kinds_that_could_not_be_fetched_are_not_known():
    text = text_of("markdown", ENDINGS["partial"])
    assert "| baseline | not known | not known | not known | not known | not known |" in text
    assert "| vulnerability | 0 | 1 | 0 | 0 | 0 |" in text


def test_findings_come_worst_first_and_waived_ones_apart():
    text = text_of("markdown", ENDINGS["fail"])
    findings, accepted = text.split("### Accepted findings")
    severities = re.findall(r"^\| (critical|high|unknown|medium|low) \|", findings, re.MULTILINE)
    assert severities == ["critical", "high", "unknown", "medium", "low"]
    assert "| `not reachable here` | `sec@example.com` | `2026-06-30` |" in accepted
    assert "- `the waiver of CVE-2022-0001 ends soon.`" in findings


def test_the_baseline_is_told():
    text = text_of("markdown", ENDINGS["baseline"])
    assert "**1 new, 1 known, 2 fixed.**" in text
    assert "| critical | **fails** new |" in text
    assert "| high | - known |" in text


def test_reasons_come_with_remedy_tries_and_ids():
    why = replace(policy_reason("service", 15), request_id="REQ-9", service_code="ServerError", tried=("once",))
    text = text_of("markdown", result(image(verdict="ERROR", reasons=(why,)), exit_code=15, reason="service"))
    for line in ("What to do: `Mend", "Tried: `once`", "Request id: `REQ-9`", "Service code: `ServerError`"):
        assert f"  - {line}" in text
    assert "Images:" not in text
    bare = result(image(verdict="ERROR", reasons=(replace(why, remedy=""),)))
    assert "What to do" not in text_of("markdown", bare)


def test_of_several_images_each_reason_names_its_own():
    text = text_of("markdown", ENDINGS["several"])
    assert "  - Images: `worker:1`" in text
    assert "## ERROR: `worker:1`" in text
    assert "# FAIL: policy: Not every image may ship." in text


@pytest.mark.parametrize(("images", "rows"), [(1, 100), (2, 100), (10, 30), (31, 10)])
def test_a_comment_stays_one_that_can_be_posted(images, rows):
    (row,) = image(FINDINGS[2]).findings
    many = image(FINDINGS[2], findings=tuple({**row, "id": f"CVE-{number}"} for number in range(105)))
    text = text_of("markdown", result(*[many] * images))
    assert text.count("| medium | warns |") == rows * images
    assert text.count(f"\nand {105 - rows} more in findings.csv\n") == images


def test_many_warnings_are_cut():
    text = text_of("markdown", result(image(), warnings=tuple(f"w{number}" for number in range(22))))
    assert "`w19`\n- and 2 more in result.json" in text
    assert "`w20`" not in text
