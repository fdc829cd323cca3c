"""`jenkins-scan quota`: how many image scans are left."""

from typing import Any

import click

from jenkins_scan.cli.app import App
from jenkins_scan.cli.completion import option_completion
from jenkins_scan.config.options import options_of


@click.command("quota")
@options_of("quota", option_completion)
@click.pass_context
def command(context: click.Context, /, **values: Any) -> int:
    """Show the account's image-scan quota: capacity, used and remaining. Opens no task and uses no quota."""
    import json

    from jenkins_scan.cli.service import open_service
    from jenkins_scan.config.settings import service_settings
    from jenkins_scan.report.summary import SANDBOX_STAMP
    from jenkins_scan.report.table import tabulate
    from jenkins_scan.step.opening import SUBMIT_BUDGET

    app = App.of(context)
    outputs = app.outputs(values["output"])
    settings = service_settings(values, **app.service_arguments(context))
    with open_service(app, settings, with_token=False) as center:
        quota = center.describe_image_scan_auth_count(deadline=app.clock.monotonic() + SUBMIT_BUDGET).value
        sandbox = center.is_sandbox
    numbers = {"capacity": quota.capacity, "used": quota.used, "remaining": quota.remaining}
    stamp = [("sandbox", SANDBOX_STAMP)] if sandbox else []
    texts = {
        "json": json.dumps({**numbers, "sandbox": sandbox}, indent=2) + "\n",
        "table": tabulate([*stamp, *((name, str(number)) for name, number in numbers.items())]),
    }
    for output in outputs:
        app.deliver(output, [texts[output.format]])
    return 0
