"""Elements of the HTML page: a tree, so that whatever a text holds, it stays a text.

Each string on its way into the tree loses control and bidirectional characters and comes on one line.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final
from xml.etree.ElementTree import Element, tostring

from jenkins_scan.plain_text import one_line
from jenkins_scan.report.facts import NO_IMAGE, Fact, Part, Quoted, time_in_words
from jenkins_scan.report.rows import LONGEST_TEXT

Child = Element | str | None
NOTHING: Final = "-"
"""Stands in a cell that has nothing to say."""
LONGEST_NAME: Final = 300
"""Characters of what names something, and of other text that stands in a cell; the other formats have it whole."""


def element(tag: str, *children: Child, **attributes: str | None) -> Element:
    """An element around these children, a line break between each two; None is left out.

    An attribute that is also a word of Python is written with an underscore at its end.
    """
    given = {name.rstrip("_"): one_line(value, LONGEST_TEXT) for name, value in attributes.items() if value is not None}
    made, last = Element(tag, given), None
    for child in children:
        if isinstance(child, Element):
            _write(made, last, "")
            made.append(child)
            last = child
        elif child is not None:
            _write(made, last, one_line(child, LONGEST_TEXT))
    return made


def _write(made: Element, last: Element | None, text: str) -> None:
    """Puts text behind the last child, or at the beginning."""
    if last is not None:
        last.tail = f"{last.tail or ''}\n{text}"
    else:
        made.text = text if made.text is None else f"{made.text}\n{text}"


def code(text: str | None) -> Child:
    """A name that is not ours, in the type of code; a dash for none."""
    return element("code", short(text)) if text else NOTHING


def short(text: str | None) -> str:
    """Text for a cell; a dash for none."""
    return one_line(text or "", LONGEST_NAME) or NOTHING


def named(reference: str) -> Child:
    """The image as it was named."""
    return code(reference) if reference else NO_IMAGE


def cell(class_: str, *children: Child) -> Element:
    """A cell of the column `class_`; one with nothing but a dash is `empty`, too."""
    return element("td", *children, class_=f"{class_} empty" if children[0] == NOTHING else class_)


def badge(word: str, name: str | None = None) -> Element:
    """A word on a colour of its own; `name` is what the style sheet calls the colour."""
    return element("span", word, class_=f"badge {(name or word).lower()}")


def moment(when: datetime) -> Element:
    """A time, readable for people and machines."""
    return element("time", time_in_words(when), datetime=f"{when.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}")


def facts(known: Iterable[Fact]) -> Element:
    """Labels with what is known about them."""
    return element(
        "dl",
        *(
            element("div", element("dt", label), element("dd", *(_part(part) for part in parts)))
            for label, parts in known
        ),
        class_="facts",
    )


def table(caption: str, columns: Iterable[str], rows: Iterable[Element], *, class_: str) -> Element:
    """A table in a box of its own, within which it may scroll."""
    head = element("tr", *(element("th", column, scope="col") for column in columns))
    made = element("table", element("caption", caption), element("thead", head), element("tbody", *rows), class_=class_)
    return element("div", made, class_="box")


def document(root: Element) -> str:
    """The page as text."""
    return "<!DOCTYPE html>\n" + tostring(root, encoding="unicode", method="html") + "\n"


def _part(part: Part) -> Child:
    if isinstance(part, Quoted):
        return code(part.text)
    return moment(part) if isinstance(part, datetime) else part
