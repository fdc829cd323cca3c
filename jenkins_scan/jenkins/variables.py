"""The variables of the account that the controller is asked with."""

from typing import Final

USER_ID: Final = "JENKINS_USER_ID"
API_TOKEN: Final = "JENKINS_API_TOKEN"  # noqa: S105  the name of a variable
"""The names that Jenkins' own command line reads, too. Each also as `<NAME>_FILE`."""
