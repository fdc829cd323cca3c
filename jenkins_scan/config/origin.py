"""Where values come from: flag, environment variable, configuration file or default."""

from collections.abc import Mapping
from enum import StrEnum

import click
from click.core import ParameterSource

from jenkins_scan.config.options import GLOBAL_OPTIONS, OPTIONS
from jenkins_scan.errors import ConfigurationError
from jenkins_scan.security_center.variables import SECRET_VARIABLES
from jenkins_scan.spelling import hint

VARIABLE_PREFIX = "JENKINS_SCAN_"


class Origin(StrEnum):
    """Where a value came from; an earlier one wins over a later one."""

    FLAG = "flag"
    ENVIRONMENT = "environment"
    FILE = "file"
    DEFAULT = "default"


def origin_of(context: click.Context, parameter: str) -> Origin:
    """The origin of one parameter of the running command."""
    match context.get_parameter_source(parameter):
        case ParameterSource.COMMANDLINE | ParameterSource.PROMPT:
            return Origin.FLAG
        case ParameterSource.ENVIRONMENT:
            return Origin.ENVIRONMENT
        case ParameterSource.DEFAULT_MAP:
            return Origin.FILE
        case _:
            return Origin.DEFAULT


def check_variables(environ: Mapping[str, str]) -> None:
    """Refuses a `JENKINS_SCAN_*` variable that nothing reads: a typing error must not drop what was asked for.

    Raises `ConfigurationError` (2) with a suggestion.
    """
    known = [option.variable for option in (*OPTIONS, *GLOBAL_OPTIONS)]
    known += [name for secret in SECRET_VARIABLES for name in (secret, f"{secret}_FILE")]
    for name in environ:
        if name.startswith(VARIABLE_PREFIX) and name not in known:
            raise ConfigurationError(
                f"{name}: no option reads this variable{hint(name, known)}",
                remedy="Unset it, or see docs/configuration.md for the names.",
            )
