"""The environment variables of the service client, by name: what is secret, and what decides about a proxy."""

KEY_ID = "ALIBABA_CLOUD_ACCESS_KEY_ID"
KEY_SECRET = "ALIBABA_CLOUD_ACCESS_KEY_SECRET"  # noqa: S105  the name of a variable
SECURITY_TOKEN = "ALIBABA_CLOUD_SECURITY_TOKEN"  # noqa: S105  the name of a variable
CICD_TOKEN = "JENKINS_SCAN_TOKEN"  # noqa: S105  the name of a variable
SECRET_VARIABLES = (KEY_ID, KEY_SECRET, SECURITY_TOKEN, CICD_TOKEN)
"""Each also as `<NAME>_FILE`."""

PROXY_VARIABLES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")
"""In this spelling or in lower case."""
