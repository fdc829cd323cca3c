"""The Jenkins build around this run: which variables it has, and whether its workspace can be written."""

import os
from collections.abc import Mapping
from typing import Final

from jenkins_scan.doctor.report import Outcome, good, skipped, warning
from jenkins_scan.jenkins.environment import JenkinsBuild

EXPECTED: Final = ("JOB_NAME", "BUILD_NUMBER", "BUILD_URL")


def check(build: JenkinsBuild, environ: Mapping[str, str]) -> Outcome:
    """The build as the reports will name it."""
    if not build.on_jenkins:
        return skipped("this is not a Jenkins build.", "Nothing to do, unless it should be one: run it within `node`.")
    known = {"JOB_NAME": build.job, "BUILD_NUMBER": build.number, "BUILD_URL": build.links.build}
    named = [f"{name} {known[name]}" for name in EXPECTED if known[name] is not None]
    seen = f"{build.kind or 'a build'}{' of a fork' if build.from_fork else ''}: {', '.join(named) or 'no label'}"
    problems = [f"{name} is not set, or not usable" for name in EXPECTED if known[name] is None]
    remedies = []
    if problems:
        remedies.append(
            "Configure the Jenkins URL (Manage Jenkins > System) for BUILD_URL, and hand the variables of the build on "
            "to containers. Without them reports do not name the build."
        )
    workspace = environ.get("WORKSPACE")
    if not workspace:
        problems.append("WORKSPACE is not set")
        remedies.append("Run the step within `node` (or an agent) and hand WORKSPACE on to containers.")
    elif not os.access(workspace, os.W_OK | os.X_OK):
        problems.append(f"the workspace {workspace} is not there or cannot be written")
        remedies.append("Mount the workspace into the container, and run as the user who owns it.")
    else:
        seen += ", the workspace can be written"
    if problems:
        return warning(f"{seen}; {'; '.join(problems)}.", " ".join(remedies))
    return good(f"{seen}.")
