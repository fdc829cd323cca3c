"""`jenkins-scan sandbox serve`: the embedded Security Center on loopback."""

import click

from jenkins_scan.cli.app import App
from jenkins_scan.cli.completion import files, scenarios


@click.group("sandbox")
def command() -> None:
    """The embedded stand-in for Security Center, for trying out and for tests. It scans nothing."""


@command.command("serve")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, show_default=True, help="Port on loopback; 0 takes a free one."
)
@click.option(
    "--scenario",
    metavar="NAME|FILE",
    default="clean",
    show_default=True,
    shell_complete=scenarios,
    help="Behaviour: a ready-made scenario or a TOML file.",
)
@click.option(
    "--state",
    metavar="FILE",
    shell_complete=files,
    help="Keep tasks and quota in this file; otherwise they live as long as the server.",
)
@click.option(
    "--registry-url", metavar="URL", help="A real registry on loopback whose images the account has, as a harbor."
)
@click.pass_context
def serve(context: click.Context, *, port: int, scenario: str, state: str | None, registry_url: str | None) -> int:
    """Serve the stand-in on 127.0.0.1 until a signal comes.

    When it is ready it prints one JSON line: {"url", "access_key_id", "access_key_secret", "token"}. The keys are its
    own and open nothing else.
    """
    import json

    from jenkins_scan import sandbox
    from jenkins_scan.errors import Interrupted
    from jenkins_scan.sandbox.scenarios import load_scenario
    from jenkins_scan.sandbox.server import SandboxServer
    from jenkins_scan.sandbox.service import SandboxService
    from jenkins_scan.sandbox.state import State

    app = App.of(context)
    behaviour = load_scenario(scenario)
    with State(state or ":memory:") as memory:
        server = SandboxServer(SandboxService(behaviour, memory, registry_url=registry_url), port=port)
        ready = {
            "url": server.url,
            "access_key_id": sandbox.ACCESS_KEY_ID,
            "access_key_secret": sandbox.ACCESS_KEY_SECRET,
            "token": sandbox.TOKEN,
        }
        app.terminal.report(json.dumps(ready) + "\n")
        app.terminal.note(
            f"sandbox: a stand-in for Security Center, scenario {scenario}; it scans nothing. Stop it with Ctrl-C."
        )
        try:
            server.serve_forever()
        except Interrupted:
            pass  # the way to end it
        finally:
            server.shutdown()
    return 0
