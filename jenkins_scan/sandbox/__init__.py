"""The embedded Security Center: a stand-in, stamped as such everywhere.

It speaks the protocol of Alibaba Cloud Security Center (Sas 2018-12-03) with its own keys, makes the same signature
checks and gives the same errors, but it scans nothing: it lists what a scenario says, or what it is handed. Every reply
carries `STAMP` and every error `HOST_ID`, so that no reader can take its word for the service's.

`scenarios.load_scenario` says what goes wrong and what is found, `state.State` remembers, `service.SandboxService`
answers; `transport.SandboxTransport` brings requests to it in this process, `server.SandboxServer` over a loopback
port.

The keys below are words, not secrets: they open nothing but this sandbox, and `sandbox serve` prints the first of them.
"""

STAMP = "x-jenkins-scan-sandbox"
"""The header, always `1`, that every reply of the sandbox carries."""

HOST_ID = "sandbox"
"""The `HostId` of every error body."""

ACCESS_KEY_ID = "sandbox-access-key-id"
ACCESS_KEY_SECRET = "sandbox-access-key-secret"  # noqa: S105  a word: it opens nothing but the sandbox
TOKEN = "sandbox-token"  # noqa: S105  as above
"""The CI/CD token: the image registry that CreateJenkinsImageScanTask asks for."""

STS_ACCESS_KEY_ID = "sandbox-sts-access-key-id"
STS_ACCESS_KEY_SECRET = "sandbox-sts-access-key-secret"  # noqa: S105  as above
STS_SECURITY_TOKEN = "sandbox-sts-security-token"  # noqa: S105  as above

INACTIVE_ACCESS_KEY_ID = "sandbox-inactive-access-key-id"
"""A disabled key: every request signed with it gets `InvalidAccessKeyId.Inactive`."""

SECRET_TEXT = "SANDBOX-SECRET-MUST-NOT-BE-PRINTED"  # noqa: S105  a marker: found in any output, it is a leak
"""What stands in `Promt`, the field in which the service sends the secret that it found."""

SAMPLE_URL = "https://sample.invalid/must-not-be-printed"
"""What stands in `DownloadUrl`, where the service sends the way to a live malicious file."""
