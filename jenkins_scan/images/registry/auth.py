"""The answer to a registry's challenge: Basic, or a token from the service that the registry names.

Sources: distribution's "Token Authentication Specification" and "OAuth2 Token Authentication", RFC 7235. Nothing is
shown to a registry before it asks, and a token is asked for to read this one repository, whatever the challenge says.
"""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urlencode

from jenkins_scan.errors import RegistryRefused, UnreadableImage
from jenkins_scan.images import fields
from jenkins_scan.images.registry import faults
from jenkins_scan.images.registry.access import Access
from jenkins_scan.images.registry.address import RegistryAddress
from jenkins_scan.images.registry.credentials import Login, Search, find_login
from jenkins_scan.images.registry.http import Answer, RegistryHttp

LARGEST_TOKEN_ANSWER: Final = 1024 * 1024
_CLIENT: Final = "jenkins-scan"
_WORD: Final = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"
_CHALLENGE: Final = re.compile(
    rf'(?P<key>{_WORD})\s*=\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>[^\s,"]*))|(?P<scheme>{_WORD})'
)
_TOKEN: Final = re.compile(r"[!-~]{1,65536}")
"""What can stand in a header."""
_OK: Final = 200


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way in which a registry wants to know who we are."""

    scheme: str
    """In lower case: `basic`, `bearer`."""
    parameters: Mapping[str, str]


def parse_challenges(header: str) -> list[Challenge]:
    """The challenges in `WWW-Authenticate`; what cannot be read is left out."""
    challenges: list[tuple[str, dict[str, str]]] = []
    for match in _CHALLENGE.finditer(header):
        if match["scheme"] is not None:
            challenges.append((match["scheme"].lower(), {}))
        elif challenges:
            quoted = match["quoted"]
            value = match["plain"] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
            challenges[-1][1].setdefault(match["key"].lower(), value)
    return [Challenge(scheme, parameters) for scheme, parameters in challenges]


class Authenticator:
    """Who we are, for one repository."""

    def __init__(
        self,
        address: RegistryAddress,
        http: RegistryHttp,
        access: Access,
    ) -> None:
        self._address = address
        self._http = http
        self._access = access
        self._search: Search | None = None

    @property
    def tried(self) -> str:
        """What the registry was shown so far, without secrets."""
        return "without credentials, as it asked for none" if self._search is None else str(self._search)

    def authorization(self, refused: Answer) -> str:
        """The `Authorization` that answers the challenges of a 401.

        Raises `errors.RegistryRefused` (13) when there is none, `errors.UsageError` (2) for a broken login file.
        """
        challenges = {each.scheme: each for each in reversed(parse_challenges(_header(refused)))}
        if self._search is None:
            self._search = find_login(self._address, self._access.environ, self._access.redact)
        login = self._search.login
        if "bearer" in challenges:
            return f"Bearer {self._token(challenges['bearer'], login)}"
        if "basic" in challenges and login is not None and login.password is not None:
            return self._basic(login.username or "", login.password)
        if "basic" in challenges and login is not None:
            why = "it asks for a user and password, and the login has only a token"
            raise faults.not_admitted(self._address, why, self.tried)
        if "basic" in challenges or not challenges:
            raise faults.failed(refused, self._address, "the image", self.tried)
        listed = ", ".join(sorted(challenges))[:100]
        raise faults.not_admitted(self._address, f"it asks for {listed!a}, which is not spoken", self.tried)

    def _token(self, challenge: Challenge, login: Login | None) -> str:
        if login is not None and login.registry_token is not None:
            return login.registry_token
        answer = self._ask_for_token(challenge, login)
        if answer.status in (faults.UNAUTHORIZED, faults.FORBIDDEN):
            why = f"its token service at {answer.url.host} answered HTTP {answer.status}"
            raise faults.not_admitted(self._address, why, self.tried)
        if answer.status != _OK:
            raise self._no_token(answer, f"it answered HTTP {answer.status}")
        try:
            body = fields.as_object(fields.parse_json(answer.body, "The answer"), "The answer")
            token = fields.text(body, "token") or fields.text(body, "access_token")
        except UnreadableImage as exc:
            raise self._no_token(answer, exc.message.rstrip(".")) from exc
        if token is None or not _TOKEN.fullmatch(token):
            raise self._no_token(answer, "its answer holds no token")
        self._access.redact(token)
        return token

    def _ask_for_token(self, challenge: Challenge, login: Login | None) -> Answer:
        # Docker shows the login to whatever host the registry names as its token service, and so it is done here: it is
        # the login for this registry. It never travels in clear text, which `followed` sees to.
        realm = self._http.followed(challenge.parameters.get("realm", ""), "its token service")
        asked = {"scope": f"repository:{self._address.path}:pull"}
        if service := challenge.parameters.get("service"):
            asked["service"] = service
        if login is not None and login.identity_token is not None:
            form = {
                "grant_type": "refresh_token",
                "client_id": _CLIENT,
                "refresh_token": login.identity_token,
                **asked,
            }
            headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
            content = urlencode(form).encode()
            return self._http.ask("POST", realm, headers=headers, limit=LARGEST_TOKEN_ANSWER, content=content)
        headers = {"accept": "application/json"}
        if login is not None and login.password is not None:
            headers["authorization"] = self._basic(login.username or "", login.password)
            asked["account"] = login.username or ""
        own = [(key, value) for key, value in parse_qsl(realm.query.decode()) if key not in ("scope", *asked)]
        url = realm.copy_with(query=urlencode([*own, *asked.items()]).encode())
        return self._http.ask("GET", url, headers=headers, limit=LARGEST_TOKEN_ANSWER)

    def _basic(self, username: str, password: str) -> str:
        encoded = base64.b64encode(f"{username}:{password}".encode()).decode()
        self._access.redact(encoded)
        return f"Basic {encoded}"

    def _no_token(self, answer: Answer, why: str) -> RegistryRefused:
        return RegistryRefused(
            f"The token service of the registry {self._address.name} at {answer.url.host} gave no token: {why}.",
            remedy="Look into the registry's log; `docker pull` with the same login has to succeed.",
        )


def _header(answer: Answer) -> str:
    return answer.headers.get("www-authenticate", "")[:16384]
