"""The error tree keeps the contract of exit codes, and its drawing is true."""

import re
from collections.abc import Iterator

import pytest

from jenkins_scan import errors
from jenkins_scan.errors import Interrupted, Reason, ScanError

CONTRACT = {
    "internal": (1,),
    "usage": (2,),
    "policy": (10,),
    "warn": (11,),
    "quota": (12,),
    "image": (13,),
    "access": (14,),
    "service": (15,),
    "timeout": (16,),
    "incomplete": (17,),
    "interrupted": (129, 130, 143),
}
DRAWN = re.compile(r"^ {4}([ │├└─]*)(\w+)(?: +(\d+))?", re.MULTILINE)


def below(parent: type[ScanError]) -> Iterator[type[ScanError]]:
    """Every subclass that the package defines, families before members."""
    for child in parent.__subclasses__():
        if child.__module__.startswith("jenkins_scan."):
            yield child
            yield from below(child)


def drawn_tree() -> dict[str, tuple[int, str | None]]:
    """Class name to depth and exit code, as the module's docstring draws them."""
    drawing = (errors.__doc__ or "").split("::\n\n", 1)[1].split("\n\nA class", 1)[0]
    return {name: (len(branch) // 4, code or None) for branch, name, code in DRAWN.findall(drawing)}


CLASSES = list(below(ScanError))


def test_slugs_and_codes_are_the_contract() -> None:
    assert {reason.slug: reason.codes for reason in Reason} == CONTRACT


def test_no_two_reasons_share_a_code() -> None:
    codes = [code for reason in Reason for code in reason.codes]
    assert len(codes) == len(set(codes))


def test_codes_keep_clear_of_those_that_jenkins_and_shells_use() -> None:
    assert {0, 125, 126, 127, 137, 255}.isdisjoint(code for reason in Reason for code in reason.codes)


def test_the_drawing_names_every_class_and_no_other() -> None:
    assert set(drawn_tree()) == {"ScanError", "Interrupted", *(each.__name__ for each in CLASSES)}


@pytest.mark.parametrize("error", CLASSES, ids=lambda error: error.__name__)
def test_each_class_stands_in_the_drawing_under_its_family(error: type[ScanError]) -> None:
    depth, code = drawn_tree()[error.__name__]
    assert depth == len(error.__mro__) - len(ScanError.__mro__)
    assert code == (str(error.reason.code) if depth == 1 else None)


@pytest.mark.parametrize("error", CLASSES, ids=lambda error: error.__name__)
def test_each_class_has_one_reason_that_its_family_shares(error: type[ScanError]) -> None:
    family = next(parent for parent in error.__mro__ if ScanError in parent.__bases__)
    assert isinstance(error.reason, Reason)
    assert error.reason is family.reason
    assert error("what happened").exit_code == error.reason.code


@pytest.mark.parametrize("error", CLASSES, ids=lambda error: error.__name__)
def test_each_class_says_what_it_is(error: type[ScanError]) -> None:
    assert error.__doc__


@pytest.mark.parametrize(("signum", "code"), [(1, 129), (2, 130), (15, 143)])
def test_a_signal_ends_with_the_code_a_shell_would_report(signum: int, code: int) -> None:
    assert Interrupted(signum).exit_code == code
    assert code in Reason.INTERRUPTED.codes
