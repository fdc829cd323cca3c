"""Security Center (Sas 2018-12-03): the protocol, the operations and their errors."""

import sys

# httpx imports its own command line, and with it rich and pygments, when they are there: an eighth of a scan's start.
# A None here makes Python say "no such module", and httpx then does without, as in an environment that lacks rich.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # None blocks an import (Python reference, 5.3.1)
