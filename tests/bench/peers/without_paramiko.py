"""Another peer as if paramiko were not installed: the Docker SDK imports it where it is, for ssh:// engines alone."""

import runpy
import sys
from pathlib import Path

if __name__ == "__main__":
    script = Path(__file__).with_name(sys.argv.pop(1))
    sys.path.insert(0, str(script.parent))
    sys.modules["paramiko"] = None  # type: ignore[assignment]
    runpy.run_path(str(script), run_name="__main__")
