"""Security Center put together for a verb: the real endpoint with the user's keys, or the sandbox with its own."""

import contextlib
from collections.abc import Iterator

from pydantic import SecretStr

from jenkins_scan.cli.app import App
from jenkins_scan.config.settings import ServiceSettings
from jenkins_scan.security_center import ram_credentials
from jenkins_scan.security_center.client import SecurityCenterClient
from jenkins_scan.security_center.connect import connect
from jenkins_scan.security_center.credentials import from_environment, read_token
from jenkins_scan.security_center.endpoints import Endpoint


@contextlib.contextmanager
def open_service(app: App, settings: ServiceSettings, *, with_token: bool) -> Iterator[SecurityCenterClient]:
    """The client, closed at the end. Raises `ScanError`: credentials (14), settings (2)."""
    with contextlib.ExitStack() as stack:
        if settings.endpoint is None:
            yield _sandbox(app, settings, stack)
            return
        credentials = from_environment(app.environ) or ram_credentials.from_default_chain()
        token = read_token(app.environ) if with_token else None
        for secret in (*credentials.secrets(), *(() if token is None else (token.get_secret_value(),))):
            app.terminal.redact.add(secret)
        http = stack.enter_context(
            connect(
                settings.endpoint,
                credentials,
                ca_bundle=settings.ca_bundle,
                environ=app.environ,
                now=app.clock.now,
            )
        )
        yield SecurityCenterClient(http, settings.endpoint, token, app.clock)


def _sandbox(app: App, settings: ServiceSettings, stack: contextlib.ExitStack) -> SecurityCenterClient:
    # Imported only when asked for: a real scan carries no stand-in.
    from jenkins_scan import sandbox
    from jenkins_scan.sandbox.scenarios import load_scenario
    from jenkins_scan.sandbox.service import SandboxService
    from jenkins_scan.sandbox.state import State
    from jenkins_scan.sandbox.transport import SandboxTransport
    from jenkins_scan.security_center.credentials import Credentials

    scenario = load_scenario(settings.scenario or "clean")
    state = stack.enter_context(State(settings.state or ":memory:"))
    credentials = Credentials(sandbox.ACCESS_KEY_ID, SecretStr(sandbox.ACCESS_KEY_SECRET), provider="sandbox")
    endpoint = Endpoint(url="http://sandbox", region=settings.region)
    now = app.clock.now
    transport = SandboxTransport(SandboxService(scenario, state, now=now, registry_url=settings.registry_url))
    http = stack.enter_context(
        connect(endpoint, credentials, ca_bundle=None, environ=app.environ, transport=transport, now=now)
    )
    return SecurityCenterClient(http, endpoint, SecretStr(sandbox.TOKEN), app.clock)
