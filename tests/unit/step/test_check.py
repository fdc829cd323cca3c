"""The check of images as a step of its own, without a command line around it."""

import pytest

from jenkins_scan.errors import InternalError, UsageError
from jenkins_scan.gate.image import Judging
from jenkins_scan.gate.policy import policy_from
from jenkins_scan.images.interface import ResolvedImage
from jenkins_scan.images.reference import parse_reference
from jenkins_scan.step.check import check
from jenkins_scan.step.record import ImageRun, Run
from tests.support.center import FakeClock
from tests.support.images import pushed

HIGH = Judging(policy=policy_from({}, fail_on="high"), timeout=None)


class Registry:
    """An image of which no bytes are here."""

    def resolve(self):
        return ResolvedImage(pushed(), parse_reference("team/app"))

    def look_again(self, identity):
        raise AssertionError(identity)


def test_an_image_whose_bytes_are_not_here_is_refused():
    run = Run(started_at=0.0, images=[ImageRun("team/app")], local=True)
    check(run, HIGH, sources=[Registry()], clock=FakeClock())
    (image,) = run.images
    assert isinstance(image.error, UsageError)
    assert image.notes == []


@pytest.mark.parametrize(("local", "word"), [(True, "judgement"), (False, "task")])
def test_an_image_without_an_end_is_a_bug_and_no_success(local, word):
    run = Run(started_at=0.0, images=[ImageRun("team/app")], local=local)
    run.require_ends()
    (image,) = run.images
    assert isinstance(image.error, InternalError)
    assert f"neither a {word} nor a reason" in image.error.message
