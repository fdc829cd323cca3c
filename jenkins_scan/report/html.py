"""The page for people: `html/index.html`, which the HTML Publisher plugin shows.

Jenkins serves it under a policy that allows a style sheet and images of its own server, and nothing else: no script, no
style within the page. Source: "Configuring Content Security Policy" in the Jenkins handbook. So it folds with
`<details>`, and all of its looks are in `report.css`.
"""

from collections.abc import Iterator, Sequence
from typing import Final
from xml.etree.ElementTree import Element

from jenkins_scan.plain_text import one_line
from jenkins_scan.report.elements import Child, badge, code, document, element, facts, named
from jenkins_scan.report.facts import NO_IMAGE, build_facts, is_judged, policy_facts, run_facts, sentence
from jenkins_scan.report.html_image import image_section
from jenkins_scan.report.interface import STYLE_SHEET
from jenkins_scan.report.result import ReasonEntry, Result
from jenkins_scan.report.rows import rows_of
from jenkins_scan.report.summary import SANDBOX_STAMP, counted, several, shared_reasons

LONGEST_TITLE: Final = 120
"""Characters of the title of the window."""


def render(result: Result) -> Iterator[str]:
    """The page; it needs `report.css` beside it."""
    yield document(element("html", _head(result), _body(result), lang="en"))


def _head(result: Result) -> Element:
    stamp = "SANDBOX " if result.sandbox else ""
    subject = result.images[0].reference if len(result.images) == 1 else f"{len(result.images)} images"
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", one_line(f"{stamp}{result.verdict}: {subject or NO_IMAGE}", LONGEST_TITLE)),
        element("link", rel="stylesheet", href=STYLE_SHEET),
    )


def _body(result: Result) -> Element:
    images = [(number, *each) for number, each in enumerate(rows_of(result), start=1)]
    return element(
        "body",
        element("p", SANDBOX_STAMP, class_="stamp") if result.sandbox else None,
        _banner(result),
        element(
            "main",
            _reasons(result),
            _told("Warnings", result.warnings),
            _told("Notes", result.notes),
            _contents(result) if len(images) > 1 else None,
            *(image_section(image, rows, number, len(images)) for number, image, rows in images),
            _run(result),
        ),
        element("footer", element("p", "Written by", result.tool.name, result.tool.version)),
        class_="sandbox" if result.sandbox else None,
    )


def _banner(result: Result) -> Element:
    word = element("span", result.verdict, class_="verdict")
    stamp = element("span", "in the sandbox", class_="where") if result.sandbox else None
    code_line: list[Child] = [f"Exit code {result.exit_code}"]
    if result.reason is not None:
        code_line = ["Reason", element("strong", result.reason), f"· exit code {result.exit_code}"]
    counts = counted(result.images[0]) if len(result.images) == 1 and is_judged(result.images[0]) else ""
    return element(
        "header",
        element(
            "div",
            element("h1", word, stamp, element("span", sentence(result), class_="sentence")),
            element("p", _subject(result), class_="subject"),
            element("p", counts, class_="counted") if counts else None,
            element("p", *code_line, class_="why"),
        ),
        class_=f"banner {result.verdict.lower()}",
    )


def _subject(result: Result) -> Child:
    return named(result.images[0].reference) if len(result.images) == 1 else f"{len(result.images)} images"


def _reasons(result: Result) -> Element | None:
    reasons = shared_reasons(result)
    if not reasons:
        return None
    shown = (_reason(reason, images if len(result.images) > 1 else ()) for reason, images in reasons.items())
    return element("section", element("h2", "Why"), *shown, class_="reasons")


def _reason(reason: ReasonEntry, images: Sequence[str]) -> Element:
    tried = reason.tried or ()
    remedy = element("p", element("strong", "What to do:"), reason.remedy) if reason.remedy else None
    attempts = element(
        "details",
        element("summary", "One try" if len(tried) == 1 else f"{len(tried)} tries"),
        element("ol", *(element("li", code(attempt)) for attempt in tried)),
    )
    return element(
        "article",
        element("h3", badge(reason.slug, "reason"), f"exit code {reason.code}"),
        element("p", reason.message),
        remedy,
        element("p", "Images:", code(several(images)), class_="quiet") if images else None,
        element("p", "Request id", code(reason.request_id), class_="quiet") if reason.request_id else None,
        element("p", "Service code", code(reason.service_code), class_="quiet") if reason.service_code else None,
        attempts if tried else None,
    )


def _told(title: str, texts: Sequence[str]) -> Element | None:
    if not texts:
        return None
    listed = element("ul", *(element("li", text) for text in texts))
    return element("section", element("h2", title), listed, class_=title.lower())


def _contents(result: Result) -> Element:
    entries = (
        element(
            "li",
            badge(image.verdict),
            element("a", named(image.reference), href=f"#image-{number}"),
            element("span", counted(image) if is_judged(image) else "not judged", class_="quiet"),
        )
        for number, image in enumerate(result.images, start=1)
    )
    return element("nav", element("h2", "Images", id="images"), element("ol", *entries), class_="contents")


def _run(result: Result) -> Element:
    return element(
        "section",
        element("h2", "This run"),
        element("div", *_run_parts(result), class_="columns"),
        class_="run",
    )


def _run_parts(result: Result) -> Iterator[Element]:
    link = result.build.links.build
    shown = link is not None and link.startswith(("https://", "http://"))
    to_build = element("p", element("a", "Open the build", href=link, rel="noreferrer")) if shown else None
    yield element("div", element("h3", "Build"), facts(build_facts(result)), to_build)
    yield element("div", element("h3", "Service and quota"), facts(run_facts(result)))
    yield element("div", element("h3", "Policy"), facts(policy_facts(result.policy)))
