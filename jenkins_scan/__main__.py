"""The start of the process: `jenkins-scan`, and `python -m jenkins_scan`."""

import gc
import sys
from typing import Final, NoReturn

SELDOM: Final = 50_000
"""New objects between two looks for garbage. A run makes objects to keep, above all by its imports: to look every 700,
as is usual, took a tenth of its time."""


def run() -> NoReturn:
    """Ends the process with the exit code of the run."""
    gc.set_threshold(SELDOM)
    from jenkins_scan.cli.main import main

    sys.exit(main(ends_here=True))


if __name__ == "__main__":
    run()
