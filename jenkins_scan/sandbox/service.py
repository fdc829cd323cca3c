"""The sandbox as one function from a request to its answer, with neither sockets nor threads of its own.

The order: address, known operation, authentication, rate of the account, faults of the scenario, RAM permission,
service bought, required parameters, and then the operation with its quota. Order and some HTTP statuses are choices of
the sandbox; the codes are the real ones.
"""

import time
import uuid
from collections.abc import Callable, Mapping
from email.utils import formatdate

from jenkins_scan.sandbox import HOST_ID, TOKEN
from jenkins_scan.sandbox.authentication import KEYS, AccessKey, authenticate, check_address
from jenkins_scan.sandbox.call import Call, FindingsOf, Operation
from jenkins_scan.sandbox.loopback_registry import LoopbackRegistry
from jenkins_scan.sandbox.messages import Dropped, Refused, Reply, Request, json_reply, raw_reply
from jenkins_scan.sandbox.operations import OPERATIONS
from jenkins_scan.sandbox.scenarios import Fault, Scenario
from jenkins_scan.sandbox.state import State


class SandboxService:
    """The embedded Security Center under one scenario. Safe for threads, as far as `state` is, and that is.

    `now` gives the true time in Unix seconds; the scenario's skew is added to what the server believes and shows.
    `findings_of` looks into an image that is submitted: what it gives is found beside what the scenario says.
    `keys` and `token` are those that it accepts, by default its own.
    `registry_url` is a real registry on loopback whose images the account has beside those of the scenario. Raises
    `ConfigurationError` (2) for any other one.
    """

    def __init__(  # noqa: PLR0913  what an account is made of
        self,
        scenario: Scenario,
        state: State,
        *,
        now: Callable[[], float] = time.time,
        registry_url: str | None = None,
        findings_of: FindingsOf | None = None,
        keys: Mapping[str, AccessKey] = KEYS,
        token: str = TOKEN,
    ) -> None:
        self.scenario = scenario
        self.state = state
        self._now = now
        self._findings_of = findings_of
        self._keys = keys
        self._token = token
        self._registry = None if registry_url is None else LoopbackRegistry(registry_url)

    def handle(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply | Dropped:
        """The answer to one HTTP request; `target` is the raw path and query as on the request line.

        Raises `ConfigurationError` (2) when the state file cannot be used any more.
        """
        request = Request.received(method, target, headers, body)
        now = self._now()
        try:
            check_address(request)
            operation = find_operation(request.action)
            server_time = now + self.scenario.clock.skew_seconds
            authenticate(request, self.state, now=now, server_time=server_time, keys=self._keys)
            self._check_rate(now)
        except Refused as refused:
            return self._refusal(refused)
        fault = self._next_fault(request.action)
        if fault is None:
            return self._run(operation, request, now)
        if fault.after_effect:
            self._run(operation, request, now)
        return self._answer(fault)

    def _run(self, operation: Operation, request: Request, now: float) -> Reply:
        """The operation's own answer, from the permission check on."""
        call = Call(
            action=request.action,
            query=request.query,
            form=request.form,
            state=self.state,
            conditions=self.scenario,
            now=now,
            registry=self._registry,
            findings_of=self._findings_of,
            token=self._token,
        )
        try:
            self._check_permission(operation, request.action)
            operation.check_parameters(call.query, call.form)
            result = operation.run(call)
        except Refused as refused:
            return self._refusal(refused)
        # The time at which it was done: a later one would put what the task did before its own beginning.
        return json_reply(200, {"RequestId": request_id(), **result}, date=self._date(now))

    def _check_rate(self, now: float) -> None:
        """Raises `Refused` for a call beyond the rate of the account."""
        rate = self.scenario.rate
        if not self.state.admits(now, calls=rate.calls, seconds=rate.seconds):
            raise Refused(400, "Throttling.User", "Request was denied due to user flow control.")

    def _check_permission(self, operation: Operation, action: str) -> None:
        """Raises `Refused` when RAM denies the action (403), or the service was not bought (400)."""
        if action in self.scenario.denied:
            denied = {
                "AuthAction": f"yundun-sas:{action}",
                "AuthPrincipalType": "SubUser",
                "NoPermissionType": "ImplicitDeny",
                "PolicyType": "AccountLevelIdentityBasedPolicy",
            }
            raise Refused(403, "NoPermission", "caller has no permission", {"AccessDeniedDetail": denied})
        if operation.needs_purchase and not self.scenario.account.activated:
            raise Refused(400, "NoPermission", "no permission")

    def _next_fault(self, action: str) -> Fault | None:
        """The first fault of the scenario that strikes this call."""
        for index, fault in enumerate(self.scenario.fault):
            if fault.strikes(action) and self.state.strike(self.scenario.name, index, action, times=fault.times):
                return fault
        return None

    def _answer(self, fault: Fault) -> Reply | Dropped:
        """What the scenario answers in the operation's place."""
        if fault.drop:
            return Dropped()
        if fault.body is not None:
            return raw_reply(
                fault.http_status, fault.body.encode(), fault.content_type, date=self._date(), headers=fault.headers
            )
        body = {"Code": fault.code, "Message": fault.message, "RequestId": request_id()}
        envelope = {"Success": False} if fault.success is False else {"HostId": HOST_ID, "Recommend": ""}
        return json_reply(fault.http_status, envelope | body, date=self._date(), headers=fault.headers)

    def _refusal(self, refused: Refused) -> Reply:
        body = {
            "RequestId": request_id(),
            "HostId": HOST_ID,
            "Code": refused.code,
            "Message": refused.message,
            "Recommend": "",
            **refused.details,
        }
        return json_reply(refused.status, body, date=self._date())

    def _date(self, now: float | None = None) -> str:
        """The server's clock as an HTTP date."""
        return formatdate((self._now() if now is None else now) + self.scenario.clock.skew_seconds, usegmt=True)


def find_operation(action: str) -> Operation:
    """The operation of this name. Raises `Refused` if the sandbox does not know it."""
    operation = OPERATIONS.get(action)
    if operation is None:
        raise Refused(404, "InvalidApi.NotFound", "Specified api is not found: the sandbox does not know this action.")
    return operation


def request_id() -> str:
    """A new request id in the service's form."""
    return str(uuid.uuid4()).upper()
