"""The check before a push: images of this machine, identified and looked into here, judged like the findings of a scan.

No task is opened and no quota is used, so the best that can come of it is CHECKED.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from jenkins_scan.clock import Clock
from jenkins_scan.errors import UsageError
from jenkins_scan.gate.baseline import Fingerprint
from jenkins_scan.gate.image import Judging, judge_image
from jenkins_scan.gate.names import names_of_image, repository_of
from jenkins_scan.images.interface import ImageIdentity, ImageSource, ResolvedImage
from jenkins_scan.local.analysis import Analysis, analyse
from jenkins_scan.local.checks import KINDS
from jenkins_scan.local.content import content_of
from jenkins_scan.step.each_image import each_image
from jenkins_scan.step.jury import require_policy, waiver_notes, warn
from jenkins_scan.step.record import ImageRun, Run

LATEST = "latest"


@dataclass
class _Work:
    """One image on its way."""

    image: ImageRun
    source: ImageSource
    found: ResolvedImage | None = None


def check(run: Run, judging: Judging, *, sources: Sequence[ImageSource], clock: Clock, jobs: int = 1) -> None:
    """Looks into each image of `run`, judges what was found, and notes everything there, errors too.

    `sources` are in the order of the images; `jobs` is how many are looked at side by side. Raises `Interrupted` on a
    signal.
    """
    works = [_Work(image, source) for image, source in zip(run.images, sources, strict=True)]
    each_image(run, works, lambda work: _identify(work, judging), image_of=lambda work: work.image, jobs=jobs)
    if run.ends_as_a_whole():
        return
    today = datetime.fromtimestamp(clock.now(), UTC).date()
    found = [(work.image, work.found) for work in works if work.found is not None and work.image.error is None]
    each_image(run, found, lambda pair: _judge(*pair, judging, today), image_of=lambda pair: pair[0], jobs=jobs)
    run.warnings += waiver_notes(run.images, local=True)
    for image in run.images:
        warn(image, judging)


def _identify(work: _Work, judging: Judging) -> None:
    found = work.source.resolve()
    image, identity = work.image, found.identity
    image.identity = identity
    image.warnings += found.warnings
    _known(judging, identity)  # a baseline that does not fit ends the run before anything is read
    work.found = found


def _judge(image: ImageRun, found: ResolvedImage, judging: Judging, today: date) -> None:
    if found.place is None:
        raise UsageError(
            "only images of this machine are checked, and this one lies in a registry.",
            remedy="Name an image of an engine, or an archive. `jenkins-scan scan` has an image of a registry scanned.",
        )
    analysis = analyse(content_of(found.identity, found.place))
    image.proof = "bytes"
    image.warnings += analysis.notes
    image.notes += [*_of_identity(found), _of_analysis(analysis), *_of_waivers(judging, found.identity, today)]
    image.judgement = judge_image(
        analysis.findings,
        judging.policy,
        today=today,
        image_names=names_of_image(found.identity),
        waivers=judging.waivers,
        known=_known(judging, found.identity),
        fetched=KINDS,
    )
    require_policy(image.judgement, judging.policy)


def _known(judging: Judging, identity: ImageIdentity) -> frozenset[Fingerprint] | None:
    """What an earlier check found in this repository. Raises `errors.ConfigurationError` (2) where none fits."""
    return None if judging.baseline is None else judging.baseline.known(repository_of(identity.canonical))


def _of_identity(found: ResolvedImage) -> Iterator[str]:
    """What CI would meet."""
    identity, name = found.identity, found.name
    if identity.registry_digest is None:
        yield "no registry digest yet: a push gives the image one."
    if name is not None and name.sent_tag == LATEST:
        typed = "no tag is named, which means `latest`" if name.tag is None else "the tag is `latest`"
        yield f"{typed}: it moves, and a scan may come to mean another image. Give each build a tag of its own."


def _of_analysis(analysis: Analysis) -> str:
    layers = "1 layer" if analysis.layers == 1 else f"{analysis.layers} layers"
    files = "1 file" if analysis.files == 1 else f"{analysis.files:,} files"
    return f"{layers} with {files} of {analysis.bytes:,} bytes were looked into."


def _of_waivers(judging: Judging, identity: ImageIdentity, today: date) -> Iterator[str]:
    names = names_of_image(identity)
    mine = [waiver for waiver in judging.waivers if waiver.is_about(names) and not waiver.is_expired(today)]
    if mine:
        others = sum(not waiver.is_local for waiver in mine)
        are = "1 waiver is" if len(mine) == 1 else f"{len(mine)} waivers are"
        yield f"{are} for this image, {others} of them for what only the service finds."
