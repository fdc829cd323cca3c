"""Secrets that a test gives to the tool, and the search for them, in any form, in whatever left it."""

import base64
import html
import json
import re
import shlex
from collections.abc import Iterator, Mapping
from urllib.parse import quote, quote_plus

KEY_ID = "LTAIcanary0keyid0001"
KEY_SECRET = "canary1/secret+with=odd%signs\"and'quotes"
SECURITY_TOKEN = "canary2/sts+token==with%2Fescapes"
TOKEN = 'canary3"token\\with/+odd&signs'
CANARIES: Mapping[str, str] = {
    "ALIBABA_CLOUD_ACCESS_KEY_ID": KEY_ID,
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET": KEY_SECRET,
    "ALIBABA_CLOUD_SECURITY_TOKEN": SECURITY_TOKEN,
    "JENKINS_SCAN_TOKEN": TOKEN,
}
"""By the variable that gives them to the tool."""


def forms(secret: str) -> Iterator[str]:
    """The secret as it is, URL-encoded, escaped for JSON and HTML, quoted for a shell, in Base64 at each alignment."""
    for encoded in (quote(secret, safe=""), quote(secret), quote_plus(secret)):
        yield from (encoded, re.sub("%..", lambda code: code[0].lower(), encoded))
    yield shlex.quote(secret)
    named = html.escape(secret)
    for text in (
        secret,
        named,
        named.replace("&quot;", "&#34;").replace("&#x27;", "&#39;"),
        html.escape(secret, quote=False),
    ):
        escaped = json.dumps(text)[1:-1]
        yield from {text, escaped, json.dumps(json.dumps(text))[3:-3], escaped.replace("\\", "\\\\"), repr(text)[1:-1]}
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + secret.encode()).decode()
        whole = encoded[(0, 2, 3)[offset] : (offset + len(secret)) * 8 // 6]
        yield whole
        yield whole.replace("+", "-").replace("/", "_")


def leaks(text: str, secrets: Mapping[str, str] = CANARIES) -> list[str]:
    """The names of the secrets that are in the text, in any form."""
    return [name for name, secret in secrets.items() if any(form in text for form in forms(secret))]
