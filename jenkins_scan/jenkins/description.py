"""The description of a build, set through the controller: one POST, as its own page would send it.

`submitDescription` is Jenkins' own form target; it takes POST alone, asks for the permission Run/Update, and answers
with a redirect to the build's page (`Run.doSubmitDescription` and `Run.setDescription` in Jenkins core).
"""

import re
from typing import Any, Final

from jenkins_scan import untrusted_json
from jenkins_scan.jenkins.access import Access, ControllerFailed
from jenkins_scan.jenkins.exchange import LIMIT, Exchange, Reply, in_time, refusal

_FIELD_NAME: Final = re.compile(r"[A-Za-z0-9._-]*crumb[A-Za-z0-9._-]*", re.IGNORECASE)
"""`Jenkins-Crumb`, or what an administrator made of it: never a header that HTTP itself gives a meaning to."""
_CRUMB: Final = re.compile(r"[!-~]{1,500}")
_SET: Final = "setting the build description"
_PERMISSION: Final = "Run/Update"
_FOUND: Final = (302, 303)


def describe(access: Access, page: str, text: str, *, limit: float = LIMIT) -> None:
    """Sets the description of the build whose page this is. Raises `ControllerFailed` when it is not known to be set.

    `page` is what `Access.build_page` gives. `limit` is in seconds, for all of it.
    """
    in_time(limit, access, lambda exchange: _describe(exchange, access.url, page, text))


def _describe(exchange: Exchange, root: str, page: str, text: str) -> None:
    url = f"{page}submitDescription"
    reply = exchange.ask("POST", url, headers=_crumb(exchange, root), form={"description": text})
    if reply.status not in _FOUND or not reply.leads_to(page, url):
        if reply.status < 300:  # noqa: PLR2004  HTTP's own number
            raise ControllerFailed(
                f"{_SET}: HTTP {reply.status} came where Jenkins redirects to the build; it is not known to be set.",
                remedy="Check that BUILD_URL is Jenkins itself, and not a page before it.",
            )
        raise refusal(reply, url, _SET, _PERMISSION)


def _crumb(exchange: Exchange, root: str) -> dict[str, str]:
    """The header against forged requests, which is good for this session; empty where the controller wants none."""
    url = f"{root}crumbIssuer/api/json"
    reply = exchange.ask("GET", url)
    if reply.status == 404:  # noqa: PLR2004  the protection is off
        return {}
    if reply.status != 200:  # noqa: PLR2004  HTTP's own number
        raise refusal(reply, url, "asking for a crumb", "Overall/Read")
    return _header(reply)


def _header(reply: Reply) -> dict[str, str]:
    try:
        told: Any = untrusted_json.parse(reply.body)
        name, crumb = told["crumbRequestField"], told["crumb"]
        if _FIELD_NAME.fullmatch(name) and _CRUMB.fullmatch(crumb):
            return {name: crumb}
    except (ValueError, TypeError, KeyError):
        pass
    raise ControllerFailed(
        "asking for a crumb: the answer is not understood.",
        remedy="Check that JENKINS_URL is Jenkins itself, and not a page before it.",
    )
