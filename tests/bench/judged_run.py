"""A process that reports a judged run through the tool's own code. COUNT FOLDER [without]: `without` writes nothing.

The run is one image with COUNT findings of all kinds, judged as the step judges them; everything behind that is what
`jenkins-scan scan` does with `--report-dir`. It prints how many bytes of reports there are.
"""

import random
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from jenkins_scan.cli.app import App
from jenkins_scan.cli.reported import reported
from jenkins_scan.cli.signals import Interruptions
from jenkins_scan.cli.terminal import Terminal
from jenkins_scan.clock import SystemClock
from jenkins_scan.config.file import FileSettings
from jenkins_scan.config.settings import ReportedSettings
from jenkins_scan.findings import Finding, Kind, Severity
from jenkins_scan.gate.image import Judging, judge_image
from jenkins_scan.gate.policy import policy_from
from jenkins_scan.security_center.interface import CreatedTask, ScanRequest
from jenkins_scan.step.jury import require_policy
from jenkins_scan.step.record import ImageRun, Run, TaskRecord
from jenkins_scan.step.submission import Submission
from tests.support.images import pushed

SECRETS = ("LTAI5tBenchKeyIdThatIsNone", "BenchKeySecretThatIsNone0123456789", "c3de8326-273e-11fc-a0e3-d012435c0000")
"""Looked for in every text, as those of a real run are."""
TODAY = date(2026, 3, 1)


def finding(number: int, chance: random.Random) -> Finding:
    """One of five is no vulnerability, one of ten is high."""
    kind = Kind.VULNERABILITY if number % 5 else list(Kind)[number // 5 % len(Kind)]
    severity = chance.choices(list(Severity), (0, 10, 40, 49, 1))[0]
    package = f"lib{chance.randrange(3000)}"
    if kind is not Kind.VULNERABILITY:
        path = f"/opt/app/{number % 700}/part-{number}.conf"
        return Finding(
            kind=kind, id=f"{kind}/{number % 40}", severity=severity, title="不应存在的文件", path=path, source=kind
        )
    return Finding(
        kind=kind,
        id=f"CVE-{2015 + number % 11}-{number:06}",
        severity=severity,
        title=f"{package}: a buffer over-read in a function that is called with a length from the network",
        package=package,
        version=f"1.{number % 40}.{number % 7}-{number % 4}",
        path=f"/usr/lib/x86_64-linux-gnu/{package}.so.{number % 9}",
        fixable=number % 3 == 0,
        fix=f"apt-get install {package}=1.{number % 40}.8-1" if number % 3 == 0 else None,
        layer=f"sha256:{number % 12:064x}",
        aliases=(f"DSA-{number % 5000}-1",) if number % 2 else (),
        source="cve",
    )


def judged_image(count: int, judging: Judging) -> ImageRun:
    """The image as the step leaves it behind."""
    request = ScanRequest(repo_name="app", namespace="team/sub", tag="1.0", digest="d" * 64, image_id="c" * 64)
    image = ImageRun("registry.example.com:5000/team/sub/app:1.0", identity=pushed())
    image.submission = Submission(request, "registry_head")
    image.task = TaskRecord(CreatedTask("f" * 32, capacity=1000), 1_772_366_400.0, by_service=True)
    chance = random.Random(count)  # noqa: S311  the same findings in each run
    found = [finding(number, chance) for number in range(count)]
    image.proof = "digest"
    image.judgement = judgement = judge_image(found, judging.policy, today=TODAY, image_names=[image.reference])
    image.attempt(lambda: require_policy(judgement, judging.policy))
    return image


def main() -> int:
    """The exit code of the run; 3 where no report was to be written."""
    count, folder, *without = int(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:]
    judging = Judging(policy=policy_from({}, "high", "medium"), timeout=900.0)

    def perform(run: Run, note: Callable[[ReportedSettings], None]) -> None:
        note(ReportedSettings(judging=judging, min_quota=1))
        run.images = [judged_image(count, judging)]

    if without:
        judged_image(count, judging)
        return 3
    terminal = Terminal()
    for secret in SECRETS:
        terminal.redact.add(secret)
    with Interruptions(for_good=True) as interruptions:
        app = App(terminal, {}, interruptions, FileSettings(), SystemClock())
        code = reported(app, {"report_dir": str(folder), "output": (), "endpoint": None}, perform)
    print(sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()))
    return code


if __name__ == "__main__":
    sys.exit(main())
