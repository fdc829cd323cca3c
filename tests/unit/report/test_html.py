"""The page for people: what it says, what it never says, and that no text can become anything but a text."""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from jenkins_scan.findings import Finding, Kind, Severity
from jenkins_scan.jenkins.environment import Links
from jenkins_scan.plain_text import one_line
from jenkins_scan.report import html, html_image
from jenkins_scan.report.formats import style_sheet
from jenkins_scan.report.rows import rows_of
from tests.support.results import (
    FINDINGS,
    HOSTILE_TEXTS,
    every_ending,
    hostile,
    image,
    policy_reason,
    result,
    stored,
    text_of,
)

ENDINGS = every_ending()
EMPTY = {"meta", "link"}
TAGS = {
    *("html", "head", "meta", "title", "link", "body", "header", "main", "section", "article", "nav", "footer"),
    *("h1", "h2", "h3", "p", "ul", "ol", "li", "dl", "dt", "dd", "div", "span", "code", "strong", "time", "a"),
    *("details", "summary", "table", "caption", "thead", "tbody", "tr", "th", "td"),
}
ATTRIBUTES = {
    *("lang", "charset", "name", "content", "rel", "href", "class", "id"),
    *("scope", "colspan", "datetime", "open"),
}


class Parsed(HTMLParser):
    """A page taken apart; every element has to be closed where it was opened."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.within, self.texts = [], [], [], []
        self.feed(page)
        self.close()
        assert self.within == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in EMPTY:
            self.within.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.within.pop()[0] == tag

    def handle_data(self, data):
        self.texts.append((tuple(self.within), " ".join(data.split())))

    def handle_comment(self, data):
        raise AssertionError(f"a comment: {data}")

    def all(self, name):
        return [value for attribute, value in self.attributes if attribute == name]

    def text(self, tag=None, class_=None, **attributes):
        """All text in elements of this name, class or attributes."""

        def fits(element):
            named, has = element
            classes = (has.get("class") or "").split()
            wanted = all(has.get(key) == value for key, value in attributes.items())
            return wanted and tag in (None, named) and (class_ is None or class_ in classes)

        return " ".join(text for within, text in self.texts if text and any(map(fits, within)))


def page_of(what):
    return Parsed(text_of("html", what))


def many(count):
    (row,) = image(FINDINGS[2]).findings
    return image(FINDINGS[2], findings=tuple({**row, "id": f"CVE-{number}"} for number in range(count)))


@pytest.mark.parametrize("name", ENDINGS)
def test_every_ending_tells_verdict_reason_code_and_meaning_on_top(name):
    ended = ENDINGS[name]
    page = page_of(ended)
    banner = page.text("header")
    assert page.text(class_="verdict") == ended.verdict
    assert f"xit code {ended.exit_code}" in banner
    assert ended.reason is None or f"Reason {ended.reason}" in banner
    assert page.text(class_="sentence").endswith(".")
    assert page.text("title").startswith(f"{'SANDBOX ' if ended.sandbox else ''}{ended.verdict}: ")


@pytest.mark.parametrize("name", ENDINGS)
def test_headings_come_in_order_below_one_title(name):
    levels = [int(tag[1]) for tag in page_of(ENDINGS[name]).tags if re.fullmatch("h[1-6]", tag)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


@pytest.mark.parametrize("name", ENDINGS)
def test_every_cell_has_a_heading_and_every_table_a_caption(name):
    tags = page_of(ENDINGS[name]).tags
    assert tags.count("table") == tags.count("caption") == tags.count("thead")
    assert len(page_of(ENDINGS[name]).all("scope")) == tags.count("th")


@pytest.mark.parametrize("told", [*map(hostile, HOSTILE_TEXTS), *ENDINGS.values()], ids=lambda told: told.verdict)
def test_the_page_holds_nothing_that_jenkins_forbids(told):
    page = page_of(told)
    assert set(page.tags) <= TAGS
    assert {name for name, _ in page.attributes} <= ATTRIBUTES
    ids = {f"#{anchor}" for anchor in page.all("id")}
    assert set(page.all("href")) - ids <= {"report.css", told.build.links.build}
    assert page.tags.count("link") == 1


@pytest.mark.parametrize("text", HOSTILE_TEXTS, ids=lambda text: ascii(text[:20]))
def test_hostile_text_stays_text(text):
    page = text_of("html", hostile(text))
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", page)
    assert Parsed(page).text("td", class_="title").startswith(one_line(text, 100).rstrip("…"))


@cache
def skeleton(text):
    told = hostile(text)
    return page_of(replace(told, build=replace(told.build, links=Links()))).tags


@given(st.text(min_size=1))
def test_no_text_changes_the_structure_of_the_page(text):
    assume(one_line(text))
    assert skeleton(text) == skeleton("x")


def test_it_is_the_renderer_of_its_format_and_says_the_same_each_time():
    told = ENDINGS["fail"]
    assert text_of("html", replace(told)) == "".join(html.render(told))
    assert text_of("html", told).startswith("<!DOCTYPE html>\n<html")
    assert text_of("html", told).endswith("</html>\n")


def test_the_sandbox_is_stamped_in_every_place_that_shows_a_verdict():
    page = page_of(ENDINGS["clean"])
    assert "which has not seen this image" in page.text(class_="stamp")
    assert "in the sandbox" in page.text("h1")
    assert page.text("body", class_="sandbox")
    assert "SANDBOX" not in text_of("html", ENDINGS["pass"])


@pytest.mark.parametrize("name", ["submitted", "quota", "softened", "timeout", "usage", "interrupted"])
def test_an_image_that_was_not_judged_says_so_and_has_no_counts(name):
    page = page_of(ENDINGS[name])
    assert "has not been judged" in page.text(class_="unjudged")
    assert page.text("section", class_="not-judged")
    assert "table" not in page.tags
    assert "No open findings" not in page.text()


@pytest.mark.parametrize("name", ["pass", "clean", "fail", "baseline", "warn", "partial"])
def test_an_image_that_was_judged_does_not_say_that_it_was_not(name):
    page = page_of(ENDINGS[name])
    assert page.text(class_="unjudged") == ""
    assert page.text("section", class_="judged")


def test_findings_that_decide_nothing_say_so():
    unproven = image(*FINDINGS, verdict="INCOMPLETE", reasons=(policy_reason("incomplete", 17),), proof=None)
    page = page_of(result(unproven, exit_code=17, reason="incomplete"))
    assert "decides nothing" in page.text(class_="unjudged")
    assert "CVE-2024-5535" in page.text("td", class_="id")
    assert "1 critical" not in page.text("header")
    assert "not judged" in page_of(result(unproven, unproven)).text("nav")


def test_only_an_image_of_which_all_is_known_has_no_open_findings():
    assert "No open findings." in page_of(ENDINGS["clean"]).text(class_="none")
    partly = page_of(result(image(not_fetched=("baseline",))))
    assert partly.text(class_="none") == ""


def test_a_kind_that_could_not_be_fetched_is_not_known_and_never_zero():
    page = text_of("html", ENDINGS["partial"])
    row = re.search(r"<tr><th scope=\"row\">baseline</th>(.*?)</tr>", page, re.DOTALL)[1]
    assert "not known" in row
    assert "0" not in row


def test_what_was_found_of_a_kind_counts_although_the_list_is_not_whole():
    page = text_of(
        "html", result(image(FINDINGS[1], verdict="FAIL", reasons=(policy_reason(),), not_fetched=("vulnerability",)))
    )
    row = re.search(r"<tr><th scope=\"row\">vulnerability</th>(.*?)</tr>", page, re.DOTALL)[1]
    assert ">1<" in row
    assert row.count("not known") == 4


def test_severities_with_failing_findings_are_unfolded():
    page = page_of(ENDINGS["fail"])
    assert "CVE-2024-5535" in page.text("details", open="")
    assert "CVE-2023-45853" in page.text("details")
    assert "CVE-2023-45853" not in page.text("details", open="")
    assert "1 finding · 1 at the failing gate" in page.text("summary")
    assert "1 finding · 1 at the warning gate" in page.text("summary")


def test_waived_findings_stand_apart_with_reason_owner_and_last_day():
    page = page_of(ENDINGS["fail"])
    waived = page.text("table", class_="waived")
    assert all(text in waived for text in ("CVE-2022-0001", "not reachable here", "sec@example.com", "2026-06-30"))
    assert "CVE-2022-0001" not in page.text("table", class_="findings")


def test_the_baseline_is_told_with_each_finding():
    page = page_of(ENDINGS["baseline"])
    assert "1 new, 1 known, 2 fixed." in page.text(class_="compared")
    assert re.findall("new|known", page.text("td", class_="gate")) == ["new", "known"]


def test_reasons_come_with_remedy_tries_and_ids():
    why = replace(policy_reason("service", 15), request_id="REQ-9", service_code="ServerError", tried=("once", "twice"))
    page = page_of(result(image(verdict="ERROR", reasons=(why,)), exit_code=15, reason="service"))
    told = page.text("section", class_="reasons")
    assert all(
        text in told
        for text in ("What to do: Mend or waive them.", "2 tries", "once twice", "REQ-9", "ServerError", "exit code 15")
    )
    assert "Images:" not in told
    bare = replace(why, remedy="", tried=("once",), request_id=None)
    told = page_of(result(image(verdict="ERROR", reasons=(bare,)), exit_code=15, reason="service")).text()
    assert "One try" in told
    assert "What to do" not in told


def test_several_images_have_a_table_of_contents():
    page = page_of(ENDINGS["several"])
    assert page.all("href")[1:4] == ["#image-1", "#image-2", "#image-3"]
    assert {"image-1", "image-2", "image-3"} <= set(page.all("id"))
    contents = page.text("nav")
    assert "ERROR worker:1 not judged" in contents
    assert "Images: worker:1" in page.text(class_="reasons")
    assert "nav" not in page_of(ENDINGS["fail"]).tags


def test_the_build_is_the_only_link_and_an_unreadable_one_is_none():
    assert page_of(ENDINGS["fail"]).all("href") == ["report.css", "https://jenkins.example.com/job/team/job/app/7/"]
    build = ENDINGS["fail"].build
    for link in (None, "<unreadable>", "javascript:alert(1)"):
        changed = replace(build, links=replace(build.links, build=link))
        assert page_of(replace(ENDINGS["fail"], build=changed)).all("href") == ["report.css"]


def test_the_page_stays_one_that_a_browser_can_show():
    page = text_of("html", result(many(2003)))
    assert page.count("<tr>") == 1 + 5 + 1 + 2000
    assert '<p class="more">and 3 more in findings.csv</p>' in page


def test_a_layer_is_told_by_its_first_digits():
    assert "layer sha256:abababababab…" in page_of(ENDINGS["fail"]).text("td", class_="component")


def test_a_path_stands_beside_its_package():
    jar = Finding(kind=Kind.VULNERABILITY, id="C-1", severity=Severity.LOW, title="t", package="log4j", path="/a.jar")
    assert page_of(result(image(jar))).text("td", class_="component") == "log4j /a.jar"


CSS = style_sheet()
ROOTS = [dict(re.findall(r"--([\w-]+): (#\w{6});", block)) for block in re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)]
SCHEMES = {
    "light": ROOTS[0],
    "dark": ROOTS[0] | ROOTS[1],
    "print": ROOTS[0] | ROOTS[2],
    "dark print": ROOTS[0] | ROOTS[1] | ROOTS[2],
}
PAIRS = [
    *((ink, ground) for ink in ("ink", "quiet", "link") for ground in ("page", "card", "soft")),
    *((f"{name}-ink", name) for name in ("pass", "fail", "warn", "error", "incomplete", "submitted")),
    *((f"{name}-ink", name) for name in ("critical", "unknown", "low", "stamp")),
]


def luminance(colour):
    """Relative luminance. Source: Web Content Accessibility Guidelines 2.2."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(colours, ink, ground):
    light, dark = sorted((luminance(colours[name]) for name in (ink, ground)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_text_can_be_read_in_every_scheme(scheme):
    assert {pair: ratio for pair in PAIRS if (ratio := contrast(SCHEMES[scheme], *pair)) < 4.5} == {}


def test_the_style_sheet_loads_nothing():
    assert not re.search(r"url\(|@import|@font-face|https?:|data:", CSS)


def test_the_style_sheet_names_only_what_pages_have():
    rules = re.sub(r"/\*.*?\*/|\{[^{}]*\}", "", CSS, flags=re.DOTALL)
    named = set(re.findall(r"\.([a-z][\w-]*)", rules))
    pages = [page_of(ended) for ended in ENDINGS.values()]
    used = {word for page in pages for value in page.all("class") for word in value.split()}
    assert named - used == {"more"}


def test_a_page_of_many_images_has_an_end():
    row = stored(FINDINGS[1])
    one = image(findings=tuple({**row, "path": f"/{number}"} for number in range(110)), verdict="FAIL")
    ((_, rows),) = rows_of(result(one))
    for images, more in ((1, 0), (60, 10), (1000, 90)):
        section = ET.tostring(html_image.image_section(one, rows, 1, images), encoding="unicode")
        assert section.count("CVE-2024-5535") == 110 - more
        assert ("more in findings.csv" in section) == (more > 0)
