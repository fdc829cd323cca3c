"""ACS3-HMAC-SHA256 in a few lines, for the peers that have no client of the service; from its public description."""

import hashlib
import hmac
import time
import uuid


def signed(host: str, action: str, body: bytes, key_id: str, key_secret: str) -> dict[str, str]:
    """The headers of a POST of a form to `/` without a query."""
    digest = hashlib.sha256(body).hexdigest()
    headers = {
        "content-type": "application/x-www-form-urlencoded",
        "host": host,
        "x-acs-action": action,
        "x-acs-content-sha256": digest,
        "x-acs-date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "x-acs-signature-nonce": uuid.uuid4().hex,
        "x-acs-version": "2018-12-03",
    }
    names = ";".join(headers)
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    request = hashlib.sha256(f"POST\n/\n\n{lines}\n{names}\n{digest}".encode()).hexdigest()
    text = f"ACS3-HMAC-SHA256\n{request}".encode()
    signature = hmac.new(key_secret.encode(), text, hashlib.sha256).hexdigest()
    return headers | {
        "authorization": f"ACS3-HMAC-SHA256 Credential={key_id},SignedHeaders={names},Signature={signature}"
    }
