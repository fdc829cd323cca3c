"""Security Center as the checks ask it: each thing once, whoever wants to know it, and nothing that uses quota."""

import threading
from collections.abc import Callable
from typing import Final

from jenkins_scan.clock import Clock
from jenkins_scan.errors import ScanError
from jenkins_scan.security_center.client import SecurityCenterClient
from jenkins_scan.security_center.credentials import Credentials
from jenkins_scan.security_center.interface import Quota

BUDGET: Final = 4.0
"""Seconds for a question with all its tries: less than a check has."""


class Service:
    """One endpoint and one pair of keys."""

    def __init__(
        self,
        clock: Clock,
        find: Callable[[], Credentials],
        connect: Callable[[Credentials | None], SecurityCenterClient],
        *,
        in_process: bool = False,
    ) -> None:
        """`find` returns the keys, or raises `CredentialsMissing`; `connect` makes a client that signs with them."""
        self.clock = clock
        self.in_process = in_process
        """Whether it is the sandbox in this process, which no network leads to."""
        self._find = find
        self._connect = connect
        self._clients: list[SecurityCenterClient] = []
        self._credentials: Credentials | None = None
        self._quota: Quota | ScanError | None = None
        self._asking = threading.Lock()

    @property
    def is_sandbox(self) -> bool:
        """Whether a stand-in answers, as far as is known by now."""
        return self.in_process or any(client.is_sandbox for client in self._clients)

    @property
    def deadline(self) -> float:
        """Until when a question that is asked now may take, in monotonic time."""
        return self.clock.monotonic() + BUDGET

    def credentials(self) -> Credentials:
        """The keys. Raises `CredentialsMissing` (14)."""
        if self._credentials is None:
            self._credentials = self._find()
        return self._credentials

    def client(self) -> SecurityCenterClient:
        """A client that signs. Raises as `credentials`."""
        return self._made(self.credentials())

    def date(self) -> float | None:
        """The service's own time in seconds since the epoch; None: not told. Raises `ServiceUnreachable` (15)."""
        return self._made(None).server_date(deadline=self.deadline)

    def quota(self) -> Quota:
        """The quota, asked once. Raises `ScanError`, the same one again and again."""
        with self._asking:
            if self._quota is None:
                try:
                    self._quota = self.client().describe_image_scan_auth_count(deadline=self.deadline).value
                except ScanError as error:
                    self._quota = error
        if isinstance(self._quota, ScanError):
            raise self._quota
        return self._quota

    def _made(self, credentials: Credentials | None) -> SecurityCenterClient:
        client = self._connect(credentials)
        self._clients.append(client)
        return client
