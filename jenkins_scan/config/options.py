"""Every option, declared once: flag, variable, key of the configuration file, default, help, and who may set it.

The commands, the configuration file, `docs/configuration.md` and the tests all read this table.
"""

from collections.abc import Callable
from typing import Any

import click

from jenkins_scan.config.option import Command, Duration, Option
from jenkins_scan.errors import Reason
from jenkins_scan.report.interface import FORMATS

SOFT_REASONS = tuple(
    reason.slug
    for reason in (
        *(Reason.POLICY, Reason.QUOTA, Reason.IMAGE, Reason.ACCESS, Reason.SERVICE, Reason.TIMEOUT, Reason.INCOMPLETE),
    )
)
DEFAULT_REPORT_DIR = "scan-report"


LEVELS = ("critical", "high", "medium", "low", "none")

ALL = ("scan", "scan-registry", "wait", "check", "inspect", "quota", "doctor")
CLOUD = ("scan", "scan-registry", "wait", "quota", "doctor")
ASKED = (*CLOUD, "check")
CHECK = ("check",)
IMAGE = ("scan", "inspect", "check")
EVIDENCE = ("scan", "inspect")
ENGINE = (*IMAGE, "doctor")
SCAN = ("scan",)
REGISTRY = ("scan-registry",)
SUBMIT = ("scan", "scan-registry")
JUDGED = ("scan", "scan-registry", "wait")
GATED = (*JUDGED, "check")
SHOWN = ("inspect", "quota", "doctor")
DOCTOR = ("doctor",)
SHOWN_FORMATS = ("json", "table")
"""What a verb can show whose report is no result of a scan."""

OPTIONS: tuple[Option, ...] = (
    Option(
        name="region",
        metavar="ID",
        commands=ASKED,
        help="Region of your Security Center site, such as cn-hangzhou or ap-southeast-1.",
    ),
    Option(
        name="endpoint",
        metavar="URL|sandbox",
        commands=ASKED,
        help="Ask this host instead of the region's; `sandbox` is the embedded stand-in. Plain http only to loopback.",
    ),
    Option(name="vpc", switch=True, commands=ASKED, default=False, help="Use the region's VPC endpoint."),
    Option(
        name="ca-bundle",
        metavar="FILE",
        commands=ALL,
        help="PEM file with the CAs that vouch for the endpoint and for registries (else SSL_CERT_FILE).",
    ),
    Option(
        name="docker-host",
        metavar="URL",
        commands=ENGINE,
        help="Engine to ask: unix:///PATH, tcp://HOST:PORT or ssh://HOST "
        "(else DOCKER_HOST, DOCKER_CONTEXT, the current context).",
    ),
    Option(
        name="image-src",
        metavar="LIST",
        commands=ENGINE,
        default="docker,podman",
        help="Engines for a bare name, in this order; a registry is asked for registry://NAME alone.",
    ),
    Option(
        name="engine-wait",
        metavar="SECONDS",
        type=click.FloatRange(min=0, max=600),
        commands=IMAGE,
        help="How long to wait for a tcp:// engine that refuses connections, as one that is just starting does "
        "(else 10 in a Jenkins build, 0 elsewhere).",
    ),
    Option(
        name="platform",
        metavar="OS/ARCH[/VARIANT]",
        commands=(*IMAGE, *REGISTRY),
        in_found_file=True,
        help="Choose this platform of an index, and require it; another one is exit code 13.",
    ),
    Option(
        name="build-metadata",
        metavar="FILE",
        commands=EVIDENCE,
        help="What the builder wrote about the image: buildx --metadata-file, --iidfile, --digestfile or kaniko's "
        "digest files. A claim that is compared with the image; a contradiction is exit code 17.",
    ),
    Option(
        name="pushed",
        switch=True,
        default=False,
        commands=EVIDENCE,
        help="The image was pushed under its name: confirm its digest at the registry; if it is not there, or another "
        "one is, exit code 17.",
    ),
    Option(
        name="from-file",
        metavar="FILE",
        commands=IMAGE,
        help="Read more images from FILE, one a line (`-` for stdin).",
    ),
    Option(
        name="jobs",
        metavar="N",
        type=click.IntRange(min=1, max=32),
        commands=IMAGE,
        default=8,
        help="How many images are worked on side by side.",
    ),
    Option(
        name="namespace",
        metavar="TEXT",
        commands=SCAN,
        help="Namespace to list the image under (else the path without its last part).",
    ),
    Option(
        name="repo",
        metavar="TEXT",
        commands=SCAN,
        help="Repository to list the image under (else the last part of the path).",
    ),
    Option(name="tag", metavar="TEXT", commands=SCAN, help="Tag to list the image under (else the tag of IMAGE)."),
    Option(
        name="digest", metavar="HEX", commands=SCAN, help="Registry digest of the image: your claim, recorded as such."
    ),
    Option(name="uuid", metavar="TEXT", commands=SCAN, help="UUID of an image asset that the service already knows."),
    Option(
        name="registry-type",
        type=click.Choice(["acr", "harbor", "quay"]),
        commands=REGISTRY,
        repeatable=True,
        help="Kind of registry that holds the image, as Security Center lists it; repeatable.",
    ),
    Option(
        name="region-id",
        metavar="ID",
        commands=REGISTRY,
        repeatable=True,
        help="Region of the registry, such as cn-hangzhou; repeatable. (--region is that of Security Center's site.)",
    ),
    Option(
        name="instance-id",
        metavar="ID",
        commands=REGISTRY,
        repeatable=True,
        help="Instance of the registry, such as cri-…; repeatable.",
    ),
    Option(
        name="repo-namespace",
        metavar="TEXT",
        commands=REGISTRY,
        repeatable=True,
        help="Namespace, or project; repeatable.",
    ),
    Option(
        name="repo-id",
        metavar="ID",
        commands=REGISTRY,
        repeatable=True,
        help="Repository id, such as crr-…; repeatable.",
    ),
    Option(name="repo-name", metavar="TEXT", commands=REGISTRY, repeatable=True, help="Repository name; repeatable."),
    Option(
        name="digest",
        metavar="HEX",
        commands=REGISTRY,
        repeatable=True,
        help="Digest of the image, with or without sha256:; repeatable.",
    ),
    Option(
        name="tag",
        metavar="TEXT",
        commands=REGISTRY,
        repeatable=True,
        help="Tag of the image; repeatable. Needs --repo-id, or --repo-namespace and --repo-name.",
    ),
    Option(
        name="sync",
        switch=True,
        default=False,
        commands=REGISTRY,
        help="The image was pushed a moment ago: where the service does not know it yet, have it synchronised first.",
    ),
    Option(
        name="all-images",
        switch=True,
        default=False,
        commands=REGISTRY,
        help="Allow filters that select more than named images; needs --max-images.",
    ),
    Option(
        name="max-images",
        metavar="N",
        type=click.IntRange(min=1),
        commands=REGISTRY,
        help="Create nothing when the precheck counts more images (else the number of images, digests or tags named).",
    ),
    Option(name="source-ip", metavar="IP", commands=SUBMIT, help="Source address to report; normally left out."),
    Option(
        name="jenkins-env",
        type=click.Choice(["", "release"]),
        metavar="''|release",
        commands=SCAN,
        help="`release` marks a release build for the service; normally left out.",
    ),
    Option(
        name="min-quota",
        metavar="N",
        type=click.IntRange(min=0),
        commands=(*SUBMIT, *DOCTOR),
        default=1,
        help="Open no task when less image-scan quota remains; 0 turns this gate off.",
    ),
    Option(
        name="fail-on",
        type=click.Choice(LEVELS),
        commands=(*GATED, *DOCTOR),
        in_found_file=True,
        help="End with 10 when a finding is at or above this severity; a scan is then waited for.",
        help_for=(
            ("check", "End with 10 when a finding is at or above this severity (else high)."),
            ("doctor", "As of the scan: with a gate it needs more permissions, which are then looked at."),
        ),
    ),
    Option(
        name="warn-on",
        type=click.Choice(LEVELS),
        commands=(*GATED, *DOCTOR),
        in_found_file=True,
        help="End with 11 when a finding is at or above this severity; a scan is then waited for.",
        help_for=(
            ("check", "End with 11 when a finding is at or above this severity."),
            ("doctor", "As of the scan: with a gate it needs more permissions, which are then looked at."),
        ),
    ),
    Option(
        name="fixable-only",
        switch=True,
        commands=GATED,
        default=False,
        help="Let findings through for which no fix is known.",
    ),
    Option(
        name="wait",
        negatable=True,
        commands=SUBMIT,
        help="Wait for the scan and judge it, without a gate as with --fail-on high. A gate waits by itself.",
    ),
    Option(
        name="timeout",
        metavar="TIME",
        type=Duration(),
        commands=JUDGED,
        default="15m",
        in_found_file=True,
        help="How long to wait for the scan; then exit code 16. In a registry scan also for a free task slot; then 12.",
    ),
    Option(
        name="waivers",
        metavar="FILE",
        commands=GATED,
        in_found_file=True,
        help="TOML file of accepted findings, each with a reason and a last day.",
    ),
    Option(
        name="baseline",
        metavar="FILE|jenkins",
        commands=JUDGED,
        in_found_file=True,
        help="The result.json of an earlier run: only what is new against it is gated. `jenkins` fetches that of the "
        "last successful build of this job, in a pull request of its target branch, from the controller.",
    ),
    Option(
        name="baseline",
        metavar="FILE",
        commands=CHECK,
        help="The result.json of an earlier check: only what is new against it is gated.",
    ),
    Option(
        name="soft",
        metavar="REASON[,REASON]",
        commands=JUDGED,
        help=f"End with 11 (warn) instead of the code of these reasons: {', '.join(SOFT_REASONS)}.",
    ),
    Option(
        name="output",
        short="-o",
        metavar="FORMAT[=PATH]",
        commands=JUDGED,
        repeatable=True,
        in_found_file=True,
        help=f"Report on stdout or into PATH; repeatable. Formats: {', '.join(FORMATS)}.",
    ),
    Option(
        name="output",
        short="-o",
        metavar="FORMAT[=PATH]",
        commands=CHECK,
        repeatable=True,
        help=f"Report on stdout or into PATH; repeatable. Formats: {', '.join(FORMATS)}.",
    ),
    Option(
        name="output",
        short="-o",
        metavar="FORMAT[=PATH]",
        commands=SHOWN,
        repeatable=True,
        help=f"Report on stdout or into PATH; repeatable. Formats: {', '.join(SHOWN_FORMATS)}.",
    ),
    Option(
        name="report-dir",
        metavar="DIR",
        commands=(*JUDGED, *DOCTOR),
        default=DEFAULT_REPORT_DIR,
        in_found_file=True,
        help="Folder for result.json, summary.txt and a report in every format; old ones in it are replaced.",
    ),
    Option(
        name="report-dir",
        metavar="DIR",
        commands=CHECK,
        help="Folder for result.json, summary.txt and a report in every format; without it no folder is written.",
    ),
    Option(
        name="describe-build",
        switch=True,
        default=False,
        commands=JUDGED,
        help="Set the description of this Jenkins build to the verdict in one line, through the controller.",
    ),
    Option(
        name="scenario",
        metavar="NAME|FILE",
        commands=CLOUD,
        help="Behaviour of the sandbox: a ready-made scenario or a TOML file.",
    ),
    Option(
        name="registry-url",
        metavar="URL",
        commands=REGISTRY,
        help="Sandbox alone: a docker registry on loopback, whose images it knows as those of a Harbor.",
    ),
    Option(
        name="state",
        metavar="FILE",
        commands=CLOUD,
        help="Keep the sandbox's tasks and quota in this file between runs.",
    ),
)

GLOBAL_OPTIONS: tuple[Option, ...] = (
    Option(
        name="color",
        type=click.Choice(["auto", "always", "never"]),
        commands=("",),
        default="auto",
        in_found_file=True,
        help="Colour on stderr; auto means on a terminal, unless NO_COLOR is set.",
    ),
    Option(
        name="config",
        metavar="FILE",
        commands=("",),
        help="Configuration file (else .jenkins-scan.toml in the working folder, if there).",
    ),
)


def options_of(
    command: str, completion: Callable[[Option, str], Callable[..., Any] | None] = lambda _option, _command: None
) -> Callable[[Command], Command]:
    """A decorator that gives a click command its options, in the order of the table.

    `completion` tells how the values of an option of this command are completed in a shell; None: by click.
    """

    def decorate(function: Command) -> Command:
        for option in reversed([option for option in OPTIONS if command in option.commands]):
            function = option.of(command).decorate(function, completion(option, command))
        return function

    return decorate
