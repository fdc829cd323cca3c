"""Write the golden reports: every format of a few results, as they are committed under tests/golden.

A change of a format shows there as a difference to be read. CI runs this and refuses a difference that was not
committed.
"""

import argparse
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the results are those of the tests

from jenkins_scan.report import summary  # noqa: E402  behind the line above
from jenkins_scan.report.compose import without_secrets  # noqa: E402
from jenkins_scan.report.interface import FILES, SUMMARY  # noqa: E402
from jenkins_scan.report.result import Result  # noqa: E402
from tests.support.results import every_ending, hostile_mixture, text_of  # noqa: E402

GOLDEN = ROOT / "tests" / "golden"
ENDINGS = ("fail", "clean", "submitted", "quota", "several", "baseline", "checked")


def golden() -> dict[str, str]:
    """Every golden report by its path under tests/golden."""
    endings = every_ending()
    results = {**{name: endings[name] for name in ENDINGS}, "hostile": without_secrets(hostile_mixture(), str)}
    return {f"{name}/{file}": text for name, result in results.items() for file, text in _reports(result).items()}


def _reports(result: Result) -> dict[str, str]:
    texts = {file: text_of(name, result) for name, file in FILES.items()}
    return {**texts, SUMMARY: summary.render(result), "table.txt": text_of("table", result)}


def main() -> None:
    """Renew the folder."""
    argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0]).parse_args()
    shutil.rmtree(GOLDEN, ignore_errors=True)
    for name, text in golden().items():
        path = GOLDEN / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
    print(f"{len(golden())} reports in {GOLDEN.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
