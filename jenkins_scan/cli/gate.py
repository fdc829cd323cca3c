"""What a scan is judged by: the gates of flags, variables and files together, and whether it waits at all."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from jenkins_scan.cli.app import App
from jenkins_scan.config.file import FOUND_NAME
from jenkins_scan.config.origin import Origin, origin_of
from jenkins_scan.errors import ConfigurationError
from jenkins_scan.findings import Kind
from jenkins_scan.gate.policy import Policy, gates_never_met, policy_from, stricter
from jenkins_scan.loopback import is_loopback

if TYPE_CHECKING:
    from jenkins_scan.gate.image import Judging

GATES = ("fail_on", "warn_on")
CONTROLLER = "jenkins"
"""The `--baseline` that is no file: the controller has it."""


def judging_of(app: App, context: click.Context, values: Mapping[str, Any]) -> "tuple[Judging | None, list[str]]":
    """What the run is judged by, None when it only submits, and warnings. Raises `ConfigurationError` (2)."""
    by_user, found = policies_of(app, context, values)
    policy, waits, warnings = stricter(by_user, found), values["wait"], []
    if waits is False:
        if by_user.has_gate:
            raise ConfigurationError(
                "--no-wait and a gate: what nobody waits for cannot be judged.",
                remedy="Leave out --no-wait, or the gate (--fail-on, --warn-on, [policy]).",
            )
        if found.has_gate:
            warnings.append("the gates of the configuration file in the workspace are not applied: --no-wait.")
    elif waits and not by_user.has_gate and "none" in (values["fail_on"], values["warn_on"]):
        raise ConfigurationError(
            "to wait with --fail-on none judges nothing.",
            remedy="Name a level (critical, high, medium, low), or leave out the wait.",
        )
    elif waits and not by_user.has_gate:  # a file of the workspace may make this stricter, and never weaker
        policy = stricter(policy_from({}, fail_on="high", fixable_only=values["fixable_only"] or None), found)
    if waits is False or not policy.has_gate:
        _require_use(context, values)
        return None, warnings
    from jenkins_scan.gate.image import Judging

    warnings += gates_never_met(policy)
    return Judging(
        policy=policy,
        timeout=values["timeout"],
        waivers=_waivers(app, values["waivers"], warnings),
        baseline=_baseline(app, values, warnings),
    ), warnings


def judging_here(app: App, context: click.Context, values: Mapping[str, Any]) -> "tuple[Judging, list[str]]":
    """What a check on this machine judges by, and warnings.

    What it can find fails at high, unless its user says otherwise; a file found in the workspace makes that stricter,
    and never weaker.

    Raises `ConfigurationError` (2).
    """
    from jenkins_scan.gate.image import Judging
    from jenkins_scan.local.checks import KINDS

    warnings: list[str] = []
    by_user, found = policies_of(app, context, values)
    fixable = values["fixable_only"] or None
    for kind in KINDS:
        if (
            by_user.fail_on[kind] is None
            and by_user.warn_on[kind] is None
            and not _turned_off(app, context, values, kind)
        ):
            by_user = stricter(by_user, policy_from({kind.value: {"fail_on": "high"}}, fixable_only=fixable))
    policy = stricter(by_user, found)
    if "none" in (values["fail_on"], values["warn_on"]) and not policy.gated_kinds.intersection(KINDS):
        raise ConfigurationError(
            "a check with --fail-on none judges nothing.",
            remedy="Name a level (critical, high, medium, low), or leave the option out: then it is high.",
        )
    warnings += gates_never_met(policy)
    waivers = _waivers(app, values["waivers"], warnings)
    return Judging(
        policy=policy, timeout=None, waivers=waivers, baseline=_earlier_check(app, values, warnings)
    ), warnings


def _turned_off(app: App, context: click.Context, values: Mapping[str, Any], kind: Kind) -> bool:
    """Whether its user, not a file that was found, said that no finding of this kind fails."""
    table = {} if app.file.found else app.file.values.get("policy", {})
    by_file = table.get(kind.value, {}).get("fail_on", table.get("fail_on"))
    is_found = app.file.found and origin_of(context, "fail_on") is Origin.FILE
    return bool((by_file if is_found or values["fail_on"] is None else values["fail_on"]) == "none")


def policies_of(app: App, context: click.Context, values: Mapping[str, Any]) -> tuple[Policy, Policy]:
    """The policy of whoever runs the tool, and that of a file found in the workspace. Raises as `judging_of`."""
    fixable = values.get("fixable_only") or None
    table = app.file.values.get("policy", {})
    if not app.file.found:
        return policy_from(table, values["fail_on"], values["warn_on"], fixable), Policy()
    own = {name: None if origin_of(context, name) is Origin.FILE else values[name] for name in GATES}
    general = {name: app.file.values[name] for name in GATES if name in app.file.values}
    shown = f"[policy] of {FOUND_NAME}"
    return policy_from({}, own["fail_on"], own["warn_on"], fixable), policy_from(
        {**general, **table}, fixable_only=fixable, shown=shown
    )


def _require_use(context: click.Context, values: Mapping[str, Any]) -> None:
    """Refuses what only a judgement would use, so that nobody believes it was applied."""
    for name in ("waivers", "baseline", "fixable_only"):
        if values[name] and origin_of(context, name) is not Origin.FILE:
            flag = f"--{name.replace('_', '-')}"
            raise ConfigurationError(
                f"{flag} belongs to a gate, and none was asked for.", remedy=f"Add --fail-on high, or leave {flag} out."
            )


def _waivers(app: App, named: str | None, warnings: list[str]) -> tuple[Any, ...]:
    if not named or _is_a_forks(app, named, "waivers", warnings):
        return ()
    from jenkins_scan.gate.waiver_file import read_waivers

    return read_waivers(Path(named))


def _baseline(app: App, values: Mapping[str, Any], warnings: list[str]) -> Any:
    named = values["baseline"]
    if named == CONTROLLER:
        from jenkins_scan.cli.controller import baseline_of_controller

        return baseline_of_controller(app, values, warnings, sandbox=_may_be_sandbox(values["endpoint"]))
    if not named or _is_a_forks(app, named, "the baseline", warnings):
        return None
    from jenkins_scan.gate.baseline import read_baseline

    return read_baseline(Path(named), sandbox=_may_be_sandbox(values["endpoint"]))


def _earlier_check(app: App, values: Mapping[str, Any], warnings: list[str]) -> Any:
    named = values["baseline"]
    if named == CONTROLLER:
        raise ConfigurationError(
            "--baseline jenkins is of a scan, which finds other things than a check.",
            remedy="Name the result.json of an earlier check, or leave --baseline out.",
        )
    if not named or _is_a_forks(app, named, "the baseline", warnings):
        return None
    from jenkins_scan.gate.baseline import read_baseline

    return read_baseline(Path(named), sandbox=False, local=True)


def kept(values: Mapping[str, Any]) -> list[Path]:
    """The baseline's file, which may be the report of the last run: it stays until this one's is written."""
    named = values["baseline"]
    return [Path(named)] if named and named != CONTROLLER else []


def _may_be_sandbox(endpoint: str | None) -> bool:
    """Whether a sandbox can answer there: its own name, or this machine."""
    if endpoint is None or endpoint == "sandbox":
        return endpoint is not None
    try:
        return is_loopback(urlsplit(endpoint).hostname or "")
    except ValueError:  # the settings will refuse it, and say why
        return True


def _is_a_forks(app: App, named: str, what: str, warnings: list[str]) -> bool:
    found = in_a_forks_workspace(app, named)
    if found:
        warnings.append(f"{what} in the workspace of a fork's build are not applied: its author may have written them.")
    return found


def in_a_forks_workspace(app: App, named: str) -> bool:
    """Whether the file lies in the workspace of a fork's build, whose author may have written it or a link to it."""
    if not app.build.from_fork:
        return False
    workspaces = [Path.cwd(), *(Path(text) for text in [app.environ.get("WORKSPACE", "")] if text)]
    try:
        places = [Path(named).resolve(), Path(os.path.normpath(Path.cwd() / named))]
        roots = [each for workspace in workspaces for each in (workspace, workspace.resolve())]
        return any(place.is_relative_to(root) for place in places for root in roots)
    except (OSError, RuntimeError, ValueError):
        return True
