"""One operation of the sandbox, asked by the official SDK and asked without it."""

import re
import ssl
import typing

import httpx
from pydantic import SecretStr

from jenkins_scan import sandbox
from jenkins_scan.security_center.credentials import Credentials
from jenkins_scan.security_center.signing import AcsV3Auth, canonical_query

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Never used: all is plain HTTP here, and loading the CAs of the world for each client takes time."""
CREDENTIALS = Credentials(sandbox.ACCESS_KEY_ID, SecretStr(sandbox.ACCESS_KEY_SECRET), None)


def by_sdk(client, action, fields):
    """The SDK's answer to one operation: its model of the body."""
    from alibabacloud_sas20181203 import models

    method = re.sub("(?<!^)([A-Z])", r"_\1", action).lower()
    request = getattr(models, f"{action}Request")(**fields)
    reply = getattr(client, method)(request)
    assert reply.headers["x-jenkins-scan-sandbox"] == "1"
    return reply.body


def raw(client, action, fields):
    """What the sandbox sends for the same parameters, as JSON."""
    from alibabacloud_sas20181203 import models

    query = getattr(models, f"{action}Request")(**fields).to_map()
    url = f"http://{client._endpoint}/?{canonical_query({name: str(value) for name, value in query.items()})}"
    headers = {"x-acs-action": action, "x-acs-version": "2018-12-03"}
    with httpx.Client(auth=AcsV3Auth(CREDENTIALS), trust_env=False, verify=NO_TLS) as http:
        return http.post(url, headers=headers).json()


def mistyped(model):
    """The fields of an SDK model that hold something else than it declares, with those inside of it."""
    wrong = []
    for name, declared in typing.get_type_hints(type(model).__init__).items():
        value = getattr(model, name)
        items = value if typing.get_origin(declared) is list else [value]
        kind = typing.get_args(declared)[0] if typing.get_origin(declared) is list else declared
        for item in items or ():
            if item is not None and type(item) is not kind:
                wrong.append(f"{type(model).__name__}.{name}: {item!r} is no {kind.__name__}")
            elif hasattr(item, "to_map"):
                wrong += mistyped(item)
    return wrong
