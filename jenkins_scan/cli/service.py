"""Security Center put together for a verb: the real endpoint with the user's keys, or the sandbox with its own."""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic import SecretStr

from jenkins_scan.cli.app import App
from jenkins_scan.config.settings import ServiceSettings
from jenkins_scan.security_center import ram_credentials
from jenkins_scan.security_center.client import SecurityCenterClient
from jenkins_scan.security_center.connect import connect
from jenkins_scan.security_center.credentials import Credentials, from_environment, read_token
from jenkins_scan.security_center.endpoints import Endpoint

if TYPE_CHECKING:
    from jenkins_scan.step.stand_in import StandIn


@contextlib.contextmanager
def open_service(
    app: App, settings: ServiceSettings, *, with_token: bool, stand_in: "StandIn | None" = None
) -> Iterator[SecurityCenterClient]:
    """The client, closed at the end. Raises `ScanError`: credentials (14), settings (2).

    `stand_in` knows what the sandbox finds in images when no scenario says it.
    """
    with contextlib.ExitStack() as stack:
        if settings.endpoint is None:
            yield open_sandbox(app, settings, stack, stand_in)
            return
        credentials = find_credentials(app)
        token = read_token(app.environ) if with_token else None
        if token is not None:
            app.terminal.redact.add(token.get_secret_value())
        yield open_endpoint(app, settings, settings.endpoint, credentials, token, stack)


def find_credentials(app: App, *, longest_wait: float = ram_credentials.LONGEST_WAIT) -> Credentials:
    """The keys of the environment, else of the default chain, hidden from now on. Raises `CredentialsMissing` (14)."""
    credentials = from_environment(app.environ) or ram_credentials.from_default_chain(longest_wait=longest_wait)
    for secret in credentials.secrets():
        app.terminal.redact.add(secret)
    return credentials


def open_endpoint(  # noqa: PLR0913, PLR0917  each is a part of the way
    app: App,
    settings: ServiceSettings,
    endpoint: Endpoint,
    credentials: Credentials | None,
    token: SecretStr | None,
    stack: contextlib.ExitStack,
) -> SecurityCenterClient:
    """A client of the real endpoint, closed by the stack; without credentials it signs nothing. Raises as `connect`."""
    http = stack.enter_context(
        connect(endpoint, credentials, ca_bundle=settings.ca_bundle, environ=app.environ, now=app.clock.now)
    )
    return SecurityCenterClient(http, endpoint, token, app.clock)


def sandbox_credentials() -> Credentials:
    """The sandbox's own keys."""
    from jenkins_scan import sandbox

    return Credentials(sandbox.ACCESS_KEY_ID, SecretStr(sandbox.ACCESS_KEY_SECRET), provider="sandbox")


def open_sandbox(
    app: App, settings: ServiceSettings, stack: contextlib.ExitStack, stand_in: "StandIn | None" = None
) -> SecurityCenterClient:
    """A client of the sandbox in this process. Raises `ConfigurationError` (2)."""
    # Imported only when asked for: a real scan carries no stand-in.
    from jenkins_scan import sandbox
    from jenkins_scan.sandbox.scenarios import load_scenario
    from jenkins_scan.sandbox.service import SandboxService
    from jenkins_scan.sandbox.state import State
    from jenkins_scan.sandbox.transport import SandboxTransport
    from jenkins_scan.step.stand_in import StandIn

    scenario = load_scenario(settings.scenario or "clean")
    state = stack.enter_context(State(settings.state or ":memory:"))
    endpoint = Endpoint(url="http://sandbox", region=settings.region)
    now = app.clock.now
    # A scenario that was named says all there is to find. Without one an image that nobody looked into has no findings,
    # and those that an earlier run noted in the state are listed.
    findings_of = None if settings.scenario else StandIn().found if stand_in is None else stand_in.found
    transport = SandboxTransport(
        SandboxService(scenario, state, now=now, registry_url=settings.registry_url, findings_of=findings_of)
    )
    http = stack.enter_context(
        connect(endpoint, sandbox_credentials(), ca_bundle=None, environ=app.environ, transport=transport, now=now)
    )
    return SecurityCenterClient(http, endpoint, SecretStr(sandbox.TOKEN), app.clock)
