"""The client of Security Center (Sas 2018-12-03): one small method for each operation.

An operation's parameters travel in the query or in the form, as its API page says. Every HTTP 200 is checked for the
soft-failure envelope, which the official SDK drops. A create is never repeated once it may have run.
"""

import logging
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, TypeVar
from urllib.parse import urlencode

import httpx
from pydantic import SecretStr

from jenkins_scan import __version__, errors
from jenkins_scan.clock import Clock, SystemClock
from jenkins_scan.plain_text import excerpt
from jenkins_scan.security_center import wire
from jenkins_scan.security_center.answer import Reply, understood
from jenkins_scan.security_center.endpoints import Endpoint
from jenkins_scan.security_center.exchange import RawAnswer, perform
from jenkins_scan.security_center.interface import (
    Answer,
    CreatedTask,
    Quota,
    Registries,
    Results,
    ScanRequest,
    Tasks,
)
from jenkins_scan.security_center.retry import TryFailed, with_retries
from jenkins_scan.security_center.signing import canonical_query
from jenkins_scan.time_limit import TimeIsUp, within

VERSION = "2018-12-03"
CONNECT_TIMEOUT = 5.0
READ_TIMEOUT = 10.0
LONGEST_TRY = CONNECT_TIMEOUT + READ_TIMEOUT
"""Seconds for one try as a whole, from the first packet to the last byte."""
LEAST_FOR_A_CREATE = 2.0
"""Seconds: a create that is sent with less left would most likely end with nobody knowing whether a task exists."""
FORM = "application/x-www-form-urlencoded"
CREATE = "CreateJenkinsImageScanTask"
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)
T = TypeVar("T")
log = logging.getLogger(__name__)


def _nobody_asks(_: float | None) -> None:
    """What is told when the caller does not want to know how far a create is."""


class SecurityCenterClient:
    """Security Center behind one endpoint, for one AccessKey and one CI/CD token."""

    def __init__(
        self, http: httpx.Client, endpoint: Endpoint, token: SecretStr | None, clock: Clock | None = None
    ) -> None:
        self._http = http
        self._endpoint = endpoint
        self._token = token
        self._clock = clock or SystemClock()
        self._is_sandbox = False

    @property
    def is_sandbox(self) -> bool:
        """Whether an answer so far came from the stand-in, not from Alibaba Cloud."""
        return self._is_sandbox

    # A submit alone needs none of them, and the models of so many replies take time to build.
    @cached_property
    def tasks(self) -> Tasks:
        """The status operations."""
        from jenkins_scan.security_center.task_operations import TaskOperations

        return TaskOperations(self._read)

    @cached_property
    def results(self) -> Results:
        """The operations that list findings."""
        from jenkins_scan.security_center.finding_lists import FindingOperations

        return FindingOperations(self._read)

    @cached_property
    def registries(self) -> Registries:
        """The operations on images in registries."""
        from jenkins_scan.security_center.registry_operations import RegistryOperations

        return RegistryOperations(self._read, self._create)

    def describe_image_scan_auth_count(self, *, deadline: float) -> Answer[Quota]:
        """The image-scan quota. No parameters."""
        return self._read("DescribeImageScanAuthCount", {}, wire.DescribeImageScanAuthCountReply, deadline)

    def server_date(self, *, deadline: float) -> float | None:
        """The service's own time, in seconds since the epoch, by its answer to an unsigned request; None: not told.

        Needs no credentials, and no clock that is right. Raises `errors.ServiceUnreachable` (15).
        """
        try:
            self._require_time(deadline)
            raw = self._exchange(self._request("DescribeImageScanAuthCount", {}, None), deadline, signed=False)
        except TryFailed as failed:
            raise failed.error from failed
        return raw.server_time

    def create_jenkins_image_scan_task(
        self, request: ScanRequest, *, deadline: float, on_the_way: Callable[[float | None], None] = _nobody_asks
    ) -> Answer[CreatedTask]:
        """A new task; `FateUnknown` when one may exist although no usable answer came."""
        query = {"JenkinsEnv": request.jenkins_env, "SourceIp": request.source_ip}
        form = {
            "Token": None if self._token is None else self._token.get_secret_value(),
            "Namespace": request.namespace,
            "RepoName": request.repo_name,
            "Tag": request.tag,
            "Digest": request.digest,
            "ImageId": request.image_id,
            "ImageSize": request.image_size,
            "ImageCreate": request.image_create,
            "ImageUpdate": request.image_update,
            "Uuid": request.uuid,
        }
        model = wire.CreateJenkinsImageScanTaskReply
        return self._create(CREATE, _given(query), _given(form), model, deadline=deadline, on_the_way=on_the_way)

    def _create(  # noqa: PLR0913  what is sent and where, how it is read, until when, and who is told
        self,
        operation: str,
        query: Mapping[str, str],
        form: Mapping[str, str] | None,
        model: type[Reply[T]],
        *,
        deadline: float,
        on_the_way: Callable[[float | None], None],
    ) -> Answer[T]:
        """What every operation that opens a task has in common: it is never sent again once it may have run."""
        sent_on = 0.0

        def attempt() -> Answer[T]:
            nonlocal sent_on
            request = self._request(operation, query, form)
            self._require_time(deadline, LEAST_FOR_A_CREATE)
            on_the_way(self._clock.now())
            sent_on = self._clock.monotonic()
            try:
                return understood(operation, self._exchange(request, deadline), model)
            except TryFailed as failed:
                if not failed.may_have_run:
                    on_the_way(None)
                raise

        try:
            last = deadline - LEAST_FOR_A_CREATE
            return with_retries(attempt, repeat_if_may_have_run=False, deadline=last, clock=self._clock)
        except TryFailed as failed:
            raise (_fate_unknown(failed.error, sent_on) if failed.may_have_run else failed.error) from failed

    def _read(self, operation: str, query: Mapping[str, str], model: type[Reply[T]], deadline: float) -> Answer[T]:
        def attempt() -> Answer[T]:
            request = self._request(operation, query, None)
            self._require_time(deadline)
            return understood(operation, self._exchange(request, deadline), model)

        try:
            return with_retries(attempt, repeat_if_may_have_run=True, deadline=deadline, clock=self._clock)
        except TryFailed as failed:
            raise failed.error from failed

    def _request(self, operation: str, query: Mapping[str, str], form: Mapping[str, str] | None) -> httpx.Request:
        # The canonical query is put into the URL as it is signed; with `params=` httpx would write a space as `+`.
        sent = canonical_query(query)
        headers = {
            "accept": "application/json",
            "accept-encoding": "identity",
            "user-agent": f"jenkins-scan/{__version__}",
            "x-acs-action": operation,
            "x-acs-version": VERSION,
        }
        content = b""
        if form is not None:
            headers["content-type"] = FORM
            content = urlencode(sorted(form.items())).encode()
        log.debug("asking %s: %s", self._endpoint.url, operation)
        return self._http.build_request(
            "POST", f"{self._endpoint.url}/" + (f"?{sent}" if sent else ""), headers=headers, content=content
        )

    def _require_time(self, deadline: float, least: float = 0.0) -> None:
        """Refuses to send what nobody could wait for."""
        left = deadline - self._clock.monotonic()
        if left <= 0 or left < least:
            late = errors.ServiceUnreachable(f"no time was left to ask {self._endpoint.url}; nothing was sent.")
            raise TryFailed(late, again=False)

    def _exchange(self, request: httpx.Request, deadline: float, *, signed: bool = True) -> RawAnswer:
        limit = min(LONGEST_TRY, deadline - self._clock.monotonic())
        try:
            raw = within(max(0.0, limit), lambda: perform(self._http, request, signed=signed))
        except TimeIsUp as exc:
            late = errors.ServiceUnreachable(
                f"{request.headers['x-acs-action']}: {self._endpoint.url} gave no whole answer within "
                f"{max(0.0, limit):.1f} s."
            )
            raise TryFailed(late, again=True, may_have_run=True) from exc
        except httpx.HTTPError as exc:
            sent = not isinstance(exc, NOT_SENT)
            raise TryFailed(self._unreachable(exc), again=True, may_have_run=sent) from exc
        self._is_sandbox = self._is_sandbox or raw.sandbox
        return raw

    def _unreachable(self, exc: httpx.HTTPError) -> errors.ServiceUnreachable:
        what = excerpt(str(exc), 300)
        if isinstance(exc, httpx.ProxyError):
            # What stands behind the status is the proxy's own text, and may repeat the credentials it got.
            status = what[:3]
            what = f"the proxy answered HTTP {status}" if status.isdigit() else ""
        url, remedy = self._endpoint.url, None
        if "CERTIFICATE_VERIFY_FAILED" in what:
            remedy = (
                "Name the CA that signed it with --ca-bundle FILE or SSL_CERT_FILE (REQUESTS_CA_BUNDLE is not read "
                "for the service). There is no way to skip verification."
            )
        elif isinstance(exc, httpx.ConnectError | httpx.ProxyError):
            remedy = (
                "Check DNS and routes from this agent, --vpc, and the proxy in HTTPS_PROXY, ALL_PROXY and NO_PROXY."
            )
        return errors.ServiceUnreachable(
            f"{url} cannot be reached or broke off: {type(exc).__name__}{what and f': {what}'}.", remedy=remedy
        )


def _fate_unknown(error: errors.ScanError, sent_on: float) -> errors.FateUnknown:
    unknown = errors.FateUnknown(
        f"the create was sent once and its answer is not known; a task may exist. {error.message}",
        service_code=error.service_code,
        request_id=error.request_id,
    )
    unknown.sent_on = sent_on
    return unknown


def _given(parameters: Mapping[str, Any]) -> dict[str, str]:
    """The parameters that have a value, as text."""
    return {name: str(value) for name, value in parameters.items() if value is not None}
