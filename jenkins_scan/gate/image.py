"""The gate for one image: deny-list, waivers, baseline and thresholds, in the one order in which they apply."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date

from jenkins_scan.findings import Finding, Kind
from jenkins_scan.gate.baseline import Baseline, Compared, Fingerprint, compare
from jenkins_scan.gate.policy import Judged, Policy, judge_findings
from jenkins_scan.gate.waivers import Waived, Waiver, apply


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """What every image of a run is judged by."""

    policy: Policy
    timeout: float | None
    """Seconds to wait for the scans of all images together; None where nothing is waited for."""
    waivers: tuple[Waiver, ...] = ()
    baseline: Baseline | None = None


@dataclass(frozen=True, slots=True)
class ImageJudgement:
    """What the findings of one image lead to."""

    judged: Judged
    """What fails and what warns: open, and new where there is a baseline, or denied."""
    waived: Waived
    compared: Compared | None
    """All findings beside the baseline, waived ones too; None without a baseline."""
    fetched: frozenset[Kind] = frozenset(Kind)
    """The kinds whose lists were read; of another kind nothing is known."""


def judge_image(  # noqa: PLR0913  each is one of the things that decide
    findings: Sequence[Finding],
    policy: Policy,
    *,
    today: date,
    image_names: Collection[str],
    waivers: Sequence[Waiver] = (),
    known: frozenset[Fingerprint] | None = None,
    fetched: Collection[Kind] = tuple(Kind),
) -> ImageJudgement:
    """The judgement over the findings of an image that has these names, on this day in UTC.

    `known` are the fingerprints of its baseline. What the deny-list names always fails: no waiver covers it, and it
    does not matter that it is known.
    """
    denied = frozenset(finding for finding in findings if policy.denies(finding))
    waived = apply([finding for finding in findings if finding not in denied], waivers, image_names, today)
    covered = {finding for finding, _ in waived.waived}
    still_open = tuple(finding for finding in findings if finding not in covered)
    compared = None if known is None else compare(findings, known, fetched=fetched)
    counted = denied.union(findings if compared is None else compared.new)
    judged = judge_findings([finding for finding in still_open if finding in counted], policy)
    return ImageJudgement(judged, replace(waived, open=still_open), compared, frozenset(fetched))
