"""An image in a registry: asked over HTTPS with the logins that the agent has."""

import sys

# As in security_center: httpx would import its own command line, and with it rich and pygments, when they are there.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # None blocks an import (Python reference, 5.3.1)
