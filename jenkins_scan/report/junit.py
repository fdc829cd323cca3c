"""`junit.xml`: a test suite for each image, for Jenkins' `junit` step.

An image always has the test case `gate.verdict`, so that the step never meets an empty report and a run that judged
nothing cannot look like one that passed. Findings that fail the image or warn of it are failing test cases, waived ones
are skipped; the other findings are in other reports. Class names and test names leave out tags and versions, and so the
history of a test goes on from build to build. The form is that of the schema of Jenkins' xUnit plugin.
"""

import io
import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from xml.sax.saxutils import XMLGenerator
from xml.sax.xmlreader import AttributesImpl

from jenkins_scan.plain_text import one_line
from jenkins_scan.report.notices import FOUND, NEVER_JUDGED, PASSED, limits_of, reference_of
from jenkins_scan.report.result import ImageResult, ReasonEntry, Result
from jenkins_scan.report.rows import LONGEST_TEXT, Row, repository_name, rows_of

VERDICT_CASE = "gate.verdict"
LONGEST_NAME = 200
"""Characters of a class or test name: Jenkins makes addresses of them."""


def render(result: Result) -> Iterator[str]:
    """The test suites as an XML document, test case by test case."""
    names = _Names()
    suites = [_Suite(result, image, rows, names) for image, rows in rows_of(result)]
    counts: Counter[str] = sum((suite.counts for suite in suites), Counter())
    text = io.StringIO()
    xml = XMLGenerator(text, "utf-8")
    xml.startDocument()
    about = {"name": "jenkins-scan"} | _numbers(counts, "tests", "failures", "errors")
    xml.startElement("testsuites", AttributesImpl(about))
    for suite in suites:
        xml.ignorableWhitespace("\n  ")
        xml.startElement("testsuite", AttributesImpl(suite.attributes()))
        yield _taken(text)
        yield from suite.inner
        xml.ignorableWhitespace("\n  ")
        xml.endElement("testsuite")
    xml.ignorableWhitespace("\n")
    xml.endElement("testsuites")
    xml.ignorableWhitespace("\n")
    yield _taken(text)


def _taken(text: io.StringIO) -> str:
    """What was written since the last time."""
    taken = text.getvalue()
    text.seek(0)
    text.truncate()
    return taken


@dataclass(slots=True)
class _Names:
    """The names that are given away: Jenkins takes two cases of one name and class for one."""

    given: dict[tuple[str, str], int] = field(default_factory=dict)
    """How many cases wanted this name."""

    def give(self, class_name: str, wanted: str) -> str:
        """The wanted name, or the next numbered form of it that is free."""
        name = wanted
        while (class_name, name) in self.given:
            self.given[class_name, wanted] += 1
            name = f"{wanted} #{self.given[class_name, wanted]}"
        self.given[class_name, name] = 1
        return name


class _Suite:
    """The suite of one image. Its numbers stand before its cases, so these are kept, as text: elements are large."""

    def __init__(self, result: Result, image: ImageResult, rows: Iterable[Row], names: _Names) -> None:
        self.counts: Counter[str] = Counter()
        self._name = reference_of(image)
        self._timestamp = f"{result.started_at:%Y-%m-%dT%H:%M:%S}"
        self.inner = [_text(_properties(result, image)), *map(self._counted, _cases(result, image, rows, names))]

    def attributes(self) -> dict[str, str]:
        """The name, the numbers and the time."""
        numbers = _numbers(self.counts, "tests", "failures", "errors", "skipped")
        return {"name": self._name, **numbers, "timestamp": self._timestamp}

    def _counted(self, case: ET.Element) -> str:
        """The case as text, counted as it is, so that the numbers cannot differ from it."""
        self.counts.update(element.tag for element in case.iter())
        return _text(case)


def _cases(result: Result, image: ImageResult, rows: Iterable[Row], names: _Names) -> Iterator[ET.Element]:
    class_name = f"image-scan.{_slug(repository_name(image))}"
    verdict = _case(class_name, names.give(class_name, VERDICT_CASE))
    _outcome(verdict, image)
    if told := "\n".join(notice.text for notice in limits_of(result, image)):
        ET.SubElement(verdict, "system-out").text = told
    yield verdict
    for row in rows:
        if row.gate is not None or row.accepted is not None:
            case = _case(class_name, names.give(class_name, _name(row)))
            _finding(case, row)
            yield case


def _properties(result: Result, image: ImageResult) -> ET.Element:
    properties = ET.Element("properties")
    task = None if image.task is None else image.task.id
    known = {
        "verdict": image.verdict,
        "task": task,
        "sandbox": str(result.sandbox).lower(),
        "build": result.build.tag,
    }
    for name, value in known.items():
        if value is not None:
            ET.SubElement(properties, "property", {"name": name, "value": one_line(value)})
    return properties


def _case(class_name: str, name: str) -> ET.Element:
    return ET.Element("testcase", {"classname": class_name, "name": name})


def _outcome(case: ET.Element, image: ImageResult) -> None:
    """How the image ended. Jenkins shows one element of a case: it is that of the first reason that is no finding."""
    verdict = str(image.verdict)
    if verdict == PASSED and not image.reasons:
        return
    if verdict in NEVER_JUDGED and not image.reasons:
        ET.SubElement(case, "skipped", {"message": NEVER_JUDGED[verdict]})
        return
    other = next((reason.slug for reason in image.reasons if reason.slug not in FOUND), None)
    if image.reasons and other is None:
        kind, word = "failure", "warn" if verdict == "WARN" else "policy"
    else:
        kind, word = "error", other or verdict.lower()
    message = " ".join(f"{reason.slug}: {reason.message}" for reason in image.reasons)
    element = ET.SubElement(
        case, kind, {"type": word, "message": f"{verdict} {one_line(message, LONGEST_TEXT)}".strip()}
    )
    element.text = "\n".join(line for reason in image.reasons for line in _explained(reason)) or None


def _explained(reason: ReasonEntry) -> Iterator[str]:
    yield f"{reason.slug}: {one_line(reason.message, LONGEST_TEXT)}"
    yield from (f"tried {one_line(attempt, LONGEST_TEXT)}" for attempt in reason.tried or ())
    if reason.remedy:
        yield f"-> {one_line(reason.remedy, LONGEST_TEXT)}"
    if reason.request_id:
        yield f"request id {one_line(reason.request_id)}"


def _finding(case: ET.Element, row: Row) -> None:
    message = one_line(f"{row.severity}: {row.id} {row.component} {row.title}", LONGEST_TEXT)
    if row.accepted is not None:
        waived = f"waived until {row.accepted.expires}: {row.accepted.reason}"
        ET.SubElement(case, "skipped", {"message": waived}).text = message
        return
    failure = ET.SubElement(case, "failure", {"type": "warn" if row.gate == "warn" else "policy", "message": message})
    details = {
        "path": row.path,
        "layer": row.layer,
        "aliases": ", ".join(row.aliases),
        "fix": row.fix,
    }
    failure.text = "\n".join([message, *(f"{name}: {text}" for name, text in details.items() if text)])


def _name(row: Row) -> str:
    """Without version and title, which change while the problem stays."""
    place = row.package or row.path
    return one_line(f"{row.kind}: {row.id}" + (f" in {place}" if place else ""), LONGEST_NAME)


def _slug(name: str) -> str:
    """The name without dots: Jenkins takes what stands before the last one for the package."""
    return re.sub(r"[^a-z0-9_]+", "-", name.lower()).strip("-")[:LONGEST_NAME] or "no-name"


def _numbers(counts: Counter[str], *wanted: str) -> dict[str, str]:
    tags = {"tests": "testcase", "failures": "failure", "errors": "error", "skipped": "skipped"}
    return {name: str(counts[tags[name]]) for name in wanted}


def _text(element: ET.Element) -> str:
    """The element on lines of its own, two levels deep."""
    ET.indent(element, level=2)
    return f"\n    {ET.tostring(element, encoding='unicode')}"
